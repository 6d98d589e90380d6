"""A join that does not fit into the memory it may have is told in one line."""

from __future__ import annotations

import pytest

from whosasking.engines.duckdb import DuckDB
from whosasking.errors import InputError

TOO_MUCH = "SELECT list(a.range::VARCHAR || repeat('x', 1000)) FROM range(100000) a"


def test_a_join_that_does_not_fit_is_one_line() -> None:
    with DuckDB("20MB") as engine:
        with pytest.raises(InputError, match="more than 20MB of memory: give fewer hosts or hours"):
            engine.query(TOO_MUCH)
        with pytest.raises(InputError, match="more than 20MB"):
            list(engine.rows(TOO_MUCH))
        assert engine.query("SELECT 1") == [(1,)]
