"""Sieved lines of many files, in order, read by threads that run ahead within bounds.

Large plain files are cut into ranges that threads scan side by side; a compressed file is one stream. Reading,
inflating and scanning release the interpreter lock, so the threads use every core; the lines come out in
the files' order.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import stringzilla

from whosasking import storage
from whosasking.bytestream import MAX_LINE, Ahead, BadStream, Block, open_stream, seek_line, whole_lines
from whosasking.inputs import LONG_LINE_REASON, Input, Tally, inflated
from whosasking.machine import cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whosasking.bytestream import Source
    from whosasking.progress import Progress
    from whosasking.sieve import Span

RANGE: Final = 32 << 20
FAR_RANGE: Final = 64 << 20
"""As RANGE for a store's file, of whose every range some more is fetched than read."""
BLOCK: Final = 4 << 20
"""Bytes read and scanned at once: few enough to stay in the processor's last cache until the next step needs them, and
so many that threads seldom wait for their turn at the interpreter (two cores are a tenth faster than with 1 MiB)."""
_BATCH: Final = 256 << 10
_HELD: Final = 4 << 20
"""Bytes of passed lines one unit may hold until they are read, where a log's every line counts."""
_PER_LINE: Final = 150
_EDGE_LINES: Final = 64
_NEWLINE: Final = 0x0A
_HASH: Final = 0x23


class Sieving(Protocol):
    """What says which lines pass, from any thread."""

    def lines(self, data: bytearray, size: int) -> list[Span]:
        """Return where the lines of ``data[:size]`` that pass begin and end, in order, each once."""


class Job(NamedTuple):
    """One file to read. Without a ``sieve`` every line passes."""

    inp: Input
    tally: Tally
    sieve: Sieving | None


class Line(NamedTuple):
    """A line that passed, without its line end. ``cut``: it is the file's last and has none."""

    number: int
    text: bytes
    cut: bool = False


class Piece(NamedTuple):
    """What some blocks gave; line numbers count from its first line, which is 1. ``edges``: first and last record."""

    lines: int = 0
    passed: tuple[Line, ...] = ()
    edges: tuple[bytes, ...] = ()
    trouble: str | None = None
    """Why a line (an over-long one: ``lines`` is 1) or all that follows was not read."""
    size: int = 0
    """About how many bytes of memory ``passed`` takes."""


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


