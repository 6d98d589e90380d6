"""CrowdStrike Falcon Data Replicator: process rollups, connections, DNS requests and addresses, with aidmaster's names.

Events carry an agent's id (``aid``), not its name; the name comes in aidmaster files of the same export. A process is
known by ``aid`` and ``TargetProcessId``, which is no pid (``RawProcessId`` is). Exports of the search console append
``_decimal`` to numbers, those of its successor (LogScale) write the event as a tag, ``#event_simpleName``. Times are
epoch seconds on the host's clock; ``timestamp`` and ``@timestamp`` are when the cloud received it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints.glance import Glance
from whosasking.endpoints.interface import Facts
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import At, BadRecordError, End, Events, Fields, name_query, no_connection, socket
from whosasking.endpoints.values import address, basename, epoch, epoch_millis, flag, instant, transport

if TYPE_CHECKING:
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "crowdstrike fdr"
PRODUCT = "CrowdStrike Falcon"

_STARTS = frozenset({"ProcessRollup2", "SyntheticProcessRollup2"})
_CONNECTIONS = frozenset(
    {"NetworkConnectIP4", "NetworkConnectIP6", "NetworkReceiveAcceptIP4", "NetworkReceiveAcceptIP6"}
)
_QUERY, _END = "DnsRequest", "EndOfProcess"
_ADDRESSES = frozenset({"LocalIpAddressIP4", "LocalIpAddressIP6"})
EVENTS = Events("event_simpleName", _STARTS | _CONNECTIONS | _ADDRESSES | {_QUERY, _END})
_MASTER = ("ComputerName", "AgentVersion", "MachineDomain", "AgentLoadFlags", "BiosManufacturer", "aip", "Time")
_ALIKE = 2
_MOST_RECORDS = 16_384
_MOST_OF_ONE = 64


def _places(*names: str) -> tuple[str, ...]:
    return tuple(spelling for name in names for spelling in (name, f"{name}_decimal"))


TABLE: Table = {
    "event": ("event_simpleName", "#event_simpleName"),
    "aid": ("aid",),
    "computer": ("ComputerName",),
    "ts": _places("ContextTimeStamp"),
    "received": (*_places("timestamp"), "@timestamp"),
    "target": _places("TargetProcessId"),
    "context": _places("ContextProcessId"),
    "pid": _places("RawProcessId"),
    "image": ("ImageFileName",),
    "context_name": ("ContextBaseFileName",),
    "command_line": ("CommandLine",),
    "parent": _places("ParentProcessId"),
    "parent_name": ("ParentBaseFileName",),
    "started": _places("ProcessStartTime"),
    "ended": _places("ProcessEndTime"),
    "user": ("UserName", "UserSid", *_places("UID")),
    "local_ip": ("LocalAddressIP4", "LocalAddressIP6"),
    "local_port": _places("LocalPort", "LPort"),
    "remote_ip": ("RemoteAddressIP4", "RemoteAddressIP6"),
    # Connections over IPv6 may carry the host's IPv4 address beside their own.
    "local_ip6": ("LocalAddressIP6", "LocalAddressIP4"),
    "remote_ip6": ("RemoteAddressIP6", "RemoteAddressIP4"),
    "remote_port": _places("RemotePort", "RPort"),
    "remote_name": ("OriginatingURL",),
    "protocol": _places("Protocol"),
    "direction": _places("ConnectionDirection"),
    "query": ("DomainName",),
    "answers4": ("IP4Records", "FirstIP4Record"),
    "answers6": ("IP6Records", "FirstIP6Record"),
}


def is_ours(row: Row) -> bool:
    """Tell an FDR event, a row of aidmaster, or one of the managed assets."""
    if "aid" not in row:
        return False
    return not row.keys().isdisjoint(TABLE["event"]) or _is_master(row) or _is_asset(row)


def _is_master(row: Row) -> bool:
    return {"aid", "ComputerName"} <= row.keys() and sum(name in row for name in _MASTER) >= _ALIKE


def _is_asset(row: Row) -> bool:
    """Tell a network interface of a managed host, which has its address."""
    return {"aid", "LocalAddressIP4", "MAC"} <= row.keys()


GLANCE = Glance((EVENTS.field,), EVENTS.judge)


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one event to the collector."""
    fields = Fields(row, TABLE)
    said = fields.text("event")
    if said is None and _is_master(row):
        return _name(fields, collector)
    if said is None and _is_asset(row):
        return _asset(fields, collector)
    event = EVENTS.of(said, noted)
    if event is None:
        return False
    aid = fields.need("aid", "aid: no host to give it to")
    ts = epoch(fields.raw("ts")) or (epoch(fields.raw("started")) if event in _STARTS else None)
    ts = ts or epoch_millis(fields.raw("received")) or instant(fields.raw("received"), zoned_only=True)
    if ts is None:
        raise BadRecordError(f"{event}: no ContextTimeStamp, ProcessStartTime or timestamp that can be read")
    at = At(collector.host(aid, ts), ts, source, PRODUCT)
    if fields.text("computer"):
        collector.call(at.host, fields.need("computer", "ComputerName"))
    return _take(event, fields, at, collector, noted)


