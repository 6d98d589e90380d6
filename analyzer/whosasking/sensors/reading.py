"""Sieved lines of many files, in order, read by threads that run ahead within bounds.

Large plain files are cut into ranges that threads scan side by side; a compressed file is one stream. Reading,
inflating and scanning release the interpreter lock, so the threads use every core; the lines come out in
the files' order.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import stringzilla

from whosasking.bytestream import BLOCK, MAX_LINE, Ahead, BadStream, Block, open_stream, seek_line, whole_lines
from whosasking.inputs import LONG_LINE_REASON, Input, Tally, inflated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import FileIO

    from whosasking.progress import Progress
    from whosasking.sieve import Sieve, Span

RANGE: Final = 16 << 20
_AHEAD: Final = 2
"""Pieces a thread may have ready before it waits."""
_PATIENCE: Final = 0.1
_EDGE_LINES: Final = 64
_NEWLINE: Final = 0x0A
_HASH: Final = 0x23


class Job(NamedTuple):
    """One file to read. Without a ``sieve`` every line passes."""

    inp: Input
    tally: Tally
    sieve: Sieve | None


class Line(NamedTuple):
    """A line that passed, without its line end. ``cut``: it is the file's last and has none."""

    number: int
    text: bytes
    cut: bool = False


class Piece(NamedTuple):
    """What one block gave; line numbers count from its first line, which is 1. ``edges``: first and last record."""

    lines: int = 0
    passed: tuple[Line, ...] = ()
    edges: tuple[bytes, ...] = ()
    trouble: str | None = None
    """Why a line (an over-long one: ``lines`` is 1) or all that follows was not read."""


class Sifted(NamedTuple):
    """One file's lines. ``edges``, its first and last record, is filled in when ``lines`` has been read to its end."""

    job: Job
    lines: Iterator[Line]
    edges: list[bytes]


class LineReader(Protocol):
    """What reads files: the threads of this process, or a cluster."""

    def read(self, jobs: Sequence[Job]) -> Iterator[Sifted]:
        """Yield every file with its lines, in order; each file's lines must be read before the next is asked for."""


class Unit(NamedTuple):
    """A range of a plain file, or the whole of a compressed one."""

    job: Job
    start: int
    end: int | None


class _Ahead(NamedTuple):
    """A unit and what its thread found there."""

    unit: Unit
    pieces: queue.Queue[Piece | BaseException | None]