class _Held:
    """Pieces of one unit on their way from its thread to the reader, bounded by their bytes."""

    def __init__(self) -> None:
        self._pieces: deque[Piece | BaseException | None] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._stopped = False

    def put(self, piece: Piece | BaseException | None) -> bool:
        """Add a piece, when there is room; False when nobody will read it any more."""
        size = piece.size if isinstance(piece, Piece) else 0
        with self._changed:
            while self._size > _HELD and not self._stopped:
                self._changed.wait()
            self._pieces.append(piece)
            self._size += size
            self._changed.notify_all()
            return not self._stopped

    def get(self) -> Piece | BaseException | None:
        """Take the next piece, when there is one."""
        with self._changed:
            while not self._pieces:
                self._changed.wait()
            piece = self._pieces.popleft()
            self._size -= piece.size if isinstance(piece, Piece) else 0
            self._changed.notify_all()
            return piece

    def stop(self) -> None:
        """Let nobody wait for room any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _Ahead(NamedTuple):
    """A unit and what its thread found there.

    ``apart``: a thread of its own inflates it, because it takes so long that the other cores would have nothing to do.
    """

    unit: Unit
    apart: bool
    held: _Held


class Reader:
    """Reads files with ``threads`` threads (default: one a core; more for a store)."""

    def __init__(self, progress: Progress, threads: int | None = None) -> None:
        """Prepare; nothing is read yet."""
        self._progress = progress
        self._given = threads
        self._threads = threads or cores()
        self._local = threading.local()
        self._ahead: deque[_Ahead] = deque()

    def read(self, jobs: Sequence[Job]) -> Iterator[Sifted]:
        """Yield every file with its lines; each file's lines must be read before the next file is asked for."""
        self._ahead.clear()
        if self._given is None and any(storage.is_url(job.inp.path) for job in jobs):
            self._threads = max(cores(), storage.CONNECTIONS)
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sieve")
        units = self._units(jobs)
        try:
            self._submit(pool, units)
            while self._ahead:
                edges: list[bytes] = []
                lines = self._lines(pool, units, edges)
                yield Sifted(self._ahead[0].unit.job, lines, edges)
                deque(lines, maxlen=0)
        finally:
            for ahead in self._ahead:
                ahead.held.stop()
            pool.shutdown(wait=True, cancel_futures=True)

    def _units(self, jobs: Sequence[Job]) -> Iterator[_Ahead]:
        """Cut the files; a compressed one that is most of the work is inflated apart."""
        sizes = [storage.size(job.inp.path) for job in jobs]
        large = sum(sizes) / self._threads
        for job, size in zip(jobs, sizes, strict=True):
            apart = self._threads > 1 and size > large
            yield from (_Ahead(unit, apart, _Held()) for unit in units_of(job))

    def _submit(self, pool: ThreadPoolExecutor, units: Iterator[_Ahead]) -> None:
        """Keep every thread busy and its next ranges waiting, and no more: what is ahead is held in memory."""
        while len(self._ahead) < 4 * self._threads and (ahead := next(units, None)) is not None:
            self._ahead.append(ahead)
            pool.submit(self._work, ahead)

    def _lines(self, pool: ThreadPoolExecutor, units: Iterator[_Ahead], edges: list[bytes]) -> Iterator[Line]:
        """Yield the lines of the file whose units stand in front."""
        job = self._ahead[0].unit.job
        return numbered(job, self._found(job, pool, units), edges)

    def _found(self, job: Job, pool: ThreadPoolExecutor, units: Iterator[_Ahead]) -> Iterator[Piece]:
        """Yield the pieces of ``job``, whose units stand in front."""
        while self._ahead and self._ahead[0].unit.job is job:
            while (piece := self._ahead[0].held.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
            self._ahead.popleft()
            self._submit(pool, units)

    def _work(self, ahead: _Ahead) -> None:
        """Run in a thread: put all pieces of a unit, then None."""
        try:
            for piece in _batches(pieces(ahead.unit, self._progress, self._buffer(), apart=ahead.apart)):
                if not ahead.held.put(piece):
                    return
        except Exception as error:  # noqa: BLE001 - raised again where the lines are read
            ahead.held.put(error)
        ahead.held.put(None)

    def _buffer(self) -> bytearray:
        """Return this thread's buffer: a fresh one for every range would be zeroed by the kernel each time."""
        buffer: bytearray | None = getattr(self._local, "buffer", None)
        if buffer is None:
            buffer = self._local.buffer = bytearray(MAX_LINE + 1)
        return buffer


def _batches(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join pieces until they are worth handing over: most blocks of most logs have nothing in them."""
    lines = size = 0
    passed: list[Line] = []
    edges: tuple[bytes, ...] = ()
    for piece in pieces:
        if piece.trouble is not None:
            yield Piece(lines, tuple(passed), edges, size=size)
            lines, size, passed, edges = 0, 0, [], ()
            yield piece
            continue
        if passed or lines:
            passed += [Line(lines + line.number, line.text, line.cut) for line in piece.passed]
        else:
            passed = list(piece.passed)
        edges = (*(edges or piece.edges)[:1], piece.edges[-1]) if piece.edges else edges
        lines += piece.lines
        size += piece.size
        if size >= _BATCH:
            yield Piece(lines, tuple(passed), edges, size=size)
            lines, size, passed, edges = 0, 0, [], ()
    yield Piece(lines, tuple(passed), edges, size=size)


def numbered(job: Job, found: Iterable[Piece], edges: list[bytes]) -> Iterator[Line]:
    """Yield the lines of one file's pieces, numbered through; its tally and ``edges`` learn the rest."""
    done = 0
    for piece in found:
        if piece.trouble is not None:
            job.tally.skip(done + piece.lines or None, piece.trouble)
        if piece.edges:
            edges[:] = [*(edges or piece.edges)[:1], piece.edges[-1]]
        for line in piece.passed:
            yield Line(done + line.number, line.text, line.cut)
        done += piece.lines
    job.tally.records += done


def units_of(job: Job, step: int | None = None) -> Iterator[Unit]:
    """Cut a large plain file into ranges of ``step`` bytes (default: RANGE, more of a store's file)."""
    step = step or (FAR_RANGE if storage.is_url(job.inp.path) else RANGE)
    size = storage.size(job.inp.path) if job.inp.compression is None else 0
    for start in range(0, size, step) if size > step else (0,):
        yield Unit(job, start, start + step if start + step < size else None)


def pieces(unit: Unit, progress: Progress, buffer: bytearray, *, apart: bool = True) -> Iterator[Piece]:
    """Read and sieve one unit; ``apart``: a compressed one is inflated by a second thread."""
    job = unit.job
    try:
        with storage.open_raw(job.inp.path) as file:
            start = seek_line(file, unit.start)
            if unit.end is not None and start >= unit.end:
                job.tally.took(unit.end - unit.start)
                progress.advance(unit.end - unit.start)
                return
            if job.inp.compression is not None:
                yield from _inflated(job, file, progress, buffer, apart=apart)
                return
            limit = None if unit.end is None else unit.end - start
            for block in whole_lines(open_stream(file, None), BLOCK, limit, buffer):
                yield _piece(block, job.sieve)
            count = (unit.end or file.tell()) - unit.start  # ranges read a little past their end: count what is theirs
            job.tally.took(count)
            progress.advance(count)
    except OSError as error:
        yield Piece(trouble=storage.reason_of(error))
    except BadStream as error:
        yield Piece(trouble=str(error))


def _inflated(job: Job, file: Source, progress: Progress, buffer: bytearray, *, apart: bool) -> Iterator[Piece]:
    """Sieve a compressed file; ``apart``: while a second thread inflates what comes next."""
    stream = inflated(file, job.inp, job.tally, progress)
    ahead = Ahead(stream) if apart else None
    try:
        for block in whole_lines(ahead or stream, BLOCK, None, buffer):
            yield _piece(block, job.sieve)
    finally:
        if ahead is not None:
            ahead.close()


def _piece(block: Block, sieve: Sieving | None) -> Piece:
    if block.overlong:
        return Piece(lines=1, trouble=LONG_LINE_REASON)
    data, size = block.data, block.size
    cut = data[size - 1] != _NEWLINE
    passed = []
    number, counted, held = 1, 0, 0
    for start, stop in _all_lines(data, size) if sieve is None else _sieved(sieve, data, size, cut=cut):
        number += _newlines(data, counted, start)
        counted = start
        text = bytes(data[start:stop]).removesuffix(b"\r")
        if text:
            passed.append(Line(number, text, cut and stop == size))
            held += len(text) + _PER_LINE
    lines = number - 1 + _newlines(data, counted, size) + cut
    return Piece(lines, tuple(passed), _edges(data, size), size=held)


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


def _sieved(sieve: Sieving, data: bytearray, size: int, *, cut: bool) -> list[Span]:
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
