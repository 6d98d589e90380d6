"""Every field of a product's mapping table tells something: without it, the reading of some fixture is another."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.products import STORIES
from endpoints.test_defender import inspected, network, process
from endpoints.test_products import MODULES
from whosasking.endpoints import defender_columns, osquery, sentinelone, sysmon_shapes
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.kinds import KINDS
from whosasking.endpoints.products import BY_KIND, take_lines
from whosasking.endpoints.reading import take_all
from whosasking.endpoints.rows import rows_of
from whosasking.inputs import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endpoints.story import Row


def without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def elastic(rows: list[Row]) -> Iterator[Row]:
    """Rows that lack what usually hides a field: paths (names show), parents' command lines, DNS-only fields."""
    connect, lookup, _, start = rows
    named = {"entity_id": "b", "name": "curl", "parent": {"entity_id": "c", "name": "sh", "pid": 9}}
    yield start | {"process": named, "event": {"action": "exec"}}
    running = start["process"] | {"start": "2024-05-01T09:00:00Z"}
    yield start | {"process": running, "event": {"action": "already_running"}}
    yield start | {"data_stream": {"dataset": "endpoint.events.library"}, "process": {"entity_id": "d", "name": "x"}}
    yield connect | {"destination": {"ip": "192.0.2.7", "port": 443, "domain": "rdap.example"}}
    accepted = {"event": {"action": "connection_accepted"}, "network": {"direction": "ingress", "transport": "udp"}}
    yield connect | accepted | {"source": {"ip": "192.0.2.8", "port": 5, "domain": "peer.example"}}
    yield lookup


def falcon(rows: list[Row]) -> Iterator[Row]:
    connect, query, end, start, master = rows
    yield connect | {"event_simpleName": "NetworkConnectIP6", "LocalAddressIP6": "2001:db8::5", "ContextProcessId": "7"}
    yield connect | {"RemoteAddressIP6": "2001:db8::9", "event_simpleName": "NetworkConnectIP6", "LocalPort": "9"}
    yield connect | {"OriginatingURL": "rdap.example", "ConnectionDirection": "1", "Protocol": "17", "LocalPort": "8"}
    yield without(connect, "ContextTimeStamp") | {"LocalPort": "7"}
    yield query | {"IP4Records": "", "IP6Records": "2001:db8::1;", "DomainName": "six.example"}
    yield end | {"ProcessEndTime": "1714557700.5"}
    yield without(start, "ContextTimeStamp") | {"TargetProcessId": "5", "UserName": ""}
    yield master


def carbon_black(rows: list[Row]) -> Iterator[Row]:
    connect = rows[0]
    yield connect | {"proxy": True, "proxy_ip": "10.1.1.1", "proxy_port": 3128, "protocol": 17}


def cloud(rows: list[Row]) -> Iterator[Row]:
    connect = rows[0]
    more = {"netconn_proxy_ip": "10.1.1.1", "netconn_proxy_port": 3128, "type": "endpoint.event.netconn_proxy"}
    yield connect | more | {"netconn_protocol": "PROTO_UDP", "local_port": 9}
    yield connect | {"action": "ACTION_CONNECTION_CREATE_FAILED", "local_port": 8}
    yield connect | {"netconn_dns_query": "whois.example", "netconn_dns_answers": "192.0.2.5", "local_port": 7}


def sentinelone_rows(rows: list[Row]) -> Iterator[Row]:
    connect = rows[0]
    yield connect | {"meta.event.name": "", "event.network.protocolName": "udp", "src.port.number": 9}
    yield connect | {"event.network.direction": "INCOMING", "meta.event.name": "UDPV4", "src.port.number": 8}
    yield without(connect, "event.time") | {"timestamp": "2024-05-01T10:05:00.5Z", "src.port.number": 7}
    yield without(connect, "src.process.image.path", "src.process.parent.image.path")
    yield without(rows[2], "tgt.process.image.path") | {"tgt.process.startTime": 1714550000000}


def velociraptor(rows: list[Row]) -> Iterator[Row]:
    (row,) = rows
    yield without(row, "Path")
    yield row | {"Type": "UDP"}
    yield row | {"Status": "CLOSED"}


def osquery_rows(rows: list[Row]) -> Iterator[Row]:
    connect, start, shell = rows
    yield shell
    yield connect | {"columns": connect["columns"] | {"local_address": "10.1.2.3", "local_port": "50123", "pid": "8"}}
    yield connect | {"columns": connect["columns"] | {"action": "bind"}}
    yield connect | {"columns": connect["columns"] | {"family": "1", "pid": "9"}}
    yield connect | {"columns": connect["columns"] | {"protocol": "17", "pid": "10"}}
    yield connect | {"columns": without(connect["columns"], "path", "action") | {"name": "dig", "pid": "11"}}
    yield start | {"columns": without(start["columns"], "time") | {"start_time": "1714550000"}}
    yield connect | {"action": "removed"}
    yield start | {"columns": start["columns"] | {"event_type": "exit", "pid": "4711", "time": "1714557999"}}
    asked = {"pid": "13", "path": "C:\\x.exe", "name": "whois.example", "response": "192.0.2.4;", "username": "ann"}
    yield without(connect, "columns") | {"columns": asked, "decorations": {"hostname": "named"}}
    yield connect | {"name": "unused", "columns": {"x": "y"}}


