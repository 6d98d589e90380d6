"""Records by the million: a sequence that lies in memory while it is short, and on disk from then on.

The file is private (mode 0600), has no name in any folder where the system allows it, and is gone with the process.
"""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

import msgspec

from whosasking.spool import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

IN_MEMORY: Final = 20_000
"""Records held before they go to disk."""
MOST_HELD: Final = 10_000
"""Records picked out of many that are held in memory; more are built each time they are gone through."""
_WRITTEN: Final = 256 << 10
_READ: Final = 64
_NEAR: Final = 8
"""Records that are read for one that is wanted, at most."""
_ODD: Final = b"\xc1"
"""No MessagePack begins with it: a pickle does here, of what no other encoder takes."""

_encode = msgspec.msgpack.Encoder().encode


def packed(record: object) -> bytes:
    """Return a record as bytes."""
    try:
        return _encode(record)
    except (UnicodeEncodeError, OverflowError):  # a file's name that is no UTF-8, a damaged time
        return _ODD + pickle.dumps(record)


def unpacked(data: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """Return the record that ``packed`` made ``data`` of."""
    if data[:1] == _ODD:
        odd: T = pickle.loads(data[1:])  # noqa: S301 - our own private file
        return odd
    return decoder.decode(data)


class Records(Sequence[T], Generic[T]):
    """Records of one ``kind`` (a msgspec type), only ever added at the end.

    From disk each is built anew whenever it is asked for: one that is wanted often is better kept.
    """

    def __init__(self, kind: type[T], in_memory: int | None = None) -> None:
        """Start empty. ``in_memory``: how many records may be held (default: IN_MEMORY)."""
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._most = IN_MEMORY if in_memory is None else in_memory
        self._held: list[T] = []
        self._waiting = bytearray()
        self._ends = array("Q", [0])
        self._written = 0
        self._file = None if self._most else _file()

    def append(self, record: T) -> None:
        """Add a record. Raises OSError when the disk is full."""
        if self._file is None:
            self._held.append(record)
            if len(self._held) > self._most:
                held, self._held, self._file = self._held, [], _file()
                self.extend(held)
            return
        self._waiting += packed(record)
        self._ends.append(self._written + len(self._waiting))
        if len(self._waiting) >= _WRITTEN:
            with writing():
                self._file.write(self._waiting)
                self._file.flush()
            self._written += len(self._waiting)
            self._waiting.clear()

    def extend(self, records: Iterable[T]) -> None:
        """Add records. Raises OSError when the disk is full."""
        for record in records:
            self.append(record)

    def sealed(self) -> Sequence[T]:
        """Return the records, as a list of their own where they are few."""
        return self._held if self._file is None else self

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._held) if self._file is None else len(self._ends) - 1

    def __iter__(self) -> Iterator[T]:
        """Yield every record."""
        return self.between(0, len(self))

    def between(self, first: int, past: int) -> Iterator[T]:
        """Yield the records from number ``first`` to before ``past``, some of which are held at a time."""
        if self._file is None:
            yield from self._held[first:past]
            return
        for begin in range(first, past, _READ):
            end = min(begin + _READ, past)
            base, data = self._ends[begin], self._bytes(begin, end)
            for number in range(begin, end):
                yield unpacked(data[self._ends[number] - base : self._ends[number + 1] - base], self._decoder)

    def some(self, numbers: Sequence[int]) -> Iterator[T]:
        """Yield the records with these numbers; ones that lie near each other, in order, are read together."""
        for begin in range(0, len(numbers), _READ):
            few = numbers[begin : begin + _READ]
            first, past = few[0], few[-1] + 1
            if self._file is None or not 0 < past - first <= _NEAR * len(few) or min(few) < first or max(few) >= past:
                yield from (self[number] for number in few)
                continue
            base, data = self._ends[first], self._bytes(first, past)
            for number in few:
                yield unpacked(data[self._ends[number] - base : self._ends[number + 1] - base], self._decoder)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return a record, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        if self._file is None:
            return self._held[number]
        return unpacked(self._bytes(number, number + 1), self._decoder)

    def _bytes(self, first: int, past: int) -> bytes:
        """Return the encoded records from ``first`` to before ``past``, wherever they are."""
        begin, end = self._ends[first], self._ends[past]
        if end <= self._written:
            return self._read(begin, end)
        start = max(begin, self._written)
        waiting = bytes(self._waiting[start - self._written : end - self._written])
        return (self._read(begin, start) if begin < start else b"") + waiting

    def _read(self, begin: int, end: int) -> bytes:
        assert self._file is not None  # noqa: S101 - the caller looked
        return os.pread(self._file.fileno(), end - begin, begin)


def _file() -> IO[bytes]:
    return tempfile.TemporaryFile()


class Runs(Generic[T]):
    """Records in the order of ``key``, however many there are: sorted run by run, then merged.

    Equal ones come out in the order in which they were added.
    """

    def __init__(self, kind: type[T], key: Callable[[T], Any], in_memory: int | None = None) -> None:
        """Start empty; arguments as for ``Records``."""
        self._records = Records(kind, in_memory)
        self._key = key
        self._starts: list[int] = []

    def add(self, run: list[T]) -> None:
        """Add some records, in any order. Raises OSError when the disk is full."""
        self._starts.append(len(self._records))
        self._records.extend(sorted(run, key=self._key))

    def merged(self) -> Iterator[T]:
        """Return all records in order."""
        spans = pairwise([*self._starts, len(self._records)])
        return heapq.merge(*(self._records.between(*span) for span in spans), key=self._key)


def picked(records: Sequence[T], numbers: Sequence[int]) -> Sequence[T]:
    """Return the records with these numbers, as a list where they are few."""
    found = _Picked(records, numbers)
    return found if len(numbers) > MOST_HELD else list(found)


class _Picked(Sequence[T], Generic[T]):
    """Records with some numbers, asked for whenever they are gone through."""

    def __init__(self, records: Sequence[T], numbers: Sequence[int]) -> None:
        self._records = records
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[T]:
        if isinstance(self._records, Records):
            return self._records.some(self._numbers)
        return map(self._records.__getitem__, self._numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._records[number] for number in self._numbers[index]]
        return self._records[self._numbers[index]]
