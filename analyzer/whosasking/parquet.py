"""A Parquet table of Zeek records as text: the JSON lines Zeek would have written, one a row, in the table's order.

So a table goes the way of every log: told apart by its columns, sieved, its rows numbered like lines. DuckDB reads the
file; the columns are Zeek's (``id.orig_h``; ``id_orig_h`` and a struct ``id`` are the same), times any timestamp type
or epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from whosasking import storage
from whosasking.bytestream import BadStream

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS: Final = 4096
_MEMORY: Final = "512MB"
_ENDS: Final = ("orig_h", "orig_p", "resp_h", "resp_p")
"""The ends of a connection, which come first and in this order in every log of Zeek's."""
_WHOLE_NUMBERS: Final = frozenset({
    "id.orig_p", "id.resp_p", "orig_bytes", "resp_bytes", "trans_depth", "trans_id", "auth_attempts", "queries", "nth"
})  # fmt: skip
"""Columns that other tools turn into DOUBLE because some of their cells are empty."""


class Rows:
    """The table as a stream of bytes. One instance serves one thread."""

    def __init__(self, path: str) -> None:
        """Open the table. Raises BadStream when it is damaged or has no column of its own."""
        try:
            self._database = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": _MEMORY})
            table = self._reachable(path)
            self._database.execute("SET autoinstall_known_extensions = false")
            self._database.execute("SET autoload_known_extensions = false")
            self._database.execute(f"SET allowed_paths = [{_text(table)}, {_text(_literally(table))}]")
            self._database.execute("SET enable_external_access = false")
            self._database.execute("SET lock_configuration = true")
            self._table = f"read_parquet({_text(_literally(table))}, hive_partitioning = false)"
            cells = list(self._cells())
            self._rows = self._database.execute(
                f"SELECT CAST(to_json(whosasking_row) AS VARCHAR) FROM (SELECT {', '.join(cells)} FROM {self._table}) "  # noqa: S608 -- every name and text is quoted
                "AS whosasking_row"
            )
        except duckdb.Error as error:
            raise _damage(error) from None
        self._ready = memoryview(b"")

    def _reachable(self, path: str) -> str:
        """Return the name by which DuckDB reaches the table: for a URL, a file system that has this one file."""
        if not storage.is_url(path):
            return path
        from whosasking.remote import OneFile  # noqa: PLC0415 - for URLs alone

        only = OneFile(path)
        self._database.register_filesystem(only)
        return only.name

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end. Raises BadStream."""
        if not self._ready:
            try:
                rows = self._rows.fetchmany(_ROWS)
            except duckdb.Error as error:
                raise _damage(error) from None
            self._ready = memoryview("".join(f"{row}\n" for (row,) in rows).encode("utf-8", "backslashreplace"))
        data = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Fill the front of ``buffer``; the number of bytes, 0 at the end. Raises BadStream."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _cells(self) -> Iterator[str]:
        """Yield the columns to select: the ends first, each as JSON shows what Zeek means."""
        described = self._database.execute(f"DESCRIBE SELECT * FROM {self._table}").fetchall()  # noqa: S608 -- quoted
        kinds = {str(name): str(kind) for name, kind, *_ in described}
        nested: set[str] = set()
        if kinds.get("id", "").startswith("STRUCT"):
            inside = self._database.execute(f"DESCRIBE SELECT id.* FROM {self._table}").fetchall()  # noqa: S608 -- quoted
            nested = {str(name) for name, *_ in inside}
        used = set()
        for end in _ENDS:
            name = next((name for name in (f"id.{end}", f"id_{end}") if name in kinds), None)
            if name is not None:
                used.add(name)
                yield _cell(f"id.{end}", _name(name), kinds[name])
            elif end in nested:
                used.add("id")
                yield _cell(f"id.{end}", f"struct_extract(id, {_text(end)})", "")
        yield from (_cell(name, _name(name), kind) for name, kind in kinds.items() if name not in used)


def _cell(shown: str, source: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP"):  # of any precision, with and without a zone: seconds, exact
        whole = f"epoch_us({source})"
        source = f"printf('%d.%06d', {whole} // 1000000, {whole} % 1000000)"
    elif kind == "INTERVAL":
        source = f"epoch({source})"
    elif kind == "BLOB":
        source = f"CAST({source} AS VARCHAR)"
    elif shown in _WHOLE_NUMBERS and kind != "":
        source = f"TRY_CAST({source} AS BIGINT)"
    return f"{source} AS {_name(shown)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literally(path: str) -> str:
    """Take a path for what it is: DuckDB would expand ``*``, ``?`` and ``[``."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _damage(error: duckdb.Error) -> BadStream:
    return BadStream(f"damaged Parquet table: {' '.join(str(error).split())[:200]}")
