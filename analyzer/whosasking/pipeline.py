"""The one way data flows: inputs -> sensors and endpoints -> attribution -> verdicts -> findings -> Report.

The only module that knows every stage. Each stage is called once, takes the records of ``model`` and returns them. A
stage is imported when there is something for it to do: start-up is a third of the time a day of plain logs takes.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from whosasking import __version__, catalogue, config, sensors, storage
from whosasking.connections import ConnectionReport
from whosasking.errors import InputError
from whosasking.inputs import discover
from whosasking.model import Attributed, Coverage, EndpointReading, JudgedLookup, Lookup, Report, WireReading
from whosasking.progress import SILENT
from whosasking.records import Records
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pyspark.sql import SparkSession

    from whosasking.attribution import Result
    from whosasking.catalogue import Catalogue
    from whosasking.config import Settings
    from whosasking.endpoints.focus import Sift
    from whosasking.endpoints.screen import Screen
    from whosasking.engines.interface import Engine
    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import Attribution, Micros
    from whosasking.progress import Progress
    from whosasking.sensors.capture import How
    from whosasking.sensors.reading import LineReader

Pair = tuple[Lookup, "Attribution"]
FOCUS_FROM = 64 << 20
"""Bytes of exports from which on only records of hosts that matter are read."""


def run(  # noqa: PLR0913  (each is a switch of the command line)
    paths: Sequence[str | Path],
    *,
    config_path: Path | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    exact: bool = False,
    captures: How | None = None,
    progress: Progress = SILENT,
    spark: SparkSession | None = None,
    now: Micros | None = None,
) -> Report:
    """Read ``paths`` and report every lookup in them.

    ``since`` and ``until`` (microseconds UTC, half-open, on the sensor's clock) keep the lookups inside them. ``exact``
    reads every line through the reference reader instead of the sieve: slow, for checking. ``now`` dates the report and
    decides which allow rules have expired. ``captures`` says how packet captures are read (None: as it comes). With
    ``spark``, a session that ``cluster`` gives, its executors scan the sensors' logs and do the joins; the report is
    the same.

    Raises ConfigError when the configuration is wrong, and InputError when an optional reader that was asked for is
    missing, or no sensor is there for a capture.
    """
    now = time.time_ns() // 1000 if now is None else now
    settings = config.load(config_path)
    known = catalogue.load(settings.hosts)
    inputs = discover(paths)
    reader, engine = _on(spark, progress) if spark is not None else (None, None)
    if _is_large(inputs):
        wire, endpoint = _focused(inputs, known, settings, progress, reader, exact=exact)
    else:
        endpoint = _read_endpoints(inputs, progress)
        wire = _read_wire(inputs, known, endpoint, progress, captures, reader, exact=exact)
    progress.close()
    from whosasking import attribution, findings

    result = attribution.attribute(
        wire.lookups, endpoint, wire.anchors, settings.host_addresses, known, wire.leases, engine
    )
    attributed = _in_window(_all_lookups(wire, endpoint, result, known), since, until)
    judged = _judged(attributed, known, settings, now)
    report = Report(
        version=__version__,
        generated_at=now,
        inputs=tuple(tally.report() for tally in inputs.tallies.values()),
        coverage=_coverage(inputs, wire, endpoint, result),
        findings=findings.gather(judged, known, settings),
        lookups=judged,
        notes=config.expired_notes(settings, now),
        parity=tuple(wire.parity),
    )
    if captures is not None and captures.carve is not None:
        from whosasking.sensors import capture

        capture.carve_findings(report, inputs, captures)
    return report


@contextmanager
def connections(  # noqa: PLR0913  (each is a switch of the command line)
    paths: Sequence[str | Path],
    *,
    config_path: Path | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    sensor: str = "auto",
    progress: Progress = SILENT,
    now: Micros | None = None,
) -> Iterator[ConnectionReport]:
    """Read ``paths`` and give every connection in them with the process behind it, as long as the block lasts.

    Arguments and errors are those of ``run``. The connections are gone through once, in bounded memory.
    """
    from whosasking import attribution
    from whosasking.sensors import flows
    from whosasking.sensors.capture import Sensor
    from whosasking.sensors.capture.logs import logged

    now = time.time_ns() // 1000 if now is None else now
    settings = config.load(config_path)
    inputs = discover(paths)
    endpoint = _read_endpoints(inputs, progress)
    with (
        attribution.Connections(endpoint, settings.host_addresses, catalogue.load(settings.hosts)) as every,
        logged(inputs, progress, Sensor(sensor)) as captured,
    ):
        with every.spool() as (rows, names):
            readings = [flows.read(logs, rows, names, progress) for logs in (inputs, captured) if logs.sensors]
        progress.describe("aligning clocks")
        every.align([lease for reading in readings for lease in reading.leases], since, until)
        progress.close()
        spans = [reading.span for reading in readings if reading.span]
        yield ConnectionReport(
            version=__version__,
            generated_at=now,
            inputs=tuple(tally.report() for tally in inputs.tallies.values()),
            coverage=Coverage(
                start=min((first for first, _ in spans), default=None),
                end=max((last for _, last in spans), default=None),
                hosts_with_edr=tuple(sorted(endpoint.spans)),
                gaps=(*every.gaps(), *_missing(inputs)),
                clock_offsets=every.offsets,
            ),
            notes=tuple(note for reading in readings for note in reading.notes),
            connections=every.attributed(),
        )


def cluster(
    engine: str, master: str | None, paths: Sequence[str | Path], *, exact: bool
) -> AbstractContextManager[SparkSession | None]:
    """Give the session for ``run`` (None: the embedded engine) while the block lasts.

    Raises InputError when the call makes no sense, Spark is not here or its master does not answer.
    """
    if engine != "spark":
        if master is not None:
            raise InputError("--master is for --engine spark")
        return nullcontext(None)
    if master is None:
        raise InputError("--engine spark needs --master: spark://HOST:PORT, local[N], yarn or k8s://HOST:PORT")
    if exact:
        raise InputError("--exact reads every line here, in one process: it does not go with --engine spark")
    if any(str(path) == "-" for path in paths):
        raise InputError("standard input is here alone: --engine spark takes files that every worker sees")
    from whosasking.engines import spark_session

    return spark_session.connected(master)


def _on(spark: SparkSession, progress: Progress) -> tuple[LineReader, Callable[[], Engine]]:
    from whosasking.engines.spark import Spark
    from whosasking.sensors.cluster import ClusterReader

    return ClusterReader(spark.sparkContext, progress), partial(Spark, spark)


def _read_endpoints(inputs: Inputs, progress: Progress) -> EndpointReading:
    if not inputs.endpoints:
        return EndpointReading()
    from whosasking import endpoints

    return endpoints.read(inputs, progress, sift=_sifting(progress))


def _sifting(progress: Progress) -> Sift:
    """Return what reads exports through a screen on every core, as logs are read."""

    def sift(inp: Input, tally: Tally, screen: Screen) -> Iterator[tuple[int, bytes]]:
        from whosasking.sensors.reading import Job, Reader

        for sifted in Reader(progress).read([Job(inp, tally, screen)]):
            yield from ((line.number, line.text) for line in sifted.lines)

    return sift


def _is_large(inputs: Inputs) -> bool:
    """Tell exports so large that only records of hosts with a lookup are worth their time and memory."""
    if inputs.captures or not inputs.sensors:
        return False
    return sum(storage.size(inp.path) for inp in inputs.endpoints) > FOCUS_FROM


def _focused(  # noqa: PLR0913 - every stage before it
    inputs: Inputs,
    known: Catalogue,
    settings: Settings,
    progress: Progress,
    reader: LineReader | None,
    *,
    exact: bool,
) -> tuple[WireReading, EndpointReading]:
    """Read the logs first: they say which hosts' records to read. Then look for what aligns those hosts' clocks."""
    from whosasking import attribution, endpoints
    from whosasking.endpoints.interest import Interest

    wire = sensors.read(inputs, known, Wanted(), progress, exact=exact, reader=reader)
    interest = Interest(wire.lookups, wire.leases, settings.host_addresses, known)
    endpoint = endpoints.read(inputs, progress, None if interest.is_wide else interest, _sifting(progress))
    found = sensors.anchors(inputs, known, Wanted(attribution.wanted(endpoint)), progress, reader)
    return msgspec.structs.replace(wire, anchors=found), endpoint


def _read_wire(  # noqa: PLR0913, PLR0917 - every stage before it
    inputs: Inputs,
    known: Catalogue,
    endpoint: EndpointReading,
    progress: Progress,
    captures: How | None,
    reader: LineReader | None,
    *,
    exact: bool,
) -> WireReading:
    wanted = Wanted()
    if inputs.endpoints:
        from whosasking import attribution

        wanted = Wanted(attribution.wanted(endpoint))
    wire = sensors.read(inputs, known, wanted, progress, exact=exact, reader=reader)
    if inputs.captures:
        from whosasking.sensors import capture

        wire = capture.joined(wire, capture.read(inputs, known, wanted, progress, captures or capture.How()))
    return wire


def captures(sensor: str, keep: Path | None, carve: Path | None) -> How | None:
    """Return how to read packet captures: with which sensor, where to keep its logs, where to carve findings.

    None: as it comes, nothing was asked for.
    """
    if sensor == "auto" and keep is None and carve is None:
        return None
    from whosasking.sensors.capture import How, Sensor

    return How(sensor=Sensor(sensor), keep=str(keep) if keep else None, carve=str(carve) if carve else None)


def _all_lookups(wire: WireReading, endpoint: EndpointReading, result: Result, known: Catalogue) -> Iterator[Pair]:
    """Yield wire lookups with their attribution and what only the endpoint saw, on the sensor's clock, each once.

    They come in order of time, those of one instant in any.
    """
    from whosasking import attribution

    seen_by_endpoint = []
    if endpoint.starts or endpoint.sockets or endpoint.unowned_sockets:
        from whosasking.endpoints import detections

        seen_by_endpoint = detections.lookups(endpoint, known)
    on_the_wire_too = attribution.duplicates(wire.lookups, seen_by_endpoint, result)
    explained = map(attribution.Behind(known).explain, result.attributions)
    on_the_wire: Iterator[Pair] = zip(wire.lookups, explained, strict=True)
    if not seen_by_endpoint and not any(isinstance(one, Attributed) for one in result.attributions):
        return on_the_wire
    pairs = list(on_the_wire)
    for index, (lookup, process) in enumerate(seen_by_endpoint):
        if index not in on_the_wire_too:
            pairs.append((attribution.on_sensor_clock(lookup, process, result), process))
    return iter(sorted(attribution.united(pairs), key=lambda pair: pair[0].ts))


def _in_window(pairs: Iterator[Pair], since: Micros | None, until: Micros | None) -> Iterator[Pair]:
    return (
        (lookup, process)
        for lookup, process in pairs
        if (since is None or lookup.ts >= since) and (until is None or lookup.ts < until)
    )


def _judged(pairs: Iterator[Pair], known: Catalogue, settings: Settings, now: Micros) -> Sequence[JudgedLookup]:
    """Give each lookup its number, in order of time, and its verdict; ``pairs`` come in order of time."""
    from whosasking import verdicts

    judged = Records(JudgedLookup)
    for _, together in groupby(pairs, key=lambda pair: pair[0].ts):
        for lookup, process in sorted(together, key=lambda pair: _order(pair[0])):
            numbered = msgspec.structs.replace(lookup, id=f"L{len(judged) + 1}")
            verdict = verdicts.judge(numbered, process, known, settings, now)
            judged.append(JudgedLookup(lookup=numbered, attribution=process, verdict=verdict))
    return judged.sealed()


def _order(lookup: Lookup) -> tuple[Micros, str, str, int, str]:
    """Give a total order that does not depend on which file was read first."""
    return (lookup.ts, lookup.detection, lookup.src_ip or "", lookup.src_port or 0, lookup.uid or "")


def _coverage(inputs: Inputs, wire: WireReading, endpoint: EndpointReading, result: Result) -> Coverage:
    start, end = wire.span or _endpoint_span(endpoint)
    return Coverage(
        start=start,
        end=end,
        hosts_with_edr=tuple(sorted(endpoint.spans)),
        gaps=(*wire.notes, *result.gaps, *_missing(inputs)),
        clock_offsets=result.offsets,
    )


def _missing(inputs: Inputs) -> Iterator[str]:
    if not inputs.sensors and not inputs.captures:
        yield "no Zeek or Suricata logs: only what the endpoints recorded is shown"
    if not inputs.endpoints:
        yield "no EDR exports: no lookup can be tied to a process"


def _endpoint_span(endpoint: EndpointReading) -> tuple[Micros | None, Micros | None]:
    if not endpoint.spans:
        return None, None
    return min(first for first, _ in endpoint.spans.values()), max(last for _, last in endpoint.spans.values())
