"""Sysmon's connections at random as XML, EVTX and in Sentinel's tables, and slow plain readers of those: ``minidom``,
``json`` and ``csv``, and nothing of the package."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any
from xml.dom import minidom

from endpoints import evtx_file, windows
from endpoints.events import HOST
from endpoints.exports import csv_text
from endpoints.plain_windows import plain_fields, sysmon_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from endpoints.plain_readers import Seen
    from endpoints.story import Row

Found = "Iterator[Seen | None]"
_EVENT = re.compile(r"<Event[\s>].*?</Event>", re.DOTALL)


def _number(fact: Row) -> int:
    return 3 if fact["used"] else 11


def _xml(fact: Row, provider: str = windows.SYSMON) -> str:
    return windows.xml(_number(fact), sysmon_fields(fact), provider=provider).replace(HOST, fact["host"])


def xml_file(path: Path, facts: list[Row]) -> None:
    path.write_text("<Events>" + "\n".join(map(_xml, facts)) + "</Events>", "utf-8")


def syslog_file(path: Path, facts: list[Row]) -> None:
    path.write_text(windows.syslog(_xml(fact, "Linux-Sysmon") for fact in facts), "utf-8")


def _data(node: Any) -> dict[str, str]:
    return {
        one.getAttribute("Name"): "".join(part.data for part in one.childNodes)
        for one in node.getElementsByTagName("Data")
    }


def _parsed(text: str) -> Any:
    return minidom.parseString(text)  # noqa: S318 - our own


def _of_xml(text: str) -> Seen | None:
    event = _parsed(text)
    number, computer = (event.getElementsByTagName(name)[0].firstChild.data for name in ("EventID", "Computer"))
    return plain_fields(computer, _data(event)) if number == "3" else None


def xml_plain(path: Path) -> Found:
    return map(_of_xml, _EVENT.findall(path.read_text("utf-8")))


def evtx(path: Path, facts: list[Row]) -> None:
    few = facts[:22]  # as many as one chunk holds
    path.write_bytes(
        evtx_file.log_file([evtx_file.sysmon(_number(fact), fact["host"], sysmon_fields(fact)) for fact in few])
    )


def evtx_plain(path: Path) -> Found:
    from evtx import PyEvtxParser  # noqa: PLC0415 - an optional package

    return (_of_xml(record["data"].partition("?>")[2]) for record in PyEvtxParser(str(path)).records())


def event_table(path: Path, facts: list[Row]) -> None:
    rows = (windows.event_table(_number(fact), sysmon_fields(fact)) | {"Computer": fact["host"]} for fact in facts)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def _of_event_table(row: Row) -> Seen | None:
    fields = _data(_parsed(row["EventData"]))
    return plain_fields(row["Computer"], fields) if int(row["EventID"]) == 3 else None


def event_table_plain(path: Path) -> Found:
    return (_of_event_table(json.loads(line)) for line in path.open(encoding="utf-8"))


def event_csv(path: Path, facts: list[Row]) -> None:
    rows = [windows.event_table(_number(fact), sysmon_fields(fact)) | {"Computer": fact["host"]} for fact in facts]
    path.write_text(csv_text([{name: str(value) for name, value in row.items()} for row in rows]), "utf-8", newline="")


def event_csv_plain(path: Path) -> Found:
    return map(_of_event_table, csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


def windows_event_table(path: Path, facts: list[Row]) -> None:
    rows = [
        windows.windows_event_table(_number(fact), sysmon_fields(fact), as_text=fact["millis"] % 2 == 0)
        | {"Computer": fact["host"]}
        for fact in facts
    ]
    path.write_text(json.dumps(rows, indent=1), "utf-8")


def windows_event_plain(path: Path) -> Found:
    for row in json.loads(path.read_text("utf-8")):
        data = row["EventData"]
        fields = json.loads(data) if isinstance(data, str) else data
        yield plain_fields(row["Computer"], fields) if row["EventID"] == 3 else None


def syslog_table(path: Path, facts: list[Row]) -> None:
    """The computer is the collector; the event's own is in its text."""
    rows = [windows.syslog_table(3, {}) | {"SyslogMessage": _xml(fact, "Linux-Sysmon")} for fact in facts]
    path.write_text(json.dumps({"value": rows}), "utf-8")


def syslog_table_plain(path: Path) -> Found:
    return (_of_xml(row["SyslogMessage"]) for row in json.loads(path.read_text("utf-8"))["value"])


CONTAINERS: dict[str, tuple[Callable[[Path, list[Row]], None], Callable[[Path], Found]]] = {
    "xml": (xml_file, xml_plain),
    "xml in syslog": (syslog_file, xml_plain),
    "evtx": (evtx, evtx_plain),
    "sentinel Event": (event_table, event_table_plain),
    "sentinel Event as CSV": (event_csv, event_csv_plain),
    "sentinel WindowsEvent": (windows_event_table, windows_event_plain),
    "sentinel Syslog": (syslog_table, syslog_table_plain),
}
