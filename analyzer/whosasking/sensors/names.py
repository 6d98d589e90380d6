"""Which name a client came to an address by: the DNS answers that sensors saw."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from whosasking.model import SECOND, Micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


class Names:
    """DNS answers by address and client. There are as many as lookups: they are held as rows of three numbers."""

    def __init__(self) -> None:
        """No answers yet."""
        self._answers: dict[str, dict[str, array[int]]] = {}
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
                kept = clients[sys.intern(client)] = array("q")
            kept.extend(_within((ts, ts + ttl, number)))
            if len(kept) > 2 * _ROW * MOST_ANSWERS:
                latest = sorted(set(self._of(kept)))[-MOST_ANSWERS:]
                kept[:] = array("q", [part for one in latest for part in (one.ts, one.until, self._numbers[one.name])])

    def _of(self, kept: array[int]) -> Iterator[Answer]:
        for at in range(0, len(kept), _ROW):
            yield Answer(kept[at], kept[at + 1], self._names[kept[at + 2]])

    def _latest(self, kept: array[int] | None) -> list[Answer]:
        """Return the answers that count, in no order: the same ones whatever was learnt twice."""
        found = list(self._of(kept)) if kept is not None else []
        return found if len(found) <= MOST_ANSWERS else sorted(set(found))[-MOST_ANSWERS:]

    def name_of(self, client: str, address: str, ts: Micros) -> str | None:
        """Return the name by which ``client`` came to ``address`` at ``ts``: its latest answer that still held.

        A host with IPv4 and IPv6 asks over one and connects over the other: the sensor sees two clients. An answer to a
        client of the other family counts when it came within moments before.
        """
        clients = self._answers.get(address, {})
        held = [one for one in self._latest(clients.get(client)) if one.ts <= ts + EARLY and ts <= one.until + GRACE]
        if not held:
            other_family = (answers for other, answers in clients.items() if (":" in other) != (":" in client))
            held = [
                one
                for answers in other_family
                for one in self._latest(answers)
                if one.ts <= ts + EARLY and ts - one.ts <= MOMENTS
            ]
        return max(held).name if held else None


def _within(numbers: tuple[int, int, int]) -> tuple[int, ...]:
    """Bring instants to what a row holds: only a damaged log has others."""
    return tuple(min(max(number, -_LATEST), _LATEST) for number in numbers)
