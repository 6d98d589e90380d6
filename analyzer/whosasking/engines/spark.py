"""Apache Spark as the join engine: the embedded engine's SQL, on a cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Self

import msgspec

from whosasking.engines.interface import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from pyspark.sql import SparkSession

    from whosasking.engines.interface import Cell

_SPARK_TYPES: Final = {"BIGINT": "BIGINT", "VARCHAR": "STRING", "BOOLEAN": "BOOLEAN", "DOUBLE": "DOUBLE"}
_PARAMETER: Final = re.compile(r"\$(\w+)")


class Spark:
    """Temporary views in a session of their own: two runs in one application do not see each other's tables."""

    def __init__(self, session: SparkSession) -> None:
        """Use the cluster of ``session``."""
        self._session = session.newSession()
        self._tables: list[str] = []

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the tables, unless the cluster is what failed."""
        if error is None:
            for table in self._tables:
                self._session.catalog.dropTempView(table)

    def load(self, table: str, shape: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
        """Create or replace ``table``. Its name and the field names of ``shape`` are ours, never from a log."""
        kinds = columns(shape)
        schema = ", ".join(f"{name} {_SPARK_TYPES[kind]}" for name, kind in kinds.items())
        cells = [msgspec.structs.astuple(row) for row in rows]
        self._session.createDataFrame(cells, schema, verifySchema=False).createOrReplaceTempView(table)
        self._tables.append(table)

    def query(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> list[tuple[Cell, ...]]:
        """Run one statement with ``$name`` parameters."""
        text = _PARAMETER.sub(r":\1", sql)
        return [tuple(row) for row in self._session.sql(text, args=dict(parameters or {})).collect()]

    def rows(self, sql: str, parameters: Mapping[str, Cell] | None = None) -> Iterator[tuple[Cell, ...]]:
        """Do the same; what the driver does not spill is held there, as ``query`` does."""
        return iter(self.query(sql, parameters))
