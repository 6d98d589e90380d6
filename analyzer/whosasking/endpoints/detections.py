"""The three detections from endpoint data alone: the seed query is the floor, row for row, the catalogue goes beyond.

Browsers and private destinations are not left out here: they are lookups too, and verdicts say what becomes of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from whosasking.endpoints import urls
from whosasking.endpoints.command_line import asked
from whosasking.model import (
    SECOND,
    Attributed,
    Detection,
    EndpointReading,
    Lookup,
    Micros,
    NameQuery,
    ProcessStart,
    Socket,
)
from whosasking.protocols import rdap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.catalogue import Catalogue, HostMatch

Found = tuple[Lookup, Attributed]

WHOIS_PORT = 43
_DNS_PORT = 53
_TRANSPORT_OF_PORT = {80: "http", 8080: "http", 443: "tls", 8443: "tls"}
_WHOIS_KINDS = frozenset({"whois43", "irr", "bulk"})
_TRANSPORT_OF_SCHEME = {"http": "http", "https": "tls"}
_DNS_SLACK: Micros = 2 * SECOND
"""A DNS event is logged when its answer is complete, which can be after the first connection that uses it."""
_ANSWER_USED_FOR: Micros = 24 * 3600 * SECOND
"""How long an answer may lead to connections; a process that keeps an address longer resolves again."""


def lookups(reading: EndpointReading, catalogue: Catalogue) -> list[Found]:
    """Return every lookup the endpoints saw with the process that made it, in no particular order.

    ``Lookup.ts`` is on the host's clock. Where a product records that it saw a connection but not whose, the process
    has an empty name and the confidence is 0.
    """
    names = _Names(reading.name_queries, catalogue)
    found = [lookup for start in reading.starts if (lookup := _tool(start, catalogue))]
    for socket in chain(reading.sockets, reading.unowned_sockets):
        found.extend(_of_socket(socket, names, catalogue))
    return found


def _tool(start: ProcessStart, catalogue: Catalogue) -> Found | None:
    process = start.process
    if catalogue.tool(process.name, process.command_line) is None:
        return None
    server, query = asked(process.command_line, process.name, catalogue)
    match = catalogue.host(server) if server else None
    lookup = Lookup(
        ts=start.ts,
        detection=Detection.TOOL,
        sensor=start.product,
        server=server,
        server_source="command line" if server else None,
        server_kind=match.kind if match else None,
        noise=match.noise if match else None,
        query=query,
        source=start.source,
    )
    reason = f"{start.product} recorded the start of this process"
    return lookup, Attributed(process=process, method="endpoint record", confidence=1.0, reason=reason)


def _of_socket(socket: Socket, names: _Names, catalogue: Catalogue) -> list[Found]:
    """Return the port-43 lookup, the web lookup, none or both: the seed query gives both for a listed URL on 43."""
    recorded = socket.remote_name or ""
    host, path = urls.split(recorded)
    match = (catalogue.host(host) or catalogue.web_path(host, path)) if host else None
    by_seed = bool(recorded) and catalogue.seed_host(recorded)
    source = _name_source(recorded)
    if match is None and not by_seed:
        resolved = names.of(socket)
        if resolved:
            host, match, source, path = *resolved, "dns", ""
    found = []
    elsewhere = (
        match is not None and socket.remote_port not in {WHOIS_PORT, _DNS_PORT} and socket.initiated is not False
    )
    odd_port = elsewhere and not by_seed and _speaks_whois(match, socket.remote_port)
    if socket.remote_port == WHOIS_PORT or odd_port:
        server = (host or None, source if host else None)
        found.append(_lookup(socket, Detection.PORT43, server, match, ""))
    if by_seed or (elsewhere and not odd_port):
        found.append(_lookup(socket, Detection.WEB, (host, source), match, path))
    return found


def _speaks_whois(match: HostMatch | None, port: int | None) -> bool:
    """Tell a WHOIS server on a port of its own (``whois -p``) from a web service."""
    return match is not None and match.kind in _WHOIS_KINDS and port is not None and port not in _TRANSPORT_OF_PORT


def _name_source(recorded: str) -> str | None:
    if not recorded:
        return None
    return "url" if "/" in recorded else "host"


def _lookup(
    socket: Socket, detection: Detection, server: tuple[str | None, str | None], match: HostMatch | None, path: str
) -> Found:
    lookup = Lookup(
        ts=socket.ts,
        detection=detection,
        sensor=socket.product,
        src_ip=socket.local_ip,
        src_port=socket.local_port,
        dst_ip=socket.remote_ip,
        dst_port=socket.remote_port,
        transport="tcp" if detection is Detection.PORT43 else _transport(socket),
        server=server[0],
        server_source=server[1],
        server_kind=match.kind if match else None,
        noise=match.noise if match else None,
        query=rdap.parse_listed(path) if path and match else None,
        established=socket.succeeded,
        source=socket.source,
    )
    return lookup, _attributed(socket)


def _transport(socket: Socket) -> str | None:
    """Return http, tls or quic as the URL or the port says; None when neither does."""
    scheme = urls.scheme(socket.remote_name or "")
    if scheme in _TRANSPORT_OF_SCHEME:
        return _TRANSPORT_OF_SCHEME[scheme]
    usual = _TRANSPORT_OF_PORT.get(socket.remote_port or 0)
    return "quic" if usual == "tls" and socket.protocol == "udp" else usual


def _attributed(socket: Socket) -> Attributed:
    known = bool(socket.process.name)
    said = "the connection with this process" if known else "this connection without naming a process"
    return Attributed(
        process=socket.process,
        method="endpoint record",
        confidence=1.0 if known else 0.0,
        reason=f"{socket.product} recorded {said}",
        record=socket.id,
    )


class _Names:
    """Which name led a process to an address: its own latest DNS answer before the connection."""

    def __init__(self, queries: Sequence[NameQuery], catalogue: Catalogue) -> None:
        """Index the answers of processes that asked for at least one catalogue host."""
        self._catalogue = catalogue
        self._answers: dict[tuple[str, str], list[tuple[Micros, str]]] = defaultdict(list)
        asking = {query.process.key for query in queries if catalogue.host(query.name)}
        theirs = [query for query in queries if query.process.key in asking] if asking else []
        for query in sorted(theirs, key=lambda query: query.ts):
            for ip in query.addresses:
                self._answers[query.process.key, ip].append((query.ts, query.name))

    def of(self, socket: Socket) -> tuple[str, HostMatch] | None:
        """Return the catalogue host the socket's address was an answer for, when no other name came after it."""
        answers = self._answers.get((socket.process.key, socket.remote_ip or ""))
        if not answers:
            return None
        index = bisect_right(answers, socket.ts, key=lambda answer: answer[0]) - 1
        if index < 0 and answers[0][0] <= socket.ts + _DNS_SLACK:
            index = 0
        if index < 0 or socket.ts - answers[index][0] > _ANSWER_USED_FOR:
            return None
        name = answers[index][1].rstrip(".").lower()
        match = self._catalogue.host(name)
        return (name, match) if match else None
