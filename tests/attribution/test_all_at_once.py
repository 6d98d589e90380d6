"""All connections at once, in stretches, say of each what the ladder says when it is asked about lookups."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from attribution.scene import NoTools, at
from whosasking import attribution
from whosasking.attribution import bulk, flowrows, tables
from whosasking.leases import Lease
from whosasking.model import (
    Attributed,
    Attribution,
    EndpointReading,
    NameQuery,
    Process,
    ProcessStart,
    Socket,
    SourceRef,
)

HERE = SourceRef(path="edr.ndjson", line=1)
SECOND = 1_000_000
SPAN = 1800
SERVERS = 5
Wire = tuple[int, str, str, int, str, int, str, bool, str | None, str | None]
"""ts, protocol, src_ip, src_port, dst_ip, dst_port, uid, established, server, ja3."""


class Nothing(NoTools):
    """A catalogue that knows nothing at all."""

    def application(self, process: Process) -> None:
        """Know no application."""

    def script(self, process: Process) -> None:
        """Know no script."""


class Drawn:
    """A site by chance: hosts with and without local ports, whose events are late, lost, or of nobody."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secret
        self.wire: list[Wire] = []
        self.sockets: list[Socket] = []
        self.unowned: list[Socket] = []
        self.queries: list[NameQuery] = []
        self.starts: list[ProcessStart] = []
        for host in range(4):
            self.host(host)
        self.wire.sort(key=lambda one: (one[0], one[6]))

    def host(self, host: int) -> None:
        draw, name = self.draw, f"WS{host}"
        offset = draw.choice((0, 3_000_000, -86_400_000_000))
        processes = [self.process(name, number, offset) for number in range(6)]
        portless, translated = host == 1, host == 3
        for number in range(110):
            process, ts = draw.choice(processes), at(draw.randrange(SPAN)) + draw.randrange(SECOND)
            server, udp = draw.randrange(SERVERS), draw.random() < 0.2
            to, port, mine = f"198.51.100.{server}", draw.choice((443, 443, 80)), 49_152 + 600 * host + number
            source = "8.8.4.4" if translated else f"10.0.0.{host}"
            sni = f"h{server}.example" if draw.random() < 0.5 else None
            hello = process.name if draw.random() < 0.5 else None
            protocol = "udp" if udp else "tcp"
            uid = f"C{host}x{number:03}"
            self.wire.append((ts, protocol, source, mine, to, port, uid, draw.random() < 0.95, sni, hello))
            told = ts - offset + draw.randrange(3_000)
            if draw.random() < 0.3:
                self.query(process, told - draw.randrange(2 * SECOND), server)
            if draw.random() < 0.6:
                self.socket(process, told, (protocol, None if portless else mine, to, port, server))

    def process(self, host: str, number: int, offset: int) -> Process:
        started = at(self.draw.randrange(SPAN // 2)) - offset if number % 2 else None
        process = Process(
            host=host,
            key=f"{host}/{number}",
            name="<unknown process>" if number == 4 else f"p{number % 3}.exe",
            pid=number,
            command_line=f"curl https://h{number}.example/",
            started=started,
            ended=None if started is None or number == 3 else started + SPAN * SECOND // 2,
        )
        if started is not None:
            self.starts.append(ProcessStart(ts=started, process=process, product="P", source=HERE))
        return process

    def socket(self, process: Process, ts: int, what: tuple[str, int | None, str, int, int]) -> None:
        protocol, mine, to, port, server = what
        one = Socket(
            id=f"s{len(self.sockets)}",
            ts=ts,
            host=process.host,
            process=process,
            protocol=protocol,
            local_ip=f"10.0.0.{process.host[2:]}",
            local_port=mine,
            remote_ip=to if self.draw.random() < 0.9 else "10.0.0.200",
            remote_port=port,
            remote_name=f"h{server}.example",
            initiated=True,
            product="P",
            source=HERE,
        )
        self.sockets.append(one)

    def query(self, process: Process, ts: int, server: int) -> None:
        self.queries.append(
            NameQuery(
                ts=ts,
                host=process.host,
                process=process,
                name=f"h{server}.example",
                addresses=(f"198.51.100.{server}",) if self.draw.random() < 0.7 else (),
                product="P",
                source=HERE,
            )
        )

    def reading(self) -> EndpointReading:
        return EndpointReading(
            starts=self.starts,
            sockets=self.sockets,
            name_queries=self.queries,
            addresses={"WS1": ["10.0.0.1"]},
        )

    def leases(self) -> list[Lease]:
        half = at(SPAN / 2)
        return [
            Lease(ts=half, until=half + SPAN * SECOND, ip="10.0.0.2", mac="02:00:00:00:00:09", host="PRINTER"),
        ]


def at_once(site: Drawn) -> dict[str, Attribution]:
    def cell(value: Any) -> str:
        return "" if value is None else str(int(value) if isinstance(value, bool) else value)

    with attribution.Connections(site.reading(), {}, Nothing()) as every:
        with every.spool() as (rows, names):
            for ts, protocol, src, src_port, dst, dst_port, uid, established, server, ja3 in site.wire:
                cells = (ts, protocol, src, src_port, dst, dst_port, uid, None, established)
                rows.write("\t".join(map(cell, cells)).encode() + b"\n")
                if server or ja3:
                    names.write("\t".join(map(cell, (uid, server, ja3))).encode() + b"\n")
        every.align(site.leases())
        return {one.uid or "": given for one, given in every.attributed()}


def one_by_one(site: Drawn) -> dict[str, Attribution]:
    lookups = [flowrows.Row(0, *row[:7], None, int(row[7]), *row[8:], None).lookup() for row in site.wire]
    result = attribution.attribute(lookups, site.reading(), (), known=Nothing(), leases=site.leases())
    return {
        lookup.uid or "": msgspec.structs.replace(given, ladder=())
        for lookup, given in zip(lookups, result.attributions, strict=True)
    }


@pytest.mark.parametrize(("seed", "stretch"), [(0, 100_000), (1, 29), (2, 100)])
def test_all_at_once_says_what_one_by_one_says(seed: int, stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "STRETCH", stretch)
    monkeypatch.setattr(bulk, "SORTED", 10 * stretch)
    site = Drawn(seed)
    expected, found = one_by_one(site), at_once(site)
    assert list(found) == [row[6] for row in site.wire]
    methods = Counter(given.method if isinstance(given, Attributed) else "none" for given in expected.values())
    assert {"5-tuple", "3-tuple", "dns event", "none"} < methods.keys(), methods
    different = {uid: (expected[uid], given) for uid, given in found.items() if given != expected[uid]}
    assert not different, next(iter(different.values()))


def test_processes_with_long_command_lines_are_sorted_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java's are of tens of kilobytes."""
    monkeypatch.setattr(bulk, "_memory_limit", lambda: "120MB")
    monkeypatch.setattr(bulk, "SORTED", 16 << 20)
    count = 4_000
    rows = (
        tables.ProcessRow(
            n=n,
            timeline=0,
            host=0,
            started=n * 7919 % count,
            ended=None,
            command=f"java {n} ".ljust(30_000, "x"),
            tool=None,
        )
        for n in range(count)
    )
    with bulk.Connections(EndpointReading(), {}, Nothing()) as every:
        query = every._engine.query
        every._engine.load("process", tables.ProcessRow, rows)
        query("CREATE VIEW process_at AS SELECT *, started AS started_at FROM process")
        every._processes_in_order()
        assert query("SELECT count(*), count(DISTINCT n) FROM process_sorted") == [(count, count)]
        ((seams,),) = query(
            "SELECT count(*) FILTER (started_at < before) "
            "FROM (SELECT started_at, lag(started_at) OVER (ORDER BY rowid) AS before FROM process_sorted)"
        )
        assert seams == 0
