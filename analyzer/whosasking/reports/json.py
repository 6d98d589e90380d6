r"""The JSON report: the contract other programs build on (schema ``whosasking.report/1``, see report.schema.json).

Pure ASCII, so that it is safe on any terminal and in any pipe: control and bidirectional characters of a log are JSON
escapes, and a byte that was no UTF-8 stands as ``\xNN`` text, because a lone surrogate is refused by most parsers.
Each input, finding and lookup has a line of its own: the file can be compared and searched line by line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from whosasking.model import Attributed
from whosasking.reports.escape import encodable
from whosasking.reports.instants import iso
from whosasking.reports.summary import finding_of, summarise
from whosasking.reports.summary import process_of as process_behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from whosasking.model import (
        Attribution,
        Candidate,
        Coverage,
        Finding,
        InputReport,
        JudgedLookup,
        Lookup,
        Micros,
        ParityRow,
        Process,
        Report,
        Sighting,
    )
    from whosasking.reports.interface import Options

SCHEMA = "whosasking.report/1"

Json = dict[str, Any]


def render(report: Report, out: TextIO, options: Options) -> None:  # noqa: ARG001 - JSON holds everything always
    """Write ``report`` to ``out``, one pass, one line per lookup. Raises OSError when the stream does."""
    out.write("{")
    for position, (key, value) in enumerate(_document(report)):
        out.write(f"{',' if position else ''}\n {text(key)}: ")
        if isinstance(value, dict | str):
            out.write(text(value))
        else:
            _write_lines(value, out)
    out.write("\n}\n")


def _document(report: Report) -> Iterator[tuple[str, Any]]:
    """Yield the top-level keys in the contract's order; lists as iterators, so that one lookup at a time is JSON."""
    findings = finding_of(report)
    summary = summarise(report)
    yield "schema", SCHEMA
    yield "version", report.version
    yield "generated_at", iso(report.generated_at)
    yield "inputs", map(input_of, report.inputs)
    yield "coverage", coverage_of(report.coverage)
    yield "summary", {name: getattr(summary, name) for name in summary.__struct_fields__}
    yield "notes", iter(report.notes)
    yield "findings", map(_finding, report.findings)
    if report.parity:
        yield "parity", map(_parity, report.parity)
    yield "lookups", (_judged(judged, findings.get(judged.lookup.id)) for judged in report.lookups)


def _parity(row: ParityRow) -> Json:
    return {
        "ts": iso(row.ts),
        "src_ip": row.src_ip,
        "src_port": row.src_port,
        "server": row.server,
        "asked": row.asked,
        "sensors": row.sensors,
        "missed": row.missed,
        "differences": row.differences,
    }


def _write_lines(values: Iterator[Any], out: TextIO) -> None:
    separator = "["
    for value in values:
        out.write(f"{separator}\n  {text(value)}")
        separator = ","
    out.write("\n ]" if separator == "," else "[]")


def text(value: object) -> str:
    """Write a value as JSON that every parser takes."""
    found = _encoded(value)
    # Only text with surrogates, paired or lone, is looked at string by string: for most of a report that is never.
    return _encoded(_clean(value)) if "\\ud" in found else found


