"""Sysmon in every shape gives the same records, and its traps are stepped around."""

from __future__ import annotations

import json
import random
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from endpoints import events
from endpoints.events import HOST, MICROS, STORY, TS
from endpoints.evtx_file import log_file, sysmon
from endpoints.exports import ndjson, read, reasons
from whosasking.model import EndpointReading, Process

if TYPE_CHECKING:
    from pathlib import Path

GUID = "11111111-0000-0000-0000-0000000000ab"


def flat_file(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    return ndjson(tmp_path / "sysmon.ndjson", rows)


def one_of(tmp_path: Path, event_id: int, fields: dict[str, str], **more: Any) -> EndpointReading:
    return read(flat_file(tmp_path, [events.flat(event_id, fields, **more)]))[0]


def shapes(tmp_path: Path) -> dict[str, Path]:
    flat = [events.flat(number, fields) for number, fields in STORY]
    ecs = [events.ecs(number, fields) for number, fields in STORY]
    (tmp_path / "array.json").write_text(json.dumps(flat), "utf-8")
    (tmp_path / "pretty.json").write_text(json.dumps(flat, indent=1), "utf-8")
    (tmp_path / "s.evtx").write_bytes(log_file([sysmon(number, HOST, fields) for number, fields in STORY]))
    event = [
        {"Event": {"System": {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": n, "Computer": HOST}}}
        for n, _ in STORY
    ]
    for row, (_, fields) in zip(event, STORY, strict=True):
        row["Event"]["EventData"] = fields
    return {
        "flat ndjson": ndjson(tmp_path / "flat.ndjson", flat),
        "numbers as strings": ndjson(tmp_path / "s.ndjson", [row | {"EventID": str(row["EventID"])} for row in flat]),
        "array": tmp_path / "array.json",
        "pretty-printed array": tmp_path / "pretty.json",
        "ecs nested": ndjson(tmp_path / "ecs.ndjson", ecs),
        "ecs dotted": ndjson(tmp_path / "dotted.ndjson", [events.dotted(row) for row in ecs]),
        "ecs out of elasticsearch": ndjson(tmp_path / "hit.ndjson", [{"_id": "x", "_source": row} for row in ecs]),
        "evtx": tmp_path / "s.evtx",
        "evtx as json": ndjson(tmp_path / "event.ndjson", event),
    }


NAMES = (
    "flat ndjson",
    "numbers as strings",
    "array",
    "pretty-printed array",
    "ecs nested",
    "ecs dotted",
    "ecs out of elasticsearch",
    "evtx",
    "evtx as json",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_shape_tells_the_same_story(name: str, tmp_path: Path) -> None:
    reading, (report,) = read(shapes(tmp_path)[name])
    (start,), (socket,), (query,) = reading.starts, reading.sockets, reading.name_queries
    shell = Process(
        host=HOST,
        key=f"{HOST}/11111111-0000-0000-0000-000000000001",
        name="cmd.exe",
        pid=300,
        path="C:\\Windows\\System32\\cmd.exe",
        command_line="cmd.exe",
    )
    whois = Process(
        host=HOST,
        key=f"{HOST}/{GUID}",
        name="whois.exe",
        pid=4711,
        path="C:\\Tools\\whois.exe",
        command_line="whois  example.com",
        user="CORP\\ann",
        started=TS,
        ended=MICROS + 2_000_000,
        parent=shell,
    )
    assert start.process == socket.process == query.process == whois
    assert (start.ts, query.ts, socket.ts) == (TS, MICROS + 1_200_000, MICROS + 1_500_000)
    assert (socket.local_ip, socket.local_port, socket.remote_ip, socket.remote_port) == (
        "10.1.2.3",
        50123,
        "192.0.47.59",
        43,
    )
    assert (socket.protocol, socket.initiated, socket.remote_name) == ("tcp", True, None)
    assert (query.name, query.addresses) == ("whois.iana.org", ("192.0.47.59", "2620:0:2d0:200::59"))
    assert reading.addresses == {HOST: ["10.1.2.3"]}
    assert reading.spans == {HOST: (TS, MICROS + 2_000_000)}
    assert (report.records, report.candidates, report.skipped) == (4, 4, ())


def test_the_order_of_events_in_the_file_does_not_matter(tmp_path: Path) -> None:
    rows = [events.flat(number, fields) for number, fields in STORY]
    expected = read(flat_file(tmp_path, rows))[0]
    for seed in range(5):
        random.Random(seed).shuffle(rows)  # noqa: S311 - an order, not a secret
        reading = read(flat_file(tmp_path, rows))[0]
        assert [s.process for s in reading.sockets] == [s.process for s in expected.sockets]
        assert [s.process for s in reading.starts] == [s.process for s in expected.starts]


def test_a_socket_is_completed_from_another_file(tmp_path: Path) -> None:
    one = ndjson(tmp_path / "a.ndjson", [events.flat(3, events.connection())])
    two = ndjson(tmp_path / "b.ndjson", [events.flat(1, events.start())])
    (socket,) = read(one, two)[0].sockets
    assert socket.process.command_line == "whois  example.com"
    assert socket.process.parent is not None
    assert socket.process.parent.name == "cmd.exe"


def test_an_accepted_connection_has_its_local_side_first(tmp_path: Path) -> None:
    fields = events.connection(Initiated="false", SourceIp="203.0.113.9", SourceHostname="far.example")
    (socket,) = one_of(tmp_path, 3, fields | {"DestinationIp": "10.1.2.3"}).sockets
    assert (socket.local_ip, socket.local_port, socket.initiated) == ("10.1.2.3", 43, False)
    assert (socket.remote_ip, socket.remote_port, socket.remote_name) == ("203.0.113.9", 50123, "far.example")


def test_utc_time_counts_and_not_the_time_of_logging(tmp_path: Path) -> None:
    row = events.flat(3, events.connection(), TimeCreated="2024-05-01T03:00:00Z", EventTime="2024-05-01 12:00:00")
    assert read(flat_file(tmp_path, [row]))[0].sockets[0].ts == MICROS + 1_500_000


def test_without_utc_time_only_a_time_with_a_zone_will_do(tmp_path: Path) -> None:
    zoned = events.flat(3, events.connection(UtcTime="-"))
    local = events.flat(3, events.connection(UtcTime="", SourcePort="2"))
    local["@timestamp"] = "2024-05-01 03:00:21"
    reading, (report,) = read(flat_file(tmp_path, [zoned, local]))
    assert [socket.ts for socket in reading.sockets] == [MICROS - 7 * 3600 * 1_000_000 + 21_000_000]
    assert reasons(report) == ["2: Sysmon event 3: no UtcTime that can be read, and no other time with a zone"]


def test_nxlog_without_process_id_is_read_by_guid_and_its_own_pid_ignored(tmp_path: Path) -> None:
    fields = events.connection()
    del fields["ProcessId"]
    (socket,) = one_of(tmp_path, 3, fields, ProcessID=2345, ExecutionProcessID=2345).sockets
    assert (socket.process.pid, socket.process.key) == (None, f"{HOST}/{GUID}")


@pytest.mark.parametrize("image", ["<unknown process>", "-", ""])
def test_an_unknown_process_owns_nothing(image: str, tmp_path: Path) -> None:
    unknown = {"ProcessGuid": "{00000000-0000-0000-0000-000000000000}", "Image": image}
    reading = one_of(tmp_path, 3, events.connection(**unknown))
    assert reading.sockets == []
    assert [(s.process.name, s.remote_port) for s in reading.unowned_sockets] == [("", 43)]
    assert one_of(tmp_path, 22, events.query(**unknown)).name_queries == []


def test_a_zero_guid_with_an_image_is_still_a_process(tmp_path: Path) -> None:
    zero = {"ProcessGuid": "{00000000-0000-0000-0000-000000000000}", "ProcessId": "4"}
    (socket,) = one_of(tmp_path, 3, events.connection(**zero, Image="System")).sockets
    assert (socket.process.name, socket.process.pid) == ("System", 4)


def test_a_reused_pid_is_two_processes(tmp_path: Path) -> None:
    other = "{22222222-0000-0000-0000-000000000001}"
    rows = [
        events.flat(1, events.start()),
        events.flat(1, events.start(ProcessGuid=other, CommandLine="notepad", Image="C:\\notepad.exe")),
        events.flat(3, events.connection(ProcessGuid=other, Image="C:\\notepad.exe")),
    ]
    (socket,) = read(flat_file(tmp_path, rows))[0].sockets
    assert (socket.process.pid, socket.process.command_line) == (4711, "notepad")


def test_exec_under_one_guid_keeps_the_two_programs_apart(tmp_path: Path) -> None:
    shell = events.start(Image="/bin/sh", CommandLine="sh -c 'whois x'")
    tool = events.start(Image="/usr/bin/whois", CommandLine="whois x", UtcTime="2024-05-01 10:00:00.200")
    reading = read(flat_file(tmp_path, [events.flat(1, shell), events.flat(1, tool)]))[0]
    seen = [(start.process.name, start.process.command_line) for start in reading.starts]
    assert seen == [("sh", "sh -c 'whois x'"), ("whois", "whois x")]
    assert len({start.process.key for start in reading.starts}) == 2


def test_a_process_that_claims_to_be_its_own_ancestor_ends_somewhere(tmp_path: Path) -> None:
    circle = [events.start(ParentProcessGuid=events.WHOIS), events.start(ProcessGuid=events.SHELL)]
    rows = [events.flat(1, fields | {"ParentImage": "", "ParentCommandLine": ""}) for fields in circle]
    read(flat_file(tmp_path, rows))


def test_sysmon_for_linux_udp_without_a_real_destination_is_counted(tmp_path: Path) -> None:
    rows = [
        events.flat(3, events.connection(Protocol="udp", DestinationIp=ip, SourceIp="10.0.0.1"))
        for ip in ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - an address in a log
    ]
    reading, (report,) = read(flat_file(tmp_path, rows))
    assert reading.sockets == []
    assert len(report.skipped) == 1
    assert report.skipped[0].reason.startswith("3 connection events without a usable remote address")


def test_the_same_events_in_two_exports_count_once(tmp_path: Path) -> None:
    rows = [events.flat(number, fields) for number, fields in STORY]
    reading = read(ndjson(tmp_path / "a.ndjson", rows), ndjson(tmp_path / "b.ndjson", rows))[0]
    assert (len(reading.starts), len(reading.sockets)) == (1, 1)


def test_other_events_are_counted_not_read(tmp_path: Path) -> None:
    rows = [events.flat(3, events.connection()), events.flat(11, {"UtcTime": events.UTC})]
    rows.append(events.flat(1, {}) | {"SourceName": "Microsoft-Windows-Kernel-General", "Channel": "System"})
    reading, (report,) = read(flat_file(tmp_path, rows))
    assert (len(reading.sockets), len(reading.starts)) == (1, 0)
    assert reasons(report) == ["None: 2 events not used: Sysmon 11 (1), System 1 (1)"]


def test_truncated_line_and_junk_cost_themselves(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    good = json.dumps(events.flat(3, events.connection()))
    path.write_text(f"{good}\n{good[:200]}\n[1]\nnull\n\n{good.replace('50123', '7')}\n", "utf-8")
    reading, (report,) = read(path)
    assert sorted(socket.local_port or 0 for socket in reading.sockets) == [7, 50123]
    assert [skip.line for skip in report.skipped] == [2, 3, 4]


@pytest.mark.parametrize("value", [None, True, [], {}, [[]], "x" * 70_000, -1, 1e99, "\0", {"a": "b"}])
@pytest.mark.parametrize("number", [1, 3, 5, 22])
def test_a_field_of_the_wrong_type_raises_nothing(number: int, value: object, tmp_path: Path) -> None:
    fields = {1: events.start, 3: events.connection, 5: events.end, 22: events.query}[number]()
    rows = [events.flat(number, fields, **{name: value}) for name in fields]
    rows += [events.flat(number, fields, **{name: value}) for name in ("EventID", "Hostname", "SourceName")]
    _, (report,) = read(flat_file(tmp_path, [events.flat(number, fields), *rows]))
    assert report.records == len(rows) + 1


def test_evtx_without_the_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shapes(tmp_path)["evtx"]
    monkeypatch.setitem(sys.modules, "evtx", None)
    _, (report,) = read(path)
    assert report.unreadable
    assert reasons(report) == ["None: reading .evtx needs the evtx package: pip install 'whosasking[evtx]'"]


def test_a_damaged_event_log_gives_what_is_whole(tmp_path: Path) -> None:
    path = shapes(tmp_path)["evtx"]
    whole = path.read_bytes()
    first_record = 4096 + 512
    path.write_bytes(whole[: first_record + 30] + b"\xff" * 40 + whole[first_record + 70 :])
    reading, (report,) = read(path)
    assert report.skipped_total >= 1
    assert len(reading.starts) + len(reading.name_queries) >= 1
    path.write_bytes(whole[:2000])
    assert read(path)[1][0].unreadable


def test_records_survive_json(tmp_path: Path) -> None:
    reading = read(shapes(tmp_path)["flat ndjson"])[0]
    assert msgspec.json.decode(msgspec.json.encode(reading), type=EndpointReading) == reading


def test_a_group_address_is_not_the_hosts(tmp_path: Path) -> None:
    heard = events.connection(Protocol="udp", Initiated="false", DestinationIp="224.0.0.251", SourceIp="10.1.2.9")
    assert one_of(tmp_path, 3, heard).addresses == {}
    assert one_of(tmp_path, 3, heard | {"DestinationIp": "10.1.2.255"}).addresses == {}
    assert one_of(tmp_path, 3, events.connection(SourceIp="fe80::1")).addresses == {}
