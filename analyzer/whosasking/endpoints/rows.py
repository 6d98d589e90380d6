"""Lines of a file -> rows: JSON objects (one a line, an array, or rows inside a document) and CSV records.

Streaming and bounded: never more than one row, at most ``LONGEST_ROW``, is held. A row that cannot be read becomes a
skip with its line, and reading goes on behind it.
"""

from __future__ import annotations

import csv
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from whosasking.bytestream import BadStream
from whosasking.endpoints import carried
from whosasking.endpoints.containers import (
    BOM,
    LONGEST_ROW,
    BadRowError,
    Line,
    Row,
    decode,
    elements,
    is_document,
    is_table_document,
    table_rows,
    unwrapped,
)
from whosasking.endpoints.lines import blocks, head_of, lines
from whosasking.endpoints.reading import NOT_USED
from whosasking.inputs import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.endpoints.glance import Glance
    from whosasking.endpoints.interface import Noted
    from whosasking.inputs import Input
    from whosasking.progress import Progress

_DELIMITERS = (",", ";", "\t")
_MOST_SAMPLED = 64


def json_rows(
    inp: Input, tally: Tally, progress: Progress, glance: Glance | None = None, noted: Noted | None = None
) -> Iterator[tuple[int, Row]]:
    """Yield every row object of a file with its line.

    NDJSON, an array, the array of ``{"Results": [...]}``, or the rows of Log Analytics' ``{"tables": [...]}``. Rows
    that ``glance`` knows to be unused are counted in ``tally`` and ``noted``, and not yielded.
    """
    try:
        head = head_of(inp)
    except (OSError, BadStream) as error:
        tally.fail(str(error))
        return
    if is_table_document(head):
        yield from table_rows(blocks(inp, tally, progress), tally)
        return
    pieces = elements(blocks(inp, tally, progress), tally) if is_document(head) else lines(inp, tally, progress)
    yield from rows_of(pieces, tally, glance, noted)


def rows_of(
    pieces: Iterable[Line], tally: Tally, glance: Glance | None = None, noted: Noted | None = None
) -> Iterator[tuple[int, Row]]:
    """Yield the rows of pieces of one JSON object each, but those that ``glance`` knows to be unused."""
    if glance is not None and noted is not None:
        pieces = _glanced(pieces, glance, tally, noted)
    return decoded(pieces, tally)


def _glanced(pieces: Iterable[Line], glance: Glance, tally: Tally, noted: Noted) -> Iterator[Line]:
    unused = glance.unused
    for number, piece in pieces:
        label = unused(piece)
        if label is None:
            yield number, piece
        else:
            tally.records += 1
            noted.add(NOT_USED, label)


def decoded(pieces: Iterable[Line], tally: Tally) -> Iterator[tuple[int, Row]]:
    """Decode pieces of one JSON object each, and take the rows out of a wrapper."""
    for number, piece in pieces:
        stripped = piece.removeprefix(BOM).strip()
        if not stripped:
            continue
        try:
            value = decode(stripped)
        except BadRowError as error:
            tally.skip(number, str(error))
            continue
        if isinstance(value, dict):
            yield from carried_rows(((number, row) for row in unwrapped(value)), tally)
        else:
            tally.skip(number, "a JSON value that is no object")


def carried_rows(rows: Iterable[tuple[int, Row]], tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield each row, or the event it carries of another product."""
    for number, row in rows:
        try:
            yield number, carried.opened(row)
        except BadRowError as error:
            tally.skip(number, carried.broken(error))


def sample(head: bytes) -> Iterator[Row]:
    """Yield the rows that lie whole in the first bytes of a file; what cannot be read is passed over."""
    silent = Tally("")
    if is_table_document(head):
        return (row for _, row in table_rows([(1, head)], silent))
    pieces = elements([(1, head)], silent) if is_document(head) else enumerate(head.split(b"\n")[:-1] or [head], 1)
    return (row for _, row in decoded(pieces, silent))


def dict_rows(lines: Iterator[Line], tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield the records of a CSV by column, or the events they carry; the delimiter is the header's."""
    header = next(lines, None)
    first = (header[1] if header else b"").removeprefix(BOM).decode("utf-8", "replace")
    delimiter = max(_DELIMITERS, key=first.count)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    records = csv_rows(lines, delimiter, len(names), tally)
    return carried_rows(((number, _filled(names, fields)) for number, fields in records), tally)


def _filled(names: list[str], fields: list[str]) -> Row:
    """Return a record's columns that hold something: a CSV has all columns of all kinds of events in every row."""
    return {name: value for name, value in zip(names, fields, strict=True) if value}


def sample_csv(head: bytes) -> Iterator[Row]:
    """Yield the first records that lie whole in the first bytes of a CSV."""
    lines = head.split(b"\n")
    whole = iter(list(enumerate(lines[:-1] or lines, 1)))
    return (row for _, row in islice(dict_rows(whole, Tally("")), _MOST_SAMPLED))


class _Source:
    """Lines with the possibility to put some back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._back: deque[Line] = deque()
        self._lines = iter(lines)

    def next(self) -> Line | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def put_back(self, lines: list[Line]) -> None:
        self._back.extendleft(reversed(lines))


def csv_rows(lines: Iterable[Line], delimiter: str, width: int, tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Yield CSV records of ``width`` fields with their first line; quoted fields may hold line breaks.

    A quote that is never closed (a cut-off or hand-edited row) must not swallow the rows behind it: a record that does
    not come to ``width`` fields costs its first line, and reading starts again at the line behind that.
    """
    source = _Source(lines)
    while record := _record(source):
        number, first = record[0]
        if not first.strip():
            continue
        fields = csv_fields(b"\n".join(line for _, line in record), delimiter)
        if fields is not None and len(fields) == width:
            yield number, fields
            continue
        source.put_back(record[1:])
        tally.skip(number, _why(record, fields, width))


def _record(source: _Source) -> list[Line]:
    """Take the lines of one record: more than one while a quote is open and the bound allows."""
    record: list[Line] = []
    quotes = size = 0
    while (line := source.next()) is not None:
        record.append(line)
        quotes += line[1].count(b'"')
        size += len(line[1])
        if quotes % 2 == 0 or size > LONGEST_ROW:
            break
    return record


def csv_fields(record: bytes, delimiter: str) -> list[str] | None:
    """Return the fields of one record, None when it is no well-formed one."""
    text = record.removeprefix(BOM).rstrip(b"\r").decode("utf-8", "replace").replace("\0", "\ufffd")
    # The module's default of 128 KiB a field is less than a command line with its AdditionalFields can hold; the limit
    # is global to the process, so it is put back.
    before = csv.field_size_limit(2 * LONGEST_ROW)
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(before)
    return rows[0] if len(rows) == 1 else None


def _why(record: list[Line], fields: list[str] | None, width: int) -> str:
    if sum(line.count(b'"') for _, line in record) % 2:
        return "a quote that is never closed"
    return f"{len(fields or ())} CSV fields where the header has {width}"
