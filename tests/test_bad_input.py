"""Bad input, through the whole pipeline: one clear line each, and the rest is still reported."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from whosasking import pipeline
from whosasking.model import Unattributed
from whosasking.reports.summary import nothing_was_read

if TYPE_CHECKING:
    from whosasking.model import InputReport, Report

SCENARIO = Path(__file__).parent.parent / "pcaps" / "workstation"
WHOIS_LOG = SCENARIO / "zeek-tsv" / "whois.log"
CONN_LOG = SCENARIO / "zeek-tsv" / "conn.log"


def entry(report: Report, path: Path) -> InputReport:
    (found,) = [one for one in report.inputs if one.path == str(path)]
    return found


def reasons(report: Report, path: Path) -> list[tuple[int | None, str]]:
    return [(skip.line, skip.reason) for skip in entry(report, path).skipped]


def headerless(path: Path) -> None:
    rows = [line for line in CONN_LOG.read_bytes().splitlines(keepends=True) if not line.startswith(b"#")]
    path.write_bytes(b"".join(rows))


HOPELESS = {
    "missing.log": (lambda _: None, "no such file"),
    "binary.bin": (lambda path: path.write_bytes(b"\x7f\0\xff" * 9000), "binary file"),
    "people.csv": (lambda path: path.write_text("name,age\nbob,3\n"), "not recognised"),
    "empty.log": (lambda path: path.write_bytes(b""), "empty file"),
    "conn.log": (headerless, "without its header"),
    "folder": (lambda path: path.mkdir(), "no Zeek log"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_cannot_be_read_at_all_has_one_clear_line_and_says_so(tmp_path: Path, name: str) -> None:
    make, reason = HOPELESS[name]
    path = tmp_path / name
    make(path)
    report = pipeline.run([path])
    assert nothing_was_read(report)
    ((line, said),) = reasons(report, path)
    assert line is None
    assert reason in said


@pytest.mark.parametrize("name", HOPELESS)
def test_the_rest_is_still_reported(tmp_path: Path, name: str) -> None:
    HOPELESS[name][0](tmp_path / name)
    with_it, without = pipeline.run([tmp_path / name, WHOIS_LOG], now=0), pipeline.run([WHOIS_LOG], now=0)
    assert with_it.lookups == without.lookups
    assert not nothing_was_read(with_it)


def test_a_json_line_cut_in_half_is_named_and_the_lines_before_it_are_read(tmp_path: Path) -> None:
    whole = (SCENARIO / "zeek-json" / "whois.log").read_bytes()
    cut = tmp_path / "whois.log"
    cut.write_bytes(whole[:-200])
    report = pipeline.run([cut])
    last = whole.count(b"\n")
    ((line, reason),) = reasons(report, cut)
    assert line == last
    assert "cut short" in reason
    assert len(report.lookups) == len(pipeline.run([SCENARIO / "zeek-json" / "whois.log"]).lookups) - 1


def test_a_line_of_ten_megabytes_is_passed_over_by_number(tmp_path: Path) -> None:
    lines = WHOIS_LOG.read_bytes().splitlines(keepends=True)
    padded = tmp_path / "whois.log"
    padded.write_bytes(b"".join([*lines[:12], b"x" * 10_000_000 + b"\n", *lines[12:]]))
    report = pipeline.run([padded])
    assert reasons(report, padded) == [(13, "line longer than 8 MiB")]
    assert len(report.lookups) == len(pipeline.run([WHOIS_LOG]).lookups)


def test_a_gzip_file_cut_short_gives_what_it_held(tmp_path: Path) -> None:
    whole = gzip.compress(WHOIS_LOG.read_bytes(), mtime=0)
    cut = tmp_path / "whois.log.gz"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    report = pipeline.run([cut])
    assert 0 < len(report.lookups) < len(pipeline.run([WHOIS_LOG]).lookups)
    assert "ends too early" in reasons(report, cut)[-1][1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_we_may_not_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "whois.log"
    shutil.copy(WHOIS_LOG, path)
    path.chmod(0)
    assert "permission denied" in reasons(pipeline.run([path]), path)[0][1]


def test_an_export_whose_clock_cannot_be_aligned_names_nobody_on_the_wire_and_says_why(tmp_path: Path) -> None:
    lines = (SCENARIO / "exports" / "sysmon-flat" / "sysmon.ndjson").read_bytes().splitlines()
    broken = tmp_path / "sysmon.ndjson"
    broken.write_bytes(b"\n".join(scattered(line, number) for number, line in enumerate(lines)))
    report = pipeline.run([SCENARIO / "zeek-tsv", broken])
    (clock,) = report.coverage.clock_offsets
    assert clock.offset is None
    assert "agree" in clock.reason
    on_the_wire = [judged.attribution for judged in report.lookups if judged.lookup.sensor == "zeek"]
    assert on_the_wire
    assert all(isinstance(who, Unattributed) and "cannot be aligned" in who.reason for who in on_the_wire)


def scattered(line: bytes, number: int) -> bytes:
    """Move an event by hours that differ from one event to the next: no offset fits two connections."""
    event = json.loads(line)
    moved = dt.datetime.fromisoformat(event["UtcTime"]) + dt.timedelta(seconds=number * 7919 % 200_003)
    event["UtcTime"] = moved.isoformat(sep=" ", timespec="milliseconds")
    return json.dumps(event).encode()


def test_attribute_names_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0\1\2\3" * 100)
    (tmp_path / "empty.log").touch()
    command = [sys.executable, "-m", "whosasking", "attribute", "x.bin", "empty.log", "none.log"]
    environment = {**os.environ, "PYTHONPATH": str(SCENARIO.parents[1] / "analyzer")}
    for form, stream in (("terminal", "stdout"), ("csv", "stderr")):
        done = subprocess.run(
            [*command, "--format", form], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )
        assert done.returncode == 2
        said = getattr(done, stream)
        assert all(word in said for word in ("x.bin: ", "empty.log: empty file", "none.log: no such file"))
