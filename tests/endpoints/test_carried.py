"""Events as other products carry them: Splunk's exports, Elastic's event.original, Azure's diagnostics, any CSV.

Shapes: Splunk's ``search/jobs/export`` and its web interface, its HTTP event collector, elastic/integrations (tag
``preserve_original_event``), rows of SEKOIA-IO/intake-formats (``azure-windows``); values are our own.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.exports import ndjson, read, reasons
from endpoints.products import STORIES
from endpoints.story import Row, Story, check
from endpoints.test_defender import TS, network
from whosasking import endpoints
from whosasking.endpoints import focus
from whosasking.endpoints.carried import opened
from whosasking.inputs import Input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ELASTIC = "elastic defend"
"""Needs no carrier: its documents are the events."""


def splunk(row: Row) -> Row:
    found = {"_raw": json.dumps(row), "_time": "2024-05-01T10:09:00.000+00:00", "host": "indexer", "sourcetype": "x"}
    return {"preview": False, "offset": 7, "result": found}


def collected(row: Row) -> Row:
    return {"time": 1714557999.5, "host": "forwarder", "sourcetype": "edr", "index": "main", "event": row}


def original(row: Row) -> Row:
    document = {"event": {"original": json.dumps(row), "kind": "event"}, "agent": {"type": "filebeat"}}
    return {
        "@timestamp": "2024-05-01T10:09:00Z",
        "ecs": {"version": "8.11.0"},
        "host": {"name": "forwarder"},
    } | document


def dotted_original(row: Row) -> Row:
    return {"@timestamp": "2024-05-01T10:09:00Z", "event.original": json.dumps(row), "agent.type": "filebeat"}


def hit(row: Row) -> Row:
    return {"_index": "logs-x", "_source": original(row)}


CARRIERS: dict[str, Callable[[Row], Row]] = {
    "splunk": splunk,
    "splunk's collector": collected,
    "event.original": original,
    "event.original dotted": dotted_original,
    "event.original in a hit": hit,
}
each_product = pytest.mark.parametrize("name", STORIES)


def story_of(name: str) -> Story:
    return STORIES[name]()


@each_product
@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_product_in_each_carrier(name: str, carrier: str, tmp_path: Path) -> None:
    story = story_of(name)
    reading, (report,) = read(ndjson(tmp_path / "x", [CARRIERS[carrier](row) for row in story.rows]))
    check(reading, story)
    assert (report.kind, report.records, report.skipped) == (story.kind, len(story.rows), ())


@each_product
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_carriers_own_kind_is_not_its_events(name: str, carrier: str, tmp_path: Path) -> None:
    """Logstash has a ``type`` of its own, an ingest pipeline an ``event.type`` and an ``event.action``."""
    own = {"type": "log", "event_simpleName": "x", "event.type": "info", "event.action": "x", "EventID": 9999}
    story = story_of(name)
    rows = [CARRIERS[carrier](row) | own for row in story.rows]
    for row in rows:
        if isinstance(row.get("event"), dict) and "original" in row["event"]:
            row["event"] |= {"type": "info", "action": "x"}
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    check(reading, story)
    assert report.skipped == ()


def quoted(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@each_product
def test_splunks_csv(name: str, tmp_path: Path) -> None:
    story = story_of(name)
    path = tmp_path / "x.csv"
    path.write_text(quoted([{"_time": "x", "_raw": json.dumps(row), "host": "h"} for row in story.rows]), "utf-8")
    reading, (report,) = read(path)
    check(reading, story)
    assert (report.kind, report.skipped) == (f"{story.kind} csv", ())


@pytest.mark.parametrize("name", [name for name in STORIES if name not in {ELASTIC, "osquery"}])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_that_a_console_exports_as_csv(name: str, delimiter: str, tmp_path: Path) -> None:
    """All columns in every row, those of other kinds of events empty; every value is text."""
    story = story_of(name)
    text = quoted(story.rows)
    if delimiter != ",":
        rows = list(csv.reader(io.StringIO(text)))
        text = "\n".join(delimiter.join(f'"{field}"' for field in row) for row in rows) + "\n"
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8-sig", newline="")
    reading, (report,) = read(path)
    check(reading, story)
    assert (report.kind, report.records, report.skipped) == (f"{story.kind} csv", len(story.rows), ())


def test_columns_of_other_rows_do_not_make_a_row_what_it_is_not(tmp_path: Path) -> None:
    """A CSV has all columns in every row: an interface of a managed host is no row of aidmaster for an empty name."""
    rows = [*story_of("crowdstrike fdr").rows, {"aid": "0a1b2c", "LocalAddressIP4": "10.9.9.9", "MAC": "x"}]
    path = tmp_path / "x.csv"
    path.write_text(quoted(rows), "utf-8")
    reading, (report,) = read(path)
    assert (reading.addresses, report.skipped) == ({"WS1": ["10.1.2.3", "10.9.9.9"]}, ())


def test_a_csv_of_falcon_is_not_taken_for_defenders(tmp_path: Path) -> None:
    """It has a timestamp, a ComputerName and a RemotePort too."""
    path = tmp_path / "x.csv"
    path.write_text(quoted([row | {"ComputerName": "WS1"} for row in story_of("crowdstrike fdr").rows]), "utf-8")
    assert endpoints.sniff(path.read_bytes()) == "crowdstrike fdr csv"


@pytest.mark.parametrize("as_csv", [False, True])
def test_sysmon_as_xml_in_splunk(as_csv: bool, tmp_path: Path) -> None:
    rows = [{"_raw": windows.xml(number, fields).replace("'", '"'), "_time": "x"} for number, fields in events.STORY]
    path = tmp_path / "x"
    path.write_text(
        quoted(rows) if as_csv else "".join(json.dumps({"preview": False, "result": row}) + "\n" for row in rows),
        "utf-8",
    )
    _is_the_story(path)


def test_windows_events_of_azures_diagnostics(tmp_path: Path) -> None:
    rows = [
        {
            "time": "2024-05-01T10:00:30Z",
            "category": "WindowsEventLogsTable",
            "level": "Informational",
            "properties": {"EventId": number, "Pid": 592, "RawXml": windows.xml(number, fields), "Description": "x"},
        }
        for number, fields in events.STORY
    ]
    _is_the_story(ndjson(tmp_path / "x", rows))


def _is_the_story(path: Path) -> None:
    reading, (report,) = read(path)
    (socket,), (start,), (query,) = reading.sockets, reading.starts, reading.name_queries
    assert (socket.remote_port, socket.process, query.process) == (43, start.process, start.process)
    assert (start.process.command_line, report.skipped) == ("whois  example.com", ())


@pytest.mark.parametrize("carrier", CARRIERS)
def test_defender_in_each_carrier(carrier: str, tmp_path: Path) -> None:
    row = {"category": "AdvancedHunting-DeviceNetworkEvents", "properties": network()}
    (socket,) = read(ndjson(tmp_path / "x", [CARRIERS[carrier](row)]))[0].sockets
    assert (socket.ts, socket.process.name) == (TS, "whois.exe")


def test_splunks_own_fields_count_where_the_text_is_neither_json_nor_xml(tmp_path: Path) -> None:
    fields = events.start() | {"EventCode": "1", "ComputerName": events.HOST, "SourceName": windows.SYSMON}
    row = {"preview": False, "result": fields | {"_raw": "05/01/2024 10:00:00 AM\nLogName=Microsoft-Windows-Sysmon"}}
    (start,) = read(ndjson(tmp_path / "x", [row]))[0].starts
    assert start.process.command_line == "whois  example.com"


FORGED = windows.xml(3, events.connection())


@pytest.mark.parametrize(
    "text",
    [
        f"05/01/2024 10:00:00 AM\nEventCode=1\nCommandLine=cmd /c echo {FORGED}",
        f'203.0.113.9 - - [01/May/2024:10:00:00 +0000] "GET /{FORGED} HTTP/1.1" 404 0',
        f"May  1 10:00:00 bastion sshd[77]: Invalid user sysmon: {FORGED} from 203.0.113.9",
    ],
)
def test_no_event_is_taken_out_of_what_another_record_quotes(text: str) -> None:
    """A command line, an address that was asked for, a user's name: whoever wrote them would write our records."""
    for row in ({"_raw": text}, {"event": {"original": text}}):
        assert opened(row) is row


