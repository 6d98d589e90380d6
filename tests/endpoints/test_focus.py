"""Large exports beside logs: of hosts that may have a part in a lookup every record, of the others only the name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.exports import ndjson, reasons
from endpoints.test_carried import CARRIERS
from whosasking import catalogue, endpoints
from whosasking.endpoints import sysmon_shapes
from whosasking.endpoints.interest import MOST_SOUGHT, Interest
from whosasking.inputs import Input, Inputs, read_head
from whosasking.leases import Lease
from whosasking.model import Detection, Lookup
from whosasking.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from whosasking.model import EndpointReading

Row = dict[str, Any]
SERVER, WEB, CLIENT, NOBODYS = "192.0.47.59", "198.51.100.7", "10.0.0.1", "203.0.113.9"
HOSTS = 7
CURIOUS = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
OTHER = "f" * 32


def sysmon(host: int) -> list[Row]:
    """An ordinary hour of one host: starts, connections, queries and noise, none of them about lookups."""
    guid = f"{{{host:08x}-0000-0000-0000-000000000001}}"
    rows = [
        events.flat(1, events.start(ProcessGuid=guid, Image="C:\\a.exe", CommandLine="a.exe")),
        events.flat(22, events.query(ProcessGuid=guid, QueryName="a.example", QueryResults="192.0.2.7;")),
        events.flat(11, {"UtcTime": events.UTC}),
        *(
            events.flat(
                3,
                events.connection(
                    ProcessGuid=guid,
                    Image="C:\\a.exe",
                    SourceIp=f"10.0.0.{host}",
                    SourcePort=str(50_000 + port),
                    DestinationIp="192.0.2.7",
                    DestinationPort="443",
                ),
            )
            for port in range(3)
        ),
    ]
    return [row | {"Hostname": f"WS{host}"} for row in rows]


def falcon(aid: str, name: str) -> list[Row]:
    base = {"aid": aid, "ContextTimeStamp": "1714557601.5", "ContextProcessId": "7", "ContextBaseFileName": "x"}
    query = base | {"event_simpleName": "DnsRequest", "DomainName": name, "IP4Records": "192.0.2.8;"}
    connect = base | {"event_simpleName": "NetworkConnectIP4", "RemoteAddressIP4": "192.0.2.8", "RemotePort": "443"}
    return [query, connect, base | {"event_simpleName": "FileWritten"}]


@pytest.fixture
def exports(tmp_path: Path) -> list[Path]:
    every = [row for host in range(HOSTS) for row in sysmon(host)]
    every.append(events.flat(1, events.start()) | {"Hostname": "WS2"})
    every.append(events.flat(22, events.query()) | {"Hostname": "WS3"})
    every.append(
        events.flat(3, events.connection(SourceIp="10.0.0.4", DestinationIp=WEB, DestinationPort="443"))
        | {"Hostname": "WS4"}
    )
    every.append(events.flat(3, events.connection(SourceIp="10.0.0.5", DestinationIp=WEB)) | {"Hostname": "WS5"})
    master = [
        {"aid": aid, "ComputerName": name, "AgentVersion": "7", "Time": "1"}
        for aid, name in ((CURIOUS, "CS1"), (OTHER, "CS2"))
    ]
    return [
        ndjson(tmp_path / "sysmon.json", every),
        ndjson(tmp_path / "fdr.json", falcon(CURIOUS, "rdap.arin.net") + falcon(OTHER, "b.example")),
        ndjson(tmp_path / "master.json", master),
    ]


def lookup(src: str, dst: str, port: int) -> Lookup:
    return Lookup(ts=events.TS, detection=Detection.PORT43, sensor="zeek", src_ip=src, dst_ip=dst, dst_port=port)


def reading_of(
    paths: Sequence[Path], lookups: list[Lookup] | None, leases: Sequence[Lease] = (), **configured: list[str]
) -> tuple[EndpointReading, Inputs]:
    inputs = Inputs()
    for path in paths:
        kind = endpoints.sniff(read_head(str(path), 256 << 10).data)
        assert kind is not None
        inputs.endpoints.append(Input(str(path), kind, None))
        inputs.tally(str(path), kind)
    interest = None if lookups is None else Interest(lookups, leases, configured, catalogue.load())
    return endpoints.read(inputs, SILENT, interest), inputs


def records(reading: EndpointReading, hosts: set[str]) -> list[list[str]]:
    of = lambda record: record.process.host in hosts  # noqa: E731 - a record of any kind
    kinds = (reading.starts, reading.sockets, reading.unowned_sockets, reading.name_queries)
    return [sorted(map(repr, filter(of, kind))) for kind in kinds]


@pytest.mark.parametrize(
    ("lookups", "more", "hosts"),
    [
        # WS2 started whois, WS3 and CS1 resolved lookup hosts, WS5's connection is to port 43: their own records tell.
        ([], {}, {"WS2", "WS3", "CS1", "WS5"}),
        ([lookup(CLIENT, SERVER, 43)], {}, {"WS1", "WS2", "WS3", "CS1", "WS5"}),
        # Behind address translation, those that spoke to the server and port; here WS4.
        ([lookup(NOBODYS, WEB, 443)], {}, {"WS2", "WS3", "WS4", "CS1", "WS5"}),
        ([lookup("10.9.9.9", SERVER, 43)], {"WS6.corp.example": ["10.9.9.9"]}, {"WS2", "WS3", "CS1", "WS5", "WS6"}),
    ],
)
def test_hosts_with_a_part_in_a_lookup_are_read_whole(
    lookups: list[Lookup], more: dict[str, list[str]], hosts: set[str], exports: list[Path]
) -> None:
    whole, _ = reading_of(exports, None)
    focused, _ = reading_of(exports, lookups, **more)
    assert records(focused, hosts) == records(whole, hosts)
    assert records(focused, hosts) == records(focused, set(whole.spans))
    assert focused.spans.keys() == whole.spans.keys()
    assert {host: focused.addresses[host] for host in hosts & whole.addresses.keys()} == {
        host: whole.addresses[host] for host in hosts & whole.addresses.keys()
    }


def test_too_many_lookups_to_look_for() -> None:
    def wide(count: int) -> bool:
        asked = [lookup(f"10.{number // 250}.{number % 250}.1", SERVER, 43) for number in range(count)]
        return Interest(asked, [], {}, catalogue.load()).is_wide

    assert not wide(100)
    assert wide(MOST_SOUGHT)


def test_a_lease_names_the_host(exports: list[Path]) -> None:
    leases = [
        Lease(ip="10.9.9.9", ts=1, until=2, mac="02:00:00:00:00:01", host=None),
        Lease(ip="10.9.9.8", ts=0, until=1, mac="02:00:00:00:00:01", host="ws0.corp.example"),
    ]
    focused, _ = reading_of(exports, [lookup("10.9.9.9", SERVER, 43)], leases)
    assert {socket.host for socket in focused.sockets} == {"WS0", "WS2", "WS3", "CS1", "WS5"}


def test_every_line_is_accounted_for(exports: list[Path]) -> None:
    with exports[0].open("a", encoding="utf-8") as file:
        file.write('{"EventID":3,"Hostname":"WS1"\n')
    _, inputs = reading_of(exports, [])
    report = inputs.tallies[str(exports[0])].report()
    lines = exports[0].read_text("utf-8").count("\n")
    assert report.records == lines - 1
    read = 6 * 3 - 3 + 3  # three hosts' hour without its noise, and what each did beside
    passed = lines - 1 - HOSTS - read
    assert report.candidates == read
    assert reasons(report) == [
        "None: 7 events not used: Sysmon 11 (7)",
        f"None: {passed} records of hosts that have no part in a lookup, passed over",
        f"{lines}: no JSON: Input data was truncated",
    ]


NAMES = ("M\u00dcLLER-PC", "stra\u00dfe", "CORP\\WS8", 'WS "8"', "\u6f22\u5b57", " WS8 ", 12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_names_that_json_spells_otherwise(name: Any, ascii_only: bool, tmp_path: Path) -> None:
    rows = [*(row for host in range(3) for row in sysmon(host)), *(row | {"Hostname": name} for row in sysmon(8))]
    path = tmp_path / "x.json"
    path.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), "utf-8")
    whole, _ = reading_of([path], None)
    focused, _ = reading_of([path], [lookup("10.0.0.8", SERVER, 43)])
    hosts = {str(name).strip()}
    assert len(focused.sockets) == len(sysmon(8)) - 3
    assert records(focused, hosts) == records(whole, hosts)


def test_hosts_are_named_where_colons_stand_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    every = [row for host in range(3) for row in sysmon(host) if row["EventID"] == 3]
    rows = [json.dumps(row, separators=(", ", "  :  ")) for row in every]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    focused, _ = reading_of([path], [lookup("10.0.0.1", SERVER, 43)])
    assert set(focused.spans) == {"WS0", "WS1", "WS2"}
    assert {socket.host for socket in focused.sockets} == {"WS1"}


def test_a_command_line_that_only_the_child_tells(tmp_path: Path) -> None:
    python = {"ProcessGuid": events.SHELL, "ProcessId": "300", "Image": "C:\\python.exe", "CommandLine": ""}
    child = {
        "Image": "C:\\a.exe",
        "CommandLine": "a.exe",
        "ParentImage": "C:\\python.exe",
        "ParentCommandLine": "python whois.py example.com",
    }
    told = [events.flat(1, events.start(**python)), events.flat(1, events.start(**child))]
    path = ndjson(tmp_path / "x.json", [row for host in range(3) for row in sysmon(host)] + told)
    whole, _ = reading_of([path], None)
    focused, _ = reading_of([path], [])
    assert records(focused, {events.HOST}) == records(whole, {events.HOST})
    assert len(focused.starts) == len(told)


def test_a_host_has_the_name_that_comes_last_whatever_form_its_file_has(tmp_path: Path) -> None:
    old, new = ({"aid": CURIOUS, "ComputerName": name, "AgentVersion": "7", "Time": "1"} for name in ("OLD", "NEW"))
    array = tmp_path / "c.json"
    array.write_text(json.dumps([new]), "utf-8")
    paths = [ndjson(tmp_path / "a.json", falcon(CURIOUS, "rdap.arin.net")), ndjson(tmp_path / "b.json", [old]), array]
    for order, name in ((paths, "NEW"), ([array, *paths[:2]], "OLD")):
        for lookups in (None, []):
            reading, _ = reading_of(order, lookups)
            assert set(reading.spans) == {name}


def in_sentinel(number: int, fields: dict[str, str]) -> Row:
    data = windows.event_data(fields).replace("w''h", "w&apos;&apos;h")
    log = "Microsoft-Windows-Sysmon/Operational"
    base = {"TimeGenerated": windows.LOGGED, "Source": windows.SYSMON, "EventLog": log, "Computer": events.HOST}
    return base | {"EventID": number, "EventData": data}


def in_syslog(number: int, fields: dict[str, str]) -> Row:
    return {"Computer": "RELAY", "SyslogMessage": windows.xml(number, fields)}


@pytest.mark.parametrize("shape", [in_sentinel, in_syslog])
@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize(
    "told",
    [
        (3, events.connection(Image="/usr/bin/x", DestinationIp="192.0.2.9")),
        (1, events.start(Image="/bin/sh", CommandLine="sh -c w''hois")),
    ],
)
def test_what_xml_in_json_tells(told: tuple[int, dict[str, str]], escaped: bool, shape: Any, tmp_path: Path) -> None:
    other = shape(3, events.connection(Image="/usr/bin/y", DestinationPort="443", DestinationIp="192.0.2.7"))
    # The first lines of a host are looked at whatever they hold.
    text = "".join(json.dumps(row) + "\n" for row in (*[other] * 4, shape(*told)))
    path = tmp_path / "x.json"
    path.write_text(text.replace("<", "\\u003c").replace(">", "\\u003e") if escaped else text, "utf-8")
    whole, _ = reading_of([path], None)
    focused, _ = reading_of([path], [])
    assert records(focused, {events.HOST}) == records(whole, {events.HOST})
    assert len(focused.starts) + len(focused.sockets) == 2


@pytest.mark.parametrize("carrier", ["splunk", "splunk's collector", "event.original", "splunk's XML"])
@pytest.mark.parametrize("name", ["sysmon", "crowdstrike"])
def test_events_that_another_product_carries_are_all_looked_at(name: str, carrier: str, tmp_path: Path) -> None:
    """In a string in a field neither a host nor a kind of event stands as a screen looks for it."""
    rows = [row for host in range(HOSTS) for row in sysmon(host)]
    if name == "crowdstrike":
        rows = falcon(CURIOUS, "rdap.arin.net") + falcon(OTHER, "b.example")
    if carrier == "splunk's XML":
        rows = [splunk_xml(row) for row in rows if row.get("EventID") in {1, 3}]
    else:
        rows = [CARRIERS[carrier](row) for row in rows]
    if not rows:
        pytest.skip("no XML of this product")
    path = ndjson(tmp_path / "x.json", rows)
    whole, _ = reading_of([path], None)
    hosts = {CURIOUS} if name == "crowdstrike" else {"WS1"}
    focused, inputs = reading_of([path], [lookup("10.0.0.1", SERVER, 43)])
    assert records(focused, hosts) == records(whole, hosts)
    assert records(whole, hosts) != [[], [], [], []]
    assert inputs.tallies[str(path)].records == len(rows)
    assert set(focused.spans) == set(whole.spans)  # of the others that they are there


def splunk_xml(row: Row) -> Row:
    fields = {name: value for name, value in row.items() if name in sysmon_shapes._EVENT_DATA.values()}
    return {
        "preview": False,
        "result": {"_raw": windows.xml(row["EventID"], fields).replace(events.HOST, row["Hostname"])},
    }
