"""The progress bar: rich behind ``whosasking.progress.Progress``, on stderr, gone when the work is over."""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING

from whosasking.progress import SILENT

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Progress as Bars

    from whosasking.progress import Progress

STEP = 4 << 20
"""Bytes gathered before the bar is told: it is drawn ten times a second, a reader may call thousands of times."""


def for_terminal() -> Progress:
    """Return a bar when stderr is a terminal, otherwise SILENT: a log file gets no bar."""
    if not sys.stderr.isatty():
        return SILENT
    return Bar(sys.stderr)


class Bar:
    """One bar over all bytes of all inputs, drawn from the first ``start`` to ``close``. Safe in any thread."""

    def __init__(self, out: TextIO) -> None:
        """Draw on ``out``, but nothing yet."""
        self._out = out
        self._lock = Lock()
        self._bars: Bars | None = None
        self._total = 0
        self._pending = 0
        self._text = "reading"

    def start(self, total_bytes: int) -> None:
        """Add ``total_bytes`` to the work that lies ahead."""
        with self._lock:
            self._total += total_bytes
            self._bars = self._bars or _drawn(self._text, self._out)
            self._bars.update(self._bars.task_ids[0], total=self._total)

    def advance(self, n: int) -> None:
        """``n`` more bytes are done."""
        with self._lock:
            self._pending += n
            if self._bars and self._pending >= STEP:
                self._bars.advance(self._bars.task_ids[0], self._pending)
                self._pending = 0

    def describe(self, text: str) -> None:
        """Say what is being done now."""
        with self._lock:
            self._text = _shown(text)
            if self._bars:
                self._bars.update(self._bars.task_ids[0], description=self._text)

    def close(self) -> None:
        """Remove the bar. May be called more than once; a later ``start`` draws a new one."""
        with self._lock:
            if self._bars:
                self._bars.stop()
            self._bars, self._total, self._pending = None, 0, 0


def _drawn(text: str, out: TextIO) -> Bars:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and most runs have no terminal to draw on
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=Console(file=out),
        transient=True,
    )
    bars.add_task(text, total=None)
    bars.start()
    return bars


def _shown(text: str) -> str:
    """Fit for one line: file names are chosen by others."""
    from whosasking.reports.escape import visible  # noqa: PLC0415 - see above

    return visible(text, width=40).plain
