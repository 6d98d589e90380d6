"""The cluster's report is the embedded engine's, byte for byte: whatever the logs, and with a worker killed mid-job."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import zstandard

from sensors import making
from whosasking import pipeline
from whosasking.reports import Options, renderer
from whosasking.sensors import cluster as cluster_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engines.standalone import Cluster

pytestmark = pytest.mark.xdist_group("spark")

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000
PATIENCE = 300.0
"""Seconds the cluster may take on a busy machine."""


def report(paths: list[Path], spark: Any = None) -> str:
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


def test_the_tsv_logs_and_sysmon(spark: Any) -> None:
    paths = [SCENARIO / "zeek-tsv", SCENARIO / "exports" / "sysmon-flat"]
    assert report(paths, spark) == report(paths)


def test_eve_and_defender_with_more_candidates_than_come_together(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_reader, "_TOGETHER", 100)
    paths = [SCENARIO / "eve", SCENARIO / "exports" / "defender-csv"]
    assert report(paths, spark) == report(paths)


def test_a_lake_of_tables_and_compressed_and_damaged_logs_in_ranges(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_reader, "SMALLEST", 256 << 10)
    paths = [lake(tmp_path / "lake"), SCENARIO / "exports" / "sysmon-ecs"]
    found = report(paths, spark)
    assert found == report(paths)
    assert "ends too early" in found


def test_a_worker_killed_in_the_middle_of_a_scan_changes_nothing(
    cluster: Cluster, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, started = tmp_path / "held.log", tmp_path / "started"
    rows = [making.conn(n, "8.8.8.8", 43 if n % 97 == 0 else 80, second=n / 100) for n in range(20_000)]
    held.write_bytes(making.tsv("conn", rows))
    paths = [tmp_path / "held.log", SCENARIO / "zeek-tsv", SCENARIO / "exports" / "sysmon-flat"]
    expected = report(paths)
    monkeypatch.setattr(cluster_reader, "SMALLEST", 64 << 10)
    monkeypatch.setattr(cluster_reader, "scanner", stuck_on(str(held), str(started), cluster_reader.scanner))
    found: list[str] = []
    run = threading.Thread(target=lambda: found.append(report(paths, spark)), daemon=True)
    run.start()
    victim = named_in(started, cluster, run)
    cluster.workers.pop(victim).stop()
    run.join(PATIENCE)
    (survivor,) = cluster.workers
    assert found == [expected]
    assert (tmp_path / "started.again").read_text() == survivor


def stuck_on(held: str, started: str, scanner: Callable[..., Any]) -> Callable[..., Any]:
    """Let the first task on ``held`` say on which worker it runs and then hang until it is killed."""
    pid = os.getpid()

    def stuck(shared: Any, limit: int) -> Callable[[Any], Iterator[Any]]:
        scan = scanner(shared, limit)

        def run(task: Any) -> Iterator[Any]:
            from pathlib import Path  # noqa: PLC0415 - this function travels, its module does not

            assert os.getpid() != pid, "not in an executor"
            here = Path.cwd().parts[-3]  # .../worker0/app-.../0
            if any(part.inp.path == held and part.start == 0 for part in task):
                note = Path(started)
                if not note.exists():
                    note.with_suffix(".part").write_text(here)
                    note.with_suffix(".part").rename(note)
                    parent = os.getppid()
                    while os.getppid() == parent:
                        time.sleep(0.05)
                    raise SystemExit
                Path(f"{started}.again").write_text(here)
            yield from scan(task)

        return run

    return stuck


def named_in(started: Path, cluster: Cluster, run: threading.Thread) -> str:
    until = time.monotonic() + PATIENCE
    while not started.exists():
        assert run.is_alive(), "the scan ended before its worker was killed"
        assert time.monotonic() < until
        run.join(0.05)
    worker = started.read_text()
    assert worker in cluster.workers
    return worker


def test_the_command_line(cluster: Cluster) -> None:
    paths = [str(SCENARIO / "zeek-json"), str(SCENARIO / "exports" / "defender-json")]
    told = []
    for engine in (["--engine", "spark", "--master", cluster.url], []):
        done = subprocess.run(
            [sys.executable, "-m", "whosasking", "report", "--format", "json", *engine, *paths],
            env=os.environ | {"PYTHONPATH": str(ROOT / "analyzer"), "SPARK_CONF_DIR": str(cluster.conf)},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        told.append(done.stdout)
    moments = [json.loads(one)["generated_at"].encode() for one in told]
    assert told[0].replace(moments[0], b"") == told[1].replace(moments[1], b"")
