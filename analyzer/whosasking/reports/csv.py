r"""CSV of lookups: one row each, every lookup, dropped and allowed ones too. The first columns are the seed query's.

RFC 4180 quoting, UTF-8, ``\n`` line ends. A spreadsheet evaluates a cell that starts with ``= + - @``: such a cell
gets a leading apostrophe. Line breaks and control characters stand as escapes, so that a row is always one line.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from whosasking.model import Attributed, Detection
from whosasking.reports.escape import plain
from whosasking.reports.instants import iso
from whosasking.reports.summary import finding_of, process_of

if TYPE_CHECKING:
    from typing import TextIO

    from whosasking.model import JudgedLookup, Lookup, Process, Report
    from whosasking.reports.interface import Options

    Cell = str | int | float | None

SEED_COLUMNS = (
    "Timestamp",
    "DeviceName",
    "AccountName",
    "FileName",
    "ProcessCommandLine",
    "InitiatingProcessFileName",
    "InitiatingProcessCommandLine",
    "DetectionType",
    "TargetEntity",
)
OWN_COLUMNS = (
    "verdict",
    "reason",
    "detail",
    "lookup",
    "finding",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "transport",
    "server",
    "query",
    "object",
    "object_kind",
    "client_class",
    "client_evidence",
    "user_agent",
    "ja3",
    "process_id",
    "process_path",
    "attribution_method",
    "attribution_confidence",
    "attribution_reason",
    "sensor",
    "uid",
    "community_id",
    "source_file",
    "source_line",
)
COLUMNS = SEED_COLUMNS + OWN_COLUMNS
"""The header. New columns are only ever added at its end."""

_FORMULA_STARTS = frozenset(
    "=+-@\t\r\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


def render(report: Report, out: TextIO, options: Options) -> None:  # noqa: ARG001 - CSV holds every lookup always
    """Write the header and one row per lookup, in the report's order. Raises OSError when the stream does."""
    findings = finding_of(report)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for judged in report.lookups:
        row = _seed_cells(judged) + _own_cells(judged, findings.get(judged.lookup.id))
        writer.writerow([safe(cell) for cell in row])


def safe(cell: Cell) -> Cell:
    """``cell`` as no spreadsheet will evaluate it; numbers are ours and stay numbers."""
    if not isinstance(cell, str):
        return cell
    return f"'{plain(cell)}" if cell.lstrip(" ")[:1] in _FORMULA_STARTS else plain(cell)


def _seed_cells(judged: JudgedLookup) -> list[Cell]:
    process = process_of(judged)
    parent = process.parent if process else None
    lookup = judged.lookup
    return [
        iso(lookup.ts),
        process.host if process else None,
        process.user if process else None,
        process.name if process else None,
        process.command_line if process else None,
        parent.name if parent else None,
        parent.command_line if parent else None,
        lookup.detection.value,
        _target(lookup, process),
    ]


def _target(lookup: Lookup, process: Process | None) -> str | None:
    """Return the seed's TargetEntity: command line, ``address:port`` (its strcat, no brackets for IPv6) or server."""
    if lookup.detection is Detection.TOOL:
        return process.command_line if process else None
    address = f"{lookup.dst_ip}:{lookup.dst_port}" if lookup.dst_ip else None
    return address or lookup.server if lookup.detection is Detection.PORT43 else lookup.server or address


def _own_cells(judged: JudgedLookup, finding: str | None) -> list[Cell]:
    lookup, process, given = judged.lookup, process_of(judged), judged.attribution
    return [
        judged.verdict.outcome.value,
        judged.verdict.reason,
        judged.verdict.detail,
        lookup.id,
        finding,
        *_wire_cells(lookup),
        process.pid if process else None,
        process.path if process else None,
        given.method if isinstance(given, Attributed) else "none",
        given.confidence if isinstance(given, Attributed) else 0.0,
        given.reason,
        lookup.sensor,
        lookup.uid,
        lookup.community_id,
        lookup.source.path if lookup.source else None,
        lookup.source.line if lookup.source else None,
    ]


def _wire_cells(lookup: Lookup) -> list[Cell]:
    query, client = lookup.query, lookup.client
    return [
        lookup.src_ip,
        lookup.src_port,
        lookup.dst_ip,
        lookup.dst_port,
        lookup.transport,
        lookup.server,
        query.text if query else None,
        query.object if query else None,
        query.kind.value if query and query.kind else None,
        client.cls.value,
        "; ".join(client.evidence),
        client.user_agent,
        client.ja3,
    ]
