"""The lookups of a capture side by side, as each sensor saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from whosasking.reports import instants
from whosasking.reports.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import ParityRow
    from whosasking.reports.page import Page

MOST = 200
"""Rows drawn; the JSON report has all."""


def show(page: Page, rows: Sequence[ParityRow]) -> None:
    """Print the table, then why a sensor missed a lookup and where sensors tell different things."""
    if not rows:
        return
    sensors = list(dict.fromkeys(name for row in rows for name in (*row.sensors, *row.missed)))
    page.heading("Sensors side by side")
    grid = table(("time", "left"), ("lookup", "left"), *((name, "left") for name in sensors))
    for row in rows[:MOST]:
        marks = [Text("yes", "green") if name in row.sensors else Text("no", "bold yellow") for name in sensors]
        grid.add_row(instants.clock(row.ts), page.text(_lookup(row), width=max(page.width - 45, 20)), *marks)
    page.print(grid)
    if len(rows) > MOST:
        page.print(Text(f"and {len(rows) - MOST:,} more, see --format json", "dim"))
    for row in rows[:MOST]:
        for name, why in row.missed.items():
            page.item(Text.assemble((name, "bold"), " lacks ", page.text(_lookup(row), width=60), ": ", why), indent=0)
        for difference in row.differences:
            page.item(
                Text.assemble(page.text(_lookup(row), width=60), ": ", page.text(difference, width=300)), indent=0
            )
    if all(not row.missed and not row.differences for row in rows):
        page.print(Text("Every sensor saw every lookup and tells the same of it.", "dim"))


def _lookup(row: ParityRow) -> str:
    return f"{row.server} {row.asked}".strip()
