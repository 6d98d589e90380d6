"""``whosasking attribute`` over real Zeek logs and Sysmon exports (OTRF LSASS campaigns), whole and damaged.

The exports are rewritten as files, so that readers and attribution are held to the same figures together. Truth is that
of ``test_otrf_pairs``: read from the raw exports, without the package.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import random
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from attribution.test_otrf_pairs import CAMPAIGNS, EVENT, OFFSETS, OTRF, ZERO, ends, guid, truth
from whosasking import pipeline
from whosasking.model import Attributed, Attribution, Connection, Coverage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not OTRF.is_dir(), reason="../shared/data/otrf (OTRF Security-Datasets) is not there")

Row = dict[str, Any]
Rows = list[tuple[Connection, Attribution]]
DATED = ("UtcTime", "TimeCreated", "@timestamp")
FORMS = {
    "UtcTime": "%Y-%m-%d %H:%M:%S.%f",
    "TimeCreated": "%Y-%m-%dT%H:%M:%S.%fZ",
    "@timestamp": "%Y-%m-%dT%H:%M:%S.%fZ",
}
NETWORK = {3, 5156}


def rows(campaign: str) -> list[Row]:
    return [json.loads(line) for line in gzip.decompress((OTRF / campaign / EVENT).read_bytes()).splitlines()]


def attribute(*paths: Path) -> tuple[Coverage, Rows]:
    with pipeline.connections(paths) as report:
        return report.coverage, list(report.connections)


def rewritten(tmp_path: Path, campaign: str, change: Callable[[Row], Row | None]) -> tuple[Coverage, Rows]:
    """Attribute the campaign's conn.log with its export, every row of which went through ``change``."""
    path = tmp_path / "host.ndjson"
    kept = [row for row in map(change, rows(campaign)) if row is not None]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
    return attribute(OTRF / campaign / "zeek", path)


def check(found: Rows, true_of: dict[str, str], *, least: float = 0.97) -> None:
    """Hold the TCP tuples of both sides to the truth: at least so many right, none wrong."""
    right, held = set(), set()
    for connection, one in found:
        true = true_of.get(connection.uid or "", ZERO)
        if true == ZERO or connection.protocol != "tcp":
            continue
        key = ends("tcp", connection.src_ip, connection.src_port, connection.dst_ip, connection.dst_port)
        held.add(key)
        if isinstance(one, Attributed):
            assert guid(one) == true, (connection.uid, one.method, one.reason)
            right.add(key)
    assert held
    assert len(right) >= least * len(held), f"{len(right)} of {len(held)}"


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_offset_and_processes_of_the_export_as_it_is(campaign: str) -> None:
    coverage, found = attribute(OTRF / campaign)
    clock = next(one for one in coverage.clock_offsets if one.anchors > 3)
    assert (clock.offset or 0) / 1e6 == pytest.approx(OFFSETS[campaign], abs=0.002)
    assert clock.spread < 60_000
    check(found, truth(campaign))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_every_connection_that_has_no_process_has_its_reason(campaign: str) -> None:
    _, found = attribute(OTRF / campaign)
    log = (OTRF / campaign / "zeek" / "conn.log").read_text("utf-8").splitlines()
    assert len(found) == sum(not line.startswith("#") for line in log)
    for connection, one in found:
        if isinstance(one, Attributed):
            continue
        if connection.protocol == "icmp":
            assert "has no ports" in one.reason
        else:
            assert re.match(
                "no endpoint records for host|no matching event|session never established|endpoint records of",
                one.reason,
            )


