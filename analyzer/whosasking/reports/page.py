"""The sheet a terminal report is written on: width, glyphs the output can encode, escaped text, headings, tables.

Sections print through ``Page`` only. It trims the spaces rich pads lines with, so that a report pasted into a write-up
carries none, and it never interprets markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from whosasking.reports.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from rich.console import RenderableType

WIDEST = 120
"""Wider terminals are not filled: the eye loses the line."""
NARROWEST = 40

LABEL = "bold"
QUIET = "dim"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few characters beyond letters that a report draws with."""

    rule: str
    bullet: str
    bars: str
    """Heights of a timeline column, lowest first; the first stands for nothing."""


UNICODE = Glyphs(rule="\N{BOX DRAWINGS LIGHT HORIZONTAL}", bullet="\N{BULLET}", bars="\N{MIDDLE DOT}▁▂▃▄▅▆▇█")
ASCII = Glyphs(rule="-", bullet="*", bars=".123456789+")


class Page:
    """Where sections print. ``width`` is in terminal cells."""

    def __init__(self, out: TextIO, width: int | None = None) -> None:
        """Open a page on ``out``; ``width`` None takes the terminal's, or 80 where there is none."""
        self._console = Console(file=out, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)
        self.width = max(NARROWEST, min(self._console.width, WIDEST))
        self._console.width = self.width
        self.ascii = self._console.options.ascii_only
        self.glyphs = ASCII if self.ascii else UNICODE

    def text(self, value: str, style: str = "", width: int | None = None) -> Text:
        """Text that came from outside, escaped, its middle cut to ``width`` cells."""
        return visible(value, style, width=width, ascii_only=self.ascii)

    def print(self, renderable: RenderableType = "", indent: int = 0) -> None:
        """Print ``renderable`` with ``indent`` spaces before every line and none after it."""
        shown = Padding(renderable, (0, 0, 0, indent)) if indent else renderable
        for line in self._console.render_lines(shown, pad=False):
            self._console.print(Segments([*_trimmed(line), Segment.line()]), end="")

    def heading(self, title: str, aside: str = "") -> None:
        """Print a blank line and the title of a section, with an ``aside`` such as a unit, on a rule."""
        self.print()
        line = Text.assemble((title, "bold cyan"), (f" {aside}" if aside else "", QUIET), " ")
        self.print(line.append(self.glyphs.rule * (self.width - line.cell_len), QUIET))

    def item(self, text: Text, indent: int = 2) -> None:
        """Print one entry of a list, its further lines under its first word."""
        row = Table.grid(padding=0)
        row.add_column(width=2)
        row.add_column(overflow="fold")
        row.add_row(Text(self.glyphs.bullet), text)
        self.print(row, indent)

    def pairs(self, rows: Iterable[tuple[str, Text]], indent: int = 2) -> None:
        """Print labels with their values, the values aligned and folded inside their column."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style=QUIET, no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in rows:
            grid.add_row(label, value)
        self.print(grid, indent)


def table(*columns: tuple[str, str]) -> Table:
    """Build an empty table; a column is its title and ``left`` or ``right``. Cells fold, rich never cuts one."""
    empty = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style=LABEL, padding=(0, 1, 0, 0))
    for title, side in columns:
        empty.add_column(
            title, justify="right" if side == "right" else "left", overflow="fold", no_wrap=side == "right"
        )
    return empty


def comma(parts: Sequence[Text]) -> Text:
    """Join texts as ``words.listed`` joins strings, keeping their styles: ``a, b and c``."""
    joined = Text()
    for index, part in enumerate(parts):
        if index:
            joined.append(" and " if index == len(parts) - 1 else ", ")
        joined.append_text(part)
    return joined


def _trimmed(line: list[Segment]) -> list[Segment]:
    """``line`` without the spaces at its end, unless they carry a colour of their own."""
    kept = list(line)
    while kept and not kept[-1].text.rstrip(" ") and not (kept[-1].style and kept[-1].style.bgcolor):
        kept.pop()
    if kept and not (kept[-1].style and (kept[-1].style.bgcolor or kept[-1].style.reverse)):
        kept[-1] = Segment(kept[-1].text.rstrip(" "), kept[-1].style)
    return kept
