"""A packet capture -> lookups: by Zeek, Suricata or tshark, or by all of them side by side.

Zeek and Suricata write logs into a private temporary folder, which are read like any others; tshark's rows go to the
detector as they come. Every sensor runs bounded and ends when we do.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.errors import InputError
from whosasking.inputs import discover
from whosasking.interrupts import orderly
from whosasking.model import Record, WireReading
from whosasking.progress import SILENT
from whosasking.sensors.capture import carve, parity, runs
from whosasking.sensors.capture.choose import Sensor, chosen
from whosasking.sensors.capture.feed import Feed
from whosasking.sensors.capture.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whosasking.catalogue import Catalogue
    from whosasking.inputs import Inputs
    from whosasking.model import Lookup, Micros, Report, Skipped
    from whosasking.progress import Progress
    from whosasking.sensors.interface import Wanted

__all__ = ["How", "Sensor", "carve_findings", "joined", "read"]

_OF_A_SITE: Final = (
    *("no conn.log", "no ssl.log", "no http.log", "no dns.log", "no whois.log"),
    *("EVE without ", "EVE's http events keep no "),
)
_RUNS: Final[dict[str, Callable[[Feed, Path, Limits], None]]] = {"zeek": runs.zeek, "suricata": runs.suricata}


class How(Record, frozen=True, kw_only=True):
    """How captures are read. ``limits`` bound each sensor.

    ``keep`` is a folder that keeps what they wrote, ``carve`` one that gets the packets of each finding.
    """

    sensor: Sensor = Sensor.AUTO
    keep: str | None = None
    carve: str | None = None
    limits: Limits = Limits()


def read(inputs: Inputs, catalogue: Catalogue, wanted: Wanted, progress: Progress, how: How) -> WireReading:
    """Read the lookups out of ``inputs.captures``; damage goes into their tallies.

    With all sensors, lookups several of them saw are one, the best sensor's, and the notes and ``parity`` compare them.
    A sensor that fails is noted and the others count. Raises InputError when none can be run or every one failed.
    """
    if not inputs.captures:
        return WireReading()
    sensors = chosen(how.sensor)
    feed = Feed(inputs, progress)
    if feed.is_empty():
        return WireReading()
    readings: dict[str, WireReading] = {}
    failed: dict[str, str] = {}
    with orderly(), tempfile.TemporaryDirectory(prefix="whosasking-", ignore_cleanup_errors=True) as private:
        for name in sensors:
            progress.describe(f"reading captures with {name}")
            folder = _folder(Path(how.keep or private), name)
            try:
                readings[name] = _one(name, feed, folder, catalogue, wanted, how)
            except InputError as error:
                failed[name] = str(error)
    if not readings:
        raise InputError("; ".join(failed.values()))
    return _joined(feed, readings, failed)


def joined(logs: WireReading, captured: WireReading) -> WireReading:
    """Make one reading of the logs' and the captures'; a lookup that both hold is the logs'."""
    if not captured.kinds:
        return logs
    table = parity.compare({"logs": logs.lookups, "captures": captured.lookups})
    spans = [span for span in (logs.span, captured.span) if span is not None]
    return WireReading(
        lookups=[row.lookup for row in table],
        anchors=[*logs.anchors, *captured.anchors],
        kinds=logs.kinds | captured.kinds,
        span=(min(first for first, _ in spans), max(last for _, last in spans)) if spans else None,
        notes=[*logs.notes, *captured.notes],
        parity=captured.parity,
        leases=list(dict.fromkeys([*logs.leases, *captured.leases])),
    )


def carve_findings(report: Report, inputs: Inputs, how: How) -> None:
    """Write the packets of each finding where ``how`` says. Raises InputError when that cannot be."""
    if how.carve is None:
        return
    if not inputs.captures:
        raise InputError("--carve: there is no packet capture among the inputs")
    lookups = {judged.lookup.id: judged for judged in report.lookups}
    carve.carve(report.findings, lookups, inputs.captures, Path(how.carve))


def _folder(base: Path, name: str) -> Path:
    """Make a folder for one sensor's run. Raises InputError when it cannot be made or something is in it."""
    folder = base / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty: logs of two runs would mix")
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from None
    return folder


def _one(name: str, feed: Feed, folder: Path, catalogue: Catalogue, wanted: Wanted, how: How) -> WireReading:  # noqa: PLR0913, PLR0917 - one run, wholly described
    limits = how.limits.for_bytes(feed.size)
    if name == "tshark":
        from whosasking.sensors.capture import tshark  # noqa: PLC0415 - pyshark is optional

        return tshark.read(feed, folder, catalogue, wanted, limits)
    from whosasking import sensors  # noqa: PLC0415 - it imports this

    _RUNS[name](feed, folder, limits)
    logs = discover([folder])
    reading = sensors.read(logs, catalogue, wanted, SILENT)
    trouble = [
        skip for tally in logs.tallies.values() if tally.kind.split()[0] in ("zeek", "eve") for skip in tally.skipped
    ]
    found = [_placed(lookup, keep=how.keep is not None) for lookup in reading.lookups]
    return msgspec.structs.replace(reading, lookups=found, notes=[*reading.notes, *_told(name, trouble)])


def _placed(lookup: Lookup, *, keep: bool) -> Lookup:
    """Return the lookup without the line of a log that will be gone."""
    return lookup if keep else msgspec.structs.replace(lookup, source=None)


def _told(name: str, trouble: Sequence[Skipped]) -> list[str]:
    return sorted({f"{name}'s log: {skip.reason}" for skip in trouble if not skip.reason.startswith("not read:")})


def _joined(feed: Feed, readings: dict[str, WireReading], failed: dict[str, str]) -> WireReading:
    """Make one reading of several: every lookup once, and what the sensors did not agree on."""
    best = next(iter(readings.values()))
    table = parity.compare({name: reading.lookups for name, reading in readings.items()})
    notes = [note for reading in readings.values() for note in reading.notes if _applies(note)]
    return WireReading(
        lookups=[row.lookup for row in table],
        anchors=best.anchors,
        kinds={f"capture {name}": len(reading.lookups) for name, reading in readings.items()},
        span=_span(feed) or best.span,
        notes=[*dict.fromkeys(notes), *(f"{name} did not read the capture: {why}" for name, why in failed.items())],
        parity=parity.rows(table, list(readings)) if len(readings) > 1 else [],
        leases=best.leases,
    )


def _applies(note: str) -> bool:
    """Tell notes about logs a site lacks: ours are complete, a capture without such traffic has no log of it."""
    return not note.startswith(_OF_A_SITE)


def _span(feed: Feed) -> tuple[Micros, Micros] | None:
    return None if feed.span is None else (feed.span[0] // 1000, feed.span[1] // 1000)
