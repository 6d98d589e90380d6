"""osquery: ``socket_events``, ``process_events``, their BPF, EndpointSecurity and ETW kin, ``process_open_sockets``.

Queries are named by whoever wrote the pack, so a row's table is told by its columns. A row has ``columns`` (an event),
``snapshot`` (a list) or ``diffResults`` (lists of added and removed rows); every value is text. ``columns.time`` is
when it happened, ``unixTime`` when it was logged: all there is for a snapshot. On Linux the audit based socket_events
have no local address and port. Packs join tables (``process_open_sockets`` with ``processes``): a row's columns count,
whatever table they are of. Fleets identify a host by a UUID and decorate results with its name. Columns: osquery's
table specifications.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from whosasking.endpoints.interface import Facts
from whosasking.endpoints.lives import Exit
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import ICMP, NO_REMOTE, At, BadRecordError, End, Fields, is_icmp, name_query, socket
from whosasking.endpoints.values import basename, epoch, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whosasking.endpoints.glance import Glance
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import Micros, SourceRef

KIND = "osquery"
PRODUCT = "osquery"
GLANCE: Glance | None = None
"""None: a row's table is told by all of its columns."""

_ENDS = frozenset({"exit", "processstop"})
_FORKS = frozenset({"fork", "vfork", "clone"})
_ACTIONS = {"connect": True, "accept": False, "accept4": False}
_STATUS = {"succeeded": True, "failed": False, "no_client": None, "in_progress": None}
_FAMILIES = frozenset({"2", "10", "23", "30", ""})
_PROTOCOLS = {"17": "udp", "6": "tcp", "0": "tcp", "": "tcp"}
_CONTENT = frozenset({"remote_address", "cmdline", "response"})
_SEPARATOR = re.compile(r"[;,\s]+")
_MOST_RESPONSE = 16_384

ENVELOPE: Table = {
    "host": ("hostIdentifier", "hostname", "decorations.hostname", "decorations.host_uuid"),
    "called": ("decorations.hostname",),
    "logged": ("unixTime",),
    "action": ("action",),
    "name": ("name",),
}
TABLE: Table = {
    # The event tables of Windows keep epoch seconds in datetime and hide time.
    "ts": ("time", "datetime"),
    "pid": ("pid",),
    "path": ("path",),
    "command_line": ("cmdline",),
    "parent": ("parent", "ppid"),
    "event": ("event_type", "type", "syscall"),
    "user": ("username", "uid"),
    "started": ("start_time",),
    "name": ("name",),
    "action": ("action", "syscall"),
    "status": ("status",),
    "family": ("family",),
    "protocol": ("protocol",),
    "local_ip": ("local_address",),
    "local_port": ("local_port",),
    "remote_ip": ("remote_address",),
    "remote_port": ("remote_port",),
    "answers": ("response",),
}


class _Result(NamedTuple):
    """One row of a query."""

    columns: Row
    removed: bool


def is_ours(row: Row) -> bool:
    """Tell a result of osquery that has columns which are read here."""
    if get(row, ENVELOPE["host"]) is None:
        return False
    results = list(_results(row))
    if not results:
        return bool(row.keys() & {"snapshot", "diffResults"})
    return any(_CONTENT & result.columns.keys() for result in results)


def _results(row: Row) -> Iterator[_Result]:
    columns = row.get("columns")
    if isinstance(columns, dict):
        yield _Result(columns, text(get(row, ENVELOPE["action"])) == "removed")
    yield from (_Result(one, removed=False) for one in _objects(row.get("snapshot")))
    lists = row.get("diffResults")
    if isinstance(lists, dict):
        for name in ("added", "removed"):
            yield from (_Result(one, name == "removed") for one in _objects(lists.get(name)))


