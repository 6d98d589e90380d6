"""A capture in, by each sensor: the answer of expected.yaml, whatever the file's form and however badly it ends."""

from __future__ import annotations

import functools
import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import zstandard

from sensors.capture import captures
from test_end_to_end import EXPECTED, NOW, SCENARIO, expected_row, found_row, ordered, wire_key
from whosasking import pipeline
from whosasking.errors import InputError
from whosasking.model import Detection
from whosasking.sensors.capture import How, Sensor
from whosasking.sensors.capture.choose import missing
from zeek import make_traces as traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from whosasking.model import Lookup, Report

RECORDED = SCENARIO / "capture.pcap"
SENSORS = [
    pytest.param(name, marks=pytest.mark.skipif(missing(name) is not None, reason=missing(name) or ""))
    for name in ("zeek", "suricata", "tshark")
]
NDPI = Path(os.environ.get("WHOSASKING_NDPI_WHOIS", "/nonexistent"))


def report(sensor: str, *paths: Path, **how: str) -> Report:
    return pipeline.run(list(paths), captures=How(sensor=Sensor(sensor), **how), now=NOW)


@functools.cache
def recorded(sensor: str) -> Report:
    """The report of the recorded capture as it is."""
    return report(sensor, RECORDED)


def lookups(sensor: str, *paths: Path) -> list[Lookup]:
    return [one.lookup for one in report(sensor, *paths).lookups]


def asked(found: list[Lookup]) -> list[str]:
    return [one.query.text if one.query else "" for one in found]


def hidden(sensor: str) -> dict[str, str]:
    """The known limits of a sensor, by the name of the step it cannot show, with the reason."""
    return {one["name"]: one["reason"] for one in EXPECTED.get("known_limits", []) if one["sensor"] in (sensor, "eve")}


@pytest.mark.parametrize("sensor", SENSORS)
def test_every_sensor_gives_the_expected_lookups_queries_and_verdicts(sensor: str) -> None:
    limits = hidden(sensor)
    on_the_wire = [e for e in EXPECTED["lookups"] if e["detection"] != Detection.TOOL and e["name"] not in limits]
    wanted = [expected_row(e, e["wire_only"], process=False) for e in on_the_wire]
    done = recorded(sensor)
    found = [found_row(one, process=False) for one in done.lookups]
    assert ordered(found) == ordered(wanted)
    assert done.coverage.gaps == ("no EDR exports: no lookup can be tied to a process",)


@pytest.mark.parametrize("sensor", SENSORS)
def test_exports_ride_along(sensor: str) -> None:
    limits = hidden(sensor)
    wanted = [expected_row(e, e, process=True) for e in EXPECTED["lookups"] if e["name"] not in limits]
    found = [found_row(one, process=True) for one in report(sensor, RECORDED, SCENARIO / "exports/sysmon-flat").lookups]
    assert ordered(found) == ordered(wanted)


