"""A frame's bytes -> whose session it is, and any link layer as Ethernet. Pure decoding, no I/O.

Link types: https://www.tcpdump.org/linktypes.html. Enough layers for what a span port and a host's own capture hold:
VLAN tags, PPPoE, Linux cooked, loopback, IP in IP; what is not understood has no session.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ETHERNET: Final = 1
_RAW: Final = frozenset({12, 14, 101, 228, 229})
_LOOPBACK: Final = frozenset({0, 108})
_COOKED: Final = 113
_COOKED_2: Final = 276
CONVERTIBLE: Final = frozenset({ETHERNET, _COOKED, _COOKED_2}) | _RAW | _LOOPBACK
"""Link types that ``to_ethernet`` knows."""
IPV4, IPV6, ARP = b"\x08\x00", b"\x86\xdd", b"\x08\x06"
_VLANS: Final = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
_PPPOE: Final = b"\x88\x64"
_PPP: Final = {b"\x00\x21": IPV4, b"\x00\x57": IPV6}
_OUR_MACS: Final = bytes.fromhex("020000000001020000000002")
_TCP, _UDP, _IP_IN_IP, _IP6_IN_IP = 6, 17, 4, 41
_EXTENSIONS: Final = frozenset({0, 43, 60, 135})
_FRAGMENT: Final = 44
_DEEPEST: Final = 8


class Ends(NamedTuple):
    """A packet's protocol number, addresses (4 or 16 bytes) and ports, as sent.

    Ports are None in a fragment that is not the first; ``fragment`` tells the parts of one datagram together.
    """

    protocol: int
    src: bytes
    dst: bytes
    src_port: int | None
    dst_port: int | None
    fragment: int | None = None


def to_ethernet(link: int, data: bytes) -> bytes | None:
    """Return the frame with an Ethernet header, None when its link layer is not known here."""
    if link == ETHERNET:
        return data
    found = _network(link, data)
    return None if found is None else _OUR_MACS + found[0] + data[found[1] :]


def ends(link: int, data: bytes) -> Ends | None:
    """Return whose packet it is, None when it is neither TCP nor UDP or cannot be told."""
    found = network(link, data)
    if found is None:
        return None
    kind, at = found
    if kind == IPV4:
        return _ipv4(data, at)
    return _ipv6(data, at) if kind == IPV6 else None


def network(link: int, data: bytes) -> tuple[bytes, int] | None:
    """Return the EtherType of what lies under link layer, VLAN tags and PPPoE, and where it begins; None: unknown."""
    found = _network(link, data)
    for _ in range(_DEEPEST):
        if found is None or found[0] == IPV4:
            break
        kind, at = found
        if kind in _VLANS:
            found = data[at + 2 : at + 4], at + 4
        elif kind == _PPPOE:
            found = _PPP.get(data[at + 6 : at + 8], b""), at + 8
        else:
            break
    return found


def _network(link: int, data: bytes) -> tuple[bytes, int] | None:
    """Return the EtherType of what the link layer carries and where that begins."""
    if link == ETHERNET:
        return data[12:14], 14
    if link == _COOKED:
        return data[14:16], 16
    if link == _COOKED_2:
        return data[0:2], 20
    if link not in _RAW | _LOOPBACK:
        return None
    at = 4 if link in _LOOPBACK else 0
    version = data[at] >> 4 if len(data) > at else 0
    kind = {4: IPV4, 6: IPV6}.get(version)
    return None if kind is None else (kind, at)


def _ipv4(data: bytes, at: int, depth: int = 0) -> Ends | None:
    if len(data) < at + 20:
        return None
    protocol, src, dst = data[at + 9], data[at + 12 : at + 16], data[at + 16 : at + 20]
    flags = int.from_bytes(data[at + 6 : at + 8], "big")
    fragment = int.from_bytes(data[at + 4 : at + 6], "big") if flags & 0x3FFF else None
    after = at + 4 * (data[at] & 0x0F)
    if flags & 0x1FFF:
        return Ends(protocol, src, dst, None, None, fragment) if protocol in (_TCP, _UDP) else None
    return _transport(data, after, Ends(protocol, src, dst, None, None, fragment), depth)


def _ipv6(data: bytes, at: int, depth: int = 0) -> Ends | None:
    if len(data) < at + 40:
        return None
    src, dst = data[at + 8 : at + 24], data[at + 24 : at + 40]
    following, after, fragment = data[at + 6], at + 40, None
    for _ in range(_DEEPEST):
        if len(data) < after + 8 or following not in _EXTENSIONS | {_FRAGMENT}:
            break
        if following == _FRAGMENT:
            fragment = int.from_bytes(data[after + 4 : after + 8], "big")
            if int.from_bytes(data[after + 2 : after + 4], "big") & 0xFFF8:
                return Ends(data[after], src, dst, None, None, fragment) if data[after] in (_TCP, _UDP) else None
            following, after = data[after], after + 8
        else:
            following, after = data[after], after + 8 * (data[after + 1] + 1)
    return _transport(data, after, Ends(following, src, dst, None, None, fragment), depth)


def _transport(data: bytes, at: int, found: Ends, depth: int) -> Ends | None:
    if found.protocol in (_IP_IN_IP, _IP6_IN_IP) and depth < _DEEPEST:
        return (_ipv4 if found.protocol == _IP_IN_IP else _ipv6)(data, at, depth + 1)
    if found.protocol not in (_TCP, _UDP) or len(data) < at + 4:
        return None
    source, target = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
    return found._replace(src_port=source, dst_port=target)
