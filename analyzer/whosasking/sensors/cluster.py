"""The reader of sensor logs on a Spark cluster: executors scan ranges of the files, what passed comes to the driver.

Every worker must see the files under the driver's names (a shared file system, or URLs of a store). A task scans some
ranges of large plain files, or whole compressed files and Parquet tables, with the very code the embedded engine runs
in its threads.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from whosasking import storage
from whosasking.bytestream import MAX_LINE
from whosasking.errors import InputError
from whosasking.inputs import Input, Tally
from whosasking.progress import SILENT
from whosasking.sensors.reading import Job, Piece, Sifted, Unit, numbered, pieces, units_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark import Broadcast, SparkContext

    from whosasking.progress import Progress
    from whosasking.sensors.reading import Sieving

SMALLEST: Final = 16 << 20
LARGEST: Final = 256 << 20
"""Bytes on disk a task should scan: enough to be worth its start, few enough that a lost one is soon repeated."""
_TASKS_A_CORE: Final = 4
_TOGETHER: Final = 256 << 20
_INLINE: Final = 1 << 20
"""Bytes of passed lines that come to the driver with all other ranges' results, and of one range's among them; a range
that has more is asked for when its turn comes."""
_LOOK: Final = 0.5

Sieves = dict[int, "Sieving"]


class Shared(NamedTuple):
    """What every task needs: the sieves by number, and what opens the URLs among the paths."""

    sieves: Sieves
    keys: storage.Keys


class Part(NamedTuple):
    """A unit of work as it travels: ``sieve`` is a number in the broadcast table, None where every line passes."""

    job: int
    inp: Input
    sieve: int | None
    start: int
    end: int | None


class Result(NamedTuple):
    """What a part gave; without ``found`` it is too much to come together with the others'."""

    part: Part
    bytes: int
    found: tuple[Piece, ...] | None


