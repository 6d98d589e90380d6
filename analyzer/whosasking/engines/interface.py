"""What a join engine offers. Tables are described by the annotations of a msgspec Struct, one field per column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    import msgspec

Cell = Any
"""A value of a result row: int, str, bool or None, as the query's columns say."""

SQL_TYPES: dict[Any, str] = {
    int: "BIGINT",
    int | None: "BIGINT",
    str: "VARCHAR",
    str | None: "VARCHAR",
    float: "DOUBLE",
    bool: "BOOLEAN",
    bool | None: "BOOLEAN",
}


class Engine(Protocol):
    """A database for one run. Used as a context manager; leaving it removes every trace of the data."""

    def load(self, table: str, shape: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
        """Create or replace ``table`` with ``rows``, all of them of ``shape``. Text in them is data, never SQL."""

    def query(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> list[tuple[Cell, ...]]:
        """Run one statement with ``$name`` parameters."""

    def rows(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> Iterator[tuple[Cell, ...]]:
        """Do the same, a few thousand rows in memory at a time. No other statement may run meanwhile."""

    def __enter__(self) -> Self:
        """Give itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database and delete what it spooled."""


def columns(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Column name to SQL type for a row Struct. Raises KeyError for an annotation no column type stands for."""
    return {name: SQL_TYPES[hint] for name, hint in get_type_hints(shape).items()}
