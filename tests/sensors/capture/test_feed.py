"""Any captures -> one stream, against mergecap and what was written."""

from __future__ import annotations

import gzip
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.capture import captures
from sensors.capture.captures import SECOND, packet
from whosasking.progress import SILENT
from whosasking.sensors.capture.feed import Feed
from whosasking.sensors.capture.pcapfile import Packet

if TYPE_CHECKING:
    import io

    import pytest

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "pcaps" / "workstation" / "capture.pcap"


def fed(feed: Feed, folder: Path) -> list[Packet]:
    """What a sensor reads."""
    path = folder / "fed.pcap"
    with path.open("wb") as file:
        feed.write(file.fileno())
    found, damage = captures.read(path)
    path.unlink()
    assert damage is None
    return found


def feed_of(*paths: Path) -> Feed:
    return Feed(captures.inputs(*paths), SILENT)


some = st.lists(st.builds(packet, st.integers(0, 50 * SECOND), st.binary(min_size=1, max_size=30)), max_size=12)


@settings(max_examples=25)
@given(some, st.lists(st.integers(1, 4), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_capture_split_over_files_comes_out_as_it_was(every: list[Packet], sizes: list[int], chance: object) -> None:
    every = sorted(every, key=lambda one: one.ts)
    with tempfile.TemporaryDirectory() as name:
        folder, paths, rest = Path(name), [], every
        while rest:
            size = sizes[len(paths) % len(sizes)]
            paths.append(folder / f"{len(paths):02}")
            paths[-1].write_bytes([captures.pcap, captures.pcapng][len(paths) % 2](rest[:size]))
            rest = rest[size:]
        getattr(chance, "shuffle")(paths)  # noqa: B009 - Hypothesis' Random
        feed = feed_of(*paths)
        found = fed(feed, folder)
    assert sorted(found) == sorted(every)
    assert [one.ts for one in found] == [one.ts for one in every]
    if every:
        assert (feed.span, feed.packets) == ((every[0].ts, every[-1].ts), len(every))


@captures.sensor("mergecap")
def test_files_that_overlap_in_time_merge_as_mergecap_merges_them(tmp_path: Path) -> None:
    every, _ = captures.read(RECORDED)
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcapng", tmp_path / "c.pcap.gz", tmp_path / "d.zst"]
    paths[0].write_bytes(captures.pcap(every[::4]))
    paths[1].write_bytes(captures.pcapng(every[1::4]))
    paths[2].write_bytes(gzip.compress(captures.pcap(every[2::4])))
    paths[3].write_bytes(zstandard.compress(captures.pcap(every[3::4])))
    merged = tmp_path / "merged.pcap"
    subprocess.run(["mergecap", "-F", "nsecpcap", "-w", merged, *paths], check=True, capture_output=True)
    assert sorted(fed(feed_of(*paths), tmp_path)) == sorted(captures.read(merged)[0])


def test_damage_ends_one_file_and_not_the_others_and_is_told_once(tmp_path: Path) -> None:
    good = [packet(number * SECOND, bytes([number])) for number in range(6)]
    broken, whole = tmp_path / "a.pcap", tmp_path / "b.pcap"
    broken.write_bytes(captures.pcap(good[:3])[:-1])
    whole.write_bytes(captures.pcap(good[3:]))
    inputs = captures.inputs(tmp_path)
    feed = Feed(inputs, SILENT)
    for _ in range(2):
        assert fed(feed, tmp_path) == [*good[:2], *good[3:]]
    tally = inputs.tally(str(broken))
    assert (tally.records, tally.skipped_total, tally.unreadable) == (2, 1, False)
    assert "cut short in the middle of a packet at byte 58" in tally.skipped[0].reason
    assert (inputs.tally(str(whole)).records, inputs.tally(str(whole)).skipped_total) == (3, 0)


def test_an_empty_feed_says_so_and_why(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(captures.pcap([]))
    (tmp_path / "b.pcap").write_bytes(captures.pcap([packet(0, b"frame")])[:-1])
    inputs = captures.inputs(tmp_path)
    assert Feed(inputs, SILENT).is_empty()
    assert [one.unreadable for one in inputs.tallies.values()] == [False, True]


def test_every_link_type_becomes_ethernet_where_they_differ(tmp_path: Path) -> None:
    frame = next(one.data for one in captures.read(RECORDED)[0] if one.data[12:14] == b"\x08\x00")
    network = frame[14:]
    cooked = bytes(14) + frame[12:14] + network
    made = {1: frame, 101: network, 113: cooked, 276: frame[12:14] + bytes(18) + network}
    for number, (link, data) in enumerate(made.items()):
        (tmp_path / f"{number}.pcap").write_bytes(captures.pcap([packet(number, data)], link=link))
    found = fed(feed_of(tmp_path), tmp_path)
    assert [one.data[12:] for one in found] == [frame[12:]] * 4
    assert {one.link for one in found} == {1}


def test_what_cannot_become_ethernet_is_read_alone_and_told_beside_others(tmp_path: Path) -> None:
    (tmp_path / "wifi.pcap").write_bytes(captures.pcap([packet(5, b"\x08\x00beacon")], link=105))
    assert fed(feed_of(tmp_path / "wifi.pcap"), tmp_path) == [Packet(5, 105, 8, b"\x08\x00beacon")]
    (tmp_path / "a.pcap").write_bytes(captures.pcap([packet(1, bytes(60))]))
    inputs = captures.inputs(tmp_path)
    assert [one.link for one in fed(Feed(inputs, SILENT), tmp_path)] == [1]
    assert "link type 105" in inputs.tally(str(tmp_path / "wifi.pcap")).skipped[0].reason
    assert not inputs.tally(str(tmp_path / "a.pcap")).skipped


def test_a_plain_whole_file_is_read_directly_and_counted(tmp_path: Path) -> None:
    inputs = captures.inputs(RECORDED)
    feed = Feed(inputs, SILENT)
    assert feed.direct() == str(RECORDED)
    assert feed.check()
    assert (feed.packets, inputs.tally(str(RECORDED)).records) == (1_620, 1_620)
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(RECORDED.read_bytes()[:-1])
    assert not feed_of(cut).check()
    zipped = tmp_path / "z.pcap.gz"
    zipped.write_bytes(gzip.compress(RECORDED.read_bytes()))
    assert feed_of(zipped).direct() is None
    assert feed_of(RECORDED, zipped).direct() is None


def test_times_before_1970_and_after_2106_become_the_nearest_a_pcap_can_say(tmp_path: Path) -> None:
    data = captures.section([captures.Interface(offset=-100), captures.Interface(offset=1 << 33)])
    data += captures.enhanced(0, 5, b"early") + captures.enhanced(1, 5, b"late")
    (tmp_path / "odd.pcapng").write_bytes(data)
    seconds = [one.ts // SECOND for one in fed(feed_of(tmp_path / "odd.pcapng"), tmp_path)]
    assert seconds == [0, (1 << 32) - 1]


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def test_a_year_of_rotated_files_keeps_few_of_them_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.pcap").write_bytes(
            captures.pcap([packet(number * SECOND + i, b"x") for i in range(3)])
        )
    most = 0
    opening = Path.open

    def watched(path: Path, *arguments: object, **named: object) -> io.IOBase:
        nonlocal most
        most = max(most, descriptors())
        return opening(path, *arguments, **named)  # type: ignore[call-overload,no-any-return]

    before = descriptors()
    monkeypatch.setattr(Path, "open", watched)
    assert len(fed(feed_of(tmp_path), tmp_path)) == 900
    assert most - before < 10
