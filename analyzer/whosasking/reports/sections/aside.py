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


def show(page: Page, report: Report, *, every: bool) -> None:
    """Print the reasons with their counts and, with ``every``, each dropped or allowed lookup."""
    lookups = [judged for judged in report.lookups if judged.verdict.outcome is not Outcome.REPORTED]
    if not lookups:
        return
    page.heading("Set aside", f"({words.count(len(lookups), 'lookup')})")
    _by_reason(page, lookups)
    if every:
        _each(page, lookups)
    else:
        page.print(Text("--show-dropped lists each of them.", QUIET))


def _groups(lookups: list[JudgedLookup]) -> list[tuple[str, str, list[JudgedLookup]]]:
    """Outcome, reason and lookups of each reason, the most frequent of an outcome first."""
    groups: dict[tuple[str, str], list[JudgedLookup]] = {}
    for judged in lookups:
        groups.setdefault((judged.verdict.outcome, judged.verdict.reason), []).append(judged)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1]), group[0]))
    return [(outcome, reason, members) for (outcome, reason), members in ordered]


def _by_reason(page: Page, lookups: list[JudgedLookup]) -> None:
    rows = table(("outcome", "left"), ("reason", "left"), ("lookups", "right"), ("by", "left"))
    for outcome, reason, members in _groups(lookups):
        rows.add_row(outcome, page.text(reason, width=60), f"{len(members):,}", _by(page, members))
    page.print(rows)


def _by(page: Page, members: list[JudgedLookup]) -> Text:
    """Who made them: process names or, where none is known, addresses."""
    names = list(dict.fromkeys(_who(judged) for judged in members))
    return page.text(words.listed(names, 4), width=page.width)


def _who(judged: JudgedLookup) -> str:
    process = process_of(judged)
    return process.name if process else judged.lookup.src_ip or "unknown"


def _each(page: Page, lookups: list[JudgedLookup]) -> None:
    """List them under their reason, in order of time."""
    left = LISTED
    for outcome, reason, members in _groups(lookups):
        if left <= 0:
            break
        page.print()
        details = {judged.verdict.detail for judged in members}
        shared = next(iter(details)) if len(members) > 1 and len(details) == 1 else ""
        label = "" if reason.startswith(outcome) else f"{outcome}: "
        detail = page.text(shared, QUIET, width=2 * page.width)
        page.print(Text.assemble(label, page.text(reason, "bold"), ": " if shared else "", detail))
        page.print(_listed(page, members[:left], shared))
        left -= len(members)
    if len(lookups) > LISTED:
        page.print(Text(f"{len(lookups) - LISTED:,} more are in --format csv and json.", QUIET))


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
