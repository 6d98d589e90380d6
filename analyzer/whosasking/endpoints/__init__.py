"""Endpoint exports -> who started, connected and resolved what. One file per product; a new product is a new file."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from whosasking.endpoints import (
    carbon_black,
    carbon_black_cloud,
    crowdstrike,
    defender,
    elastic_defend,
    event_xml,
    evtxecmd,
    osquery,
    sentinel,
    sentinelone,
    sysmon,
    sysmon_evtx,
    velociraptor,
)
from whosasking.endpoints.containers import BOM
from whosasking.endpoints.defender_columns import csv_header, row_of_json
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.lines import as_utf8
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.reading import Product, take_all
from whosasking.endpoints.rows import csv_rows, json_rows, sample
from whosasking.endpoints.sysmon_shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import EndpointReading
    from whosasking.progress import Progress

__all__ = ["read", "sniff"]

EVTX = "sysmon evtx"
_RARELY = 50_000
XML = "windows event xml"
CSV = "windows event csv"
_EVTX_JSON = "sysmon evtx json"
_VELOCIRAPTOR_CSV = f"{velociraptor.KIND} csv"
_PRODUCTS: tuple[Product, ...] = (
    elastic_defend,
    crowdstrike,
    carbon_black,
    carbon_black_cloud,
    sentinelone,
    osquery,
    velociraptor,
)
_BY_KIND = {product.KIND: product for product in _PRODUCTS}


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
        for product in _PRODUCTS:
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


def read(inputs: Inputs, progress: Progress) -> EndpointReading:
    """Read every endpoint export of a run. What cannot be read is in the inputs' tallies; nothing is raised for it."""
    collector = Collector()
    progress.start(sum(_size(inp) for inp in inputs.endpoints))
    with _collecting_rarely():
        for inp in inputs.endpoints:
            progress.describe(f"reading {Path(inp.path).name}")
            _READERS.get(inp.kind, sysmon.read)(inp, collector, inputs.tallies[inp.path], progress)
        return collector.reading()


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
    product, noted = _BY_KIND[inp.kind], Noted()
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
    **dict.fromkeys(_BY_KIND, _read_product),
}


def _size(inp: Input) -> int:
    try:
        return Path(inp.path).stat().st_size
    except OSError:
        return 0
