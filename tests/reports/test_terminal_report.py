from __future__ import annotations

import difflib
import io
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from reports import sample
from whosasking.model import Coverage, InputReport, Report, Skipped
from whosasking.reports import Options, renderer

GOLDEN = Path(__file__).parent / "golden"
STEERING = set("\x1b\x07\x9b\r\t\0\x85\u202e\u2066\u200b\u200d\ufeff\u2028\u2029")
CASES = {
    "day-80": (sample.sample, Options(width=80)),
    "day-120": (sample.sample, Options(width=120)),
    "day-dropped-80": (sample.sample, Options(width=80, show_dropped=True)),
    "day-dropped-120": (sample.sample, Options(width=120, show_dropped=True)),
    "quiet-80": (sample.quiet, Options(width=80)),
    "unreadable-80": (sample.unreadable, Options(width=80)),
    "hostile-80": (sample.hostile, Options(width=80, show_dropped=True)),
}


def text_of(report: Report, options: Options) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    renderer("terminal")(report, out, options)
    out.flush()
    return out.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CASES)
def test_reports_look_as_agreed(name: str, *, update_golden: bool) -> None:
    build, options = CASES[name]
    got = text_of(build(), options)
    path = GOLDEN / f"{name}.txt"
    if update_golden:
        path.write_text(got, "utf-8")
    want = path.read_text("utf-8")
    assert got == want, "".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), "golden", "now"))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("build", [sample.sample, sample.hostile, sample.quiet, sample.busy])
def test_no_line_is_wider_than_the_page_or_ends_in_spaces(build, width: int) -> None:
    for line in text_of(build(), Options(width=width, show_dropped=True)).split("\n"):
        assert cell_len(line) <= width
        assert line == line.rstrip(" ")


def test_hostile_text_cannot_steer_the_terminal() -> None:
    got = text_of(sample.hostile(), Options(width=80, show_dropped=True))
    assert not STEERING & set(got)
    assert r"\x1b[2J\x1b]0;owned\x07" in got
    assert "[red]not red[/red]" in got


def test_an_output_that_is_not_utf8_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for build in (sample.sample, sample.hostile):
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="ascii", newline="")  # errors="strict": one wrong character raises
        renderer("terminal")(build(), out, Options(width=80, show_dropped=True))
        out.flush()
        assert raw.getvalue().isascii()


def test_colour_only_on_a_terminal_and_never_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    plain = text_of(sample.sample(), Options(width=80))
    assert "\x1b" not in plain
    for setting, coloured in ((None, True), ("1", False)):
        if setting:
            monkeypatch.setenv("NO_COLOR", setting)
        out = Terminal()
        renderer("terminal")(sample.sample(), out, Options(width=80))
        assert ("\x1b[1;31m" in out.getvalue()) is coloured
        assert "\x1b]" not in out.getvalue()


def test_the_opening_says_who_what_and_how_sure() -> None:
    opening = text_of(sample.sample(), Options(width=120)).split("Timeline")[0]
    assert opening.startswith("19 WHOIS or RDAP lookups reported: 3 findings on 2 hosts.")
    assert "jdoe on ws-042.corp.example looked up example.com, example.net and 203.0.113.0/24 with whois" in opening
    assert "near certain (0.99): exact 5-tuple" in opening
    assert "10.20.9.17 looked up example.org with an unknown process" in opening
    assert "process not known: no EDR for this host" in opening
    assert "User-Agent claims Firefox" in opening
    assert "could not be read" in opening


def test_the_technique_is_named_once() -> None:
    for build in (sample.sample, sample.quiet, sample.unreadable):
        assert text_of(build(), Options(width=80)).count("T1596.002") == 1


def test_a_score_shows_the_parts_it_is_the_sum_of() -> None:
    table = text_of(sample.sample(), Options(width=80)).split("Findings (a score")[1].split("Set aside")[0]
    for finding in sample.sample().findings:
        assert f"{finding.score}" in table
        for part in finding.score_parts:
            assert f"{part.points:+d}" in table


def test_nothing_found_says_what_was_looked_at() -> None:
    got = text_of(sample.quiet(), Options(width=80))
    assert got.startswith("Nothing to report: no WHOIS or RDAP lookup was seen.")
    assert "533,470 records from 4 inputs" in got
    assert "2026-03-14 08:01:03 to 17:59:58 UTC" in got
    assert "logs/2026-03-14/ssl.log" in got


def test_all_set_aside_is_not_nothing_seen() -> None:
    report = sample.sample()
    kept = tuple(judged for judged in report.lookups if judged.verdict.outcome != "reported")
    got = text_of(msgspec.structs.replace(report, findings=(), lookups=kept), Options(width=80))
    assert got.startswith("Nothing to report: all 14 WHOIS and RDAP lookups seen were set aside")
    assert "browser process" in got


@pytest.mark.parametrize("inputs", [(), sample.inputs()[-1:]])
def test_nothing_read_never_looks_like_nothing_found(inputs: tuple[InputReport, ...]) -> None:
    report = msgspec.structs.replace(sample.quiet(), inputs=inputs, coverage=Coverage())
    got = text_of(report, Options(width=80))
    assert got.startswith("Nothing could be read, so nothing can be said.")
    assert "no WHOIS or RDAP lookup was seen" not in got


def test_dropped_lookups_are_listed_only_when_asked_for() -> None:
    short, long = (text_of(sample.sample(), Options(width=120, show_dropped=wanted)) for wanted in (False, True))
    assert "--show-dropped lists each of them" in short
    assert "viewdns.info" not in short
    listed = long.split("Set aside")[1].split("Coverage")[0]
    for server in ("viewdns.info", "whois.corp.example", "lookup.icann.org", "whois.ripe.net"):
        assert server in listed
    assert listed.count("lookup.icann.org") == 5
    assert "2026-03-14" in listed
    assert "owner secops" in listed


def test_many_findings_are_counted_not_written_out() -> None:
    got = text_of(sample.busy(), Options(width=80))
    assert "450 further findings (450 low) are in the JSON report: --format json." in got
    assert "F50 " in got
    assert "F51 " not in got
    assert len(got.splitlines()) < 900


def test_many_inputs_are_drawn_together_by_kind() -> None:
    many = tuple(InputReport(path=f"y/{n}.log.gz", kind="zeek conn tsv", bytes=1024, records=7) for n in range(365))
    got = text_of(msgspec.structs.replace(sample.quiet(), inputs=many), Options(width=80))
    assert "365 files  zeek conn tsv  365.0 KiB" in got
    assert "y/1.log.gz" not in got


def test_every_skipped_line_is_counted() -> None:
    skipped = tuple(Skipped(line=n, reason="cut in half") for n in range(1, 101))
    entry = InputReport(path="conn.log", kind="zeek conn json", records=1, skipped=skipped, skipped_total=4711)
    got = text_of(msgspec.structs.replace(sample.quiet(), inputs=(entry,)), Options(width=80))
    assert "conn.log:1: cut in half" in got
    assert "and 4,708 more in conn.log" in got


def test_the_folder_all_inputs_share_is_said_once() -> None:
    folder = "/srv/sensor/logs/2026-03-14/a-folder-with-a-very-long-name-indeed"
    pair = tuple(InputReport(path=f"{folder}/{name}.log", kind=f"zeek {name} tsv") for name in ("conn", "ssl"))
    got = text_of(msgspec.structs.replace(sample.quiet(), inputs=pair), Options(width=100))
    assert got.count(folder) == 1
    assert "\nconn.log " in got
    alone = text_of(msgspec.structs.replace(sample.quiet(), inputs=pair[:1]), Options(width=120))
    assert "(below" not in alone
