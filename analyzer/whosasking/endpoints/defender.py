"""Microsoft Defender for Endpoint: DeviceProcessEvents, DeviceNetworkEvents, DeviceNetworkInfo and DNS in DeviceEvents.

Defender records one event per distinct set of fields and day, so no event does not mean no process. Connections it only
inspected come with pid 0; the collector ties them to the connection of the same tuple that names a process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosasking.endpoints.census import Census
from whosasking.endpoints.containers import BadRowError, decode
from whosasking.endpoints.defender_columns import (
    LOCAL_TIME,
    NETWORK,
    NETWORK_INFO,
    PROCESS,
    READ,
    Columns,
    csv_header,
    local_time,
    row_of_json,
    table_of,
)
from whosasking.endpoints.interface import UNKNOWN_PROCESS as LATER
from whosasking.endpoints.interface import Collector, Facts, Noted, OtherHostError, digest
from whosasking.endpoints.lines import lines as lines_of
from whosasking.endpoints.reading import ICMP, OTHER_HOST, BadRecordError, is_icmp
from whosasking.endpoints.rows import csv_rows, json_rows
from whosasking.endpoints.values import address, basename, instant, port, process_id, text, transport, verbatim
from whosasking.model import Micros, NameQuery, Socket, SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

PRODUCT = "Microsoft Defender"
_LISTENING = "listeningconnectioncreated"
_SCAN = "inboundinternetscaninspected"
_DNS_ACTIONS = frozenset({"dnsqueryresponse", "dnsqueryrequest"})
_INBOUND = "inboundconnection"
_ACKNOWLEDGED = "connectionacknowledged"
_MAPPED = frozenset({"foursixmapping", "fourtosixmapping", "teredo"})
_OUTCOMES = {
    "connectionsuccess": True,
    "connectionsuccessaggregatedreport": True,
    _ACKNOWLEDGED: True,
    f"inbound{_ACKNOWLEDGED}": True,
    "inboundconnectionaccepted": True,
    "connectionfailed": False,
    "connectionfailedaggregatedreport": False,
}
_DIRECTIONS = {"in": False, "out": True}
_MOST_ANSWERS = 256


def read_csv(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a CSV export: advanced hunting, Log Analytics or device timeline."""
    lines = lines_of(inp, tally, progress)
    header = next(lines, None)
    known = csv_header(header[1].decode("utf-8", "replace")) if header else None
    if known is None:
        tally.fail("the CSV header has none of Defender's columns (Timestamp, DeviceName, ActionType, RemoteIP, ...)")
        return
    names, delimiter = known
    if local_time(names):
        tally.skip(None, LOCAL_TIME)
    _read(_csv(csv_rows(lines, delimiter, len(names), tally), names), collector, tally, Noted())


def _csv(records: Iterator[tuple[int, list[str]]], names: list[str]) -> Iterator[tuple[int, Columns | None]]:
    for number, fields in records:
        yield number, row_of_json(dict(zip(names, fields, strict=True)))


