"""Exports of any size: what goes to disk on the way is what stays in memory when there is little of it."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from attribution.scene import HERE, process
from endpoints.exports import read
from endpoints.plain_readers import PAIRS, made
from endpoints.plain_windows import WINDOWS_PAIRS
from endpoints.story import lines
from whosasking import attribution, catalogue, pipeline, spool
from whosasking.attribution.behind import Behind
from whosasking.attribution.registry import Registry
from whosasking.endpoints import assembly, interface, processes
from whosasking.endpoints.census import Census
from whosasking.model import EndpointReading, ProcessStart, Socket, SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.model import Process

WORKSTATION = Path(__file__).parents[2] / "pcaps" / "workstation"
ALL_PAIRS = PAIRS | WINDOWS_PAIRS


def in_order(reading: EndpointReading) -> list[list[str]]:
    kinds = (reading.starts, reading.sockets, reading.unowned_sockets, reading.name_queries)
    return [sorted(map(repr, records)) for records in kinds]


@pytest.fixture
def everything_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "FEW", -1)
    monkeypatch.setattr(interface, "IN_MEMORY", 1)
    monkeypatch.setattr(interface, "_REMEMBERED", 3)
    monkeypatch.setattr(spool, "_CHUNK", 100)
    monkeypatch.setattr(spool, "_PER_BLOCK", 7)


@pytest.mark.parametrize("name", ALL_PAIRS)
def test_records_on_disk_are_those_in_memory(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    make, _ = ALL_PAIRS[name]
    path = tmp_path / "x"
    path.write_text(lines([make(fact) for fact in made(random.Random(7), 300)]), "utf-8")  # noqa: S311 - rows
    in_memory, _ = read(path)
    request.getfixturevalue("everything_on_disk")
    on_disk, _ = read(path)
    assert isinstance(in_memory.sockets, list)
    assert isinstance(on_disk.sockets, spool.Stored)
    assert in_order(on_disk) == in_order(in_memory)
    assert len(on_disk.sockets) > 20
    assert on_disk.spans == in_memory.spans
    assert on_disk.addresses == in_memory.addresses


def test_a_stored_sequence_is_a_sequence() -> None:
    stored = spool.Stored(lambda row: row[0], 1)
    stored.extend((number,) for number in range(1000))
    assert len(stored) == 1000
    assert list(stored) == list(range(1000))
    assert [stored[0], stored[-1], stored[256], stored[999]] == [0, 999, 256, 999]
    assert stored[254:258] == [254, 255, 256, 257]
    assert 500 in stored
    with pytest.raises(IndexError):
        stored[1000]


def test_rows_come_back_by_number_wherever_they_lie() -> None:
    rows = spool.Heap(1000)
    for number in range(300):
        rows.append((number, "x" * (number % 7)))
        assert rows[number] == [number, "x" * (number % 7)]
    assert [rows[number][0] for number in (299, 0, 150, 1)] == [299, 0, 150, 1]
    assert len(rows) == 300


def test_a_process_carries_four_generations_and_no_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "KEPT", 3)
    store = processes.Processes(1)
    for number in range(7):  # each started by the next, the last by the first, which hostile records may say
        store.append(process(f"p{number}.exe", number), (number + 1) % 7)
    store.append(process("own.exe", 9), 7)
    names = []
    one: Process | None = store[5]
    while one is not None:
        names.append(one.name)
        one = one.parent
    assert names == ["p5.exe", "p6.exe", "p0.exe", "p1.exe", "p2.exe"]
    assert store[7].parent is None
    assert [one.pid for one in store] == [0, 1, 2, 3, 4, 5, 6, 9]


LONG, MANY = 1 << 16, 1_500
"""Processes whose command lines are 94 MB in all."""


@contextmanager
def holding_at_most(size: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@pytest.fixture
def long_ones() -> processes.Processes:
    store = processes.Processes(1)
    for number in range(MANY):
        line = f"whois.exe {number} ".ljust(LONG, "x")
        store.append(process(pid=number, host="WS1", command_line=line), None)
    return store


def test_processes_with_long_command_lines_are_let_go(long_ones: processes.Processes) -> None:
    with holding_at_most(50 << 20):
        assert sum(len(one.command_line or "") for one in long_ones) == LONG * MANY
    assert long_ones[7] is long_ones[7]


def test_records_in_memory_share_their_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "KEPT", 1)
    reading, _ = read(*(WORKSTATION / "exports" / "sysmon-flat").iterdir())
    shared = {one.process.key: one.process for one in reading.sockets}
    assert len(shared) < len(reading.sockets)
    assert all(shared[one.process.key] is one.process for one in reading.sockets)


def test_starts_that_processes_lack_leave_them_on_disk(long_ones: processes.Processes) -> None:
    """Defender's processes have no start where the query left out ProcessCreationTime."""

    def start(row: spool.Row) -> ProcessStart:
        return ProcessStart(ts=row[0], process=long_ones[row[1]], product="x", source=SourceRef(path="x", line=1))

    starts = spool.Stored(start)
    starts.extend((1_000 + number, number) for number in range(MANY))
    with holding_at_most(50 << 20):
        registry = Registry(EndpointReading(processes=long_ones, starts=starts), {})
        assert [one.started for _, _, one in registry.started()] == list(range(1_000, 1_000 + MANY))


