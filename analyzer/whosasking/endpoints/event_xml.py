"""Windows events as XML: one event or many in a file, in syslog lines (Sysmon for Linux), or in a field of a table.

Source: the Windows event schema (``System``, ``EventData/Data[@Name]``). An event becomes the object that the ``evtx``
package makes of one, so that one table serves both. Document types and entities are refused, not expanded.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from whosasking.endpoints.containers import LONGEST_ROW, BadRowError, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.inputs import Tally

Row = dict[str, Any]

_BEGIN = re.compile(rb"<Event(?=[\s>])")
_END = b"</Event>"
_DECLARATION = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CHARACTER = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_KIND = re.compile(rb"<EventID[^<>]*>\s*(\d{1,9})\s*</EventID>")
_CHANNEL = re.compile(rb"<Channel>([^<]{0,200})</Channel>")
_NO_EVENT = "an XML event that does not end: it was cut off"
_MOST_FIELDS = 512
_NEAR = 1024


def is_events(head: bytes) -> bool:
    """Tell a file that holds Windows events as XML, from its first bytes."""
    begun = _BEGIN.search(head)
    return begun is not None and b"<System>" in head[begun.end() : begun.end() + _NEAR]


def event_in(text: str) -> Row | None:
    """Return the event in a field's text, None when there is none. Raises BadRowError for a broken one."""
    begin = text.find("<Event")
    end = text.rfind("</Event>")
    if begin < 0 or end < 0:
        return None
    return event(text[begin : end + len("</Event>")])


def event(text: str) -> Row:
    """Return an ``<Event>`` as an object with ``System`` and ``EventData``. Raises BadRowError."""
    root = _parsed(text)
    row: Row = {}
    for part in root:
        name = _local(part)
        if name == "System":
            row["System"] = {_local(child): _value(child) for child in part[:_MOST_FIELDS]}
        elif name in {"EventData", "UserData"}:
            row["EventData"] = _data(part)
    if "System" not in row:
        raise BadRowError("an XML event without System")
    return row


def event_data(text: str) -> Row:
    """Return the named values of ``<EventData>``, with or without ``<DataItem>`` around it. Raises BadRowError."""
    root = _parsed(text)
    return _data(next((part for part in root.iter() if _local(part) == "EventData"), root))


def _parsed(text: str) -> ET.Element:
    if _DECLARATION.search(text):
        raise BadRowError("XML with a document type: refused")
    try:
        return ET.fromstring(text)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, RecursionError):
        pass
    try:
        # Command lines may hold characters that XML 1.0 has none for; the event is worth more than they are.
        return ET.fromstring(_CHARACTER.sub(_plain, _NOT_XML.sub("\ufffd", text)))  # noqa: S314
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise BadRowError(f"no XML: {str(error)[:80]}") from None


def _plain(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return "\ufffd" if code > sys.maxunicode or _NOT_XML.match(chr(code)) else reference[0]


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _value(element: ET.Element) -> Any:  # noqa: ANN401 - text, or an object with attributes
    text = element.text or ""
    return {"#attributes": dict(element.attrib), "#text": text} if element.attrib else text


def _data(element: ET.Element) -> Row:
    found: Row = {}
    for part in element[:_MOST_FIELDS]:
        name = part.get("Name") if _local(part) == "Data" else _local(part)
        if name:
            found[name] = part.text or ""
    return found


def unused(piece: bytes, used: frozenset[int]) -> str | None:
    """Return channel and id of an event whose id is certainly not among ``used``, without parsing it."""
    number = _KIND.search(piece)
    if number is None or int(number[1]) in used:
        return None
    channel = _CHANNEL.search(piece)
    name = channel[1].decode("utf-8", "replace") if channel else "other channel"
    return f"{name.partition('/')[0].rpartition('-')[2][:40]} {int(number[1]) or '?'}"


def pieces(chunks: Iterable[Line], tally: Tally) -> Iterator[Line]:
    """Yield each ``<Event>...</Event>`` with the line it begins in; text between events is passed over."""
    number, kept = 1, b""
    for _, chunk in chunks:
        data, at, counted, rest = kept + chunk, 0, 0, -1
        while rest < 0:
            found = _BEGIN.search(data, at)
            if found is None:
                rest = max(at, len(data) - len(_END))
                break
            begin = found.start()
            end = data.find(_END, begin)
            again = _BEGIN.search(data, found.end(), end if end >= 0 else len(data))
            number, counted = number + data.count(b"\n", counted, begin), begin
            if again is None and end >= 0:
                at = end + len(_END)
                yield number, data[begin:at]
            elif again is None and len(data) - begin <= LONGEST_ROW:
                rest = begin
            else:
                tally.skip(number, _NO_EVENT)
                at = again.start() if again else len(data)
        number += data.count(b"\n", counted, rest)
        kept = data[rest:]
    if _BEGIN.search(kept):
        tally.skip(number, _NO_EVENT)
