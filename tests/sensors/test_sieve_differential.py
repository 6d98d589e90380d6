"""The sieve against the slow exact path: every line parsed, Zeek's TSV by zat. The answer must be the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sensors.making import CLIENT, conn, dns, http, read, ssl, write, write_json
from whosasking import bytestream
from whosasking.sensors import reading
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = Path(__file__).parents[2] / "pcaps" / "workstation"
NAMES = [
    "rdap.arin.net",
    "who.is",
    "whois.ripe.net",
    "www.example.com",
    "whoiselijah.com.au",
    "cdn.example.net",
    "RDAP.ORG",
    "-",
]
HOSTS = ["199.5.26.22", "104.26.6.33", "2001:67c:2e8:22::c100:687", "198.51.100.7", "43.43.43.43", "10.0.0.43"]
PATHS = ["/", "/rdap/domain/example.com", "/news/whois-the-boss", "/rest/ip/8.8.8.8", "/ip/8.8.8.8", "/a?b=43"]
AGENTS = [None, "curl/8", "OpenRDAP v0.9.1", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"]


def random_site(seed: int) -> dict[str, list[dict[str, object]]]:
    dice = random.Random(seed)  # noqa: S311 - a seeded generator is the point
    logs: dict[str, list[dict[str, object]]] = {"conn": [], "ssl": [], "dns": [], "http": []}
    for number in range(300):
        second, server = round(dice.random() * 2000, 6), dice.choice(HOSTS)
        client = dice.choice([CLIENT, "10.1.2.4", "2001:db8::17"])
        port = dice.choice([43, 443, 80, 8443])
        logs["dns"].append(
            dns(
                number,
                dice.choice(NAMES),
                dice.sample(HOSTS, 2),
                second=second,
                ttl=dice.choice([1, 300]),
                client=client,
            )
        )
        logs["conn"].append(
            conn(
                number,
                server,
                port,
                second=second + 0.5,
                proto=dice.choice(["tcp", "udp"]),
                client=client,
                orig_bytes=43,
                conn_state=dice.choice(["SF", "S0", "OTH"]),
                service=dice.choice([None, "ssl", "ssh"]),
            )
        )
        if port in (443, 8443):
            name = dice.choice([*NAMES, None, "cloudflare-ech.com"])
            logs["ssl"].append(ssl(number, server, name, second=second + 0.6, port=port, client=client))
        if port == 80:
            logs["http"].append(
                http(
                    number,
                    server,
                    dice.choice([*NAMES, None]),
                    dice.choice(PATHS),
                    dice.choice(AGENTS),
                    second=second + 0.6,
                )
            )
    return logs


@pytest.mark.parametrize("form", [write, write_json])
@pytest.mark.parametrize("seed", range(4))
def test_random_sites(tmp_path: Path, form: Callable[..., Path], seed: int) -> None:
    if form is write:
        pytest.importorskip("zat")
    logs = random_site(seed)
    if seed % 2:
        del logs["ssl"]  # then connections to a listed host's address count
    wanted = Wanted(frozenset(tuple_of(record) for record in logs["conn"][::7]))
    folder = form(tmp_path, **logs)
    sieved, exact = read(folder, wanted=wanted), read(folder, wanted=wanted, exact=True)
    assert len(sieved.lookups) > 50
    assert len(sieved.anchors) > 1
    assert sieved == exact


@pytest.mark.parametrize("logs", ["zeek-tsv", "zeek-json", "eve"])
def test_the_recorded_capture(logs: str) -> None:
    if logs == "zeek-tsv":
        pytest.importorskip("zat")
    wanted = Wanted(frozenset(ends(lookup) for lookup in read(RECORDED / logs).lookups[::3]))
    sieved, exact = read(RECORDED / logs, wanted=wanted), read(RECORDED / logs, wanted=wanted, exact=True)
    assert len(sieved.lookups) > 20
    assert len(sieved.anchors) > 5
    assert sieved == exact


def tuple_of(record: dict[str, object]) -> tuple[str, int, str, int]:
    return tuple(record[name] for name in ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"))  # type: ignore[return-value]


def ends(lookup: object) -> tuple[str, int, str, int]:
    return (lookup.src_ip, lookup.src_port, lookup.dst_ip, lookup.dst_port)  # type: ignore[attr-defined]


def test_small_ranges_and_blocks_give_the_same_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, **random_site(9))
    whole = read(folder)
    monkeypatch.setattr(reading, "RANGE", 1000)
    monkeypatch.setattr(reading, "BLOCK", 300)
    monkeypatch.setattr(bytestream, "_SEEK_PIECE", 16)
    assert read(folder) == whole
