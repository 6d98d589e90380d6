"""Which name a client came to an address by: the DNS answers that sensors saw."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from whosasking.model import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Iterable

GRACE: Final = 600 * SECOND
"""How long after a DNS answer's TTL a client may still go by it: resolvers and browsers keep addresses longer."""
EARLY: Final = SECOND
"""How long before the logged time of an answer a connection may begin: logs of one moment are not in order."""
MOMENTS: Final = 5 * SECOND
MOST_ANSWERS: Final = 256
"""Answers kept for one client and address."""
_ROW: Final = 3
_LATEST: Final = 1 << 62


class Answer(NamedTuple):
    """A DNS answer that gave one client one address for ``name``."""

    ts: Micros
    until: Micros
    name: str


_NOBODY: Final = Answer(-(1 << 62), 0, "")


class _Kept:
    """Answers that gave one client one address: rows of begin, end and the name's number."""

    __slots__ = ("in_order", "rows")

    def __init__(self) -> None:
        self.rows = array("q")
        self.in_order = True


class Names:
    """DNS answers by address and client. There are as many as lookups: they are held as rows of three numbers."""

    def __init__(self) -> None:
        """No answers yet."""
        self._answers: dict[str, dict[str, _Kept]] = {}
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []

    @property
    def addresses(self) -> set[str]:
        """Every address in an answer."""
        return set(self._answers)

    def learn(self, client: str, name: str, ts: Micros, found: Iterable[tuple[str, Micros]]) -> None:
        """Keep that ``name`` resolved to addresses for ``client``, each with its TTL in microseconds."""
        for address, ttl in found:
            number = self._numbers.setdefault(name, len(self._names))
            if number == len(self._names):
                self._names.append(name)
            clients = self._answers.setdefault(address, {})
            kept = clients.get(client)
            if kept is None:
                kept = clients[sys.intern(client)] = _Kept()
            row, rows = _within((ts, ts + ttl, number)), kept.rows
            if rows and row[:2] <= (rows[-3], rows[-2]):
                kept.in_order = False
            rows.extend(row)
            if len(rows) > 2 * _ROW * MOST_ANSWERS:
                self._tidy(kept)

    def _tidy(self, kept: _Kept) -> None:
        """Bring the rows in order, each once; the latest stay."""
        rows = kept.rows
        if not kept.in_order:
            every = (Answer(rows[at], rows[at + 1], self._names[rows[at + 2]]) for at in range(0, len(rows), _ROW))
            latest = sorted(set(every))
            rows[:] = array("q", [part for one in latest for part in (one.ts, one.until, self._numbers[one.name])])
            kept.in_order = True
        del rows[: -_ROW * MOST_ANSWERS]

    def _latest(self, kept: _Kept, begun: Micros, lasting: Micros | None = None) -> Answer | None:
        """Return the latest answer that came until ``begun``, and held until ``lasting``."""
        if not kept.in_order or len(kept.rows) > _ROW * MOST_ANSWERS:
            self._tidy(kept)
        rows, low, high = kept.rows, 0, len(kept.rows) // _ROW
        while low < high:  # bisect, by the first of each row's numbers
            middle = (low + high) // 2
            if rows[middle * _ROW] <= begun:
                low = middle + 1
            else:
                high = middle
        for at in range((low - 1) * _ROW, -1, -_ROW):
            if lasting is None or rows[at + 1] >= lasting:
                return Answer(rows[at], rows[at + 1], self._names[rows[at + 2]])
        return None

    def name_of(self, client: str, address: str, ts: Micros) -> str | None:
        """Return the name by which ``client`` came to ``address`` at ``ts``: its latest answer that still held.

        A host with IPv4 and IPv6 asks over one and connects over the other: the sensor sees two clients. An answer to a
        client of the other family counts when it came within moments before.
        """
        clients = self._answers.get(address)
        if clients is None:
            return None
        own = clients.get(client)
        found = self._latest(own, ts + EARLY, ts - GRACE) if own is not None else None
        if found is not None:
            return found.name
        others = (kept for other, kept in clients.items() if (":" in other) != (":" in client))
        every = (self._latest(kept, ts + EARLY) for kept in others)
        return max((one for one in every if one and ts - one.ts <= MOMENTS), default=_NOBODY).name or None


def _within(numbers: tuple[int, int, int]) -> tuple[int, ...]:
    """Bring instants to what a row holds: only a damaged log has others."""
    return tuple(min(max(number, -_LATEST), _LATEST) for number in numbers)
