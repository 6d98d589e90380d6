"""What every endpoint product's reader gives, and the collector that joins their records.

A reader hands facts to a :class:`Collector` as it meets them, in any order. Only at the end, when every file is read,
are the records built: a socket gets the command line, user and ancestors that a process start elsewhere gave, and
events of one connection become one socket.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec.structs import replace

from whosasking.endpoints.connections import join
from whosasking.endpoints.lives import Exit, Lives
from whosasking.endpoints.values import tells_network
from whosasking.endpoints.witnesses import Witnesses
from whosasking.model import EndpointReading, Micros, NameQuery, Process, ProcessStart, Socket, SourceRef

if TYPE_CHECKING:
    from collections.abc import Hashable

    from whosasking.inputs import Tally

ANCESTORS = 4
"""How many generations a process carries: enough to climb from a browser's helper to what started the browser."""

MOST_DETAILS = 12
"""How many kinds of left-out records are told apart: file content must not fill the report."""

Timed = TypeVar("Timed", ProcessStart, Socket, NameQuery)
Seen = TypeVar("Seen", Socket, NameQuery)

UNKNOWN_PROCESS = Process(host="", key="", name="")
_COMPLETED = ("name", "pid", "path", "command_line", "user", "started", "ended", "parent", "parent_pid")


class Facts(msgspec.Struct, kw_only=True):
    """What is known of one process so far; readers fill what their record holds."""

    host: str
    name: str | None = None
    pid: int | None = None
    path: str | None = None
    command_line: str | None = None
    user: str | None = None
    started: Micros | None = None
    ended: Micros | None = None
    parent: str | None = None
    parent_pid: int | None = None
    """Where the product tells a parent by its pid alone."""
    clock: str | None = None
    """The product, where it numbers processes by pid alone: a record without a start is then of the pid's latest."""

    def contradicts(self, other: Facts) -> bool:
        """Tell whether two records under one key describe different programs: exec after fork, a sloppy export."""
        return (
            _differ(self.name, other.name, fold=True)
            or _differ(self.command_line, other.command_line, fold=False)
            or _differ(self.user, other.user, fold=True)
        )

    def complete(self, other: Facts) -> None:
        """Take over what only ``other`` knows."""
        for field in _COMPLETED:
            if getattr(self, field) is None:
                setattr(self, field, getattr(other, field))


class Noted:
    """What was left out of one input on purpose, counted by reason and detail; told once, at the end of the input."""

    def __init__(self) -> None:
        """Nothing left out yet."""
        self._counts: dict[str, Counter[str]] = {}

    def add(self, reason: str, detail: str = "") -> None:
        """Count one record; only so many details are told apart."""
        details = self._counts.setdefault(reason, Counter())
        details[detail if detail in details or len(details) < MOST_DETAILS else "others"] += 1

    def tell(self, tally: Tally) -> None:
        """Say each reason with its counts, as a note on the whole input."""
        for reason, details in sorted(self._counts.items()):
            parts = ", ".join(f"{detail} ({count:,})" for detail, count in details.most_common() if detail)
            tally.skip(None, f"{details.total():,} {reason}" + (f": {parts}" if parts else ""))


