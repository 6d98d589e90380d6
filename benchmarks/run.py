#!/usr/bin/env python3
"""Time whole `whosasking report` runs against zat's DataFrame reader, on the same generated day, in one run.

zat reads ssl.log alone into pandas; whosasking reads every log of the day and prints its report. Both are timed in
processes of their own, start-up included, and compared per byte of log text. Results go into RESULTS.md, beside this.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import generate

HERE: Final = Path(__file__).resolve().parent
ANALYZER: Final = HERE.parent / "analyzer"
LOGS: Final = ("conn", "dns", "http", "ssl")
PACKAGES: Final = ("hyperscan", "isal", "msgspec", "zat", "pandas")
GOAL_RATIO: Final = 10
GOAL_RESIDENT: Final = 300
GOAL_GZIP: Final = 0.5
ZAT: Final = (
    "import sys; from zat.log_to_dataframe import LogToDataFrame; "
    "frame = LogToDataFrame().create_dataframe(sys.argv[1]); print(len(frame))"
)


class Measured(NamedTuple):
    """One process: wall time in seconds, of the fastest run; log text in bytes; peak resident memory in MB."""

    name: str
    seconds: float
    size: int
    resident: float
    output: str

    @property
    def speed(self) -> float:
        """Return MB of log text a second."""
        return self.size / self.seconds / 1e6


def measure(name: str, command: list[str], size: int, rounds: int) -> Measured:
    """Run ``command`` several times; the fastest counts, the largest memory counts."""
    best, resident, output = float("inf"), 0.0, ""
    for _ in range(rounds):
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ANALYZER)},
        )
        assert process.stdout is not None  # noqa: S101 - asked for above
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        best = min(best, time.perf_counter() - begin)
        resident = max(resident, usage.ru_maxrss / 1024)
        if status:
            assert process.stderr is not None  # noqa: S101 - asked for above
            raise SystemExit(f"{name} failed:\n{process.stderr.read().decode()}")
    return Measured(name, best, size, resident, output)


def prepare(folder: Path, connections: int) -> tuple[Path, Path]:
    """Make the day's logs where they are not there yet: plain, and the same as .gz of gzip's default level."""
    plain, packed = folder / f"day-{connections}", folder / f"day-{connections}-gz"
    if not (plain / "done").exists():
        generate.write_day(plain, connections)
        (plain / "done").touch()
    if not (packed / "done").exists():
        packed.mkdir(parents=True, exist_ok=True)
        for log in LOGS:
            with (plain / f"{log}.log").open("rb") as text, gzip.open(packed / f"{log}.log.gz", "wb", 6) as file:
                shutil.copyfileobj(text, file, 1 << 20)
        (packed / "done").touch()
    return plain, packed


def report_command(folder: Path, suffix: str) -> list[str]:
    """Return the whole program on a day's logs."""
    files = [str(folder / f"{log}.log{suffix}") for log in LOGS]
    return [sys.executable, "-m", "whosasking", "report", "--format", "json", *files]


def same_answer(one: Measured, other: Measured) -> int:
    """Return the number of lookups both runs report. Exits when they differ."""
    found = [
        [(row["ts"], row["uid"], row["server"], row["verdict"]) for row in json.loads(run.output)["lookups"]]
        for run in (one, other)
    ]
    if found[0] != found[1]:
        raise SystemExit("plain and .gz logs gave different reports")
    return len(found[0])


def results(zat: Measured, plain: Measured, packed: Measured, connections: int, lookups: int, load: float) -> str:  # noqa: PLR0913, PLR0917
    """Return RESULTS.md."""
    ratio, share = plain.speed / zat.speed, packed.speed / plain.speed
    resident = max(plain.resident, packed.resident)
    rows = "\n".join(
        f"| {one.name} | {one.size / 1e6:,.0f} | {one.seconds:.2f} | {one.speed:,.0f} | {one.resident:,.0f} |"
        for one in (zat, plain, packed)
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"""# Results

Written by `benchmarks/run.py`; do not edit. One generated day of {connections:,} connections (`benchmarks/generate.py`,
seed 1) with {lookups} lookups; the fastest of several runs each, start-up included, the files in the page cache.

| run | MB of log text | seconds | MB/s | MB resident |
|---|---:|---:|---:|---:|
{rows}

| goal | measured |
|---|---|
| per byte at least {GOAL_RATIO} times as fast as zat's DataFrame reader on ssl.log alone | {ratio:.1f} times |
| .gz at least {GOAL_GZIP} times as fast as plain | {share:.2f} times |
| under {GOAL_RESIDENT} MB resident | {resident:.0f} MB |

Machine: {platform.machine()}, {os.cpu_count()} cores (load average before: {load:.1f}), {platform.system()},
Python {platform.python_version()}; {versions}.
"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "whosasking-benchmark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="print the results, leave RESULTS.md as it is")
    options = parser.parse_args()
    plain_day, packed_day = prepare(options.folder, options.connections)
    ssl = plain_day / "ssl.log"
    size = sum((plain_day / f"{log}.log").stat().st_size for log in LOGS)
    load = os.getloadavg()[0]
    zat = measure("zat, ssl.log into pandas", [sys.executable, "-c", ZAT, str(ssl)], ssl.stat().st_size, 2)
    plain = measure("whosasking report, all logs", report_command(plain_day, ""), size, options.rounds)
    packed = measure("whosasking report, all logs as .gz", report_command(packed_day, ".gz"), size, options.rounds)
    text = results(zat, plain, packed, options.connections, same_answer(plain, packed), load)
    print(text)
    if not options.dry:
        (HERE / "RESULTS.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
