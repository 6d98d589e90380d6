"""Each reader against a slow plain one: random rows, json.loads, and the mapping written a second time by hand."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints import events, plain_events, windows
from endpoints.exports import read
from endpoints.plain_containers import CONTAINERS
from endpoints.plain_events import EVENT_PAIRS, QUERY, START
from endpoints.plain_readers import PAIRS, Seen, made, security_plain
from endpoints.plain_windows import WINDOWS_PAIRS
from endpoints.story import lines
from whosasking.endpoints import sysmon
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.rows import json_rows
from whosasking.inputs import Input, Tally
from whosasking.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.model import EndpointReading, Socket

SEEDS = range(8)
ALL_PAIRS = PAIRS | WINDOWS_PAIRS
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "otrf"


def from_reading(reading: EndpointReading) -> Counter[Seen]:
    return Counter(
        (
            socket.host,
            socket.ts,
            socket.protocol,
            socket.local_ip,
            socket.local_port,
            socket.remote_ip,
            socket.remote_port,
            socket.initiated,
            socket.process.name,
            socket.process.path,
            socket.process.pid,
        )
        for socket in reading.sockets
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALL_PAIRS)
def test_the_reader_and_a_plain_one_see_the_same_connections(name: str, seed: int, tmp_path: Path) -> None:
    make, plain = ALL_PAIRS[name]
    rng = random.Random(seed)  # noqa: S311 - rows, not secrets
    path = tmp_path / "x"
    path.write_text(lines([make(fact) for fact in made(rng, 120)]), "utf-8")
    expected = Counter(filter(None, (plain(json.loads(line)) for line in path.read_text("utf-8").splitlines())))
    reading, (report,) = read(path)
    assert from_reading(reading) == expected
    assert sum(expected.values()) > 20
    assert report.records == 120


def events_of(reading: EndpointReading) -> Counter[tuple[str, Seen]]:
    found: Counter[tuple[str, Seen]] = Counter()
    for start in reading.starts:
        process = start.process
        above = process.parent.name if process.parent else None
        said = (process.name, process.path, process.pid, process.command_line, process.user, above)
        found[START, (process.host, start.ts, *said)] += 1
    for query in reading.name_queries:
        found[QUERY, (query.host, query.ts, query.name, query.addresses, query.process.name)] += 1
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EVENT_PAIRS)
def test_the_reader_and_a_plain_one_see_the_same_starts_and_queries(name: str, seed: int, tmp_path: Path) -> None:
    make, plain = EVENT_PAIRS[name]
    rng = random.Random(seed)  # noqa: S311 - rows, not secrets
    path = tmp_path / "x"
    path.write_text(lines([make(fact) for fact in plain_events.made(rng, 120)]), "utf-8")
    expected = Counter(filter(None, (plain(json.loads(line)) for line in path.read_text("utf-8").splitlines())))
    reading, (report,) = read(path)
    assert events_of(reading) == expected
    assert sum(expected.values()) > 50
    assert report.records == 120


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CONTAINERS)
def test_events_in_a_container_are_those_a_plain_reader_takes_out(name: str, seed: int, tmp_path: Path) -> None:
    write, plain = CONTAINERS[name]
    rng = random.Random(seed)  # noqa: S311 - rows, not secrets
    facts = [fact | {"path": fact["path"] + rng.choice(["", "&", "<b>", '"x"', "'é"])} for fact in made(rng, 80)]
    path = tmp_path / "x"
    write(path, facts)
    seen = list(plain(path))
    expected = Counter(filter(None, seen))
    reading, (report,) = read(path)
    assert from_reading(reading) == expected
    assert expected
    assert report.records == len(seen)


def by_slow_path(path: Path) -> tuple[EndpointReading, Tally]:
    """Read a flat export without the glance: every line decoded whole."""
    collector, tally = Collector(), Tally(str(path), "sysmon flat")
    compression = "gz" if path.suffix == ".gz" else None
    rows = json_rows(Input(str(path), "sysmon flat", compression), tally, SILENT)
    sysmon.read_events(rows, "sysmon flat", collector, tally, Noted())
    return collector.reading(), tally


def mixed(rng: random.Random) -> Iterator[str]:
    """Lines of every kind: used and unused events of many spellings, other channels, other shapes, junk."""
    makers = {1: events.start, 3: events.connection, 5: events.end, 22: events.query}
    spellings = ("EventID", "EventId", "event_id", "EventCode")
    for number in range(400):
        event = rng.choice([1, 3, 5, 22, 7, 10, 11, 4624, 5156, 4688])
        fields = makers.get(event, events.connection)(SourcePort=str(number + 1), ProcessGuid=f"{{{number % 40:08x}}}")
        row = events.flat(event, fields)
        row |= rng.choice(
            [{}, {"Channel": "Security", "SourceName": windows.SECURITY}, {"Channel": "-"}, {"Event": "x"}]
        )
        row |= rng.choice(
            [{}, {}, {"EventData": "{}"}, {"event": {"provider": "Sysmon"}}, {"winlog": {}}, {"value": []}]
        )
        if rng.random() < 0.4:
            row[rng.choice(spellings)] = rng.choice([row["EventID"], str(row["EventID"]), "", None, [3], True, "0x3"])
        for name in ("SourceName", "Channel", "Hostname", "EventID", "UtcTime"):
            if rng.random() < 0.1:
                row.pop(name, None)
        row = rng.choice([row, row, row, row, {"Event": row}, {"_source": row}, {"winlog.event_id": 1, **row}])
        text = json.dumps(row, ensure_ascii=rng.random() < 0.5)
        yield rng.choice(
            [text] * 12
            + [text[:-20], text + " ", f"[{text}]", text.replace('"EventID": 3', '"EventID": 3, "EventID": 11')]
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_glance_holds_nothing_back(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text("\n".join(mixed(random.Random(seed))) + "\n", "utf-8")  # noqa: S311 - rows, not secrets
    slow, slow_tally = by_slow_path(path)
    collector, tally = Collector(), Tally(str(path), "sysmon flat")
    sysmon.read(Input(str(path), "sysmon flat", None), collector, tally, SILENT)
    assert collector.reading() == slow
    assert tally.report() == slow_tally.report()
    assert len(slow.sockets) > 5


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/otrf is not here")
@pytest.mark.parametrize("campaign", ["LSASS_campaign_01", "LSASS_campaign_02", "LSASS_campaign_03"])
def test_the_glance_holds_nothing_back_of_real_events(campaign: str) -> None:
    path = DATA / campaign / "host_sysmon_sec.ndjson.gz"
    slow, tally = by_slow_path(path)
    reading, (report,) = read(path)
    assert reading == slow
    assert (report.records, report.candidates, report.skipped) == (
        tally.records,
        tally.candidates,
        tuple(tally.skipped),
    )


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/otrf is not here")
@pytest.mark.parametrize("campaign", ["LSASS_campaign_01", "LSASS_campaign_02", "LSASS_campaign_03"])
def test_real_security_events_against_a_plain_reader(campaign: str) -> None:
    path = DATA / campaign / "host_sysmon_sec.ndjson.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["Channel"] == "Security"]
    reading, _ = read(path)
    every = [*reading.sockets, *reading.unowned_sockets]
    ours = {_tuple(socket) for socket in every if socket.product == "Windows Security"}
    plain = {found[3:7] for row in rows if row.get("Protocol") in {"6", "17"} if (found := security_plain(row))}
    # What Sysmon recorded too is told by Sysmon.
    sysmon_too = {_tuple(socket) for socket in every if socket.product == "Sysmon"}
    assert ours <= plain <= ours | sysmon_too
    assert ours
    started = Counter((int(row["NewProcessId"], 16), row["CommandLine"]) for row in rows if row["EventID"] == 4688)
    told = Counter((start.process.pid, start.process.command_line or "") for start in reading.starts)
    assert started <= told


def _tuple(socket: Socket) -> Seen:
    return (socket.local_ip, socket.local_port, socket.remote_ip, socket.remote_port)
