"""The logs a sensor makes of the captures, for what reads every connection and not lookups alone."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from whosasking.errors import InputError
from whosasking.inputs import Inputs, discover
from whosasking.interrupts import orderly
from whosasking.sensors.capture import runs
from whosasking.sensors.capture.choose import Sensor, chosen
from whosasking.sensors.capture.feed import Feed
from whosasking.sensors.capture.process import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.progress import Progress


@contextmanager
def logged(inputs: Inputs, progress: Progress, sensor: Sensor = Sensor.AUTO) -> Iterator[Inputs]:
    """Give the logs of ``inputs.captures``, made by Zeek or Suricata in a private folder; gone when the block ends.

    Raises InputError where neither is here or the sensor fails.
    """
    if not inputs.captures:
        yield Inputs()
        return
    names = [name for name in chosen(sensor) if name != "tshark"]
    if not names:
        raise InputError("connections of a capture are read with Zeek or Suricata: neither is on PATH")
    feed = Feed(inputs, progress)
    if feed.is_empty():
        yield Inputs()
        return
    with orderly(), tempfile.TemporaryDirectory(prefix="whosasking-", ignore_cleanup_errors=True) as private:
        progress.describe(f"reading captures with {names[0]}")
        folder = Path(private)
        run = runs.zeek if names[0] == "zeek" else runs.suricata
        run(feed, folder, Limits().for_bytes(feed.size))
        yield discover([folder])
