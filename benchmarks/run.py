#!/usr/bin/env python3
"""Time whole `whosasking report` runs against the tools people would use instead, on the same files, in one run.

Before times are compared, the answers are: everything that answers the question must name the same sessions and
servers. grep, rg and zcat only count lines that hold a name. Results go into RESULTS.md beside this, of other sizes
wherever --output says. Made data is kept in --folder and used again; --resume keeps the measurements too.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "analyzer"))

import goals
from data import HALF_CONNECTIONS, Data, text_size, warm
from measure import Contender, Measured, measure
from peers import log_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES: Final = ("hyperscan", "isal", "msgspec", "typer", "duckdb", "polars", "zat", "pandas")
LARGE: Final = 5_000_000_000
_JQ: Final = (
    '($names | split("\\n") | map({(.): true}) | add) as $listed | inputs | '
    'select(.dest_port == 43 or $listed[.tls.sni // .http.hostname // "-"]) | .flow_id'
)


def main() -> None:
    """Make the data, measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=5_000_000, help="50,000,000 are 15 GB")
    parser.add_argument("--files", type=int, default=24, help="files each log is rotated into (Zeek: hourly)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "whosasking-benchmark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--only", choices=("plain", "gz", "eve", "half", "start"), action="append")
    parser.add_argument("--resume", action="store_true", help="keep what an interrupted run measured")
    options = parser.parse_args()
    data = Data(options.folder, options.connections, options.files)
    shared = data.folder / "measured.json"
    if not options.resume:
        shared.unlink(missing_ok=True)
    load = os.getloadavg()[0]
    done: dict[str, Measured] = {}
    for name, group in {"plain": _plain, "gz": _gz, "eve": _eve, "half": _half, "start": _start}.items():
        if options.only is None or name in options.only:
            print(name, flush=True)
            done = measure(group(data, options.rounds), shared)
            _compare(name, done)
    text = _results(done, data, load)
    print(text)
    options.output.write_text(text, "utf-8")


def ours(files: Sequence[Path], name: str, size: int, rounds: int, *, one_core: bool = False) -> Contender:
    """Return the whole program on ``files``."""
    command = [sys.executable, "-m", "whosasking", "report", "--format", "json", *map(str, files)]
    return Contender(name, command, size, _sessions_of_report, rounds, one_core)


def _sessions_of_report(output: str) -> list[str]:
    return sorted(f"{row['uid']}\t{row['server'] or ''}" for row in json.loads(output)["lookups"])


def _lines(output: str) -> list[str]:
    return sorted(output.splitlines())


def _peer(name: str, peer: str, data: Data, files: list[Path], size: int, rounds: int) -> Contender:
    command = [sys.executable, str(HERE / "peers.py"), peer, str(data.names()), *map(str, files)]
    return Contender(name, command, size, _lines, rounds)


def _shell(name: str, script: str, arguments: list[str], size: int, rounds: int) -> Contender:
    return Contender(name, ["bash", "-c", script, *arguments], size, None, rounds)


def _plain(data: Data, rounds: int) -> list[Contender]:
    files = data.tsv()
    warm(files)
    size, names = text_size(files), str(data.names())
    ssl = [path for path in files if log_of(str(path)) == "ssl"]
    texts = [names, *map(str, files)]
    slow = 1 if size > LARGE else 2
    contenders = [
        ours(files, "whosasking report", size, rounds),
        ours(files, "whosasking report, one core", size, rounds, one_core=True),
        _peer("DuckDB query", "duckdb", data, files, size, rounds),
        _shell("grep -F -f names (only counts)", 'grep -c -F -f "$0" "$@"', texts, size, rounds),
    ]
    if find_spec("polars"):
        contenders.append(_peer("Polars query", "polars", data, files, size, rounds))
    if shutil.which("rg"):
        contenders.append(_shell("rg -F -f names (only counts)", 'rg -c -F -f "$0" "$@"', texts, size, rounds))
    if shutil.which("zeek-cut"):
        script = 'cat "${@:1}" | zeek-cut uid server_name | grep -c -F -f "$0"'
        of_ssl = [names, *map(str, ssl)]
        contenders.append(_shell("zeek-cut | grep, ssl.log (only counts)", script, of_ssl, text_size(ssl), slow))
    if size <= LARGE:
        contenders.append(_peer("zat into pandas, ssl.log", "zat-pandas", data, ssl, text_size(ssl), slow))
        if find_spec("polars"):
            contenders.append(_peer("zat into Polars, ssl.log", "zat-polars", data, ssl, text_size(ssl), slow))
    return contenders


def _gz(data: Data, rounds: int) -> list[Contender]:
    files, size = data.gz(), text_size(data.tsv())
    warm(files)
    texts = [str(data.names()), *map(str, files)]
    return [
        ours(files, "whosasking report, .gz", size, rounds),
        _peer("DuckDB query, .gz", "duckdb", data, files, size, min(rounds, 2)),
        _shell("zcat | grep -F -f names (only counts)", 'zcat "${@:1}" | grep -c -F -f "$0"', texts, size, 1),
    ]


def _eve(data: Data, rounds: int) -> list[Contender]:
    files = data.eve()
    warm(files)
    size = text_size(files)
    script = 'jq -n -r --rawfile names "$0" "$1" "${@:2}" | sort -u'
    jq = Contender("jq", ["bash", "-c", script, str(data.names()), _JQ, *map(str, files)], size, _lines, 1)
    return [ours(files, "whosasking report, EVE", size, rounds), jq]


def _half(data: Data, rounds: int) -> list[Contender]:
    files = data.half()
    warm(files)
    return [ours(files, "whosasking report, half the lines match", text_size(files), min(rounds, 2))]


def _start(data: Data, rounds: int) -> list[Contender]:
    empty = data.folder / "empty"
    empty.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "whosasking"]
    report = ["bash", "-c", '"$@"; exit 0', "-", *program, "report", str(empty)]
    return [
        Contender("whosasking --help", [*program, "--help"], 0, None, rounds + 2),
        Contender("whosasking report on an empty folder", report, 0, None, rounds + 2),
    ]


