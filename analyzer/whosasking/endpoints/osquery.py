"""osquery: ``socket_events``, ``bpf_socket_events``, ``process_events``, ``process_open_sockets`` and ``processes``.

Queries are named by whoever wrote the pack, so a row's table is told by its columns. A row has ``columns`` (an event),
``snapshot`` (a list) or ``diffResults`` (lists of added and removed rows); every value is text. ``columns.time`` is
when it happened, ``unixTime`` when it was logged: all there is for a snapshot. On Linux the audit based socket_events
have no local address and port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from whosasking.endpoints.interface import Facts
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import NO_REMOTE, At, BadRecordError, End, Fields, socket
from whosasking.endpoints.values import basename, epoch, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.endpoints.glance import Glance
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import Micros, SourceRef

KIND = "osquery"
PRODUCT = "osquery"
GLANCE: Glance | None = None
"""None: a row's table is told by all of its columns."""

_ACTIONS = {"connect": True, "accept": False, "accept4": False}
_STATUS = {"succeeded": True, "failed": False, "no_client": None, "in_progress": None}
_FAMILIES = frozenset({"2", "10", "23", "30", ""})
_PROTOCOLS = {"17": "udp", "6": "tcp", "0": "tcp", "": "tcp"}
_CONTENT = frozenset({"remote_address", "cmdline"})

ENVELOPE: Table = {
    "host": ("hostIdentifier", "hostname", "decorations.hostname", "decorations.host_uuid"),
    "logged": ("unixTime",),
    "action": ("action",),
    "name": ("name",),
}
TABLE: Table = {
    "ts": ("time",),
    "pid": ("pid",),
    "path": ("path",),
    "command_line": ("cmdline",),
    "parent": ("parent",),
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
        yield _Result(columns, text(row.get("action")) == "removed")
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
        ts = epoch(result.columns.get("time")) or logged
        if host is None or ts is None:
            raise BadRecordError("no hostIdentifier" if host is None else "no time or unixTime that can be read")
        at = At(collector.host(host, ts), ts, source, PRODUCT)
        fields = Fields(result.columns, TABLE)
        taker = _connection if "remote_address" in result.columns else _start
        used = taker(fields, at, collector, noted) or used
    if not results:
        noted.add("results without rows")
    return used


def _start(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    """Take a row of process_events (a start, with its time) or of processes (one that runs)."""
    pid, path = fields.pid("pid"), fields.text("path")
    name = basename(path) or fields.text("name")
    if pid is None or name is None:
        noted.add("process rows without pid or path")
        return False
    started: Micros | None = epoch(fields.row.get("time")) or epoch(fields.raw("started"))
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
    if "time" in fields.row and started is not None:
        collector.start(key, started, PRODUCT, at.source, (key, started))
    return True


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
    protocol = fields.text("protocol") or ""
    seen = socket(
        at,
        End.of(fields, "local_ip", "local_port"),
        remote,
        _PROTOCOLS.get(protocol, protocol.lower()),
        initiated=_ACTIONS.get(action) if action else None,
        succeeded=_STATUS.get((fields.text("status") or "").lower()),
    )
    pid, path = fields.pid("pid"), fields.text("path")
    key = None
    if pid is not None:
        name = basename(path)
        facts = Facts(host=at.host, name=name, pid=pid, path=path, user=fields.text("user"), clock=PRODUCT)
        key = collector.process(f"{at.host}/{pid}/?/{(name or '').lower()}", facts)
    collector.socket(key, seen, pid)
    return True
