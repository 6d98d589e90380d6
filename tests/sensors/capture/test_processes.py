"""No sensor outlives the analyzer, whatever ends it; what fails or takes too long is said."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sensors.capture import captures
from whosasking.errors import InputError
from whosasking.progress import SILENT
from whosasking.sensors.capture import process, runs
from whosasking.sensors.capture.feed import Feed
from zeek import make_traces as traces

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120
"""Seconds until a test gives up waiting for a process; it takes a fraction of one on an idle machine."""
no_pyshark = pytest.mark.skipif(importlib.util.find_spec("pyshark") is None, reason="pyshark is not installed")
NAMES = ["zeek", "suricata", pytest.param("tshark", marks=no_pyshark)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "case.pcap"
    traces.Capture().tcp("199.7.48.74", 43, b"example.com\r\n", traces.FOUND).write(path)
    return path


@pytest.fixture
def nothing_ignored() -> Iterator[None]:
    """A test run under nohup, or behind a shell's ``&``, ignores signals, and so would what it starts."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def stand_in(folder: Path, name: str, script: str) -> Path:
    """A program of a sensor's name, first on PATH."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)
    return programs


def until(condition: object) -> bool:
    """Poll until ``condition()``, within bounds."""
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return not Path("/proc").exists()
        return False


@pytest.mark.usefixtures("nothing_ignored")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        pytest.param(signal.SIGKILL, -9, marks=linux),
    ],
)
def test_no_sensor_and_no_folder_is_left_when_we_are_ended(
    name: str, number: signal.Signals, status: int, case: Path, tmp_path: Path
) -> None:
    programs = stand_in(
        tmp_path, name, f'sleep 600 &\necho $$ $! > "{tmp_path}/new"; mv "{tmp_path}/new" "{tmp_path}/pids"\nwait'
    )
    room = tmp_path / "tmp"
    room.mkdir()
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(room)}
    line = [sys.executable, "-m", "whosasking", "report", "--sensor", name, str(case)]
    with subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ours:
        assert until((tmp_path / "pids").exists)
        child, grandchild = map(int, (tmp_path / "pids").read_text().split())
        assert alive(child)
        ours.send_signal(number)
        try:
            _, said = ours.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            ours.kill()  # or this would wait for ever
            raise
    assert until(lambda: not alive(child))
    if number == signal.SIGKILL:  # the guard reaches the sensor itself; Zeek, Suricata and tshark here start no others
        with contextlib.suppress(ProcessLookupError):
            os.kill(grandchild, signal.SIGKILL)
        assert ours.returncode == status
        return
    assert until(lambda: not alive(grandchild))
    assert (ours.returncode, said) == (status, b"")
    assert not list(room.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_sensor_that_fails_is_one_line_with_its_own_words(name: str, case: Path, tmp_path: Path) -> None:
    programs = stand_in(tmp_path, name, "echo first >&2; printf 'rules \\033[31mbroken\\n' >&2; exit 3")
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    line = [sys.executable, "-m", "whosasking", "report", "--sensor", name, str(case)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "status 3" in done.stderr
    assert "broken" in done.stderr
    assert "\x1b" not in done.stderr


def ended(folder: Path, script: str, **limits: float) -> process.Ended:
    bounds = process.Limits(**limits) if limits else process.Limits()  # type: ignore[arg-type]
    return process.run(["/bin/sh", "-c", script], folder, bounds)


def test_a_sensor_that_takes_too_long_is_stopped(tmp_path: Path, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ended(tmp_path, "echo working; sleep 600", seconds=0.5)
    assert found.late
    assert found.status == -signal.SIGKILL
    monkeypatch.setenv("PATH", f"{stand_in(tmp_path, 'suricata', 'sleep 600')}:{os.environ['PATH']}")
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(InputError, match="Suricata was stopped after 1 seconds"):
        runs.suricata(Feed(captures.inputs(case), SILENT), folder, process.Limits(seconds=1))


@linux
def test_a_sensor_gets_no_more_memory_and_no_larger_file_than_it_may(tmp_path: Path) -> None:
    greedy = f"{sys.executable} -S -c 'bytearray(1 << 30)'"
    assert ended(tmp_path, greedy, memory=512 << 20).status != 0
    assert ended(tmp_path, greedy, memory=4 << 30).status == 0
    assert ended(tmp_path, "head -c 100000 /dev/zero > big", file_size=10_000).status != 0
    assert (tmp_path / "big").stat().st_size <= 10_000


def test_last_words_are_the_end_of_what_was_said(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("x" * 100_000 + "\n\none\n two \nthree\n")
    assert process.last_words(tmp_path / "said") == "one; two; three"
    assert process.last_words(tmp_path / "nothing") == ""


def test_a_sensor_that_stops_reading_stops_the_feed_and_what_the_feed_raises_is_raised() -> None:
    def write(fd: int) -> None:
        while True:
            os.write(fd, bytes(65_536))

    pipe = process.Piped(write)
    pipe.start()
    pipe.join()

    def fail(_: int) -> None:
        raise OSError(5, "no")

    broken = process.Piped(fail)
    broken.start()
    with pytest.raises(OSError, match="no"):
        broken.join()
