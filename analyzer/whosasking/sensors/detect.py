"""What makes a session a lookup, whatever sensor logged it: port, name, path, User-Agent, or where a DNS answer led."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from whosasking.model import Connection, Detection, Lookup, Query
from whosasking.protocols import rdap
from whosasking.sensors.ledger import Clues, Part
from whosasking.sensors.values import address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.catalogue import Catalogue
    from whosasking.catalogue.records import HostMatch
    from whosasking.model import Micros
    from whosasking.sensors.book import Book, Session
    from whosasking.sensors.interface import Tuple4

WHOIS_PORT: Final = 43
TLS_PORTS: Final = frozenset({443, 8443, 9000})
"""Where RDAP over TLS and QUIC is served; a session without a name is looked at on no other port."""
_AUTHORITY: Final = re.compile(r"[^/?#@:\s]+:\d{1,5}\Z", re.ASCII)
_LONGEST_AUTHORITY: Final = 300
OUTER_NAMES: Final = frozenset({"cloudflare-ech.com"})
"""Names in the clear part of a ClientHello that hides the real one (Encrypted Client Hello)."""
LOOKUP_AGENTS: Final = frozenset({"whois", "rdap"})
"""Kinds of client whose User-Agent alone makes a request a lookup, at any server."""

RANK_CONNECTION: Final = 1
RANK_PROTOCOL: Final = 2
RANK_QUIC: Final = 3
RANK_FLOW_VARIABLE: Final = 4
RANK_ALERT: Final = 5
RANK_WHOIS_LOG: Final = 6
"""How much each log's word on a lookup counts; the sensor that read the request itself counts most."""


class Watch(msgspec.Struct, frozen=True):
    """What one pass over the logs looks for beside lookups that show themselves.

    ``addresses`` listed hosts resolved to, ``sessions`` whose connection record is wanted, ``tuples`` that endpoints
    saw, ``answers``: addresses whose DNS answers are wanted. ``nameless``: transports no log shows names of.
    """

    addresses: frozenset[str] = frozenset()
    sessions: frozenset[Session] = frozenset()
    tuples: frozenset[Tuple4] = frozenset()
    answers: frozenset[str] = frozenset()
    nameless: frozenset[str] = frozenset()


