"""``whosasking attribute``: every connection with its process, as a table, CSV, or JSON (``whosasking.attribution/1``).

All three are written while the connections are gone through: millions of them need no memory here.
"""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING

from rich.table import Table

from whosasking.model import Attributed
from whosasking.reports import json as documents
from whosasking.reports import words
from whosasking.reports.csv import safe
from whosasking.reports.instants import clock, iso, span
from whosasking.reports.page import LABEL, QUIET, Page
from whosasking.reports.sections import inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from whosasking.connections import ConnectionReport
    from whosasking.model import Attribution, Connection, Process
    from whosasking.reports.csv import Cell

SCHEMA = "whosasking.attribution/1"
COLUMNS = (
    "ts",
    "uid",
    "community_id",
    "proto",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "host",
    "user",
    "process",
    "process_id",
    "process_path",
    "command_line",
    "parent",
    "method",
    "confidence",
    "reason",
)
_AT_ONCE = 500
_KNOWN_PROCESSES = 1 << 14


def render(form: str, report: ConnectionReport, out: TextIO) -> None:
    """Write ``report`` in the format ``form`` (terminal, json, csv). Raises OSError when the stream does."""
    _RENDERERS[form](report, out)


def _json(report: ConnectionReport, out: TextIO) -> None:
    out.write("{")
    head = {
        "schema": SCHEMA,
        "version": report.version,
        "generated_at": iso(report.generated_at),
        "inputs": [documents.input_of(entry) for entry in report.inputs],
        "coverage": documents.coverage_of(report.coverage),
        "notes": report.notes,
    }
    out.writelines(f"\n {documents.text(key)}: {documents.text(value)}," for key, value in head.items())
    out.write('\n "connections": [')
    processes = _Processes()
    separator = "\n  "
    for connection, attribution in report.counted():
        out.write(separator + _connection(connection, attribution, processes))
        separator = ",\n  "
    out.write(f'\n ],\n "summary": {documents.text(_summary(report))}\n}}\n')


def _summary(report: ConnectionReport) -> dict[str, object]:
    return {
        "connections": report.methods.total(),
        "attributed": report.methods.total() - report.methods["none"],
        "by_method": dict(sorted(report.methods.items())),
        "by_reason": dict(report.reasons.most_common()),
    }


class _Processes:
    """Processes as JSON text: a busy one is behind thousands of connections, and is written out once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Process, str]] = {}

    def text(self, process: Process) -> str:
        known = self._known.get(id(process))
        if known is None or known[0] is not process:
            if len(self._known) >= _KNOWN_PROCESSES:
                self._known.clear()
            known = self._known[id(process)] = (process, documents.text(documents.process_of(process)))
        return known[1]


def _connection(one: Connection, attribution: Attribution, processes: _Processes) -> str:
    head = documents.text(
        {
            "uid": one.uid,
            "community_id": one.community_id,
            "ts": iso(one.ts),
            "proto": one.protocol,
            "src_ip": one.src_ip,
            "src_port": one.src_port,
            "dst_ip": one.dst_ip,
            "dst_port": one.dst_port,
        }
    )
    process = processes.text(attribution.process) if isinstance(attribution, Attributed) else "null"
    how = documents.text(documents.attribution_of(attribution))
    return f'{head[:-1]}, "process": {process}, "attribution": {how}}}'


def _csv(report: ConnectionReport, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    processes = _ProcessCells()
    writer.writerows(_cells(one, attribution, processes) for one, attribution in report.counted())


def _cells(one: Connection, attribution: Attribution, processes: _ProcessCells) -> tuple[Cell, ...]:
    """Give a row, its text made safe. Instants, methods and numbers are ours."""
    given = attribution if isinstance(attribution, Attributed) else None
    return (
        iso(one.ts),
        safe(one.uid),
        safe(one.community_id),
        safe(one.protocol),
        safe(one.src_ip),
        one.src_port,
        safe(one.dst_ip),
        one.dst_port,
        *(processes.of(given.process) if given else _NO_PROCESS),
        given.method if given else "none",
        given.confidence if given else 0.0,
        safe(attribution.reason),
    )


class _ProcessCells:
    """The cells of processes; see ``_Processes``."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Process, tuple[Cell, ...]]] = {}

    def of(self, process: Process) -> tuple[Cell, ...]:
        known = self._known.get(id(process))
        if known is None or known[0] is not process:
            if len(self._known) >= _KNOWN_PROCESSES:
                self._known.clear()
            known = self._known[id(process)] = (process, tuple(map(safe, _of_process(process))))
        return known[1]


