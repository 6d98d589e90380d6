"""What every endpoint product's reader gives, and the collector that joins their records.

A reader hands facts to a :class:`Collector` as it meets them, in any order. Only at the end, when every file is read,
are the records built: a socket gets the command line, user and ancestors that a process start elsewhere gave, and
events of one connection become one socket.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from whosasking.endpoints.assembly import digest
from whosasking.endpoints.facts import UNKNOWN_PROCESS, Facts
from whosasking.endpoints.gathered import Gathered, together
from whosasking.endpoints.packing import (
    EXIT,
    PARTS,
    PROCESS,
    QUERY,
    SHARES,
    START,
    query_row,
    reference,
    referred,
    share_of,
    socket_row,
)
from whosasking.endpoints.values import tells_network
from whosasking.spool import IN_MEMORY, Streams, Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whosasking.endpoints.census import Census
    from whosasking.endpoints.lives import Exit
    from whosasking.inputs import Tally
    from whosasking.model import EndpointReading, Micros, NameQuery, Socket, SourceRef

__all__ = ["UNKNOWN_PROCESS", "Collector", "Facts", "Noted", "OtherHostError", "digest"]

MOST_DETAILS = 12
"""How many kinds of left-out records are told apart: file content must not fill the report."""
_MOST_COUNTED = 1024
"""How many are counted apart, so that those told are the most frequent ones."""

_REMEMBERED = 1 << 17
"""How many descriptions of processes are known again when they come again."""
_FEWER = 8
"""Share of that in each part of the hosts: a part has its share of the processes that are at work at one time."""


class OtherHostError(Exception):
    """A record is of a host whose records are not wanted."""


class Noted:
    """What was left out of one input on purpose, counted by reason and detail; told once, at the end of the input."""

    def __init__(self) -> None:
        """Nothing left out yet."""
        self._counts: dict[str, Counter[str]] = {}

    def add(self, reason: str, detail: str = "", count: int = 1) -> None:
        """Count records; only so many details are told apart."""
        details = self._counts.get(reason)
        if details is None:
            details = self._counts[reason] = Counter()
        details[detail if detail in details or len(details) < _MOST_COUNTED else "others"] += count

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Reason to detail to number."""
        return self._counts

    def take(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add what was counted of another part of the input."""
        for reason, details in counts.items():
            for detail, count in details.items():
                self.add(reason, detail, count)

    def tell(self, tally: Tally, census: Census) -> None:
        """Say each reason with its counts, as a note on the whole input, and the fields that are not read."""
        census.tell(tally)
        for reason, details in sorted(self._counts.items()):
            ordered = sorted(details.items(), key=lambda one: (-one[1], one[0]))
            told = [(detail, count) for detail, count in ordered if detail]
            if len(told) > MOST_DETAILS:
                rest = sum(count for _, count in told[MOST_DETAILS:])
                told = [*told[:MOST_DETAILS], ("others", rest)]
            parts = ", ".join(f"{detail} ({count:,})" for detail, count in told)
            tally.skip(None, f"{details.total():,} {reason}" + (f": {parts}" if parts else ""))


class Collector:
    """Gathers the records of all endpoint inputs and builds one EndpointReading of them, in bounded memory.

    What readers hand over goes to a spool, a host's rows to the host's part of it; at the end the parts are put
    together one after another (``assembly``). In memory are what is known by host, and the processes of the records.

    Hosts are known by their names in lower case until then, so that several collectors, each of which sees some
    batches of the lines, agree on them. ``batch`` is the number of the one that is read: they are numbered in order.
    """

    def __init__(self, streams: Streams | None = None, among: int = 1) -> None:
        """Start empty, as one ``among`` so many that share what may be remembered."""
        self.batch = 0
        self.chosen: frozenset[str] | None = None
        """Hosts whose records alone are wanted."""
        self._remembered = _REMEMBERED // among
        self._streams = Streams(IN_MEMORY) if streams is None else streams
        self._words = Words()
        self._parts: dict[str, int] = {}
        self._said: dict[int, dict[int, int]] = {}
        self._used: dict[int, bytearray] = {}
        self._hosts: dict[str, str] = {}
        self._spelt: dict[str, tuple[int, str]] = {}
        self._spans: dict[str, tuple[Micros, Micros]] = {}
        self._addresses: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._interned: dict[int, str] = {}
        self._last_source: SourceRef | None = None
        self._on_line = 1
        self._called: dict[str, tuple[int, str]] = {}

    def host(self, name: str, ts: Micros) -> str:
        """Return what a host is known by and note that it recorded something at ``ts``."""
        known = self.known_host(name)
        span = self._spans.get(known)
        if span is None:
            self._spans[known] = (ts, ts)
        elif not span[0] <= ts <= span[1]:
            self._spans[known] = (min(span[0], ts), max(span[1], ts))
        return known

    @property
    def spans(self) -> dict[str, tuple[Micros, Micros]]:
        """Host to its first and last instant so far."""
        return self._spans

    @property
    def called(self) -> dict[str, str]:
        """Host to the name it is shown under, where that is another."""
        return {host: name for host, (_, name) in self._called.items()}

    def spelling(self, host: str) -> str:
        """Return a host's name as it was spelt first."""
        return self._spelt[host][1]

    def known_host(self, name: str) -> str:
        """Return what a host is known by."""
        known = self._hosts.get(name)
        if known is None:
            known = self._hosts[name] = name.casefold()
            self._spelt.setdefault(known, (self.batch, name))
        return known

    def call(self, host: str, name: str) -> None:
        """Give ``host`` (an agent's id in its records) the name it is shown under, which may come in another file."""
        self._called[host] = self.batch, self.known_host(name)

    def process(self, key: str, facts: Facts) -> str:
        """Add what a record says of the process ``key``; return what to refer to it by.

        Facts that contradict what is known under ``key`` become a process of their own, so that no record is shown
        with the command line or user of another.
        """
        part = self._part(facts.host)
        row = (PROCESS, key, msgspec.structs.astuple(facts))
        said, used = self._said.setdefault(part, {}), self._used.setdefault(part, bytearray())
        # Most records describe a process in words that were heard before: these are not written again.
        words = hash(row)
        number = said.get(words)
        if number is None:
            if len(said) >= self._remembered // _FEWER:
                said.clear()
            number = said[words] = len(used)
            used.append(0)
            self._streams.add(part * SHARES, (*row, self.batch))
        return reference(part, number)

    def interned(self, said: tuple[object, ...]) -> str | None:
        """Return what refers to a process that was described in the same words before: nothing new is said of it."""
        try:
            return self._interned.get(hash(said))
        except TypeError:
            return None

    def intern(self, said: tuple[object, ...], key: str) -> None:
        """Remember what a record's own words for a process lead to."""
        if len(self._interned) >= self._remembered:
            self._interned.clear()
        with suppress(TypeError):
            self._interned[hash(said)] = key  # their words may be 32 KB of command line, and there are many

    def start(self, key: str, ts: Micros, product: str, source: SourceRef, identity: tuple[object, ...] | None) -> None:
        """Add a process start. ``identity`` tells events apart: one seen before (exports overlap) is ignored."""
        part, number = self._owner(key)
        where = (self._words.number(product), self._words.number(source.path), source.line)
        self._streams.add(part * SHARES, (START, number, ts, *where, identity, self.batch))

    def exit(self, gone: Exit) -> None:
        """Add the end of a process that is known by its pid alone."""
        self._streams.add(self._part(gone.host) * SHARES, (EXIT, *gone, self.batch))

    def socket(self, key: str | None, socket: Socket, pid: int | None = None) -> None:
        """Add a connection; ``key`` is None where the product names no process, though it may know the ``pid``."""
        if socket.source == self._last_source:
            # One line can hold many rows (an array, a snapshot): each is a record of its own.
            self._on_line += 1
            socket = replace(socket, id=f"{socket.id}.{self._on_line}")
        else:
            self._last_source, self._on_line = socket.source, 1
        part, number = self._owner(key) if key else (self._part(socket.host), None)
        share = 1 + share_of(socket)
        self._streams.add(part * SHARES + share, (*socket_row(socket, self._words), number, pid, self.batch))
        if socket.local_ip and (socket.protocol == "tcp" or socket.initiated):
            self.address(socket.host, socket.local_ip)

    def name_query(self, key: str, query: NameQuery) -> None:
        """Add a DNS query."""
        part, number = self._owner(key)
        self._streams.add(part * SHARES, (QUERY, number, *query_row(query, self._words), self.batch))

    def address(self, host: str, ip: str) -> None:
        """Note that ``host`` has the address ``ip``, unless it says nothing about the network it is on."""
        if tells_network(ip):
            self._addresses[host].setdefault(ip, self.batch)

    def _part(self, host: str) -> int:
        part = self._parts.get(host)
        if part is None:
            part = self._parts[host] = zlib.crc32(host.encode("utf-8", "replace")) % PARTS
        return part

    def _owner(self, key: str) -> tuple[int, int]:
        """Return the part and number that ``process`` gave, and note that a record belongs to it."""
        part, number = referred(key)
        self._used[part][number] = 1
        return part, number

    def gathered(self) -> Gathered:
        """Return all that was gathered; nothing may be added any more."""
        self._said.clear()
        self._interned.clear()
        used = {part: bytes(flags) for part, flags in self._used.items()}
        return Gathered(
            self._streams, self._words.words, used, self._spelt, self._called, self._spans, dict(self._addresses)
        )

    def reading(self, others: Sequence[Gathered] = ()) -> EndpointReading:
        """Build the records: every process complete, lists in order of time, or of host and time where there are many.

        ``others`` is what other collectors gathered of the same files. Raises OSError when the disk is full.
        """
        return together([self.gathered(), *others], IN_MEMORY)