def _encoded(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _clean(value: object) -> object:
    """``value`` with every string, keys too, made encodable."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def input_of(entry: InputReport) -> Json:
    """Write what was read of an input."""
    more = {"fields_not_read": entry.fields_not_read} if entry.fields_not_read else {}
    return {
        "path": entry.path,
        "kind": entry.kind,
        "bytes": entry.bytes,
        "records": entry.records,
        "candidates": entry.candidates,
        "unreadable": entry.unreadable,
        "skipped_total": max(entry.skipped_total, len(entry.skipped)),
        "skipped": [{"line": skipped.line, "reason": skipped.reason} for skipped in entry.skipped],
        **more,
    }


def coverage_of(coverage: Coverage) -> Json:
    """Write what the inputs could show."""
    return {
        "start": _instant(coverage.start),
        "end": _instant(coverage.end),
        "hosts_with_edr": coverage.hosts_with_edr,
        "gaps": coverage.gaps,
        "clock_offsets": [
            {
                "host": clock.host,
                "offset_seconds": _seconds(clock.offset),
                "anchors": clock.anchors,
                "spread_seconds": _seconds(clock.spread),
                "reason": clock.reason,
                "drift_ppm": clock.drift,
                "steps": [{"at": iso(step.at), "offset_seconds": _seconds(step.offset)} for step in clock.steps],
            }
            for clock in coverage.clock_offsets
        ],
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "score": finding.score,
        "score_parts": [{"points": part.points, "reason": part.reason} for part in finding.score_parts],
        "host": finding.host,
        "user": finding.user,
        "process": process_of(finding.process),
        "first_seen": iso(finding.first_seen),
        "last_seen": iso(finding.last_seen),
        "lookups": finding.lookups,
        "targets": finding.targets,
    }


def _judged(judged: JudgedLookup, finding: str | None) -> Json:
    return {
        **_lookup(judged.lookup),
        "process": process_of(process_behind(judged)),
        "attribution": attribution_of(judged.attribution),
        "verdict": judged.verdict.outcome,
        "reason": judged.verdict.reason,
        "detail": judged.verdict.detail,
        "finding": finding,
    }


def _lookup(lookup: Lookup) -> Json:
    """Write what the sensor saw."""
    query, client, source = lookup.query, lookup.client, lookup.source
    same = (
        "detection",
        "sensor",
        "uid",
        "community_id",
        "src_ip",
        "src_port",
        "dst_ip",
        "dst_port",
        "transport",
        "server",
    )
    more = ("server_source", "server_kind", "noise", "established", "service", "src_bytes", "dst_bytes")
    return {
        "id": lookup.id,
        "ts": iso(lookup.ts),
        **{name: getattr(lookup, name) for name in same},
        "query": query and {"text": query.text, "object": query.object, "kind": query.kind, "count": query.count},
        "client": {
            "class": client.cls,
            "evidence": client.evidence,
            "user_agent": client.user_agent,
            "ja3": client.ja3,
            "masquerade": client.masquerade,
        },
        **{name: getattr(lookup, name) for name in more},
        "duration_seconds": _seconds(lookup.duration),
        "source": source and {"path": source.path, "line": source.line},
    }


def attribution_of(attribution: Attribution) -> Json:
    """Write how sure it is that a process did it."""
    given = attribution if isinstance(attribution, Attributed) else None
    return {
        "method": given.method if given else "none",
        "confidence": given.confidence if given else 0.0,
        "reason": attribution.reason,
        "candidates": [_candidate(candidate) for candidate in attribution.candidates],
        "record": given.record if given else None,
        "seen": given and _sighting(given.seen),
        "application": given and given.application and _one_process(given.application),
        "script": given.script if given else None,
        "ladder": [{"rung": step.rung, "outcome": step.outcome} for step in attribution.ladder],
    }


def _sighting(seen: Sighting | None) -> Json | None:
    if seen is None:
        return None
    return {
        "sensor_time": iso(seen.ts),
        "host_time": iso(seen.own),
        "apart_seconds": _seconds(seen.apart),
        "offset_seconds": _seconds(seen.ts - seen.own),
    }


def _candidate(candidate: Candidate) -> Json:
    return {"process": process_of(candidate.process), "reason": candidate.reason, "seen": _sighting(candidate.seen)}


def process_of(process: Process | None) -> Json | None:
    """Write a process with its parent; the parent's own parent is left out."""
    if process is None:
        return None
    return {
        **_one_process(process),
        "user": process.user,
        "host": process.host,
        "key": process.key,
        "started": _instant(process.started),
        "ended": _instant(process.ended),
        "parent": process.parent and _one_process(process.parent),
    }


def _one_process(process: Process) -> Json:
    return {"name": process.name, "path": process.path, "command_line": process.command_line, "pid": process.pid}


def _instant(instant: Micros | None) -> str | None:
    return None if instant is None else iso(instant)


def _seconds(micros: Micros | None) -> float | None:
    return None if micros is None else micros / 1_000_000