@pytest.mark.parametrize(
    "prefix",
    ["<?xml version='1.0'?>\n", "May  1 10:00:00 host sysmon[77]: ", "<14>1 2024-05-01T10:00:00Z host sysmon 77 - - "],
)
def test_an_event_behind_its_own_prefix(prefix: str) -> None:
    assert "System" in opened({"_raw": f"{prefix}{FORGED}"})


def test_an_event_in_a_command_line_does_not_make_a_csv_xml(tmp_path: Path) -> None:
    rows = [events.flat(1, events.start() | {"CommandLine": f"cmd /c echo {FORGED}"}), events.flat(*events.STORY[0])]
    path = tmp_path / "x.csv"
    path.write_text(quoted(rows), "utf-8")
    reading, (report,) = read(path)
    assert (report.kind, len(reading.starts), len(reading.sockets)) == ("sysmon flat csv", 1, 1)


def test_documents_that_are_events_themselves_stay_what_they_are() -> None:
    beat = events.ecs(1, events.start()) | {"event": {"original": '{"a": 1}', "code": "1"}}
    own = {"agent": {"type": "endpoint"}, "event": {"original": '{"a": 1}', "action": "start"}}
    for row in (beat, own, {"event": {"code": "1"}}, {"result": {"x": 1}}, {"sourcetype": "x"}, {"_raw": 7}):
        assert opened(row) is row


@pytest.mark.parametrize(
    "text", ['{"cut": "of', "{", '{"a": 1} x', "<Event><System>", "<!DOCTYPE x><Event></Event>", "[]", "", "\0", "{}"]
)
def test_a_broken_event_costs_its_row_and_is_told(text: str, tmp_path: Path) -> None:
    story = story_of("carbon black edr")
    rows = [splunk(row) for row in story.rows]
    rows.insert(1, {"preview": False, "result": {"_raw": text}})
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    check(reading, story)
    assert len(report.skipped) == 1
    assert report.skipped_total == 1
    if report.skipped[0].line is not None:
        assert report.skipped[0].line == 2
        assert "in a string" in report.skipped[0].reason
    else:
        assert reasons(report) == ["None: 1 events not used: no type (1)"]


@pytest.mark.parametrize("name", ["carbon black edr", "crowdstrike fdr", "sentinelone cloud funnel", "sysmon"])
@pytest.mark.parametrize("carrier", ["splunk", "splunk's collector", "event.original"])
def test_a_large_file_of_them_is_decoded_whole(
    name: str, carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen looks for fields as they stand in a line: in a string in a field they stand otherwise."""
    monkeypatch.setattr(endpoints, "SCREENED_FROM", 0)
    rows = [events.flat(*one) for one in events.STORY] if name == "sysmon" else story_of(name).rows
    path = ndjson(tmp_path / "x", [CARRIERS[carrier](row) for row in rows])
    kind = endpoints.sniff(path.read_bytes())
    assert kind is not None
    assert focus.is_screened(Input(str(path), kind, None))
    reading, (report,) = read(path)
    assert (len(reading.sockets), len(reading.starts), report.records) == (1, 1, len(rows))
