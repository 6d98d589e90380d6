"""When it happened: a bar per host over the whole time, then the lookups in order, runs of the same drawn together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from whosasking.model import Outcome
from whosasking.reports import instants, words
from whosasking.reports.summary import finding_of, process_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.model import JudgedLookup, Lookup, Micros, Report
    from whosasking.reports.page import Page

HOSTS = 12
"""Bars drawn at most; the busiest hosts get one."""
ROWS = 40
"""Rows listed at most."""
RUN = 3
"""More lookups in a row than this by one finding at one server become one row."""


@dataclass(slots=True)
class Row:
    """A lookup of a finding, or a run of them that differ in nothing but what was asked."""

    finding: str
    first: JudgedLookup
    last: JudgedLookup
    times: int = 1


def show(page: Page, report: Report) -> None:
    """Print the timeline of the reported lookups."""
    reported = [judged for judged in report.lookups if judged.verdict.outcome is Outcome.REPORTED]
    if not reported:
        return
    reported.sort(key=lambda judged: judged.lookup.ts)
    page.heading("Timeline", "(UTC)")
    findings = finding_of(report)
    _bars(page, reported, {finding.id: finding.host for finding in report.findings}, findings)
    rows = _rows(reported, findings)
    _list(page, rows[:ROWS])
    left = sum(row.times for row in rows[ROWS:])
    if left:
        page.print(Text(f"{words.count(left, 'later lookup')} not shown; --format json has them all.", "dim"), indent=2)


def _bars(page: Page, reported: list[JudgedLookup], host_of: dict[str, str], findings: dict[str, str]) -> None:
    first, last = reported[0].lookup.ts, reported[-1].lookup.ts
    if first == last:
        return
    hosts: dict[str, list[Micros]] = {}
    for judged in reported:
        host = host_of.get(findings.get(judged.lookup.id, ""), judged.lookup.src_ip or "unknown host")
        hosts.setdefault(host, []).append(judged.lookup.ts)
    busiest = sorted(hosts, key=lambda host: (-len(hosts[host]), host))[:HOSTS]
    label = min(max(len(host) for host in busiest), page.width // 3)
    columns = page.width - label - 4
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_row("", _axis(first, last, columns))
    for host in busiest:
        grid.add_row(page.text(host, "bold", width=label), _bar(page, hosts[host], first, last, columns))
    page.print(grid)
    more = f"; {words.count(len(hosts) - HOSTS, 'more host')} not drawn" if len(hosts) > HOSTS else ""
    page.print(Text(f"one column is {words.duration((last - first) // columns)}{more}", "dim"), indent=label + 2)
    page.print()


def _axis(first: Micros, last: Micros, columns: int) -> Text:
    """Write the time at both ends, with dates where they differ."""
    if instants.day(first) == instants.day(last):
        left, right = instants.clock(first), instants.clock(last)
    else:
        left, right = (f"{instants.day(t)[5:]} {instants.clock(t)[:5]}" for t in (first, last))
    return Text(left + right.rjust(columns - len(left)), "dim")


def _bar(page: Page, times: list[Micros], first: Micros, last: Micros, columns: int) -> Text:
    counts = [0] * columns
    for instant in times:
        counts[(instant - first) * (columns - 1) // (last - first)] += 1
    glyphs, most = page.glyphs.bars, len(page.glyphs.bars) - 1
    bar = Text()
    for number in counts:
        bar.append(glyphs[min(number, most)], "red" if number else "dim")
    return bar


def _rows(reported: Iterable[JudgedLookup], findings: dict[str, str]) -> list[Row]:
    """Lookups in order of time; a run of more than RUN alike becomes one Row."""
    runs: list[list[JudgedLookup]] = []
    for judged in reported:
        if runs and _same(runs[-1][-1], judged, findings):
            runs[-1].append(judged)
        else:
            runs.append([judged])
    rows: list[Row] = []
    for run in runs:
        finding = findings.get(run[0].lookup.id, "")
        if len(run) > RUN:
            rows.append(Row(finding, run[0], run[-1], len(run)))
        else:
            rows.extend(Row(finding, judged, judged) for judged in run)
    return rows


def _same(one: JudgedLookup, other: JudgedLookup, findings: dict[str, str]) -> bool:
    mine = (findings.get(one.lookup.id), one.lookup.server, one.lookup.dst_port, one.lookup.transport)
    return mine == (findings.get(other.lookup.id), other.lookup.server, other.lookup.dst_port, other.lookup.transport)


def _list(page: Page, rows: list[Row]) -> None:
    server = 24 + (page.width - 80) // 2
    asked = max(page.width - server - 32, 12)
    day = ""
    grid = _grid()
    for row in rows:
        if instants.day(row.first.lookup.ts) != day:
            if day:
                page.print(grid)
            day, grid = instants.day(row.first.lookup.ts), _grid()
            page.print(Text(day, "bold"))
        grid.add_row(
            instants.clock(row.first.lookup.ts, fraction=True),
            page.text(row.finding),
            _channel(page, row.first.lookup),
            page.text(_server(row.first), width=server),
            _asked(page, row, asked),
        )
    page.print(grid)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(min_width=12, no_wrap=True)
    grid.add_column(min_width=4, overflow="fold", style="bold")
    grid.add_column(min_width=8, overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _channel(page: Page, lookup: Lookup) -> Text:
    if lookup.transport is None:
        return Text("start")
    return page.text(f"{lookup.transport} {lookup.dst_port}", width=10)


def _server(judged: JudgedLookup) -> str:
    """Who was asked; for a tool start, which asks nobody yet, the process."""
    lookup, process = judged.lookup, process_of(judged)
    if lookup.transport is None and process:
        return f"{process.name} (pid {process.pid})" if process.pid is not None else process.name
    return lookup.server or lookup.dst_ip or ""


def _asked(page: Page, row: Row, width: int) -> Text:
    """Say what was asked; for a run its first object and how many followed until when."""
    query = row.first.lookup.query
    process = process_of(row.first)
    text = (query.object or query.text) if query else ""
    if not text and row.first.lookup.transport is None and process:
        text = process.command_line or process.name
    if row.times > 1:
        run = f"{row.times:,} times until {instants.clock(row.last.lookup.ts)}"
        return Text.assemble(page.text(text, width=max(width - len(run) - 2, 8)), ", " if text else "", run)
    many = f" ({query.count:,} objects)" if query and query.count > 1 else ""
    if text:
        return Text.assemble(page.text(text, width=width - len(many)), many)
    return Text("(encrypted)" if row.first.lookup.transport in {"tls", "quic"} else "(not seen)", "dim")