def _take(event: str, fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    if event in _STARTS:
        return _start(fields, at, collector)
    if event in _CONNECTIONS:
        return _connection(event, fields, at, collector, noted)
    if event == _QUERY:
        return _query(fields, at, collector, noted)
    if event == _END:
        return _end(fields, at, collector)
    if ip := End.of(fields, "local_ip", "local_port").ip:
        collector.address(at.host, ip)
    return True


def _name(fields: Fields, collector: Collector) -> bool:
    """Take a host's name from a row of aidmaster."""
    aid, computer = fields.text("aid"), fields.text("computer")
    if aid is None or computer is None:
        raise BadRecordError("an aidmaster row without aid or ComputerName")
    collector.call(collector.known_host(aid), computer)
    return True


def _asset(fields: Fields, collector: Collector) -> bool:
    """Take a host's address from a row of the managed assets, which has several, or one, of one interface."""
    host = collector.known_host(fields.need("aid", "aid"))
    found = [ip for one in (fields.text("local_ip") or "").split()[:_MOST_OF_ONE] if (ip := address(one))]
    for ip in found:
        collector.address(host, ip)
    return bool(found)


def _key(at: At, number: str | None) -> str | None:
    return f"{at.host}/{number}" if number and number.strip("0") else None


def _start(fields: Fields, at: At, collector: Collector) -> bool:
    key = _key(at, fields.text("target"))
    if key is None:
        raise BadRecordError("a process rollup without TargetProcessId")
    parent, parent_name = _key(at, fields.text("parent")), fields.text("parent_name")
    if parent is not None and parent_name is not None:
        parent = collector.process(parent, Facts(host=at.host, name=parent_name))
    image = fields.text("image")
    started = epoch(fields.raw("started")) or at.ts
    facts = Facts(
        host=at.host,
        name=basename(image),
        pid=fields.pid("pid"),
        path=image,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
        started=started,
        parent=parent,
    )
    key = collector.process(key, facts)
    if fields.text("event") == "ProcessRollup2":
        # A synthetic rollup tells of a process that already ran when the sensor began: no start that happened then.
        collector.start(key, started, PRODUCT, at.source, (key, started))
    return True


def _end(fields: Fields, at: At, collector: Collector) -> bool:
    key = _key(at, fields.text("target"))
    if key is None:
        raise BadRecordError("an EndOfProcess without TargetProcessId")
    ended = epoch(fields.raw("ended")) or at.ts
    collector.process(key, Facts(host=at.host, pid=fields.pid("pid"), ended=ended))
    return True


def _owner(fields: Fields, at: At, collector: Collector) -> str | None:
    key = _key(at, fields.text("context") or fields.text("target"))
    return collector.process(key, Facts(host=at.host, name=fields.text("context_name"))) if key else None


def _connection(event: str, fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    version = "6" if event.endswith("6") else ""
    local = End.of(fields, f"local_ip{version}", "local_port")
    remote = End.of(fields, f"remote_ip{version}", "remote_port")
    protocol = transport(fields.raw("protocol"))
    if reason := no_connection(remote, protocol):
        noted.add(reason)
        return False
    inbound = event.startswith("NetworkReceive") or flag(fields.raw("direction")) is True
    seen = socket(at, local, remote, protocol, initiated=not inbound, remote_name=fields.text("remote_name"))
    collector.socket(_owner(fields, at, collector), seen)
    return True


def _query(fields: Fields, at: At, collector: Collector, noted: Noted) -> bool:
    name, key = fields.text("query"), _owner(fields, at, collector)
    if name is None or key is None:
        noted.add("DNS events that name no process or no query")
        return False
    answers = [ip for field in ("answers4", "answers6") for ip in _records(get(fields.row, TABLE[field]))]
    collector.name_query(key, name_query(at, name, answers))
    return True


def _records(value: object) -> list[str]:
    """Return the addresses of ``192.0.2.1;192.0.2.2;``."""
    return value[:_MOST_RECORDS].split(";") if isinstance(value, str) else []
