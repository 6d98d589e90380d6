#!/usr/bin/env python3
"""Hold what `whosasking attribute` says of a made site against the truth: precision and coverage for each method.

Each method states a confidence; it should be the share of its answers that are right, to within five points. Results go
into docs/calibration.md with ``--write``.
"""

# ruff: noqa: S608 - SQL over its own files

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import duckdb
import made_site
import site_files
from measure import watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE: Final = Path(__file__).resolve().parent
PAGE: Final = HERE.parent / "docs" / "calibration.md"
SURE: Final = frozenset({"5-tuple", "community id"})
"""Methods of the first rung."""
EVIDENCE: Final = (
    ("seen by the host that answered", "the connection itself, at its other end"),
    ("same 5-tuple", "the connection itself"),
    ("records no local port", "server and port, no local port recorded"),
    ("was not recorded, but others", "others to the server before and after"),
    ("via DNS client", "the name asked for through a resolver"),
    ("resolved the server", "the name resolved just before"),
    ("its command line names the server", "a command line that names the server"),
    ("a known client", "a known client of the protocol"),
    ("through a proxy", "the server's name, by way of a proxy"),
    ("from the same client port", "behind NAT, the client's port kept"),
    ("behind address translation", "behind NAT, another port"),
    ("on this host (JA3", "ClientHello of a program, by its host"),
    ("on all hosts (JA3", "ClientHello of a program, by the site"),
)
"""What a reason says, and the name of that evidence in the table."""
SURE_PRECISION: Final = 0.995
POINTS: Final = 0.05
FEW: Final = 50
"""Answers below which a share says nothing."""


class Row(NamedTuple):
    """One method at one stated confidence."""

    method: str
    evidence: str
    stated: float
    answers: int
    right: int

    @property
    def precision(self) -> float:
        """Return the share that is right."""
        return self.right / self.answers

    @property
    def verdict(self) -> str:
        """Say whether it keeps what it states."""
        if self.answers < FEW:
            return "too few to tell"
        if self.method in SURE and self.precision < SURE_PRECISION:
            return f"below {SURE_PRECISION:.1%}"
        off = self.precision - self.stated
        return "yes" if abs(off) <= POINTS + 1e-9 else f"{'too modest' if off > 0 else 'too sure'} by {abs(off):.2f}"


class Measured(NamedTuple):
    """What came of one run. ``reasons`` are those for naming nobody, ``covered`` the share named by product."""

    rows: list[Row]
    connections: int
    attributed: int
    covered: list[tuple[str, int, int]]
    reasons: list[tuple[str, int]]


def attribute(folder: Path) -> tuple[float, float]:
    """Run the command; return CPU seconds and peak MB of all its processes. Raises SystemExit when it fails."""
    command = [sys.executable, "-m", "whosasking", "attribute", "--format", "csv"]
    with subprocess.Popen(
        [*command, "--output", str(folder / "attributed.csv"), str(folder / "edr"), str(folder / "zeek")],
        env=os.environ | {"PYTHONPATH": str(HERE.parent / "analyzer")},
    ) as process:
        used = watched(process)
    if process.returncode:
        raise SystemExit("whosasking attribute failed")
    return used


def compare(folder: Path) -> Measured:
    """Hold ``attributed.csv`` against the truth beside it.

    A process is right by host, pid and program, and by its own command line where one is told.
    """
    with duckdb.connect() as engine:
        engine.execute(f"""
            CREATE TABLE answer AS SELECT t.uid, p.product, coalesce(a.method, 'none') AS method,
              round(a.confidence::DOUBLE, 3) AS confidence, a.reason,
              lower(a.host) = lower(p.name) AND a.process_id = p.pid AND lower(a.process) = lower(p.base)
                AND (a.command_line IS NULL OR a.command_line = p.command) AS is_right
            FROM read_parquet('{folder}/truth-*.parquet') t
            JOIN read_parquet('{folder}/processes.parquet') p USING (process)
            JOIN read_csv('{folder}/attributed.csv', header = true, quote = '"', escape = '"', strict_mode = false,
              all_varchar = false, types = {{'command_line': 'VARCHAR', 'host': 'VARCHAR', 'process': 'VARCHAR',
              'process_id': 'BIGINT', 'confidence': 'DOUBLE'}}) a USING (uid)""")
        cases = " ".join(f"WHEN contains(reason, '{said}') THEN '{name}'" for said, name in _quoted(EVIDENCE))
        rows = engine.sql(f"""
            SELECT method, CASE {cases} ELSE '' END AS evidence, confidence, count(*), count(*) FILTER (is_right)
            FROM answer WHERE method <> 'none' GROUP BY ALL ORDER BY confidence DESC, method, evidence""").fetchall()
        counts = "SELECT count(*), count(*) FILTER (method <> 'none') FROM answer"
        ((total, attributed),) = engine.sql(counts).fetchall()
        covered = engine.sql("""
            SELECT product, count(*), count(*) FILTER (method <> 'none') FROM answer GROUP BY ALL ORDER BY product
            """).fetchall()
        reasons = engine.sql(r"""
            SELECT regexp_replace(regexp_replace(reason, '[:;(].*$', ''), 'H?[0-9][0-9.:TZ,-]*', 'N', 'g') AS why,
            count(*) AS times FROM answer WHERE method = 'none' GROUP BY ALL ORDER BY times DESC LIMIT 8""").fetchall()
    return Measured(
        [Row(*row) for row in rows],
        total,
        attributed,
        [(made_site.PRODUCTS[product], every, named) for product, every, named in covered],
        reasons,
    )


