"""A capture through tshark -> the detector: TCP sessions, WHOIS on any port, ClientHellos (TLS, QUIC), HTTP and DNS.

tshark does the dissecting and lets only the packets of interest through; nothing of a packet is kept here but the start
of what a WHOIS client sent. Field names are Wireshark's (https://www.wireshark.org/docs/dfref/), in its notation.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.model import SECOND, Detection, Lookup
from whosasking.protocols import whois
from whosasking.sensors.book import Book
from whosasking.sensors.detect import (
    RANK_ALERT,
    RANK_CONNECTION,
    RANK_PROTOCOL,
    RANK_QUIC,
    WHOIS_PORT,
    Detector,
    port43,
)
from whosasking.sensors.ledger import Clues, Part
from whosasking.sensors.tcpstream import Stream
from whosasking.sensors.values import address, instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.catalogue import Catalogue
    from whosasking.model import Micros, Query
    from whosasking.sensors.interface import Wanted

SENSOR: Final = "tshark"
MOST_STREAMS: Final = 100_000
"""TCP sessions followed at a time; the one not heard of longest is let go."""
MOST_HELD: Final = 64 << 20
"""Bytes of WHOIS requests of open sessions held at a time."""
MOST_ADDRESSES: Final = 100_000
"""Addresses whose names in DNS answers are kept."""

_ANSWER: Final = (
    r"^(?:[%#] ?[^\r\n]{0,60}\bwhois\b|% This is the [^\r\n]{0,60}Database query service|\s*Domain Name:\s*[^\s.]+\.\S+"
    r"|No match for |route6?:[ \t]+[0-9a-f:.]+/[0-9]|inet6?num:[ \t]+[0-9a-f]|aut-num:)"
)
"""How WHOIS servers begin: the shapes of the Suricata rule 1596010."""
_REQUEST: Final = r"^[^\r\n]{1,290}\r?\n$"
_IS_ANSWER: Final = re.compile(_ANSWER.encode(), re.IGNORECASE)
_IS_REQUEST: Final = re.compile(_REQUEST.encode())
_LONGEST_REQUEST: Final = 292
_ESCAPE: Final = re.compile(r"\\([rnt]|[0-7]{3})")
_ESCAPED: Final = {"r": "\r", "n": "\n", "t": "\t"}

DISPLAY_FILTER: Final = (
    "(tcp.port == 43 || tls.handshake.type == 1 || http.request || (dns.flags.response == 1 && (dns.a || dns.aaaa))"
    " || tcp.flags.syn == 1 || tcp.flags.fin == 1 || tcp.flags.reset == 1"
    f' || (tcp.seq == 1 && tcp.len > 0 && (tcp.payload matches r"{_ANSWER}"'
    f' || (tcp.len <= {_LONGEST_REQUEST} && tcp.payload matches r"{_REQUEST}"))))'
    " && !icmp && !icmpv6"
)
"""Errors of ICMP quote packets: those are no packets of the session they quote."""
_INNERMOST: Final = (
    *("frame.time_epoch", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.stream", "tcp.srcport"),
    *("tcp.dstport", "tcp.seq", "tcp.len", "tcp.flags", "data.text", "udp.stream", "udp.srcport", "udp.dstport"),
    *("tls.handshake.extensions_server_name", "tls.handshake.ja3_full", "tls.handshake.ja3"),
)
_FIRST: Final = (
    *("http.request.method", "http.host", "http.request.uri", "http.user_agent", "http.accept_language"),
    *("dns.flags.response", "dns.qry.name"),
)
_EVERY: Final = ("tls.handshake.type", "dns.resp.type", "dns.resp.ttl", "dns.a", "dns.aaaa")
COLUMNS: Final = (
    *((field, -1) for field in _INNERMOST),
    *((field, 1) for field in _FIRST),
    *((field, 0) for field in _EVERY),
)
"""Fields to be shown, and which of their occurrences in a packet: the last, the first, or all."""

Row = dict[str, str]
_CLIENT_HELLO: Final = "1"
_A, _AAAA, _OPT = "1", "28", "41"


class Pcap:
    """Reads rows in the order of the capture; ``book`` then holds what they said, ``finish`` ends it."""

    def __init__(self, catalogue: Catalogue, wanted: Wanted) -> None:
        """Detect with ``catalogue``; sessions in ``wanted`` become anchors."""
        self.book = Book()
        self.notes: list[str] = []
        self._catalogue = catalogue
        self._wanted = wanted.tuples
        self._detector = Detector(catalogue, self.book)
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._kept: dict[str, Stream] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._held = 0
        self._listed: set[str] = set()
        self._resolved: set[str] = set()

    def take(self, rows: list[Row]) -> None:
        """Read a batch."""
        for row in rows:
            ts = _time(row)
            if ts is not None:
                self._row(row, ts)

    def finish(self) -> None:
        """Read what is left of sessions that were still open."""
        for stream in [*self._streams.values(), *self._kept.values()]:
            self._ended(stream)
        self._streams.clear()
        self._kept.clear()

    def _row(self, row: Row, ts: Micros) -> None:
        stream = self._stream(row, ts) if "tcp.stream" in row else None
        known = len(self.book.parts) + len(self.book.hidden)
        if _CLIENT_HELLO in _all(row, "tls.handshake.type"):
            self._hello(row, ts, stream)
        if "http.request.method" in row and stream is not None:
            self._http(row, ts, stream)
        if "dns.flags.response" in row:
            self._dns(row, ts)
        if stream is not None and len(self.book.parts) + len(self.book.hidden) > known:
            self._keep(stream)

    def _stream(self, row: Row, ts: Micros) -> Stream | None:
        """Follow the TCP session of a packet."""
        number = row["tcp.stream"]
        if number in self._closed:
            return None  # the last packets of a session that has been told of
        stream = self._kept.get(number) or self._streams.get(number)
        ends = _ends(row, "tcp")
        if ends is None:
            return stream
        flags = int(row.get("tcp.flags") or "0", 16)
        if stream is None:
            stream = self._streams[number] = Stream.opened(number, ends, flags, ts)
        data = _unescaped(row.get("data.text", ""))
        self._held -= len(stream.sent)
        stream.packet(ends[:2], _number(row, "tcp.seq"), _number(row, "tcp.len"), flags, ts, data)
        self._held += len(stream.sent)
        if stream.dst_port != WHOIS_PORT and data and not stream.whois:
            self._other_port(stream, ends[:2], data)
        if number in self._streams:
            self._streams.move_to_end(number)
            self._let_go(stream)
        return stream

    def _let_go(self, stream: Stream) -> None:
        """End a session that is over, or the oldest when too many are open."""
        over = [self._streams.pop(stream.number)] if stream.is_over else []
        while len(self._streams) > MOST_STREAMS or (self._held > MOST_HELD and self._streams):
            over.append(self._streams.popitem(last=False)[1])
        for one in over:
            self._ended(one)
            self._closed[one.number] = None
        while len(self._closed) > MOST_STREAMS:
            self._closed.popitem(last=False)

    def _other_port(self, stream: Stream, sender: tuple[str, int], data: bytes) -> None:
        """Notice WHOIS on another port by how the server answers a request of one line."""
        from_client = sender == (stream.src_ip, stream.src_port)
        if from_client and _IS_REQUEST.match(data):
            stream.sent = data
        elif not from_client and _IS_ANSWER.match(data) and not stream.service:
            stream.whois = True
            self._keep(stream)

    def _keep(self, stream: Stream) -> None:
        """Follow a session to its end however many others there are."""
        self._kept[stream.number] = stream
        self._streams.pop(stream.number, None)

    def _hello(self, row: Row, ts: Micros, stream: Stream | None) -> None:
        is_tcp = "tcp.stream" in row
        ends = _ends(row, "tcp" if is_tcp else "udp")
        if ends is None or (is_tcp and stream is None):
            return
        transport = "tls" if is_tcp else "quic"
        uid = _uid(stream) if stream is not None else f"udp.stream eq {row.get('udp.stream')}"
        if stream is not None:
            stream.service = "ssl"
        seen = _seen(ends, ts, uid, transport)
        clues = Clues(ja3=row.get("tls.handshake.ja3"), ja3_string=row.get("tls.handshake.ja3_full"))
        rank = RANK_PROTOCOL if stream is not None else RANK_QUIC
        self._detector.tls(seen, row.get("tls.handshake.extensions_server_name"), clues, rank)

    def _http(self, row: Row, ts: Micros, stream: Stream) -> None:
        ends = _ends(row, "tcp")
        if ends is None:
            return
        stream.service = "http"
        seen = _seen(ends, ts, _uid(stream), "http")
        clues = Clues(user_agent=row.get("http.user_agent", ""), accept_language="http.accept_language" in row)
        self._detector.http(seen, row.get("http.host"), row.get("http.request.uri", ""), clues, RANK_PROTOCOL)

    def _dns(self, row: Row, ts: Micros) -> None:
        ends = _ends(row, "udp" if "udp.stream" in row else "tcp")
        name = row.get("dns.qry.name", "")
        if ends is None or not name:
            return
        client, found = ends[2], list(_answers(row))
        self._detector.answer(client, name, ts, found)
        if self._catalogue.host(name.rstrip(".").lower()) is not None:
            self._listed.update(ip for ip, _ in found)
            watch = self._detector.watch
            self._detector.watch = msgspec.structs.replace(watch, addresses=frozenset(self._listed))
        self._learn(client, name.rstrip(".").lower(), ts, found)

    def _learn(self, client: str, name: str, ts: Micros, found: list[tuple[str, Micros]]) -> None:
        """Keep names of all addresses, within bounds: any may turn out to be a port-43 server's."""
        room = MOST_ADDRESSES - len(self._resolved)
        kept = [(ip, ttl) for ip, ttl in found if ip in self._resolved or room > 0 or ip in self._listed]
        if len(kept) < len(found) and not self.notes:
            self.notes.append(
                f"more than {MOST_ADDRESSES:,} addresses in DNS answers: the names of further ones were not kept"
            )
        self._resolved.update(ip for ip, _ in kept)
        self.book.all_names.learn(client, name, ts, kept)

    def _ended(self, stream: Stream) -> None:
        """Tell the book of a session that is over, where it says something."""
        self._held -= len(stream.sent)
        session = (SENSOR, _uid(stream))
        connection = stream.connection(session[1])
        ends = (stream.src_ip, stream.src_port, stream.dst_ip, stream.dst_port)
        if stream.began and (ends in self._wanted or (*ends[2:], *ends[:2]) in self._wanted):
            self.book.add_anchor(connection)
        is_port43 = stream.dst_port == WHOIS_PORT
        if is_port43 or stream.whois:
            seen = _seen(ends, stream.first, session[1], "tcp")
            query = _query(stream)
            self.book.connections[session] = connection
            self.book.add(session, Part(RANK_CONNECTION, port43(seen)))
            self.book.add(session, Part(RANK_ALERT, msgspec.structs.replace(port43(seen), query=query)))
        elif stream.number in self._kept:
            self.book.connections[session] = connection


