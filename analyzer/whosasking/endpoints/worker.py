"""A process that decodes lines for another: batches come in through its standard input, records go to a file.

It ends when its input ends, whatever became of the other process, and says at the end what it gathered, or why not.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import sys
from typing import IO, TYPE_CHECKING, Any, Final

from whosasking.endpoints import accounts, frames
from whosasking.endpoints.accounts import Kept
from whosasking.endpoints.gathered import told
from whosasking.endpoints.interest import Chosen
from whosasking.endpoints.products import take_lines
from whosasking.inputs import Tally
from whosasking.spool import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.interface import Collector

Json = dict[str, Any]
RARELY: Final = 50_000


class _Batches:
    """The lines of one file after another, out of batches."""

    def __init__(self, pipe: IO[bytes], collector: Collector) -> None:
        self._pipe = pipe
        self._collector = collector
        self.next = self._read()

    def _read(self) -> frames.Batch | None:
        body = frames.read(self._pipe)
        return frames.batch_of(body) if body else None

    def lines(self, file: int) -> Iterator[Line]:
        """Yield the lines of the file that comes next."""
        while (batch := self.next) is not None and batch.file == file:
            self._collector.batch = batch.number
            yield from zip(batch.lines, batch.texts, strict=True)
            self.next = self._read()


def work(pipe: IO[bytes], spool: IO[bytes]) -> Json:
    """Read all batches; return what was gathered and the account of each file. Raises EOFError, OSError."""
    order = frames.data_of(frames.read(pipe))
    collector = Chosen(Streams(file=spool), order["among"])
    if order["hosts"] is not None:
        collector.only(order["hosts"])
    batches = _Batches(pipe, collector)
    files = {}
    while (batch := batches.next) is not None:
        tally, noted = Tally(batch.path.decode("utf-8", "surrogatepass")), Kept()
        take_lines(batch.kind, batches.lines(batch.file), collector, tally, noted)
        files[batch.file] = accounts.part(tally, noted)
    return {"gathered": told(collector.gathered()), "files": files}


def main(spool: int) -> None:
    """Work for the process that started this one, writing records into the file descriptor ``spool``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the other process, which ends this one
    gc.set_threshold(RARELY, *gc.get_threshold()[1:])
    try:
        with os.fdopen(spool, "r+b") as file:
            said = work(sys.stdin.buffer, file)
    except EOFError:
        return  # nobody is there any more
    except OSError as error:
        said = {"errno": error.errno, "error": error.strerror, "file": error.filename}
    except MemoryError:
        said = {"errno": errno.ENOMEM, "error": os.strerror(errno.ENOMEM), "file": None}
    except Exception as error:  # noqa: BLE001 - told by the other process
        said = {"errno": None, "error": f"{type(error).__name__}: {error}", "file": None}
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(frames.of_data(said))
        sys.stdout.buffer.flush()
