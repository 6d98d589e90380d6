"""Puts the records of endpoint exports together from the spool, one part of the hosts after another.

Everything that is joined is of one host: a socket with its process, a process with its parents, events of one
connection, two products that recorded the same. So a part holds all that its records need.
"""

from __future__ import annotations

import hashlib
import heapq
from itertools import chain, groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec.structs import replace

from whosasking.endpoints import packing
from whosasking.endpoints.connections import join
from whosasking.endpoints.facts import UNKNOWN_PROCESS, Facts, differ
from whosasking.endpoints.lives import Exit, Lives
from whosasking.endpoints.packing import EXIT, PROCESS, SHARES, START, is_reference, referred
from whosasking.endpoints.processes import ANCESTORS, Processes
from whosasking.endpoints.witnesses import Witnesses
from whosasking.model import EndpointReading, NameQuery, Process, ProcessStart, Socket
from whosasking.spool import Stored, Words

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from whosasking.model import Micros
    from whosasking.spool import Row, Streams

FEW = 40_000
"""Records that are held as lists, in order of time; more stay on disk."""

NOBODIES = 1 << 18
"""Pids without a process that are known again when they come again: others get another record of nobody."""

Timed = TypeVar("Timed", ProcessStart, Socket, NameQuery)


class Source(Protocol):
    """What one collector gathered."""

    @property
    def streams(self) -> Streams:
        """Its rows, of which each ends with the number of its batch."""

    @property
    def words(self) -> list[str]:
        """The texts that its rows have numbers for."""

    @property
    def used(self) -> Mapping[int, bytes]:
        """By part, of each described process whether a record is of it."""


class Assembly:
    """The records of all parts so far."""

    def __init__(self, spelt: Mapping[str, str], called: Mapping[str, str], in_memory: int) -> None:
        """Start empty. Of a host in the records ``spelt`` has the name, ``called`` the name it is shown under."""
        self.words = words = Words()
        self.spelt = spelt
        self.called = called
        self._processes = processes = Processes(in_memory)
        self._nobody: dict[tuple[str, int | None], int] = {}
        texts = words.words
        self._starts = Stored(lambda row: packing.start_of(row, texts, processes[row[-1]]), in_memory)
        self._sockets = Stored(lambda row: packing.socket_of(row, texts, processes[row[-1]]), in_memory)
        self._unowned = Stored(lambda row: packing.socket_of(row, texts, processes[row[-1]]), in_memory)
        self._queries = Stored(lambda row: packing.query_of(row, texts, processes[row[-1]]), in_memory)

    def add(self, sources: Sequence[Source], part: int) -> None:
        """Put a part's records together, in the order of the batches they were read in."""
        known = _Part(self, sources, part)
        numbers = _Numbers(self._processes, known)
        words = self.words
        self._starts.extend((*packing.start_row(one, words), numbers.of(one.process)) for one in known.starts())
        self._queries.extend((*packing.query_row(one, words), numbers.of(one.process)) for one in known.queries())
        for owned, unowned in known.sockets():
            self._sockets.extend((*packing.socket_row(one, words), numbers.of(one.process)) for one in owned)
            self._unowned.extend((*packing.socket_row(one, words), self._nobody_of(one)) for one in unowned)

    def _nobody_of(self, socket: Socket) -> int:
        """Return the process of a socket without one; its pid is kept, for another record may tell whose it was."""
        host, pid = socket.host, socket.process.pid
        number = self._nobody.get((host, pid))
        if number is None:
            if len(self._nobody) >= NOBODIES:
                self._nobody.clear()
            number = self._nobody[host, pid] = len(self._processes)
            self._processes.append(Process(host=host, key=f"{host}/unknown", name="", pid=pid), None)
        return number

    def reading(self, addresses: dict[str, list[str]], spans: dict[str, tuple[Micros, Micros]]) -> EndpointReading:
        """Return all records: lists in order of time where they are few."""
        few = len(self._starts) + len(self._sockets) + len(self._unowned) + len(self._queries) <= FEW
        if few:
            self._processes.hold()
        return EndpointReading(
            processes=() if few else self._processes,
            starts=_ordered(list(self._starts)) if few else self._starts,
            sockets=_ordered(list(self._sockets)) if few else self._sockets,
            unowned_sockets=_ordered(list(self._unowned)) if few else self._unowned,
            name_queries=_ordered(list(self._queries)) if few else self._queries,
            addresses=addresses,
            spans=spans,
        )


