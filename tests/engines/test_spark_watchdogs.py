"""A cluster that gives nothing, or loses everything, ends the run with one line: Spark itself would wait for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engines.standalone import PATIENCE, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("spark")
ANALYZER = Path(__file__).parents[2] / "analyzer"
RUN = """
import os, sys, time
from pathlib import Path
from whosasking.engines import spark_session
from whosasking.errors import InputError

def hang(started):
    Path(started).touch()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.05)

def starts_and_then_has_a_second(*arguments):
    start(*arguments)
    spark_session.START = 1.0

start = spark_session._start
spark_session.ALONE, spark_session._LOOK = 1.0, 0.2
{change}
try:
    with spark_session.connected(sys.argv[1]) as session:
        session.sparkContext.parallelize([sys.argv[2]], 1).foreach(hang)
except InputError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master without workers."""
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: no Spark cluster")
    if shutil.which("java") is None:
        pytest.skip("no java on PATH: no Spark cluster")
    with Cluster(Path(pyspark.__file__).parent, tmp_path_factory.mktemp("lonely"), workers=0) as running:
        yield running


@contextmanager
def application(cluster: Cluster, started: Path, change: str = "") -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", RUN.replace("{change}", change), cluster.url, str(started)],
        env=os.environ | {"PYTHONPATH": str(ANALYZER), "SPARK_CONF_DIR": str(cluster.conf)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("spark_session.START = 0.5", "did not start in 0 seconds"),
        ("spark_session._start = starts_and_then_has_a_second", "gave no executor in 1 seconds: are workers up"),
    ],
)
def test_a_cluster_that_gives_nothing(lonely: Cluster, tmp_path: Path, change: str, told: str) -> None:
    with application(lonely, tmp_path / "started", change) as run:
        out, _ = run.communicate(timeout=PATIENCE)
    assert out.startswith(f"Spark at {lonely.url} {told}")
    assert out.count("\n") == 1


def test_a_cluster_that_loses_its_last_executor(lonely: Cluster, tmp_path: Path) -> None:
    lonely.add("worker0")
    worker = lonely.workers.pop("worker0")
    worker.said("Successfully registered with master")
    started = tmp_path / "started"
    with application(lonely, started) as run:
        waited = 0.0
        while not started.exists():
            assert waited < PATIENCE
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(0.1)
            waited += 0.1
        worker.stop()
        out, _ = run.communicate(timeout=PATIENCE)
    assert out == f"Spark at {lonely.url}: no executor has been left for 1 seconds\n"
