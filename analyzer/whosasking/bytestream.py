"""Compressed or plain files as blocks of whole lines. Every buffer is bounded.

gzip (RFC 1952, several members) inflates with ISA-L's igzip, Zstandard (RFC 8878, several frames) with libzstd; both
release the interpreter lock. A stream that ends too early gives what it held and then `BadStream`.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import zstandard
from isal import igzip_lib

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK: Final = 4 << 20
MAX_LINE: Final = 8 << 20
_PIECE: Final = 1 << 20
_SEEK_PIECE: Final = 64 << 10
_COMPRESSED_PIECE: Final = 512 << 10
_PIECES_AHEAD: Final = 8
_PATIENCE: Final = 0.05
_ZSTD_PIECE: Final = 4 << 10  # libzstd's object gives all its output at once: 4 KiB can become 128 MiB, not more
_ZSTD_WINDOW: Final = 1 << 27
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
PARQUET: Final = "parquet"
_PARQUET_MAGIC: Final = b"PAR1"


class BadStream(Exception):  # noqa: N818 - reads as the reason it carries
    """A compressed stream is damaged or ends too early; ``str()`` says which."""


class Source(Protocol):
    """A file, as far as it is used here."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, none at the end."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer``; the number of bytes, 0 at the end."""


class SeekableSource(Source, Protocol):
    """A file that can be read from any byte."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte; its number."""


class Stream(Protocol):
    """Inflated bytes."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, none at the end. Raises BadStream."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill the front of ``buffer``; the number of bytes, 0 at the end. Raises BadStream."""


def compression_of(magic: bytes) -> str | None:
    """Return ``gz``, ``zst``, ``parquet`` (no compression, but no text as it stands either) or None.

    ``magic`` are a file's first four bytes.
    """
    if magic.startswith(_GZIP_MAGIC):
        return "gz"
    if magic.startswith(_PARQUET_MAGIC):
        return PARQUET
    return "zst" if magic.startswith(_ZSTD_MAGIC) else None


def open_stream(file: Source, compression: str | None) -> Stream:
    """Return ``file`` inflated."""
    if compression == "gz":
        return _Gzip(file)
    if compression == "zst":
        return _Zstd(file)
    return _Plain(file)


class _Plain:
    def __init__(self, file: Source) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer: memoryview) -> int:
        return self._file.readinto(buffer)


class _Gzip:
    """One or more gzip members; zero bytes between and after them are padding."""

    def __init__(self, file: Source) -> None:
        self._file = file
        self._member = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
        self._padding = False  # between members

    def read(self, size: int) -> bytes:
        try:
            return self._inflate(size)
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # the stub declares an instance
            raise BadStream(f"damaged gzip stream: {str(error).lower()}") from None

    def _inflate(self, size: int) -> bytes:
        while True:
            if self._member.needs_input or self._member.eof:
                fresh = self._member.unused_data if self._member.eof else b""
                fresh = fresh or self._file.read(_COMPRESSED_PIECE)
                if not fresh and (self._member.eof or self._padding):
                    return b""
                if not fresh:
                    raise BadStream("gzip stream ends too early: the rest of it is missing")
                if self._member.eof or self._padding:
                    fresh = fresh.lstrip(b"\0")
                    self._member = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
                    self._padding = not fresh
                    if self._padding:
                        continue
            else:
                fresh = b""
            data = self._member.decompress(fresh, size)
            if data:
                return data

    def readinto(self, buffer: memoryview) -> int:
        data = self.read(min(len(buffer), _PIECE))
        buffer[: len(data)] = data
        return len(data)


