"""EvtxECmd (Eric Zimmerman's tools): event logs of a triage image as JSON lines or CSV, event data in a string.

``Payload`` holds ``{"EventData": {"Data": [{"@Name": ..., "#text": ...}]}}``. ``ProcessId`` beside it is the logging
service's, never the event's; ``PayloadData1`` and the like are prose. CSV times are UTC without saying so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosasking.endpoints.containers import BOM, BadRowError, decode
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.rows import csv_rows
from whosasking.endpoints.values import process_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

Row = dict[str, Any]

KIND = "evtxecmd csv"
_COLUMNS = frozenset({"TimeCreated", "EventId", "Provider", "Channel", "Computer", "Payload"})
_MOST_FIELDS = 512


def is_row(row: Row) -> bool:
    """Tell a row of EvtxECmd."""
    return isinstance(row.get("Payload"), str) and "EventId" in row and "Channel" in row


def says_used(row: Row, used: frozenset[int]) -> bool:
    """Tell a row of EvtxECmd whose event is among ``used``, without opening it."""
    return process_id(row["EventId"]) in used


def opened(row: Row) -> Row:
    """Return the event in a row. Raises BadRowError for a payload that cannot be read."""
    payload = decode(row["Payload"].encode("utf-8", "replace"))
    return {
        "System": {
            "Provider": {"Name": row.get("Provider")},
            "Channel": row.get("Channel"),
            "EventID": row.get("EventId"),
            "Computer": row.get("Computer"),
            "TimeCreated": {"SystemTime": row.get("TimeCreated")},
        },
        "EventData": _named(payload),
    }


def _named(payload: object) -> Row:
    inner = payload.get("EventData") if isinstance(payload, dict) else None
    data = inner.get("Data") if isinstance(inner, dict) else None
    found = data if isinstance(data, list) else [data]
    named = [part for part in found[:_MOST_FIELDS] if isinstance(part, dict)]
    if not named and payload:
        raise BadRowError("a Payload without EventData")
    return {str(part.get("@Name")): part.get("#text") for part in named}


def has_columns(first_line: str) -> bool:
    """Tell the header of its CSV."""
    return _names(first_line).issuperset(_COLUMNS)


def _names(first_line: str) -> set[str]:
    return {name.strip().strip('"') for name in first_line.removeprefix("\ufeff").rstrip("\r\n").split(",")}


def csv_events(inp: Input, tally: Tally, progress: Progress) -> Iterator[tuple[int, Row]]:
    """Yield the rows of its CSV, with the zone that ``TimeCreated`` leaves out."""
    lines = lines_of(inp, tally, progress)
    header = next(lines, None)
    first = header[1].removeprefix(BOM).decode("utf-8", "replace") if header else ""
    names = [name.strip().strip('"') for name in first.split(",")]
    for number, fields in csv_rows(lines, ",", len(names), tally):
        row: Row = dict(zip(names, fields, strict=True))
        logged = row.get("TimeCreated")
        yield number, {**row, "TimeCreated": f"{logged}Z"} if logged and logged[-1].isdigit() else row
