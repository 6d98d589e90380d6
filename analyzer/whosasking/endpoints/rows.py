"""Lines of a file -> rows: JSON objects (one a line, an array, or rows inside a document) and CSV records.

Streaming and bounded: never more than one row, at most ``LONGEST_ROW``, is held. A row that cannot be read becomes a
skip with its line, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from whosasking.bytestream import BadStream, open_stream
from whosasking.inputs import Metered, Tally, open_lines, read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.inputs import Input
    from whosasking.progress import Progress

Line = tuple[int, bytes]
Row = dict[str, Any]

LONGEST_ROW = 8 << 20
_PIECE = 1 << 20
_HEAD = 256 << 10
_PEEKED = 64
_BOM = b"\xef\xbb\xbf"
_WRAPPERS = ("Results", "results", "value", "records")
_WRAPPER_TOKENS = frozenset(f'"{name}"'.encode() for name in _WRAPPERS)
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|[{}\[\]"]')


class BadRowError(ValueError):
    """A row cannot be read; ``str()`` says why, without quoting attacker-chosen text."""


def decode(data: bytes) -> Any:  # noqa: ANN401 - a JSON value is anything
    """Decode JSON; where strict decoding fails on bad UTF-8 or lone surrogates, decode with those replaced.

    Raises BadRowError.
    """
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise BadRowError("JSON nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = str(error)
    try:
        loose = json.loads(data.decode("utf-8", "replace"), strict=False)
        return msgspec.json.decode(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadRowError(f"no JSON: {reason}") from None


def json_rows(inp: Input, tally: Tally, progress: Progress) -> Iterator[tuple[int, Row]]:
    """Yield every row object of a file with its line: NDJSON, an array, or the array of ``{"Results": [...]}``."""
    try:
        document = is_document(read_head(inp.path, _HEAD).data)
    except (OSError, BadStream) as error:
        tally.fail(str(error))
        return
    pieces = elements(_blocks(inp, tally, progress), tally) if document else open_lines(inp, tally, progress)
    yield from decoded(pieces, tally)


def decoded(pieces: Iterable[Line], tally: Tally) -> Iterator[tuple[int, Row]]:
    """Decode pieces of one JSON object each, and take the rows out of a wrapper."""
    for number, piece in pieces:
        stripped = piece.removeprefix(_BOM).strip()
        if not stripped:
            continue
        try:
            value = decode(stripped)
        except BadRowError as error:
            tally.skip(number, str(error))
            continue
        if isinstance(value, dict):
            yield from ((number, row) for row in unwrapped(value))
        else:
            tally.skip(number, "a JSON value that is no object")


def sample(head: bytes) -> Iterator[Row]:
    """Yield the rows that lie whole in the first bytes of a file; what cannot be read is passed over."""
    silent = Tally("")
    pieces = elements([(1, head)], silent) if is_document(head) else enumerate(head.split(b"\n")[:-1] or [head], 1)
    return (row for _, row in decoded(pieces, silent))


def _blocks(inp: Input, tally: Tally, progress: Progress) -> Iterator[Line]:
    """Yield the file in pieces of any cut, each with the line it begins in: a document may be one endless line."""
    line = 1
    try:
        with Path(inp.path).open("rb", buffering=0) as file:
            stream = open_stream(Metered(file, tally, progress), inp.compression)
            while piece := stream.read(_PIECE):
                yield line, piece
                line += piece.count(b"\n")
    except (OSError, BadStream) as error:
        tally.skip(line, str(error))


def unwrapped(value: Row) -> Iterator[Row]:
    """Yield the rows a JSON object holds: those in its wrapper's array, or the object itself."""
    for name in _WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, list):
            yield from (row for row in inner if isinstance(row, dict))
            return
    source = value.get("_source")
    yield source if isinstance(source, dict) else value


def is_document(head: bytes) -> bool:
    """Tell a JSON document (array, wrapper, pretty-printed) from NDJSON, where some line is a whole object."""
    if head.removeprefix(_BOM).lstrip().startswith(b"["):
        return True
    return not any(_is_row_line(line) for line in head.split(b"\n", _PEEKED)[:_PEEKED])


