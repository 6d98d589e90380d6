"""Real Sysmon and Security events of Windows hosts (OTRF Security-Datasets): nothing is lost, nothing is doubled."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from endpoints.exports import read

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "otrf"
CAMPAIGNS = ("LSASS_campaign_01", "LSASS_campaign_02", "LSASS_campaign_03")
NO_GUID = "{00000000-0000-0000-0000-000000000000}"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/otrf is not here")


def sysmon_events(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [row for row in map(json.loads, file) if row["SourceName"] == "Microsoft-Windows-Sysmon"]


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_every_event_becomes_its_record(campaign: str) -> None:
    path = DATA / campaign / "host_sysmon_sec.ndjson.gz"
    rows = sysmon_events(path)
    counts = Counter(row["EventID"] for row in rows)
    nameless = sum(row["EventID"] == 22 and row["ProcessGuid"] == NO_GUID for row in rows)
    reading, (report,) = read(path)
    assert sum(start.product == "Sysmon" for start in reading.starts) == counts[1]
    assert len(reading.name_queries) == counts[22] - nameless
    assert [skip for skip in report.skipped if skip.line is not None] == []

    def tuple_of(row: dict[str, Any]) -> tuple[str, ...]:
        ends = [(row["SourceIp"], row["SourcePort"]), (row["DestinationIp"], row["DestinationPort"])]
        (here, there) = ends if row["Initiated"] == "true" else ends[::-1]
        return (row["UtcTime"], *here, *there)

    # A broadcast is recorded from both sides at one instant; it is one socket.
    connections = {tuple_of(row) for row in rows if row["EventID"] == 3}
    sockets = [one for one in [*reading.sockets, *reading.unowned_sockets] if one.product == "Sysmon"]
    assert abs(len(sockets) - len(connections)) <= 1
    assert len({socket.id for socket in sockets}) == len(sockets)


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_sockets_have_the_command_line_of_their_process_start(campaign: str) -> None:
    path = DATA / campaign / "host_sysmon_sec.ndjson.gz"
    rows = sysmon_events(path)
    started = {row["ProcessGuid"].strip("{}").lower(): row["CommandLine"] for row in rows if row["EventID"] == 1}
    reading, _ = read(path)
    completed = 0
    for socket in (one for one in reading.sockets if one.product == "Sysmon"):
        guid = socket.process.key.rpartition("/")[2]
        if guid in started:
            assert socket.process.command_line == started[guid]
            assert socket.process.parent is not None
            completed += 1
    assert completed > 0


def test_a_hosts_addresses_are_its_own() -> None:
    found = {}
    for campaign in CAMPAIGNS:
        found |= read(DATA / campaign / "host_sysmon_sec.ndjson.gz")[0].addresses
    assert found == {
        "MKT01.pandalab.com": ["192.168.1.41"],
        "ACCT01.pandalab.com": ["192.168.1.43"],
        "PRD01.pandalab.com": ["192.168.1.42"],
    }