class ClusterReader:
    """Reads files in the executors of ``context``."""

    def __init__(self, context: SparkContext, progress: Progress) -> None:
        """Prepare; nothing is read yet."""
        self._context = context
        self._progress = progress

    def read(self, jobs: Sequence[Job]) -> Iterator[Sifted]:
        """Yield every file with its lines; each file's lines must be read before the next file is asked for.

        One Spark job scans all files. Raises InputError when a worker does not see a file that the driver sees.
        """
        if not jobs:
            return
        sieves: Sieves = {id(job.sieve): job.sieve for job in jobs if job.sieve is not None}
        shared = self._context.broadcast(Shared(sieves, storage.keys()))
        try:
            tasks = _tasks(jobs, self._context.defaultParallelism)
            results = self._scanned(tasks, shared)
            for number, ours in groupby(results, key=lambda result: result.part.job):
                job = jobs[number]
                edges: list[bytes] = []
                lines = numbered(job, self._pieces(job, ours, shared), edges)
                yield Sifted(job, lines, edges)
                for _ in lines:
                    pass
        finally:
            with suppress(Exception):  # the cluster is gone, and so is the broadcast
                shared.destroy()

    def _scanned(self, tasks: list[list[Part]], shared: Broadcast[Shared]) -> list[Result]:
        parts = sum(map(len, tasks))
        work = self._context.parallelize(tasks, len(tasks))
        limit = min(_INLINE, _TOGETHER // parts)
        with self._reported(sum(_size(part) for task in tasks for part in task)):
            found: list[Result] = work.flatMap(scanner(shared, limit)).collect()
            return found

    def _pieces(self, job: Job, results: Iterable[Result], shared: Broadcast[Shared]) -> Iterator[Piece]:
        for result in results:
            job.tally.took(result.bytes)
            if result.found is None:
                one = self._context.parallelize([[result.part]], 1)
                for piece in one.flatMap(reader(shared)).toLocalIterator():
                    if isinstance(piece, Piece):
                        yield _seen(piece, job)
                    else:
                        job.tally.took(piece)
            else:
                yield from (_seen(piece, job) for piece in result.found)

    @contextmanager
    def _reported(self, total: int) -> Iterator[None]:
        """Tell the progress how many tasks are done, each an equal share of ``total`` bytes."""
        done = threading.Event()
        watcher = threading.Thread(target=self._report, args=(total, done), name="spark progress", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _report(self, total: int, done: threading.Event) -> None:
        told = 0
        tracker = self._context.statusTracker()
        with suppress(Exception):  # the application has ended; whoever waits for the job is told
            while not done.wait(_LOOK):
                stages = filter(None, map(tracker.getStageInfo, tracker.getActiveStageIds()))
                now = max((total * stage.numCompletedTasks // stage.numTasks for stage in stages), default=told)
                self._progress.advance(max(now - told, 0))
                told = max(now, told)
        self._progress.advance(total - told)


def scanner(shared: Broadcast[Shared], limit: int) -> Callable[[list[Part]], Iterator[Result]]:
    """Return what scans a task's parts in an executor and gives what is at most ``limit`` bytes of lines."""

    def scan(task: list[Part]) -> Iterator[Result]:
        storage.learn(shared.value.keys)
        buffer = bytearray(MAX_LINE + 1)
        for part in task:
            tally = Tally(part.inp.path)
            found = _joined(_scan(part, tally, shared.value.sieves, buffer), limit)
            yield Result(part, 0 if found is None else tally.bytes, found)

    return scan


def reader(shared: Broadcast[Shared]) -> Callable[[list[Part]], Iterator[Piece | int]]:
    """Return what scans a task's parts in an executor and gives each one's pieces, then its bytes on disk."""

    def read(task: list[Part]) -> Iterator[Piece | int]:
        storage.learn(shared.value.keys)
        buffer = bytearray(MAX_LINE + 1)
        for part in task:
            tally = Tally(part.inp.path)
            yield from _scan(part, tally, shared.value.sieves, buffer)
            yield tally.bytes

    return read


def _scan(part: Part, tally: Tally, sieves: Sieves, buffer: bytearray) -> Iterator[Piece]:
    job = Job(part.inp, tally, None if part.sieve is None else sieves[part.sieve])
    return pieces(Unit(job, part.start, part.end), SILENT, buffer)


def _joined(found: Iterator[Piece], limit: int) -> tuple[Piece, ...] | None:
    """Make one piece of neighbours, for each has edges to carry; None when more than ``limit`` bytes passed."""
    joined: list[Piece] = []
    size = 0
    for piece in found:
        size += sum(len(line.text) for line in piece.passed)
        if size > limit:
            return None
        last = joined[-1] if joined else None
        if last is None or last.trouble is not None or piece.trouble is not None:
            joined.append(piece)
            continue
        moved = tuple(line._replace(number=last.lines + line.number) for line in piece.passed)
        edges = (*(last.edges or piece.edges)[:1], *(piece.edges or last.edges)[-1:])
        joined[-1] = Piece(last.lines + piece.lines, last.passed + moved, edges)
    return tuple(joined)


def _tasks(jobs: Sequence[Job], cores: int) -> list[list[Part]]:
    """Cut the files into tasks of about one size, in the files' order."""
    total = sum(storage.size(job.inp.path) for job in jobs)
    goal = min(max(total // (_TASKS_A_CORE * max(cores, 1)), SMALLEST), LARGEST)
    tasks: list[list[Part]] = []
    filled = goal
    for number, job in enumerate(jobs):
        sieve = None if job.sieve is None else id(job.sieve)
        for unit in units_of(job, goal):
            if filled >= goal:
                tasks.append([])
                filled = 0
            part = Part(number, job.inp, sieve, unit.start, unit.end)
            tasks[-1].append(part)
            filled += _size(part)
    return tasks


def _size(part: Part) -> int:
    return (storage.size(part.inp.path) if part.end is None else part.end) - part.start


def _seen(piece: Piece, job: Job) -> Piece:
    """Raise InputError for a file that is gone there and not here, or in a store that the worker is not set up for."""
    path = job.inp.path
    if piece.trouble == storage.GONE and storage.exists(path):
        raise InputError(
            f"{path}: a worker has no such file; the cluster's workers must see every path under the same name"
        )
    if storage.is_url(path) and piece.trouble is not None and storage.is_setup(piece.trouble):
        raise InputError(f"{path}: a worker cannot read it: {piece.trouble}; every worker needs what this machine has")
    return piece