def _query(stream: Stream) -> Query | None:
    """Return what the client asked, None when it asked nothing or speaks another protocol."""
    if not stream.sent.strip() or stream.service is not None:
        return None
    return whois.parse_session(stream.sent)


def _seen(ends: tuple[str, int, str, int], ts: Micros, uid: str, transport: str) -> Lookup:
    return Lookup(
        ts=ts,
        detection=Detection.WEB,
        sensor=SENSOR,
        uid=uid,
        src_ip=ends[0],
        src_port=ends[1],
        dst_ip=ends[2],
        dst_port=ends[3],
        transport=transport,
    )


def _uid(stream: Stream) -> str:
    """Name a session as Wireshark's display filter does."""
    return f"tcp.stream eq {stream.number}"


def _ends(row: Row, transport: str) -> tuple[str, int, str, int] | None:
    """Return sender and receiver of a packet; of tunnels the innermost."""
    layers = row.get("frame.protocols", "").split(":")
    inner = next((layer for layer in reversed(layers) if layer in ("ip", "ipv6")), "ip")
    src, dst = address(row.get(f"{inner}.src", "")), address(row.get(f"{inner}.dst", ""))
    source, target = row.get(f"{transport}.srcport"), row.get(f"{transport}.dstport")
    if src is None or dst is None or source is None or target is None:
        return None
    return (src, int(source), dst, int(target))


