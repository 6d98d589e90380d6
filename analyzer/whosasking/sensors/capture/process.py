"""Sensors as child processes: in a process group of their own, bounded, and gone when we are.

Ctrl-C and SIGTERM unwind the stack here, which kills the group; a kill -9 of this process reaches the child through the
guard (Linux).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

GUARD: Final = Path(__file__).with_name("guard.py")
_SAID: Final = 4 << 10
_PATIENCE: Final = 5.0


class Limits(NamedTuple):
    """What one sensor may use: bytes of address space, bytes of one file it writes, seconds from start to end."""

    memory: int = 8 << 30
    file_size: int = 64 << 30
    seconds: float = 3600.0

    def for_bytes(self, size: int) -> Limits:
        """Return the same for a capture of ``size`` bytes: a second more for each MiB."""
        return self._replace(seconds=self.seconds + size / (1 << 20))


class Ended(NamedTuple):
    """How a sensor ended: exit status (negative: a signal), whether it ran out of time, its last messages."""

    status: int
    late: bool
    said: str


def guarded(command: list[str], limits: Limits) -> list[str]:
    """Return the command line that runs ``command`` bound to this process."""
    bounds = [str(os.getpid()), str(limits.memory), str(limits.file_size)]
    return [sys.executable, "-I", "-S", str(GUARD), *bounds, *command]


def run(  # noqa: PLR0913 - one process, wholly described
    command: list[str],
    folder: Path,
    limits: Limits,
    *,
    stdin: int = subprocess.DEVNULL,
    messages: str = "messages.txt",
    meanwhile: Callable[[], None] | None = None,
) -> Ended:
    """Run ``command`` in ``folder`` to its end, calling ``meanwhile`` once it has started.

    What it prints goes into ``messages`` there. Raises OSError when it cannot be started.
    """
    with (folder / messages).open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - a program found on PATH, no shell, the arguments are a list
            guarded(command, limits), cwd=folder, stdin=stdin, stdout=out, stderr=out, start_new_session=True
        )
    late = False
    try:
        if meanwhile is not None:
            meanwhile()
        child.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        end_group(child.pid)
        child.wait(_PATIENCE)
    return Ended(child.returncode, late, last_words(folder / messages))


def end_group(pid: int) -> None:
    """Kill the process group of a sensor; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def last_words(path: Path) -> str:
    """Return the end of what a sensor printed, as one line."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _SAID, 0))
            text = file.read(_SAID).decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[-3:])


class Piped:
    """A thread that writes into a pipe what a sensor reads: the read end is ``fd``."""

    def __init__(self, write: Callable[[int], None]) -> None:
        """Start ``write`` with the pipe's other end; a sensor that stops reading ends it without an error."""
        self.fd, self._other = os.pipe()
        self.error: Exception | None = None
        self._write = write
        self._thread = threading.Thread(target=self._work, name="capture feed", daemon=True)

    def _work(self) -> None:
        try:
            self._write(self._other)
        except BrokenPipeError:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where the feed is joined
            self.error = error
        finally:
            os.close(self._other)

    def start(self) -> None:
        """Begin to write; once the child has its own copy, close ours with ``started``."""
        self._thread.start()

    def started(self) -> None:
        """Close our read end: from now on only the sensor reads."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def join(self) -> None:
        """Wait for the writer; raises what it raised."""
        self.started()
        self._thread.join(_PATIENCE)
        if self.error is not None:
            raise self.error