def _objects(value: object) -> list[Row]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one logged result, with all its rows, to the collector."""
    envelope = Fields(row, ENVELOPE)
    logged = epoch(envelope.raw("logged"))
    results = list(_results(row))
    host = envelope.text("host")
    used = False
    for result in results:
        if not _CONTENT & result.columns.keys():
            noted.add("results not used", (envelope.text("name") or "a query without a name")[:40])
            continue
        if result.removed:
            noted.add("removed rows: what ended is not what began")
            continue
        ts = epoch(get(result.columns, TABLE["ts"])) or logged
        if host is None or ts is None:
            raise BadRecordError("no hostIdentifier" if host is None else "no time or unixTime that can be read")
        at = At(collector.host(host, ts), ts, source, PRODUCT)
        called = envelope.text("called")
        if called is not None and called != host:
            collector.call(at.host, called)
        fields = Fields(result.columns, TABLE)
        used = _taker(result.columns)(fields, at, collector, noted) or used
    if not results:
        noted.add("results without rows")
    return used


def _taker(columns: Row) -> Callable[[Fields, At, Collector, Noted], bool]:
    if "remote_address" in columns:
        return _connection
    return _start if "cmdline" in columns else _query


def _start(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    """Take a row of process_events (a start, with its time) or of processes (one that runs)."""
    pid, path = fields.pid("pid"), fields.text("path")
    name = basename(path) or fields.text("name")
    if pid is None or name is None:
        noted.add("process rows without pid or path")
        return False
    event = (fields.text("event") or "").lower()
    if event in _ENDS:
        collector.exit(Exit(PRODUCT, at.host, pid, name, at.ts))
        return True
    if event in _FORKS:
        noted.add("forks: the child is still its parent's program")
        return False
    happened = epoch(fields.raw("ts"))
    started: Micros | None = happened or epoch(fields.raw("started"))
    facts = Facts(
        host=at.host,
        name=name,
        pid=pid,
        path=path,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        started=started,
        parent_pid=fields.pid("parent"),
        clock=PRODUCT,
    )
    key = collector.process(f"{at.host}/{pid}/{started or '?'}/{name.lower()}", facts)
    if happened is not None and started is not None:
        collector.start(key, started, PRODUCT, at.source, (key, started))
    return True


def _query(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    """Take a row of dns_lookup_events, whose response is spelt as Sysmon's: ``type:  5 x.example;192.0.2.1;``."""
    name, key = fields.text("name"), _owner(fields, at, collector, None)
    if name is None or key is None:
        noted.add("DNS events that name no process or no query")
        return False
    answers = _SEPARATOR.split((fields.text("answers") or "")[:_MOST_RESPONSE])
    collector.name_query(key, name_query(at, name, answers))
    return True


def _owner(fields: Fields, at: At, collector: Collector, called: str | None) -> str | None:
    """Add the process of a row that is no start: its pid is that of the latest start before it."""
    pid, path = fields.pid("pid"), fields.text("path")
    if pid is None:
        return None
    name = basename(path) or called
    facts = Facts(
        host=at.host,
        name=name,
        pid=pid,
        path=path,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        clock=PRODUCT,
    )
    return collector.process(f"{at.host}/{pid}/?/{(name or '').lower()}", facts)


def _connection(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    action = fields.text("action")
    if action is not None and action not in _ACTIONS:
        noted.add("socket events that are no connection", action[:40])
        return False
    if (fields.text("family") or "") not in _FAMILIES:
        noted.add("sockets of another family than IPv4 and IPv6")
        return False
    remote = End.of(fields, "remote_ip", "remote_port")
    if remote.ip is None or remote.port is None:
        noted.add(NO_REMOTE)
        return False
    said = fields.text("protocol") or ""
    protocol = _PROTOCOLS.get(said, said.lower())
    if is_icmp(protocol):
        noted.add(ICMP)
        return False
    seen = socket(
        at,
        End.of(fields, "local_ip", "local_port"),
        remote,
        protocol,
        initiated=_ACTIONS.get(action) if action else None,
        succeeded=_STATUS.get((fields.text("status") or "").lower()),
    )
    collector.socket(_owner(fields, at, collector, fields.text("name")), seen, fields.pid("pid"))
    return True