MORE: dict[str, Callable[[list[Row]], Iterator[Row]]] = {
    "elastic defend": elastic,
    "crowdstrike fdr": falcon,
    "carbon black edr": carbon_black,
    "carbon black cloud": cloud,
    "sentinelone cloud funnel": sentinelone_rows,
    "osquery": osquery_rows,
    "velociraptor netstat": velociraptor,
}
SAID_TWICE = {("elastic defend", "direction"), ("sentinelone cloud funnel", "repeated")}
"""The action says the first too; the second says only that more connections were meant, of which it tells nothing."""


def fixtures(name: str) -> list[Row]:
    rows = STORIES[name]().rows
    return [*rows, *MORE.get(name, lambda _: iter(()))(rows)]


def told(name: str) -> list[Any]:
    """What each row comes to by itself and beside a connection, so that no other row tells what it should."""
    rows = fixtures(name)
    return [_told(name, some) for row in rows for some in ([row], [rows[0], row])] + [_told(name, rows)]


def _told(name: str, rows: list[Row]) -> Any:
    collector, tally, noted = Collector(), Tally("x"), Noted()
    lines = enumerate((json.dumps(row).encode() for row in rows), 1)
    if name in KINDS:
        take_lines(name, lines, collector, tally, noted)
    else:
        take_all(rows_of(lines, tally), BY_KIND[name], collector, tally, noted)
    tally.fields_not_read = {}
    return collector.reading(), tally.report()


def fields() -> Iterator[tuple[str, str, str]]:
    for name, module in MODULES.items():
        for field in import_module(f"whosasking.endpoints.{module}").TABLE:
            if (name, field) not in SAID_TWICE:
                yield name, "TABLE", field
    yield from (("osquery", "ENVELOPE", field) for field in osquery.ENVELOPE)
    for table in ("_ACTING", "_PARENT", "_NEW"):
        yield from (("sentinelone cloud funnel", table, field) for field in sentinelone._PROCESS)


@pytest.mark.parametrize(("name", "table", "field"), list(fields()))
def test_without_a_field_the_reading_is_another(
    name: str, table: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(name)
    mapping = getattr(import_module(f"whosasking.endpoints.{MODULES[name]}"), table)
    monkeypatch.setitem(mapping, field, ())
    assert told(name) != whole


DEFENDER: list[Row] = [
    network(RemoteUrl="whois.example", ReportId="7"),
    network(ActionType="ConnectionFailed", Protocol="Udp", RemoteIPType="Private", LocalPort="9"),
    network(DeviceName="", InitiatingProcessId="0", RemotePort="80"),
    network(InitiatingProcessCreationTime="", InitiatingProcessAccountName="bob", InitiatingProcessFolderPath="c:\\x"),
    without(network(), "Timestamp") | {"TimeGenerated": "2024-05-01T10:00:02Z"},
    process(ReportId="8", InitiatingProcessFolderPath="c:\\windows"),
    process(
        InitiatingProcessParentFileName="explorer.exe",
        InitiatingProcessParentId="9",
        InitiatingProcessParentCreationTime="2024-05-01T08:00:00Z",
    ),
    inspected(),
    {"Timestamp": "2024-05-01T10:00:00Z", "DeviceName": "ws1", "IPAddresses": '[{"IPAddress": "10.1.2.3"}]'},
    *(network(ActionType="") | {name: "DeviceFileEvents"} for name in ("Type", "TableName", "SourceTable", "$table")),
]
NO_COLUMNS_OF_DEFENDER = {
    "initiatingprocessparentfolderpath",
    "initiatingprocessparentcommandline",
    "initiatingprocessparentaccountname",
}
"""The schema has none of these; they are named because all processes of a row are read alike."""


@pytest.mark.parametrize("column", sorted(defender_columns.READ - NO_COLUMNS_OF_DEFENDER))
def test_without_a_column_of_defender_the_reading_is_another(column: str) -> None:
    def read(rows: list[Row]) -> list[Any]:
        return [_told("defender json", some) for row in rows for some in ([row], [rows[5], row])]

    less = [{name: value for name, value in row.items() if defender_columns.column(name) != column} for row in DEFENDER]
    assert less != DEFENDER
    assert read(less) != read(DEFENDER)


SYSMON: list[Row] = [
    events.flat(1, events.start(ParentUser="CORP\\bob")),
    events.flat(3, events.connection(DestinationHostname="whois.iana.org", Protocol="udp", Initiated="true")),
    events.flat(3, events.connection(Initiated="false", SourceHostname="peer.example")),
    events.flat(5, events.end()),
    events.flat(22, events.query()),
    windows.security(4688, windows.process_created(TargetUserName="svc", TargetDomainName="CORP")),
    windows.security(4688, windows.process_created()),
    windows.security(4689, windows.process_exited(), 60),
    windows.security(4689, windows.process_exited(ProcessName="C:\\other.exe"), 60),
    windows.security(5156, windows.connection_allowed(Protocol="17"), 30),
    windows.security(5156, windows.connection_allowed(ProcessID="1", Direction="%%14592"), 40),
]
GUIDLESS = [without(row, "ProcessGuid", "ParentProcessGuid") for row in SYSMON[:5]]
EVENT_FIELDS = sorted({*sysmon_shapes._EVENT_DATA.values(), *sysmon_shapes._SECURITY_DATA.values()})


@pytest.mark.parametrize("field", EVENT_FIELDS)
def test_without_a_field_of_windows_events_the_reading_is_another(field: str) -> None:
    def read(rows: list[Row]) -> list[Any]:
        return [_told("sysmon flat", some) for row in rows for some in ([row], [row, rows[0]], [row, rows[6]])]

    rows = SYSMON + GUIDLESS
    less = [without(row, field) for row in rows]
    assert less != rows
    assert read(less) != read(rows)
