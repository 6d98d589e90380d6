"""The evidence ladder: each lookup goes down the rungs until one yields exactly one process, or is given to none.

A rung sees only the lookups that are still open, so its tables and SQL are loaded and run only when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution import policy, sql, tables, words
from whosasking.attribution.addresses import canonical, is_public
from whosasking.attribution.clocks import own_time
from whosasking.attribution.registry import alive
from whosasking.attribution.rungs import EXACT, Choice, Match, Rung
from whosasking.model import Attributed, Candidate, Sighting, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.registry import Registry
    from whosasking.attribution.tenancy import Tenant
    from whosasking.engines.interface import Engine
    from whosasking.model import Lookup, Micros, Process

MOST_CANDIDATES = 8


class Ladder:
    """One run over one engine that holds the ``flow``, ``socket`` and ``clock`` tables.

    ``tenants`` gives, per lookup, the hosts that have its address at its time.
    """

    def __init__(  # noqa: PLR0913 - what there is to go by
        self,
        engine: Engine,
        registry: Registry,
        clocks: Sequence[Clock],
        lookups: Mapping[int, Lookup],
        tenants: Mapping[int, Tenant],
        *,
        telling: bool = True,
    ) -> None:
        """Start at the foot, every lookup open. ``telling``: keep what each rung said.

        Lookups have the numbers that they have in the ``flow`` table.
        """
        self._engine = engine
        self.registry = registry
        self._clocks = clocks
        self.lookups = lookups
        self.hosts = {n: tenant.hosts for n, tenant in tenants.items()}
        self._rows = {row.n: row for row in tables.lookup_rows(lookups, self.hosts)}
        self.leased = {n: tenant.leased for n, tenant in tenants.items() if tenant.leased}
        self._clocks_of: dict[int, list[Clock]] = {}
        for clock, (owner, _) in zip(clocks, registry.timelines, strict=True):
            self._clocks_of.setdefault(owner, []).append(clock)
        self.silences: dict[int, list[tuple[Micros, Micros]]] = {}
        self._steps: dict[int, list[Step]] | None = {} if telling else None
        self.found: dict[int, Attributed] = {}
        self.ambiguous: dict[int, tuple[Rung, tuple[Match, ...]]] = {}
        self.far: dict[int, Match] = {}
        self.no_process: dict[int, Match] = {}

    def climb_by_host(self, below: Sequence[Rung]) -> None:
        """Rungs 2 to 4: events of the lookup's host, one rung after another, while lookups are open."""
        open_now = self.open()
        hosts = (tables.HostRow(n, self.hosts[n][0]) for n in open_now if len(self.hosts[n]) == 1)
        self._engine.load("lookup", tables.LookupRow, (self._rows[n] for n in open_now))
        self._engine.load("lookup_host", tables.HostRow, hosts)
        self._engine.load("lookup_nowhere", tables.NowhereRow, self._nowhere(open_now))
        for rung in below:
            if self.open():
                self.climb(rung)
        for lookup, *rest in self._engine.query(sql.read("same_tuple_far"), {"unknown": tables.LATEST}):
            self.far[lookup] = Match(*rest)

    def _nowhere(self, open_now: Sequence[int]) -> Iterator[tables.NowhereRow]:
        for n in open_now:
            source = canonical(self.lookups[n].src_ip)
            if source and not self.hosts[n] and n not in self.leased:
                yield tables.NowhereRow(n, is_public(source))

    def clocks_of(self, host: int) -> list[Clock]:
        """Give the clocks of a host's products."""
        return self._clocks_of.get(host, [])

    def open(self) -> list[int]:
        """Give the lookups no rung has decided."""
        return [n for n in self._rows if n not in self.found]

    def climb(self, rung: Rung) -> None:
        """Let a rung decide what is still open. Rung 1 needs no host: the tuple names it."""
        matches: dict[int, list[Match]] = {}
        for lookup, *rest in self._engine.query(sql.read(rung.sql), rung.parameters):
            if lookup not in self.found and lookup in self._rows:
                matches.setdefault(lookup, []).append(Match(*rest))
        asked = self.open() if self._steps is not None else ()
        for lookup, rows in matches.items():
            self._weigh(rung, lookup, rows)
        for lookup in asked:
            self._tell(rung, lookup, matches.get(lookup, ()))

    def _tell(self, rung: Rung, lookup: int, matches: Sequence[Match]) -> None:
        """Keep what a rung said of a lookup, for the reader who asks why."""
        given = self.found.get(lookup)
        if given is not None:
            outcome = f"chose {words.who(given.process)}"
        elif not matches:
            outcome = words.NO_EVENT
        else:
            every = dict.fromkeys(words.who(self._process(match)) for match in matches)
            outcome = (
                f"did not decide between {', '.join(words.names(every))}" if len(every) > 1 else words.too_weak(every)
            )
        assert self._steps is not None  # noqa: S101 -- the caller looked
        self._steps.setdefault(lookup, []).append(Step(rung=rung.label, outcome=outcome))

    def steps(self, lookup: int) -> tuple[Step, ...]:
        """Give what the rungs said of a lookup, from strong to weak."""
        return tuple((self._steps or {}).get(lookup, ()))

    def result(self, lookup: int) -> Attributed | None:
        """Give the attribution of a lookup, None when it is still open."""
        given = self.found.get(lookup)
        return given and msgspec.structs.replace(given, ladder=self.steps(lookup))

    def _weigh(self, rung: Rung, lookup: int, matches: Sequence[Match]) -> None:
        running = [match for match in matches if self._may_run(lookup, match)]
        choice = rung.choose(self._rows[lookup], running, self.registry)
        if choice.winner is not None and not self._contradicts(lookup, choice.winner):
            self.found[lookup] = self._attributed(rung, lookup, choice)
        elif choice.others and lookup not in self.ambiguous:
            self.ambiguous[lookup] = (rung, choice.others)
        if choice.unknown is not None:
            self.no_process.setdefault(lookup, choice.unknown)

    def _may_run(self, lookup: int, match: Match) -> bool:
        """Say whether a process can have been alive at the time of a lookup. An exact tuple needs no such check."""
        clock = self._clocks[match.timeline]
        if clock.assumed and match.apart is not None and abs(match.apart) > policy.ASSUMED_REACH:
            return False
        at = None if match.evidence in EXACT else own_time(clock.process_pieces, self.lookups[lookup].ts)
        if at is None:
            return True
        return alive(self.registry.processes[match.process], at, policy.PROCESS_SLACK)

    def _contradicts(self, lookup: int, winner: Match) -> bool:
        """Say whether a stronger rung narrowed a lookup down to processes this winner is none of."""
        rung, others = self.ambiguous.get(lookup, (None, ()))
        return rung is not None and rung.complete and all(winner.process != other.process for other in others)

    def _attributed(self, rung: Rung, number: int, choice: Choice) -> Attributed:
        lookup, winner = self.lookups[number], choice.winner
        assert winner is not None  # noqa: S101 -- the caller looked
        clock = self._clocks[winner.timeline]
        socket = None if winner.socket is None else self.registry.sockets[winner.socket]
        return Attributed(
            process=self.registry.processes[winner.process],
            method=rung.method,
            confidence=round(choice.confidence * (1.0 if rung.any_clock else clock.factor), 3),
            reason=self._reason(rung.what, lookup, winner),
            candidates=self.candidates(choice.others, lookup),
            record=socket.id if socket else None,
            seen=self._seen(lookup, winner),
        )

    def _seen(self, lookup: Lookup, match: Match) -> Sighting | None:
        if match.own is None or match.apart is None:
            return None
        return Sighting(ts=lookup.ts - match.apart, own=match.own, apart=match.apart)

    def _reason(self, what: str, lookup: Lookup, match: Match) -> str:
        clock = self._clocks[match.timeline]
        said = _SAYS.get(match.evidence, _plain)(what, lookup)
        apart = match.apart or 0
        own = lookup.ts - apart if match.own is None else match.own
        return words.matched(said, lookup.ts, apart, own, clock)

    def candidates(self, matches: Sequence[Match], lookup: Lookup) -> tuple[Candidate, ...]:
        """Name other processes, each with how far its event is away."""
        return tuple(
            Candidate(
                process=self._process(match),
                reason=self._reason("also fits", lookup, match),
                seen=self._seen(lookup, match),
            )
            for match in matches[:MOST_CANDIDATES]
        )

    def _process(self, match: Match) -> Process:
        return self.registry.processes[match.process]


def _plain(what: str, lookup: Lookup) -> str:
    return f"{what} {words.tuple_of(lookup)}"


def _named(what: str, lookup: Lookup) -> str:
    return f"{what} ({lookup.server or lookup.dst_ip})"


def _command(words_for: str) -> Callable[[str, Lookup], str]:
    return lambda what, _: f"{what}, its command line {words_for}"


_SAYS: dict[str, Callable[[str, Lookup], str]] = {
    "name": _named,
    "server and object": _command("names the server and what was asked"),
    "object": _command("names what was asked"),
    "server": _command("names the server"),
    "tuple, other end": lambda what, lookup: f"{what}, seen by the host that answered {words.tuple_of(lookup)}",
    "port kept": lambda what, lookup: f"{what}, from the same client port ({words.tuple_of(lookup)})",
    "proxy": _named,
    "via resolver": _named,
    "hello of the host": lambda what, lookup: f"{what} on this host (JA3 {lookup.client.ja3})",
    "hello of the site": lambda what, lookup: f"{what} on all hosts (JA3 {lookup.client.ja3})",
    "client": lambda what, _: f"{what}, a known client of this protocol",
}
