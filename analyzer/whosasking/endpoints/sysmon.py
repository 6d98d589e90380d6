"""Sysmon: process start (1), connection (3), process end (5) and DNS query (22), in every shape of ``sysmon_shapes``.

``UtcTime`` is the time that tracks the network; the time of logging may be seconds looser or hours off. It is used
only where ``UtcTime`` is missing and it carries a zone. ``Message`` is never read: localised, and attacker-shaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from whosasking.endpoints.interface import UNKNOWN_PROCESS as LATER
from whosasking.endpoints.interface import Collector, Facts, Noted
from whosasking.endpoints.rows import json_rows
from whosasking.endpoints.sysmon_shapes import TABLES, get, shape_of
from whosasking.endpoints.values import address, basename, flag, instant, port, process_id, text, transport, verbatim
from whosasking.model import Micros, NameQuery, Socket, SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

PRODUCT = "Sysmon"
_START, _CONNECTION, _END, _QUERY = 1, 3, 5, 22
_USED = frozenset({_START, _CONNECTION, _END, _QUERY})
_UNKNOWN_IMAGES = frozenset({"<unknown process>", "unknown process", "system idle process"})
_MOST_ANSWERS = 256
_DIRECTIONS = {"egress": True, "outbound": True, "ingress": False, "inbound": False}


class BadEventError(ValueError):
    """An event lacks what it cannot do without; ``str()`` says what."""


class Event:
    """One Windows event, read through its shape's table."""

    def __init__(self, row: dict[str, Any], shape: str) -> None:
        """Wrap ``row``; an ``Event`` object around it is taken off."""
        inner = row.get("Event")
        self._row = inner if isinstance(inner, dict) else row
        self._table = TABLES[shape]

    def raw(self, field: str) -> Any:  # noqa: ANN401 - a JSON value is anything
        """Return the field as it stands in the export."""
        return get(self._row, self._table.get(field, ()))

    def text(self, field: str) -> str | None:
        """Return the field as text."""
        return text(self.raw(field))

    @property
    def is_sysmon(self) -> bool:
        """Tell Sysmon's events (on Windows and Linux) from other channels' with the same ids."""
        provider = self.raw("provider")
        return "sysmon" in str(provider).lower() if provider else self.raw("utc") is not None

    @property
    def label(self) -> str:
        """Channel and event id, to count what is left out."""
        channel = (self.text("channel") or "other channel").partition("/")[0].rpartition("-")[2]
        return f"{channel[:40]} {process_id(self.raw('event')) or '?'}"

    @property
    def ts(self) -> Micros:
        """The instant on the host's clock. Raises BadEventError."""
        found = instant(self.raw("utc"))
        if found is None:
            found = instant(self.raw("logged"), zoned_only=True)
        if found is None:
            raise BadEventError("no UtcTime that can be read, and no other time with a zone")
        return found

    @property
    def host(self) -> str:
        """The computer's name. Raises BadEventError."""
        name = self.text("host")
        if name is None:
            raise BadEventError("no computer name")
        return name


def read(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a JSON export of Sysmon (and other) events into ``collector``."""
    read_events(json_rows(inp, tally, progress), inp.kind, collector, tally)


def read_events(rows: Iterable[tuple[int, dict[str, Any]]], kind: str, collector: Collector, tally: Tally) -> None:
    """Read numbered event objects; ``kind`` is the shape where a row does not show it."""
    noted = Noted()
    for number, row in rows:
        tally.records += 1
        event = Event(row, shape_of(row) or kind.removesuffix(" json"))
        if not event.is_sysmon or process_id(event.raw("event")) not in _USED:
            noted.add("events not used", event.label)
            continue
        try:
            _take(event, SourceRef(path=tally.path, line=number), collector, noted)
        except BadEventError as error:
            tally.skip(number, f"Sysmon event {event.text('event')}: {error}")
        else:
            tally.candidates += 1
    noted.tell(tally)


class _At(NamedTuple):
    """Where and when an event was recorded."""

    host: str
    ts: Micros
    source: SourceRef


def _take(event: Event, source: SourceRef, collector: Collector, noted: Noted) -> None:
    number, ts = process_id(event.raw("event")), event.ts
    at = _At(collector.host(event.host, ts), ts, source)
    if number == _START:
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


def _user(event: Event) -> str | None:
    name, domain = event.text("user_name"), event.text("user_domain")
    if name and domain and "\\" not in name:
        return f"{domain}\\{name}"
    return name or event.text("user")


def _key(host: str, guid: str | None, pid: int | None, image: str | None) -> str | None:
    """Return the process's key: its GUID, else pid and image; None when the event names no process."""
    if guid:
        return f"{host}/{guid}"
    if image is None:
        return None
    return f"{host}/{pid or '?'}/{image.lower()}"


def _process(event: Event, host: str, collector: Collector, **more: Any) -> str | None:  # noqa: ANN401 - Facts' fields
    pid, image = process_id(event.raw("pid")), _image(event.text("image"))
    key = _key(host, _guid(event.raw("guid")), pid, image)
    if key is None:
        return None
    facts = Facts(host=host, name=basename(image), pid=pid, path=image, user=_user(event), **more)
    return collector.process(key, facts)


def _parent(event: Event, host: str, collector: Collector) -> str | None:
    pid, image = process_id(event.raw("parent_pid")), _image(event.text("parent_image"))
    key = _key(host, _guid(event.raw("parent_guid")), pid, image)
    if key is None:
        return None
    command_line, user = verbatim(event.raw("parent_command_line")), event.text("parent_user")
    facts = Facts(host=host, name=basename(image), pid=pid, path=image, command_line=command_line, user=user)
    return collector.process(key, facts)


def _start(event: Event, at: _At, collector: Collector) -> None:
    parent = _parent(event, at.host, collector)
    command_line = verbatim(event.raw("command_line"))
    key = _process(event, at.host, collector, command_line=command_line, started=at.ts, parent=parent)
    if key is None:
        raise BadEventError("names no process: neither ProcessGuid nor Image")
    collector.start(key, at.ts, PRODUCT, at.source, (key, at.ts) if _guid(event.raw("guid")) else None)


def _connection(event: Event, at: _At, collector: Collector, noted: Noted) -> None:
    initiated = flag(event.raw("initiated"))
    if initiated is None:
        initiated = _DIRECTIONS.get((event.text("direction") or "").lower())
    # Source and destination are the connection's: of an accepted one the destination is this host.
    here, there = ("destination", "source") if initiated is False else ("source", "destination")
    local, remote = address(event.raw(f"{here}_ip")), address(event.raw(f"{there}_ip"))
    protocol = transport(event.raw("protocol"))
    if remote is None or (protocol == "udp" and remote.startswith("127.") and not (local or "").startswith("127.")):
        noted.add("connection events without a usable remote address (Sysmon for Linux writes 127.0.0.1 or 0.0.0.0)")
        return
    socket = Socket(
        id=f"{at.source.path}:{at.source.line}",
        ts=at.ts,
        host=at.host,
        process=LATER,
        protocol=protocol,
        local_ip=local,
        local_port=port(event.raw(f"{here}_port")),
        remote_ip=remote,
        remote_port=port(event.raw(f"{there}_port")),
        remote_name=event.text(f"{there}_name"),
        initiated=initiated,
        product=PRODUCT,
        source=at.source,
    )
    collector.socket(_process(event, at.host, collector), socket)


def _query(event: Event, at: _At, collector: Collector, noted: Noted) -> None:
    name = event.text("query_name")
    if name is None:
        raise BadEventError("no QueryName")
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
