"""What the sensors' logs say about sessions, gathered by session whatever log it came from.

Logs tell of one session in several places (conn.log, ssl.log, whois.log; EVE flow, tls, alert): each place is a
``Part`` of it, and ``assemble`` makes one lookup of the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.model import Connection, Micros
from whosasking.sensors.ledger import ADD, CONNECT, DISGUISED, HIDE, NAME, SERVE, Entry, Ledger, Part
from whosasking.sensors.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from whosasking.leases import Lease
    from whosasking.sensors.interface import Tuple4

Session = tuple[str, str]
"""Sensor, and what it calls the session: Zeek's uid, Suricata's flow_id."""
Key = tuple[str, str, Micros]
"""A session and 0, or for one clear HTTP request the session and the request's time."""

MOST_SESSIONS: Final = 20_000
"""Sessions that a run over logs holds in memory, before all they say goes to disk."""


class Book:
    """Everything gathered so far. All methods may be repeated for the same record without effect.

    What sessions say goes to disk where there are more than ``most`` (None: never); then only ``chapters`` has it.
    """

    def __init__(self, most: int | None = None) -> None:
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
        self.has_hidden = False
        self.has_requests = False
        self._most = most
        self._ledger: Ledger | None = None

    def add(self, session: Session, part: Part, request: Micros = 0, *, unless: int = 0, given: int = 0) -> None:
        """Note one log's word on a lookup; ``request`` is the time of a clear HTTP request.

        It is passed over where there is a part of rank ``unless`` already, or none of rank ``given`` yet.
        """
        self.has_requests = self.has_requests or request != 0
        if self._ledger is not None:
            self._ledger.note(Entry(ADD, *session, request, unless, given, part=part))
            return
        key = (*session, request)
        ranks = self.parts.get(key)
        if (unless and ranks and unless in ranks) or (given and not (ranks and given in ranks)):
            return
        if ranks is not None:
            ranks[part.rank] = part
            return
        self.parts[key] = {part.rank: part}
        self._weigh(self.parts)

    def hide(self, session: Session, part: Part) -> None:
        """Note a session without a name that may be a lookup; the first record of it counts."""
        self.has_hidden = True
        if self._ledger is not None:
            self._ledger.note(Entry(HIDE, *session, part=part))
            return
        self.hidden.setdefault((*session, 0), part)
        self._weigh(self.hidden)

    def name(self, session: Session) -> None:
        """Note that a session has a name, and no lookup service's."""
        if self._ledger is not None:
            self._ledger.note(Entry(NAME, *session))
            return
        self.named.add(session)
        self._weigh(self.named)

    def connect(self, session: Session, connection: Connection) -> None:
        """Note the connection of a session."""
        if self._ledger is not None:
            self._ledger.note(Entry(CONNECT, *session, connection=connection))
            return
        self.connections[session] = connection
        self._weigh(self.connections)

    def serve(self, session: Session, service: str) -> None:
        """Note the application protocol another log gives a session."""
        if self._ledger is not None:
            self._ledger.note(Entry(SERVE, *session, text=service))
            return
        self.services[session] = service
        self._weigh(self.services)

    def disguised(self, session: Session) -> None:
        """Note that the client of a session is no browser, whatever it says."""
        if self._ledger is not None:
            self._ledger.note(Entry(DISGUISED, *session))
            return
        self.not_browsers.add(session)
        self._weigh(self.not_browsers)

    def add_anchor(self, connection: Connection) -> None:
        """Keep a connection that an endpoint saw as well."""
        key = (connection.src_ip, connection.src_port, connection.dst_ip, connection.dst_port)
        self.anchors.setdefault((key, connection.ts), connection)

    def chapters(self, *, ends_only: bool = False) -> Iterator[Book]:
        """Yield books that together hold every session, each session whole in one of them; this one if it has all.

        ``ends_only``: it is enough to know of their lookups the time, the addresses and the server, and no connections.
        """
        if self._ledger is None:
            yield self
            return
        for entries in self._ledger.parts(ends_only=ends_only):
            chapter = Book()
            chapter.listed, chapter.all_names = self.listed, self.all_names
            for entry in entries:
                chapter.take(entry)
            yield chapter

    def sessions(self) -> Iterator[Session]:
        """Yield every session that has a part of a lookup, once."""
        for chapter in self.chapters(ends_only=True):
            yield from {key[:2] for key in chapter.parts}

    def hidden_servers(self) -> set[str]:
        """Return the addresses of servers of sessions without a name."""
        if not self.has_hidden:
            return set()
        every = (part.lookup.dst_ip for chapter in self.chapters(ends_only=True) for part in chapter.hidden.values())
        return {address for address in every if address}

    def unnamed_servers(self) -> set[str]:
        """Return the addresses of servers that no log and no answer of a listed host's name tells the name of."""
        found = set()
        for chapter in self.chapters(ends_only=True):
            for parts in chapter.parts.values():
                lookups = [part.lookup for part in parts.values()]
                src, dst, ts = lookups[0].src_ip, lookups[0].dst_ip, lookups[0].ts
                named = any(one.server for one in lookups)
                if not named and src and dst and dst not in found and self.listed.name_of(src, dst, ts) is None:
                    found.add(dst)
        return found

    def take(self, entry: Entry) -> None:
        """Do what was noted down."""
        session = (entry.sensor, entry.uid)
        if entry.does == ADD and entry.part is not None:
            self.add(session, entry.part, entry.request, unless=entry.unless, given=entry.given)
        elif entry.does == HIDE and entry.part is not None:
            self.hide(session, entry.part)
        elif entry.does == NAME:
            self.name(session)
        elif entry.does == CONNECT and entry.connection is not None:
            self.connect(session, entry.connection)
        elif entry.does == SERVE:
            self.serve(session, entry.text)
        elif entry.does == DISGUISED:
            self.disguised(session)

    def _weigh(self, grown: Sized) -> None:
        """Go to disk where what has ``grown`` is too much."""
        if self._most is None or len(grown) <= self._most:
            return
        self._ledger = ledger = Ledger()
        for (sensor, uid, request), parts in self.parts.items():
            for part in parts.values():
                ledger.note(Entry(ADD, sensor, uid, request, part=part))
        for (sensor, uid, _), part in self.hidden.items():
            ledger.note(Entry(HIDE, sensor, uid, part=part))
        for session in self.named:
            ledger.note(Entry(NAME, *session))
        for session, connection in self.connections.items():
            ledger.note(Entry(CONNECT, *session, connection=connection))
        for session, service in self.services.items():
            ledger.note(Entry(SERVE, *session, text=service))
        for session in self.not_browsers:
            ledger.note(Entry(DISGUISED, *session))
        for held in (self.parts, self.hidden, self.named, self.connections, self.services, self.not_browsers):
            held.clear()
