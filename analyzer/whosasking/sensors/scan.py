"""The passes over the sensors' logs, each sieved for what the ones before it found.

1. names: dns, http and whois, then ssl, quic and EVE, for lookups that show themselves; ssl and quic also for sessions
   without a name to addresses that listed hosts resolved to;
2. connections: conn and EVE for port 43, for the sessions of lookups and for clock anchors, and what pass 1 came too
   early for;
3. answers: dns and EVE for the names of servers of which only an address is known;
4. connections again, where pass 3 made lookups of sessions without a name.
"""

from __future__ import annotations

import heapq
from itertools import count, islice
from typing import TYPE_CHECKING, Final, TypeVar

from whosasking import storage
from whosasking.inputs import Input, Tally
from whosasking.sensors import exact as reference
from whosasking.sensors.book import MOST_SESSIONS, Book
from whosasking.sensors.detect import Detector, Watch
from whosasking.sensors.eve import Eve
from whosasking.sensors.logs import EveLog, JsonLog, Log, TsvLog
from whosasking.sensors.patterns import CONNECTIONS, HIDING, Patterns
from whosasking.sensors.reading import Job, Reader
from whosasking.sensors.recognise import READ
from whosasking.sensors.zeek import Zeek

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from whosasking.catalogue import Catalogue
    from whosasking.inputs import Inputs
    from whosasking.model import Micros
    from whosasking.progress import Progress
    from whosasking.sensors.book import Session
    from whosasking.sensors.interface import Tuple4
    from whosasking.sensors.reading import LineReader
    from whosasking.sieve import Sieve

    SieveFor = Callable[[str, frozenset[str]], Sieve | None]

MOST_PATTERNS: Final = 20_000
"""Sessions, and addresses, that one pass looks for; compiling more would cost more than it tells."""
MOST_TUPLES: Final = 4096

_NAMES: Final = frozenset({"ssl", "quic", "http", "dns", "whois", "dhcp", "eve"})
_WHOLE: Final = frozenset({"whois", "dhcp"})
"""Logs of which every record counts."""
_ANSWERS: Final = frozenset({"dns", "eve"})

T = TypeVar("T", bound="str | tuple[str, str]")


def form_of(inp: Input) -> str:
    """Return how a log is written: ``tsv``, ``json`` or ``eve``."""
    return "eve" if inp.kind.startswith("eve") else inp.kind.split()[-1]


def logs_of(inp: Input) -> set[str]:
    """Return the logs a file is known to hold before it is read."""
    words = inp.kind.split()
    if words[0] == "eve":
        return {"eve"}
    return {words[1]} if len(words) > 2 else set(READ)  # noqa: PLR2004 - zeek LOG FORM, or mixed


