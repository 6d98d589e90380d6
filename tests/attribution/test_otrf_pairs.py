"""Real Zeek logs and Sysmon exports of one host (OTRF LSASS campaigns): clocks days apart, svchost everywhere.

Truth is read from the raw exports here, without the package's readers: the ProcessGuid of the event on the tuple that
is nearest in time once the median difference of TCP tuples seen once on each side is taken off.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import random
import statistics
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from attribution.scene import NoTools
from whosasking import attribution, endpoints
from whosasking.inputs import Input, Inputs
from whosasking.model import Attributed, Connection, Detection, EndpointReading, Lookup, Unattributed
from whosasking.progress import SILENT

OTRF = Path(__file__).parents[3] / "shared" / "data" / "otrf"
CAMPAIGNS = ["LSASS_campaign_01", "LSASS_campaign_02", "LSASS_campaign_03"]
OFFSETS = {"LSASS_campaign_01": 483275.132, "LSASS_campaign_02": -176.540, "LSASS_campaign_03": 41656.781}
DAY = 86_400_000_000
ZERO = "00000000-0000-0000-0000-000000000000"
EVENT = Path("host_sysmon_sec.ndjson.gz")

pytestmark = pytest.mark.skipif(not OTRF.is_dir(), reason="../shared/data/otrf (OTRF Security-Datasets) is not there")

Ends = tuple[str, frozenset[tuple[Any, int]]]


def ends(protocol: str, source: str, source_port: Any, destination: str, destination_port: Any) -> Ends:
    pairs = [(source, source_port), (destination, destination_port)]
    return protocol, frozenset((ipaddress.ip_address(ip), int(port)) for ip, port in pairs)


@cache
def wire(campaign: str) -> tuple[Lookup, ...]:
    """Every TCP and UDP connection of conn.log, as if each were a lookup."""
    names: list[str] = []
    found = []
    for line in (OTRF / campaign / "zeek" / "conn.log").read_text("utf-8").splitlines():
        cells = line.split("\t")
        if line.startswith("#"):
            names = cells[1:] if line.startswith("#fields") else names
            continue
        row = dict(zip(names, cells, strict=True))
        seconds, _, micros = row["ts"].partition(".")
        if row["proto"] in {"tcp", "udp"}:
            found.append(
                Lookup(
                    ts=int(seconds) * 1_000_000 + int(micros.ljust(6, "0")),
                    detection=Detection.PORT43,
                    sensor="zeek",
                    uid=row["uid"],
                    src_ip=row["id.orig_h"],
                    src_port=int(row["id.orig_p"]),
                    dst_ip=row["id.resp_h"],
                    dst_port=int(row["id.resp_p"]),
                    transport="tcp" if row["proto"] == "tcp" else "quic",
                )
            )
    return tuple(found)


def ends_of(lookup: Lookup) -> Ends:
    protocol = "tcp" if lookup.transport == "tcp" else "udp"
    return ends(protocol, str(lookup.src_ip), lookup.src_port, str(lookup.dst_ip), lookup.dst_port)


@cache
def reading(campaign: str) -> EndpointReading:
    """Sysmon's records alone: the Security log of the same export has a clock of its own and knows more processes."""
    both = reading_of_both(campaign)
    return replace(
        both,
        starts=[one for one in both.starts if one.product == "Sysmon"],
        sockets=[one for one in both.sockets if one.product == "Sysmon"],
    )


@cache
def reading_of_both(campaign: str) -> EndpointReading:
    path = str(OTRF / campaign / EVENT)
    inputs = Inputs()
    inputs.endpoints.append(Input(path, "sysmon flat", "gz"))
    inputs.tally(path, "sysmon flat")
    return endpoints.read(inputs, SILENT)


