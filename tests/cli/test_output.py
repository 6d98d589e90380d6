from __future__ import annotations

import contextlib
import io
import json
import os
import random
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reports import sample
from whosasking.output import OutputError, check, opened
from whosasking.reports import Options, renderer

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'analyzer'}{os.pathsep}{ROOT / 'tests'}"}
DRIVER = [sys.executable, str(Path(__file__).with_name("driver.py"))]


def whole() -> str:
    out = io.StringIO()
    renderer("json")(sample.busy(), out, Options())
    return out.getvalue()


def test_killed_at_any_moment_the_file_is_old_or_whole(tmp_path: Path) -> None:
    target, want = tmp_path / "report.json", whole()
    dice = random.Random(43)  # noqa: S311 - not for secrets; the same moments every run
    for _ in range(12):
        assert killed_after(target, seconds=dice.uniform(0, 0.25)) in {"old", want}


def killed_after(target: Path, seconds: float) -> str:
    """Let a program write ``target`` again and again, kill it, and return what stands there."""
    target.write_text("old", "utf-8")
    with subprocess.Popen(
        [*DRIVER, "--forever", "busy", "report", "logs", "--format", "json", "--output", str(target)],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        process.kill()
    return target.read_text("utf-8")


STEPS = ("os.fsync", "os.fchmod", "pathlib.Path.replace", "tempfile.mkstemp")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_step(tmp_path: Path, step: str, when: str) -> None:
    target = tmp_path / "report.json"
    target.write_text("old", "utf-8")
    owner, _, name = step.rpartition(".")
    code = f"""
import os, pathlib, signal, tempfile
from whosasking.output import opened
real = {step}
def deadly(*args, **kwargs):
    if {when == "after"}: real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr({owner}, "{name}", deadly)
with opened(pathlib.Path({str(target)!r})) as out:
    out.write("new" * 100000)
"""
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert target.read_text("utf-8") == ("new" * 100000 if (step, when) == (STEPS[2], "after") else "old")


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old", "utf-8")
    with contextlib.suppress(ZeroDivisionError), opened(target) as out:
        out.write("half")
        raise ZeroDivisionError
    assert target.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_heeds_the_umask_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.touch()
    old.chmod(0o640)
    umask = os.umask(0o027)
    try:
        for target in (new, old):
            with opened(target) as out:
                out.write("x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    old.chmod(0o604)
    with opened(old) as out:
        out.write("y")
    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert {path.name for path in tmp_path.iterdir()} == {"new", "old"}


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "report.json", tmp_path / "report.json"
    real.write_text("old", "utf-8")
    link.symlink_to(real)
    with opened(link) as out:
        out.write("new")
    assert link.is_symlink()
    assert real.read_text("utf-8") == "new"


def test_a_pipe_is_written_straight(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text("utf-8")))
    reader.start()
    check(fifo)
    with opened(fifo) as out:
        out.write("through")
    reader.join(timeout=5)
    assert read == ["through"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "-", "/proc/self/fd/1"])
def test_standard_output_by_its_other_names(name: str, tmp_path: Path) -> None:
    command = [*DRIVER, "sample", "report", "logs", "--format", "json", "--output", name]
    piped = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True, cwd=tmp_path)
    assert json.loads(piped.stdout)["schema"] == "whosasking.report/1"
    target = tmp_path / "appended"
    target.write_text("first\n", "utf-8")
    with target.open("a") as stream:
        subprocess.run(command, env=ENVIRONMENT, stdout=stream, stderr=subprocess.DEVNULL, check=True, cwd=tmp_path)
    assert target.read_text("utf-8").startswith("first\n{")
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.touch()
    with pytest.raises(OutputError, match="is a folder"):
        check(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        check(tmp_path / "no" / "report.json")
    with pytest.raises(OutputError, match="never overwrites evidence"):
        check(tmp_path / "." / "conn.log", [log])
    check(tmp_path / "report.json", [log, tmp_path / "missing"])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left on device"), opened(Path("/dev/full")) as out:
        out.write("x" * 100_000)
    assert list(tmp_path.iterdir()) == []
