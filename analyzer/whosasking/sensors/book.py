"""What the sensors' logs say about sessions, gathered by session whatever log it came from.

Logs tell of one session in several places (conn.log, ssl.log, whois.log; EVE flow, tls, alert): each place is a
``Part`` of it, and ``assemble`` makes one lookup of the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from whosasking.model import SECOND, ClientClass, Connection, Lookup, Micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.leases import Lease
    from whosasking.sensors.interface import Tuple4

Session = tuple[str, str]
"""Sensor, and what it calls the session: Zeek's uid, Suricata's flow_id."""
Key = tuple[str, str, Micros]
"""A session and 0, or for one clear HTTP request the session and the request's time."""

GRACE: Final = 600 * SECOND
"""How long after a DNS answer's TTL a client may still go by it: resolvers and browsers keep addresses longer."""
EARLY: Final = SECOND
"""How long before the logged time of an answer a connection may begin: logs of one moment are not in order."""
MOMENTS: Final = 5 * SECOND
MOST_ANSWERS: Final = 256
"""Answers kept for one client and address."""


class Clues(msgspec.Struct, frozen=True):
    """What one log says about the client of a session."""

    user_agent: str | None = None
    ja3: str | None = None
    ja3_string: str | None = None
    ja4: str | None = None
    cls: ClientClass | None = None
    evidence: tuple[str, ...] = ()
    accept_language: bool | None = None
    """Whether a clear request had an Accept-Language header, as browsers send; None where the log does not tell."""


class Part(NamedTuple):
    """What one log says about one lookup. The higher ``rank``, the more its word counts."""

    rank: int
    lookup: Lookup
    clues: Clues = Clues()


class Answer(NamedTuple):
    """A DNS answer that gave one client one address for ``name``."""

    ts: Micros
    until: Micros
    name: str


class Names:
    """DNS answers by address and client."""

    def __init__(self) -> None:
        """No answers yet."""
        self._answers: dict[str, dict[str, set[Answer]]] = {}

    @property
    def addresses(self) -> set[str]:
        """Every address in an answer."""
        return set(self._answers)

    def learn(self, client: str, name: str, ts: Micros, found: Iterable[tuple[str, Micros]]) -> None:
        """Keep that ``name`` resolved to addresses for ``client``, each with its TTL in microseconds."""
        for address, ttl in found:
            kept = self._answers.setdefault(address, {}).setdefault(client, set())
            kept.add(Answer(ts, ts + ttl, name))
            if len(kept) > MOST_ANSWERS:
                kept.remove(min(kept))

    def name_of(self, client: str, address: str, ts: Micros) -> str | None:
        """Return the name by which ``client`` came to ``address`` at ``ts``: its latest answer that still held.

        A host with IPv4 and IPv6 asks over one and connects over the other: the sensor sees two clients. An answer to a
        client of the other family counts when it came within moments before.
        """
        clients = self._answers.get(address, {})
        held = [one for one in clients.get(client, ()) if one.ts <= ts + EARLY and ts <= one.until + GRACE]
        if not held:
            other_family = (answers for other, answers in clients.items() if (":" in other) != (":" in client))
            held = [
                one for answers in other_family for one in answers if one.ts <= ts + EARLY and ts - one.ts <= MOMENTS
            ]
        return max(held).name if held else None


class Book:
    """Everything gathered so far. All ``add`` methods may be repeated for the same record without effect."""

    def __init__(self) -> None:
        """Nothing gathered."""
        self.parts: dict[Key, dict[int, Part]] = {}
        self.hidden: dict[Key, Part] = {}
        self.named: set[Session] = set()
        self.leases: set[Lease] = set()
        self.services: dict[Session, str] = {}
        self.not_browsers: set[Session] = set()
        self.connections: dict[Session, Connection] = {}
        self.anchors: dict[tuple[Tuple4, Micros], Connection] = {}
        self.listed = Names()
        self.all_names = Names()

    def add(self, session: Session, part: Part, request: Micros = 0) -> None:
        """Note one log's word on a lookup; ``request`` is the time of a clear HTTP request."""
        self.parts.setdefault((*session, request), {})[part.rank] = part

    def add_anchor(self, connection: Connection) -> None:
        """Keep a connection that an endpoint saw as well."""
        key = (connection.src_ip, connection.src_port, connection.dst_ip, connection.dst_port)
        self.anchors.setdefault((key, connection.ts), connection)

    def unnamed_servers(self) -> set[str]:
        """Return the addresses of servers that no log and no answer of a listed host's name tells the name of."""
        found = set()
        for parts in self.parts.values():
            lookups = [part.lookup for part in parts.values()]
            src, dst, ts = lookups[0].src_ip, lookups[0].dst_ip, lookups[0].ts
            named = any(one.server for one in lookups)
            if not named and src and dst and self.listed.name_of(src, dst, ts) is None:
                found.add(dst)
        return found
