"""Carbon Black EDR, as its Event Forwarder writes it (JSON): ``ingress.event.netconn``, ``procstart``, ``procend``.

Times are whole seconds on the host's clock, unless the forwarder is told to write fractions: good enough to tell
connections by their tuple, not to order them. A connection through a proxy is shown by the address it really went to,
the proxy's, with the name that was asked for. Fields: the forwarder's source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import Facts
from whosasking.endpoints.reading import At, BadRecordError, End, Events, Fields, direction, no_connection, socket
from whosasking.endpoints.values import basename, epoch, flag, transport

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "carbon black edr"
PRODUCT = "Carbon Black EDR"

_PREFIX = "ingress.event."
_CONNECTION, _START, _END = "netconn", "procstart", "procend"
EVENTS = Events(
    "type", (_PREFIX + kind for kind in (_CONNECTION, _START, _END)), lambda said: said.removeprefix(_PREFIX)
)

TABLE: Table = {
    "event": ("type",),
    "ts": ("timestamp", "event_timestamp"),
    "host": ("computer_name", "hostname"),
    "guid": ("process_guid",),
    "pid": ("pid",),
    # path is the new process's own in procstart; process_path is what later events call it.
    "image": ("process_path", "path"),
    "command_line": ("command_line", "cmdline"),
    "user": ("username",),
    # The forwarder writes the sensor's number as parent_guid, and beside it the GUID that other records have.
    "parent_guid": ("parent_process_guid", "parent_guid"),
    "parent_pid": ("parent_pid",),
    "parent_image": ("parent_path",),
    "local_ip": ("local_ip",),
    "local_port": ("local_port",),
    "remote_ip": ("remote_ip", "ipv4"),
    "remote_port": ("remote_port", "port"),
    "proxy": ("proxy",),
    "proxy_ip": ("proxy_ip",),
    "proxy_port": ("proxy_port",),
    "protocol": ("protocol",),
    "direction": ("direction",),
    "domain": ("domain",),
}


def is_ours(row: Row) -> bool:
    """Tell an event of the forwarder: raw endpoint events, or the server's own (alerts, binaries) among them."""
    event = row.get("type")
    return isinstance(event, str) and (event.startswith(_PREFIX) or ("cb_server" in row and "." in event))


GLANCE = Glance((EVENTS.field,), EVENTS.judge)


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one event to the collector."""
    fields = Fields(row, TABLE)
    event = EVENTS.of(fields.text("event"), noted)
    if event is None:
        return False
    ts = epoch(fields.raw("ts"))
    if ts is None:
        raise BadRecordError(f"{event}: no timestamp that can be read")
    at = At(collector.host(fields.need("host", "computer_name"), ts), ts, source, PRODUCT)
    if event == _CONNECTION:
        return _connection(fields, at, collector, noted)
    key = _key(at, fields.text("guid"))
    if key is None:
        raise BadRecordError(f"{event}: no process_guid")
    if event == _START:
        collector.start(_start(fields, at, key, collector), ts, PRODUCT, source, (key, ts))
    else:
        collector.process(key, Facts(host=at.host, ended=ts))
    return True


def _key(at: At, guid: str | None) -> str | None:
    """Return the process's key. Some records append the segment of its document to the GUID: it is no part of it."""
    if guid is None or not guid.strip("0-"):
        return None
    return f"{at.host}/{'-'.join(guid.lower().split('-')[:5])}"


def _start(fields: Fields, at: At, key: str, collector: Collector) -> str:
    parent, parent_image = _key(at, fields.text("parent_guid")), fields.text("parent_image")
    if parent is not None and parent_image is not None:
        pid = fields.pid("parent_pid")
        parent = collector.process(parent, Facts(host=at.host, name=basename(parent_image), pid=pid, path=parent_image))
    image = fields.text("image")
    own = fields.row.get("path")
    image = own if isinstance(own, str) and own else image
    facts = Facts(
        host=at.host,
        name=basename(image),
        pid=fields.pid("pid"),
        path=image,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        started=at.ts,
        parent=parent,
    )
    return collector.process(key, facts)


def _connection(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    remote = End.of(fields, "remote_ip", "remote_port")
    if flag(fields.raw("proxy")):
        proxy = End.of(fields, "proxy_ip", "proxy_port")
        remote = proxy if proxy.ip else remote
    protocol = transport(fields.raw("protocol"))
    if reason := no_connection(remote, protocol):
        noted.add(reason)
        return False
    key, image = _key(at, fields.text("guid")), fields.text("image")
    pid = fields.pid("pid")
    if key is not None:
        key = collector.process(key, Facts(host=at.host, name=basename(image), pid=pid, path=image))
    seen = socket(
        at,
        End.of(fields, "local_ip", "local_port"),
        remote,
        protocol,
        initiated=direction(fields.text("direction")),
        remote_name=fields.text("domain"),
    )
    collector.socket(key, seen, pid)
    return True
