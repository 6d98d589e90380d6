"""What was read, and every line or file that was not, with the reason."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec
from rich.text import Text

from whosasking.reports import words
from whosasking.reports.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import InputReport
    from whosasking.reports.page import Page

EACH = 20
"""With more inputs than this (a rotated year), they are drawn together by kind."""
TROUBLED = 30
"""Inputs with something skipped that are named."""
LINES = 3
"""Skipped lines shown of one input."""


def show(page: Page, inputs: Sequence[InputReport]) -> None:
    """Print the inputs, then what was skipped."""
    base = _base(inputs)
    inputs = [msgspec.structs.replace(entry, path=entry.path.removeprefix(base)) for entry in inputs]
    page.heading("Inputs", page.text(f"(below {base})", width=page.width - 20).plain if base else "")
    if not inputs:
        page.print(Text("none: the paths given hold no file", "yellow"))
        return
    read = [entry for entry in inputs if not entry.unreadable]
    if read:
        _table(page, read)
    troubled = [entry for entry in inputs if entry.skipped or entry.skipped_total or entry.unreadable]
    if troubled:
        if read:
            page.print()
        page.print(Text("Skipped", "bold yellow"))
    for entry in sorted(troubled, key=lambda entry: not entry.unreadable)[:TROUBLED]:
        _skipped(page, entry)
    if len(troubled) > TROUBLED:
        page.print(Text(f"and in {len(troubled) - TROUBLED:,} more inputs, see --format json", "dim"))


def _base(inputs: Sequence[InputReport]) -> str:
    """Find the folder all inputs lie in, with its last separator: said once, it leaves room for the names."""
    folders = [entry.path.split("/")[:-1] for entry in inputs]
    if len(folders) == 1:
        return ""
    shared = takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    return "".join(f"{names[0]}/" for names in shared)


def _table(page: Page, read: list[InputReport]) -> None:
    together = len(read) > EACH
    what = "files" if together else "input"
    rows = table((what, "left"), ("kind", "left"), ("size", "right"), ("records", "right"), ("candidates", "right"))
    for name, kind, members in _by_kind(read) if together else [(e.path, e.kind, [e]) for e in read]:
        rows.add_row(
            page.text(name, width=max(page.width - 50, 16)),
            page.text(kind, width=18),
            words.size(sum(entry.bytes for entry in members)),
            f"{sum(entry.records for entry in members):,}",
            f"{sum(entry.candidates for entry in members):,}",
        )
    page.print(rows)


def _by_kind(read: list[InputReport]) -> list[tuple[str, str, list[InputReport]]]:
    kinds: dict[str, list[InputReport]] = {}
    for entry in read:
        kinds.setdefault(entry.kind, []).append(entry)
    return [(words.count(len(members), "file"), kind, members) for kind, members in sorted(kinds.items())]


def _skipped(page: Page, entry: InputReport) -> None:
    path = page.text(entry.path, width=2 * page.width)
    if entry.unreadable and not entry.skipped:
        page.item(Text.assemble(path, ": nothing could be read"), indent=0)
    for skipped in entry.skipped[:LINES]:
        where = f":{skipped.line}" if skipped.line is not None else ""
        page.item(Text.assemble(path, where, ": ", page.text(skipped.reason, width=300)), indent=0)
    left = max(entry.skipped_total, len(entry.skipped)) - min(len(entry.skipped), LINES)
    if left:
        page.print(Text.assemble(f"and {left:,} more in ", path), indent=2)