class _Numbers:
    """Numbers of one part's processes in the store, each written when a record is first of it or of its child."""

    def __init__(self, store: Processes, part: _Part) -> None:
        self._store = store
        self._part = part
        self._numbers: dict[str, int] = {}

    def of(self, process: Process) -> int:
        """Return the number of ``process``, which the part built."""
        known = self._numbers.get(process.key)
        if known is not None:
            return known
        # A parent's number may be given before its row is there: rows follow in order of the numbers.
        first = self._numbers[process.key] = len(self._store)
        waiting = [process]
        for one in waiting:
            above = self._part.parent_of(one)
            number = None if above is None else self._numbers.get(above.key)
            if above is not None and number is None:
                number = self._numbers[above.key] = first + len(waiting)
                waiting.append(above)
            self._store.append(one, number)
        return first


class _Part:
    """One part of the hosts, its processes in memory; connections come a share at a time."""

    def __init__(self, of: Assembly, sources: Sequence[Source], part: int) -> None:
        self._of = of
        self._sources = sources
        self._first = part * SHARES
        self._facts: dict[str, Facts] = {}
        self._variant_of: dict[str, str] = {}
        self._keys: list[list[str]] = [[] for _ in sources]
        self._built: dict[tuple[str, int], Process] = {}
        self._exits: list[Exit] = []
        self._texts: dict[str | None, str | None] = {}
        self._starts: list[tuple[str, ProcessStart]] = []
        self._seen_starts: set[Hashable] = set()
        self._queries: list[tuple[str, NameQuery]] = []
        for source, row in self._rows(self._first):
            self._take(row, self._keys[source], sources[source].words)
        self._lives = Lives(self._facts, self._exits)
        for facts in self._facts.values():
            if facts.parent_pid is not None:
                facts.parent = self._lives.parent(facts) or facts.parent
        used = [zip(keys, one.used.get(part, b""), strict=True) for keys, one in zip(self._keys, sources, strict=True)]
        self._witnesses = Witnesses(self._facts, {key for key, is_used in chain(*used) if is_used})

    def _rows(self, stream: int) -> Iterator[tuple[int, Row]]:
        """Yield the rows of all sources, each with its source's number, in the order of their batches."""
        each = [zip(repeat(number), one.streams.read(stream)) for number, one in enumerate(self._sources)]
        if len(each) == 1:
            return each[0]
        batches = heapq.merge(*(groupby(rows, _batch_of) for rows in each), key=itemgetter(0))
        return chain.from_iterable(rows for _, rows in batches)

    def _take(self, row: Row, keys: list[str], words: list[str]) -> None:
        kind = row[0]
        if kind == PROCESS:
            facts = Facts(*row[2])
            self._share_texts(facts)
            if facts.parent is not None:
                facts.parent = self._resolved(facts.parent, keys, facts.host)
            keys.append(self._process(self._spelt(row[1], facts.host), facts))
        elif kind == START:
            _, number, ts, *where, identity, _ = row
            once = identity and tuple(self._resolved(one, keys) for one in identity)
            self._start(keys[number], packing.start_of([ts, *where], words, UNKNOWN_PROCESS), once)
        elif kind == EXIT:
            self._exits.append(Exit(*row[1:-1]))
        else:
            self._queries.append((keys[row[1]], packing.query_of(row[2:], words, UNKNOWN_PROCESS)))

    def _share_texts(self, facts: Facts) -> None:
        """Hold each of the texts that many processes have in common once."""
        for field in ("host", "name", "path", "user", "clock"):
            value = getattr(facts, field)
            setattr(facts, field, self._texts.setdefault(value, value))

    def _resolved(self, value: Any, keys: list[str], host: str = "") -> Any:  # noqa: ANN401 - what identifies an event
        """Return the key that a reference stands for, a key of ``host`` as it is spelt, and anything else as it is."""
        if is_reference(value):
            return keys[referred(value)[1]]
        return self._spelt(value, host) if host else value

    def _spelt(self, key: str, host: str) -> str:
        """Return a key with the host's name as it is spelt, where it begins with that."""
        return f"{self._of.spelt[host]}{key[len(host) :]}" if key.startswith(f"{host}/") else key

    def _process(self, key: str, facts: Facts) -> str:
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

    def _start(self, key: str, start: ProcessStart, once: Hashable) -> None:
        if once is not None:
            if once in self._seen_starts:
                return
            self._seen_starts.add(once)
        self._starts.append((key, start))

    def starts(self) -> list[ProcessStart]:
        """Return the process starts."""
        return _ordered(
            [replace(start, process=self._built_of(key)) for key, start in self._witnesses.starts(self._starts)]
        )

    def queries(self) -> list[NameQuery]:
        """Return the DNS queries."""
        owned = [(self._lives.owner(key, query.ts), query) for key, query in self._queries]
        return _ordered([self._shown(query, self._built_of(key)) for key, query in owned])

    def sockets(self) -> Iterator[tuple[list[Socket], list[Socket]]]:
        """Yield the connections, those with a process and those without."""
        for share in range(1, SHARES):
            owned: list[tuple[str, Socket]] = []
            unowned: list[Socket] = []
            for source, row in self._rows(self._first + share):
                words = self._sources[source].words
                number, pid, _ = row[packing.SOCKET_WIDTH :]
                if number is None:
                    nobody = Process(host=words[row[1]], key="", name="", pid=pid)
                    unowned.append(packing.socket_of(row, words, nobody))
                else:
                    socket = packing.socket_of(row, words, UNKNOWN_PROCESS)
                    owned.append((self._lives.owner(self._keys[source][number], socket.ts), socket))
            known, left = join(self._witnesses.sockets(owned), unowned)
            yield (
                _ordered([self._shown(socket, self._built_of(key)) for key, socket in known]),
                _ordered([self._shown(socket, socket.process) for socket in left]),
            )

    def _shown(self, record: Any, process: Process) -> Any:  # noqa: ANN401 - a Socket or NameQuery, as it came
        return replace(record, process=process, host=self._of.called.get(record.host, record.host))

    def parent_of(self, process: Process) -> Process | None:
        """Return the parent of a process that this part built, with all its own ancestors."""
        return None if process.parent is None else self._built_of(process.parent.key)

    def _built_of(self, key: str, generations: int = ANCESTORS) -> Process:
        """Return the record of ``key`` with ``generations`` ancestors, no more: hostile data may hold a circle."""
        known = self._built.get((key, generations))
        if known is not None:
            return known
        facts = self._facts[key]
        base = self._facts.get(self._variant_of.get(key, ""))
        if base is not None and not differ(base.name, facts.name, fold=True):
            facts.complete(base)
        above = facts.parent if generations and facts.parent != key else None
        parent = self._built_of(above, generations - 1) if above in self._facts else None
        built = Process(
            host=self._of.called.get(facts.host, facts.host),
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


def _batch_of(row: tuple[int, Row]) -> int:
    number: int = row[1][-1]
    return number


def _ordered(records: list[Timed]) -> list[Timed]:
    return sorted(records, key=lambda record: (record.ts, record.source.path, record.source.line))