def read_json(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read a JSON export: rows a line, an array, ``{"Results": [...]}``, ``{"value": [...]}`` or streaming rows."""
    read_rows(json_rows(inp, tally, progress), collector, tally, Noted())


def read_rows(rows: Iterable[tuple[int, dict[str, Any]]], collector: Collector, tally: Tally, noted: Noted) -> None:
    """Read numbered row objects."""
    _read(((number, row_of_json(row)) for number, row in rows), collector, tally, noted)


def _read(rows: Iterable[tuple[int, Columns | None]], collector: Collector, tally: Tally, noted: Noted) -> None:
    census = Census(READ)
    for number, row in rows:
        tally.records += 1
        if row is None:
            tally.skip(number, "no row of a Defender table: it lacks a time, a device or what happened")
            continue
        try:
            used = _take(row, SourceRef(path=tally.path, line=number), collector, noted)
        except OtherHostError:
            noted.add(OTHER_HOST)
        except BadRecordError as error:
            tally.skip(number, str(error))
        else:
            tally.candidates += used
            if used:
                census.count(row)
    noted.tell(tally, census)


def _take(row: Columns, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one row to the collector; False when it is of a kind that is not used."""
    table, action = table_of(row), (text(row.get("actiontype")) or "").casefold()
    if table not in {PROCESS, NETWORK, NETWORK_INFO} and action not in _DNS_ACTIONS:
        noted.add("rows not used", f"table {(table or 'unknown')[:40]}")
        return False
    if reason := _no_connection(row, action):
        noted.add(reason)
        return False
    ts = instant(row.get("timestamp")) or instant(row.get("timegenerated"))
    if ts is None:
        raise BadRecordError("no Timestamp that can be read")
    name = text(row.get("devicename")) or text(row.get("deviceid"))
    if name is None:
        raise BadRecordError("no DeviceName")
    event = _Event(row, action, collector.host(name, ts), ts, source)
    if table == NETWORK_INFO:
        _addresses(event, collector)
    elif action in _DNS_ACTIONS:
        return _query(event, collector, noted)
    elif table == PROCESS:
        _start(event, collector)
    else:
        _connection(event, collector)
    return True


def _no_connection(row: Columns, action: str) -> str | None:
    """Return why a row of the network table tells of no connection of the device; None when it may."""
    if action == _LISTENING and address(row.get("remoteip")) is None:
        return "ListeningConnectionCreated rows: a listening socket is no connection"
    if action == _SCAN:
        # The scanner is LocalIP here, and RemoteIP the device: its addresses must not become the device's.
        return "InboundInternetScanInspected rows: a scan from outside is no connection of the device"
    return ICMP if is_icmp(transport(row.get("protocol"))) else None


class _Event:
    """One row with what every table shares."""

    def __init__(self, row: Columns, action: str, host: str, ts: Micros, source: SourceRef) -> None:
        self.row = row
        self.action = action
        self.host = host
        self.ts = ts
        self.source = source

    def text(self, name: str) -> str | None:
        """Return a column as text."""
        return text(self.row.get(name))

    def extra(self) -> dict[str, Any]:
        """Return AdditionalFields, which exports write as an object or as JSON in a string."""
        value = self.row.get("additionalfields")
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = decode(value.encode("utf-8", "replace"))
            except BadRowError:
                return {}
        return value if isinstance(value, dict) else {}

    def process(self, prefix: str, collector: Collector, *, parent: str | None = None) -> str | None:
        """Add the process the columns under ``prefix`` tell of; its key, or None when they name none."""
        name, of = self.text(f"{prefix}filename"), prefix or "process"
        if name is None:
            return None
        facts = Facts(
            host=self.host,
            name=name,
            pid=process_id(self.row.get(f"{of}id")),
            path=_path(self.text(f"{prefix}folderpath"), name),
            command_line=verbatim(self.row.get(f"{of}commandline")),
            user=self.text(f"{prefix}accountname"),
            started=instant(self.row.get(f"{of}creationtime")),
            parent=parent,
        )
        return collector.process(self._key(facts), facts)

    def _key(self, facts: Facts) -> str:
        """Host, pid and creation time; the name too, because exec keeps both. Without them: whatever tells it apart."""
        device = self.text("deviceid") or self.host.casefold()
        name = (facts.name or "").casefold()
        if facts.pid is not None and facts.started is not None:
            return f"{device}/{facts.pid}/{facts.started}/{name}"
        return f"{device}/{facts.pid or '?'}/?/{name}/{digest(facts.command_line, facts.user)}"


def _path(folder: str | None, name: str) -> str | None:
    """Return the full path: FolderPath holds it already, in some exports the folder alone."""
    if folder is None or (basename(folder) or "").casefold() == name.casefold():
        return folder
    return f"{folder.rstrip('/')}/{name}" if folder.startswith("/") else f"{folder.rstrip(chr(92))}\\{name}"


def _start(event: _Event, collector: Collector) -> None:
    grandparent = event.process("initiatingprocessparent", collector)
    parent = event.process("initiatingprocess", collector, parent=grandparent)
    key = event.process("", collector, parent=parent)
    if key is None:
        raise BadRecordError("a process row without FileName")
    report = event.text("reportid")
    complete = process_id(event.row.get("processid")) and instant(event.row.get("processcreationtime"))
    if report:
        identity: tuple[object, ...] | None = (event.host, report, event.ts, key)
    else:
        identity = (key, event.ts) if complete else None
    collector.start(key, event.ts, PRODUCT, event.source, identity)


def _connection(event: _Event, collector: Collector) -> None:
    row = event.row
    extra = event.extra()
    parent = event.process("initiatingprocessparent", collector)
    key = event.process("initiatingprocess", collector, parent=parent)
    remote_type = (event.text("remoteiptype") or "").casefold()
    socket = Socket(
        id=f"{event.source.path}:{event.source.line}",
        ts=event.ts,
        host=event.host,
        process=LATER,
        protocol=transport(row.get("protocol")),
        local_ip=address(row.get("localip")),
        local_port=port(row.get("localport")),
        remote_ip=address(row.get("remoteip")),
        remote_port=port(row.get("remoteport")),
        remote_name=event.text("remoteurl") or (_inspected_name(extra) if event.action.endswith("inspected") else None),
        # A mapped or tunnelled address hides a public one; then the address itself is asked.
        remote_is_public=None if not remote_type or remote_type in _MAPPED else remote_type == "public",
        initiated=_initiated(event.action, extra),
        succeeded=_OUTCOMES.get(event.action),
        product=PRODUCT,
        source=event.source,
    )
    collector.socket(key, socket)


def _initiated(action: str, extra: dict[str, Any]) -> bool | None:
    """Return who opened the connection. A row may say so itself: ConnectionAttempt may be one from outside.

    An acknowledgement is a SYN-ACK that was seen, coming in or going out: no word of who had asked.
    """
    said = _DIRECTIONS.get((text(extra.get("direction")) or "").lower())
    if said is not None:
        return said
    if action in {"connectionfound", _LISTENING} or action.endswith(_ACKNOWLEDGED):
        return None
    if action.startswith(_INBOUND):
        return False
    return True if action.startswith("connection") else None


def _inspected_name(extra: dict[str, Any]) -> str | None:
    """Return the server an inspected connection named: TLS server_name, or HTTP host and uri.

    What goes to a proxy has the whole URL as its uri, or after CONNECT the host and port.
    """
    host, uri = text(extra.get("host")), text(extra.get("uri")) or ""
    if host and uri.startswith("/"):
        return f"http://{host}{uri}"
    if uri.startswith(("http://", "https://")):
        return uri
    return text(extra.get("server_name")) or host or (uri or None)


def _addresses(event: _Event, collector: Collector) -> None:
    value = event.row.get("ipaddresses")
    if isinstance(value, str):
        try:
            value = decode(value.encode("utf-8", "replace"))
        except BadRowError:
            raise BadRecordError("IPAddresses is no JSON") from None
    for entry in value if isinstance(value, list) else ():
        ip = address(entry.get("IPAddress") if isinstance(entry, dict) else entry)
        if ip:
            collector.address(event.host, ip)


def _query(event: _Event, collector: Collector, noted: Noted) -> bool:
    extra = {name.lower(): value for name, value in event.extra().items()}
    name = text(extra.get("dnsquerystring")) or text(extra.get("query"))
    key = event.process("initiatingprocess", collector)
    if name is None or key is None:
        noted.add("DNS rows that name no process or no query")
        return False
    answers = tuple(dict.fromkeys(_answers(extra.get("dnsqueryresult"))))
    query = NameQuery(
        ts=event.ts, host=event.host, process=LATER, name=name, addresses=answers, product=PRODUCT, source=event.source
    )
    collector.name_query(key, query)
    return True


def _answers(result: object) -> Iterator[str]:
    """Yield the addresses in a DnsQueryResult: a list of objects or of text, or JSON in a string."""
    if isinstance(result, str):
        try:
            result = decode(result.encode("utf-8", "replace"))
        except BadRowError:
            result = result.split(";") if isinstance(result, str) else []
    for entry in result[:_MOST_ANSWERS] if isinstance(result, list) else ():
        values = entry.values() if isinstance(entry, dict) else (entry,)
        yield from (ip for value in list(values)[:_MOST_ANSWERS] if (ip := address(value)))
