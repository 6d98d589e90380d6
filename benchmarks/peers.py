#!/usr/bin/env python3
"""Peers that answer whosasking's question.

Which sessions went to port 43 of a server, or named a listed host? ``peers.py PEER NAMES FILE...`` prints a line
``uid TAB server`` for each, sorted; a port-43 session's server is the name by which its client last resolved it.
``zat-pandas`` and ``zat-polars`` read ssl.log alone and print its part.
NAMES is a file of host names, one a line.
"""

# ruff: noqa: S608 - SQL over its own numbers and files

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def log_of(path: str) -> str:
    """Return ``conn``, ``dns``, ... of a log's file name."""
    return Path(path).name.split(".")[0]


def _names(path: str) -> list[str]:
    return Path(path).read_text("utf-8").split()


def _fields(path: str) -> list[str]:
    import gzip

    with gzip.open(path, "rt") if path.endswith(".gz") else open(path, encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            if line.startswith("#fields"):
                return line.rstrip("\n").split("\t")[1:]
    raise SystemExit(f"{path}: no header")


def _print(rows: Iterable[tuple[str, str]]) -> None:
    sys.stdout.writelines(f"{uid}\t{server}\n" for uid, server in sorted(set(rows)))


def duckdb_query(names: list[str], files: list[str]) -> None:
    """DuckDB: its CSV reader told the header and the types, one query for all logs."""
    import duckdb

    db = duckdb.connect()
    db.execute("CREATE TABLE names AS SELECT unnest(?) AS name", [names])

    def table(log: str) -> str:
        of_log = [path for path in files if log_of(path) == log]
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in _fields(of_log[0]))
        return (
            f"read_csv({of_log!r}, delim='\t', header=false, skip=0, comment='#', quote='', escape='', "
            f"auto_detect=false, columns={{{columns}}})"
        )

    _print(
        db.execute(f"""
        WITH answers AS (
            SELECT ts::DOUBLE AS ts, "id.orig_h" AS client, query, unnest(string_split(answers, ',')) AS address
            FROM {table("dns")} WHERE query IN (FROM names)
        ), port43 AS (
            SELECT ts::DOUBLE AS ts, uid, "id.orig_h" AS client, "id.resp_h" AS address
            FROM {table("conn")} WHERE "id.resp_p" = '43' AND proto = 'tcp'
        )
        SELECT uid, coalesce(query, '') FROM port43 ASOF LEFT JOIN answers
            ON port43.client = answers.client AND port43.address = answers.address AND port43.ts >= answers.ts
        UNION ALL SELECT uid, server_name FROM {table("ssl")} WHERE server_name IN (FROM names)
        UNION ALL SELECT uid, host FROM {table("http")} WHERE host IN (FROM names)
        """).fetchall()
    )


def polars_query(names: list[str], files: list[str]) -> None:
    """Polars: a lazy query, so that only the columns it needs are parsed."""
    import polars as pl

    def scan(log: str, columns: list[str]) -> Any:  # noqa: ANN401 - a lazy frame
        of_log = [path for path in files if log_of(path) == log]
        fields = _fields(of_log[0])
        return pl.scan_csv(
            of_log,
            separator="\t",
            has_header=False,
            comment_prefix="#",
            quote_char=None,
            schema=dict.fromkeys(fields, pl.String),
        ).select(columns)

    ends = ["ts", "uid", "id.orig_h", "id.resp_h"]
    listed = pl.Series(names)
    answers = (
        scan("dns", ["ts", "id.orig_h", "query", "answers"])
        .filter(pl.col("query").is_in(listed.implode()))
        .with_columns(pl.col("answers").str.split(","), pl.col("ts").cast(pl.Float64))
        .explode("answers")
        .rename({"answers": "id.resp_h"})
    )
    port43 = (
        scan("conn", [*ends, "id.resp_p", "proto"])
        .filter((pl.col("id.resp_p") == "43") & (pl.col("proto") == "tcp"))
        .with_columns(pl.col("ts").cast(pl.Float64))
    )
    ssl = scan("ssl", ["uid", "server_name"]).filter(pl.col("server_name").is_in(listed.implode()))
    http = scan("http", ["uid", "host"]).filter(pl.col("host").is_in(listed.implode()))
    answered, found, tls, web = pl.collect_all([answers, port43, ssl, http])
    joined = found.sort("ts").join_asof(answered.sort("ts"), on="ts", by=["id.orig_h", "id.resp_h"])
    rows = [(uid, query or "") for uid, query in joined.select("uid", "query").iter_rows()]
    _print([*rows, *tls.iter_rows(), *web.iter_rows()])


def zat_pandas(names: list[str], files: list[str]) -> None:
    """Run zat's reader into pandas, on ssl.log alone."""
    from zat.log_to_dataframe import LogToDataFrame

    rows: list[tuple[str, str]] = []
    for path in files:
        frame = LogToDataFrame().create_dataframe(path)
        found = frame[frame["server_name"].isin(names)]
        rows += zip(found["uid"], found["server_name"], strict=True)
    _print(rows)


def zat_polars(names: list[str], files: list[str]) -> None:
    """Run zat's reader into Polars, on ssl.log alone."""
    import polars as pl
    from zat.log_to_polars import LogToPolars

    rows: list[tuple[str, str]] = []
    for path in files:
        frame = LogToPolars().create_dataframe(path)
        rows += frame.filter(pl.col("server_name").is_in(names)).select("uid", "server_name").iter_rows()
    _print(rows)


PEERS: Final[dict[str, Callable[[list[str], list[str]], None]]] = {
    "duckdb": duckdb_query,
    "polars": polars_query,
    "zat-pandas": zat_pandas,
    "zat-polars": zat_polars,
}


if __name__ == "__main__":
    PEERS[sys.argv[1]](_names(sys.argv[2]), sys.argv[3:])
