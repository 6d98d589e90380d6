"""What rows come wrapped in: an array, an object with an array in it, Log Analytics' tables of columns and rows.

Documents are cut into rows by a scan for brackets outside strings, in pieces of any cut; nothing is decoded until a row
is whole, and a row that is broken inside its brackets costs only itself.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.inputs import Tally

Line = tuple[int, bytes]
Row = dict[str, Any]

LONGEST_ROW = 8 << 20
BOM = b"\xef\xbb\xbf"
WRAPPERS = ("Results", "results", "value", "records")
_WRAPPER_TOKENS = frozenset(f'"{name}"'.encode() for name in WRAPPERS)
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|[{}\[\]"]')
_TABLES = re.compile(rb'\s*\{\s*"tables"\s*:\s*\[')
_PEEKED = 64
_TABLE_ROWS_AT = 4
_HITS, _HITS_AT = b'"hits"', 3
"""Elasticsearch answers with ``{"hits": {"hits": [{"_source": {...}}]}}``."""


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


def unwrapped(value: Row) -> Iterable[Row]:
    """Return the rows a JSON object holds: those in its wrapper's array, or the object itself."""
    for name in WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, list):
            return (row for row in inner if isinstance(row, dict))
    hits = _hits(value)
    if hits is not None:
        return (row for hit in hits if isinstance(hit, dict) for row in unwrapped(hit))
    source = value.get("_source")
    return (source if isinstance(source, dict) else value,)


def _hits(value: Row) -> list[Any] | None:
    """Return the hits of an Elasticsearch answer."""
    outer = value.get("hits")
    inner = outer.get("hits") if isinstance(outer, dict) else None
    return inner if isinstance(inner, list) else None


def is_document(head: bytes) -> bool:
    """Tell a JSON document (array, wrapper, pretty-printed) from NDJSON, where some line is a whole object."""
    if head.removeprefix(BOM).lstrip().startswith(b"["):
        return True
    return not any(_is_row_line(line) for line in head.split(b"\n", _PEEKED)[:_PEEKED])


def _is_row_line(line: bytes) -> bool:
    bare = line.removeprefix(BOM).rstrip()
    if not (bare.startswith(b"{") and bare.endswith(b"}")):
        return False
    try:
        value = decode(bare)
    except BadRowError:
        return False
    if not isinstance(value, dict) or _hits(value) is not None:
        return False
    return not any(isinstance(value.get(name), list) for name in WRAPPERS)


def elements(chunks: Iterable[Line], tally: Tally) -> Iterator[Line]:
    """Yield raw row objects with their first line: of an array, of a document's wrapper array, or pretty-printed ones.

    A scan for brackets outside strings: an object that is broken inside its braces costs only itself.
    """
    yield from _scanned(_Scanner(), chunks, tally)


def is_table_document(head: bytes) -> bool:
    """Tell the answer of Log Analytics' query interface: ``{"tables": [{"columns": [...], "rows": [[...]]}]}``."""
    return _TABLES.match(head.removeprefix(BOM)) is not None


def table_rows(chunks: Iterable[Line], tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield the rows of such an answer by column name, streaming: a table's columns stand before its rows."""
    names: list[str] = []
    in_rows = False
    for number, piece in _scanned(_TableScanner(), chunks, tally):
        try:
            value = decode(piece)
        except BadRowError as error:
            tally.skip(number, str(error))
            continue
        if isinstance(value, dict):
            names = [] if in_rows else names
            in_rows = False
            names.append(str(value.get("name") or value.get("ColumnName") or ""))
        elif len(value) == len(names):
            in_rows = True
            yield number, dict(zip(names, value, strict=True))
        else:
            in_rows = True
            tally.skip(number, f"{len(value)} values where the table has {len(names)} columns")


def _scanned(scanner: _Scanner, chunks: Iterable[Line], tally: Tally) -> Iterator[Line]:
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
        self._inner_key = b""
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
                self._inner_key = mark if self._depth == _HITS_AT - 1 else self._inner_key
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
        elif (
            self._depth == _HITS_AT - 1
            and self._rows_at == 0
            and mark == b"["
            and self._key == self._inner_key == _HITS
        ):
            self._rows_at, self._row, self._held = _HITS_AT, None, 0
        return mark == b"{" and self._row is None and self._depth == self._rows_at

    def _closes_row(self) -> bool:
        self._depth = max(0, self._depth - 1)
        return self._row is not None and self._depth == self._rows_at


class _TableScanner(_Scanner):
    """Finds the columns (objects) and rows (arrays) in the tables of an answer: both stand four brackets deep."""

    def __init__(self) -> None:
        super().__init__()
        self._rows_at = _TABLE_ROWS_AT

    def _opens_row(self, mark: bytes) -> bool:
        del mark
        return self._row is None and self._depth == self._rows_at
