"""Lines of large exports, decoded on every core: this process reads and screens files, others decode what passes.

Each of them takes batches of lines as it gets through them, so that a slow one holds nothing up, and all of them
hold this process back: nothing piles up. They are told where a batch stands in the order of all lines, and what they
gathered is put together in that order. What little passes at first is decoded here: a process takes a while to start.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from itertools import count
from typing import TYPE_CHECKING, Final

from whosasking.endpoints import frames
from whosasking.endpoints.accounts import Account, Kept
from whosasking.endpoints.gathered import heard
from whosasking.endpoints.products import take_lines
from whosasking.errors import InputError
from whosasking.machine import cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.gathered import Gathered
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.inputs import Tally

MOST: Final = 8
"""Processes: more would wait for the one that reads."""
AT_FIRST = 16 << 20
"""Bytes of lines that are decoded here before other processes are started."""
BATCH = 256 << 10
"""Bytes of lines that are handed over at once."""
_PATIENCE: Final = 5.0
_STARTS: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; from whosasking.endpoints.worker import main; main(int(sys.argv[1]))"
)


class _Helper:
    """A process that decodes, and the private file it writes records to."""

    def __init__(self, order: bytes) -> None:
        """Start it. Raises OSError."""
        self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - as long as its records are read
        fd = self.spool.fileno()
        # Isolated, with our own search path: no module of the current folder is taken for one of Python's.
        command = [sys.executable, "-I", "-c", _STARTS, str(fd), *sys.path]
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(fd,),
            start_new_session=True,  # Ctrl-C is for us
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for
        assert self._process.stdout is not None  # noqa: S101 - asked for
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.send(order)

    def send(self, frame: bytes) -> bool:
        """Hand over a frame; False when the process is gone or has said why it ends."""
        try:
            self._stdin.write(frame)
            self._stdin.flush()
        except OSError:
            return False
        return True

    def said(self) -> frames.Json | None:
        """Return what it says at its end, None when it says nothing that makes sense."""
        with contextlib.suppress(EOFError, OSError, ValueError, OverflowError, MemoryError):
            return frames.data_of(frames.read(self._stdout))
        return None

    def kill(self) -> None:
        """Kill it, where it has not ended."""
        self._process.kill()
        self._process.wait()

    def ended(self) -> str:
        """Say how it ended, which it is about to do."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self.kill()
        status = self._process.returncode
        return f"signal {-status}" if status < 0 else f"status {status}"

    def close(self) -> None:
        """Close the pipes, which nobody uses any more; its records stay."""
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class Crew:
    """Reads files' lines into a collector here and into those of other processes; ``processes``: one a core."""

    def __init__(self, collector: Collector, processes: int | None = None) -> None:
        """Prepare; no process is started before there is enough to do."""
        self._collector = collector
        self._processes = processes or (min(cores(), MOST) if _can_start() else 1)
        self._left = AT_FIRST
        self._numbers = count(1)
        self._accounts: list[Account] = []
        self._helpers: list[_Helper] = []
        self._threads: list[threading.Thread] = []
        self._queue: queue.Queue[bytes | None] = queue.Queue()
        self._said: list[frames.Json | None] = []
        self._lost = False

    def here(self) -> None:
        """Note that what comes next is read by the collector here, behind all that was taken."""
        self._collector.batch = next(self._numbers)

    def take(self, kind: str, lines: Iterable[Line], tally: Tally, noted: Noted) -> None:
        """Read numbered lines of a file, as ``products.take_lines`` does; its account is told at the end of all.

        Raises InputError when another process is lost, OSError when a disk is full.
        """
        lines = iter(lines)
        file, account = len(self._accounts), Account(tally, noted)
        self._accounts.append(account)
        if not self._helpers:
            self._decode(kind, lines, tally, account)
            if self._left > 0 or self._processes == 1:
                return
            self._start()
            if not self._helpers:
                self._decode(kind, lines, tally, account)
                return
        path = tally.path.encode("utf-8", "surrogatepass")
        for numbers, texts in _batches(lines):
            if self._lost:
                self._ended()
            self._queue.put(frames.of_batch(frames.Batch(next(self._numbers), file, kind, path, numbers, texts)))

    def _decode(self, kind: str, lines: Iterator[Line], tally: Tally, account: Account) -> None:
        """Decode lines here: all, or as many as it takes until it is worth while to start others."""
        kept = Kept()
        take_lines(kind, lines if self._processes == 1 else self._first(lines), self._collector, tally, kept)
        account.keep(kept.counts, kept.fields)

    def _first(self, lines: Iterator[Line]) -> Iterator[Line]:
        while self._left > 0 and (line := next(lines, None)) is not None:
            self._left -= len(line[1])
            yield line

    def _start(self) -> None:
        """Start the others, as many as the system allows; if that is none, everything is done here."""
        hosts = self._collector.chosen
        order = frames.of_data({"among": self._processes, "hosts": None if hosts is None else sorted(hosts)})
        with contextlib.suppress(OSError):
            for _ in range(self._processes):
                self._helpers.append(_Helper(order))
        if not self._helpers:
            self._processes = 1
        self._queue = queue.Queue(2 * len(self._helpers))
        self._said = [None] * len(self._helpers)
        for number, helper in enumerate(self._helpers):
            self._threads.append(threading.Thread(target=self._feed, args=(number, helper), name="feed", daemon=True))
            self._threads[-1].start()

    def _feed(self, number: int, helper: _Helper) -> None:
        """Run in a thread: hand batches to one process until there are no more, then listen to it."""
        there = True
        while (frame := self._queue.get()) is not None:
            there = there and helper.send(frame)
            self._lost = self._lost or not there
        if there:
            helper.send(frames.END)
        said = helper.said()
        self._said[number] = said if there or (said is not None and "error" in said) else None

    def gathered(self) -> list[Gathered]:
        """Return what the other processes gathered, and tell the accounts of all files. Errors as of ``take``."""
        gathered = self._ended()
        for account in self._accounts:
            account.close()
        return gathered

    def _ended(self) -> list[Gathered]:
        """Let the others end; return what they gathered."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for helper, said in zip(self._helpers, self._said, strict=True):
            if said is None or "error" in said:
                raise _error(helper, said)
        gathered = []
        for helper, said in zip(self._helpers, self._said, strict=True):
            assert said is not None  # noqa: S101 - see above
            for file, part in said["files"].items():
                self._accounts[int(file)].add(part)
            gathered.append(heard(said["gathered"], helper.spool))
        return gathered

    def __enter__(self) -> Self:
        """Nothing has to be done before the first file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process that is still there."""
        for helper in self._helpers:
            helper.kill()
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for helper in self._helpers:
            helper.close()


def _can_start() -> bool:
    """Tell an interpreter that can be started once more: no other program that holds one."""
    return os.name == "posix" and bool(sys.executable) and not getattr(sys, "frozen", False)


def _batches(lines: Iterable[Line]) -> Iterator[tuple[list[int], list[bytes]]]:
    numbers: list[int] = []
    texts: list[bytes] = []
    size = 0
    for number, text in lines:
        numbers.append(number)
        texts.append(text)
        size += len(text)
        if size >= BATCH:
            yield numbers, texts
            numbers, texts, size = [], [], 0
    if numbers:
        yield numbers, texts


def _error(helper: _Helper, said: frames.Json | None) -> Exception:
    """Return why a process ended before its time."""
    if said is None:
        return InputError(
            f"a process that decodes exports was lost ({helper.ended()}), and its records with it: is there enough "
            "memory? On one core (taskset -c 0) everything is read in one process"
        )
    if said["errno"] is not None:
        return OSError(said["errno"], said["error"], said["file"])
    return RuntimeError(said["error"])
