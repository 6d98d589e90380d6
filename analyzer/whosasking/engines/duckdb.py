"""The embedded engine: DuckDB in this process, fed through a private folder, unable to read or write anything else.

The rows hold text that attackers chose. It reaches DuckDB as NDJSON with explicit column types, never as SQL, and the
connection is locked before the first row arrives: no extension, no network, no file outside its own folder.
"""

from __future__ import annotations

import shutil
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

import msgspec

from whosasking.engines.interface import columns
from whosasking.errors import InputError
from whosasking.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    import duckdb

    from whosasking.engines.interface import Cell

T = TypeVar("T")

MEMORY_LIMIT = "512MB"
MAX_THREADS = 4
_BATCH = 4096
_LONGEST_ROW = 16 << 20
_BUFFER = _LONGEST_ROW + (1 << 20)
"""Bytes read from a spool at once; on its own DuckDB would take the longest row's length sixteen times."""


class DuckDB:
    """One database, in memory unless asked otherwise. Joins over ``memory_limit`` spill into the private folder."""

    def __init__(self, memory_limit: str = MEMORY_LIMIT, *, on_disk: bool = False) -> None:
        """Open an empty database, already locked. ``on_disk``: its tables lie compressed in the private folder."""
        # Importing DuckDB costs a tenth of a second, which a run without endpoint records need not pay.
        import duckdb  # noqa: PLC0415

        self._limit = memory_limit
        self._folder = Path(tempfile.mkdtemp(prefix="whosasking-"))  # mkdtemp gives it to this user alone
        self._database = duckdb.connect(
            str(self._folder / "tables.duckdb") if on_disk else ":memory:",
            config={
                "memory_limit": memory_limit,
                "threads": threads(),
                "temp_directory": str(self._folder),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        folder = str(self._folder).replace("'", "''")
        self._database.execute(f"SET allowed_directories = ['{folder}']")
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database and delete its folder."""
        self._database.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def load(self, table: str, shape: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
        """Create or replace ``table``. Its name and the field names of ``shape`` are ours, never from a log."""
        spool = self._folder / f"{table}.ndjson"
        with spool.open("wb") as file:
            file.writelines(_encoded(rows))
        types = ", ".join(f"{name}: '{kind}'" for name, kind in columns(shape).items())
        self._run(
            f"CREATE OR REPLACE TABLE {table} AS "  # noqa: S608 -- our own names
            f"SELECT * FROM read_json(?, format = 'newline_delimited', auto_detect = false, "
            f"compression = 'none', maximum_object_size = {_LONGEST_ROW}, columns = {{{types}}})",
            [str(spool)],
        )
        spool.unlink()

    def spool(self, name: str) -> BinaryIO:
        """Open a file of rows for ``load_spooled``."""
        return (self._folder / f"{name}.tsv").open("wb", buffering=1 << 20)

    def load_spooled(self, table: str, kinds: Mapping[str, str], name: str) -> None:
        """Create ``table`` from the spool ``name`` and delete it. Table, name and ``kinds`` are ours."""
        spool = self._folder / f"{name}.tsv"
        types = ", ".join(f"{column}: '{kind}'" for column, kind in kinds.items())
        self._run(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_csv(?, delim = '\t', header = false, quote = '', "  # noqa: S608 -- our own names
            f"escape = '', nullstr = '', auto_detect = false, compression = 'none', "
            f"max_line_size = {_LONGEST_ROW}, buffer_size = {_BUFFER}, columns = {{{types}}})",
            [str(spool)],
        )
        spool.unlink()

    def rows(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> Iterator[tuple[Cell, ...]]:
        """Run one statement, a few thousand rows in memory at a time. No other statement may run meanwhile."""
        found = self._run(sql, dict(parameters) if parameters else None)
        while some := self._bounded(lambda: found.fetchmany(_BATCH)):
            yield from some

    def query(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> list[tuple[Cell, ...]]:
        """Run one statement. A parameter the statement does not name is an error, as is a missing one."""
        found = self._run(sql, dict(parameters) if parameters else None)
        return self._bounded(found.fetchall)

    def _run(self, sql: str, parameters: list[Cell] | dict[str, Cell] | None = None) -> duckdb.DuckDBPyConnection:
        return self._bounded(lambda: self._database.execute(sql, parameters))

    def _bounded(self, work: Callable[[], T]) -> T:
        """Do ``work``. Raises InputError where it needs more memory than it may have and cannot spill."""
        import duckdb  # noqa: PLC0415 - loaded already

        try:
            return work()
        except duckdb.OutOfMemoryException:
            raise InputError(
                f"joining these records takes more than {self._limit} of memory: give fewer hosts or hours at a time"
            ) from None


def threads() -> int:
    """Return how many threads a database uses."""
    return min(MAX_THREADS, cores())


def _encoded(rows: Iterable[msgspec.Struct]) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield encoder.encode_lines(batch)
