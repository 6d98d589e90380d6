"""Two products on one host, one of which knows processes by pid alone: Security beside Sysmon, osquery beside an EDR.

What both recorded is told once, by the product with the firmer identity; what only the other recorded is given to the
firm record of its process where pid and program leave no choice. Instants are not compared: the two clocks need not
agree (Security's time of logging has been seen days from Sysmon's UtcTime).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from whosasking.endpoints.interface import Facts
    from whosasking.model import ProcessStart, Socket

    Owned = tuple[str, Socket]
    Started = tuple[str, ProcessStart]

Identity = tuple[str, int | None, str]


class Witnesses:
    """Knows which processes a firm product recorded."""

    def __init__(self, facts: Mapping[str, Facts], keys: Iterable[str]) -> None:
        """Index the processes of ``keys``, which are those that records belong to."""
        self._facts = facts
        self._firm: dict[Identity, set[str]] = defaultdict(set)
        for key in keys:
            if not self._is_weak(key) and facts[key].pid is not None:
                self._firm[self._identity(key)].add(key)

    def _is_weak(self, key: str) -> bool:
        return self._facts[key].clock is not None

    def _identity(self, key: str) -> Identity:
        facts = self._facts[key]
        return facts.host, facts.pid, (facts.name or "").casefold()

    def one(self, key: str) -> str:
        """Return the firm record of the process ``key``, or ``key`` where there is none or more than one."""
        if not self._firm or not self._is_weak(key):
            return key
        same = self._firm.get(self._identity(key), ())
        return next(iter(same)) if len(same) == 1 else key

    def sockets(self, owned: list[Owned]) -> list[Owned]:
        """Leave out connections that a firm product recorded too, and give the others to its processes."""
        if not self._firm or not any(self._is_weak(key) for key, _ in owned):
            return owned
        told: Counter[Hashable] = Counter(
            (self._identity(key), _ends(socket)) for key, socket in owned if not self._is_weak(key)
        )
        kept = []
        for key, socket in owned:
            if self._is_weak(key) and self._again(told, (self._identity(key), _ends(socket))):
                continue
            kept.append((self.one(key), socket))
        return kept

    def starts(self, starts: list[Started]) -> list[Started]:
        """Leave out process starts that a firm product recorded too."""
        if not self._firm or not any(self._is_weak(key) for key, _ in starts):
            return starts
        # A start without its command line (4688 without the policy) is of any command line.
        told: Counter[Hashable] = Counter()
        for key, _ in starts:
            if not self._is_weak(key):
                told.update({self._said(key), (self._identity(key), None)})
        return [
            (key, start) for key, start in starts if not (self._is_weak(key) and self._again(told, self._said(key)))
        ]

    def _said(self, key: str) -> tuple[Identity, str | None]:
        return self._identity(key), self._facts[key].command_line

    @staticmethod
    def _again(told: Counter[Hashable], what: Hashable) -> bool:
        """Tell whether this was told by the firm product, as many times as it told it."""
        if told[what] <= 0:
            return False
        told[what] -= 1
        return True


def _ends(socket: Socket) -> Hashable:
    ends = frozenset({(socket.local_ip, socket.local_port), (socket.remote_ip, socket.remote_port)})
    return socket.protocol, ends, socket.local_port is not None
