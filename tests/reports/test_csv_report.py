from __future__ import annotations

import csv
import io

import msgspec
import pytest

from reports import sample
from whosasking.model import Report, Verdict
from whosasking.reports import Options, renderer
from whosasking.reports.csv import COLUMNS

SEED = (
    "Timestamp,DeviceName,AccountName,FileName,ProcessCommandLine,InitiatingProcessFileName,"
    "InitiatingProcessCommandLine,DetectionType,TargetEntity"
)


def text_of(report: Report) -> str:
    out = io.StringIO()
    renderer("csv")(report, out, Options())
    return out.getvalue()


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(report))))


def test_the_header_begins_with_the_columns_of_the_seed_query() -> None:
    assert text_of(sample.quiet()).startswith(SEED + ",verdict,reason,")
    assert text_of(sample.quiet()).count("\n") == 1


def test_one_row_per_lookup_dropped_and_allowed_ones_too() -> None:
    report = sample.sample()
    got = rows(report)
    assert [row["lookup"] for row in got] == [judged.lookup.id for judged in report.lookups]
    assert {row["verdict"] for row in got} == {"reported", "dropped", "allowed"}


def test_the_seed_columns_of_each_detection() -> None:
    by_id = {row["lookup"]: row for row in rows(sample.sample())}
    start, session, web = by_id["L1"], by_id["L2"], by_id["L10"]
    assert start["TargetEntity"] == "whois -h whois.verisign-grs.com example.com"
    assert session["TargetEntity"] == "192.34.234.30:43"
    assert web["TargetEntity"] == "rdap.verisign.com"
    assert session["Timestamp"] == "2026-03-14T09:12:00.120000Z"
    assert (session["DeviceName"], session["AccountName"], session["FileName"]) == (
        "ws-042.corp.example",
        "jdoe",
        "whois",
    )
    assert (session["InitiatingProcessFileName"], session["InitiatingProcessCommandLine"]) == ("bash", "'-bash")
    assert by_id["L40"]["DeviceName"] == ""


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\N{FULLWIDTH EQUALS SIGN}1", '=HYPERLINK("http://x")'],
)  # fmt: skip
def test_a_spreadsheet_evaluates_no_cell(text: str) -> None:
    report = sample.sample()
    judged = report.lookups[0]
    verdict = Verdict(outcome=judged.verdict.outcome, reason=judged.verdict.reason, detail=text)
    report = msgspec.structs.replace(report, lookups=(msgspec.structs.replace(judged, verdict=verdict),))
    cell = rows(report)[0]["detail"]
    assert cell.startswith("'")
    assert cell.removeprefix("'").strip().endswith(text.strip()[1:])


def test_hostile_text_keeps_one_line_per_lookup_and_every_column() -> None:
    report = sample.hostile()
    written = text_of(report)
    assert written.count("\n") == len(report.lookups) + 1
    assert not any((ord(c) < 32 and c != "\n") or c in "\x7f\u202e\u2028\x85\x9b" for c in written)
    written.encode()
    table = list(csv.reader(io.StringIO(written)))
    assert {len(row) for row in table} == {len(COLUMNS)}
    for row in table[1:]:
        assert not any(
            cell.lstrip()[:1] in set("=+-@") for cell in row if not cell.lstrip("-").replace(".", "").isdigit()
        )
