"""Microsoft Defender's exports in every shape give the same records, and their odd rows are stepped around."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.exports import csv_text, ndjson, read, reasons
from whosasking import endpoints

if TYPE_CHECKING:
    from pathlib import Path

TS = 1_714_557_601_123_456  # 2024-05-01T10:00:01.1234567Z
Row = dict[str, str]


def network(**more: str) -> Row:
    return {
        "Timestamp": "2024-05-01T10:00:01.1234567Z",
        "DeviceId": "d1",
        "DeviceName": "ws1.corp.example",
        "ActionType": "ConnectionSuccess",
        "RemoteIP": "192.0.47.59",
        "RemotePort": "43",
        "RemoteUrl": "",
        "LocalIP": "10.1.2.3",
        "LocalPort": "50123",
        "Protocol": "Tcp",
        "RemoteIPType": "Public",
        "InitiatingProcessFileName": "whois.exe",
        "InitiatingProcessFolderPath": "c:\\tools\\whois.exe",
        "InitiatingProcessId": "4711",
        "InitiatingProcessCommandLine": "whois example.com",
        "InitiatingProcessCreationTime": "2024-05-01T10:00:00.5Z",
        "InitiatingProcessParentFileName": "cmd.exe",
        "InitiatingProcessParentId": "300",
        "InitiatingProcessParentCreationTime": "2024-05-01T09:00:00Z",
        "InitiatingProcessAccountName": "ann",
        "AdditionalFields": "",
        **more,
    }


def process(**more: str) -> Row:
    return {
        "Timestamp": "2024-05-01T10:00:00.5Z",
        "DeviceId": "d1",
        "DeviceName": "ws1.corp.example",
        "ActionType": "ProcessCreated",
        "FileName": "whois.exe",
        "FolderPath": "c:\\tools",
        "ProcessId": "4711",
        "ProcessCommandLine": "whois example.com",
        "ProcessCreationTime": "2024-05-01T10:00:00.5Z",
        "AccountName": "ann",
        "InitiatingProcessFileName": "cmd.exe",
        "InitiatingProcessId": "300",
        "InitiatingProcessCommandLine": "cmd.exe /k",
        "InitiatingProcessCreationTime": "2024-05-01T09:00:00Z",
        "InitiatingProcessAccountName": "ann",
        **more,
    }


def inspected(action: str = "SslConnectionInspected", extra: object = None, **more: str) -> Row:
    nobody = dict.fromkeys((name for name in network() if name.startswith("InitiatingProcess")), "")
    fields = json.dumps(extra or {"direction": "Out", "server_name": "rdap.arin.net"})
    return network(ActionType=action, AdditionalFields=fields, **{**nobody, "InitiatingProcessId": "0", **more})


def csv_file(tmp_path: Path, rows: list[Row], name: str = "x.csv") -> Path:
    path = tmp_path / name
    path.write_text(csv_text(rows), "utf-8", newline="")
    return path


def log_analytics(row: Row, clock: str) -> Row:
    names = {"Timestamp": f"TimeGenerated [{clock}]"}
    return {names.get(k, k): "5/1/2024, 10:00:01.123 AM" if k == "Timestamp" else v for k, v in row.items()}


def timeline(row: Row) -> Row:
    """A device timeline's headers: the same names with spaces, the time and device under names of their own."""
    names = {"Timestamp": "Event Time", "DeviceName": "Computer Name", "DeviceId": "Machine Id"}
    spaced = {"RemoteIP": "Remote IP", "LocalIP": "Local IP", "RemoteIPType": "Remote IP Type"}
    return {
        names.get(k, spaced.get(k, "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(k)))): v
        for k, v in row.items()
    }


def shapes(tmp_path: Path) -> dict[str, Path]:
    row: dict[str, Any] = network()
    typed = row | {"RemotePort": 43, "LocalPort": 50123, "InitiatingProcessId": 4711}
    streamed = {"time": "2024-05-01T10:09:00Z", "category": "AdvancedHunting-DeviceNetworkEvents", "properties": typed}
    documents = {
        "array": [typed],
        "hunting api": {"Stats": {}, "Schema": [{"Name": "Timestamp", "Type": "DateTime"}], "Results": [typed]},
        "graph": {"@odata.context": "x", "schema": [{"name": "Timestamp"}], "results": [typed]},
        "api value": {"@odata.context": "x", "value": [typed]},
        "event hub": {"records": [streamed]},
    }
    found = {
        "csv": csv_file(tmp_path, [network()]),
        "semicolons": tmp_path / "semicolon.csv",
        "bom": tmp_path / "bom.csv",
        "timeline": tmp_path / "timeline.csv",
        "ndjson": ndjson(tmp_path / "rows.ndjson", [typed]),
        "streaming": ndjson(tmp_path / "streaming.ndjson", [streamed]),
    }
    plain = csv_text([network()])
    found["semicolons"].write_text(plain.replace(",", ";"), "utf-8", newline="")
    found["bom"].write_text(plain, "utf-8-sig", newline="")
    found["timeline"].write_text(csv_text([timeline(network())]), "utf-8-sig", newline="")
    for name, document in documents.items():
        found[name] = tmp_path / f"{name}.json"
        found[name].write_text(json.dumps(document), "utf-8")
        found[f"{name}, indented"] = tmp_path / f"{name}-indented.json"
        found[f"{name}, indented"].write_text(json.dumps(document, indent=2), "utf-8")
    return found


def test_every_shape_gives_the_same_socket(tmp_path: Path) -> None:
    for name, path in shapes(tmp_path).items():
        reading, (report,) = read(path)
        (socket,) = reading.sockets
        assert (socket.ts, socket.host, socket.protocol) == (TS, "ws1.corp.example", "tcp"), name
        assert (socket.local_ip, socket.local_port) == ("10.1.2.3", 50123), name
        assert (socket.remote_ip, socket.remote_port, socket.remote_is_public) == ("192.0.47.59", 43, True), name
        process_ = socket.process
        assert (process_.name, process_.pid, process_.user) == ("whois.exe", 4711, "ann"), name
        assert (process_.path, process_.command_line) == ("c:\\tools\\whois.exe", "whois example.com"), name
        assert process_.started == TS - 623_456, name
        assert process_.parent is not None, name
        assert (process_.parent.name, process_.parent.pid) == ("cmd.exe", 300), name
        assert report.skipped == (), name


def test_a_twelve_hour_clock_in_utc(tmp_path: Path) -> None:
    reading, (report,) = read(csv_file(tmp_path, [log_analytics(network(), "UTC")]))
    assert [socket.ts for socket in reading.sockets] == [TS - 456]
    assert report.skipped == ()


def test_local_time_is_read_and_said_to_be_of_an_unknown_zone(tmp_path: Path) -> None:
    reading, (report,) = read(csv_file(tmp_path, [log_analytics(network(), "Local Time")]))
    assert [socket.ts for socket in reading.sockets] == [TS - 456]
    assert "zone the export does not name" in report.skipped[0].reason


def test_a_socket_gets_its_parents_command_line_from_the_process_table(tmp_path: Path) -> None:
    one = csv_file(tmp_path, [network()], "network.csv")
    two = csv_file(tmp_path, [process()], "process.csv")
    reading, _ = read(one, two)
    (socket,), (start,) = reading.sockets, reading.starts
    assert socket.process == start.process
    assert start.process.path == "c:\\tools\\whois.exe"
    assert socket.process.parent is not None
    assert socket.process.parent.command_line == "cmd.exe /k"


def test_attempt_and_success_are_one_connection(tmp_path: Path) -> None:
    rows = [
        network(ActionType="ConnectionAttempt", RemoteUrl="whois.iana.org"),
        network(Timestamp="2024-05-01T10:00:01.2Z"),
        network(Timestamp="2024-05-01T10:30:00Z"),
        network(LocalPort="50124", ActionType="ConnectionFailed"),
    ]
    sockets = read(csv_file(tmp_path, rows))[0].sockets
    seen = [(s.ts - TS, s.local_port, s.succeeded, s.remote_name) for s in sockets]
    assert seen == [(0, 50123, True, "whois.iana.org"), (0, 50124, False, None), (1_798_876_544, 50123, True, None)]


def test_an_inspected_connection_belongs_to_the_process_of_its_tuple(tmp_path: Path) -> None:
    rows = [inspected(Timestamp="2024-05-01T10:05:00Z"), network(RemotePort="443")]
    rows[0]["RemotePort"] = "443"
    reading, _ = read(csv_file(tmp_path, rows))
    (socket,) = reading.sockets
    assert (socket.process.name, socket.remote_name, socket.ts) == ("whois.exe", "rdap.arin.net", TS)
    assert reading.unowned_sockets == []


def test_a_second_request_in_one_connection_is_a_lookup_of_its_own(tmp_path: Path) -> None:
    def request(uri: str, second: int) -> Row:
        extra = {"direction": "Out", "host": "whois.arin.net", "uri": uri}
        return inspected("HttpConnectionInspected", extra, RemotePort="80", Timestamp=f"2024-05-01T10:00:0{second}Z")

    rows = [network(RemotePort="80"), request("/rest/ip/192.0.2.1", 3), request("/rest/ip/192.0.2.2", 4)]
    sockets = read(csv_file(tmp_path, rows))[0].sockets
    assert [(s.process.name, s.remote_name) for s in sockets] == [
        ("whois.exe", "http://whois.arin.net/rest/ip/192.0.2.1"),
        ("whois.exe", "http://whois.arin.net/rest/ip/192.0.2.2"),
    ]


def test_an_inspected_connection_nobody_owns_is_kept_apart(tmp_path: Path) -> None:
    rows = [inspected(LocalPort="1"), inspected(Timestamp="2024-05-09T10:00:00Z"), network()]
    reading, _ = read(csv_file(tmp_path, rows))
    assert len(reading.sockets) == 1
    assert [(s.process.name, s.remote_name) for s in reading.unowned_sockets] == [("", "rdap.arin.net")] * 2


@pytest.mark.parametrize("extra", ["not json", '{"server_name": 7}', "[1]", "{", '{"uri": "/x"}', "null"])
def test_strange_additional_fields_raise_nothing(extra: str, tmp_path: Path) -> None:
    reading, _ = read(csv_file(tmp_path, [inspected(LocalPort="1") | {"AdditionalFields": extra}]))
    assert len(reading.unowned_sockets) == 1


@pytest.mark.parametrize(
    ("action", "initiated", "succeeded"),
    [
        ("ConnectionSuccess", True, True),
        ("ConnectionAttempt", True, None),
        ("ConnectionRequest", True, None),
        ("ConnectionFailed", True, False),
        ("ConnectionFound", None, None),
        ("InboundConnectionAccepted", False, True),
        ("ConnectionSuccessAggregatedReport", True, True),
    ],
)
def test_what_an_action_says_of_direction_and_outcome(
    action: str, tmp_path: Path, *, initiated: bool | None, succeeded: bool | None
) -> None:
    (socket,) = read(csv_file(tmp_path, [network(ActionType=action)]))[0].sockets
    assert (socket.initiated, socket.succeeded) == (initiated, succeeded)


def test_aggregated_reports_have_no_local_port_and_stay_apart(tmp_path: Path) -> None:
    rows = [
        network(ActionType="ConnectionSuccessAggregatedReport", LocalPort="", Timestamp=f"2024-05-01T1{hour}:00:00Z")
        for hour in range(3)
    ]
    sockets = read(csv_file(tmp_path, rows))[0].sockets
    assert [socket.local_port for socket in sockets] == [None] * 3


def test_listening_rows_are_counted_not_read(tmp_path: Path) -> None:
    listening = network(ActionType="ListeningConnectionCreated", RemoteIP="", RemotePort="0")
    reading, (report,) = read(csv_file(tmp_path, [listening, listening, network()]))
    assert len(reading.sockets) == 1
    assert reasons(report) == ["None: 2 ListeningConnectionCreated rows: a listening socket is no connection"]


def test_pid_zero_with_a_name_is_a_process_without_pid(tmp_path: Path) -> None:
    (socket,) = read(csv_file(tmp_path, [network(InitiatingProcessId="0", RemoteIP="-")]))[0].sockets
    assert (socket.process.name, socket.process.pid, socket.remote_ip) == ("whois.exe", None, None)


def test_a_reused_pid_is_two_processes(tmp_path: Path) -> None:
    later = {"InitiatingProcessCreationTime": "2024-05-01T11:00:00Z", "InitiatingProcessCommandLine": "whois b"}
    rows = [network(), network(LocalPort="2", Timestamp="2024-05-01T11:00:01Z", **later)]
    sockets = read(csv_file(tmp_path, rows))[0].sockets
    assert [socket.process.command_line for socket in sockets] == ["whois example.com", "whois b"]
    assert len({socket.process.key for socket in sockets}) == 2


def test_an_export_without_pids_never_mixes_up_command_lines(tmp_path: Path) -> None:
    kept = ("Timestamp", "DeviceName", "RemoteIP", "RemotePort", "RemoteUrl", "InitiatingProcessFileName")
    names = (*kept, "InitiatingProcessCommandLine", "InitiatingProcessAccountName")
    rows = [network(InitiatingProcessCommandLine=f"whois {n}", RemoteIP=f"192.0.2.{n}") for n in range(1, 4)]
    sockets = read(csv_file(tmp_path, [{name: row[name] for name in names} for row in rows]))[0].sockets
    assert sorted((s.remote_ip, s.process.command_line) for s in sockets) == [
        (f"192.0.2.{n}", f"whois {n}") for n in range(1, 4)
    ]


def test_the_devices_addresses_and_dns(tmp_path: Path) -> None:
    ips = json.dumps([{"IPAddress": "10.1.2.3", "SubnetPrefix": 24}, {"IPAddress": "fe80::1"}, {"x": 1}, 7])
    info = {"Timestamp": "2024-05-01T10:00:00Z", "DeviceId": "d1", "DeviceName": "ws1", "IPAddresses": ips}
    answer = {"DnsQueryString": "whois.iana.org", "DnsQueryResult": [{"Result": "192.0.47.59"}, {"Result": "x"}]}
    dns = network(ActionType="DnsQueryResponse", AdditionalFields=json.dumps(answer), DeviceName="ws1")
    reading, (one, two) = read(csv_file(tmp_path, [info], "info.csv"), csv_file(tmp_path, [dns], "dns.csv"))
    assert reading.addresses == {"ws1": ["10.1.2.3"]}
    (query,) = reading.name_queries
    assert (query.name, query.addresses, query.process.name) == ("whois.iana.org", ("192.0.47.59",), "whois.exe")
    assert (one.skipped, two.skipped) == ((), ())


def test_rows_of_other_tables_are_counted(tmp_path: Path) -> None:
    rows = [network(), network(ActionType="FileCreated"), network(ActionType="LogonSuccess")]
    reading, (report,) = read(csv_file(tmp_path, rows))
    assert len(reading.sockets) == 1
    assert reasons(report) == ["None: 2 rows not used: table deviceevents (2)"]


def test_a_row_that_was_cut_off_costs_itself(tmp_path: Path) -> None:
    lines = csv_text([network(LocalPort=str(port), AdditionalFields='{"a": 1}') for port in range(1, 5)]).split("\r\n")
    lines[2] = lines[2][: lines[2].index('"{') + 4]
    path = tmp_path / "truncated.csv"
    path.write_text("\r\n".join(lines), "utf-8", newline="")
    reading, (report,) = read(path)
    assert [socket.local_port for socket in reading.sockets] == [1, 3, 4]
    assert [skip.line for skip in report.skipped] == [3]


def test_times_that_cannot_be_read_name_their_line(tmp_path: Path) -> None:
    reading, (report,) = read(csv_file(tmp_path, [network(), network(Timestamp="yesterday"), network(DeviceName="")]))
    assert len(reading.sockets) == 2  # without a name the device's id stands for it
    assert reasons(report) == ["3: no Timestamp that can be read"]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"a,b,c\n1,2,3\n",
        b"Timestamp,DeviceName,FileSize\n",
        b"#separator \\x09\n#path\tconn\n",
        b'{"ts": 1.0, "uid": "C1", "id.orig_h": "10.0.0.1"}\n',
        b'{"timestamp": "2024-05-01T10:00:00Z", "event_type": "flow", "src_ip": "10.0.0.1"}\n',
        b"[]",
        b"[1, 2]",
        b'{"a": [',
        b"\xff\xfe\0\0",
        b"{" * 5000,
        b"MZ\x90\0",
    ],
)
def test_foreign_files_are_not_recognised(head: bytes) -> None:
    assert endpoints.sniff(head) is None


