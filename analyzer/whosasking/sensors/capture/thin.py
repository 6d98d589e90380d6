"""Packets that can matter to the tshark reader: a quarter or less of mixed traffic, so tshark stays small and fast.

tshark keeps state for all that it sees, and nothing in the middle of a download can be a lookup. What passes: how TCP
sessions begin and end, the start of what each side says, ClientHellos and HTTP headers wherever they begin, ports 43
and 53 whole, DNS answers, QUIC long headers, tunnels, fragments, and all that is not understood here. A session's
first packet always passes, so stream numbers stay those of the capture.

Segments are also put in order here: tshark either loses a ClientHello whose segments come in the wrong order or, told
to reorder, sees nothing more of a session of which the capture lacks one segment.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from whosasking.sensors.capture import frames
from whosasking.sensors.tcpstream import ACK, FIN, RST, SYN, WHOIS_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.sensors.capture.pcapfile import Packet

CLIENT_HEAD: Final = 4 << 10
SERVER_HEAD: Final = 1 << 10
"""Bytes that pass from the first one of a client or server on; more where a ClientHello or an HTTP header is longer."""
LONGEST_HEADER: Final = 16 << 10
MOST_FLOWS: Final = 200_000
"""Directions of sessions remembered; of a forgotten one the next bytes pass as if it had just begun."""
MOST_WAITING: Final = 16
"""Segments of one direction that wait for an earlier one."""
MOST_WAITING_IN_ALL: Final = 4096

_IPV4: Final = struct.Struct(">BxH2xHxB")
_TCP: Final = struct.Struct(">HHIIBB")
_UDP: Final = struct.Struct(">HHH")
_ICMP, _TCP_NUMBER, _UDP_NUMBER, _ICMP6 = 1, 6, 17, 58
_DNS_PORT: Final = 53
_WHOLE: Final = frozenset({WHOIS_PORT, _DNS_PORT})
_DNS: Final = frozenset({_DNS_PORT, 5353, 5355})
_TUNNELS: Final = frozenset({1701, 2152, 3544, 4341, 4789, 4790, 5247, 6081, 6635, 8472, 37008})
"""UDP ports of L2TP, GTP-U, Teredo, LISP, VXLAN, CAPWAP, GENEVE, MPLS and TZSP."""
_HTTP: Final = b"HTTP/1."
_HEADER_END: Final = b"\r\n\r\n"
_HANDSHAKE: Final = b"\x16\x03"
_CLIENT_HELLO: Final = 1
_TLS_START: Final = struct.Struct(">3xHBBH")
"""A TLS record that begins a handshake message: the record's length, the message's type and length."""
_RECORD_HEADER: Final = 5
_METHODS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PATCH ", b"PROPFIND ")
_MASK: Final = 0xFFFFFFFF
_HALF: Final = 1 << 31
_RESPONSE: Final = 0x80
_LONG_HEADER: Final = b"\xc0"


class _Flow:
    """One direction of a TCP session: which byte comes next, and before which one bytes pass."""

    __slots__ = ("expected", "until", "waiting")

    def __init__(self, begin: int, head: int) -> None:
        self.expected = begin & _MASK
        self.until = begin + head & _MASK
        self.waiting: list[tuple[int, int, Packet]] = []


class Thinner:
    """Decides packet by packet, in the order of the capture."""

    def __init__(self) -> None:
        """No session known yet."""
        self._flows: dict[bytes, _Flow] = {}
        self._datagrams: set[bytes] = set()
        self._waiting = 0
        self._late: list[Packet] = []
        """Packets that waited and may go now."""

    def packets(self, every: Iterable[Packet]) -> Iterator[Packet]:
        """Yield those that pass; one that waited for its predecessor comes after it, with its own time."""
        for packet in every:
            if self._passes(packet):
                yield packet
            if self._late:
                yield from self._late
                self._late.clear()
        for flow in self._flows.values():
            self._release(flow)
        yield from self._late
        self._late.clear()

    def _passes(self, packet: Packet) -> bool:
        data = packet.data
        found = frames.network(packet.link, data)
        if found is None:
            return True
        kind, at = found
        if kind == frames.IPV4 and len(data) >= at + 20:
            head, total, fragment, protocol = _IPV4.unpack_from(data, at)
            inner = at + 4 * (head & 0x0F)
            if fragment & 0x3FFF:
                return True
            end = at + total if total else at + packet.size
            ends = data[at + 12 : at + 20]
        elif kind == frames.IPV6 and len(data) >= at + 40:
            protocol, inner = data[at + 6], at + 40
            end = inner + int.from_bytes(data[at + 4 : at + 6], "big")
            ends = data[at + 8 : at + 40]
        else:
            return bool(kind != frames.ARP)
        if protocol == _TCP_NUMBER and len(data) >= inner + 20:
            return self._segment(packet, ends, inner, end)
        if protocol == _UDP_NUMBER and len(data) >= inner + 8:
            return self._datagram(data, ends, inner)
        return protocol not in (_ICMP, _ICMP6)

    def _datagram(self, data: bytes, ends: bytes, at: int) -> bool:
        source, target, _ = _UDP.unpack_from(data, at)
        if source in _TUNNELS or target in _TUNNELS:
            return True
        is_new = self._is_new(ends + data[at : at + 4])
        payload = data[at + 8 : at + 11]
        if source in _DNS or target in _DNS:
            return is_new or len(payload) < 3 or bool(payload[2] & _RESPONSE)  # noqa: PLR2004 - up to the flags
        return is_new or (payload[:1] >= _LONG_HEADER)

    def _is_new(self, key: bytes) -> bool:
        """Notice the first packet of a UDP stream: it counts in the stream's number."""
        if key in self._datagrams:
            return False
        if len(self._datagrams) >= MOST_FLOWS:
            self._datagrams.clear()
        half = len(key) // 2 - 2
        self._datagrams |= {key, key[half:-4] + key[:half] + key[-2:] + key[-4:-2]}
        return True

    def _segment(self, packet: Packet, ends: bytes, at: int, end: int) -> bool:
        data = packet.data
        source, target, sequence, acknowledged, offset, flags = _TCP.unpack_from(data, at)
        key = ends + data[at : at + 4]
        if self._waiting and flags & ACK:
            self._acknowledged(ends, data[at : at + 4], acknowledged)
        flow = self._flows.get(key)
        if flags & SYN:
            self._begin(key, _Flow(sequence + 1, SERVER_HEAD if flags & ACK else CLIENT_HEAD))
            return True
        is_new = flow is None
        if flow is None:
            flow = self._begin(key, _Flow(sequence, SERVER_HEAD if source < target else CLIENT_HEAD))
        if flags & (FIN | RST):
            self._release(flow)
            return True
        start = at + 4 * (offset >> 4)
        size = end - start
        if size <= 0:
            return is_new or WHOIS_PORT in (source, target)
        if source in _WHOLE or target in _WHOLE:
            return True
        head = _head(data, start, size)
        if head:
            flow.until = sequence + head & _MASK
        elif not 0 < (flow.until - sequence) & _MASK < _HALF:
            self._reached(flow, sequence + size)
            return is_new
        return self._in_order(packet, flow, sequence, size)

    def _begin(self, key: bytes, flow: _Flow) -> _Flow:
        before = self._flows.pop(key, None)
        if before is not None:
            self._release(before)
        elif len(self._flows) >= MOST_FLOWS:
            oldest = next(iter(self._flows))
            self._release(self._flows.pop(oldest))
        self._flows[key] = flow
        return flow

    def _in_order(self, packet: Packet, flow: _Flow, sequence: int, size: int) -> bool:
        """Let a segment pass, and those that waited for it; or let it wait for the one before it."""
        if 0 < (sequence - flow.expected) & _MASK < _HALF:
            if len(flow.waiting) < MOST_WAITING and self._waiting < MOST_WAITING_IN_ALL:
                flow.waiting.append((sequence, size, packet))
                self._waiting += 1
                return False
            self._release(flow)
        self._reached(flow, sequence + size)
        while flow.waiting:
            following = [one for one in flow.waiting if not 0 < (one[0] - flow.expected) & _MASK < _HALF]
            if not following:
                break
            self._pass_on(flow, following)
        return True

    def _reached(self, flow: _Flow, end: int) -> None:
        if (end - flow.expected) & _MASK < _HALF:
            flow.expected = end & _MASK

    def _pass_on(self, flow: _Flow, some: list[tuple[int, int, Packet]]) -> None:
        for one in some:
            flow.waiting.remove(one)
            self._waiting -= 1
            self._late.append(one[2])
            self._reached(flow, one[0] + one[1])

    def _release(self, flow: _Flow) -> None:
        """Let all go that waits: what it waits for does not come."""
        if flow.waiting:
            self._pass_on(flow, sorted(flow.waiting, key=lambda one: (one[0] - flow.expected) & _MASK))

    def _acknowledged(self, ends: bytes, ports: bytes, acknowledged: int) -> None:
        """Let go what waits for bytes that the other side has: the capture lacks them."""
        half = len(ends) // 2
        flow = self._flows.get(ends[half:] + ends[:half] + ports[2:] + ports[:2])
        if flow is not None and flow.waiting and 0 < (acknowledged - flow.expected) & _MASK < _HALF:
            self._release(flow)


def _head(data: bytes, start: int, size: int) -> int:
    """Return how many bytes from a segment's first on may hold a ClientHello or HTTP header that begins in it."""
    if data.startswith(_HANDSHAKE, start) and len(data) >= start + _TLS_START.size:
        record, kind, size_high, size_low = _TLS_START.unpack_from(data, start)
        if kind == _CLIENT_HELLO:
            whole = (size_high << 16) + size_low + _TLS_START.size
            records = whole // max(record, 1) + 1
            return int(min(whole + _RECORD_HEADER * records, LONGEST_HEADER))
    at = data.find(_HTTP, start)
    if at < 0 and not data.startswith(_METHODS, start):
        return 0
    return LONGEST_HEADER if data.find(_HEADER_END, max(at, start)) < 0 else size
