"""The table of findings: each score with the parts it is the sum of."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.text import Text

from whosasking.reports.page import QUIET, table
from whosasking.reports.sections.headline import FULL, SEVERITY_STYLE

if TYPE_CHECKING:
    from rich.table import Table

    from whosasking.model import Finding, Report
    from whosasking.reports.page import Page


def show(page: Page, report: Report) -> None:
    """Print the table, the first FULL findings."""
    if not report.findings:
        return
    page.heading("Findings", "(a score is the sum of its parts)")
    rows = table(
        ("id", "left"), ("severity", "left"), ("score", "right"), ("who", "left"), ("parts", "right"), ("", "left")
    )
    rows.columns[3].max_width = (page.width - 30) * 2 // 5
    for finding in report.findings[:FULL]:
        _add(page, rows, finding)
    page.print(rows)
    if len(report.findings) > FULL:
        page.print(Text(f"and {len(report.findings) - FULL:,} more", QUIET))


def _add(page: Page, rows: Table, finding: Finding) -> None:
    """One row per part, so that points stay in line; who it was stands beside the first of them."""
    name = finding.process.name if finding.process else "process not known"
    room = rows.columns[3].max_width
    who = [page.text(name, width=room), page.text(finding.host, QUIET, width=room)]
    parts = [(f"{part.points:+d}", page.text(part.reason, width=160)) for part in finding.score_parts]
    for line, (person, part) in enumerate(zip_longest(who, parts)):
        first = line == 0
        rows.add_row(
            page.text(finding.id) if first else None,
            Text(finding.severity, SEVERITY_STYLE[finding.severity]) if first else None,
            f"{finding.score}" if first else None,
            person,
            *(part or (None, None)),
        )
