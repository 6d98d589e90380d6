"""What can be wrong with a cluster is one line and exit status 2, soon. No cluster is needed to see it."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from whosasking import cli, storage
from whosasking.engines import spark_errors
from whosasking.engines.spark_session import _package
from whosasking.errors import InputError
from whosasking.inputs import Input, Tally
from whosasking.sensors.cluster import _joined, _seen, _tasks
from whosasking.sensors.reading import Job, Line, Piece

ANALYZER = Path(__file__).parents[2] / "analyzer"
LOGS = str(Path(__file__).parents[2] / "pcaps" / "workstation" / "zeek-tsv")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.removeprefix("whosasking: ").rstrip()


@pytest.fixture
def everything_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Pretend that PySpark and Java are installed; gives Java's home."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("everything_here")
def test_a_master_that_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"spark://127.0.0.1:{unused.getsockname()[1]}"
        told = said(capsys, "--engine", "spark", "--master", url, LOGS)
    assert told == f"no Spark master answers at {url}: connection refused"


@pytest.mark.usefixtures("everything_here")
def test_a_master_that_is_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "--engine", "spark", "--master", "spark://here", LOGS)
    assert told == "--master spark://here: a Spark master is spark://HOST:PORT (the port is mostly 7077)"


def test_no_java(capsys: pytest.CaptureFixture[str], everything_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (everything_here / "bin" / "java").unlink()
    told = said(capsys, "--engine", "spark", "--master", "spark://127.0.0.1:1", LOGS)
    assert told.startswith("--engine spark needs Java 17 or later: JAVA_HOME is ")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(everything_here))
    told = said(capsys, "--engine", "spark", "--master", "spark://127.0.0.1:1", LOGS)
    assert told == "--engine spark needs Java 17 or later: no java on PATH, and JAVA_HOME is not set"


def test_no_pyspark(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    told = said(capsys, "--engine", "spark", "--master", "spark://127.0.0.1:1", LOGS)
    assert told == "--engine spark needs PySpark: pip install 'whosasking[spark]'"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "spark", LOGS], "--engine spark needs --master: "),
        (["--master", "local[2]", LOGS], "--master is for --engine spark"),
        (["--engine", "spark", "--master", "local[2]", "--exact", LOGS], "--exact reads every line here"),
        (["--engine", "spark", "--master", "local[2]", "-"], "standard input is here alone"),
    ],
)
def test_calls_that_make_no_sense(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, *arguments).startswith(told)


def test_spark_is_loaded_by_nobody_who_does_not_ask_for_it() -> None:
    code = (
        "import sys; from whosasking import cli, pipeline, sensors; import whosasking.sensors.scan;"
        "cli.run(['report', '--help']); sys.exit(bool({'pyspark', 'py4j'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ANALYZER)}, check=False, text=True)
    assert done.returncode == 0


class _SparkError(Exception):
    __module__ = "pyspark.errors"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "...\nModuleNotFoundError: No module named 'hyperscan'\n\n\tat org.apache",
            "the workers' Python has no module",
        ),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has 3.9", "the workers' Python is of another version"),
        ("Total size of serialized results is bigger than spark.driver.maxResultSize (1g)", "more lines of one file"),
        ("All masters are unresponsive! Giving up.", "the cluster ended the application or is gone"),
        (
            "Job aborted.\njava.io.IOException: No space left on device\n\tat x.y",
            "IOException: No space left on device",
        ),
        ("strange", "strange"),
    ],
)
def test_a_stack_trace_becomes_one_line(text: str, told: str) -> None:
    line = spark_errors.told(_SparkError(text))
    assert line is not None
    assert line.startswith(told)


def test_an_error_of_ours_is_not_taken_for_sparks() -> None:
    assert spark_errors.told(KeyError("x")) is None


def test_a_file_that_a_worker_does_not_see(tmp_path: Path) -> None:
    file = tmp_path / "conn.log"
    job = Job(Input(str(file), "zeek conn tsv"), Tally(str(file)), None)
    gone = Piece(trouble="no such file or directory")
    assert _seen(gone, job) is gone, "gone here too: rotated away"
    file.touch()
    with pytest.raises(InputError, match="a worker has no such file"):
        _seen(gone, job)


def test_a_worker_that_cannot_read_the_store_this_machine_reads() -> None:
    job = Job(Input("s3://lake/conn.log", "zeek conn tsv"), Tally("x"), None)
    for trouble in (storage.DENIED, storage.NO_CREDENTIALS, f"{storage.NEEDS}pip install s3fs"):
        with pytest.raises(InputError, match=r"^s3://lake/conn.log: a worker cannot read it: "):
            _seen(Piece(trouble=trouble), job)
    slow = Piece(trouble="the store does not answer in time")
    assert _seen(slow, job) is slow, "that is told of the file"


def test_files_become_tasks_of_one_size_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whosasking.sensors.cluster.SMALLEST", 100)
    jobs = []
    for name, size in (("a", 250), ("b", 30), ("c.gz", 500), ("d", 10)):
        file = tmp_path / name
        file.write_bytes(b"x" * size)
        jobs.append(Job(Input(str(file), "zeek conn tsv", "gz" if "gz" in name else None), Tally(str(file)), None))
    tasks = _tasks(jobs, 4)
    parts = [(part.job, part.start, part.end) for task in tasks for part in task]
    assert parts == [(0, 0, 100), (0, 100, 200), (0, 200, None), (1, 0, None), (2, 0, None), (3, 0, None)]
    assert [len(task) for task in tasks] == [1, 1, 3, 1]


def test_neighbouring_pieces_travel_as_one() -> None:
    found = [
        Piece(3, (Line(2, b"x"),), (b"first", b"b")),
        Piece(2, (Line(1, b"y"),), (b"c",)),
        Piece(lines=1, trouble="too long"),
        Piece(4, (Line(4, b"z", cut=True),), ()),
    ]
    assert _joined(iter(found), 3) == (
        Piece(5, (Line(2, b"x"), Line(4, b"y")), (b"first", b"c")),
        found[2],
        found[3],
    )
    assert _joined(iter(found), 2) is None


def test_what_the_workers_are_sent_is_code_alone(tmp_path: Path) -> None:
    code = "import whosasking.sensors.cluster as it; assert 'zip' in it.__file__"
    archive = _package(tmp_path)
    assert archive.stat().st_size < 1 << 20
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(archive)}, cwd=tmp_path, check=True)