def shifted(row: Row, days: float) -> Row:
    moved = dict(row)
    for name in DATED:
        if name in row:
            when = datetime.strptime(row[name], FORMS[name]) + timedelta(days=days)  # noqa: DTZ007 - as the export has it
            moved[name] = when.strftime(FORMS[name])[:-3] if name == "UtcTime" else when.strftime(FORMS[name])
    return moved


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("days", [-40.5, 9])
def test_the_hosts_clock_days_away(tmp_path: Path, campaign: str, days: float) -> None:
    coverage, found = rewritten(tmp_path, campaign, lambda row: shifted(row, days))
    assert any((one.offset or 0) / 1e6 == pytest.approx(OFFSETS[campaign] - days * 86_400, abs=0.01)
               for one in coverage.clock_offsets)  # fmt: skip
    check(found, truth(campaign))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_without_pids(tmp_path: Path, campaign: str) -> None:
    pids = {"ProcessId", "ProcessID", "ParentProcessId", "NewProcessId"}
    _, found = rewritten(tmp_path, campaign, lambda row: {key: value for key, value in row.items() if key not in pids})
    check(found, truth(campaign))


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_with_ipv6_spelled_in_full(tmp_path: Path, campaign: str) -> None:
    def spelled(row: Row) -> Row:
        for name in ("SourceIp", "DestinationIp", "SourceAddress", "DestAddress"):
            if ":" in row.get(name, ""):
                row[name] = ipaddress.ip_address(row[name]).exploded.upper()
        return row

    _, found = rewritten(tmp_path, campaign, spelled)
    check(found, truth(campaign))
    assert any(":" in one.src_ip and isinstance(given, Attributed) for one, given in found)


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("seed", [1, 2])
def test_with_half_of_the_network_events_gone(tmp_path: Path, campaign: str, seed: int) -> None:
    """Lower rungs take over for what is gone, say so, and none of them is wrong."""
    chance = random.Random(seed)  # noqa: S311 - repeatable test data
    _, found = rewritten(
        tmp_path, campaign, lambda row: None if row["EventID"] in NETWORK and chance.random() < 0.5 else row
    )
    check(found, truth(campaign), least=0.15)
    lower = [one for _, one in found if isinstance(one, Attributed) and one.method != "5-tuple"]
    assert len(lower) > 5
    assert all(one.confidence <= 0.97 for one in lower)
    assert all(one.reason for _, one in found)


def moved_to(address: str, row: Row) -> Row:
    for name in ("SourceIp", "DestinationIp", "SourceAddress", "DestAddress"):
        if row.get(name) == "192.168.1.43":
            row[name] = address
    return row


def test_two_hosts_with_one_address_at_different_times(tmp_path: Path) -> None:
    """The second campaign's host is given the first's address; their logs lie hours apart."""
    first, second = CAMPAIGNS[:2]
    export, log = tmp_path / "hosts.ndjson", tmp_path / "conn.log"
    both = [*rows(first), *(moved_to("192.168.1.41", row) for row in rows(second))]
    export.write_text("".join(json.dumps(row) + "\n" for row in both), "utf-8")
    text = (OTRF / second / "zeek" / "conn.log").read_text("utf-8")
    log.write_text(re.sub(r"\t192\.168\.1\.43\t", "\t192.168.1.41\t", text), "utf-8")
    coverage, found = attribute(OTRF / first / "zeek", log, export)
    offsets = {one.host: one.offset for one in coverage.clock_offsets if one.anchors > 3}
    assert len(offsets) == 2
    check(found, truth(first) | truth(second))
    hosts = {one.process.host for _, one in found if isinstance(one, Attributed)}
    assert len(hosts) == 2


def test_the_records_of_another_day_name_nobody_and_say_so(tmp_path: Path) -> None:
    """The second campaign's host at the first's address, without the wire of its own day: nothing of it fits."""
    first, second = CAMPAIGNS[:2]
    export = tmp_path / "host.ndjson"
    export.write_text("".join(json.dumps(moved_to("192.168.1.41", row)) + "\n" for row in rows(second)), "utf-8")
    coverage, found = attribute(OTRF / first / "zeek", export)
    assert not [one for _, one in found if isinstance(one, Attributed)]
    assert all(one.offset is None for one in coverage.clock_offsets)
    reasons = [one.reason for connection, one in found if connection.src_ip == "192.168.1.41"]
    assert reasons
    assert all(re.match("endpoint records of|clock of .* cannot be aligned|.* has no ports", one) for one in reasons)