def _cell(text: str) -> str:
    """Return text whose pipes do not end a table's cell."""
    return text.replace("|", "\\|")


def _compare(group: str, done: dict[str, Measured]) -> None:
    """Exit when two that answer the question do not agree."""
    if group == "plain":
        truth = done["whosasking report"].answer or []
        for name, one in done.items():
            if one.answer is not None and one.size == done["whosasking report"].size and one.answer != truth:
                raise SystemExit(f"{name} gave another answer than whosasking")
            if "ssl.log" in name and one.answer is not None and not set(one.answer) <= set(truth):
                raise SystemExit(f"{name} names sessions that whosasking does not")
    elif group == "gz":
        truth = done["DuckDB query, .gz"].answer or []
        if done["whosasking report, .gz"].answer != truth:
            raise SystemExit("DuckDB gave another answer than whosasking for .gz")
    elif group == "eve":
        flows = {line.split("\t")[0] for line in done["whosasking report, EVE"].answer or []}
        if flows != set(done["jq"].answer or []):
            raise SystemExit("jq gave another answer than whosasking")


def _results(done: dict[str, Measured], data: Data, load: float) -> str:
    rows = "\n".join(
        f"| {_cell(one.name)} | {one.size / 1e6:,.0f} | {one.seconds:.2f} | {one.cpu:.2f} | "
        f"{f'{one.speed:,.0f}' if one.size else ''} | {one.resident:,.0f} |"
        for one in done.values()
    )
    table = "\n".join(f"| {goal} | {measured} | {met} |" for goal, measured, met in goals.table(done))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES if find_spec(name))
    tools = ", ".join(filter(None, map(_version, ("grep", "rg", "jq", "gzip"))))
    lookups = len(done["whosasking report"].answer or []) if "whosasking report" in done else 0
    return f"""# Results

Written by `benchmarks/run.py`; do not edit. A generated day of {data.connections:,} connections
(`benchmarks/generate.py`, seed 1), each log in {data.files} files, with {lookups:,} lookups. Half-matching input: the
dns, ssl and http logs of {HALF_CONNECTIONS:,} connections, half of them to a name that the sieve cannot tell from a
lookup service's. The fastest of several runs, start-up included, everything in the page cache that fits there; programs
that answer the question gave the same answer. MB are of log text, inflated.

| run | MB of log text | seconds | CPU seconds | MB/s | MB resident |
|---|---:|---:|---:|---:|---:|
{rows}

| goal | measured | met |
|---|---|---|
{table}

Machine: {_processor()}, {os.cpu_count()} cores (load average before: {load:.1f}), {platform.system()},
Python {platform.python_version()}; {versions}; {tools}.
"""


def _version(tool: str) -> str:
    if shutil.which(tool) is None:
        return ""
    shown = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    return shown.splitlines()[0] if shown else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
