"""Lines out of files of any compression, with their numbers; damage is told and the rest is read."""

from __future__ import annotations

import contextlib
import gzip
import io
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from whosasking import bytestream
from whosasking.bytestream import BadStream, compression_of, open_stream, seek_line, whole_lines
from whosasking.inputs import KEPT_SKIPS, Input, Tally, open_lines

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def lines_of(path: Path, compression: str | None = None) -> tuple[list[tuple[int, bytes]], Tally]:
    tally = Tally(str(path))
    return list(open_lines(Input(str(path), "x", compression), tally)), tally


class File(io.BytesIO):
    """Reads as little at a time as a file may."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return super().readinto(buffer[: self.most])


@given(
    st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=30),
    st.booleans(),
    st.integers(1, 64),
    st.integers(1, 20),
)
def test_blocks_are_whole_lines_whatever_the_block_size(lines: list[bytes], ended: bool, block: int, most: int) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    found = [bytes(one.view) for one in whole_lines(open_stream(File(data, most), None), block)]
    assert b"".join(found) == data
    assert all(one.endswith(b"\n") for one in found[:-1])


@given(
    st.lists(st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")), max_size=40),
    st.integers(1, 100),
    st.integers(1, 64),
)
def test_ranges_share_every_line_out_once(lines: list[bytes], size: int, block: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    found = b""
    for start in range(0, len(data), size):
        file = File(data, 17)
        begin = seek_line(file, start)
        if begin < start + size:
            found += b"".join(
                bytes(one.view) for one in whole_lines(open_stream(file, None), block, start + size - begin)
            )
    assert found == data


def test_line_ends_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\r\n\nb\nlast")
    assert lines_of(tmp_path / "x")[0] == [(1, b"a"), (2, b""), (3, b"b"), (4, b"last")]


@pytest.mark.parametrize("compression", [None, "gz", "zst"])
def test_several_members_and_frames_are_one_file(tmp_path: Path, compression: str | None) -> None:
    pack = {None: bytes, "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}[compression]
    text = b"".join(b"line %d\n" % number for number in range(300_000))
    half = len(text) // 2
    (tmp_path / "x").write_bytes(pack(text[:half]) + pack(text[half:]) + (b"\0" * 64 if compression == "gz" else b""))
    assert compression_of((tmp_path / "x").read_bytes()[:4]) == compression
    found, tally = lines_of(tmp_path / "x", compression)
    assert len(found) == 300_000
    assert found[-1] == (300_000, b"line 299999")
    assert tally.bytes == (tmp_path / "x").stat().st_size
    assert tally.skipped_total == 0


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_a_truncated_archive_gives_what_it_holds(tmp_path: Path, compression: str) -> None:
    text = b"".join(b"line %d %d\n" % (number, number**5) for number in range(200_000))
    packed = gzip.compress(text) if compression == "gz" else zstandard.ZstdCompressor().compress(text)
    (tmp_path / "x").write_bytes(packed[: len(packed) * 3 // 4])
    found, tally = lines_of(tmp_path / "x", compression)
    assert 100_000 < len(found) < 200_000
    assert b"".join(line + b"\n" for _, line in found) == text[: sum(len(line) + 1 for _, line in found)]
    assert "ends too early" in tally.skipped[0].reason
    assert tally.skipped[0].line == len(found)


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_a_damaged_archive_is_told(tmp_path: Path, compression: str) -> None:
    text = b"".join(b"line %d %d\n" % (number, number**5) for number in range(50_000))
    packed = bytearray(gzip.compress(text) if compression == "gz" else zstandard.ZstdCompressor().compress(text))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = b"\xff" * 200
    (tmp_path / "x").write_bytes(packed)
    assert "damaged" in lines_of(tmp_path / "x", compression)[1].skipped[0].reason


@given(st.binary(max_size=300), st.sampled_from(["gz", "zst"]))
def test_no_bytes_break_a_stream(data: bytes, compression: str) -> None:
    magic = b"\x1f\x8b\x08" if compression == "gz" else b"\x28\xb5\x2f\xfd"
    stream = open_stream(File(magic + data, 7), compression)
    with contextlib.suppress(BadStream):
        while stream.read(100):
            pass


def test_a_line_of_10_mb_is_skipped_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one\n" + b"y" * (10 * MIB) + b"\nthree\n" + b"z" * (20 * MIB))
    found, tally = lines_of(tmp_path / "x")
    assert found == [(1, b"one"), (3, b"three")]
    assert [(skip.line, skip.reason) for skip in tally.skipped] == [
        (2, "line longer than 8 MiB"),
        (4, "line longer than 8 MiB"),
    ]


def test_a_line_of_just_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a" * bytestream.MAX_LINE + b"\n" + b"b" * (bytestream.MAX_LINE - 1) + b"\nc")
    found, tally = lines_of(tmp_path / "x")
    assert [(number, len(line)) for number, line in found] == [
        (1, bytestream.MAX_LINE),
        (2, bytestream.MAX_LINE - 1),
        (3, 1),
    ]
    assert tally.skipped_total == 0


def test_skips_are_all_counted_and_some_kept() -> None:
    tally = Tally("x")
    for line in range(KEPT_SKIPS + 50, 0, -1):
        tally.skip(line, "bad")
    report = tally.report()
    assert (report.skipped_total, len(report.skipped)) == (KEPT_SKIPS + 50, KEPT_SKIPS)
    assert [skip.line for skip in report.skipped] == sorted(skip.line or 0 for skip in report.skipped)
