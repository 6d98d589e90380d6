"""The cluster's report is the embedded engine's, byte for byte: whatever the logs, and with a worker killed mid-job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from inputs.lake import ROOT, SCENARIO, lake, report
from inputs.stores import s3, uploaded
from sensors import making
from whosasking.errors import InputError
from whosasking.sensors import cluster as cluster_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engines.standalone import Cluster

pytestmark = pytest.mark.xdist_group("spark")

PATIENCE = 300.0
"""Seconds the cluster may take on a busy machine."""


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


def test_a_lake_by_url(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed: no URLs")
    monkeypatch.setattr(cluster_reader, "SMALLEST", 256 << 10)
    folder = lake(tmp_path / "lake")
    urls = [f"local://{folder}", f"file://{SCENARIO}/exports/sysmon-ecs"]
    found = report(urls, spark).replace(f"local://{folder}", str(folder))
    assert found == report([folder, SCENARIO / "exports" / "sysmon-ecs"])


def test_a_lake_in_s3(cluster: Cluster, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_reader, "SMALLEST", 1 << 20)
    folder = lake(tmp_path / "lake")
    with s3(cluster.store_port) as client:
        url = uploaded(client, folder, "zeek").replace("s3:", "s3a:")
        found = report([url, SCENARIO / "exports" / "sysmon-ecs"], spark)
    assert found.replace(url, str(folder)) == report([folder, SCENARIO / "exports" / "sysmon-ecs"])


def test_a_worker_that_is_not_set_up_for_the_store_is_one_line(spark: Any) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed: no URLs")
    import fsspec  # noqa: PLC0415 - after the check

    memory = fsspec.filesystem("memory")  # of this process alone
    memory.pipe("/here/conn.log", (SCENARIO / "zeek-tsv" / "conn.log").read_bytes())
    with pytest.raises(InputError, match=r"^memory://here/conn.log: a worker has no such file; "):
        report(["memory://here"], spark)


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