def test_what_is_behind_long_command_lines_is_not_all_remembered(long_ones: processes.Processes) -> None:
    behind = Behind(catalogue.load())
    with holding_at_most(80 << 20):
        assert [behind.of(one) for one in long_ones] == [(None, None)] * MANY


def test_what_records_say_of_a_process_is_known_again_without_its_words() -> None:
    collector = interface.Collector()
    with holding_at_most(10 << 20):
        for number in range(MANY):
            collector.intern((f"whois.exe {number} ".ljust(LONG, "x"), number), str(number))
        assert collector.interned(("whois.exe 7 ".ljust(LONG, "x"), 7)) == "7"
        assert collector.interned(("whois.exe 7 ".ljust(LONG, "x"), 8)) is None


def test_long_names_of_fields_are_not_held() -> None:
    census = Census(())
    with holding_at_most(10 << 20):
        for number in range(500):
            census.count({f"{number} ".ljust(LONG, "x"): 1, "x": 1})
        assert census.fields()["x"] == 500


def test_pids_without_a_process_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "NOBODIES", 2)
    put = assembly.Assembly({}, {}, 1)
    of = Socket(
        id="x",
        ts=1,
        host="WS1",
        process=process(),
        protocol="tcp",
        local_ip=HERE,
        local_port=1,
        remote_ip=None,
        remote_port=None,
        product="x",
        source=SourceRef(path="x", line=1),
    )
    numbers = [put._nobody_of(replace(of, process=process("", pid))) for pid in (7, 8, 7, 9, 9, 7)]
    assert numbers == [0, 1, 0, 2, 2, 3]


@pytest.mark.parametrize("exports", ["sysmon-flat", "defender-csv"])
def test_attribution_of_records_on_disk_is_that_of_those_in_memory(
    exports: str, request: pytest.FixtureRequest
) -> None:
    paths = [str(WORKSTATION / part) for part in ("zeek-tsv", f"exports/{exports}")]

    def found() -> list[object]:
        with pipeline.connections(paths) as every:
            return [*every.connections, every.coverage, pipeline.run(paths, now=0)]

    in_memory = found()
    request.getfixturevalue("everything_on_disk")
    on_disk = found()
    assert len(on_disk) > 50
    assert on_disk == in_memory


def test_streams_come_back_apart_and_in_order() -> None:
    streams = spool.Streams(1)
    for number in range(20_000):
        streams.add(number % 3, (number, "x\udc00y", None, ("a", 1)))
    assert [row[0] for row in streams.read(1)] == list(range(1, 20_000, 3))
    assert next(streams.read(2)) == [2, "x?y", None, ["a", 1]]
    assert list(streams.read(9)) == []


def test_a_busy_hosts_anchors_are_spread_over_all_its_time() -> None:
    browser = process("browser.exe", 7)
    sockets = [
        Socket(
            id=str(number),
            ts=number * 1_000_000,
            host="WS1",
            process=browser,
            protocol="tcp",
            local_ip=HERE,
            local_port=1024 + number,
            remote_ip="93.184.216.34",
            remote_port=443,
            initiated=True,
            product="Sysmon",
            source=SourceRef(path="x", line=number),
        )
        for number in range(20_000)
    ]
    wanted = sorted(port - 1024 for _, port, _, _ in attribution.wanted(EndpointReading(sockets=sockets)))
    assert len(wanted) == 64
    assert wanted[0] < 500
    assert wanted[-1] > 19_500
    assert max(later - earlier for earlier, later in itertools.pairwise(wanted)) < 1000
