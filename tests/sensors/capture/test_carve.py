"""The packets of a finding: all of them, none else, with what a receiver needs to check them."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sensors.capture import captures
from test_end_to_end import NOW, SCENARIO
from whosasking import pipeline
from whosasking.errors import InputError
from whosasking.sensors.capture import How, Sensor
from whosasking.sensors.capture.choose import missing
from zeek import make_traces as traces

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.model import Report

RECORDED = SCENARIO / "capture.pcap"
HERE = next((name for name in ("suricata", "zeek", "tshark") if missing(name) is None), None)
pytestmark = pytest.mark.skipif(HERE is None, reason="no sensor on PATH")


def carved(folder: Path, *paths: Path) -> tuple[Report, dict[str, Any]]:
    how = How(sensor=Sensor(HERE or "auto"), carve=str(folder))
    report = pipeline.run(list(paths), captures=how, now=NOW)
    return report, json.loads((folder / "manifest.json").read_text("ascii"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@captures.sensor("tshark")
def test_a_finding_s_packets_are_what_its_filter_shows_in_wireshark(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    report, manifest = carved(folder, RECORDED)
    assert manifest["schema"] == "whosasking.carved/1"
    (given,) = manifest["inputs"]
    assert (given["sha256"], given["bytes"]) == (digest(RECORDED), RECORDED.stat().st_size)
    assert [one["finding"] for one in manifest["findings"]] == [one.id for one in report.findings]
    for one in manifest["findings"]:
        (file,) = one["files"]
        path = folder / file["path"]
        assert (file["sha256"], file["bytes"]) == (digest(path), path.stat().st_size)
        shown = tmp_path / "shown.pcap"
        command = ["tshark", "-n", "-r", RECORDED, "-Y", one["filter"], "-w", shown, "-F", "nsecpcap"]
        subprocess.run(command, check=True, capture_output=True)
        assert captures.read(path) == captures.read(shown)
        assert file["packets"] == len(captures.read(path)[0])


def test_what_was_carved_gives_the_same_lookups_again(tmp_path: Path) -> None:
    report, manifest = carved(tmp_path / "evidence", RECORDED)
    paths = [tmp_path / "evidence" / file["path"] for one in manifest["findings"] for file in one["files"]]
    again = pipeline.run(paths, captures=How(sensor=Sensor(HERE or "auto")), now=NOW)
    found = {(one.lookup.ts, one.lookup.src_port) for one in again.lookups}
    reported = [one.lookup for one in report.lookups if one.verdict.outcome == "reported"]
    assert found <= {(one.ts, one.src_port) for one in reported}
    # A session that hides its server's name may be known by a DNS answer alone, which is no packet of it.
    assert found >= {(one.ts, one.src_port) for one in reported if one.server_source != "dns" or one.dst_port == 43}


def test_fragments_and_ring_buffer_files_and_vlans_are_carved(tmp_path: Path) -> None:
    every = captures.of(traces.Capture().tcp("199.7.48.74", 43, b"example.com\r\n", traces.FOUND * 8))
    other = captures.of(traces.Capture().tcp("199.7.48.75", 4_400, b"hello\r\n", b"hello\r\n"))
    tagged = [one._replace(data=one.data[:12] + b"\x81\x00\0\x07" + one.data[12:], size=one.size + 4) for one in every]
    (tmp_path / "a.pcap").write_bytes(captures.pcap(sorted([*tagged[:5], *other])))
    (tmp_path / "b.pcap").write_bytes(captures.pcap(tagged[5:]))
    _, manifest = carved(tmp_path / "evidence", tmp_path / "a.pcap", tmp_path / "b.pcap")
    (file,) = manifest["findings"][0]["files"]
    assert captures.read(tmp_path / "evidence" / file["path"]) == (tagged, None)
    assert len(manifest["inputs"]) == 2


def test_later_fragments_follow_their_first(tmp_path: Path) -> None:
    every = captures.of(traces.Capture().tcp("199.7.48.74", 43, b"example.com\r\n", bytes(1_000)))
    big = next(one for one in every if len(one.data) > 1_000)
    first, later = bytearray(big.data[: 14 + 20 + 520]), bytearray(big.data[:34] + big.data[14 + 20 + 520 :])
    first[18:22], later[18:22] = b"\x12\x34\x20\x00", b"\x12\x34" + (520 // 8).to_bytes(2, "big")
    for part in (first, later):
        part[16:18] = (len(part) - 14).to_bytes(2, "big")
        part[24:26] = b"\0\0"
        part[24:26] = traces.checksum(bytes(part[14:34])).to_bytes(2, "big")
    at = every.index(big)
    every[at : at + 1] = [captures.packet(big.ts, bytes(first)), captures.packet(big.ts + 1000, bytes(later))]
    (tmp_path / "a.pcap").write_bytes(captures.pcap(every))
    _, manifest = carved(tmp_path / "evidence", tmp_path / "a.pcap")
    (file,) = manifest["findings"][0]["files"]
    assert captures.read(tmp_path / "evidence" / file["path"])[0] == every


def test_the_same_ports_an_hour_later_are_another_s(tmp_path: Path) -> None:
    made = traces.Capture().tcp("199.7.48.74", 43, b"example.com\r\n", traces.FOUND)
    mine = len(made.packets)
    made.wait(3_600)
    made.next_port -= 1
    made.unanswered("199.7.48.74", 43)
    made.packets[-1] = (made.packets[-1][0], made.packets[0][1])
    (tmp_path / "a.pcap").write_bytes(captures.pcap(captures.of(made)))
    report, manifest = carved(tmp_path / "evidence", tmp_path / "a.pcap")
    count = sum(file["packets"] for one in manifest["findings"] for file in one["files"])
    assert count == (mine if len(report.lookups) == 1 else mine + 1)


def test_damage_of_an_input_is_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "cut.pcap").write_bytes(RECORDED.read_bytes()[:-3])
    _, manifest = carved(tmp_path / "evidence", tmp_path / "cut.pcap")
    assert "cut short" in manifest["inputs"][0]["damage"]


def test_evidence_is_never_mixed_and_needs_a_capture(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").touch()
    with pytest.raises(InputError, match="is not empty"):
        carved(tmp_path / "full", RECORDED)
    with pytest.raises(InputError, match="no packet capture among the inputs"):
        carved(tmp_path / "none", SCENARIO / "zeek-tsv")