def _answers(row: Row) -> Iterator[tuple[str, Micros]]:
    """Yield the addresses of a DNS answer with their TTL; a record of each type takes the next value of its kind."""
    values = {_A: iter(_all(row, "dns.a")), _AAAA: iter(_all(row, "dns.aaaa"))}
    ttls = iter(_all(row, "dns.resp.ttl"))
    for kind in _all(row, "dns.resp.type"):
        if kind == _OPT:
            continue
        ttl = next(ttls, "0")
        found = next(values[kind], None) if kind in values else None
        canonical = address(found or "")
        if canonical is not None:
            yield canonical, int(ttl) * SECOND


def _time(row: Row) -> Micros | None:
    """Return a packet's time, cut to microseconds like every sensor does. Newer tsharks write ISO 8601."""
    text = row.get("frame.time_epoch", "")
    seconds, dot, fraction = text.partition(".")
    return instant(f"{seconds}{dot}{fraction[:6]}" if fraction.isdigit() else text)


def _all(row: Row, field: str) -> list[str]:
    """Return every value of a field whose values have no commas."""
    return row[field].split(",") if field in row else []


def _number(row: Row, field: str) -> int:
    return int(row.get(field) or 0)


def _unescaped(text: str) -> bytes:
    r"""Return a payload shown as text as bytes: line ends and other control characters stand as ``\n``, ``\006``."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1]) or chr(int(match[1], 8) & 0xFF), text).encode()
