"""Events that another product carries in a field of its own rows: as it got them, in a string or an object.

Sources: Splunk's export endpoint and its web interface (``{"preview": false, "result": {"_raw": ...}}``) and its event
collector (``{"sourcetype": ..., "event": ...}``); Elastic's integrations, which keep ``event.original`` where they are
told to; Azure's diagnostics extension (``properties.RawXml``).
"""

from __future__ import annotations

import re
from typing import Any

from whosasking.endpoints.containers import BadRowError, Row, decode
from whosasking.endpoints.event_xml import event_in

_RAW, _SOURCETYPE, _RAW_XML = "_raw", "sourcetype", "RawXml"
_SEARCH = frozenset({"preview", "offset", "lastrow", "highlighted"})
_MARKS = frozenset({"result", _RAW, _SOURCETYPE, "properties", "event", "event.original"})
_XML = re.compile(
    r"(?:<\?xml[^<>]{0,200}>\s*|(?:<\d{1,3}>)?(?:[^\s<>]{1,256} {1,2}){1,4}sysmon(?:\[\d+\])?:?[ \d-]{1,24})?"
    r"<Event[\s>]"
)
"""An event, alone or behind the prefix that syslog gives Sysmon for Linux. Any other text in front of it is another
record's (an access log, a command line), which whoever is recorded there may have written."""
_READ_ITSELF = frozenset({"winlog", "winlog.channel", "winlog.event_id"})

MARKS = tuple(f'"{name}"'.encode() for name in (_RAW, _SOURCETYPE, _RAW_XML))
"""What stands in a line that may carry an event: its fields cannot be told by how they are written."""
ORIGINAL = (b'"original"', b'"event.original"')
"""The same, of documents that may be their product's own as well."""


def opened(row: Row) -> Row:
    """Return the event that ``row`` carries; ``row`` where it carries none. Raises BadRowError for a broken one."""
    if row.keys().isdisjoint(_MARKS):
        return row
    result = row.get("result")
    if isinstance(result, dict) and not _SEARCH.isdisjoint(row):
        row = result
    carried = _carried(row)
    if isinstance(carried, dict):
        return carried
    return row if carried is None else _event(carried) or row


def _carried(row: Row) -> str | Row | None:
    raw = row.get(_RAW)
    event = row.get("event")
    if isinstance(raw, str):
        return raw
    if _SOURCETYPE in row and isinstance(event, str | dict):
        return event
    properties = row.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get(_RAW_XML), str):
        return str(properties[_RAW_XML])
    original = event.get("original") if isinstance(event, dict) else row.get("event.original")
    return original if isinstance(original, str) and _READ_ITSELF.isdisjoint(row) and not _is_endpoints(row) else None


def _is_endpoints(row: Row) -> bool:
    """Tell Elastic Defend's own document, which is read as it is."""
    agent = row.get("agent")
    return (agent.get("type") if isinstance(agent, dict) else row.get("agent.type")) == "endpoint"


def _event(text: str) -> Row | None:
    """Return the event in a string of JSON or XML, None for any other text."""
    bare = text.strip()
    if bare.startswith("{"):
        value: Any = decode(bare.encode("utf-8", "replace"))
        return value if isinstance(value, dict) else None
    return event_in(bare) if _XML.match(bare) else None


def broken(error: BadRowError) -> str:
    """Say what is wrong with a row whose event cannot be opened."""
    return f"an event in a string that cannot be read: {error}"
