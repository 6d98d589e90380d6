"""The recorded scenario as a lake has it, and its report."""

from __future__ import annotations

import gzip
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import zstandard

from sensors import making
from whosasking import pipeline
from whosasking.reports import Options, renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000


def report(paths: Sequence[Path | str], spark: Any = None) -> str:
    out = io.StringIO()
    renderer("json")(pipeline.run(paths, now=NOW, spark=spark), out, Options(show_dropped=True))
    return out.getvalue()


def lake(folder: Path) -> Path:
    """Write the scenario as a lake has it: a table, compressed logs, one of them cut short, and many other lines."""
    folder.mkdir()
    source = SCENARIO / "zeek-json"
    with duckdb.connect() as database:
        table = f"read_json('{source}/conn.log', format = 'newline_delimited', sample_size = -1)"
        database.execute(f"COPY (FROM {table}) TO '{folder}/part-00000.snappy.parquet'")
    (folder / "_SUCCESS").touch()
    for log in ("dns", "ssl"):
        (folder / f"{log}.log.gz").write_bytes(gzip.compress((source / f"{log}.log").read_bytes()))
    (folder / "http.log.zst").write_bytes(zstandard.compress((source / "http.log").read_bytes()))
    (folder / "http.old.log.zst").write_bytes(zstandard.compress((source / "http.log").read_bytes())[:-50])
    shutil.copy(source / "whois.log", folder)
    shutil.copy(source / "quic.log", folder)
    rows = [making.conn(n, "8.8.8.8", 43 if n % 997 == 0 else 80, second=n / 100) for n in range(50_000)]
    (folder / "conn.23.log").write_bytes(making.tsv("conn", [*rows, {}])[:-60])
    return folder
