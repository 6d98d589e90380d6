"""Windows events as XML and in Sentinel's tables, and the Security log's three events, in every shape."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.events import HOST, MICROS, STORY, TS
from endpoints.evtx_file import log_file
from endpoints.exports import ndjson, read, reasons

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.model import EndpointReading

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def story_of(reading: EndpointReading) -> None:
    (start,), (socket,), (query,) = reading.starts, reading.sockets, reading.name_queries
    assert start.process == socket.process == query.process
    process = start.process
    assert (process.name, process.pid, process.command_line, process.user) == (
        "whois.exe",
        4711,
        "whois  example.com",
        "CORP\\ann",
    )
    assert process.parent is not None
    assert (process.parent.name, process.started, process.ended) == ("cmd.exe", TS, MICROS + 2_000_000)
    assert (socket.ts, socket.local_port, socket.remote_ip, socket.remote_port, socket.host) == (
        MICROS + 1_500_000,
        50123,
        "192.0.47.59",
        43,
        HOST,
    )
    assert (query.name, query.addresses) == ("whois.iana.org", ("192.0.47.59", "2620:0:2d0:200::59"))


def containers() -> dict[str, bytes]:
    xml = [windows.xml(number, fields) for number, fields in STORY]
    linux = [windows.xml(number, fields, provider="Linux-Sysmon") for number, fields in STORY]
    broad = [windows.xml(number, fields, between="\r\n   ") for number, fields in STORY]
    table = [windows.windows_event_table(number, fields) for number, fields in STORY]

    def rows(make: Any, **more: Any) -> bytes:
        return "".join(json.dumps(make(number, fields, **more)) + "\n" for number, fields in STORY).encode()

    return {
        "xml one a line": "\n".join(xml).encode(),
        "xml without line ends": "".join(xml).encode(),
        "xml document": f"\ufeff<?xml version='1.0'?>\n<Events>\n{''.join(broad)}</Events>".encode(),
        "xml in utf-16": f"<?xml version='1.0' encoding='utf-16'?><Events>{''.join(xml)}</Events>".encode("utf-16"),
        "syslog": windows.syslog(linux).encode(),
        "Event table": rows(windows.event_table),
        "WindowsEvent table": rows(windows.windows_event_table),
        "WindowsEvent with objects": rows(windows.windows_event_table, as_text=False),
        "Syslog table": rows(windows.syslog_table),
        "query answer": json.dumps(
            {
                "tables": [
                    {
                        "name": "PrimaryResult",
                        "columns": [{"name": name} for name in table[0]],
                        "rows": [list(row.values()) for row in table],
                    }
                ]
            },
            indent=1,
        ).encode(),
        "Event table csv": _csv([windows.event_table(number, fields) for number, fields in STORY]),
        "csv in utf-16": _csv([windows.event_table(number, fields) for number, fields in STORY])
        .decode()
        .encode("utf-16"),
        "EvtxECmd": rows(windows.evtxecmd),
        "EvtxECmd csv": _csv([windows.evtxecmd(number, fields, zone="") for number, fields in STORY]),
        "Velociraptor's event logs": rows(windows.velociraptor),
        "Syslog table csv": _csv([windows.syslog_table(number, fields) for number, fields in STORY]),
    }


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    names = [f"{name} [UTC]" if name == "TimeGenerated" else name for name in rows[0]]
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow(
            ["5/1/2024, 10:00:30.123 AM" if name == "TimeGenerated" else value for name, value in row.items()]
        )
    return text.getvalue().encode()


@pytest.mark.parametrize("name", containers())
def test_sysmon_in_every_container(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(containers()[name])
    reading, (report,) = read(path)
    story_of(reading)
    assert (report.records, report.candidates, report.skipped) == (4, 4, ())


def test_a_long_xml_file_is_cut_right_at_every_piece(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    made = [windows.xml(3, events.connection(SourcePort=str(port))) for port in range(1, 4000)]
    path.write_text("<Events>" + "\n".join(made) + "</Events>", "utf-8")
    reading, (report,) = read(path)
    assert sorted(socket.local_port or 0 for socket in reading.sockets) == list(range(1, 4000))
    assert {socket.source.line for socket in reading.sockets} == set(range(1, 4000))
    assert report.skipped == ()


def test_other_xml_events_are_counted_without_being_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    other = windows.xml(11, {"Image": "x"}).replace("</EventData>", "<broken></EventData>")
    path.write_text(f"{windows.xml(3, events.connection())}\n{other}", "utf-8")
    reading, (report,) = read(path)
    assert (len(reading.sockets), report.records, reasons(report)) == (
        1,
        2,
        ["None: 1 events not used: Sysmon 11 (1)"],
    )


def test_broken_xml_costs_itself(tmp_path: Path) -> None:
    good = windows.xml(3, events.connection())
    broken = {
        "cut": good[:300],
        "tag": good.replace("</Data>", "</Daat>", 1),
        "bomb": good.replace("<System>", f"<System>{BOMB}", 1),
    }
    path = tmp_path / "x.xml"
    path.write_text("\n".join([*broken.values(), good, good[:200]]), "utf-8")
    reading, (report,) = read(path)
    assert len(reading.sockets) == 1
    assert [skip.line for skip in report.skipped] == [1, 2, 3, 5]
    assert "document type: refused" in reasons(report)[2]


@pytest.mark.parametrize("text", ["&#1; x", "\x01 x", "&#xD800; x", "&#1114112; x", "\ufffe x"])
def test_characters_xml_has_none_for_do_not_hide_an_event(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(windows.xml(1, events.start(CommandLine="MARK")).replace("MARK", f"whois {text}"), "utf-8")
    assert read(path)[0].starts[0].process.command_line == "whois \ufffd x"


def test_markup_in_a_command_line_is_no_event(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    inner = windows.xml(3, events.connection())
    path.write_text(windows.xml(1, events.start(CommandLine=inner)), "utf-8")
    reading, _ = read(path)
    assert (reading.sockets, reading.starts[0].process.command_line) == ([], inner)


def test_a_table_row_whose_string_is_broken_is_told(tmp_path: Path) -> None:
    rows = [windows.event_table(3, events.connection()) for _ in range(3)]
    rows[1]["EventData"] = rows[1]["EventData"][:50]
    rows.append(windows.windows_event_table(3, events.connection()) | {"EventData": '{"a": '})
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert len(reading.sockets) == 1
    assert [skip.line for skip in report.skipped] == [2, 4]
    assert all("in a string that cannot be read" in reason for reason in reasons(report))


def test_event_data_cannot_hide_a_column_of_its_table(tmp_path: Path) -> None:
    row = windows.windows_event_table(3, events.connection(Computer="other", EventID="1", Channel="x"))
    assert read(ndjson(tmp_path / "x", [row]))[0].sockets[0].host == HOST


def test_a_local_time_in_the_header_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(_csv([windows.event_table(*STORY[0])]).replace(b"[UTC]", b"[Local Time]"))
    assert "zone the export does not name" in reasons(read(path)[1][0])[0]


SECURITY_STORY = [
    windows.security(5156, windows.connection_allowed(), 1),
    windows.security(4689, windows.process_exited(), 2),
    windows.security(4688, windows.process_created(), 0),
]


@pytest.mark.parametrize("shape", ["flat", "ecs", "event", "table", "xml", "evtx"])
def test_security_in_every_shape(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    makers = {"ecs": windows.security_ecs, "event": windows.security_event, "table": windows.security_table}
    if shape == "xml":
        skip = {"SourceName", "Channel", "Hostname", "TimeCreated", "@timestamp", "EventID", "Message"}
        path.write_text(
            "".join(
                windows.xml(
                    row["EventID"],
                    {name: value for name, value in row.items() if name not in skip},
                    provider=windows.SECURITY,
                    logged=row["@timestamp"],
                )
                for row in SECURITY_STORY
            ),
            "utf-8",
        )
    elif shape == "evtx":
        path.write_bytes(log_file([_node(windows.security_event(row)["Event"]) for row in SECURITY_STORY]))
    else:
        ndjson(path, [makers[shape](row) if shape in makers else row for row in SECURITY_STORY])
    reading, (report,) = read(path)
    (start,), (socket,) = reading.starts, reading.sockets
    assert start.process == socket.process
    process = socket.process
    assert (process.name, process.pid, process.path, process.command_line, process.user) == (
        "whois.exe",
        4711,
        "C:\\Tools\\whois.exe",
        "whois  example.com",
        "CORP\\ann",
    )
    assert (process.started, process.ended) == (TS, TS + 2_000_000)
    assert process.parent is not None
    assert (process.parent.name, process.parent.pid) == ("cmd.exe", 300)
    assert (socket.product, socket.protocol, socket.initiated) == ("Windows Security", "tcp", True)
    assert (socket.local_ip, socket.local_port, socket.remote_ip, socket.remote_port, socket.ts) == (
        "10.1.2.3",
        50123,
        "192.0.47.59",
        43,
        TS + 1_000_000,
    )
    assert (report.records, report.candidates, report.skipped) == (3, 3, ())


def _node(event: dict[str, Any]) -> Any:
    system = event["System"]
    children = [
        ("Provider", {"Name": windows.SECURITY}, ""),
        ("EventID", {}, str(system["EventID"])),
        ("TimeCreated", system["TimeCreated"]["#attributes"], ""),
        ("Channel", {}, "Security"),
        ("Computer", {}, HOST),
    ]
    data = [("Data", {"Name": name}, str(value)) for name, value in event["EventData"].items()]
    return ("Event", {}, [("System", {}, children), ("EventData", {}, data)])


def flat(tmp_path: Path, *rows: dict[str, Any]) -> EndpointReading:
    return read(ndjson(tmp_path / "x", list(rows)))[0]


def test_a_connection_belongs_to_the_start_of_its_pid_before_it(tmp_path: Path) -> None:
    later = windows.process_created(CommandLine="whois later.example")
    sockets = flat(
        tmp_path,
        *SECURITY_STORY,
        windows.security(4688, later, 100),
        windows.security(5156, windows.connection_allowed(SourcePort="50200"), 101),
    ).sockets
    assert [socket.process.command_line for socket in sockets] == ["whois  example.com", "whois later.example"]


def test_after_its_end_a_pid_is_nobodys(tmp_path: Path) -> None:
    row = windows.security(5156, windows.connection_allowed(SourcePort="50200"), 30)
    late = flat(tmp_path, *SECURITY_STORY, row).sockets[1]
    assert (late.process.name, late.process.command_line) == ("whois.exe", None)


def test_another_programs_start_does_not_lend_its_command_line(tmp_path: Path) -> None:
    other = windows.process_created(NewProcessName="C:\\curl.exe", CommandLine="curl x")
    (socket,) = flat(tmp_path, windows.security(4688, other, 0), SECURITY_STORY[0]).sockets
    assert (socket.process.name, socket.process.command_line) == ("whois.exe", None)


def test_the_creator_is_found_by_its_pid(tmp_path: Path) -> None:
    shell = windows.process_created(
        NewProcessId="0x12c", NewProcessName="C:\\Windows\\System32\\cmd.exe", CommandLine="cmd /k", ProcessId="0x1"
    )
    # The shell started before whois, in the same export.
    row = windows.security(4688, shell, 0) | {"@timestamp": "2024-05-01T09:00:00Z"}
    (socket,) = flat(tmp_path, *SECURITY_STORY, row).sockets
    assert socket.process.parent is not None
    assert socket.process.parent.command_line == "cmd /k"


def test_an_accepted_connection_has_this_host_as_source(tmp_path: Path) -> None:
    fields = windows.connection_allowed(Direction="%%14592", SourcePort="22")
    (socket,) = flat(tmp_path, windows.security(5156, fields)).sockets
    assert (socket.local_ip, socket.local_port, socket.initiated) == ("10.1.2.3", 22, False)


def test_the_target_account_is_the_new_processes(tmp_path: Path) -> None:
    fields = windows.process_created(TargetUserName="svc", TargetDomainName="CORP")
    assert flat(tmp_path, windows.security(4688, fields)).starts[0].process.user == "CORP\\svc"


def both(tmp_path: Path, *more: dict[str, Any]) -> EndpointReading:
    return flat(tmp_path, *(events.flat(number, fields) for number, fields in STORY), *more)


def test_what_sysmon_and_security_both_record_is_told_once(tmp_path: Path) -> None:
    days_off = [row | {"@timestamp": "2024-05-07T03:00:00Z"} for row in SECURITY_STORY]
    reading = both(tmp_path, *days_off)
    story_of(reading)
    assert {one.product for one in (*reading.starts, *reading.sockets)} == {"Sysmon"}


def test_a_connection_only_security_recorded_is_of_sysmons_process(tmp_path: Path) -> None:
    row = windows.security(5156, windows.connection_allowed(SourcePort="50200"), 1)
    first, second = sorted(both(tmp_path, row).sockets, key=lambda socket: socket.local_port or 0)
    assert (second.product, second.process) == ("Windows Security", first.process)
    assert second.process.key.endswith("-0000000000ab")


def test_a_reused_pid_is_not_guessed(tmp_path: Path) -> None:
    again = events.flat(1, events.start(ProcessGuid="{33333333-0000-0000-0000-000000000001}", CommandLine="whois b"))
    row = windows.security(5156, windows.connection_allowed(SourcePort="50200"), 1)
    (only,) = [socket for socket in both(tmp_path, again, row).sockets if socket.local_port == 50200]
    assert (only.process.name, only.process.command_line) == ("whois.exe", None)


def test_a_second_run_that_sysmon_missed_is_still_told(tmp_path: Path) -> None:
    second = windows.security(4688, windows.process_created(CommandLine="whois other.example"), 9)
    lines = [start.process.command_line for start in both(tmp_path, *SECURITY_STORY, second).starts]
    assert lines == ["whois  example.com", "whois other.example"]


def test_icmp_and_other_security_events_are_counted(tmp_path: Path) -> None:
    rows = [windows.security(5156, windows.connection_allowed(Protocol="1")), windows.security(4624, {})]
    reading, (report,) = read(ndjson(tmp_path / "x", [*rows, *SECURITY_STORY]))
    assert len(reading.sockets) == 1
    assert reasons(report) == [
        "None: 1 5156 events of another protocol than TCP and UDP",
        "None: 1 events not used: Security 4624 (1)",
    ]


def test_a_pid_without_application_is_kept(tmp_path: Path) -> None:
    reading = flat(tmp_path, windows.security(5156, windows.connection_allowed(Application="-")))
    assert [(socket.process.name, socket.process.pid) for socket in reading.unowned_sockets] == [("", 4711)]


def test_sysmon_keeps_the_pid_of_an_unknown_process(tmp_path: Path) -> None:
    unknown = {"ProcessGuid": "{00000000-0000-0000-0000-000000000000}", "Image": "<unknown process>"}
    rows = [events.flat(3, events.connection(ProcessId=pid, SourcePort=pid, **unknown)) for pid in ("812", "944")]
    sockets = flat(tmp_path, *rows).unowned_sockets
    assert {(socket.process.pid, socket.local_port) for socket in sockets} == {(812, 812), (944, 944)}


@pytest.mark.parametrize("value", [None, True, [], {}, [[]], "x" * 70_000, -1, 1e99, "\0", {"a": "b"}, "<a", "{"])
@pytest.mark.parametrize("number", [5156, 4688, 4689])
def test_a_field_of_the_wrong_type_raises_nothing(number: int, value: object, tmp_path: Path) -> None:
    row = next(row for row in SECURITY_STORY if row["EventID"] == number)
    rows = [row | {name: value} for name in [*row, "EventData", "SyslogMessage"]]
    _, (report,) = read(ndjson(tmp_path / "x", [row, *rows]))
    assert report.records == len(rows) + 1


def test_a_broken_payload_costs_its_row_and_other_events_are_counted(tmp_path: Path) -> None:
    rows = [
        windows.evtxecmd(3, {}, payload='{"EventData": {"Da'),
        windows.evtxecmd(3, {}, payload='{"UserData": {}}'),
        windows.evtxecmd(13, {}, payload="not opened"),
        *(windows.evtxecmd(number, fields) for number, fields in STORY),
    ]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    story_of(reading)
    assert [reason.partition(": ")[0] for reason in reasons(report)][1:] == ["1", "2"]
    assert "1 events not used: Sysmon 13 (1)" in reasons(report)[0]


def test_velociraptors_numeric_time_is_the_time_of_events_without_another(tmp_path: Path) -> None:
    row = windows.velociraptor(4688, windows.process_created())
    row["System"] |= {"Provider": {"Name": windows.SECURITY}, "Channel": "Security"}
    reading, _ = read(ndjson(tmp_path / "x", [row]))
    (start,) = reading.starts
    assert start.ts == 1714557630_123456
    assert start.process.name == "whois.exe"
