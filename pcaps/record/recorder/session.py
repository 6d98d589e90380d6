"""One recording: namespaces up, servers up, capture on, steps done, everything down again."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import addresses, certificates, network, workstation
from recorder.network import CLIENT, NET, TAP, inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.steps import Step

START_SECONDS = 20.0
PREFIX = "whosasking-record."


class Session:
    """Owns the run's folder and child processes; ``close`` undoes all of it and may be called twice."""

    def __init__(self) -> None:
        """Create the run's folder; nothing else happens before ``record``."""
        self.plan = addresses.load()
        for stale in Path("/var/tmp").glob(f"{PREFIX}*"):  # noqa: S108  of an earlier run that was kept or killed
            shutil.rmtree(stale, ignore_errors=True)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.children: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)

    def record(self, steps: Sequence[Step]) -> Path:
        """Do all steps; returns the folder with raw.pcap, trace/, steps.ndjson and the clients' output."""
        servers, trace, homes = (self.folder / name for name in ("servers", "trace", "homes"))
        for path in (servers, trace, homes / self.plan.client.user):
            path.mkdir(parents=True)
        trace.chmod(0o777)
        authority = certificates.make_authority(servers)
        for server in self.plan.servers:
            certificates.issue(authority, server.name, servers)
        home = homes / self.plan.client.user
        workstation.prepare_home(home, addresses.HERE / "home", servers / "ca.pem", sys.executable)
        network.create(self.plan)
        network.overlay(self.plan, servers / "ca.pem", workstation.UID)
        self._start_servers(servers)
        self._start_capture()
        self._start_screen()
        shell = workstation.Shell(self.plan, homes, trace)
        runs = []
        try:
            for step in steps:
                runs.append(shell.do(step, servers / "requests.ndjson"))
                print(f"{step.name}: {runs[-1].end - runs[-1].start:.1f} s, status {runs[-1].status}", file=sys.stderr)
        finally:
            shell.close()
            time.sleep(0.5)
            self._stop_children()
        workstation.write_runs(runs, self.folder / "steps.ndjson")
        return self.folder

    def _start_servers(self, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(addresses.HERE)}
        command = inside(NET, sys.executable, "-m", "recorder.servers", str(folder))
        self._start(command, environment)
        self._await("servers", (folder / "ready").exists)

    def _start_capture(self) -> None:
        target, log = self.folder / "raw.pcap", self.folder / "tcpdump.log"
        command = inside(
            NET, "tcpdump", "-i", TAP, "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", str(target)
        )
        with log.open("wb") as stream:
            self.children.append(subprocess.Popen(command, stderr=stream))
        self._await("tcpdump", lambda: "listening" in log.read_text())

    def _start_screen(self) -> None:
        self._start(
            inside(CLIENT, "Xvfb", workstation.DISPLAY, "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac")
        )
        folder = Path("/tmp/.X11-unix")  # noqa: S108  where X puts its sockets, not ours to choose
        socket = folder / f"X{workstation.DISPLAY[1:]}"
        self._await("Xvfb", socket.exists)

    def _start(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.children.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL))

    def _await(self, what: str, ready: object) -> None:
        deadline = time.time() + START_SECONDS
        while time.time() < deadline:
            if any(child.poll() is not None for child in self.children):
                raise RuntimeError(f"{what} ended while starting")
            if callable(ready) and ready():
                return
            time.sleep(0.1)
        raise TimeoutError(f"{what} did not start within {START_SECONDS:.0f} s")

    def _stop_children(self) -> None:
        for child in reversed(self.children):
            child.send_signal(signal.SIGINT if "tcpdump" in str(child.args) else signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children.clear()

    def close(self, *, keep: bool = False) -> None:
        """Stop children, delete namespaces and the run's folder (unless it is to be looked at)."""
        with contextlib.suppress(Exception):
            self._stop_children()
        network.remove()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
