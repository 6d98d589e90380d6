"""Elastic Defend: ECS documents of the ``endpoint`` integration, as NDJSON, arrays or search hits.

Network events on Windows carry no command line: the process event of the same ``process.entity_id`` does. Since 8.15
repeated connections are left out, and since 8.18 ``host.ip`` may be: the local side of events tells the addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import Facts
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import At, BadRecordError, End, Fields, direction, name_query, no_connection, socket
from whosasking.endpoints.values import address, basename, text, transport

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "elastic defend"
PRODUCT = "Elastic Defend"

_CONNECTIONS = frozenset({"connection_attempted", "connection_accepted"})
"""Not ``disconnect_received``: a connection stands at its begin, and an end hours later would look like another."""
_QUERIES = frozenset({"lookup_requested", "lookup_result"})
_STARTS = frozenset({"start", "exec", "fork", "already_running"})
_ENDS = frozenset({"end"})
_USED = _CONNECTIONS | _QUERIES | _STARTS | _ENDS
_MOST_ADDRESSES = 64

TABLE: Table = {
    "ts": ("@timestamp",),
    "action": ("event.action",),
    "dataset": ("data_stream.dataset", "event.dataset"),
    "host": ("host.hostname", "host.name"),
    "addresses": ("host.ip",),
    "key": ("process.entity_id",),
    "pid": ("process.pid",),
    "name": ("process.name",),
    "image": ("process.executable",),
    "command_line": ("process.command_line",),
    "started": ("process.start",),
    "parent_key": ("process.parent.entity_id",),
    "parent_pid": ("process.parent.pid",),
    "parent_name": ("process.parent.name",),
    "parent_image": ("process.parent.executable",),
    "parent_command_line": ("process.parent.command_line",),
    "user": ("user.name",),
    "domain": ("user.domain",),
    "source_ip": ("source.ip", "source.address"),
    "source_port": ("source.port",),
    "destination_ip": ("destination.ip", "destination.address"),
    "destination_port": ("destination.port",),
    "destination_name": ("destination.domain",),
    "source_name": ("source.domain",),
    "transport": ("network.transport",),
    "direction": ("network.direction",),
    "query": ("dns.question.name",),
    "answers": ("dns.resolved_ip",),
}


def is_ours(row: Row) -> bool:
    """Tell a document of the endpoint integration."""
    if str(get(row, ("agent.type", "event.module")) or "").lower() == "endpoint":
        return get(row, ("event.action",)) is not None
    return str(get(row, TABLE["dataset"]) or "").lower().startswith("endpoint.events.")


def _action(value: object) -> str:
    """Return the action; a document may list several."""
    if isinstance(value, list):
        value = next((one for one in value if text(one) in _USED), value[0] if value else None)
    return text(value) or ""


def _judge(row: dict[str, Any]) -> str | None:
    action = row.get("event.action")
    if not isinstance(action, str) or action in _USED:
        return None
    return action[:40]


GLANCE = Glance(("event.action",), _judge, unless=(b'"event.action"',))


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one document to the collector."""
    fields = Fields(row, TABLE)
    action = _action(fields.raw("action"))
    if action not in _USED or (action in _STARTS | _ENDS and "process" not in (fields.text("dataset") or "process")):
        noted.add("events not used", (action or "no event.action")[:40])
        return False
    ts = fields.instant("ts")
    if ts is None:
        raise BadRecordError(f"{action}: no @timestamp that can be read")
    at = At(collector.host(fields.need("host", "host.hostname"), ts), ts, source, PRODUCT)
    listed = fields.raw("addresses")
    for value in listed[:_MOST_ADDRESSES] if isinstance(listed, list) else (listed,):
        if ip := address(value):
            collector.address(at.host, ip)
    if action in _CONNECTIONS:
        return _connection(fields, at, collector, noted)
    if action in _QUERIES:
        return _query(fields, at, collector, noted)
    key = _process(fields, at, collector, action)
    if key is None:
        raise BadRecordError(f"{action}: names no process: neither process.entity_id nor process.executable")
    if action in _STARTS and action not in {"already_running", "fork"}:
        collector.start(key, ts, PRODUCT, source, (key, ts))
    return True


def _key(at: At, entity: str | None, pid: int | None, image: str | None) -> str | None:
    if entity:
        return f"{at.host}/{entity}"
    return f"{at.host}/{pid or '?'}/{image.lower()}" if image else None


def _process(fields: Fields, at: At, collector: Collector, action: str = "") -> str | None:
    pid, image = fields.pid("pid"), fields.text("image")
    key = _key(at, fields.text("key"), pid, image or fields.text("name"))
    if key is None:
        return None
    user, domain = fields.text("user"), fields.text("domain")
    started = at.ts if action in {"start", "exec"} else None
    facts = Facts(
        host=at.host,
        name=basename(image) or fields.text("name"),
        pid=pid,
        path=image,
        command_line=fields.verbatim("command_line"),
        user=f"{domain}\\{user}" if domain and user and "\\" in (image or "") else user,
        started=fields.instant("started") or started,
        ended=at.ts if action in _ENDS else None,
        parent=_parent(fields, at, collector),
    )
    return collector.process(key, facts)


def _parent(fields: Fields, at: At, collector: Collector) -> str | None:
    pid, image = fields.pid("parent_pid"), fields.text("parent_image")
    key = _key(at, fields.text("parent_key"), pid, image or fields.text("parent_name"))
    if key is None:
        return None
    facts = Facts(
        host=at.host,
        name=basename(image) or fields.text("parent_name"),
        pid=pid,
        path=image,
        command_line=fields.verbatim("parent_command_line"),
    )
    return collector.process(key, facts)


def _connection(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    initiated = direction(fields.text("direction"))
    if initiated is None:
        initiated = _action(fields.raw("action")) == "connection_attempted"
    source = End.of(fields, "source_ip", "source_port")
    destination = End.of(fields, "destination_ip", "destination_port")
    # Source and destination are the connection's: of an accepted one the destination is this host.
    local, remote = (source, destination) if initiated else (destination, source)
    protocol = transport(fields.raw("transport"))
    if reason := no_connection(remote, protocol):
        noted.add(reason)
        return False
    seen = socket(
        at,
        local,
        remote,
        protocol,
        initiated=initiated,
        remote_name=fields.text("destination_name" if initiated else "source_name"),
    )
    collector.socket(_process(fields, at, collector), seen, fields.pid("pid"))
    return True


def _query(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    name, key = fields.text("query"), _process(fields, at, collector)
    if name is None or key is None:
        noted.add("DNS events that name no process or no query")
        return False
    answers = fields.raw("answers")
    collector.name_query(key, name_query(at, name, answers if isinstance(answers, list) else (answers,)))
    return True
