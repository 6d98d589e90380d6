"""A real Spark cluster on loopback: a standalone master and worker processes, each in a process group of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from inputs.stores import s3_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

PATIENCE = 300.0
"""Seconds a process may take to come up on a busy machine."""
DEFAULTS = {
    "spark.cores.max": "2",
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


_DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""Where Linux's tool for it is there: a test run that is killed leaves nothing behind."""


class Daemon:
    """A master or a worker. ``stop`` ends it and what it started, whatever state it is in."""

    def __init__(self, spark: Path, environment: Mapping[str, str], what: str, *arguments: str) -> None:
        self.log: list[str] = []
        self._more = threading.Condition()
        self._process = subprocess.Popen(
            [
                *_DIES_WITH_US,
                str(spark / "bin" / "spark-class"),
                f"org.apache.spark.deploy.{what}",
                "--host",
                "127.0.0.1",
                *arguments,
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self.log.append(line)
                self._more.notify_all()
        with self._more:
            self.log.append("")  # the end
            self._more.notify_all()

    def said(self, pattern: str) -> re.Match[str]:
        """Wait until a line has ``pattern``."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found[:] = [match for line in self.log if (match := re.search(pattern, line))]
            return bool(found) or self.log[-1:] == [""]

        with self._more:
            self._more.wait_for(look, PATIENCE)
        assert found, f"never said {pattern!r}:\n{''.join(self.log)}"
        return found[0]

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Cluster:
    """A master and ``workers`` workers; an application gets one core on each of two.

    Executors look for S3 at ``store_port``, where a test may put it.
    """

    def __init__(self, spark: Path, folder: Path, workers: int = 2) -> None:
        self._spark = spark
        self._folder = folder
        self._daemons: list[Daemon] = []
        self.workers: dict[str, Daemon] = {}
        self.conf = folder / "conf"
        self.conf.mkdir()
        lines = [f"{name} {value}\n" for name, value in DEFAULTS.items()]
        (self.conf / "spark-defaults.conf").write_text("".join(lines))
        self.store_port = _free_port()
        self._environment = os.environ | s3_environment(self.store_port)
        self._environment |= {
            "SPARK_HOME": str(spark),
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        }
        try:
            master = self._start("master.Master", "--port", "0", "--webui-port", "0")
            self.url = master.said(r"Starting Spark master at (spark://\S+)")[1]
            for number in range(workers):
                self.add(f"worker{number}")
            for worker in self.workers.values():
                worker.said("Successfully registered with master")
        except BaseException:
            self.stop()
            raise

    def _start(self, what: str, *arguments: str) -> Daemon:
        daemon = Daemon(self._spark, self._environment, what, *arguments)
        self._daemons.append(daemon)
        return daemon

    def add(self, name: str) -> None:
        """Start a worker; the working folder of its executors lies below one named like it."""
        folder = self._folder / name
        options = ("--port", "0", "--webui-port", "0", "--cores", "4", "--memory", "4g", "--work-dir", str(folder))
        self.workers[name] = self._start("worker.Worker", *options, self.url)

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