class _Zstd:
    """One or more Zstandard frames."""

    def __init__(self, file: Source) -> None:
        self._file = file
        self._factory = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = b""
        self._at = 0
        self._output = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._output:
            piece = self._next_piece()
            if not piece:
                if self._frame is not None:
                    raise BadStream("Zstandard stream ends too early: the rest of it is missing")
                return b""
            try:
                self._output = memoryview(self._decompress(piece))
            except zstandard.ZstdError as error:
                raise BadStream(f"damaged Zstandard stream: {error}") from None
        data = bytes(self._output[:size])
        self._output = self._output[size:]
        return data

    def _next_piece(self) -> bytes:
        if self._at >= len(self._input):
            self._input = self._file.read(_COMPRESSED_PIECE)
            self._at = 0
        piece = self._input[self._at : self._at + _ZSTD_PIECE]
        self._at += len(piece)
        return piece

    def _decompress(self, piece: bytes) -> bytes:
        frame = self._frame = self._frame or self._factory.decompressobj()
        data = frame.decompress(piece)
        if frame.eof:
            self._at -= len(frame.unused_data)
            self._frame = None
        return data

    def readinto(self, buffer: memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def seek_line(file: SeekableSource, start: int) -> int:
    """Move a plain file to the first line that begins at or after byte ``start``; returns that position."""
    if start == 0:
        return 0
    at = start - 1
    file.seek(at)
    while piece := file.read(_SEEK_PIECE):
        end = piece.find(b"\n") + 1
        if end:
            return file.seek(at + end)
        at += len(piece)
    return at


class Ahead:
    """A stream that a thread of its own inflates ahead, a few pieces at most, while what it gave is worked on."""

    def __init__(self, stream: Stream) -> None:
        """Start the thread. ``close`` must be called in the end."""
        self._stream = stream
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES_AHEAD)
        self._piece = memoryview(b"")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="inflate", daemon=True)
        self._thread.start()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end. Raises BadStream, OSError."""
        return bytes(self._take(size))

    def readinto(self, buffer: memoryview) -> int:
        """Fill the front of ``buffer``; the number of bytes, 0 at the end. Raises BadStream, OSError."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data  # the only copy: each byte of a large log comes through here
        return len(data)

    def _take(self, size: int) -> memoryview:
        if not self._piece:
            found = self._pieces.get()
            if isinstance(found, BaseException):
                raise found
            self._piece = memoryview(found)
        data = self._piece[:size]
        self._piece = self._piece[size:]
        return data

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                while True:
                    self._pieces.get_nowait()
            self._thread.join(_PATIENCE)

    def _work(self) -> None:
        more = True
        while more and not self._closed.is_set():
            try:
                piece: bytes | BaseException = self._stream.read(_PIECE)
                more = bool(piece)
            except Exception as error:  # noqa: BLE001 - raised again where the stream is read
                piece, more = error, False
            self._pieces.put(piece)


class Block(NamedTuple):
    """Whole lines, valid until the next block is asked for. ``size`` bytes of ``data`` count.

    The last line of a stream may lack its line end. ``overlong`` stands for one line that was longer than MAX_LINE.
    """

    data: bytearray
    size: int
    overlong: bool = False

    @property
    def view(self) -> memoryview:
        """The lines."""
        return memoryview(self.data)[: self.size]


def whole_lines(
    stream: Stream, block: int = BLOCK, limit: int | None = None, buffer: bytearray | None = None
) -> Iterator[Block]:
    """Cut ``stream`` into blocks that end where lines end; ``limit`` ends with the line that byte number falls in.

    ``buffer`` (MAX_LINE + 1 bytes) is used again where a caller reads many streams one after another.
    Raises BadStream after the whole lines that came before the damage.
    """
    buffer = bytearray(MAX_LINE + 1) if buffer is None else buffer
    view = memoryview(buffer)
    kept = done = 0
    goal = _goal(block, 0, limit)
    while True:
        count, damage = _fill(stream, view, kept, goal)
        end = buffer.rfind(b"\n", 0, count) + 1
        if damage is not None or count < goal:
            if last := _upto(buffer, count if damage is None else end, limit, done):
                yield Block(buffer, last)
            if damage is not None:
                raise damage
            return
        if end:
            last = _upto(buffer, end, limit, done)
            yield Block(buffer, last)
            view[: count - end] = bytes(view[end:count])
            kept, done = count - end, done + last
        elif count < len(buffer):
            kept, goal = count, len(buffer)
            continue
        else:
            yield Block(buffer, 0, overlong=True)
            more, kept = _next_line(stream, buffer, view)
            done += count + more - kept
        if limit is not None and done >= limit:
            return
        goal = max(kept, _goal(block, done, limit))


def _goal(block: int, done: int, limit: int | None) -> int:
    """Return how many bytes to read ahead: little more than ``limit`` allows, the next range is another's work."""
    return block if limit is None else min(block, limit - done + _SEEK_PIECE)


def _fill(stream: Stream, view: memoryview, count: int, goal: int) -> tuple[int, BadStream | None]:
    """Read until ``goal`` bytes are there or the stream ends; damage is told after the bytes before it."""
    try:
        while count < goal and (more := stream.readinto(view[count:goal])):
            count += more
    except BadStream as error:
        return count, error
    return count, None


def _upto(buffer: bytearray, end: int, limit: int | None, done: int) -> int:
    """Return where the block ends when no line that begins at or after ``limit`` belongs to it."""
    if limit is None or done + end <= limit:
        return end
    return (buffer.find(b"\n", max(limit - done - 1, 0), end) + 1) or end


def _next_line(stream: Stream, buffer: bytearray, view: memoryview) -> tuple[int, int]:
    """Drop the rest of an over-long line. Returns the bytes read and how many of them, now in front, come after it."""
    read = 0
    while count := stream.readinto(view[:_PIECE]):
        read += count
        end = buffer.find(b"\n", 0, count) + 1
        if end:
            view[: count - end] = bytes(view[end:count])
            return read, count - end
    return read, 0
