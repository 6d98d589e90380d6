"""Which product's export a file is, from its first bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whosasking.endpoints import event_xml, evtxecmd, sentinel, sysmon_evtx, velociraptor
from whosasking.endpoints.containers import BOM
from whosasking.endpoints.defender_columns import csv_header, row_of_json
from whosasking.endpoints.lines import as_utf8
from whosasking.endpoints.products import PRODUCTS
from whosasking.endpoints.rows import sample, sample_csv
from whosasking.endpoints.sysmon_shapes import shape_of

if TYPE_CHECKING:
    from whosasking.endpoints.containers import Row

EVTX = "sysmon evtx"
XML = "windows event xml"
CSV = "windows event csv"
DEFENDER = "defender json"
ROWS_AS_CSV = " csv"
"""Behind the kind of rows that stand in a CSV instead of in JSON."""
_EVTX_JSON = "sysmon evtx json"
_RAW_COLUMN = re.compile(rb'(?:^|[,;\t"])_raw(?:$|[,;\t"\r])')
"""Splunk's: the events in it may be XML, with the quotes that a CSV doubles."""


def sniff(head: bytes) -> str | None:
    """Return the kind of an endpoint export from its first inflated bytes (up to 256 KiB), None when it is none.

    Kinds: ``sysmon flat``, ``sysmon ecs``, ``sysmon evtx json`` (Windows events, Security's among them, and Sentinel's
    tables of them), ``sysmon evtx``, ``windows event xml``, ``windows event csv``, ``evtxecmd csv``, ``defender csv``,
    ``defender json``, and one for each further product; `` csv`` behind a kind of JSON rows where they are a CSV's.
    """
    if head.startswith(sysmon_evtx.MAGIC):
        return EVTX
    head = as_utf8(head)
    text = head.removeprefix(BOM).lstrip()
    if text.startswith((b"{", b"[")):
        return next((kind for row in sample(head) if (kind := _kind_of(row))), None)
    return _sniff_text(text)


def _kind_of(row: Row) -> str | None:
    kind = _product_of(row) or shape_of(row)
    if kind == EVTX:
        return _EVTX_JSON
    return kind or (DEFENDER if row_of_json(row) else None)


def _product_of(row: Row) -> str | None:
    return next((product.KIND for product in PRODUCTS if product.is_ours(row)), None)


def _sniff_text(text: bytes) -> str | None:
    """Tell a CSV, by its header or by what its rows hold, and events as XML."""
    first = text.split(b"\n", 1)[0]
    header = first.decode("utf-8", "replace")
    if sentinel.csv_header(header):
        return CSV
    if evtxecmd.has_columns(header):
        return evtxecmd.KIND
    rows = list(sample_csv(text))
    # Before Defender, whose columns are told by their names alone: others have a ComputerName and a RemotePort too.
    kind = next((kind for row in rows if (kind := _product_of(row))), None)
    if kind is None and csv_header(header):
        return "defender csv"
    if kind is None and velociraptor.has_columns(header.replace('"', "").strip().split(",")):
        kind = velociraptor.KIND
    kind = kind or next((kind for row in rows if (kind := _kind_of(row))), None)
    if kind is not None:
        return kind + ROWS_AS_CSV
    # Last of all: text in a CSV may hold an event, which somebody typed.
    return XML if event_xml.is_events(text) and not _RAW_COLUMN.search(first) else None
