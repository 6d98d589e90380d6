"""Whose packet a frame is, against Wireshark's own reading."""

from __future__ import annotations

import struct
import subprocess
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.capture import captures
from whosasking.sensors.capture import frames
from zeek import make_traces as traces

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT = struct.pack("!HHIIBBHHH", 40_001, 43, 1, 1, 5 << 4, 0x18, 64_000, 0, 0) + b"example.com\r\n"
V4 = traces.ip_packet(6, "10.20.0.5", "199.7.48.74", SEGMENT)[14:]
V6 = traces.ip_packet(6, "2001:db8::5", "2001:db8:1::43", SEGMENT)[14:]
MACS = bytes(range(12))


def v6(following: int, body: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(body), following, 64) + traces.ends("2001:db8::5", "2001:db8:1::43") + body


def options(packet: bytes) -> bytes:
    """An IPv4 header with eight bytes of options."""
    head = bytearray(packet[:20])
    head[0], head[2:4] = 0x47, struct.pack("!H", len(packet) + 8)
    return bytes(head) + b"\x01" * 8 + packet[20:]


WAYS = {
    "ethernet": (1, MACS + b"\x08\x00" + V4),
    "ipv6": (1, MACS + b"\x86\xdd" + V6),
    "options": (1, MACS + b"\x08\x00" + options(V4)),
    "vlan": (1, MACS + b"\x81\x00\x00\x07\x08\x00" + V4),
    "qinq": (1, MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x08\x86\xdd" + V6),
    "pppoe": (1, MACS + b"\x88\x64\x11\x00\x00\x01" + struct.pack("!H", len(V4) + 2) + b"\x00\x21" + V4),
    "raw": (101, V4),
    "raw ipv6": (101, V6),
    "loopback": (0, b"\x02\0\0\0" + V4),
    "cooked": (113, bytes(14) + b"\x08\x00" + V4),
    "cooked 2": (276, b"\x86\xdd" + bytes(18) + V6),
    "hop by hop": (101, v6(0, b"\x06\x00" + b"\x01\x04\0\0\0\0" + SEGMENT)),
    "ip in ip": (101, traces.ip_packet(4, "192.0.2.1", "192.0.2.2", V4)[14:]),
    "ipv6 in ip": (101, traces.ip_packet(41, "192.0.2.1", "192.0.2.2", V6)[14:]),
}


def told(link: int, data: bytes, folder: Path) -> list[str]:
    """Addresses and ports of the innermost session, by tshark."""
    path = folder / "one.pcap"
    path.write_bytes(captures.pcap([captures.packet(1, data)], link=link))
    names = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport"]
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=l"]
    command += [part for name in names for part in ("-e", name)]
    row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip("\n").split("\t")
    return row[2:] if row[2] else row[:2] + row[4:]


@captures.sensor("tshark")
@pytest.mark.parametrize("way", WAYS)
def test_the_session_of_a_frame_is_wireshark_s(way: str, tmp_path: Path) -> None:
    link, data = WAYS[way]
    found = frames.ends(link, data)
    assert found is not None
    mine = [str(ip_address(found.src)), str(ip_address(found.dst)), str(found.src_port), str(found.dst_port)]
    assert mine == told(link, data, tmp_path)
    ethernet = frames.to_ethernet(link, data)
    assert ethernet is not None
    assert told(1, ethernet, tmp_path) == mine


def test_later_fragments_are_known_by_their_datagram() -> None:
    first, later = bytearray(V4), bytearray(V4)
    first[4:8], later[4:8] = b"\x12\x34\x20\x00", b"\x12\x34\x00\x10"
    begin, rest = frames.ends(101, bytes(first)), frames.ends(101, bytes(later))
    assert begin is not None
    assert rest is not None
    assert (begin.src_port, begin.fragment, rest.src_port, rest.fragment) == (40_001, 0x1234, None, 0x1234)
    six = frames.ends(101, v6(44, struct.pack("!BBHI", 6, 0, 0x10, 77) + SEGMENT))
    assert six is not None
    assert (six.src_port, six.fragment) == (None, 77)


@pytest.mark.parametrize(
    ("link", "data"), [(105, V4), (1, b""), (1, MACS + b"\x08\x06" + bytes(28)), (101, b"\x45"), (101, b"")]
)
def test_what_has_no_session(link: int, data: bytes) -> None:
    assert frames.ends(link, data) is None


@settings(max_examples=200)
@given(
    st.sampled_from([0, 1, 101, 105, 113, 276]),
    st.binary(max_size=70),
    st.sampled_from(sorted(WAYS)),
    st.integers(0, 120),
)
def test_no_bytes_raise(link: int, data: bytes, way: str, cut: int) -> None:
    frames.ends(link, data)
    frames.to_ethernet(link, data)
    frames.ends(*(WAYS[way][0], WAYS[way][1][:cut] + data))