class Collector:
    """Gathers the records of all endpoint inputs and builds one EndpointReading of them."""

    def __init__(self) -> None:
        """Start empty."""
        self._facts: dict[str, Facts] = {}
        self._variant_of: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._spans: dict[str, tuple[Micros, Micros]] = {}
        self._addresses: dict[str, dict[str, None]] = {}
        self._starts: list[tuple[str, ProcessStart]] = []
        self._sockets: list[tuple[str, Socket]] = []
        self._queries: list[tuple[str, NameQuery]] = []
        self._unowned: list[Socket] = []
        self._seen_starts: set[Hashable] = set()
        self._interned: dict[tuple[object, ...], str] = {}
        self._exits: list[Exit] = []
        self._last_source: SourceRef | None = None
        self._on_line = 1
        self._called: dict[str, str] = {}
        self._built: dict[tuple[str, int], Process] = {}

    def host(self, name: str, ts: Micros) -> str:
        """Return the one spelling of a host's name (first seen) and note that it recorded something at ``ts``."""
        known = self.known_host(name)
        span = self._spans.get(known)
        if span is None:
            self._spans[known] = (ts, ts)
        elif not span[0] <= ts <= span[1]:
            self._spans[known] = (min(span[0], ts), max(span[1], ts))
        return known

    def known_host(self, name: str) -> str:
        """Return the one spelling of a host's name."""
        known = self._hosts.get(name)
        if known is None:
            known = self._hosts[name] = self._hosts.setdefault(name.casefold(), name)
        return known

    def call(self, host: str, name: str) -> None:
        """Give ``host`` (an agent's id in its records) the name it is shown under, which may come in another file."""
        self._called[host] = self.known_host(name)

    def process(self, key: str, facts: Facts) -> str:
        """Add what a record says of the process ``key``; return the key to refer to it by.

        Facts that contradict what is known under ``key`` get a key of their own, so that no record is shown with the
        command line or user of another.
        """
        known = self._facts.setdefault(key, facts)
        if known is facts:
            return key
        if known.contradicts(facts):
            variant = f"{key}~{digest(facts.name, facts.command_line, facts.user)}"
            self._variant_of[variant] = key
            self._facts.setdefault(variant, facts).complete(facts)
            return variant
        known.complete(facts)
        return key

    def interned(self, said: tuple[object, ...]) -> str | None:
        """Return the key of a process that was described in the same words before: nothing new is said of it."""
        try:
            return self._interned.get(said)
        except TypeError:
            return None

    def intern(self, said: tuple[object, ...], key: str) -> None:
        """Remember the key that a record's own words for a process lead to."""
        with suppress(TypeError):
            self._interned[said] = key

    def start(self, key: str, ts: Micros, product: str, source: SourceRef, identity: Hashable) -> None:
        """Add a process start. ``identity`` tells events apart: one seen before (exports overlap) is ignored."""
        if identity is not None:
            if identity in self._seen_starts:
                return
            self._seen_starts.add(identity)
        self._starts.append((key, ProcessStart(ts=ts, process=UNKNOWN_PROCESS, product=product, source=source)))

    def exit(self, gone: Exit) -> None:
        """Add the end of a process that is known by its pid alone."""
        self._exits.append(gone)

    def socket(self, key: str | None, socket: Socket, pid: int | None = None) -> None:
        """Add a connection; ``key`` is None where the product names no process, though it may know the ``pid``."""
        if socket.source == self._last_source:
            # One line can hold many rows (an array, a snapshot): each is a record of its own.
            self._on_line += 1
            socket = replace(socket, id=f"{socket.id}.{self._on_line}")
        else:
            self._last_source, self._on_line = socket.source, 1
        if key is None:
            self._unowned.append(replace(socket, process=Process(host=socket.host, key="", name="", pid=pid)))
        else:
            self._sockets.append((key, socket))
        if socket.local_ip and (socket.protocol == "tcp" or socket.initiated):
            self.address(socket.host, socket.local_ip)

    def name_query(self, key: str, query: NameQuery) -> None:
        """Add a DNS query."""
        self._queries.append((key, query))

    def address(self, host: str, ip: str) -> None:
        """Note that ``host`` has the address ``ip``, unless it says nothing about the network it is on."""
        if tells_network(ip):
            self._addresses.setdefault(host, {})[ip] = None

    def reading(self) -> EndpointReading:
        """Build the records: every process complete, every list in order of time."""
        lives = Lives(self._facts, self._exits)
        self._find_parents(lives)
        sockets = [(lives.owner(key, socket.ts), socket) for key, socket in self._sockets]
        witnesses = Witnesses(self._facts, {key for part in (sockets, self._starts, self._queries) for key, _ in part})
        owned, unowned = join(witnesses.sockets(sockets), self._unowned)
        queries = [(lives.owner(key, query.ts), query) for key, query in self._queries]
        return EndpointReading(
            starts=_ordered(
                [replace(start, process=self._process(key)) for key, start in witnesses.starts(self._starts)]
            ),
            sockets=_ordered([self._of_host(socket, self._process(key)) for key, socket in owned]),
            unowned_sockets=_ordered([self._of_host(socket, self._nobody(socket)) for socket in unowned]),
            name_queries=_ordered([self._of_host(query, self._process(key)) for key, query in queries]),
            addresses=self._shown_addresses(),
            spans=self._shown_spans(),
        )

    def _find_parents(self, lives: Lives) -> None:
        for facts in self._facts.values():
            if facts.parent_pid is not None:
                facts.parent = lives.parent(facts) or facts.parent

    def _of_host(self, record: Seen, process: Process) -> Seen:
        return replace(record, process=process, host=self._called.get(record.host, record.host))

    def _shown_addresses(self) -> dict[str, list[str]]:
        shown: dict[str, dict[str, None]] = {}
        for host, found in self._addresses.items():
            shown.setdefault(self._called.get(host, host), {}).update(found)
        return {host: list(found) for host, found in shown.items()}

    def _shown_spans(self) -> dict[str, tuple[Micros, Micros]]:
        shown: dict[str, tuple[Micros, Micros]] = {}
        for host, (first, last) in self._spans.items():
            name = self._called.get(host, host)
            known = shown.get(name, (first, last))
            shown[name] = (min(known[0], first), max(known[1], last))
        return shown

    def _nobody(self, socket: Socket) -> Process:
        """Return the process of a socket without one; its pid is kept, for another record may tell whose it was."""
        host = self._called.get(socket.host, socket.host)
        return Process(host=host, key=f"{host}/unknown", name="", pid=socket.process.pid)

    def _process(self, key: str, generations: int = ANCESTORS) -> Process:
        """Return the record of ``key`` with ``generations`` ancestors, no more: hostile data may hold a circle."""
        known = self._built.get((key, generations))
        if known is not None:
            return known
        facts = self._facts[key]
        base = self._facts.get(self._variant_of.get(key, ""))
        if base is not None and not _differ(base.name, facts.name, fold=True):
            facts.complete(base)
        above = facts.parent if generations and facts.parent != key else None
        parent = self._process(above, generations - 1) if above in self._facts else None
        built = Process(
            host=self._called.get(facts.host, facts.host),
            key=key,
            name=facts.name or "",
            pid=facts.pid,
            path=facts.path,
            command_line=facts.command_line,
            user=facts.user,
            started=facts.started,
            ended=facts.ended,
            parent=parent,
        )
        self._built[key, generations] = built
        return built


def digest(*values: str | None) -> str:
    """Return a short stable name for a combination of values."""
    joined = "\0".join(value or "" for value in values)
    return hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _differ(one: str | None, other: str | None, *, fold: bool) -> bool:
    if one is None or other is None or one == other:
        return False
    return one.casefold() != other.casefold() if fold else one != other


def _ordered(records: list[Timed]) -> list[Timed]:
    return sorted(records, key=lambda record: (record.ts, record.source.path, record.source.line))
