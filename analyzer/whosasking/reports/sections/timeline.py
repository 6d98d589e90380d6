"""When it happened: a bar per host over the whole time, then the lookups in order, runs of the same drawn together."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from whosasking.model import Outcome
from whosasking.reports import instants, words
from whosasking.reports.summary import finding_of, in_order, process_of

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

_LATEST = 1 << 62
"""Later instants are damage."""


@dataclass(slots=True)
class Row:
    """A lookup of a finding, or a run of them that differ in nothing but what was asked."""

    finding: str
    first: JudgedLookup
    last: JudgedLookup
    times: int = 1


def show(page: Page, report: Report) -> None:
    """Print the timeline of the reported lookups."""
    findings = finding_of(report)
    host_of = {finding.id: finding.host for finding in report.findings}
    hosts: dict[str, array[int]] = {}
    runs = _Runs(findings)
    for judged in in_order(report):
        if judged.verdict.outcome is Outcome.REPORTED:
            host = host_of.get(findings.get(judged.lookup.id, ""), judged.lookup.src_ip or "unknown host")
            hosts.setdefault(host, array("q")).append(min(judged.lookup.ts, _LATEST))
            runs.add(judged)
    runs.close()
    if not hosts:
        return
    page.heading("Timeline", "(UTC)")
    _bars(page, hosts)
    _list(page, runs.rows)
    if runs.left:
        many = words.count(runs.left, "later lookup")
        page.print(Text(f"{many} not shown; --format json has them all.", "dim"), indent=2)


class _Runs:
    """Lookups in order of time, a run of more than RUN alike as one Row: the first ROWS rows, the rest counted."""

    def __init__(self, findings: dict[str, str]) -> None:
        self._findings = findings
        self._first: list[JudgedLookup] = []
        self._last: JudgedLookup | None = None
        self._times = 0
        self.rows: list[Row] = []
        self.left = 0
        """Lookups in rows that are not kept."""

    def add(self, judged: JudgedLookup) -> None:
        if self._last is not None and not _same(self._last, judged, self._findings):
            self.close()
        if len(self._first) < RUN:
            self._first.append(judged)
        self._last = judged
        self._times += 1

    def close(self) -> None:
        """End the run."""
        if self._last is None:
            return
        finding = self._findings.get(self._last.lookup.id, "")
        if self._times > RUN:
            found = [Row(finding, self._first[0], self._last, self._times)]
        else:
            found = [Row(finding, judged, judged) for judged in self._first]
        room = ROWS - len(self.rows)
        self.rows += found[:room]
        self.left += sum(row.times for row in found[room:])
        self._first, self._last, self._times = [], None, 0


def _bars(page: Page, hosts: dict[str, array[int]]) -> None:
    first, last = min(times[0] for times in hosts.values()), max(times[-1] for times in hosts.values())
    if first == last:
        return
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


def _bar(page: Page, times: Iterable[Micros], first: Micros, last: Micros, columns: int) -> Text:
    counts = [0] * columns
    for instant in times:
        counts[(instant - first) * (columns - 1) // (last - first)] += 1
    glyphs, most = page.glyphs.bars, len(page.glyphs.bars) - 1
    bar = Text()
    for number in counts:
        bar.append(glyphs[min(number, most)], "red" if number else "dim")
    return bar


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
