"""Capture files -> packets, against writers of our own and Wireshark's tools."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.capture import captures
from sensors.capture.captures import MICRO, NANO, SECOND, Interface, block, enhanced, packet, read_bytes, section
from whosasking.sensors.capture.pcapfile import LONGEST_PACKET, Packet, link_of, walk

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "pcaps" / "workstation" / "capture.pcap"

frames = st.binary(max_size=80)
micros = st.integers(min_value=0, max_value=(1 << 32) * 1_000_000 - 1)
some = st.lists(st.builds(lambda ts, data: packet(ts * 1000, data), micros, frames), max_size=12)


@settings(max_examples=30)
@given(some, st.sampled_from("<>"), st.sampled_from([MICRO, NANO]), st.sampled_from([1, 101, 113, 276]))
def test_a_pcap_of_either_order_and_resolution_is_read_as_written(
    wanted: list[Packet], order: str, magic: int, link: int
) -> None:
    data = captures.pcap(wanted, order=order, magic=magic, link=link)
    with tempfile.TemporaryDirectory() as folder:
        found, damage = read_bytes(data, Path(folder))
    assert damage is None
    assert found == [one._replace(link=link) for one in wanted]
    assert link_of(data) == link


@settings(max_examples=30)
@given(some, st.data())
def test_a_pcap_cut_anywhere_gives_the_packets_before_the_cut_and_says_where(
    wanted: list[Packet], data: st.DataObject
) -> None:
    whole = captures.pcap(wanted)
    cut = data.draw(st.integers(min_value=5, max_value=len(whole)))
    starts = [24]
    for one in wanted:
        starts.append(starts[-1] + 16 + len(one.data))
    with tempfile.TemporaryDirectory() as folder:
        found, damage = read_bytes(whole[:cut], Path(folder))
        walked = walk(str(Path(folder) / "capture"))
    before = sum(start <= cut for start in starts) - 1
    assert found == wanted[: max(before, 0)]
    assert (damage is None) == (cut in starts)
    assert (walked.packets, walked.damage is None) == (len(found), damage is None)
    if found and damage is None:
        assert (walked.first, walked.last) == (found[0].ts, found[-1].ts)


@settings(max_examples=30)
@given(st.binary(max_size=200), some)
def test_rubbish_after_good_packets_never_raises_anything_but_damage(rubbish: bytes, wanted: list[Packet]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, _ = read_bytes(captures.pcap(wanted) + rubbish, Path(folder))
        assert found[: len(wanted)] == wanted
        found, _ = read_bytes(captures.pcapng(wanted) + rubbish, Path(folder))
        assert found[: len(wanted)] == wanted


@settings(max_examples=30)
@given(some, st.sampled_from("<>"), st.sampled_from("<>"))
def test_sections_of_different_order_start_their_interfaces_anew(wanted: list[Packet], first: str, second: str) -> None:
    data = section([Interface(resolution=9)], first)
    data += b"".join(enhanced(0, one.ts, one.data, order=first) for one in wanted)
    data += section([Interface(link=101), Interface(link=113)], second)
    data += b"".join(enhanced(1, one.ts // 1000, one.data, order=second) for one in wanted)
    with tempfile.TemporaryDirectory() as folder:
        found, damage = read_bytes(data, Path(folder))
    assert damage is None
    assert found == wanted + [one._replace(link=113) for one in wanted]


@pytest.mark.parametrize(
    ("interface", "ticks", "ts"),
    [
        (Interface(), 1_500_000, 1_500_000_000),
        (Interface(resolution=9), 1_500_000_001, 1_500_000_001),
        (Interface(resolution=3), 1_500, 1_500_000_000),
        (Interface(resolution=0), 1, SECOND),
        (Interface(resolution=0x80 | 10), 1536, 1_500_000_000),
        (Interface(resolution=6, offset=100), 0, 100 * SECOND),
        (Interface(resolution=12), 1_500_000_000_000, 1_500_000_000),
    ],
)
def test_the_clock_of_each_interface(interface: Interface, ticks: int, ts: int, tmp_path: Path) -> None:
    found, damage = read_bytes(section([interface]) + enhanced(0, ticks, b"frame"), tmp_path)
    assert (found, damage) == ([packet(ts, b"frame")], None)


def test_simple_and_obsolete_packet_blocks_and_unknown_ones(tmp_path: Path) -> None:
    simple = block(3, (9).to_bytes(4, "little") + b"abcd")
    obsolete = block(2, b"\0\0\xff\xff" + bytes(4) + (7).to_bytes(4, "little") + b"\3\0\0\0\3\0\0\0" + b"xyz")
    unknown = block(0x0BAD, b"custom")
    found, damage = read_bytes(section([Interface(snaplen=4)]) + simple + unknown + obsolete, tmp_path)
    assert damage is None
    assert found == [Packet(0, 1, 9, b"abcd"), packet(7000, b"xyz")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (section([Interface()])[:20], "cut short"),
        (section([]) + enhanced(0, 1, b"no interface"), "does not add up"),
        (section([Interface()]) + block(6, bytes(12) + b"\xff\xff\0\0" * 2), "does not add up"),
        (section([Interface()]) + b"\6\0\0\0\3\0\0\0" + bytes(8), "a block of 3 bytes"),
        (captures.pcap([]) + bytes(8) + b"\xff" * 8, "a packet of 4,294,967,295 bytes"),
        (captures.pcap([packet(0, bytes(LONGEST_PACKET + 1))]), "a packet of"),
    ],
)
def test_nonsense_is_told_with_its_place(data: bytes, why: str, tmp_path: Path) -> None:
    found, damage = read_bytes(data, tmp_path)
    assert not found
    assert damage is not None
    assert why in damage


@captures.sensor("editcap")
@captures.sensor("tshark")
@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
def test_what_editcap_writes_is_read_as_tshark_reads_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    subprocess.run(["editcap", "-F", kind, "-r", RECORDED, path, "1-300"], check=True, capture_output=True)
    fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"]
    told = subprocess.run(["tshark", "-n", "-r", path, *fields], check=True, capture_output=True, text=True).stdout
    found, damage = captures.read(path)
    assert damage is None
    assert [f"{one.ts / SECOND:.6f}" for one in found] == [line.split()[0][:-3] for line in told.splitlines()]
    assert [f"{one.size} {len(one.data)}" for one in found] == [" ".join(row.split()[1:]) for row in told.splitlines()]


@captures.sensor("mergecap")
def test_a_pcapng_of_several_interfaces_by_mergecap(tmp_path: Path) -> None:
    raw = tmp_path / "raw.pcap"
    raw.write_bytes(captures.pcap([packet(1_800_000_000 * SECOND, b"\x45" + bytes(39))], link=101))
    both = tmp_path / "both.pcapng"
    subprocess.run(["mergecap", "-w", both, RECORDED, raw], check=True, capture_output=True)
    found, damage = captures.read(both)
    alone, _ = captures.read(RECORDED)
    assert damage is None
    assert {one.link for one in found} == {1, 101}
    assert sorted(one.data for one in found) == sorted([*(one.data for one in alone), b"\x45" + bytes(39)])