class Scan:
    """One run over the sensors' logs. The passes fill ``book`` and ``times``."""

    def __init__(
        self,
        inputs: Inputs,
        catalogue: Catalogue,
        progress: Progress,
        *,
        exact: bool,
        reader: LineReader | None = None,
    ) -> None:
        """Prepare; nothing is read yet. ``reader`` reads the files (default: this process's threads)."""
        self._inputs = inputs
        self._progress = progress
        self._exact = exact
        self._patterns = Patterns(catalogue.sieve_literals())
        self._reader = reader or Reader(progress)
        self.book = Book(MOST_SESSIONS)
        self._detector = Detector(catalogue, self.book)
        self._zeek = Zeek(self._detector)
        self._eve = Eve(self._detector, every=exact)
        self._logs = {inp.path: logs_of(inp) for inp in inputs.sensors}
        self._odd: set[str] = set()
        self._counted: set[str] = set()
        self._named: set[str] = set()
        self._followed: dict[str, frozenset[str]] = {}
        self.times: list[Micros] = []
        self._limits: dict[str, str] = {}

    def holds(self, log: str) -> bool:
        """Return whether any input holds this log."""
        return any(log in logs for logs in self._logs.values())

    @property
    def notes(self) -> list[str]:
        """Sentences on what was left out to keep bounds."""
        return list(self._limits.values())

    def names(self) -> None:
        """Find the lookups that show themselves."""
        files = [inp for inp in self._files(_NAMES) if inp.path not in self._named]
        self._named |= {inp.path for inp in files}
        first = [inp for inp in files if not self._logs[inp.path] & HIDING]
        self._pass("looking for names", first, self._patterns.names)
        self._detector.watch = watch = Watch(addresses=self._addresses())
        rest = [inp for inp in files if inp not in first]
        self._followed |= {inp.path: watch.addresses for inp in rest}
        self._pass("looking for names", rest, lambda form, logs: self._patterns.names(form, logs, watch))

    def connections(self, tuples: frozenset[Tuple4]) -> None:
        """Find port 43, the connections of lookups and of ``tuples``, and sessions that hide a name."""
        unnamed = {protocol for log, protocol in (("ssl", "tcp"), ("quic", "udp")) if not self.holds(log)}
        self._detector.watch = watch = Watch(
            addresses=self._addresses(),
            sessions=self._bounded(self.book.sessions(), "sessions"),
            tuples=frozenset(islice(sorted(tuples), MOST_TUPLES)),
            nameless=frozenset(() if self.holds("eve") else unnamed),
        )

        def sieve_for(form: str, logs: frozenset[str]) -> Sieve | None:
            return self._patterns.watched(form, watch, logs, discover=True)

        files = self._files(CONNECTIONS | {"ssh"})
        files += [
            inp
            for inp in self._files(HIDING)
            if inp not in files and not watch.addresses <= self._followed.get(inp.path, frozenset())
        ]
        self._pass("looking for connections", files, sieve_for)
        if any(self._logs[inp.path] & _NAMES and inp.path not in self._named for inp in self._inputs.sensors):
            self.names()  # a file turned out to hold more logs than its first header said
            self.connections(tuples)

    def answers(self) -> None:
        """Find the DNS answers for addresses of sessions that hide a name and of port-43 servers without one."""
        unnamed = self.book.hidden_servers() | self.book.unnamed_servers()
        if unnamed:
            watch = Watch(answers=self._bounded(unnamed, "addresses without a name"))
            self._watching("looking for DNS answers", _ANSWERS, watch)

    def connections_of(self, sessions: frozenset[Session]) -> None:
        """Find the connections of lookups that came to light last."""
        if sessions:
            watch = Watch(sessions=self._bounded(sessions, "sessions that hide a name"))
            self._watching("looking for connections", CONNECTIONS, watch)

    def anchors(self, tuples: frozenset[Tuple4]) -> None:
        """Find connections alone, in files that were read before."""
        self._counted = {inp.path for inp in self._inputs.sensors}
        watch = Watch(tuples=frozenset(islice(sorted(tuples), MOST_TUPLES)))
        self._watching("looking for clock anchors", CONNECTIONS, watch)

    def _addresses(self) -> frozenset[str]:
        return self._bounded(self.book.listed.addresses, "addresses of listed hosts")

    def _watching(self, doing: str, logs: frozenset[str], watch: Watch) -> None:
        self._detector.watch = watch

        def sieve_for(form: str, held: frozenset[str]) -> Sieve | None:
            return self._patterns.watched(form, watch, held & logs)

        self._pass(doing, self._files(logs), sieve_for)

    def _files(self, logs: frozenset[str]) -> list[Input]:
        return [inp for inp in self._inputs.sensors if self._logs[inp.path] & logs]

    def _bounded(self, items: Iterable[T], what: str) -> frozenset[T]:
        """Return at most MOST_PATTERNS of ``items``, all different: the same ones in every run.

        What is left out is noted.
        """
        number = count()
        kept = heapq.nsmallest(MOST_PATTERNS, (item for item, _ in zip(items, number, strict=False)))
        every = next(number)
        if every > MOST_PATTERNS:
            self._limits[what] = f"{every:,} {what}: only the first {MOST_PATTERNS:,} were followed further"
        return frozenset(kept)

    def _pass(self, doing: str, files: list[Input], sieve_for: SieveFor) -> None:
        """Read ``files``; those whose layout defies the patterns are read once more, every line."""
        self._progress.describe(doing)
        self._read(files, sieve_for)
        again = [inp for inp in files if inp.path in self._odd]
        if again and not self._exact:
            self._read(again, sieve_for)

    def _read(self, files: list[Input], sieve_for: SieveFor) -> None:
        sieves: dict[tuple[str, frozenset[str]], Sieve | None] = {}
        jobs = []
        for inp in files:
            what = (form_of(inp), frozenset(self._logs[inp.path]))
            if what not in sieves:
                sieves[what] = sieve_for(*what)
            if self._exact or inp.path in self._odd or _is_read_whole(*what):
                jobs.append(Job(inp, self._tally(inp), None))
            elif (sieve := sieves[what]) is not None:
                jobs.append(Job(inp, self._tally(inp), sieve))
        self._progress.start(sum(storage.size(job.inp.path) for job in jobs))
        slow = [job for job in jobs if self._exact and form_of(job.inp) == "tsv"]
        for job in slow:
            reference.read(job.inp, job.tally, self._zeek, self.times)
        for sifted in self._reader.read([job for job in jobs if job not in slow]):
            log = self._log(sifted.job.inp, sifted.job.tally)
            for line in sifted.lines:
                log.take(line)
            self._finish(sifted.job.inp, log, sifted.edges)

    def _finish(self, inp: Input, log: Log, edges: list[bytes]) -> None:
        self._logs[inp.path] |= log.logs
        if log.odd:
            self._odd.add(inp.path)
        for edge in edges:
            ts = log.time_of(edge)
            if ts is not None:
                self.times.append(ts)

    def _tally(self, inp: Input) -> Tally:
        """Return the file's account the first time it is read; what later passes count is thrown away."""
        if inp.path in self._counted:
            return Tally(inp.path, inp.kind)
        self._counted.add(inp.path)
        return self._inputs.tally(inp.path)

    def _log(self, inp: Input, tally: Tally) -> Log:
        form = form_of(inp)
        if form == "eve":
            return EveLog(self._eve, tally)
        words = inp.kind.split()
        detector = None if self._exact else self._detector
        if form == "tsv":
            return TsvLog(words[1], self._zeek, tally, detector)
        log = words[1] if len(words) > 2 else None  # noqa: PLR2004 - zeek LOG FORM
        return JsonLog(log, self._zeek, tally, detector)


def _is_read_whole(form: str, logs: frozenset[str]) -> bool:
    """Whether every line counts; in JSON such records are known by their fields where they are mixed with others."""
    return bool(logs & _WHOLE) and (form == "tsv" or logs <= _WHOLE)