@cache
def events(campaign: str) -> dict[Ends, list[tuple[int, str]]]:
    """Raw Sysmon connection events: tuple to (microseconds, ProcessGuid)."""
    found = defaultdict(list)
    for line in gzip.decompress((OTRF / campaign / EVENT).read_bytes()).splitlines():
        row = json.loads(line)
        if row["EventID"] == 3:
            key = ends(
                row["Protocol"], row["SourceIp"], row["SourcePort"], row["DestinationIp"], row["DestinationPort"]
            )
            when = datetime.strptime(row["UtcTime"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
            found[key].append((round(when.timestamp() * 1e6), row["ProcessGuid"].strip("{}").lower()))
    return found


@cache
def truth(campaign: str) -> dict[str, str]:
    """Uid of every connection whose tuple the host recorded too, to the true ProcessGuid."""
    theirs = events(campaign)
    ours = defaultdict(list)
    for lookup in wire(campaign):
        ours[ends_of(lookup)].append(lookup)
    offset = statistics.median(
        group[0].ts - theirs[key][0][0]
        for key, group in ours.items()
        if key[0] == "tcp" and len(group) == 1 and len(theirs.get(key, ())) == 1
    )
    return {
        lookup.uid or "": min(theirs[key], key=lambda event, ts=lookup.ts: abs(ts - event[0] - offset))[1]  # type: ignore[misc]
        for key, group in ours.items()
        if key in theirs
        for lookup in group
    }


def attribute(lookups: tuple[Lookup, ...], endpoint: EndpointReading) -> attribution.Result:
    anchors = [
        Connection(
            ts=one.ts,
            protocol="tcp",
            src_ip=one.src_ip or "",
            src_port=one.src_port or 0,
            dst_ip=one.dst_ip or "",
            dst_port=one.dst_port or 0,
        )
        for one in lookups
        if one.transport == "tcp"
    ]
    return attribution.attribute(lookups, endpoint, anchors, known=NoTools())


def guid(one: Attributed) -> str:
    return one.process.key.rpartition("/")[2].partition("~")[0]


def check_tcp(campaign: str, lookups: tuple[Lookup, ...], result: attribution.Result) -> None:
    """At least 97 % of the TCP tuples both sides hold, none wrongly. Where Sysmon names no process, nobody is named."""
    right, wrong, held = set(), [], set()
    for lookup, one in zip(lookups, result.attributions, strict=True):
        true = truth(campaign).get(lookup.uid or "")
        if true is None or lookup.transport != "tcp":
            continue
        held |= {ends_of(lookup)} if true != ZERO else set()
        if isinstance(one, Attributed) and guid(one) != true:
            wrong.append((lookup.uid, one.reason))
        elif isinstance(one, Attributed):
            right.add(ends_of(lookup))
    assert not wrong
    assert len(right) >= 0.97 * len(held)
    assert held


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_the_offset_is_found_to_the_millisecond(campaign: str) -> None:
    (clock,) = attribute(wire(campaign), reading(campaign)).offsets
    assert clock.offset is not None
    assert clock.offset / 1e6 == pytest.approx(OFFSETS[campaign], abs=0.002)
    assert clock.spread < 60_000
    assert clock.anchors >= 6


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_tcp_is_attributed_to_the_right_process(campaign: str) -> None:
    check_tcp(campaign, wire(campaign), attribute(wire(campaign), reading(campaign)))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_the_security_log_adds_processes_and_makes_none_wrong(campaign: str) -> None:
    result = attribute(wire(campaign), reading_of_both(campaign))
    alone = attribute(wire(campaign), reading(campaign))
    more = 0
    for lookup, one, before in zip(wire(campaign), result.attributions, alone.attributions, strict=True):
        true = truth(campaign).get(lookup.uid or "", ZERO)
        if lookup.transport == "tcp" and isinstance(one, Attributed) and true != ZERO:
            assert guid(one) == true
        assert isinstance(one, Attributed) or not isinstance(before, Attributed)
        more += isinstance(one, Attributed) and not isinstance(before, Attributed)
    assert more or campaign != "LSASS_campaign_01"


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_no_exact_match_of_any_protocol_is_wrong(campaign: str) -> None:
    result = attribute(wire(campaign), reading(campaign))
    exact = [
        (guid(one), truth(campaign)[lookup.uid or ""])
        for lookup, one in zip(wire(campaign), result.attributions, strict=True)
        if isinstance(one, Attributed) and one.method == "5-tuple"
    ]
    assert len(exact) >= 98
    assert all(found == true for found, true in exact)


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("days", [-400, -1, 3])
def test_a_host_clock_days_away_changes_nothing(campaign: str, days: int) -> None:
    moved = reading(campaign)
    shift = days * DAY
    moved = replace(
        moved,
        sockets=[replace(one, ts=one.ts + shift) for one in moved.sockets],
        unowned_sockets=[],
        name_queries=[replace(one, ts=one.ts + shift) for one in moved.name_queries],
    )
    check_tcp(campaign, wire(campaign), attribute(wire(campaign), moved))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_process_events_are_found_to_be_on_the_sensors_clock(campaign: str) -> None:
    result = attribute(wire(campaign), reading(campaign))
    assert list(result.process_clocks.values()) == [0]


def test_ipv6_spelled_in_full_still_matches() -> None:
    spelled = tuple(
        replace(one, src_ip=respelled(one.src_ip), dst_ip=respelled(one.dst_ip)) for one in wire(CAMPAIGNS[0])
    )
    plain = attribute(wire(CAMPAIGNS[0]), reading(CAMPAIGNS[0]))
    result = attribute(spelled, reading(CAMPAIGNS[0]))
    assert any(":" in (one.src_ip or "") and "5-tuple" in str(kind) for one, kind in zip(spelled, methods(result)))  # noqa: B905
    assert methods(result) == methods(plain)


def respelled(address: str | None) -> str:
    return ipaddress.ip_address(address or "").exploded.upper()


def methods(result: attribution.Result) -> list[str]:
    return [one.method if isinstance(one, Attributed) else "none" for one in result.attributions]


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_half_of_the_events_gone_lower_rungs_take_over_and_none_is_wrong(campaign: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable test data
    kept = [one for one in reading(campaign).sockets if chance.random() < 0.5]
    result = attribute(wire(campaign), replace(reading(campaign), sockets=kept))
    taken = 0
    for lookup, one in zip(wire(campaign), result.attributions, strict=True):
        true = truth(campaign).get(lookup.uid or "", ZERO)
        if true == ZERO:
            continue
        if isinstance(one, Attributed):
            assert guid(one) == true, one.reason
            taken += one.method != "5-tuple"
            assert one.method == "5-tuple" or one.confidence <= 0.97
        else:
            assert one.reason
    assert taken > 10


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_host_logs_of_another_day_name_nobody(campaign: str) -> None:
    """The same host, address and kinds of traffic on another day: other client ports, later times."""
    chance = random.Random(9)  # noqa: S311 - repeatable test data
    ports = [one.local_port or 0 for one in reading(campaign).sockets]
    chance.shuffle(ports)
    other = [
        replace(one, ts=one.ts + DAY, local_port=port if (one.local_port or 0) >= 1024 else one.local_port)
        for one, port in zip(reading(campaign).sockets, ports, strict=True)
    ]
    starts = [replace(one, ts=one.ts + DAY) for one in reading(campaign).starts]
    another_day = replace(reading(campaign), sockets=other, unowned_sockets=[], starts=starts, name_queries=[])
    result = attribute(wire(campaign), another_day)
    named = [one for one in result.attributions if isinstance(one, Attributed)]
    assert not named
    reasons = [one.reason for one in result.attributions if isinstance(one, Unattributed)]
    assert any("not 2023" in reason or "cannot be aligned" in reason for reason in reasons)
    assert result.offsets[0].offset is None
