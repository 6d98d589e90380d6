"""Microsoft Sentinel's and Log Analytics' tables of Windows and Linux events, as JSON rows or CSV.

``Event`` keeps ``EventData`` as XML in a string, ``WindowsEvent`` as JSON in a string or an object, ``SecurityEvent``
has columns of its own for 4688 and 4689 and XML for 5156; ``Syslog`` has Sysmon for Linux as XML in ``SyslogMessage``.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from whosasking.endpoints.containers import decode
from whosasking.endpoints.event_xml import event_data, event_in
from whosasking.endpoints.values import instant, process_id
from whosasking.model import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

_ZONE = re.compile(r"\s*\[(UTC|Local Time)\]$", re.IGNORECASE)
_DELIMITERS = (",", ";", "\t")
_TIME, _MESSAGE, _DATA = "TimeGenerated", "SyslogMessage", "EventData"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def opened(row: Row) -> Row:
    """Return ``row`` with what it keeps in a string beside its columns. Raises BadRowError for a broken string."""
    message = row.get(_MESSAGE)
    if isinstance(message, str) and (event := event_in(message)) is not None:
        return event
    data = row.get(_DATA)
    if data is None or "System" in row:
        return row
    if isinstance(data, str):
        data = _object(data.strip())
    return {**row, **_known(data)} if isinstance(data, dict) else row


def _object(text: str) -> object:
    if text.startswith("<"):
        return event_data(text)
    return decode(text.encode("utf-8", "replace")) if text.startswith("{") else None


def _known(data: Row) -> Row:
    """Leave out the events' own fields that would hide a column of the table: they are attacker-shaped."""
    return {name: value for name, value in data.items() if name not in {"EventID", "Computer", "Channel", _TIME}}


def is_opened_by_us(row: Row) -> bool:
    """Tell a row that holds an event in a string."""
    message = row.get(_MESSAGE)
    return (isinstance(message, str) and "<Event" in message) or isinstance(row.get(_DATA), str)


def says_unused(row: Row, used: frozenset[int]) -> bool:
    """Tell a row whose own EventID column says that the event in its string is not among ``used``."""
    if not isinstance(row.get(_DATA), str) or isinstance(row.get(_MESSAGE), str):
        return False
    number = process_id(row.get("EventID"))
    return number is not None and number not in used


def csv_header(line: str) -> tuple[list[str], str] | None:
    """Return the columns of a Log Analytics CSV of events and its delimiter; None for any other header."""
    for delimiter in _DELIMITERS:
        names = [name.strip().strip('"') for name in line.lstrip("\ufeff").rstrip("\r\n").split(delimiter)]
        bare = {_ZONE.sub("", name) for name in names}
        if {_TIME, "Computer"} <= bare and bare & {"EventID", _MESSAGE}:
            return names, delimiter
    return None


def csv_dicts(records: Iterator[tuple[int, list[str]]], names: list[str]) -> Iterator[tuple[int, Row]]:
    """Yield CSV records by column; a time in the portal's spelling, which names no zone, becomes ISO 8601."""
    bare = [_ZONE.sub("", name) for name in names]
    for number, fields in records:
        row: Row = dict(zip(bare, fields, strict=True))
        ts = instant(row.get(_TIME))
        if ts is not None:
            row[_TIME] = (_EPOCH + dt.timedelta(seconds=ts // SECOND, microseconds=ts % SECOND)).isoformat()
        yield number, row
