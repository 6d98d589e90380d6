"""Products that number processes by pid alone: which process a pid was at an instant, from the starts they recorded.

A pid is used again; a record that has only a pid (a connection of Security 5156, a socket of osquery) belongs to the
latest start of that pid on that host before it, unless that process had ended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from whosasking.model import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whosasking.endpoints.interface import Facts

SLACK: Micros = 2 * SECOND
"""A product may write a connection before the start that made it, and after the end of its process."""


class Exit(NamedTuple):
    """A process of this pid ended then."""

    clock: str
    host: str
    pid: int
    name: str | None
    ts: Micros


class Lives:
    """Processes by host and pid, one product's apart from another's: their clocks need not agree."""

    def __init__(self, facts: Mapping[str, Facts], exits: list[Exit]) -> None:
        """Index the processes with a known start, and let each exit end the process it is of."""
        self._facts = facts
        self._lives: dict[tuple[str, str, int], list[tuple[Micros, str]]] = defaultdict(list)
        for key, known in facts.items():
            if known.clock and known.pid is not None and known.started is not None:
                self._lives[known.clock, known.host, known.pid].append((known.started, key))
        for lives in self._lives.values():
            lives.sort()
        for gone in sorted(exits, key=lambda gone: gone.ts):
            self._end(gone)

    def _end(self, gone: Exit) -> None:
        key = self._latest(gone.clock, gone.host, gone.pid, gone.name, gone.ts)
        if key is not None and self._facts[key].ended is None:
            self._facts[key].ended = gone.ts

    def owner(self, key: str, ts: Micros) -> str:
        """Return the process that ``key``, known by pid alone, was at ``ts``; ``key`` itself where no start tells."""
        facts = self._facts[key]
        if not facts.clock or facts.pid is None or facts.started is not None:
            return key
        found = self._latest(facts.clock, facts.host, facts.pid, facts.name, ts)
        if found is None:
            return key
        ended = self._facts[found].ended
        return key if ended is not None and ended + SLACK < ts else found

    def parent(self, facts: Facts) -> str | None:
        """Return the process that the parent's pid was when this one started."""
        if not facts.clock or facts.parent_pid is None or facts.started is None:
            return None
        found = self._latest(facts.clock, facts.host, facts.parent_pid, None, facts.started, slack=0)
        ended = self._facts[found].ended if found else None
        return None if ended is not None and ended + SLACK < facts.started else found

    def _latest(  # noqa: PLR0913 - what tells a process
        self, clock: str, host: str, pid: int, name: str | None, ts: Micros, *, slack: Micros = SLACK
    ) -> str | None:
        """Return the latest start at or before ``ts``; a start of another program in between means it is unknown."""
        lives = self._lives.get((clock, host, pid), ())
        index = bisect_right(lives, ts + slack, key=lambda life: life[0]) - 1
        while index >= 0:
            started, key = lives[index]
            theirs = self._facts[key].name
            if name is None or theirs is None or theirs.casefold() == name.casefold():
                return key
            if started <= ts:
                return None
            index -= 1
        return None
