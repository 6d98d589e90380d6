"""Timing of whole processes, and the answers they printed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ANALYZER: Final = Path(__file__).resolve().parents[1] / "analyzer"


class Contender(NamedTuple):
    """A command to time. ``answer`` makes comparable lines of its output, None for one that only counts."""

    name: str
    command: Sequence[str]
    size: int
    """Bytes of log text it has to look at, inflated."""
    answer: Callable[[str], list[str]] | None = None
    rounds: int = 3
    one_core: bool = False


class Measured(NamedTuple):
    """The fastest of several runs: wall and CPU time in seconds; peak resident memory in MB of any of its processes."""

    name: str
    seconds: float
    cpu: float
    size: int
    resident: float
    answer: list[str] | None

    @property
    def speed(self) -> float:
        """Return MB of log text a second."""
        return self.size / self.seconds / 1e6


def measure(contenders: Sequence[Contender], shared: Path) -> dict[str, Measured]:
    """Run all contenders, several rounds, one after another in each; keeps what is done in the file ``shared``."""
    done: dict[str, Measured] = {}
    if shared.exists():
        done = {name: Measured(*values) for name, values in json.loads(shared.read_text("utf-8")).items()}
    left = [one for one in contenders if one.name not in done]
    best: dict[str, Measured] = {}
    for number in range(max((one.rounds for one in left), default=0)):
        for one in left:
            if number < one.rounds:
                print(f"  {one.name}, round {number + 1}", flush=True)
                run = _once(one)
                best[one.name] = run if number == 0 or run.seconds < best[one.name].seconds else best[one.name]
                if number + 1 == one.rounds:
                    done[one.name] = best[one.name]
                    shared.write_text(json.dumps(done), "utf-8")
    return done


class Used(NamedTuple):
    """What a process and those it started used: CPU seconds, and the most memory of all of them at one time in MB."""

    cpu: float
    resident: float


def watched(process: subprocess.Popen[bytes]) -> Used:
    """Wait for a process, looking at its memory and its children's many times a second."""
    peak = 0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, _resident(process.pid))
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Between two looks it may have had more by itself.
    return Used(usage.ru_utime + usage.ru_stime, max(peak / 1e6, usage.ru_maxrss / 1024))


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process and its descendants hold; 0 for one that has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        children = [one.read_text("ascii").split() for one in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for some in children for child in some)


def _once(one: Contender) -> Measured:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = ["taskset", "-c", "0", *one.command] if one.one_core else list(one.command)
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment | {"PYTHONPATH": str(ANALYZER), "LC_ALL": "C"},
    )
    assert process.stdout is not None  # noqa: S101 - asked for above
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # grep: 1 when nothing was found
        raise SystemExit(f"{one.name} failed with status {process.returncode}: {' '.join(command)[:500]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(
        one.name, seconds, cpu, one.size, usage.ru_maxrss / 1024, one.answer(output) if one.answer else None
    )