def _quoted(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((said.replace("'", "''"), name.replace("'", "''")) for said, name in pairs)


def events(folder: Path) -> int:
    """Return the number of endpoint events written."""
    count = 0
    for path in (folder / "edr").iterdir():
        with path.open("rb") as file:
            count += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return count


def page(found: Measured, options: argparse.Namespace, size: tuple[int, float, float]) -> str:
    """Return docs/calibration.md."""
    written, seconds, resident = size
    table = "\n".join(
        f"| {row.method} | {row.evidence} | {row.stated:.3f} | {row.precision:.4f} | {row.answers:,} | {row.verdict} |"
        for row in found.rows
    )
    covered = "\n".join(f"| {name} | {every:,} | {named / every:.1%} |" for name, every, named in found.covered)
    reasons = "\n".join(f"| {why} | {times:,} |" for why, times in found.reasons)
    return f"""# How sure an attribution is

Written by `benchmarks/calibrate.py --write`; do not edit. `whosasking attribute` read the logs of a made site whose
truth is known (`benchmarks/made_site.py`, seed {options.seed}): {options.hosts:,} hosts,
{found.connections:,} connections, {written:,} endpoint events{_part(options)}:
{options.connections // options.hosts:,} connections a host and day, which is what decides how often two programs are
near each other. Clocks are off by seconds to days, a fifth drift, one in twenty is set in the middle; a third of the
hosts change addresses with every DHCP lease, one in twenty is behind NAT (half of the translators keep the client's
port, half have a public address); pids are used again; one product keeps half of its network events, one logs a kind
once a day, one has no local port and loses a fifth; seven hosts in a hundred have none. A third of the hosts with
Defender reach HTTPS through a proxy, whose own connections are in the log, too. `ssl.log` has a JA3 for each session
(one a program or TLS library, a new one each time for Chromium's) and, nine times in ten, the server's name; a third of
the TCP connections follow a DNS question that the endpoint recorded, on some hosts as one of the local resolver.

Repeat: `python benchmarks/calibrate.py --hosts {options.hosts} --connections {options.connections}\
{f" --most {options.most}" if options.most else ""} --starts {options.starts} --noise {options.noise} \
--seed {options.seed}`.

## Each method's word, and what it is worth

| method | evidence | stated confidence | share that is right | answers | within five points |
|---|---|---:|---:|---:|---|
{table}

Named: {found.attributed / found.connections:.1%} of all connections, with {seconds:,.0f} s of CPU and
{resident:,.0f} MB ({platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}).

## By what the host's product records

| product | connections | named |
|---|---:|---:|
{covered}

## Why nobody was named

| reason | connections |
|---|---:|
{reasons}

A made site is not yours: shares of the weaker methods depend on how many programs share a server. Run the command with
other numbers to see how far they move.
"""


def _part(options: argparse.Namespace) -> str:
    return f" (the first of a day of {options.connections:,})" if options.most else " in one day"


def main() -> None:
    """Make, attribute, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=10_000_000)
    parser.add_argument("--most", type=int, help="end the day after so many connections, whole millions")
    parser.add_argument("--starts", type=int, default=2_000_000, help="processes that start during the day")
    parser.add_argument("--noise", type=int, default=4_000_000, help="endpoint events that no connection needs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the site here, or use the one that is here")
    parser.add_argument(
        "--used", type=float, nargs=2, metavar=("CPU_SECONDS", "MB"), help="attributed.csv is there: what it took"
    )
    parser.add_argument("--write", action="store_true", help="write docs/calibration.md")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="whosasking-site-"))
    try:
        if not (folder / "processes.parquet").exists():
            site = made_site.make(options.hosts, options.connections, options.starts, options.seed)
            site_files.write(site, folder, options.noise, options.most)
        seconds, resident = options.used or attribute(folder)
        text = page(compare(folder), options, (events(folder), seconds, resident))
    finally:
        if options.folder is None:
            shutil.rmtree(folder)
    print(text)
    if options.write:
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
