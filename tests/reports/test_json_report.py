from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reports import sample
from reports.schema_check import problems
from whosasking.reports import Options, renderer
from whosasking.reports import json as json_report

if TYPE_CHECKING:
    from whosasking.model import Report

SCHEMA = json.loads(Path(json_report.__file__).with_name("report.schema.json").read_text("utf-8"))
REPORTS = {
    "sample": sample.sample,
    "quiet": sample.quiet,
    "unreadable": sample.unreadable,
    "hostile": sample.hostile,
    "busy": sample.busy,
}


def text_of(report: Report) -> str:
    out = io.StringIO()
    renderer("json")(report, out, Options())
    return out.getvalue()


def document(report: Report) -> dict[str, Any]:
    return json.loads(text_of(report))


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_keeps_the_published_schema(name: str) -> None:
    assert problems(document(REPORTS[name]()), SCHEMA, SCHEMA) == []


def test_the_schema_check_itself_finds_what_is_wrong() -> None:
    broken = document(sample.sample())
    del broken["lookups"][0]["verdict"]
    broken["lookups"][1]["ts"] = "2026-03-14 09:00:00"
    broken["findings"][0]["severity"] = "terrible"
    broken["inputs"][0]["bytes"] = "many"
    assert len(problems(broken, SCHEMA, SCHEMA)) == 4


def test_the_contract_keys_other_programs_build_on() -> None:
    got = document(sample.sample())
    contract: dict[str, str] = {
        "": "schema version generated_at inputs coverage summary findings lookups",
        "inputs": "path kind bytes records candidates skipped",
        "coverage": "start end hosts_with_edr gaps clock_offsets",
        "summary": "reported dropped allowed by_reason by_detection",
        "findings": "id severity score score_parts host user process first_seen last_seen lookups targets",
        "lookups": "id ts detection sensor uid community_id src_ip src_port dst_ip dst_port transport server query "
        "client process attribution verdict reason",
    }
    for key, names in contract.items():
        part = got[key] if key else got
        assert set(names.split()) <= set(part[0] if isinstance(part, list) else part), key
    lookup = next(one for one in got["lookups"] if one["id"] == "L2")
    assert set(lookup["query"]) >= {"text", "object", "kind"}
    assert set(lookup["client"]) >= {"class", "evidence", "user_agent", "ja3"}
    assert set(lookup["process"]) >= {"name", "path", "command_line", "pid", "user", "host", "parent"}
    assert set(lookup["process"]["parent"]) == {"name", "path", "command_line", "pid"}
    assert set(lookup["attribution"]) >= {"method", "confidence", "reason", "candidates"}
    assert set(got["coverage"]["clock_offsets"][0]) >= {"host", "offset_seconds", "anchors", "spread_seconds"}


def test_values_come_through_unchanged() -> None:
    got = document(sample.sample())
    first = next(one for one in got["lookups"] if one["id"] == "L2")
    assert first["ts"] == "2026-03-14T09:12:00.120000Z"
    assert first["query"] == {"text": "domain example.com", "object": "example.com", "kind": "domain", "count": 1}
    assert (first["process"]["pid"], first["process"]["parent"]["name"]) == (4411, "bash")
    assert (first["verdict"], first["finding"]) == ("reported", "F2")
    disguised = next(one for one in got["lookups"] if one["id"] == "L40")
    assert disguised["process"] is None
    assert disguised["attribution"] == {
        "method": "none",
        "confidence": 0.0,
        "reason": "no EDR for this host",
        "candidates": [],
        "record": None,
        "seen": None,
        "application": None,
        "script": None,
        "ladder": [],
    }
    assert got["coverage"]["clock_offsets"][0]["offset_seconds"] == 2.412118
    assert got["coverage"]["clock_offsets"][2]["offset_seconds"] is None


def test_dropped_and_allowed_lookups_are_all_there_and_counted() -> None:
    report = sample.sample()
    got = document(report)
    assert len(got["lookups"]) == len(report.lookups)
    by_verdict = {
        name: sum(one["verdict"] == name for one in got["lookups"]) for name in ("reported", "dropped", "allowed")
    }
    assert by_verdict == {name: got["summary"][name] for name in by_verdict}
    assert sum(got["summary"]["by_reason"].values()) == len(report.lookups)
    assert set(got["summary"]["by_detection"]) == {"WHOISProtocolPort43", "WHOISWebAPIAccess", "WHOISToolExecution"}


def test_the_same_report_gives_the_same_bytes() -> None:
    assert text_of(sample.sample()) == text_of(sample.sample())


def test_hostile_text_stays_ascii_and_any_parser_reads_it() -> None:
    written = text_of(sample.hostile())
    assert written.isascii()
    assert "\x1b" not in written
    msgspec.json.decode(written.encode())  # refuses what the standard library lets pass


def test_a_byte_that_was_no_utf8_is_told_as_that_byte() -> None:
    report = sample.sample()
    report = msgspec.structs.replace(report, notes=(b"caf\xe9".decode(errors="surrogateescape"), "\ud800 alone"))
    assert document(report)["notes"] == [r"caf\xe9", r"\ud800 alone"]


def test_each_lookup_has_a_line_of_its_own() -> None:
    lines = text_of(sample.sample()).splitlines()
    assert sum(line.startswith('  {"id": "L') for line in lines) == len(sample.sample().lookups)