def test_hostile_strings_come_through_as_they_are(tmp_path: Path) -> None:
    bad = 'whois "a\r\nb" [red]|<script>\x1b[31m,;\u202e'
    (socket,) = read(csv_file(tmp_path, [network(InitiatingProcessCommandLine=bad)]))[0].sockets
    assert (socket.process.command_line or "").replace("\r\n", "\n") == bad.replace("\r\n", "\n")


@pytest.mark.parametrize("value", [None, True, [], {}, [[]], "x" * 70_000, -1, 1e99, "\0", {"a": "b"}])
def test_a_value_of_the_wrong_type_raises_nothing(value: object, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [network(), *(dict(network()) | {name: value} for name in network())]
    rows += [dict(process()) | {name: value} for name in process()]
    _, (report,) = read(ndjson(tmp_path / "x.ndjson", rows))
    assert report.records == len(rows)


def test_two_command_lines_under_one_pid_and_creation_time_stay_two(tmp_path: Path) -> None:
    rows = [process(), process(ProcessCommandLine="whois b.example", Timestamp="2024-05-01T10:00:00.6Z")]
    starts = read(csv_file(tmp_path, rows))[0].starts
    assert [start.process.command_line for start in starts] == ["whois example.com", "whois b.example"]


def test_an_inspected_connection_belongs_to_the_nearest_use_of_its_tuple(tmp_path: Path) -> None:
    other = {"InitiatingProcessId": "9", "InitiatingProcessFileName": "curl.exe"}
    rows = [network(), network(Timestamp="2024-05-01T12:00:00Z", **other), inspected(Timestamp="2024-05-01T12:01:00Z")]
    sockets = read(csv_file(tmp_path, rows))[0].sockets
    assert [(s.process.name, s.remote_name) for s in sockets] == [("whois.exe", None), ("curl.exe", "rdap.arin.net")]


@pytest.mark.parametrize(
    ("kind", "public"), [("Public", True), ("Private", False), ("FourToSixMapping", None), ("Teredo", None), ("", None)]
)
def test_what_the_product_says_of_the_remote_address(kind: str, tmp_path: Path, *, public: bool | None) -> None:
    (socket,) = read(csv_file(tmp_path, [network(RemoteIPType=kind)]))[0].sockets
    assert socket.remote_is_public is public


def test_a_streamed_row_is_of_the_table_its_category_names(tmp_path: Path) -> None:
    row = network(ActionType="")
    streamed = [{"category": f"AdvancedHunting-{t}", "properties": row} for t in ("DeviceFileEvents", "DeviceEvents")]
    reading, (report,) = read(ndjson(tmp_path / "x.ndjson", streamed))
    assert reading.sockets == []
    assert reasons(report) == ["None: 2 rows not used: table deviceevents (1), table devicefileevents (1)"]