def halves(folder: Path, parts: int = 2) -> list[Path]:
    """The recorded capture as the files of a ring buffer: sessions go on over the seams."""
    every, _ = captures.read(RECORDED)
    size = -(-len(every) // parts)
    paths = []
    for number in range(parts):
        paths.append(folder / f"ring-{number:03}.pcap")
        paths[-1].write_bytes(captures.pcap(every[number * size : (number + 1) * size]))
    return paths


def as_pcapng(folder: Path) -> list[Path]:
    """Two sections; the second has two interfaces, with other clocks."""
    every, _ = captures.read(RECORDED)
    data = captures.pcapng(every[:700])
    data += captures.section([captures.Interface(), captures.Interface(resolution=3)], ">")
    data += b"".join(captures.enhanced(0, one.ts // 1000, one.data, order=">") for one in every[700:])
    (folder / "capture.pcapng").write_bytes(data)
    return [folder / "capture.pcapng"]


def as_gz(folder: Path) -> list[Path]:
    (folder / "capture.pcap.gz").write_bytes(gzip.compress(RECORDED.read_bytes()))
    return [folder / "capture.pcap.gz"]


def as_zst(folder: Path) -> list[Path]:
    (folder / "capture.zst").write_bytes(zstandard.compress(RECORDED.read_bytes()))
    return [folder / "capture.zst"]


def as_ring(folder: Path) -> list[Path]:
    return list(reversed(halves(folder, 40)))


def as_mixed_links(folder: Path) -> list[Path]:
    """The second half without its Ethernet headers, as a tunnel interface captures."""
    every, _ = captures.read(RECORDED)
    first, second = folder / "a.pcap", folder / "b.pcap"
    first.write_bytes(captures.pcap(every[:800]))
    raw = [
        one._replace(data=one.data[14:], size=one.size - 14) for one in every[800:] if one.data[12:14] != b"\x08\x06"
    ]
    second.write_bytes(captures.pcap(raw, link=101))
    return [first, second]


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("form", [as_pcapng, as_gz, as_zst, as_ring, as_mixed_links])
def test_the_form_of_a_capture_changes_no_answer(
    sensor: str, form: Callable[[Path], list[Path]], tmp_path: Path
) -> None:
    done = report(sensor, *form(tmp_path))
    assert [found_row(one, process=False) for one in done.lookups] == [
        found_row(one, process=False) for one in recorded(sensor).lookups
    ]
    assert not any(one.skipped for one in done.inputs)


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_session_over_a_seam_is_one(sensor: str, tmp_path: Path) -> None:
    every = captures.of(traces.Capture().tcp("199.7.48.74", 43, (b"domain exam", b"ple.com\r\n"), traces.FOUND))
    paths = [tmp_path / "b.pcap", tmp_path / "a.pcap"]
    paths[0].write_bytes(captures.pcap(every[:5]))
    paths[1].write_bytes(captures.pcap(every[5:]))
    assert asked(lookups(sensor, *paths)) == ["domain example.com"]


def command(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-m", "whosasking", "report", "--format", "json", *map(str, arguments)]
    return subprocess.run(line, input=stdin, capture_output=True, timeout=300, check=False)


def test_standard_input_is_read_and_named(tmp_path: Path) -> None:
    sensor = next((name for name in ("suricata", "zeek", "tshark") if missing(name) is None), None)
    if sensor is None:
        pytest.skip("no sensor on PATH")
    done = command("--sensor", sensor, "-", stdin=gzip.compress(RECORDED.read_bytes()))
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [one["path"] for one in told["inputs"]] == ["-"]
    assert len(told["lookups"]) == len(recorded(sensor).lookups)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sensor", SENSORS)
def test_of_a_capture_cut_in_a_packet_all_before_it_counts(sensor: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(RECORDED.read_bytes()[:-700])
    done = report(sensor, path)
    (tally,) = done.inputs
    assert tally.skipped[0].reason.startswith("cut short in the middle of a packet at byte ")
    assert tally.records > 1_600
    assert not tally.unreadable
    assert len(done.lookups) == len(recorded(sensor).lookups)


@pytest.mark.parametrize("sensor", SENSORS)
def test_of_a_gzip_cut_short_all_before_it_counts(sensor: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap.gz"
    whole = gzip.compress(RECORDED.read_bytes())
    path.write_bytes(whole[: len(whole) * 2 // 3])
    done = report(sensor, path)
    (tally,) = done.inputs
    assert "packets before it were read" in tally.skipped[0].reason
    assert 5 < len(done.lookups) < 45


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"\xd4", "binary|not recognised"),
        (b"\xd4\xc3\xb2\xa1", "cut short"),
        (RECORDED.read_bytes()[:24], "no packets"),
        (RECORDED.read_bytes()[:30], "cut short"),
        (gzip.compress(RECORDED.read_bytes())[:12], "gzip stream ends too early"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "byte order|block"),
    ],
    ids=["empty", "one byte", "magic only", "header only", "half a packet header", "gzip of nothing", "bad section"],
)
def test_a_capture_of_nothing_is_one_clear_line_and_status_2(data: bytes, why: str, tmp_path: Path) -> None:
    if all(missing(name) for name in ("zeek", "suricata", "tshark")):
        pytest.skip("no sensor on PATH")
    path = tmp_path / "case.pcap"
    path.write_bytes(data)
    done = command(path)
    assert b"Traceback" not in done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (0 if why == "no packets" else 2)
    if why != "no packets":
        (skip,) = told["inputs"][0]["skipped"]
        assert any(word in skip["reason"] for word in why.split("|")), skip


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_capture_that_begins_in_1970(sensor: str, tmp_path: Path) -> None:
    every = [captures.packet(0, b"\xff" * 60)]
    every += captures.of(traces.Capture().tcp("199.7.48.74", 43, b"example.com\r\n", traces.FOUND))
    path = tmp_path / "epoch.pcap"
    path.write_bytes(captures.pcap(every))
    done = report(sensor, path)
    assert asked([one.lookup for one in done.lookups]) == ["example.com"]
    assert done.coverage.start == 0
    early = [one._replace(ts=one.ts - traces.START * 1000) for one in every[1:]]
    path.write_bytes(captures.pcap(early))
    (found,) = lookups(sensor, path)
    assert (found.ts, asked([found])) == (0, ["example.com"])


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_jumbo_line_as_a_query(sensor: str, tmp_path: Path) -> None:
    made = traces.Capture().tcp("199.7.48.74", 43, b"A" * 300_000 + b"\r\n", b"too long\r\n")
    made.tcp("199.7.48.74", 43, b"example.com\r\n", traces.FOUND)
    made.write(tmp_path / "jumbo.pcap")
    first, second = lookups(sensor, tmp_path / "jumbo.pcap")
    assert first.query is not None
    assert set(first.query.text) == {"A"}
    assert 200 <= len(first.query.text) <= 70_000
    assert asked([second]) == ["example.com"]


@functools.cache
def crowd() -> bytes:
    """10,000 sessions, all open at once, which is what a scanner's traffic looks like."""
    packets = []
    for number in range(10_000):
        made = traces.Capture()
        made.now, made.next_port = traces.START + number, 1_024 + number
        made.tcp("199.7.48.74", 43, b"d%d.example\r\n" % number, b"", client=f"10.20.{number % 200}.9")
        packets += made.packets
    return captures.pcap([captures.packet(ts * 1000, data) for ts, data in sorted(packets)])


@pytest.mark.parametrize("sensor", SENSORS)
def test_ten_thousand_sessions_at_once(sensor: str, tmp_path: Path) -> None:
    (tmp_path / "many.pcap").write_bytes(crowd())
    found = lookups(sensor, tmp_path / "many.pcap")
    assert sorted(asked(found)) == sorted(f"d{number}.example" for number in range(10_000))


@pytest.mark.skipif(not NDPI.exists(), reason="WHOSASKING_NDPI_WHOIS does not name nDPI's whois.pcapng")
@pytest.mark.parametrize("sensor", SENSORS)
def test_the_whois_capture_of_ndpi(sensor: str) -> None:
    found = lookups(sensor, NDPI)
    assert [(one.src_ip, one.dst_ip, one.query.text if one.query else None) for one in found] == [
        ("10.0.2.15", "192.0.47.59", "example.com"),
        ("10.160.63.128", "192.30.45.30", None),
    ]


@pytest.mark.parametrize("sensor", SENSORS)
def test_an_answer_alone_behind_vlan_tags_is_a_session(sensor: str, tmp_path: Path) -> None:
    """What a span port that shows one direction has: SYN-ACK, answer, FIN."""
    every = captures.of(traces.Capture().tcp("192.30.45.30", 43, b"example.com\r\n", traces.FOUND))
    answers = [one for one in every if one.data[26:30] == bytes([192, 30, 45, 30])]
    tagged = [
        one._replace(data=one.data[:12] + b"\x81\x00\x00\x07" + one.data[12:], size=one.size + 4) for one in answers
    ]
    path = tmp_path / "answer.pcap"
    path.write_bytes(captures.pcap(tagged))
    (found,) = lookups(sensor, path)
    assert (found.src_ip, found.dst_ip, found.dst_port, found.query) == (traces.CLIENT, "192.30.45.30", 43, None)


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_lost_segment_hides_no_later_request(sensor: str, tmp_path: Path) -> None:
    turns = [part for i in range(4) for part in (
        traces.http_request("GET", f"/ip/192.0.2.{i}", "rdap.arin.net", *traces.CURL_HEADERS),
        traces.http_answer("text/html", bytes(3_000)),
    )]  # fmt: skip
    made = traces.Capture().tcp("199.5.26.46", 80, *turns)
    made.packets = [one for one in made.packets if b"192.0.2.1 " not in one[1]]
    made.write(tmp_path / "lossy.pcap")
    after = [] if sensor == "zeek" else ["/ip/192.0.2.2", "/ip/192.0.2.3"]
    # Known limit: Zeek's HTTP analyzer reads nothing more of a connection when a request line is missing.
    assert asked(lookups(sensor, tmp_path / "lossy.pcap")) == ["/ip/192.0.2.0", *after]


def test_all_sensors_side_by_side_agree_on_the_recorded_capture() -> None:
    here = [name for name in ("zeek", "suricata", "tshark") if missing(name) is None]
    if len(here) < 2:
        pytest.skip("fewer than two sensors on PATH")
    done = report("all", RECORDED)
    assert len(done.parity) == len(done.lookups) == len(recorded(here[0]).lookups)
    for row in done.parity:
        assert set(row.sensors) | set(row.missed) == set(here)
        assert all(row.missed.values())
    limits = sum(len(hidden(name)) for name in here)
    assert sum(len(row.missed) for row in done.parity) <= limits
    assert not [row.differences for row in done.parity if row.differences]


def test_logs_are_kept_where_asked_and_never_mixed(tmp_path: Path) -> None:
    sensor = next((name for name in ("suricata", "zeek") if missing(name) is None), None)
    if sensor is None:
        pytest.skip("neither Suricata nor Zeek on PATH")
    found = report(sensor, RECORDED, keep=str(tmp_path / "logs"))
    assert list((tmp_path / "logs" / sensor).glob("*.json" if sensor == "suricata" else "*.log"))
    assert [wire(one.lookup) for one in pipeline.run([tmp_path / "logs"], now=NOW).lookups] == [
        wire(one.lookup) for one in found.lookups
    ]
    with pytest.raises(InputError, match="is not empty"):
        report(sensor, RECORDED, keep=str(tmp_path / "logs"))


def wire(lookup: Lookup) -> Any:
    return wire_key(msgspec.structs.asdict(lookup))


@pytest.mark.parametrize("sensor", ["zeek", "suricata", "tshark"])
def test_a_sensor_that_is_not_here_is_said(sensor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(InputError, match=f"--sensor {sensor}: {sensor} is not on PATH"):
        report(sensor, RECORDED)
    with pytest.raises(InputError, match="none is here: install Zeek, Suricata, or tshark"):
        report("auto", RECORDED)


def test_another_program_s_magic_is_no_capture(tmp_path: Path) -> None:
    path = tmp_path / "odd.pcap"
    path.write_bytes(struct.pack("<I", 0xA1B2CD34) + bytes(60))
    (tally,) = pipeline.run([path], now=NOW).inputs
    assert tally.unreadable


@pytest.mark.parametrize("sensor", SENSORS)
def test_every_query_of_one_busy_client_is_known(sensor: str, tmp_path: Path) -> None:
    """Suricata's rules alert on so many a minute and no more; of a capture that would lose queries."""
    made = traces.Capture()
    for number in range(700):
        made.tcp("199.7.48.74", 43, b"d%d.example\r\n" % number, b"")
    made.packets = [(traces.START + number * 1_000, frame) for number, (_, frame) in enumerate(made.packets)]
    made.write(tmp_path / "busy.pcap")
    assert asked(lookups(sensor, tmp_path / "busy.pcap")) == [f"d{number}.example" for number in range(700)]


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("query", ["-i mnt-by EXAMPLE-MNT", "-T person Jane Roe", "QUFB" * 40])
def test_a_query_that_alerts_twice_is_still_known(sensor: str, query: str, tmp_path: Path) -> None:
    made = traces.Capture().tcp("193.0.6.135", 43, query.encode() + b"\r\n", b"% none\r\n")
    made.write(tmp_path / "one.pcap")
    assert asked(lookups(sensor, tmp_path / "one.pcap")) == [query]
