"""What was not reported: counted under its reason, listed one by one when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from whosasking.model import Outcome
from whosasking.reports import instants, words
from whosasking.reports.page import QUIET, table
from whosasking.reports.summary import process_of

if TYPE_CHECKING:
    from whosasking.model import JudgedLookup, Report
    from whosasking.reports.page import Page

LISTED = 1000
"""Lookups listed by --show-dropped; the rest is counted."""


class _Group:
    """What was set aside for one reason: how many, by whom, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.names: dict[str, None] = {}
        self.details: set[str] = set()
        """One, or two of them: then they differ."""
        self.first: list[JudgedLookup] = []

    def add(self, judged: JudgedLookup) -> None:
        self.count += 1
        self.names[_who(judged)] = None
        if len(self.details) < 2:  # noqa: PLR2004 - see above
            self.details.add(judged.verdict.detail)
        if len(self.first) < LISTED:
            self.first.append(judged)

    @property
    def shared(self) -> str:
        """The detail that all have."""
        return next(iter(self.details)) if self.count > 1 and len(self.details) == 1 else ""


def show(page: Page, report: Report, *, every: bool) -> None:
    """Print the reasons with their counts and, with ``every``, each dropped or allowed lookup."""
    found: dict[tuple[str, str], _Group] = {}
    for judged in report.lookups:
        if judged.verdict.outcome is not Outcome.REPORTED:
            found.setdefault((judged.verdict.outcome, judged.verdict.reason), _Group()).add(judged)
    if not found:
        return
    ordered = sorted(found.items(), key=lambda group: (group[0][0], -group[1].count, group[0]))
    groups = [(outcome, reason, group) for (outcome, reason), group in ordered]
    total = sum(group.count for group in found.values())
    page.heading("Set aside", f"({words.count(total, 'lookup')})")
    _by_reason(page, groups)
    if every:
        _each(page, groups, total)
    else:
        page.print(Text("--show-dropped lists each of them.", QUIET))


def _by_reason(page: Page, groups: list[tuple[str, str, _Group]]) -> None:
    rows = table(("outcome", "left"), ("reason", "left"), ("lookups", "right"), ("by", "left"))
    for outcome, reason, group in groups:
        by = page.text(words.listed(list(group.names), 4), width=page.width)
        rows.add_row(outcome, page.text(reason, width=60), f"{group.count:,}", by)
    page.print(rows)


def _who(judged: JudgedLookup) -> str:
    process = process_of(judged)
    return process.name if process else judged.lookup.src_ip or "unknown"


def _each(page: Page, groups: list[tuple[str, str, _Group]], total: int) -> None:
    """List them under their reason, in order of time."""
    left = LISTED
    for outcome, reason, group in groups:
        if left <= 0:
            break
        page.print()
        shared = group.shared
        label = "" if reason.startswith(outcome) else f"{outcome}: "
        detail = page.text(shared, QUIET, width=2 * page.width)
        page.print(Text.assemble(label, page.text(reason, "bold"), ": " if shared else "", detail))
        page.print(_listed(page, group.first[:left], shared))
        left -= group.count
    if total > LISTED:
        page.print(Text(f"{total - LISTED:,} more are in --format csv and json.", QUIET))


def _listed(page: Page, members: list[JudgedLookup], shared: str) -> Table:
    """One row each; a detail that all share stands above them and not in every row."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(min_width=14, no_wrap=True)
    for _ in range(3):
        rows.add_column(overflow="fold")
    third = (page.width - 20) // 3
    day = ""
    for judged in members:
        if instants.day(judged.lookup.ts) != day:
            day = instants.day(judged.lookup.ts)
            rows.add_row(f"{day} UTC")
        process = process_of(judged)
        rows.add_row(
            instants.clock(judged.lookup.ts, fraction=True),
            page.text(process.host if process else judged.lookup.src_ip or "unknown host", width=third),
            page.text(judged.lookup.server or judged.lookup.dst_ip or "", width=third),
            page.text(_who(judged) if shared else judged.verdict.detail or _who(judged), QUIET, width=160),
        )
    return rows
