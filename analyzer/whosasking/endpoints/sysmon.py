"""Windows events in every shape of ``sysmon_shapes``: Sysmon's process start (1), connection (3), end (5) and DNS (22).

``UtcTime`` is the time that tracks the network; the time of logging may be seconds looser or hours off. It is used
only where ``UtcTime`` is missing and it carries a zone. ``Message`` is never read: localised, and attacker-shaped.
Security's events in the same exports go to ``windows_security``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from whosasking.endpoints import event_xml, evtxecmd, sentinel, windows_security
from whosasking.endpoints.carried import broken
from whosasking.endpoints.census import Census
from whosasking.endpoints.containers import BadRowError
from whosasking.endpoints.defender_columns import LOCAL_TIME, local_time
from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import UNKNOWN_PROCESS as LATER
from whosasking.endpoints.interface import Collector, Facts, Noted, OtherHostError
from whosasking.endpoints.lines import blocks
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.places import get, picker
from whosasking.endpoints.reading import NOT_USED, OTHER_HOST, At, BadRecordError, End, Fields, Row, socket
from whosasking.endpoints.rows import csv_rows, json_rows
from whosasking.endpoints.sysmon_shapes import KNOWN_DATA, TABLES, VERSIONS, shape_of
from whosasking.endpoints.values import (
    address,
    basename,
    epoch,
    flag,
    instant,
    port,
    process_id,
    text,
    transport,
    verbatim,
    whole,
)
from whosasking.model import Micros, NameQuery, SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

PRODUCT = "Sysmon"
_START, _CONNECTION, _END, _QUERY = 1, 3, 5, 22
_USED = frozenset({_START, _CONNECTION, _END, _QUERY})
ALL_USED = _USED | windows_security.USED
_UNKNOWN_IMAGES = frozenset({"<unknown process>", "unknown process", "system idle process", "(null)"})
_MOST_ANSWERS = 256
_NO_VERSION = 1 << 32
NEWER = "events of a version that is not known here, read like the known one"
_DIRECTIONS = {"egress": True, "outbound": True, "ingress": False, "inbound": False}


_GROUPS = {
    "process": ("guid", "pid", "image", "user", "user_name", "user_domain"),
    "connection": (
        "initiated",
        "direction",
        "protocol",
        "source_ip",
        "source_port",
        "source_name",
        "destination_ip",
        "destination_port",
        "destination_name",
    ),
}
_PICKERS = {
    shape: {group: picker(table, fields) for group, fields in _GROUPS.items()} for shape, table in TABLES.items()
}


_DATA = dict.fromkeys(TABLES, ("EventData",)) | {"sysmon ecs": ("EventData", "winlog.event_data")}


class Event(Fields):
    """One Windows event, read through its shape's table."""

    def __init__(self, row: Row, shape: str) -> None:
        """Wrap ``row``; an ``Event`` object around it is taken off."""
        inner = row.get("Event")
        super().__init__(inner if isinstance(inner, dict) else row, TABLES[shape])
        self._pick, self._data = _PICKERS[shape], _DATA[shape]
        self.number = process_id(self.raw("event"))

    def pick(self, what: str) -> list[Any]:
        """Return the raw values of a group of fields."""
        return self._pick[what](self.row)

    @property
    def is_sysmon(self) -> bool:
        """Tell Sysmon's events (on Windows and Linux) from other channels' with the same ids."""
        provider = self.raw("provider")
        return "sysmon" in str(provider).lower() if provider else self.raw("utc") is not None

    @property
    def is_security(self) -> bool:
        """Tell Windows' own auditing."""
        return (self.text("channel") or "").lower() == "security" or "security-auditing" in str(
            self.raw("provider")
        ).lower()

    @property
    def is_used(self) -> bool:
        """Tell the events that are read."""
        if self.number in _USED:
            return self.is_sysmon
        return self.number in windows_security.USED and self.is_security

    @property
    def data(self) -> Row:
        """The event's own fields, where its shape keeps them apart; else all."""
        found = get(self.row, self._data)
        return found if isinstance(found, dict) else self.row

    @property
    def version(self) -> int:
        """The version of the event's schema, 0 where it is not told."""
        return whole(self.raw("version")) or 0

    @property
    def is_newer(self) -> bool:
        """Tell a version that came after those known here."""
        return self.version > VERSIONS.get(self.number or 0, _NO_VERSION)

    @property
    def label(self) -> str:
        """Channel and event id, to count what is left out."""
        channel = (self.text("channel") or "other channel").partition("/")[0].rpartition("-")[2]
        return f"{channel[:40]} {self.number or '?'}"

    @property
    def ts(self) -> Micros:
        """The instant on the host's clock. Raises BadRecordError."""
        found = instant(self.raw("utc"))
        if found is None:
            logged = self.raw("logged")
            # Velociraptor writes epoch seconds, which have no zone to be wrong about.
            found = epoch(logged) if isinstance(logged, int | float) else instant(logged, zoned_only=True)
        if found is None:
            raise BadRecordError("no UtcTime that can be read, and no other time with a zone")
        return found

    @property
    def host(self) -> str:
        """The computer's name. Raises BadRecordError."""
        name = self.text("host")
        if name is None:
            raise BadRecordError("no computer name")
        return name


