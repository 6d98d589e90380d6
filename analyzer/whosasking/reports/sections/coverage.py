"""What the inputs could and could not have shown: time covered, hosts with endpoint data, clocks, gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from whosasking.reports import instants, words
from whosasking.reports.page import table

if TYPE_CHECKING:
    from whosasking.model import ClockOffset, Coverage
    from whosasking.reports.page import Page

LISTED = 20
"""Hosts, clocks and gaps listed each; the rest is counted."""


def show(page: Page, coverage: Coverage) -> None:
    """Print the coverage."""
    page.heading("Coverage")
    hosts = coverage.hosts_with_edr
    page.pairs(
        [
            ("time seen", Text(_seen(coverage))),
            ("endpoint data", page.text(words.listed(hosts, LISTED) if hosts else "of no host", width=page.width * 4)),
        ],
        indent=0,
    )
    if coverage.clock_offsets:
        _clocks(page, coverage.clock_offsets)
    if coverage.gaps:
        page.print()
        page.print(Text("What could not be seen", "bold"))
        for gap in coverage.gaps[:LISTED]:
            page.item(page.text(gap, width=4 * page.width), indent=0)
        _more(page, len(coverage.gaps))


def _seen(coverage: Coverage) -> str:
    if coverage.start is None or coverage.end is None:
        return "none: no record with a time was read"
    return f"{instants.span(coverage.start, coverage.end)} ({words.duration(coverage.end - coverage.start)})"


def _clocks(page: Page, offsets: tuple[ClockOffset, ...]) -> None:
    page.print()
    rows = table(("clock of host", "left"), ("sensor minus host", "right"), ("anchors", "right"), ("spread", "left"))
    for clock in offsets[:LISTED]:
        rows.add_row(
            page.text(clock.host, width=page.width // 3),
            words.offset(clock.offset) if clock.offset is not None else Text("not aligned", "yellow"),
            f"{clock.anchors:,}",
            f"{clock.spread / 1000:,.1f} ms" if clock.offset is not None else page.text(clock.reason, width=120),
        )
    page.print(rows)
    _more(page, len(offsets))


def _more(page: Page, total: int) -> None:
    if total > LISTED:
        page.print(Text(f"and {total - LISTED:,} more, in --format json", "dim"))
