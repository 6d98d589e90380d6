"""Where a report goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from whosasking.errors import WhosaskingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD_OUTPUT = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
_DEVICES = ("/dev/", "/proc/")
_MEMORY = "/dev/shm/"  # noqa: S108 - a folder like any other, told apart from devices here


class OutputError(WhosaskingError):
    """A report cannot be written where it was asked for; the message names the file and the reason."""


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Open a UTF-8 text stream to ``path``; None, ``-`` and ``/dev/stdout`` are standard output.

    A file appears under its name only when the block ends without an error: it is written beside its place, synced and
    moved over it, so that neither a kill nor a full disk leaves half a report; an older report stays until then, its
    mode is kept. A symbolic link is followed; pipes and devices are written straight. Raises OutputError; a closed pipe
    on standard output stays BrokenPipeError.
    """
    if path is None or str(path) in STANDARD_OUTPUT:
        with _standard_output() as out:
            yield out
        return
    target = _target(path)
    try:
        if _is_stream(target):
            with target.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
                yield out
        else:
            with _replacing(target) as out:
                yield out
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def check(path: Path | None, evidence: Iterable[Path | str] = ()) -> None:
    """Say before hours of work, not after, that ``path`` cannot be written. Raises OutputError.

    ``evidence`` are the inputs: a report never overwrites one.
    """
    if path is None or str(path) in STANDARD_OUTPUT:
        return
    target = _target(path)
    if _is_stream(target):
        return
    if target.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder")
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {path}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: no permission to write in {target.parent}")
    if any(_same(target, Path(other)) for other in evidence):
        raise OutputError(f"{path} is one of the inputs: a report never overwrites evidence")


@contextlib.contextmanager
def _standard_output() -> Iterator[TextIO]:
    """Open standard output so that no character its encoding lacks makes it fail, and flush it in time."""
    if sys.stdout is None:
        raise OutputError("cannot write the report: standard output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", newline="")
    yield sys.stdout
    sys.stdout.flush()


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:60]}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
            out.flush()
            os.fchmod(handle, _mode(target))
            os.fsync(handle)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _mode(target: Path) -> int:
    """Return the mode of the file that is replaced; for a new one what the umask leaves."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask


def _target(path: Path) -> Path:
    """Follow symbolic links, but not out of /dev and /proc: what lies behind those is somebody's open file."""
    return path if _is_device(path) else path.resolve()


def _is_device(path: Path) -> bool:
    return str(path).startswith(_DEVICES) and not str(path).startswith(_MEMORY)


def _is_stream(path: Path) -> bool:
    return _is_device(path) or (path.exists() and not path.is_file() and not path.is_dir())


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False
