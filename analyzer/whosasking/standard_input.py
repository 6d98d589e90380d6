"""``-`` as an input: standard input as a temporary file, for what is told apart by content has to be read twice."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from whosasking.errors import InputError
from whosasking.interrupts import orderly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whosasking.model import InputReport, Report

NAME = "-"
_PIECE = 1 << 20


@contextlib.contextmanager
def spooled(paths: Sequence[str]) -> Iterator[list[str]]:
    """Give ``paths`` with ``-`` replaced by a private file that holds all of standard input; it is gone afterwards.

    Raises InputError when it cannot be kept.
    """
    if NAME not in paths:
        yield list(paths)
        return
    with orderly(), tempfile.TemporaryDirectory(prefix="whosasking-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "standard-input"
        try:
            with file.open("wb") as out:
                shutil.copyfileobj(sys.stdin.buffer, out, _PIECE)
        except OSError as error:
            raise InputError(f"cannot keep standard input in {folder}: {error.strerror}") from None
        yield [str(file) if path == NAME else path for path in paths]


def named(report: Report, given: Sequence[str], read: Sequence[str]) -> Report:
    """Return the report with ``-`` in the place of the temporary file's name."""
    return msgspec.structs.replace(report, inputs=renamed(report.inputs, given, read))


def renamed(inputs: Sequence[InputReport], given: Sequence[str], read: Sequence[str]) -> tuple[InputReport, ...]:
    """Return the accounts of inputs with ``-`` in the place of the temporary file's name."""
    files = {there for here, there in zip(given, read, strict=True) if here == NAME}
    return tuple(msgspec.structs.replace(one, path=NAME) if one.path in files else one for one in inputs)
