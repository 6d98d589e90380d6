"""Records in memory and on disk are one sequence."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.model import Query, QueryKind, SourceRef
from whosasking.records import Records, Runs
from whosasking.spool import Stored, Streams


def queries(count: int) -> list[Query]:
    return [
        Query(text=f"example{number}.com " * (number % 7), kind=QueryKind.DOMAIN if number % 2 else None, count=number)
        for number in range(count)
    ]


@pytest.mark.parametrize("in_memory", [0, 1, 199, 200, 1000])
def test_a_sequence_like_any(in_memory: int) -> None:
    expected = queries(200)
    records = Records(Query, in_memory)
    records.extend(expected)
    assert len(records) == len(expected)
    assert list(records) == expected
    assert [records[number] for number in (0, 199, -1, 63, 64)] == [expected[number] for number in (0, 199, -1, 63, 64)]
    assert records[150:160] == expected[150:160]
    assert list(records.between(60, 130)) == expected[60:130]
    for numbers in ([*range(3, 150, 2)], [*range(150, 0, -3)], [0, 199], [5, 9, 7, 3], [4, 4, 8], []):
        assert list(records.some(numbers)) == [expected[number] for number in numbers]
    assert (records.sealed() is records) == (in_memory < 200)
    for outside in (200, -201):
        with pytest.raises(IndexError):
            records[outside]


def test_what_waits_and_what_is_written_are_read_while_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whosasking.records._WRITTEN", 100)
    expected = queries(300)
    records = Records(Query, 10)
    seen = []
    for query in expected:
        records.append(query)
        seen.append(records[len(records) // 2])
    assert seen == [expected[(number + 1) // 2] for number in range(300)]
    assert [(one, other) for one in records.between(0, 3) for other in records.between(1, 3)] == [
        (one, other) for one in expected[:3] for other in expected[1:3]
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_by_the_folder_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report may go to one disk, and what is kept meanwhile to another."""
    for maker in ("TemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, maker, lambda *_: io.FileIO("/dev/full", "r+"))
    records, streams, stored = Records(Query, 0), Streams(), Stored(tuple)
    with pytest.raises(OSError, match=f"No space left on device: '{tempfile.gettempdir()}'"):
        records.extend(queries(20_000))
    with pytest.raises(OSError, match=f": '{tempfile.gettempdir()}'"):
        streams.put(0, bytes(64 << 10))
    with pytest.raises(OSError, match=f": '{tempfile.gettempdir()}'"):
        stored.extend((number,) for number in range(256))


def test_a_file_name_that_is_no_utf_8_and_a_damaged_time_survive_the_disk() -> None:
    odd = [
        SourceRef(path="/logs/\udcff.log", line=1),
        SourceRef(path="x", line=10**19),
        SourceRef(path="y", line=2**80),
    ]
    records = Records(SourceRef, 0)
    records.extend(odd)
    assert list(records) == odd


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), max_size=8), max_size=6), st.integers(0, 9))
def test_runs_are_a_stable_sort(runs: list[list[tuple[int, int]]], in_memory: int) -> None:
    merged = Runs(tuple[int, int], lambda pair: pair[0], in_memory)
    for run in runs:
        merged.add(run)
    assert list(merged.merged()) == sorted((pair for run in runs for pair in run), key=lambda pair: pair[0])
