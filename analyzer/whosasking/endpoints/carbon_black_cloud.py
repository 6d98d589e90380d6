"""Carbon Black Cloud, as its Data Forwarder writes it: ``endpoint.event.netconn``, ``procstart``, ``procend``.

Every event tells of the acting process (``process_*``) with its parent; in ``procstart`` the new process is
``childproc_*`` with ``target_cmdline``. ``device_timestamp`` is on the host's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import Facts
from whosasking.endpoints.reading import At, BadRecordError, End, Events, Fields, name_query, no_connection, socket
from whosasking.endpoints.values import basename, flag, transport

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "carbon black cloud"
PRODUCT = "Carbon Black Cloud"

_PREFIX = "endpoint.event."
_CONNECTIONS = frozenset({"netconn", "netconn_proxy"})
_START, _END = "procstart", "procend"
EVENTS = Events(
    "type", (_PREFIX + kind for kind in (*_CONNECTIONS, _START, _END)), lambda said: said.removeprefix(_PREFIX)
)
_ESTABLISHED, _FAILED = "ACTION_CONNECTION_ESTABLISHED", "ACTION_CONNECTION_CREATE_FAILED"

TABLE: Table = {
    "event": ("type",),
    "ts": ("device_timestamp",),
    "host": ("device_name",),
    "guid": ("process_guid",),
    "pid": ("process_pid",),
    "image": ("process_path",),
    "command_line": ("process_cmdline",),
    "user": ("process_username",),
    "parent_guid": ("parent_guid",),
    "parent_pid": ("parent_pid",),
    "parent_image": ("parent_path",),
    "parent_command_line": ("parent_cmdline",),
    "child_guid": ("childproc_guid",),
    "child_pid": ("childproc_pid",),
    "child_image": ("childproc_name", "childproc_path"),
    "child_command_line": ("target_cmdline", "childproc_cmdline"),
    "child_user": ("childproc_username",),
    "local_ip": ("local_ip",),
    "local_port": ("local_port",),
    "remote_ip": ("remote_ip",),
    "remote_port": ("remote_port",),
    "proxy_ip": ("netconn_proxy_ip",),
    "proxy_port": ("netconn_proxy_port",),
    "protocol": ("netconn_protocol",),
    "inbound": ("netconn_inbound",),
    "domain": ("netconn_domain", "netconn_proxy_domain"),
    "action": ("action",),
    "dns_query": ("netconn_dns_query",),
    "dns_answers": ("netconn_dns_answers",),
}


def is_ours(row: Row) -> bool:
    """Tell an endpoint event of the forwarder."""
    event = row.get("type")
    return isinstance(event, str) and event.startswith(_PREFIX) and "device_name" in row


GLANCE = Glance((EVENTS.field,), EVENTS.judge)


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one event to the collector."""
    fields = Fields(row, TABLE)
    event = EVENTS.of(fields.text("event"), noted)
    if event is None:
        return False
    ts = fields.instant("ts")
    if ts is None:
        raise BadRecordError(f"{event}: no device_timestamp that can be read")
    # DOM\host: the domain in front is no part of the name.
    host = fields.need("host", "device_name").rpartition("\\")[2]
    if not host:
        raise BadRecordError(f"{event}: no device_name")
    at = At(collector.host(host, ts), ts, source, PRODUCT)
    if event in _CONNECTIONS:
        return _connection(fields, at, collector, noted)
    acting = _acting(fields, at, collector, ended=ts if event == _END else None)
    if event == _END:
        if acting is None:
            raise BadRecordError("procend: no process_guid")
        return True
    key = _key(at, fields.text("child_guid"))
    if key is None:
        raise BadRecordError("procstart: no childproc_guid")
    collector.start(_child(fields, at, key, acting, collector), ts, PRODUCT, source, (key, ts))
    return True


def _key(at: At, guid: str | None) -> str | None:
    return f"{at.host}/{guid.lower()}" if guid and guid.strip("0-") else None


def _acting(fields: Fields, at: At, collector: Collector, *, ended: int | None = None) -> str | None:
    """Add the acting process and its parent, both of which every event describes."""
    key, parent = _key(at, fields.text("guid")), _key(at, fields.text("parent_guid"))
    if key is None:
        return None
    if parent is not None:
        path = fields.text("parent_image")
        above = Facts(
            host=at.host,
            name=basename(path),
            pid=fields.pid("parent_pid"),
            path=path,
            command_line=fields.verbatim("parent_command_line"),
        )
        parent = collector.process(parent, above)
    image = fields.text("image")
    facts = Facts(
        host=at.host,
        name=basename(image),
        pid=fields.pid("pid"),
        path=image,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        ended=ended,
        parent=parent,
    )
    return collector.process(key, facts)


def _child(fields: Fields, at: At, key: str, parent: str | None, collector: Collector) -> str:
    image = fields.text("child_image")
    facts = Facts(
        host=at.host,
        name=basename(image),
        pid=fields.pid("child_pid"),
        path=image,
        command_line=fields.verbatim("child_command_line"),
        user=fields.text("child_user"),
        started=at.ts,
        parent=parent,
    )
    return collector.process(key, facts)


def _connection(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    key = _acting(fields, at, collector)
    query = fields.text("dns_query")
    if query and key:
        collector.name_query(key, name_query(at, query, _answers(fields.raw("dns_answers"))))
    actions = {part.strip() for part in (fields.text("action") or "").upper().split("|")}
    if actions == {"ACTION_CONNECTION_LISTEN"}:
        noted.add("ACTION_CONNECTION_LISTEN events: a listening socket is no connection")
        return False
    remote, proxy = End.of(fields, "remote_ip", "remote_port"), End.of(fields, "proxy_ip", "proxy_port")
    remote = proxy if proxy.ip else remote
    protocol = transport(fields.raw("protocol"))
    if reason := no_connection(remote, protocol):
        noted.add(reason)
        return False
    inbound = flag(fields.raw("inbound"))
    seen = socket(
        at,
        End.of(fields, "local_ip", "local_port"),
        remote,
        protocol,
        initiated=None if inbound is None else not inbound,
        remote_name=fields.text("domain"),
        succeeded=True if _ESTABLISHED in actions else (False if _FAILED in actions else None),
    )
    collector.socket(key, seen, fields.pid("pid"))
    return True


def _answers(value: object) -> list[object]:
    """Return what may be addresses in a list of text or of objects."""
    rows = value if isinstance(value, list) else str(value or "").split(";")
    return [part for row in rows for part in (row.values() if isinstance(row, dict) else (row,))]
