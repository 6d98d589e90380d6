"""Every process of the records, on disk as soon as they are many: built when asked for, the latest ones kept.

A site's day has millions of processes, each with a command line of its own; connections of one time are of few of them.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from whosasking.model import Process
from whosasking.recent import Recent
from whosasking.spool import IN_MEMORY, Heap

if TYPE_CHECKING:
    from collections.abc import Iterator

ANCESTORS = 4
"""How many generations a process carries: enough to climb from a browser's helper to what started the browser."""
KEPT = 1 << 16
"""How many built ones are kept."""


class Processes(Sequence[Process]):
    """Processes by number, each written once, its parent's number with it."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        """Start empty."""
        self._rows = Heap(in_memory)
        self._parents = array("q")
        self._built = Recent[Process](KEPT)

    def append(self, process: Process, parent: int | None) -> None:
        """Add the next process; ``parent``, a number that may come later, stands for its parent.

        Raises OSError when the disk is full.
        """
        one = process
        said = (one.host, one.key, one.name, one.pid, one.path, one.command_line, one.user, one.started, one.ended)
        self._rows.append(said)
        self._parents.append(-1 if parent is None else parent)

    def hold(self) -> None:
        """Keep every one that is built from now on: records in memory are to share theirs."""
        self._built = Recent[Process](sys.maxsize, sys.maxsize)

    def __len__(self) -> int:
        """Return the number of processes."""
        return len(self._parents)

    def __iter__(self) -> Iterator[Process]:
        """Yield every process."""
        return map(self.__getitem__, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Process: ...

    @overload
    def __getitem__(self, index: slice) -> list[Process]: ...

    def __getitem__(self, index: int | slice) -> Process | list[Process]:
        """Return a process with ``ANCESTORS`` generations, no more: hostile data may hold a circle."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        return self._with(number, ANCESTORS)

    def _with(self, number: int, generations: int) -> Process:
        known = self._built.get((number, generations))
        if known is not None:
            return known
        above = self._parents[number]
        parent = self._with(above, generations - 1) if generations and above not in {-1, number} else None
        host, key, name, pid, path, command_line, user, started, ended = self._rows[number]
        built = Process(
            host=host,
            key=key,
            name=name,
            pid=pid,
            path=path,
            command_line=command_line,
            user=user,
            started=started,
            ended=ended,
            parent=parent,
        )
        return self._built.keep((number, generations), built, self._rows.size(number))