class Reader:
    """Reads files with ``threads`` threads (default: one a core)."""

    def __init__(self, progress: Progress, threads: int | None = None) -> None:
        """Prepare; nothing is read yet."""
        self._progress = progress
        self._threads = threads or os.cpu_count() or 1
        self._stop = threading.Event()
        self._local = threading.local()
        self._ahead: deque[_Ahead] = deque()

    def read(self, jobs: Sequence[Job]) -> Iterator[Sifted]:
        """Yield every file with its lines; each file's lines must be read before the next file is asked for."""
        self._stop.clear()
        self._ahead.clear()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sieve")
        units = (unit for job in jobs for unit in units_of(job))
        try:
            self._submit(pool, units)
            while self._ahead:
                edges: list[bytes] = []
                lines = self._lines(pool, units, edges)
                yield Sifted(self._ahead[0].unit.job, lines, edges)
                deque(lines, maxlen=0)
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, pool: ThreadPoolExecutor, units: Iterator[Unit]) -> None:
        """Keep every thread busy and its next range waiting, and no more: what is ahead is held in memory."""
        while len(self._ahead) < 2 * self._threads and (unit := next(units, None)) is not None:
            self._ahead.append(_Ahead(unit, queue.Queue(_AHEAD)))
            pool.submit(self._work, self._ahead[-1])

    def _lines(self, pool: ThreadPoolExecutor, units: Iterator[Unit], edges: list[bytes]) -> Iterator[Line]:
        """Yield the lines of the file whose units stand in front."""
        job = self._ahead[0].unit.job
        return numbered(job, self._found(job, pool, units), edges)

    def _found(self, job: Job, pool: ThreadPoolExecutor, units: Iterator[Unit]) -> Iterator[Piece]:
        """Yield the pieces of ``job``, whose units stand in front."""
        while self._ahead and self._ahead[0].unit.job is job:
            while (piece := self._ahead[0].pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
            self._ahead.popleft()
            self._submit(pool, units)

    def _work(self, ahead: _Ahead) -> None:
        """Run in a thread: put all pieces of a unit, then None."""
        try:
            for piece in pieces(ahead.unit, self._progress, self._buffer()):
                if not self._put(ahead, piece):
                    return
        except Exception as error:  # noqa: BLE001 - raised again where the lines are read
            self._put(ahead, error)
        self._put(ahead, None)

    def _buffer(self) -> bytearray:
        """Return this thread's buffer: a fresh one for every range would be zeroed by the kernel each time."""
        buffer: bytearray | None = getattr(self._local, "buffer", None)
        if buffer is None:
            buffer = self._local.buffer = bytearray(MAX_LINE + 1)
        return buffer

    def _put(self, ahead: _Ahead, piece: Piece | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                ahead.pieces.put(piece, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False


def numbered(job: Job, found: Iterable[Piece], edges: list[bytes]) -> Iterator[Line]:
    """Yield the lines of one file's pieces, numbered through; its tally and ``edges`` learn the rest."""
    done = 0
    for piece in found:
        if piece.trouble is not None:
            job.tally.skip(done + piece.lines or None, piece.trouble)
        if piece.edges:
            edges[:] = [*(edges or piece.edges)[:1], piece.edges[-1]]
        for line in piece.passed:
            yield line._replace(number=done + line.number)
        done += piece.lines
    job.tally.records += done


def units_of(job: Job, step: int = RANGE) -> Iterator[Unit]:
    """Cut a large plain file into ranges of ``step`` bytes."""
    size = 0
    if job.inp.compression is None:
        with suppress(OSError):  # told when the range is read
            size = Path(job.inp.path).stat().st_size
    starts = range(0, size, step) if size > step else (0,)
    for start in starts:
        yield Unit(job, start, start + step if start + step < size else None)


def pieces(unit: Unit, progress: Progress, buffer: bytearray) -> Iterator[Piece]:
    """Read and sieve one unit."""
    job = unit.job
    try:
        with Path(job.inp.path).open("rb", buffering=0) as file:
            start = seek_line(file, unit.start)
            if unit.end is not None and start >= unit.end:
                job.tally.took(unit.end - unit.start)
                progress.advance(unit.end - unit.start)
                return
            if job.inp.compression is not None:
                yield from _inflated(job, file, progress, buffer)
                return
            limit = None if unit.end is None else unit.end - start
            for block in whole_lines(open_stream(file, None), BLOCK, limit, buffer):
                yield _piece(block, job.sieve)
            count = (unit.end or file.tell()) - unit.start  # ranges read a little past their end: count what is theirs
            job.tally.took(count)
            progress.advance(count)
    except OSError as error:
        yield Piece(trouble=(error.strerror or str(error)).lower())
    except BadStream as error:
        yield Piece(trouble=str(error))


def _inflated(job: Job, file: FileIO, progress: Progress, buffer: bytearray) -> Iterator[Piece]:
    """Sieve a compressed file while a second thread inflates what comes next."""
    stream = Ahead(inflated(file, job.inp, job.tally, progress))
    try:
        for block in whole_lines(stream, BLOCK, None, buffer):
            yield _piece(block, job.sieve)
    finally:
        stream.close()


def _piece(block: Block, sieve: Sieve | None) -> Piece:
    if block.overlong:
        return Piece(lines=1, trouble=LONG_LINE_REASON)
    data, size = block.data, block.size
    cut = data[size - 1] != _NEWLINE
    passed = []
    number, counted = 1, 0
    for start, stop in _all_lines(data, size) if sieve is None else _sieved(sieve, data, size, cut=cut):
        number += _newlines(data, counted, start)
        counted = start
        text = bytes(data[start:stop]).removesuffix(b"\r")
        if text:
            passed.append(Line(number, text, cut and stop == size))
    lines = number - 1 + _newlines(data, counted, size) + cut
    return Piece(lines, tuple(passed), _edges(data, size))


def _newlines(data: bytearray, start: int, stop: int) -> int:
    """Count line ends. ``bytes.count`` takes six times as long, and every byte of every log comes through here."""
    return int(stringzilla.count(memoryview(data)[start:stop], b"\n"))


def _all_lines(data: bytearray, size: int) -> Iterator[Span]:
    start = 0
    while start < size:
        stop = data.find(b"\n", start, size)
        stop = size if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _sieved(sieve: Sieve, data: bytearray, size: int, *, cut: bool) -> list[Span]:
    """Return the lines that pass, and the stream's last where it lacks its line end: it may be half a record."""
    spans = sieve.lines(data, size)
    if cut and (not spans or spans[-1][1] != size):
        spans.append((data.rfind(b"\n", 0, size) + 1, size))
    return spans


def _edges(data: bytearray, size: int) -> tuple[bytes, ...]:
    """Return the first and the last whole line that is no Zeek header line, where they are near the edges."""
    ahead = islice(_all_lines(data, size), _EDGE_LINES)
    first = next((span for span in ahead if span[0] < span[1] < size and data[span[0]] != _HASH), None)
    if first is None:
        return ()
    end = data.rfind(b"\n", 0, size)
    for _ in range(_EDGE_LINES):
        start = data.rfind(b"\n", 0, max(end, 0)) + 1
        if start < end and data[start] != _HASH:
            return bytes(data[slice(*first)]), bytes(data[start:end])
        end = start - 1
    return (bytes(data[slice(*first)]),)