def _judge(row: dict[str, Any]) -> str | None:
    if not _OTHER_SHAPES.isdisjoint(row) or shape_of(row) != "sysmon flat":
        return None
    event = Event(row, "sysmon flat")
    # Without a provider, a field that is not decoded here would tell Sysmon's events.
    return None if event.is_used or event.raw("provider") is None else event.label


_OTHER_SHAPES = frozenset({"Event", "System", "winlog", "event", "EventData", "SyslogMessage"})
_FLAT_FIELDS = dict.fromkeys(
    place for field in ("event", "provider", "channel", "host") for place in TABLES["sysmon flat"][field]
)
GLANCE = Glance((*_FLAT_FIELDS, *sorted(_OTHER_SHAPES)), _judge, unless=(b"winlog.",))
"""Judges flat rows only: where any other shape may be, the whole row is looked at."""


def read(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a JSON export of Sysmon (and other) events into ``collector``."""
    noted = Noted()
    read_events(json_rows(inp, tally, progress, GLANCE, noted), inp.kind, collector, tally, noted)


def read_xml(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read events as XML text: a file of them, one a line, or behind syslog's prefix."""
    noted = Noted()
    rows = _xml_rows(event_xml.pieces(blocks(inp, tally, progress), tally), tally, noted)
    read_events(rows, "sysmon evtx", collector, tally, noted)


def _xml_rows(pieces: Iterable[tuple[int, bytes]], tally: Tally, noted: Noted) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, piece in pieces:
        label = event_xml.unused(piece, ALL_USED)
        if label is not None:
            tally.records += 1
            noted.add(NOT_USED, label)
            continue
        try:
            yield number, event_xml.event(piece.decode("utf-8", "replace"))
        except BadRowError as error:
            tally.skip(number, str(error))


def read_csv(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a Log Analytics CSV of an event table."""
    lines = lines_of(inp, tally, progress)
    header = next(lines, None)
    known = sentinel.csv_header(header[1].decode("utf-8", "replace")) if header else None
    if known is None:
        tally.fail("the CSV header has none of Log Analytics' columns (TimeGenerated, Computer, EventID)")
        return
    names, delimiter = known
    if local_time(names):
        tally.skip(None, LOCAL_TIME)
    rows = sentinel.csv_dicts(csv_rows(lines, delimiter, len(names), tally), names)
    read_events(rows, "sysmon flat", collector, tally, Noted())


def read_evtxecmd(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a CSV that EvtxECmd made of event logs."""
    read_events(evtxecmd.csv_events(inp, tally, progress), "sysmon evtx", collector, tally, Noted())


def read_events(
    rows: Iterable[tuple[int, dict[str, Any]]], kind: str, collector: Collector, tally: Tally, noted: Noted
) -> None:
    """Read numbered event objects; ``kind`` is the shape where a row does not show it."""
    census = Census(KNOWN_DATA)
    for number, row in rows:
        tally.records += 1
        try:
            opened = _opened(row)
        except BadRowError as error:
            tally.skip(number, broken(error))
            continue
        if opened is None:
            noted.add(NOT_USED, Event(row, "sysmon flat").label)
            continue
        event = Event(opened, shape_of(opened) or kind.removesuffix(" json"))
        if not event.is_used:
            noted.add(NOT_USED, event.label)
            continue
        try:
            _take(event, SourceRef(path=tally.path, line=number), collector, noted)
        except OtherHostError:
            noted.add(OTHER_HOST)
        except BadRecordError as error:
            product = PRODUCT if event.is_sysmon else "Security"
            tally.skip(number, f"{product} event {event.text('event')}: {error}")
        else:
            tally.candidates += 1
            census.count(event.data)
            if event.is_newer:
                noted.add(NEWER, f"{event.label} version {event.version}")
    noted.tell(tally, census)


def _opened(row: Row) -> Row | None:
    """Return the event in a row; None where a column says that it is not used. Raises BadRowError."""
    if sentinel.says_unused(row, ALL_USED):
        return None
    if evtxecmd.is_row(row):
        return evtxecmd.opened(row) if evtxecmd.says_used(row, ALL_USED) else None
    return sentinel.opened(row)


def _take(event: Event, source: SourceRef, collector: Collector, noted: Noted) -> None:
    number, ts = event.number, event.ts
    product = windows_security.PRODUCT if number in windows_security.USED else PRODUCT
    at = At(collector.host(event.host, ts), ts, source, product)
    if product != PRODUCT:
        windows_security.take(event, number, at, collector, noted)
    elif number == _START:
        _start(event, at, collector)
    elif number == _END:
        _process(event, at.host, collector, ended=ts)
    elif number == _CONNECTION:
        _connection(event, at, collector, noted)
    else:
        _query(event, at, collector, noted)


def _guid(value: object) -> str | None:
    """Return a ProcessGuid in one spelling; all zero means unknown."""
    bare = (text(value) or "").strip("{}").lower()
    return bare if bare.strip("0-") else None


def _image(value: str | None) -> str | None:
    return None if value is None or value.lower() in _UNKNOWN_IMAGES else value


def _user(account: object, name: object, domain: object) -> str | None:
    user, of = text(name), text(domain)
    if user and of and "\\" not in user:
        return f"{of}\\{user}"
    return user or text(account)


def _key(host: str, guid: str | None, pid: int | None, image: str | None) -> str | None:
    """Return the process's key: its GUID, else pid and image; None when the event names no process."""
    if guid:
        return f"{host}/{guid}"
    if image is None:
        return None
    return f"{host}/{pid or '?'}/{image.lower()}"


def _process(event: Event, host: str, collector: Collector, **more: Any) -> str | None:  # noqa: ANN401 - Facts' fields
    said = (host, *event.pick("process"))
    known = None if more else collector.interned(said)
    if known is not None:
        return known
    _, guid, number, path, *account = said
    pid, image = process_id(number), _image(text(path))
    key = _key(host, _guid(guid), pid, image)
    if key is None:
        return None
    facts = Facts(host=host, name=basename(image), pid=pid, path=image, user=_user(*account), **more)
    key = collector.process(key, facts)
    if not more:
        collector.intern(said, key)
    return key


def _parent(event: Event, host: str, collector: Collector) -> str | None:
    pid, image = process_id(event.raw("parent_pid")), _image(event.text("parent_image"))
    key = _key(host, _guid(event.raw("parent_guid")), pid, image)
    if key is None:
        return None
    command_line, user = verbatim(event.raw("parent_command_line")), event.text("parent_user")
    facts = Facts(host=host, name=basename(image), pid=pid, path=image, command_line=command_line, user=user)
    return collector.process(key, facts)


def _start(event: Event, at: At, collector: Collector) -> None:
    parent = _parent(event, at.host, collector)
    command_line = verbatim(event.raw("command_line"))
    key = _process(event, at.host, collector, command_line=command_line, started=at.ts, parent=parent)
    if key is None:
        raise BadRecordError("names no process: neither ProcessGuid nor Image")
    collector.start(key, at.ts, PRODUCT, at.source, (key, at.ts) if _guid(event.raw("guid")) else None)


def _connection(event: Event, at: At, collector: Collector, noted: Noted) -> None:
    said, direction, spoken, *ends = event.pick("connection")
    initiated = flag(said)
    if initiated is None:
        initiated = _DIRECTIONS.get((text(direction) or "").lower())
    # Source and destination are the connection's: of an accepted one the destination is this host.
    here, there = (ends[3:], ends[:3]) if initiated is False else (ends[:3], ends[3:])
    local, remote = address(here[0]), address(there[0])
    protocol = transport(spoken)
    if remote is None or (protocol == "udp" and remote.startswith("127.") and not (local or "").startswith("127.")):
        noted.add("connection events without a usable remote address (Sysmon for Linux writes 127.0.0.1 or 0.0.0.0)")
        return
    seen = socket(
        at,
        End(local, port(here[1])),
        End(remote, port(there[1])),
        protocol,
        initiated=initiated,
        remote_name=text(there[2]),
    )
    key = _process(event, at.host, collector)
    collector.socket(key, seen, None if key else process_id(event.raw("pid")))


def _query(event: Event, at: At, collector: Collector, noted: Noted) -> None:
    name = event.text("query_name")
    if name is None:
        raise BadRecordError("no QueryName")
    key = _process(event, at.host, collector)
    if key is None:
        noted.add("DNS events that name no process")
        return
    query = NameQuery(
        ts=at.ts,
        host=at.host,
        process=LATER,
        name=name,
        addresses=_answers(event.raw("query_results")),
        product=PRODUCT,
        source=at.source,
    )
    collector.name_query(key, query)


def _answers(results: object) -> tuple[str, ...]:
    """Return the addresses in ``type:  5 cdn.example;::ffff:192.0.2.1;`` or ECS's list, without other records."""
    parts = results if isinstance(results, list) else re.split(r"[;,\s]+", results if isinstance(results, str) else "")
    found = dict.fromkeys(ip for part in parts[:_MOST_ANSWERS] if (ip := address(part)))
    return tuple(found)