def _of_process(process: Process) -> tuple[Cell, ...]:
    return (
        process.host,
        process.user,
        process.name,
        process.pid,
        process.path,
        process.command_line,
        process.parent.name if process.parent else None,
    )


_NO_PROCESS: tuple[Cell, ...] = (None,) * 7


def _terminal(report: ConnectionReport, out: TextIO) -> None:
    page = Page(out)
    page.heading("Connections", _span(report))
    every = report.counted()
    first = True
    while rows := list(islice(every, _AT_ONCE)):
        page.print(_table(page, rows, first=first))
        first = False
    _counts(page, report)
    inputs.show(page, report.inputs)


def _span(report: ConnectionReport) -> str:
    coverage = report.coverage
    return span(coverage.start, coverage.end) if coverage.start is not None and coverage.end is not None else ""


def _table(page: Page, rows: list[tuple[Connection, Attribution]], *, first: bool) -> Table:
    """Build a part of the table. Columns have fixed widths, so that the parts stand under each other."""
    room = page.width - 13
    ends = min(room // 2, 48)
    table = Table(box=None, show_header=first, pad_edge=False, header_style=LABEL, padding=(0, 1, 0, 0))
    for title, width in (("Time", 12), ("Connection", ends - 1), ("Process", room - ends)):
        table.add_column(title, width=width, overflow="fold")
    for one, attribution in rows:
        where = f"{_end(one.src_ip, one.src_port)} > {_end(one.dst_ip, one.dst_port)} {one.protocol}"
        named = isinstance(attribution, Attributed)
        table.add_row(
            clock(one.ts, fraction=True),
            page.text(where, width=2 * (ends - 1)),
            page.text(_who(attribution), "" if named else QUIET, width=3 * (room - ends)),
        )
    return table


def _end(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _who(attribution: Attribution) -> str:
    if not isinstance(attribution, Attributed):
        return attribution.reason
    process = attribution.process
    pid = "" if process.pid is None else f" ({process.pid})"
    return f"{process.name}{pid} on {process.host}, {attribution.method} {attribution.confidence:.2f}"


def _counts(page: Page, report: ConnectionReport) -> None:
    total = report.methods.total()
    named = total - report.methods["none"]
    page.heading("Summary", f"{words.count(total, 'connection')}, {named:,} with their process")
    methods = [(name, number) for name, number in report.methods.most_common() if name != "none"]
    page.pairs([(f"{number:,}", page.text(words.METHODS.get(name, name))) for name, number in methods])
    page.pairs([(f"{number:,}", page.text(f"none: {reason}")) for reason, number in report.reasons.most_common()])
    for one in report.coverage.clock_offsets:
        known = "not known" if one.offset is None else words.offset(one.offset)
        page.item(page.text(f"clock of {one.host}: {known}, {words.count(one.anchors, 'anchor')}, {_spread(one.spread)}"
                            f"{': ' if one.reason else ''}{one.reason}"))  # fmt: skip
    for note in (*report.coverage.gaps, *report.notes):
        page.item(page.text(note))


def _spread(micros: int) -> str:
    return f"spread {micros / 1000:.1f} ms"


_RENDERERS: dict[str, Callable[[ConnectionReport, TextIO], None]] = {
    "terminal": _terminal,
    "json": _json,
    "csv": _csv,
}
