"""``whosasking attribute``: every connection of the logs is there once, in order of time, with its process."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reports.schema_check import problems
from whosasking import cli, pipeline
from whosasking.attribution import bulk
from whosasking.model import Attributed, Attribution, Connection
from whosasking.reports import connections
from whosasking.sensors import flows

SCENARIO = Path(__file__).parents[2] / "pcaps" / "workstation"
SCHEMA = json.loads(Path(connections.__file__).with_name("attribution.schema.json").read_text("utf-8"))
Rows = list[tuple[Connection, Attribution]]


def attributed(*paths: Path, **more: Any) -> Rows:
    with pipeline.connections(paths, **more) as report:
        return list(report.connections)


def conn(tmp_path: Path, *rows: str, name: str = "conn.log") -> Path:
    fields = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state"]
    types = ["time", "string", "addr", "port", "addr", "port", "enum", "string"]
    head = ["#separator \\x09", "#path\tconn", "\t".join(["#fields", *fields]), "\t".join(["#types", *types])]
    path = tmp_path / name
    path.write_text("\n".join([*head, *("\t".join(row.split()) for row in rows), ""]))
    return path


def sysmon(tmp_path: Path, *events: dict[str, Any]) -> Path:
    path = tmp_path / "sysmon.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def network(second: int, pid: int, local: str, port: int, remote: str, **more: Any) -> dict[str, Any]:
    return {
        "EventID": 3,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": "WS01",
        "UtcTime": f"2026-11-23 12:{second // 60:02}:{second % 60:02}.000",
        "ProcessGuid": f"{{{pid:08x}-0000-0000-0000-000000000001}}",
        "ProcessId": pid,
        "Image": f"C:\\Apps\\p{pid}.exe",
        "Protocol": "tcp",
        "Initiated": "true",
        "SourceIp": local,
        "SourcePort": port,
        "DestinationIp": remote,
        "DestinationPort": 443,
        **more,
    }


NOON = 1_795_435_200


def row(second: float, port: int, remote: str = "198.51.100.7", src: str = "10.0.0.5", proto: str = "tcp") -> str:
    return f"{NOON + second:.6f} C{port}x {src} {port} {remote} 443 {proto} SF"


def test_the_columns_of_the_sensors_are_those_that_are_loaded() -> None:
    assert tuple(bulk._CONNECTION_KINDS) == flows.CONNECTION_COLUMNS
    assert tuple(bulk._NAME_KINDS) == flows.NAME_COLUMNS


@pytest.mark.parametrize("log", ["zeek-tsv", "zeek-json", "eve"])
def test_recorded_connections_have_the_process_the_kernel_named(log: str) -> None:
    rows = attributed(SCENARIO / log, SCENARIO / "exports" / "sysmon-flat")
    assert len(rows) > 50
    times = [connection.ts for connection, _ in rows]
    assert times == sorted(times)
    exact = [one for _, one in rows if isinstance(one, Attributed) and one.method == "5-tuple"]
    assert {one.process.name for one in exact} >= {"whois", "curl"}


def test_every_line_of_conn_log_is_a_connection_and_bad_ones_are_told(tmp_path: Path) -> None:
    log = conn(tmp_path, *[row(at, 50_000 + at) for at in range(5)], "yesterday C1 10.0.0.5 1 10.0.0.6 2 tcp SF", "x y")
    with pipeline.connections([log]) as report:
        assert len(list(report.connections)) == 5
        (entry,) = report.inputs
    assert [(skip.line, skip.reason) for skip in entry.skipped] == [
        (10, "ts is no time: 'yesterday'"),
        (11, "2 columns where the header names 8"),
    ]
    assert entry.records == 7


def test_stretches_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = conn(tmp_path, *[row(at, 50_000 + at) for at in range(20)])
    edr = sysmon(tmp_path, *[network(at, 100 + at % 3, "10.0.0.5", 50_000 + at, "198.51.100.7") for at in range(20)])
    whole = attributed(log, edr)
    monkeypatch.setattr(bulk, "STRETCH", 3)
    assert attributed(log, edr) == whole
    assert [one.process.pid for _, one in whole if isinstance(one, Attributed)] == [100 + at % 3 for at in range(20)]


def test_of_both_ends_the_one_that_opened_the_connection_is_named(tmp_path: Path) -> None:
    log = conn(tmp_path, *[row(at, 50_000 + at, "10.0.0.9") for at in range(6)])
    client = [network(at, 100, "10.0.0.5", 50_000 + at, "10.0.0.9") for at in range(6)]
    server = [
        {**network(at, 200, "10.0.0.5", 50_000 + at, "10.0.0.9", Initiated="false"), "Hostname": "SRV"}
        for at in range(6)
    ]
    assert {
        one.process.pid for _, one in attributed(log, sysmon(tmp_path, *client, *server)) if isinstance(one, Attributed)
    } == {100}
    alone = [one for _, one in attributed(log, sysmon(tmp_path, *server)) if isinstance(one, Attributed)]
    assert {one.process.pid for one in alone} == {200}
    assert all("seen by the host that answered" in one.reason for one in alone)


def test_since_and_until_cut_the_connections_and_not_the_clock(tmp_path: Path) -> None:
    log = conn(tmp_path, *[row(at, 50_000 + at) for at in range(20)])
    edr = sysmon(tmp_path, *[network(at + 7, 100, "10.0.0.5", 50_000 + at, "198.51.100.7") for at in range(20)])
    rows = attributed(log, edr, since=(NOON + 3) * 1_000_000, until=(NOON + 5) * 1_000_000)
    assert [connection.src_port for connection, _ in rows] == [50_003, 50_004]
    assert all(isinstance(one, Attributed) and "offset -7.000 s" in one.reason for _, one in rows)


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = cli.run(["attribute", *arguments])
    return status, capsys.readouterr().out


def test_json_csv_and_table_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[red]\x1b[31m=cmd|'/c calc'!A0"
    log = conn(tmp_path, *[row(at, 50_000 + at) for at in range(5)], row(9, 3, src="10.0.0.77"))
    events = [network(at, 100, "10.0.0.5", 50_000 + at, "198.51.100.7", User=hostile) for at in range(5)]
    paths = [str(log), str(sysmon(tmp_path, *events))]
    status, out = run([*paths, "--format", "json"], capsys)
    document = json.loads(out)
    assert (status, document["schema"]) == (0, "whosasking.attribution/1")
    assert out.isascii()
    assert problems(document, SCHEMA, SCHEMA) == []
    assert document["summary"]["by_method"] == {"5-tuple": 5, "none": 1}
    first, *_, last = document["connections"]
    assert first["process"]["user"] == hostile
    assert (last["process"], last["attribution"]["method"]) == (None, "none")
    assert last["attribution"]["reason"] == "no endpoint records for host 10.0.0.77"
    _, out = run([*paths, "--format", "csv"], capsys)
    table = list(csv.DictReader(io.StringIO(out)))
    assert [line["uid"] for line in table] == [one["uid"] for one in document["connections"]]
    assert "\x1b" not in out
    _, out = run(paths, capsys)
    assert "\x1b" not in out
    assert "p100.exe (100) on WS01" in " ".join(out.split())


def test_nothing_to_read_is_status_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = run([str(tmp_path / "absent")], capsys)
    assert status == 2


def test_bytes_an_attacker_chose_break_no_row(tmp_path: Path) -> None:
    log = conn(tmp_path, *[row(at, 50_000 + at) for at in range(3)])
    hostile = [
        b'1795435201.000000\t"C1\t10.0.0.5\t1\t10.0.0.6\t2\ttcp\tSF',
        b"1795435202.000000\tC\r2\t10.0.0.5\t1\t10.0.0.6\t2\ttcp\tSF",
        b"1795435203.000000\tC\0003\t10.0.0.5\t1\t10.0.0.6\t2\ttcp\tSF",
        b"1795435204.000000\tC\xff4\t\xff\t1\tnowhere\t2\ttcp\tSF",
        b"99999999999999999999.0\tC5\t10.0.0.5\t1\t10.0.0.6\t2\ttcp\tSF",
        b"1795435206.000000\tC6\t10.0.0.5\t1\t10.0.0.6\t99999999999\ttcp\tSF",
        b"1795435207.000000\tC7\t10.0.0.5\t1\t10.0.0.6\t99999\ttcp\tSF",
        b"1795435208.000000\tC8\t10.0.0.5\t1\t10.0.0.6\t3\t\\x0a\tSF",
    ]
    log.write_bytes(log.read_bytes() + b"\n".join(hostile) + b"\n")
    edr = sysmon(tmp_path, *[network(at, 100, "10.0.0.5", 50_000 + at, "198.51.100.7") for at in range(3)])
    with pipeline.connections([log, edr]) as report:
        rows = list(report.connections)
        told = {skip.line for entry in report.inputs for skip in entry.skipped}
    assert len(rows) == 9
    assert told == {12, 13}
    assert all(one.reason for _, one in rows)


@pytest.mark.parametrize(
    "text", ["", "#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring\n1.0\tC1\n"]
)
def test_a_log_without_connections_is_said(tmp_path: Path, text: str) -> None:
    log = tmp_path / "conn.log"
    log.write_text(text)
    with pipeline.connections([log]) as report:
        assert list(report.connections) == []
        assert report.notes or any(entry.unreadable for entry in report.inputs)


@pytest.mark.skipif(shutil.which("suricata") is None and shutil.which("zeek") is None, reason="no zeek, no suricata")
def test_a_capture_is_read_as_its_logs_are() -> None:
    (capture,) = SCENARIO.glob("*.pcap*")
    rows = attributed(capture, SCENARIO / "exports" / "sysmon-flat")
    assert {one.process.name for _, one in rows if isinstance(one, Attributed)} >= {"whois", "curl"}


def test_behind_the_systems_dns_client_stands_the_process_that_asked(tmp_path: Path) -> None:
    log = conn(tmp_path, *[f"{NOON + at}.000000 C{at} 10.0.0.5 {50_000 + at} 10.0.0.1 53 udp SF" for at in range(5)])
    names = ["recon.example", "other.example", "recon.example", "unasked.example", "RECON.example."]
    dns = tmp_path / "dns.log"
    rows = [
        f"{NOON + at}.000000\tC{at}\t10.0.0.5\t{50_000 + at}\t10.0.0.1\t53\tudp\t{name}"
        for at, name in enumerate(names)
    ]
    fields = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery"
    types = "time\tstring\taddr\tport\taddr\tport\tenum\tstring"
    dns.write_text("\n".join(["#separator \\x09", "#path\tdns", f"#fields\t{fields}", f"#types\t{types}", *rows, ""]))
    client = {"Image": "C:\\Windows\\System32\\svchost.exe", "Protocol": "udp", "DestinationPort": 53}
    events = [network(at, 900, "10.0.0.5", 50_000 + at, "10.0.0.1", **client) for at in range(5)]
    asks = {"EventID": 22, "QueryResults": "::ffff:198.51.100.7;", "QueryName": "recon.example"}
    events += [network(1, 100, "10.0.0.5", 1, "10.0.0.1") | asks]
    found = [one for _, one in attributed(log, dns, sysmon(tmp_path, *events)) if isinstance(one, Attributed)]
    assert [one.process.name for one in found] == ["svchost.exe"] * 5
    assert [one.application.name if one.application else None for one in found] == ["p100.exe", None, None, None, None]
    assert found[0].reason.endswith("; via DNS client, for p100.exe (100)")


def test_clocks_only_taken_as_equal_reach_no_further_than_seconds(tmp_path: Path) -> None:
    log = conn(tmp_path, row(0, 500), row(30, 501))
    edr = sysmon(
        tmp_path, network(2, 100, "10.0.0.5", 500, "198.51.100.7"), network(2, 100, "10.0.0.5", 501, "198.51.100.7")
    )
    first, second = (one for _, one in attributed(log, edr))
    assert isinstance(first, Attributed)
    assert first.confidence < 0.7
    assert not isinstance(second, Attributed)
