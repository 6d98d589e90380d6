"""Zeek's records in Parquet tables: whatever wrote them, the same lookups as from the JSON logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest

from whosasking import pipeline
from whosasking.inputs import discover

if TYPE_CHECKING:
    from whosasking.model import JudgedLookup, Report

SCENARIO = Path(__file__).parents[2] / "pcaps" / "workstation"
EXPORT = SCENARIO / "exports" / "sysmon-flat"
NOW = 1_800_000_000_000_000
LOGS = ("conn", "dns", "http", "quic", "ssl", "whois")
SHAPES = {
    "as DuckDB and Spark read the JSON logs": "*",
    "timestamps": "* REPLACE (make_timestamptz(CAST(round(ts * 1000000) AS BIGINT)) AS ts)",
    "names without dots": '* RENAME ("id.orig_h" AS id_orig_h, "id.orig_p" AS id_orig_p, "id.resp_h" AS id_resp_h, '
    '"id.resp_p" AS id_resp_p)',
    "a struct of ends, last": '* EXCLUDE ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"), struct_pack('
    'orig_h := "id.orig_h", orig_p := "id.orig_p", resp_h := "id.resp_h", resp_p := "id.resp_p") AS id',
    "numbers as a data frame leaves them": '* REPLACE (CAST("id.resp_p" AS DOUBLE) AS "id.resp_p", '
    'CAST("id.orig_p" AS DOUBLE) AS "id.orig_p")',
}


def write(folder: Path, columns: str = "*") -> Path:
    """Write the scenario's JSON logs as tables."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect() as database:
        for log in LOGS:
            source = f"read_json('{SCENARIO}/zeek-json/{log}.log', format = 'newline_delimited', sample_size = -1)"
            file = folder / f"{log}[1].parquet"
            database.execute(f"COPY (SELECT {columns} FROM {source}) TO '{file}' (ROW_GROUP_SIZE 2048)")  # noqa: S608 -- the test's own
    return folder


def seen(report: Report) -> list[JudgedLookup]:
    """Leave out where a record stands: the file has another name."""
    return [
        msgspec.structs.replace(one, lookup=msgspec.structs.replace(one.lookup, source=None)) for one in report.lookups
    ]


@pytest.fixture(scope="module")
def from_json() -> Report:
    return pipeline.run([*(SCENARIO / "zeek-json" / f"{log}.log" for log in LOGS), EXPORT], now=NOW)


@pytest.mark.parametrize("columns", SHAPES.values(), ids=SHAPES.keys())
def test_tables_give_the_lookups_of_the_logs(columns: str, tmp_path: Path, from_json: Report) -> None:
    report = pipeline.run([write(tmp_path / "lake", columns), EXPORT], now=NOW)
    assert seen(report) == seen(from_json)
    assert report.coverage.clock_offsets == from_json.coverage.clock_offsets


def test_bytes_and_rows_are_accounted_for(tmp_path: Path, from_json: Report) -> None:
    folder = write(tmp_path / "lake")
    report = pipeline.run([folder, EXPORT], now=NOW)
    told = {Path(one.path).name.partition("[")[0]: one for one in report.inputs}
    logs = {Path(one.path).stem: one for one in from_json.inputs}
    for log in LOGS:
        assert told[log].bytes == (folder / f"{log}[1].parquet").stat().st_size
        assert (told[log].records, told[log].candidates) == (logs[log].records, logs[log].candidates)
        assert told[log].kind == f"zeek {log} parquet"


def test_a_damaged_table_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "lake")
    damaged = folder / "conn[1].parquet"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    report = pipeline.run([folder], now=NOW)
    (told,) = [one for one in report.inputs if one.path == str(damaged)]
    assert told.skipped[0].reason.startswith("damaged Parquet table: ")
    assert report.lookups


def test_what_spark_leaves_beside_its_tables_is_no_broken_input(tmp_path: Path) -> None:
    folder = write(tmp_path / "lake")
    for name in ("_SUCCESS", ".part-0000.parquet.crc"):
        (folder / name).write_bytes(b"crc\0" if "crc" in name else b"")
    tallies = discover([folder]).tallies
    assert not any(tally.unreadable for tally in tallies.values())
    assert tallies[str(folder / "_SUCCESS")].skipped[0].reason == "not read: Hadoop's note on the files beside it"
