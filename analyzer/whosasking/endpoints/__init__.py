"""Endpoint exports -> who started, connected and resolved what. One file per product; a new product is a new file."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from whosasking import storage
from whosasking.endpoints import defender, evtxecmd, sysmon, sysmon_evtx
from whosasking.endpoints.interest import Focused
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.lines import screened_lines
from whosasking.endpoints.products import BY_KIND
from whosasking.endpoints.reading import take_all
from whosasking.endpoints.recognise import CSV, DEFENDER, EVTX, ROWS_AS_CSV, XML, sniff
from whosasking.endpoints.rows import dict_rows, json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.focus import Sift
    from whosasking.endpoints.interest import Interest
    from whosasking.endpoints.screen import Screen
    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import EndpointReading
    from whosasking.progress import Progress

__all__ = ["read", "sniff"]

_RARELY = 50_000
SCREENED_FROM = 16 << 20
"""Bytes of exports from which on lines of unused kinds are told without decoding them."""


def read(
    inputs: Inputs, progress: Progress, interest: Interest | None = None, sift: Sift | None = None
) -> EndpointReading:
    """Read every endpoint export of a run. What cannot be read is in the inputs' tallies; nothing is raised for it.

    With ``interest``, of files of JSON lines only the records of hosts that matter are read, and of the others their
    names: for large exports. ``sift`` reads such files on several cores. Raises OSError when the disk is full, and
    InputError when a process that decodes beside this one is lost.
    """
    screened = _screened(inputs) if interest is not None or _total(inputs.endpoints) >= SCREENED_FROM else []
    sift = sift or _sifting(progress)
    collector = Collector() if interest is None else Focused(interest)
    progress.start(_total(inputs.endpoints) + (_total(screened) if interest is not None else 0))
    with _collecting_rarely():
        if screened:
            return _read_large(inputs, screened, collector, interest, sift, progress)
        for inp in inputs.endpoints:
            _read(inp, collector, inputs.tallies[inp.path], progress)
        return collector.reading()


def _read(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    progress.describe(f"reading {Path(inp.path).name}")
    _reader_of(inp.kind)(inp, collector, tally, progress)


def _read_large(  # noqa: PLR0913, PLR0917 - as read, and what it found out
    inputs: Inputs,
    screened: list[Input],
    collector: Collector,
    interest: Interest | None,
    sift: Sift,
    progress: Progress,
) -> EndpointReading:
    """Read files of which some are screened.

    In the order of the files, whatever their form: a host has the spelling that comes first, its agent's last name.
    """
    from whosasking.endpoints import crew, focus  # noqa: PLC0415 - small exports need neither Hyperscan nor processes

    screens: dict[str, Screen] = {}
    with crew.Crew(collector) as hands:
        focused = (
            focus.Focus(interest, collector, hands, sift)
            if interest is not None and isinstance(collector, Focused)
            else None
        )
        for inp in inputs.endpoints:
            tally = inputs.tallies[inp.path]
            hands.here()
            if inp not in screened:
                _read(inp, collector, tally, progress)
            elif focused is not None:
                progress.describe("looking for hosts of lookups")
                focused.scout(inp, tally)
            else:
                progress.describe(f"reading {Path(inp.path).name}")
                focus.read_whole(inp, tally, hands, sift, screens)
        if focused is not None:
            focused.read()
        return collector.reading(hands.gathered())


def _screened(inputs: Inputs) -> list[Input]:
    """Return the files whose lines can be looked through without decoding."""
    from whosasking.endpoints import focus  # noqa: PLC0415 - small exports need no Hyperscan

    return [inp for inp in inputs.endpoints if focus.is_screened(inp)]


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


def _read_csv_rows(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a CSV whose rows are what another export has as JSON."""
    kind, noted = inp.kind.removesuffix(ROWS_AS_CSV), Noted()
    rows = dict_rows(lines_of(inp, tally, progress), tally)
    if kind == DEFENDER:
        defender.read_rows(rows, collector, tally, noted)
    elif kind in BY_KIND:
        take_all(rows, BY_KIND[kind], collector, tally, noted)
    else:
        sysmon.read_events(rows, kind, collector, tally, noted)


_READERS = {
    "defender csv": defender.read_csv,
    DEFENDER: defender.read_json,
    EVTX: sysmon_evtx.read,
    XML: sysmon.read_xml,
    CSV: sysmon.read_csv,
    evtxecmd.KIND: sysmon.read_evtxecmd,
    **dict.fromkeys(BY_KIND, _read_product),
}


def _reader_of(kind: str) -> Callable[[Input, Collector, Tally, Progress], None]:
    return _READERS.get(kind) or (_read_csv_rows if kind.endswith(ROWS_AS_CSV) else sysmon.read)


def _total(files: list[Input]) -> int:
    return sum(storage.size(inp.path) for inp in files)
