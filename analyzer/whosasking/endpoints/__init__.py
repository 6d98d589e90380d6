"""Endpoint exports -> who started, connected and resolved what. One file per product; a new product is a new file."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from whosasking import storage
from whosasking.endpoints import defender, event_xml, evtxecmd, sentinel, sysmon, sysmon_evtx, velociraptor
from whosasking.endpoints.containers import BOM
from whosasking.endpoints.defender_columns import csv_header, row_of_json
from whosasking.endpoints.interest import Focused
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.lines import as_utf8, screened_lines
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.products import BY_KIND, PRODUCTS
from whosasking.endpoints.reading import take_all
from whosasking.endpoints.rows import csv_rows, json_rows, sample
from whosasking.endpoints.sysmon_shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.focus import Focus, Sift
    from whosasking.endpoints.interest import Interest
    from whosasking.endpoints.screen import Screen
    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import EndpointReading
    from whosasking.progress import Progress

__all__ = ["read", "sniff"]

EVTX = "sysmon evtx"
_RARELY = 50_000
SCREENED_FROM = 16 << 20
"""Bytes of exports from which on lines of unused kinds are told without decoding them."""
XML = "windows event xml"
CSV = "windows event csv"
_EVTX_JSON = "sysmon evtx json"
_VELOCIRAPTOR_CSV = f"{velociraptor.KIND} csv"


def sniff(head: bytes) -> str | None:
    """Return the kind of an endpoint export from its first inflated bytes (up to 256 KiB), None when it is none.

    Kinds: ``sysmon flat``, ``sysmon ecs``, ``sysmon evtx json`` (Windows events, Security's among them, and Sentinel's
    tables of them), ``sysmon evtx``, ``windows event xml``, ``windows event csv``, ``evtxecmd csv``,
    ``defender csv``, ``defender json``,
    and one for each further product.
    """
    if head.startswith(sysmon_evtx.MAGIC):
        return EVTX
    head = as_utf8(head)
    text = head.removeprefix(BOM).lstrip()
    if text.startswith((b"{", b"[")):
        return _sniff_json(head)
    kind = _sniff_csv(text.split(b"\n", 1)[0].decode("utf-8", "replace"))
    return XML if kind is None and event_xml.is_events(text) else kind


def _sniff_json(head: bytes) -> str | None:
    for row in sample(head):
        for product in PRODUCTS:
            if product.is_ours(row):
                return product.KIND
        shape = shape_of(row)
        if shape:
            return _EVTX_JSON if shape == EVTX else shape
        if row_of_json(row):
            return "defender json"
    return None


def _sniff_csv(first_line: str) -> str | None:
    if sentinel.csv_header(first_line):
        return CSV
    if csv_header(first_line):
        return "defender csv"
    if evtxecmd.has_columns(first_line):
        return evtxecmd.KIND
    return _VELOCIRAPTOR_CSV if velociraptor.has_columns(first_line.replace('"', "").strip().split(",")) else None


def read(
    inputs: Inputs, progress: Progress, interest: Interest | None = None, sift: Sift | None = None
) -> EndpointReading:
    """Read every endpoint export of a run. What cannot be read is in the inputs' tallies; nothing is raised for it.

    With ``interest``, of files of JSON lines only the records of hosts that matter are read, and of the others their
    names: for large exports. ``sift`` reads such files on several cores.
    """
    screened = _screened(inputs) if interest is not None or _total(inputs.endpoints) >= SCREENED_FROM else []
    sift = sift or _sifting(progress)
    collector = Collector() if interest is None else Focused(interest)
    progress.start(_total(inputs.endpoints) + (_total(screened) if interest is not None else 0))
    # In the order of the files, whatever their form: a host has the spelling that comes first, its agent's last name.
    with _collecting_rarely():
        focused = _focus(interest, collector, sift) if screened else None
        for inp in inputs.endpoints:
            tally = inputs.tallies[inp.path]
            if focused is not None and inp in screened:
                progress.describe("looking for hosts of lookups")
                focused.scout(inp, tally)
                continue
            progress.describe(f"reading {Path(inp.path).name}")
            if inp in screened:
                _read_whole(inp, tally, collector, sift)
            else:
                _READERS.get(inp.kind, sysmon.read)(inp, collector, tally, progress)
        if focused is not None:
            focused.read()
        return collector.reading()


def _screened(inputs: Inputs) -> list[Input]:
    """Return the files whose lines can be looked through without decoding."""
    from whosasking.endpoints import focus  # noqa: PLC0415 - small exports need no Hyperscan

    return [inp for inp in inputs.endpoints if focus.is_screened(inp)]


def _focus(interest: Interest | None, collector: Collector, sift: Sift) -> Focus | None:
    from whosasking.endpoints import focus  # noqa: PLC0415 - see above

    if interest is None or not isinstance(collector, Focused):
        return None
    return focus.Focus(interest, collector, sift)


def _read_whole(inp: Input, tally: Tally, collector: Collector, sift: Sift) -> None:
    from whosasking.endpoints import focus  # noqa: PLC0415 - see above

    focus.read_whole(inp, tally, collector, sift)


def _sifting(progress: Progress) -> Sift:
    """Return what reads files through a screen on one core."""

    def sift(inp: Input, tally: Tally, screen: Screen) -> Iterator[Line]:
        return screened_lines(inp, tally, progress, screen)

    return sift


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Look for garbage in circles less often: millions of records are made here, none of them in a circle."""
    before = gc.get_threshold()
    gc.set_threshold(_RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _read_product(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    product, noted = BY_KIND[inp.kind], Noted()
    take_all(json_rows(inp, tally, progress, product.GLANCE, noted), product, collector, tally, noted)


def _read_velociraptor_csv(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    lines = lines_of(inp, tally, progress)
    header = next(lines, None)
    first = header[1] if header else b""
    names = [name.strip().strip('"') for name in first.removeprefix(BOM).decode("utf-8", "replace").split(",")]
    records = csv_rows(lines, ",", len(names), tally)
    rows = ((number, dict(zip(names, fields, strict=True))) for number, fields in records)
    take_all(rows, velociraptor, collector, tally, Noted())


_READERS = {
    "defender csv": defender.read_csv,
    "defender json": defender.read_json,
    EVTX: sysmon_evtx.read,
    XML: sysmon.read_xml,
    CSV: sysmon.read_csv,
    evtxecmd.KIND: sysmon.read_evtxecmd,
    _VELOCIRAPTOR_CSV: _read_velociraptor_csv,
    **dict.fromkeys(BY_KIND, _read_product),
}


def _total(files: list[Input]) -> int:
    return sum(storage.size(inp.path) for inp in files)
