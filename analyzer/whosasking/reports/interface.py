"""What every output format has in common. A format is one file with ``render``; nothing else knows it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from typing import TextIO

    from whosasking.model import Report

FORMATS = {
    "terminal": "whosasking.reports.terminal",
    "json": "whosasking.reports.json",
    "csv": "whosasking.reports.csv",
}
"""Format name to the module that renders it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a report is drawn. Only the terminal format heeds them: JSON and CSV hold everything always."""

    show_dropped: bool = False
    """List every lookup that was set aside, not only how many under which reason."""
    width: int | None = None
    """Columns to fill; None takes the terminal's, or 80 where there is none."""


class Renderer(Protocol):
    """Writes one Report to a text stream. Raises OSError when the stream does."""

    def __call__(self, report: Report, out: TextIO, options: Options) -> None:
        """Write ``report`` to ``out``."""


def renderer(name: str) -> Renderer:
    """Import the renderer of format ``name``. Raises KeyError for a name that is not in FORMATS."""
    return cast("Renderer", import_module(FORMATS[name]).render)
