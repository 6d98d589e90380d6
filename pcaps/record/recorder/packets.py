"""Reads and writes classic pcap files, and the few header fields the recorder needs. Ethernet, IPv4, IPv6, TCP, UDP."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC_MICROS = 0xA1B2C3D4
TCP, UDP = 6, 17
SYN, ACK = 0x02, 0x10
DNS_PORT = 53


@dataclass(frozen=True)
class Packet:
    """One TCP or UDP packet. ``ts`` is microseconds; ``start`` is where the transport header begins in ``frame``."""

    ts: int
    frame: bytes
    start: int
    protocol: int
    src: str
    src_port: int
    dst: str
    dst_port: int

    @property
    def payload(self) -> bytes:
        """The bytes above TCP or UDP."""
        size = (self.frame[self.start + 12] >> 4) * 4 if self.protocol == TCP else 8
        return self.frame[self.start + size : self._end()]

    @property
    def opens(self) -> bool:
        """True for the SYN of a new TCP connection."""
        return self.protocol == TCP and self.frame[self.start + 13] & (SYN | ACK) == SYN

    def _end(self) -> int:
        # Short frames are padded on a real wire: the IP header says where the packet ends.
        if self.frame[12:14] == b"\x08\x00":
            return 14 + int(struct.unpack_from("!H", self.frame, 16)[0])
        return 54 + int(struct.unpack_from("!H", self.frame, 18)[0])


@dataclass(frozen=True, order=True)
class Session:
    """One transport session, client side first. ``ts`` is the first packet's time in microseconds."""

    ts: int
    protocol: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int

    @property
    def key(self) -> tuple[str, str, int, str, int]:
        """The 5-tuple."""
        return (self.protocol, self.src_ip, self.src_port, self.dst_ip, self.dst_port)


def frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every frame with its time in microseconds."""
    data = path.read_bytes()
    order = "<" if struct.unpack_from("<I", data)[0] == MAGIC_MICROS else ">"
    if struct.unpack_from(f"{order}I", data)[0] != MAGIC_MICROS:
        raise ValueError(f"{path}: not a classic pcap file with microseconds")
    at = 24
    while at + 16 <= len(data):
        seconds, micros, size, _ = struct.unpack_from(f"{order}IIII", data, at)
        yield seconds * 1_000_000 + micros, data[at + 16 : at + 16 + size]
        at += 16 + size


def write(path: Path, content: list[tuple[int, bytes]]) -> None:
    """Write frames as a classic little-endian pcap file, link type Ethernet."""
    with path.open("wb") as stream:
        stream.write(struct.pack("<IHHiIII", MAGIC_MICROS, 2, 4, 0, 0, 262144, 1))
        for ts, frame in content:
            stream.write(struct.pack("<IIII", *divmod(ts, 1_000_000), len(frame), len(frame)) + frame)


def decode(ts: int, frame: bytes) -> Packet | None:
    """Return the packet in a frame, or None when it is neither TCP nor UDP."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        protocol, start = frame[23], 14 + (frame[14] & 15) * 4
        src, dst = frame[26:30], frame[30:34]
    elif kind == b"\x86\xdd":
        protocol, start = frame[20], 54
        src, dst = frame[22:38], frame[38:54]
    else:
        return None
    if protocol not in {TCP, UDP}:
        return None
    ports = struct.unpack_from("!HH", frame, start)
    source, target = str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst))
    return Packet(ts, frame, start, protocol, source, ports[0], target, ports[1])


def packets(path: Path) -> Iterator[Packet]:
    """Every TCP and UDP packet of a capture."""
    for ts, frame in frames(path):
        packet = decode(ts, frame)
        if packet:
            yield packet


def sessions(path: Path, client: set[str]) -> list[Session]:
    """Every session the client addresses opened: TCP by its SYN, UDP by its first datagram."""
    found: dict[tuple[str, str, int, str, int], Session] = {}
    for packet in packets(path):
        if packet.src not in client or (packet.protocol == TCP and not packet.opens):
            continue
        name = "tcp" if packet.protocol == TCP else "udp"
        session = Session(packet.ts, name, packet.src, packet.src_port, packet.dst, packet.dst_port)
        found.setdefault(session.key, session)
    return sorted(found.values())
