"""Endpoint exports -> who started, connected and resolved what. One file per product; a new product is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from whosasking.endpoints import defender, sysmon, sysmon_evtx
from whosasking.endpoints.defender_columns import csv_header, row_of_json
from whosasking.endpoints.interface import Collector
from whosasking.endpoints.rows import sample
from whosasking.endpoints.sysmon_shapes import shape_of

if TYPE_CHECKING:
    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import EndpointReading
    from whosasking.progress import Progress

__all__ = ["read", "sniff"]

EVTX = "sysmon evtx"
_EVTX_JSON = "sysmon evtx json"


def sniff(head: bytes) -> str | None:
    """Return the kind of an endpoint export from its first inflated bytes (up to 256 KiB), None when it is none.

    Kinds: ``sysmon flat``, ``sysmon ecs``, ``sysmon evtx json``, ``sysmon evtx``, ``defender csv``, ``defender json``.
    """
    if head.startswith(sysmon_evtx.MAGIC):
        return EVTX
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return _sniff_json(head)
    first_line = text.split(b"\n", 1)[0].decode("utf-8", "replace")
    return "defender csv" if csv_header(first_line) else None


def _sniff_json(head: bytes) -> str | None:
    for row in sample(head):
        shape = shape_of(row)
        if shape:
            return _EVTX_JSON if shape == EVTX else shape
        if row_of_json(row):
            return "defender json"
    return None


def read(inputs: Inputs, progress: Progress) -> EndpointReading:
    """Read every endpoint export of a run. What cannot be read is in the inputs' tallies; nothing is raised for it."""
    collector = Collector()
    progress.start(sum(_size(inp) for inp in inputs.endpoints))
    for inp in inputs.endpoints:
        progress.describe(f"reading {Path(inp.path).name}")
        _read(inp, collector, inputs.tallies[inp.path], progress)
    return collector.reading()


def _read(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    if inp.kind == "defender csv":
        defender.read_csv(inp, collector, tally, progress)
    elif inp.kind == "defender json":
        defender.read_json(inp, collector, tally, progress)
    elif inp.kind == EVTX:
        sysmon_evtx.read(inp, collector, tally, progress)
    else:
        sysmon.read(inp, collector, tally, progress)


def _size(inp: Input) -> int:
    try:
        return Path(inp.path).stat().st_size
    except OSError:
        return 0
