"""Records on disk: streams of small rows while exports are read, and sequences of what became of them.

Files are private (mode 0600), have no name in any folder where the system allows it, and are gone with the process.
Small runs never touch the disk.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, overload

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedRandom

T = TypeVar("T")
Row = list[Any]
"""A row as it comes back: JSON's types, tuples as lists."""
Chunk = tuple[int, int]
"""Where some rows of a stream begin in a file, and how many bytes they are."""

IN_MEMORY = 16 << 20
"""Bytes a file may have before it goes to disk."""
_CHUNK = 32 << 10
_PER_BLOCK = 256
_LENGTH = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def _encoded(value: object) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_clean(value))


def _clean(value: object) -> object:
    """Replace what no encoder takes: lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return tuple(map(_clean, value)) if isinstance(value, tuple | list) else value


@contextmanager
def writing() -> Iterator[None]:
    """Let an error while temporary data is written name their folder: it is seldom where the report goes."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or tempfile.gettempdir()
        raise


class Streams:
    """Any number of streams of rows in one file, each read back in the order it was written."""

    def __init__(self, in_memory: int = IN_MEMORY, file: IO[bytes] | None = None) -> None:
        """Open an empty file, or write into ``file``, which is empty."""
        self._file = tempfile.SpooledTemporaryFile(in_memory) if file is None else file  # noqa: SIM115 - while it lives
        self._waiting: dict[int, bytearray] = {}
        self._chunks: dict[int, list[Chunk]] = {}
        self._end = 0

    @classmethod
    def found(cls, file: IO[bytes], chunks: dict[int, list[Chunk]]) -> Streams:
        """Return the streams that another process wrote into ``file``, where its ``written`` said."""
        streams = cls(file=file)
        streams._chunks = chunks
        streams._waiting = {number: bytearray() for number in chunks}
        return streams

    def written(self) -> dict[int, list[Chunk]]:
        """Write everything into the file; return of each stream where its rows lie. Raises OSError."""
        for stream in self.numbers():
            self._write(stream)
        with writing():
            self._file.flush()
        return self._chunks

    def add(self, stream: int, row: tuple[object, ...]) -> None:
        """Append a row of numbers, texts, truth values, None and tuples of them.

        Raises OSError when the disk is full.
        """
        self.put(stream, _encoded(row))

    def put(self, stream: int, encoded: bytes) -> None:
        """Append a row that is bytes already. Raises OSError when the disk is full."""
        waiting = self._waiting.get(stream)
        if waiting is None:
            waiting = self._waiting[stream] = bytearray()
        waiting += len(encoded).to_bytes(_LENGTH, "little")
        waiting += encoded
        if len(waiting) >= _CHUNK:
            self._write(stream)

    def _write(self, stream: int) -> None:
        waiting = self._waiting[stream]
        with writing():
            self._file.seek(self._end)
            self._file.write(waiting)
        self._chunks.setdefault(stream, []).append((self._end, len(waiting)))
        self._end += len(waiting)
        self._waiting[stream] = bytearray()

    def read(self, stream: int) -> Iterator[Row]:
        """Yield the rows of a stream."""
        return map(_decode, self.encoded(stream))

    def encoded(self, stream: int) -> Iterator[memoryview]:
        """Yield the rows of a stream as bytes."""
        for begin, size in self._chunks.get(stream, ()):
            self._file.seek(begin)
            yield from _rows(self._file.read(size))
        yield from _rows(bytes(self._waiting.get(stream, b"")))

    def numbers(self) -> list[int]:
        """Return the streams that have rows, in order."""
        return sorted(self._waiting)


def _rows(data: bytes) -> Iterator[memoryview]:
    view, at = memoryview(data), 0
    while at < len(data):
        begin = at + _LENGTH
        at = begin + int.from_bytes(view[at:begin], "little")
        yield view[begin:at]


class Heap:
    """Rows by number, in any order of asking, one of which is held at a time."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        """Start empty."""
        self._most = in_memory
        self._file: BufferedRandom | None = None
        self._begins = array("q", [0])
        self._waiting = bytearray()
        self._written = 0

    def append(self, row: tuple[object, ...]) -> None:
        """Add a row. Raises OSError when the disk is full."""
        self._waiting += _encoded(row)
        self._begins.append(self._written + len(self._waiting))
        if len(self._waiting) >= self._most:
            with writing():
                if self._file is None:
                    self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this lives
                self._file.seek(self._written)
                self._file.write(self._waiting)
                self._file.flush()
            self._written += len(self._waiting)
            self._waiting = bytearray()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._begins) - 1

    def size(self, number: int) -> int:
        """Return how many bytes a row has. Raises IndexError."""
        return self._begins[number + 1] - self._begins[number]

    def __getitem__(self, number: int) -> Row:
        """Return a row. Raises IndexError."""
        begin, end = self._begins[number], self._begins[number + 1]
        if begin >= self._written:
            found = bytes(self._waiting[begin - self._written : end - self._written])
        else:
            assert self._file is not None  # noqa: S101 - something was written
            found = os.pread(self._file.fileno(), end - begin, begin)
        row: Row = _decode(found)
        return row


class Stored(Sequence[T], Generic[T]):
    """A sequence of records that lie on disk as rows, a block of which is held at a time.

    ``build`` makes a record of a row, each time it is asked for. Read it in order: a jump costs a block.
    """

    def __init__(self, build: Callable[[Row], T], in_memory: int = IN_MEMORY) -> None:
        """Start empty."""
        self._build = build
        self._file = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115 - as long as this object lives
        self._blocks: list[tuple[int, int]] = []
        self._waiting: list[tuple[object, ...]] = []
        self._end = 0
        self._held: tuple[int, list[Row]] = (-1, [])

    def extend(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Append rows. Raises OSError when the disk is full."""
        for row in rows:
            self._waiting.append(row)
            if len(self._waiting) == _PER_BLOCK:
                encoded = _encoded(self._waiting)
                with writing():
                    self._file.seek(self._end)
                    self._file.write(encoded)
                self._blocks.append((self._end, len(encoded)))
                self._end += len(encoded)
                self._waiting = []

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._blocks) * _PER_BLOCK + len(self._waiting)

    def __iter__(self) -> Iterator[T]:
        """Yield every record, built anew."""
        return map(self._build, self.rows())

    def numbered(self) -> Iterator[tuple[Any, T]]:
        """Yield every record behind the last cell of its row."""
        return ((row[-1], self._build(row)) for row in self.rows())

    def rows(self) -> Iterator[Row]:
        """Yield the rows that records are built of."""
        for number in range(len(self._blocks) + 1):
            yield from self._block(number)

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
        block = number // _PER_BLOCK
        if self._held[0] != block:
            self._held = (block, self._block(block))
        return self._build(self._held[1][number % _PER_BLOCK])

    def _block(self, number: int) -> list[Row]:
        if number == len(self._blocks):
            return [list(row) for row in self._waiting]
        begin, size = self._blocks[number]
        self._file.seek(begin)
        rows: list[Row] = _decode(self._file.read(size))
        return rows


class Words:
    """Numbers for texts that come again in every row: hosts, files, products."""

    def __init__(self) -> None:
        """Know none."""
        self._numbers: dict[str, int] = {}
        self.words: list[str] = []

    def number(self, word: str) -> int:
        """Return the number of ``word``."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
        return number