def _is_row_line(line: bytes) -> bool:
    bare = line.removeprefix(_BOM).rstrip()
    if not (bare.startswith(b"{") and bare.endswith(b"}")):
        return False
    try:
        value = decode(bare)
    except BadRowError:
        return False
    return isinstance(value, dict) and not any(isinstance(value.get(name), list) for name in _WRAPPERS)


def elements(chunks: Iterable[Line], tally: Tally) -> Iterator[Line]:
    """Yield raw row objects with their first line: of an array, of a document's wrapper array, or pretty-printed ones.

    A scan for brackets outside strings: an object that is broken inside its braces costs only itself.
    """
    scanner = _Scanner()
    for number, chunk in chunks:
        yield from scanner.feed(number, chunk)
        for line in scanner.take_damage():
            tally.skip(line, "a JSON row with a string that does not end in its line: it was cut off")
        if scanner.pending > LONGEST_ROW:
            long = f"a JSON row longer than {LONGEST_ROW >> 20} MiB"
            tally.skip(scanner.line, f"{long}; the rest of the file is not read")
            return
    if scanner.open:
        tally.skip(scanner.line, "the JSON document ends in the middle: the file was cut off")


class _Scanner:
    """Finds row objects in JSON that arrives in pieces. Only brackets and strings matter; nothing is decoded."""

    def __init__(self) -> None:
        self.line = 1
        self._buffer = b""
        self._row: list[bytes] | None = None
        self._depth = 0
        self._rows_at = 0
        self._key = b""
        self._held = 0
        self._damaged: list[int] = []

    @property
    def open(self) -> bool:
        """A document has begun and not ended."""
        return self._depth > 0 or bool(self._buffer)

    @property
    def pending(self) -> int:
        """Bytes held for the row or string that has begun."""
        return self._held + len(self._buffer)

    def take_damage(self) -> list[int]:
        """Return the lines of rows that were given up since the last call."""
        lines, self._damaged = self._damaged, []
        return lines

    def feed(self, number: int, chunk: bytes) -> Iterator[Line]:
        """Take the next piece, which begins in line ``number``; yield the rows that end in it."""
        data, self._buffer = self._buffer + chunk, b""
        begun = counted = 0
        for token in _TOKEN.finditer(data):
            mark, at = token[0], token.start()
            if mark == b'"':
                if data.find(b"\n", at) < 0:
                    # A string that goes on in the next piece: look at it again then.
                    self._keep(data[begun:at])
                    self._buffer = data[at:]
                    return
                self._give_up(number + data.count(b"\n", counted, at))
            elif len(mark) > 1:
                self._key = mark if self._depth == 1 else self._key
            elif mark in b"{[":
                if self._opens_row(mark):
                    number, counted = number + data.count(b"\n", counted, at), at
                    self._row, self._held, self.line, begun = [], 0, number, at
                self._depth += 1
            elif self._closes_row():
                yield self.line, b"".join([*(self._row or ()), data[begun : token.end()]])
                self._row, self._held = None, 0
        self._keep(data[begun:])

    def _keep(self, piece: bytes) -> None:
        if self._row is not None:
            self._row.append(piece)
            self._held += len(piece)

    def _give_up(self, line: int) -> None:
        """Drop the row that has begun: its braces cannot be trusted. The next brace begins the next row."""
        self._damaged.append(line if self._row is None else self.line)
        self._row, self._held, self._depth = None, 0, self._rows_at

    def _opens_row(self, mark: bytes) -> bool:
        """Decide where rows are: at the top, in an array at the top, or in a wrapper's array (then the top is none)."""
        if self._depth == 0:
            self._rows_at = 1 if mark == b"[" else 0
        elif self._depth == 1 and self._rows_at == 0 and mark == b"[" and self._key in _WRAPPER_TOKENS:
            self._rows_at, self._row, self._held = 2, None, 0
        return mark == b"{" and self._row is None and self._depth == self._rows_at

    def _closes_row(self) -> bool:
        self._depth = max(0, self._depth - 1)
        return self._row is not None and self._depth == self._rows_at


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
    text = record.removeprefix(_BOM).rstrip(b"\r").decode("utf-8", "replace").replace("\0", "\ufffd")
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
