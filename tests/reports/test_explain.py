"""``whosasking explain``: the evidence for one lookup, from the JSON report alone, whatever stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from whosasking import cli

SCENARIO = Path(__file__).parents[2] / "pcaps" / "workstation"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "report.json"
    sources = [str(SCENARIO / "zeek-tsv"), str(SCENARIO / "exports" / "sysmon-flat")]
    assert cli.run(["report", *sources, "-f", "json", "-o", str(path)]) == 0
    return path


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.run(["explain", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def lookups(report: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(report.read_text())["lookups"]
    return found


def test_the_winner_its_times_and_the_verdict_are_shown(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = next(lookup for lookup in lookups(report) if lookup["attribution"]["method"] == "5-tuple")
    status, out, _ = explained(capsys, one["id"].lower(), str(report))
    assert status == 0
    seen = one["attribution"]["seen"]
    for shown in (one["process"]["name"], one["verdict"], one["reason"], seen["sensor_time"], seen["host_time"]):
        assert shown in out
    assert "chose " in out
    assert "anchors" in out


def test_every_lookup_of_a_real_report_can_be_explained(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lookup in lookups(report):
        status, out, err = explained(capsys, lookup["id"], str(report))
        assert (status, err) == (0, "")
        assert lookup["verdict"] in out


def test_hostile_text_is_escaped(report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[red]\x1b]0;owned\x07\u202e\ud800\n{{7*7}}"

    def poisoned(value: object) -> object:
        if isinstance(value, str):
            return hostile
        if isinstance(value, dict):
            return {key: poisoned(inner) for key, inner in value.items()}
        return [poisoned(inner) for inner in value] if isinstance(value, list) else value

    one = poisoned(next(lookup for lookup in lookups(report) if lookup["attribution"]["candidates"] or lookup["query"]))
    assert isinstance(one, dict)
    one["id"] = "L1"
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps({"schema": "whosasking.report/1", "lookups": [one]}).replace("\\ud800", "\\ufffd"))
    status, out, _ = explained(capsys, "L1", str(path))
    assert status == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red]" in out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\x80",
        '{"schema": "whosasking.report/1"}',
        '{"schema": "whosasking.attribution/1", "lookups": []}',
        '{"schema": "whosasking.report/1", "lookups": [{"id": 7}]}',
        '{"schema": "whosasking.report/1", "lookups": [{"id": "L1", "attribution": {"candidates": "x"}}]}',
        '{"schema": "whosasking.report/1", "lookups": []}',
        '{"schema": "whosasking.report/1", "lookups": [{"id": "L2"}]}',
        "[" * 100_000,
    ],
)
def test_a_bad_file_or_id_is_one_line_and_status_two(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, "latin-1")
    status, out, err = explained(capsys, "L1", str(path))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "bad.json" in err
    assert "internal error" not in err


def test_a_missing_file_is_one_line_and_status_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = explained(capsys, "L1", str(tmp_path / "absent.json"))
    assert status == 2
    assert "no such file" in err


def test_numbers_no_calendar_reaches_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "far.json"
    seen = {"sensor_time": "x", "host_time": "y", "apart_seconds": 1e300, "offset_seconds": -1e300}
    one = {"id": "L1", "attribution": {"method": "5-tuple", "confidence": 1.0, "seen": seen}}
    path.write_text(json.dumps({"schema": "whosasking.report/1", "lookups": [one]}))
    status, out, _ = explained(capsys, "L1", str(path))
    assert status == 0
    assert "1e+300" in out
