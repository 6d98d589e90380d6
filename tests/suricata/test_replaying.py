"""How the tests wait for Suricata: the runner may be stopped for longer than Suricata may take."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from suricata import replaying

STOPPED = """\
import sys
sys.path[:0] = sys.argv[1:]
from suricata import replaying
sys.stdout.write("begun\\n")
sys.stdout.flush()
sys.stdout.write(repr(replaying.ended(["sh", "-c", "sleep 0.2; echo done"], 0.5)))
"""


def send(pid: int, sent: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sent)


def test_a_command_that_ended_while_the_runner_was_stopped_has_ended() -> None:
    tests = str(Path(replaying.__file__).parents[1])
    command = [sys.executable, "-c", STOPPED, tests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        for seconds, sent in ((0.1, signal.SIGSTOP), (0.9, signal.SIGCONT)):
            threading.Timer(seconds, send, (run.pid, sent)).start()
        assert run.stdout.read() == "(0, 'done\\n')"


def test_a_command_that_does_not_end_is_given_up() -> None:
    assert replaying.ended(["sleep", "60"], 0.05) == (None, "")
