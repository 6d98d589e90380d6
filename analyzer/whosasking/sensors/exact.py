"""The slow exact path for Zeek's TSV: zat's reader takes every line apart, no sieve before it."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, BinaryIO, cast

from whosasking import storage
from whosasking.bytestream import BadStream, open_stream
from whosasking.errors import InputError
from whosasking.inputs import Input, Tally, open_lines
from whosasking.model import SourceRef
from whosasking.sensors.recognise import log_of
from whosasking.sensors.tsv import BadRow, Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.model import Micros
    from whosasking.sensors.zeek import Zeek


def read(inp: Input, tally: Tally, zeek: Zeek, times: list[Micros]) -> None:
    """Give every row of ``inp`` to ``zeek``; the times of the first and the last are added to ``times``.

    Raises InputError when zat is not installed.
    """
    header, above = _header(inp)
    found: list[Micros] = []
    try:
        with _plain(inp, tally) as path:
            for number, values in enumerate(_rows(path), above + 1):
                tally.records += 1
                tally.candidates += 1
                try:
                    row = header.typed([value.encode("utf-8", "surrogateescape") for value in values])
                except BadRow as error:
                    tally.skip(number, str(error))
                    continue
                zeek.take(log_of(header.path or inp.kind.split()[1]), row, SourceRef(path=inp.path, line=number))
                ts = row.get("ts")
                if isinstance(ts, int):
                    found[1:] = [ts]
    except (OSError, BadStream, UnicodeDecodeError) as error:
        tally.skip(None, str(error))
    times += found


def _header(inp: Input) -> tuple[Header, int]:
    """Return the header above the first row, and how many lines it has."""
    header = Header()
    number = 0
    for number, line in open_lines(inp, Tally(inp.path)):
        if not line.startswith(b"#"):
            return header, number - 1
        header.take(line)
    return header, number


def _rows(path: str) -> Iterator[list[str]]:
    """Yield the columns of every row as zat's reader cuts them, its type conversion switched off."""
    try:
        from zat.zeek_log_reader import ZeekLogReader  # noqa: PLC0415 - optional
    except ImportError:
        raise InputError("the exact reader needs zat: pip install 'whosasking[zat]'") from None
    reader = ZeekLogReader(path)
    reader.type_mapper = {"unknown": str}
    reader.dash_mapper = {}
    rows = reader.readrows()
    with redirect_stdout(io.StringIO()):  # it greets on standard output with the first row
        first = next(rows, None)
    if first is not None:
        yield list(first.values())
    for row in rows:
        yield list(row.values())


@contextmanager
def _plain(inp: Input, tally: Tally) -> Iterator[str]:
    """Give the path of ``inp``, or of a temporary inflated copy."""
    tally.took(storage.size(inp.path))
    if inp.compression is None and not storage.is_url(inp.path):
        yield inp.path
        return
    with storage.open_raw(inp.path) as file, tempfile.NamedTemporaryFile(suffix=".log") as copy:
        shutil.copyfileobj(cast("BinaryIO", open_stream(file, inp.compression)), copy, 1 << 20)
        copy.flush()
        yield copy.name
