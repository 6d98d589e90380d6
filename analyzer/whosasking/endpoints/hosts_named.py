"""The hosts that lines name, learnt on the way: a line that names one that is known costs no more than its scan.

Lines of hosts that are not known yet are let through, of each the first, second, fourth, eighth ... line.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from whosasking.endpoints.kinds import other_texts, text_field
from whosasking.sieve import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMEMBERED: Final = 1 << 16
_OFTEN: Final = 4
_LEARN_AFTER: Final = 1_500
_MOST_LEARNT: Final = 4_000
_MOST_BYTES: Final = 100_000
_MOST_TIMES: Final = 10
_HASH: Final = re.compile(rb"[0-9a-fA-F]{24,}")
_HASH_PART: Final = 12
"""Characters that tell one hash from all others."""


class _State(NamedTuple):
    scanner: Scanner
    learnt: frozenset[bytes]


class HostsNamed:
    """Texts in fields that may name a host. Threads may ask at once: at worst a line more passes."""

    def __init__(self, fields: Iterable[str]) -> None:
        """Know none."""
        self._field = text_field(fields)
        self._times: dict[bytes, int] = {}
        self._asked = self._learnings = 0
        self._forgot = False
        self._learning = threading.Lock()
        self._state = _State(Scanner([(self._field, 0, 0)]), frozenset())

    def unknown(self, data: bytearray, size: int) -> list[int]:
        """Return a place in each line of ``data[:size]`` that should pass."""
        state = self._state
        ends: list[int] = []
        state.scanner.scan(data, size, lambda _id, _start, end, _flags, _context: ends.append(end))
        found = [end for end in ends if self._asks(data, size, end, state)]
        if self._asked > _LEARN_AFTER << self._learnings and self._learnings < _MOST_TIMES:
            self._learn()
        return found

    def may_name(self, names: Iterable[str]) -> bool:
        """Tell whether some line may name one of ``names``, which are in lower case."""
        if len(self._times) == 0 or self._forgot:
            return True
        seen = {token.decode("utf-8", "replace").strip().casefold() for token in self._times}
        seen |= {name.rpartition("\\")[2] for name in seen}
        return not seen.isdisjoint(names)

    def _asks(self, data: bytearray, size: int, end: int, state: _State) -> bool:
        begin = data.rfind(b'"', 0, end - 1) + 1 if state.learnt else end
        token = bytes(memoryview(data)[begin : data.find(b'"', begin, size)])
        self._asked += 1
        if len(self._times) > _REMEMBERED:
            self._times.clear()
            self._forgot = True
        times = self._times[token] = self._times.get(token, 0) + 1
        return times & (times - 1) == 0

    def _learn(self) -> None:
        """Compile what came often, so that it does not match any more."""
        if not self._learning.acquire(blocking=False):
            return
        try:
            self._learnings += 1
            self._asked = 0
            often = (token for token, times in self._times.copy().items() if times >= _OFTEN)
            learnt = self._state.learnt | {_told(token) for token in often}
            if len(learnt) <= _MOST_LEARNT and sum(map(len, learnt)) <= _MOST_BYTES and learnt:
                expressions = other_texts(self._field, learnt)
                self._state = _State(Scanner([(one, 0, 0) for one in expressions]), learnt)
        except ValueError:
            self._learnings = _MOST_TIMES  # too much for one scanner: go on with what is known
        finally:
            self._learning.release()


def _told(token: bytes) -> bytes:
    """Return what tells a host: its name up to the closing quote, or the first characters of a hash."""
    return token[:_HASH_PART] if _HASH.fullmatch(token) else token + b'"'
