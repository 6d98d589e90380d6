"""A Spark application for one run: checks with one clear line each, a bound on every wait, and a quiet driver.

What a site's cluster needs beyond the master's URL (memory, Kerberos, packages) is in its own ``spark-defaults.conf``,
which Spark reads as for any application. ``PYSPARK_PYTHON`` names the workers' Python.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import warnings
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from whosasking.engines.spark_errors import told
from whosasking.errors import InputError
from whosasking.interrupts import orderly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark import SparkContext
    from pyspark.sql import SparkSession

DIAL: Final = 5.0
"""Seconds a master may take to accept a connection."""
START: Final = 180.0
"""Seconds the application may take to start, and then to be given its first executor."""
ALONE: Final = 120.0
"""Seconds a running application may be without any executor."""
_LOOK: Final = 1.0
_SHUFFLES_A_CORE: Final = 2
_PORT: Final = 7077
_STANDALONE: Final = "spark://"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@contextmanager
def connected(master: str) -> Iterator[SparkSession]:
    """Give a session on the cluster of ``master`` (``spark://host:port``, ``local[2]``, ``yarn``, ``k8s://...``).

    The workers get this very package; its dependencies must be installed in their Python. Raises InputError when
    something is missing or does not answer, and for whatever the cluster fails with inside the block.
    """
    _check_here()
    _check_master(master)
    with orderly(), tempfile.TemporaryDirectory(prefix="whosasking-", ignore_cleanup_errors=True) as folder:
        session = _started(master, Path(folder))
        watch = _Watch(session.sparkContext, master)
        try:
            session.sparkContext.addPyFile(str(_package(Path(folder))))
            watch.start()
            yield session
        except Exception as error:
            message = watch.trouble or told(error)
            if message is None or os.environ.get("WHOSASKING_DEBUG") == "1":
                raise
            raise InputError(f"Spark at {master}: {message}") from None
        finally:
            watch.stop()
            session.stop()


def _check_here() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise InputError("--engine spark needs PySpark: pip install 'whosasking[spark]'")
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else None
    if java is not None and not java.exists():
        raise InputError(f"--engine spark needs Java 17 or later: JAVA_HOME is {home}, and there is no bin/java in it")
    if java is None and shutil.which("java") is None:
        raise InputError("--engine spark needs Java 17 or later: no java on PATH, and JAVA_HOME is not set")


def _check_master(master: str) -> None:
    """Dial a standalone master (or its standbys): Spark itself would try for a minute and then tell a stack trace."""
    if not master.startswith(_STANDALONE):
        return
    reasons = []
    for address in master.removeprefix(_STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(f"--master {master}: a Spark master is spark://HOST:PORT (the port is mostly {_PORT})")
        try:
            socket.create_connection((host.strip("[]"), int(port)), DIAL).close()
        except (OSError, OverflowError) as error:
            reasons.append((getattr(error, "strerror", None) or str(error)).lower())
        else:
            return
    raise InputError(f"no Spark master answers at {master}: {'; '.join(dict.fromkeys(reasons))}")


def _started(master: str, folder: Path) -> SparkSession:
    """Start the application in a thread: only so can the wait for a cluster manager be bounded."""
    outcome: list[SparkSession | Exception] = []
    thread = threading.Thread(target=_start, args=(master, folder, outcome), name="spark start", daemon=True)
    began = time.monotonic()
    thread.start()
    thread.join(START)
    if not outcome:
        _kill_driver()
        raise InputError(f"Spark at {master} did not start in {START:.0f} seconds")
    if isinstance(outcome[0], Exception):
        why = told(outcome[0]) or f"{type(outcome[0]).__name__}: {outcome[0]}"
        raise InputError(f"Spark at {master} did not start: {why}")
    session = outcome[0]
    while not _is_local(master) and not _executors(session.sparkContext):
        if time.monotonic() - began > START:
            session.stop()
            raise InputError(
                f"Spark at {master} gave no executor in {START:.0f} seconds: are workers up with cores and memory free?"
            )
        time.sleep(_LOOK / 4)
    return session


def _start(master: str, folder: Path, outcome: list[SparkSession | Exception]) -> None:
    try:
        with _quiet(folder / "driver.log"):
            outcome.append(_session(master))
    except Exception as error:  # noqa: BLE001 - told by the thread that waits
        outcome.append(error)


def _session(master: str) -> SparkSession:
    from pyspark import SparkConf  # noqa: PLC0415 - an extra
    from pyspark.sql import SparkSession  # noqa: PLC0415

    warnings.filterwarnings("ignore", module="pyspark")  # on versions of packages it has no use for here
    conf = SparkConf().setMaster(master).setAppName("whosasking")
    here = _is_local(master) or _is_loopback(master)
    if here:
        conf.setIfMissing("spark.driver.host", "127.0.0.1")
        conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf.set("spark.ui.enabled", "false")
    conf.set("spark.ui.showConsoleProgress", "false")
    conf.set("spark.sql.catalogImplementation", "in-memory")
    conf.set("spark.sql.session.timeZone", "UTC")
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    context = session.sparkContext
    context.setLogLevel("OFF")
    if not context.getConf().contains("spark.sql.shuffle.partitions"):
        session.conf.set("spark.sql.shuffle.partitions", str(_SHUFFLES_A_CORE * context.defaultParallelism))
    return session


@contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Let the driver's Java, which inherits standard error, write into a file: this program's errors are one line."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _is_local(master: str) -> bool:
    return re.fullmatch(r"local(\[.*\])?", master) is not None


def _is_loopback(master: str) -> bool:
    return master.removeprefix(_STANDALONE).rpartition(":")[0] in _LOOPBACK


def _executors(context: SparkContext) -> int:
    """Count the executors; the driver is listed as one more."""
    scala: Any = context._jsc.sc()  # noqa: SLF001 - PySpark's tracker does not list executors
    return len(scala.statusTracker().getExecutorInfos()) - 1


def _kill_driver() -> None:
    from pyspark import SparkContext  # noqa: PLC0415 - an extra

    gateway: Any = SparkContext._gateway  # noqa: SLF001 - there is no other handle on its process
    process = getattr(gateway, "proc", None)
    if process is not None:
        process.kill()


def _package(folder: Path) -> Path:
    """Zip this package's modules for the workers, so that driver and workers are of one version."""
    root = Path(__file__).parents[1]
    target = folder / "whosasking.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*.py")):
            if "_sensors" not in file.parts:
                archive.write(file, file.relative_to(root.parent))
    return target


class _Watch:
    """Ends the jobs of an application that has lost every executor: Spark would wait for new ones for ever."""

    def __init__(self, context: SparkContext, master: str) -> None:
        self.trouble: str | None = None
        self._context = context
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, name="spark watch", daemon=True)
        self._needed = not _is_local(master)

    def start(self) -> None:
        if self._needed:
            self._thread.start()

    def stop(self) -> None:
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join(_LOOK)

    def _work(self) -> None:
        seen = time.monotonic()
        with suppress(Exception):  # the application has ended: whoever waits for its jobs is told
            while not self._done.wait(_LOOK):
                if _executors(self._context):
                    seen = time.monotonic()
                elif time.monotonic() - seen > ALONE:
                    self.trouble = f"no executor has been left for {ALONE:.0f} seconds"
                    self._context.cancelAllJobs()
                    return
