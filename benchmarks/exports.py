#!/usr/bin/env python3
"""Time `report` and `attribute` on gigabytes of Sysmon NDJSON and Zeek logs, next to DuckDB only reading the same.

Few of the site's hosts look something up (``--curious``), as on real sites: what others recorded is passed over.
DuckDB reads every export as JSON and every log as CSV and counts their kinds: the floor for anything that parses them
whole. Throughput is per second of processor time as well as of wall time, for the machine may be shared.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

import made_site
import site_files
from measure import watched

ANALYZER: Final = Path(__file__).resolve().parent.parent / "analyzer"
READ_ONLY: Final = """
import duckdb, sys
folder = sys.argv[1]
engine = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
print(engine.sql(f"SELECT EventID, count(*), max(UtcTime), count(DISTINCT ProcessGuid) FROM read_json("
    f"'{folder}/edr/*.json', format='newline_delimited', union_by_name=true, columns={{EventID: 'BIGINT', "
    f"UtcTime: 'VARCHAR', ProcessGuid: 'VARCHAR', Image: 'VARCHAR'}}) GROUP BY ALL").fetchall())
print(engine.sql(f"SELECT count(*), count(DISTINCT column04) FROM read_csv('{folder}/zeek/conn.log', delim='\\t', "
    f"comment='#', header=false, quote='', all_varchar=true, auto_detect=true)").fetchall())
"""


class Measured(NamedTuple):
    """One command: seconds of wall and of processor, peak memory of all its processes in MB."""

    name: str
    wall: float
    processor: float
    resident: float


def measure(name: str, command: list[str]) -> Measured:
    """Run ``command`` once. Raises SystemExit when it fails."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ANALYZER)}
    ) as process:
        used = watched(process)
    if process.returncode:
        raise SystemExit(f"{name} failed")
    return Measured(name, time.perf_counter() - begin, used.cpu, used.resident)


def size_of(folder: Path) -> int:
    """Return the bytes of the files in ``folder``."""
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> None:
    """Make the site where it is not there yet, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the site is, or is to be made (keeps it)")
    parser.add_argument("--connections", type=int, default=10_000_000, help="150 bytes of conn.log each")
    parser.add_argument("--curious", type=int, default=20, help="how many of the 1,000 hosts look something up")
    parser.add_argument("--noise", type=int, default=2_600_000, help="file, registry and module events, 1 KB each")
    parser.add_argument("--starts", type=int, default=700_000, help="processes that start, 1 KB each in Sysmon")
    parser.add_argument("--only-make", action="store_true", help="make the site, measure nothing")
    options = parser.parse_args()
    if options.only_make:
        site = made_site.make(1000, options.connections, options.starts, 1, options.curious)
        site_files.write(site, options.folder, options.noise)
        return
    if not (options.folder / "processes.parquet").exists():
        # In a process of its own: a program started from one that holds much counts as holding it, too.
        subprocess.run([sys.executable, __file__, "--only-make", *sys.argv[1:]], check=True)
    exports, logs = size_of(options.folder / "edr"), size_of(options.folder / "zeek")
    print(f"exports {exports / 1e9:.2f} GB, logs {logs / 1e9:.2f} GB, {os.cpu_count()} cores, {platform.machine()}")
    parts = [str(options.folder / part) for part in ("edr", "zeek")]
    report = [sys.executable, "-m", "whosasking", "report", "--format", "json", *parts]
    attribute = [sys.executable, "-m", "whosasking", "attribute", "--format", "csv", *parts]
    for name, command in (
        ("DuckDB, reading only", [sys.executable, "-c", READ_ONLY, str(options.folder)]),
        ("whosasking report", report),
        ("whosasking attribute", attribute),
    ):
        one, speed = measure(name, command), (exports + logs) / 1e6
        print(
            f"{one.name}: {one.wall:.0f} s wall ({speed / one.wall:.0f} MB/s), {one.processor:.0f} s processor "
            f"({speed / one.processor:.0f} MB/s), {one.resident:.0f} MB resident",
            flush=True,
        )


if __name__ == "__main__":
    main()
