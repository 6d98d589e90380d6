"""The terminal report: what matters first, then the evidence, then what was set aside and what could not be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from whosasking.reports import instants
from whosasking.reports.page import Page
from whosasking.reports.sections import aside, coverage, headline, inputs, parity, scores, timeline

if TYPE_CHECKING:
    from typing import TextIO

    from whosasking.model import Report
    from whosasking.reports.interface import Options


def render(report: Report, out: TextIO, options: Options) -> None:
    """Write ``report`` for people: 80 columns and up, colour only on a terminal. Raises OSError if the stream does."""
    page = Page(out, options.width)
    headline.show(page, report)
    timeline.show(page, report)
    scores.show(page, report)
    aside.show(page, report, every=options.show_dropped)
    parity.show(page, report.parity)
    coverage.show(page, report.coverage)
    inputs.show(page, report.inputs)
    _notes(page, report)
    page.print()
    page.print(Text.assemble("whosasking ", page.text(report.version), f", {_made(report)}", style="dim"))


def _made(report: Report) -> str:
    return f"report of {instants.day(report.generated_at)} {instants.clock(report.generated_at)} UTC"


def _notes(page: Page, report: Report) -> None:
    if report.notes:
        page.heading("Notes")
        for note in report.notes:
            page.item(page.text(note, width=4 * page.width), indent=0)
