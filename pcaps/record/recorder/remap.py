"""Maps the recording's private addresses to public ones: packet headers with tcprewrite, DNS answers by hand.

tcprewrite does not look into payloads, so an answer would go on naming the private address and no sensor could tie the
name to the connection. Addresses inside DNS answers are rewritten here, and the UDP checksum made anew.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from recorder import dns_message, packets
from recorder.network import run

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan


def rewrite(raw: Path, target: Path, plan: Plan) -> None:
    """Write the shipped capture from the raw one."""
    middle = target.with_suffix(".headers")
    pairs = [(key, value) for key, value in plan.mapping.items() if key != value]
    four = ",".join(f"{key}/32:{value}/32" for key, value in pairs if "." in key)
    six = ",".join(f"[{key}/128]:[{value}/128]" for key, value in pairs if ":" in key)
    run("tcprewrite", "--infile", str(raw), "--outfile", str(middle), f"--pnat={four},{six}", "--fixcsum")
    packets.write(target, [(ts, _answers(ts, frame, plan)) for ts, frame in packets.frames(middle)])
    middle.unlink()


def _answers(ts: int, frame: bytes, plan: Plan) -> bytes:
    packet = packets.decode(ts, frame)
    if not packet or packet.src_port != packets.DNS_PORT or not packet.payload:
        return frame
    if packet.protocol != packets.UDP:
        raise ValueError("DNS over TCP in the recording: its answers are not rewritten")
    data = bytearray(packet.payload)
    for at, address in dns_message.parse(packet.payload).addresses:
        new = ipaddress.ip_address(plan.map(address)).packed
        data[at : at + len(new)] = new
    head = bytearray(frame[: packet.start + 8])
    head[packet.start + 6 : packet.start + 8] = b"\0\0"
    head[packet.start + 6 : packet.start + 8] = struct.pack("!H", _checksum(packet, bytes(head[packet.start :] + data)))
    return bytes(head + data)


def _checksum(packet: packets.Packet, datagram: bytes) -> int:
    source, target = (ipaddress.ip_address(address).packed for address in (packet.src, packet.dst))
    data = source + target + struct.pack("!HH", packets.UDP, len(datagram)) + datagram
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF) or 0xFFFF