class Detector:
    """Puts what it recognises into the book. ``watch`` may be changed between passes."""

    def __init__(self, catalogue: Catalogue, book: Book) -> None:
        """Detect with ``catalogue``, write into ``book``."""
        self._catalogue = catalogue
        self.book = book
        self.watch = Watch()

    def watches(self, server: str) -> bool:
        """Whether sessions with this address matter, whatever they are named."""
        found = self.watch.addresses  # in canonical form, which is all there is of an IPv4 address
        return server in found or (":" in server and address(server) in found)

    def is_dull_name(self, name: str) -> bool:
        """Whether ``tls`` passes over a session of this name, at a server that is not watched."""
        return self._catalogue.host(name) is None

    def is_dull_question(self, name: str) -> bool:
        """Whether ``answer`` passes over what is said of this name, as long as no answers are watched for."""
        return self._catalogue.host(name.rstrip(".").lower()) is None

    def is_dull_host(self, host: str) -> bool:
        """Whether ``http`` needs more than this host to make a lookup of a request."""
        return self._catalogue.host(_host_only(host)) is None

    def is_dull_agent(self, user_agent: str) -> bool:
        """Whether ``http`` needs more than this User-Agent to make a lookup of a request."""
        agent = self._catalogue.user_agent(user_agent)
        return agent is None or agent.kind not in LOOKUP_AGENTS

    def is_dull_path(self, host: str, path: str) -> bool:
        """Whether ``http`` makes no lookup of a request for this path, not an absolute one, at a dull host."""
        return self._catalogue.web_path(_host_only(host), path) is None

    def tls(self, seen: Lookup, name: str | None, clues: Clues, rank: int) -> None:
        """Judge one TLS or QUIC session by the server name in its ClientHello."""
        session = (seen.sensor, seen.uid or "")
        if _is_hidden(name):
            if seen.dst_ip in self.watch.addresses and seen.dst_port in TLS_PORTS:
                self.book.hide(session, Part(rank, seen, clues))
            return
        if seen.dst_ip in self.watch.addresses:
            self.book.name(session)
        match = self._catalogue.host(name or "")
        if match is not None:
            found = _at(seen, match, _host_only(name or ""), "sni")
            self.book.add(session, Part(rank, found, clues))

    def http(  # noqa: PLR0913 - what a request shows
        self, seen: Lookup, host: str | None, uri: str, clues: Clues, rank: int, *, rdap_type: bool = False
    ) -> None:
        """Judge one clear HTTP request by host, path and User-Agent, or by RDAP's media type (``rdap_type``).

        ``uri`` may be absolute, as proxies get it.
        """
        name, path = _target(host, uri)
        match = self._catalogue.host(name) if name else None
        by_path = self._catalogue.web_path(name, path)
        agent = self._catalogue.user_agent(clues.user_agent) if clues.user_agent else None
        by_agent = agent is not None and agent.kind in LOOKUP_AGENTS
        if match is None and by_path is None and not by_agent and not rdap_type:
            return
        best = match or by_path
        found = (
            _at(seen, best, name, "host") if best else msgspec.structs.replace(seen, server=name, server_source="host")
        )
        query = (rdap.parse_listed(path) if match else rdap.parse_path(path)) or (Query(text=path) if path else None)
        found = msgspec.structs.replace(found, query=query, server=name or None, service=seen.service or "http")
        self.book.add((seen.sensor, seen.uid or ""), Part(rank, found, clues), request=seen.ts)

    def answer(self, client: str, name: str, ts: Micros, found: Iterable[tuple[str, Micros]]) -> None:
        """Note which addresses a DNS answer gave ``client`` for ``name`` (TTL in microseconds)."""
        known = [(canonical, ttl) for text, ttl in found if (canonical := address(text))]
        name = name.rstrip(".").lower()
        if self._catalogue.host(name) is not None:
            self.book.listed.learn(client, name, ts, known)
        self.book.all_names.learn(client, name, ts, [pair for pair in known if pair[0] in self.watch.answers])

    def connection(self, seen: Lookup, connection: Connection) -> None:
        """Judge one transport session by its port, and keep it where it was asked for."""
        session = (seen.sensor, seen.uid or "")
        if connection.protocol == "tcp" and connection.dst_port == WHOIS_PORT:
            self.book.add(session, Part(RANK_CONNECTION, port43(seen)))
            self.book.connect(session, connection)
        elif session in self.watch.sessions:
            self.book.connect(session, connection)
        self._hidden_connection(session, seen, connection)
        if connection.protocol == "tcp" and self.watch.tuples:
            here, there = (connection.src_ip, connection.src_port), (connection.dst_ip, connection.dst_port)
            if (*here, *there) in self.watch.tuples or (*there, *here) in self.watch.tuples:
                self.book.add_anchor(connection)

    def _hidden_connection(self, session: Session, seen: Lookup, connection: Connection) -> None:
        """Where no log shows names at all, a finished handshake with a listed host's address may be a lookup."""
        if (
            connection.dst_ip in self.watch.addresses
            and connection.protocol in self.watch.nameless
            and connection.dst_port in TLS_PORTS
            and connection.established is not False
        ):
            transport = "quic" if connection.protocol == "udp" else "tls"
            part = Part(RANK_CONNECTION, msgspec.structs.replace(seen, transport=transport))
            self.book.hide(session, part)
            self.book.connect(session, connection)


def port43(seen: Lookup) -> Lookup:
    """Return ``seen`` as a WHOIS session."""
    return msgspec.structs.replace(seen, detection=Detection.PORT43, transport="tcp")


def _at(seen: Lookup, match: HostMatch, name: str, source: str) -> Lookup:
    return msgspec.structs.replace(
        seen,
        server=name.rstrip(".").lower(),
        server_source=source,
        server_kind=match.kind,
        noise=match.noise,
    )


def _is_hidden(name: str | None) -> bool:
    """Whether a ClientHello names nobody: no name, an address, or the outer name of an encrypted ClientHello."""
    if name is None or not name.strip(".-"):
        return True
    if name.rstrip(".").lower() in OUTER_NAMES:
        return True
    return (name[-1].isdigit() or ":" in name) and address(name) is not None


def _host_only(name: str) -> str:
    """Strip a port; leave IPv6 addresses alone."""
    host, colon, port = name.rpartition(":")
    return host if colon and port.isdigit() and not host.endswith(":") and host.count(":") == 0 else name


def is_authority(uri: str) -> bool:
    """Whether a request target is ``host:port``: a CONNECT, which asks a proxy for a tunnel and nothing of a server."""
    return len(uri) <= _LONGEST_AUTHORITY and _AUTHORITY.match(uri) is not None


def _target(host: str | None, uri: str) -> tuple[str, str]:
    """Return host name and path of a request: an absolute URI, or ``host:port``, is what a proxy was asked for."""
    if is_authority(uri):
        return uri.rpartition(":")[0], ""
    parts = _absolute(uri)
    if parts is None:
        return _host_only(host or ""), uri
    return parts.hostname or _host_only(host or ""), parts.path + (f"?{parts.query}" if parts.query else "")


def _absolute(uri: str) -> SplitResult | None:
    if not uri[:8].lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(uri)
    except ValueError:  # a bracket that is not closed
        return None
    return parts
