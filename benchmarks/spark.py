#!/usr/bin/env python3
"""Time `report --engine spark` on a real cluster on loopback: a standalone master, one worker of one core, then two.

The day (made by generate.py) is read as plain logs, as .gz and as Parquet tables. Each figure is a whole report in a
running application (its start is told apart), the median of several; the report is checked against the embedded
engine's first. The master, its workers and the driver share this machine: with two cores, two workers are all of it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyspark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "analyzer"), str(HERE.parent / "tests")]

from engines.standalone import Cluster  # noqa: E402 - see above
from whosasking import pipeline  # noqa: E402
from whosasking.engines.spark_session import connected  # noqa: E402
from whosasking.reports import Options, renderer  # noqa: E402

NOW: Final = 1_800_000_000_000_000
PIECES: Final = 8
"""Files a compressed log or a table is cut into: each is one task's work."""


def report(folder: Path, spark: SparkSession | None = None) -> str:
    """Return the JSON report of ``folder``."""
    out = io.StringIO()
    renderer("json")(pipeline.run([folder], now=NOW, spark=spark), out, Options(show_dropped=True))
    return out.getvalue()


def rewritten(day: Path, folder: Path) -> dict[str, Path]:
    """Write the day's logs as .gz and as Parquet, each log cut into pieces as rotation would, unless they are there."""
    forms = {"plain": day, ".gz": folder / "gz", "Parquet": folder / "parquet"}
    if folder.exists():
        return forms
    for form in (".gz", "Parquet"):
        forms[form].mkdir(parents=True)
    for log in sorted(day.glob("*.log")):
        with log.open("rb") as file:
            head = [file.readline() for _ in range(8)]
            step = (log.stat().st_size - file.tell()) // PIECES + 1
            for number in range(PIECES):
                rows = file.readlines(step)
                name = f"{log.stem}.{number:02}.log"
                (forms[".gz"] / f"{name}.gz").write_bytes(gzip.compress(b"".join([*head, *rows]), 6))
        names = head[6].decode().rstrip("\n").split("\t")[1:]
        columns = ", ".join(f"'{name}': '{'DOUBLE' if name == 'ts' else 'VARCHAR'}'" for name in names)
        source = (
            f"read_csv('{log}', delim = '\t', comment = '#', header = false, quote = '', escape = '', skip = 8, "
            f"auto_detect = false, null_padding = true, nullstr = '-', columns = {{{columns}}})"
        )
        listed = [f"string_split({name}, ',') AS {name}" for name in ("answers", "TTLs") if name in names]
        numbers = ['CAST("id.orig_p" AS BIGINT) AS "id.orig_p"', 'CAST("id.resp_p" AS BIGINT) AS "id.resp_p"']
        with duckdb.connect() as database:
            database.execute(f"CREATE TABLE log AS SELECT * REPLACE ({', '.join(listed + numbers)}) FROM {source}")  # noqa: S608 - our own names
            (count,) = database.execute("SELECT count(*) FROM log").fetchall()[0]
            for number in range(PIECES):
                target = forms["Parquet"] / f"{log.stem}-{number:02}.parquet"
                share = f"LIMIT {count // PIECES + 1} OFFSET {number * (count // PIECES + 1)}"
                database.execute(f"COPY (FROM log {share}) TO '{target}'")
    return forms


def seconds(folder: Path, spark: SparkSession | None, rounds: int) -> float:
    """Return the median wall time of a report."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        report(folder, spark)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def digest(text: str) -> str:
    """Return what tells one report from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def on_cluster(workers: int, forms: dict[str, Path], expected: dict[str, str], rounds: int) -> dict[str, float]:
    """Return wall seconds of reports on a cluster of ``workers`` one-core workers, by form."""
    took: dict[str, float] = {}
    home = Path(pyspark.__file__).parent
    with (
        tempfile.TemporaryDirectory(prefix="whosasking-bench-") as place,
        Cluster(home, Path(place), workers) as cluster,
    ):
        os.environ["SPARK_CONF_DIR"] = str(cluster.conf)
        (cluster.conf / "spark-defaults.conf").write_text(
            f"spark.cores.max {workers}\nspark.executor.cores 1\nspark.executor.memory 1g\n"
        )
        began = time.perf_counter()
        with connected(cluster.url) as spark:
            took["start of the application"] = time.perf_counter() - began
            for form, folder in forms.items():
                same = digest(report(folder, spark)) == expected[form]  # this run also warms the workers up
                scala: Any = spark.sparkContext._jsc.sc()  # noqa: SLF001 - PySpark's tracker does not list executors
                executors = len(scala.statusTracker().getExecutorInfos()) - 1
                said = "the same report" if same else "ANOTHER REPORT"
                print(f"{executors} of {workers} workers, {form}: {said}", flush=True)
                took[form] = seconds(folder, spark, rounds)
    return took


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("day", type=Path, help="a folder that generate.py filled with plain logs")
    parser.add_argument("--forms", type=Path, required=True, help="where its .gz and Parquet forms are, or are written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--form", action="append", choices=("plain", ".gz", "Parquet"), help="only this form")
    parser.add_argument("--only-write", action="store_true", help="write the forms and measure nothing")
    options = parser.parse_args()
    rows: dict[str, dict[str, float]] = {}
    forms = rewritten(options.day, options.forms)
    if options.only_write:
        return
    forms = {form: folder for form, folder in forms.items() if form in (options.form or forms)}
    expected = {form: digest(report(folder)) for form, folder in forms.items()}
    for workers in (1, 2):
        # A process of its own: Spark's driver reads its settings once in a process's life.
        with multiprocessing.get_context("spawn").Pool(1) as apart:
            for what, took in apart.apply(on_cluster, (workers, forms, expected, options.rounds)).items():
                rows.setdefault(what, {})[str(workers)] = took
    for form, folder in forms.items():
        rows[form]["embedded"] = seconds(folder, None, options.rounds)
    sizes = {form: sum(file.stat().st_size for file in folder.iterdir()) for form, folder in forms.items()}
    print("\n| what | MB on disk | one worker, s | two workers, s | speed-up | embedded, all cores, s |")
    print("|---|---|---|---|---|---|")
    for what, row in rows.items():
        size = f"{sizes[what] / 1e6:,.0f}" if what in sizes else ""
        embedded = f"{row['embedded']:.2f}" if "embedded" in row else ""
        ratio = row["1"] / row["2"]
        print(f"| {what} | {size} | {row['1']:.2f} | {row['2']:.2f} | {ratio:.2f} | {embedded} |")


if __name__ == "__main__":
    main()
