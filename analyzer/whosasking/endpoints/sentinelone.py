"""SentinelOne Cloud Funnel 2: ``IPConnect``, ``ProcessCreation`` and DNS events, dotted keys or nested objects.

``event.time`` (epoch milliseconds, the host's clock) counts; ``timestamp`` is a time of day without a date, in newer
exports a whole time, which is taken where there is no other. Equal connections are folded into one event with
``event.repetitionCount``: it stands at the first of them. A name that was asked for may have its type in front
(``type:  28 host.example``, agents of macOS).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import Facts
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import (
    NO_REMOTE,
    At,
    BadRecordError,
    End,
    Events,
    Fields,
    direction,
    name_query,
    socket,
)
from whosasking.endpoints.values import basename, epoch_millis, instant, text, transport

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "sentinelone cloud funnel"
PRODUCT = "SentinelOne"

_CONNECTION, _START = "ipconnect", "processcreation"
_ENDS = frozenset({"processtermination", "processexit"})
_QUERIES = frozenset({"dnsresolved", "dnsunresolved", "dns"})
_OUTCOMES = {"success": True, "failure": False}
_MOST_RESPONSE = 16_384
_TYPED = re.compile(r"type:\s*\d+\s+", re.ASCII | re.IGNORECASE)

TABLE: Table = {
    "event": ("event.type",),
    "ts": ("event.time",),
    "timestamp": ("timestamp",),
    "host": ("endpoint.name",),
    "src_ip": ("src.ip.address",),
    "src_port": ("src.port.number",),
    "dst_ip": ("dst.ip.address",),
    "dst_port": ("dst.port.number",),
    "direction": ("event.network.direction",),
    "outcome": ("event.network.connectionStatus",),
    # protocolName is the application's (https); the transport stands in the event's internal name (TCPV4).
    "transport": ("meta.event.name",),
    "protocol": ("event.network.protocolName",),
    "query": ("event.dns.request",),
    "answers": ("event.dns.response",),
    "repeated": ("event.repetitionCount",),
}
_PROCESS: Table = {
    "uid": ("uid",),
    "pid": ("pid",),
    "name": ("name",),
    "image": ("image.path",),
    "command_line": ("cmdline",),
    "user": ("user",),
    "started": ("startTime",),
}


def _under(prefix: str) -> Table:
    return {field: tuple(f"{prefix}.{place}" for place in places) for field, places in _PROCESS.items()}


_ACTING, _PARENT, _NEW = _under("src.process"), _under("src.process.parent"), _under("tgt.process")


def is_ours(row: Row) -> bool:
    """Tell a Cloud Funnel event."""
    if get(row, ("event.type",)) is None or get(row, ("endpoint.name",)) is None:
        return False
    product = str(get(row, ("dataSource.name",)) or "").lower()
    return product == "sentinelone" or get(row, ("src.process.uid", "src.process.storyline.id", "mgmt.url")) is not None


def _kind(event: object) -> str:
    """Return an event type in one spelling: the console writes ``IP Connect``, the stream ``IPConnect``."""
    return re.sub(r"[\s_]+", "", text(event) or "").lower()


EVENTS = Events(
    "event.type",
    ("IPConnect", "ProcessCreation", "ProcessTermination", "ProcessExit", "DNSResolved", "DNSUnresolved", "DNS"),
    _kind,
)
GLANCE = Glance((EVENTS.field,), EVENTS.judge)


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one event to the collector."""
    fields = Fields(row, TABLE)
    event = EVENTS.of(fields.text("event"), noted)
    if event is None:
        return False
    ts = epoch_millis(fields.raw("ts")) or instant(fields.raw("timestamp"), zoned_only=True)
    if ts is None:
        raise BadRecordError(f"{event}: no event.time that can be read")
    at = At(collector.host(fields.need("host", "endpoint.name"), ts), ts, source, PRODUCT)
    parent = _process(row, _PARENT, at, collector)
    acting = _process(row, _ACTING, at, collector, parent=parent, ended=ts if event in _ENDS else None)
    if event == _CONNECTION:
        return _connection(fields, at, acting, collector, noted)
    if event in _QUERIES:
        return _query(fields, at, acting, collector, noted)
    if event == _START:
        key = _process(row, _NEW, at, collector, parent=acting, started=ts)
        if key is None:
            raise BadRecordError("ProcessCreation without tgt.process")
        collector.start(key, ts, PRODUCT, source, (key, ts))
    return True


def _process(row: Row, table: Table, at: At, collector: Collector, **more: Any) -> str | None:  # noqa: ANN401 - Facts' fields
    fields = Fields(row, table)
    uid, name, pid = fields.text("uid"), fields.text("name"), fields.pid("pid")
    image = fields.text("image")
    name = basename(image) or name
    if uid is None and name is None:
        return None
    started = epoch_millis(fields.raw("started")) or more.pop("started", None)
    more.pop("started", None)
    facts = Facts(
        host=at.host,
        name=name,
        pid=pid,
        path=image,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        started=started,
        **more,
    )
    return collector.process(f"{at.host}/{(uid or f'{pid}/{started}/{name}').lower()}", facts)


def _connection(fields: Fields, at: At, key: str | None, collector: Collector, noted: Noted) -> bool:
    initiated = direction(fields.text("direction"))
    # Source and destination are the connection's: of an accepted one the destination is this host.
    source, destination = End.of(fields, "src_ip", "src_port"), End.of(fields, "dst_ip", "dst_port")
    local, remote = (destination, source) if initiated is False else (source, destination)
    if remote.ip is None:
        noted.add(NO_REMOTE)
        return False
    seen = socket(
        at,
        local,
        remote,
        _transport(fields),
        initiated=initiated,
        succeeded=_OUTCOMES.get((fields.text("outcome") or "").lower()),
    )
    collector.socket(key, seen)
    return True


def _transport(fields: Fields) -> str:
    for field in ("transport", "protocol"):
        said = transport(fields.raw(field))
        if said in {"tcp", "udp"} and fields.raw(field) is not None:
            return said
    return "tcp"


def _query(fields: Fields, at: At, key: str | None, collector: Collector, noted: Noted) -> bool:
    name = _TYPED.sub("", fields.text("query") or "", count=1) or None
    if name is None or key is None:
        noted.add("DNS events that name no process or no query")
        return False
    answers = (fields.text("answers") or "")[:_MOST_RESPONSE]
    collector.name_query(key, name_query(at, name, re.split(r"[;,\s]+", answers)))
    return True
