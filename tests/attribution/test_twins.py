"""Two endpoint products on one host: every process and every lookup counts once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from whosasking import pipeline
from whosasking.attribution import policy, united
from whosasking.model import SECOND, Attributed, Detection, Lookup, Process, Report

RECORDED = Path(__file__).parents[2] / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000
T = 1_790_000_000 * SECOND
SYSMON = Process(host="WS1", key="{guid}", name="whois.exe", pid=7, started=T, command_line="whois example.com")
DEFENDER = Process(host="ws1.corp.internal", key="dev/7", name="Whois.exe", pid=7, started=T + 3000)
START = Lookup(ts=T, detection=Detection.TOOL, sensor="Sysmon")
PORT43 = Lookup(ts=T, detection=Detection.PORT43, sensor="Sysmon", src_ip="10.0.0.5", src_port=50_000,
                dst_ip="199.71.0.46", dst_port=43, transport="tcp")  # fmt: skip


def seen(process: Process) -> Attributed:
    return Attributed(process=process, method="endpoint record", confidence=1.0, reason="")


def by_defender(lookup: Lookup, **change: object) -> Lookup:
    return msgspec.structs.replace(lookup, **({"sensor": "Microsoft Defender", "ts": T + 3000} | change))


@pytest.mark.parametrize("lookup", [START, PORT43], ids=["start", "connection"])
def test_what_both_products_recorded_counts_once(lookup: Lookup) -> None:
    ((_, given),) = united([(lookup, seen(SYSMON)), (by_defender(lookup), seen(DEFENDER))])
    assert isinstance(given, Attributed)
    assert given.process == SYSMON


@pytest.mark.parametrize(
    ("lookup", "process"),
    [
        (by_defender(START), msgspec.structs.replace(DEFENDER, pid=8)),
        (by_defender(START), msgspec.structs.replace(DEFENDER, host="ws2")),
        (by_defender(START), msgspec.structs.replace(DEFENDER, started=T + policy.PROCESS_SLACK + 1)),
        (by_defender(START, sensor="Sysmon"), DEFENDER),
        (by_defender(PORT43, src_port=50_001), DEFENDER),
        (by_defender(PORT43, ts=T + 60 * SECOND), DEFENDER),
        (by_defender(PORT43, src_port=None), DEFENDER),
    ],
    ids=["pid", "host", "reused pid", "same product", "port", "later", "no port"],
)
def test_other_events_stay(lookup: Lookup, process: Process) -> None:
    first = START if lookup.detection is Detection.TOOL else PORT43
    assert len(united([(first, seen(SYSMON)), (lookup, seen(process))])) == 2


def test_a_wire_lookup_is_never_left_out() -> None:
    wire = msgspec.structs.replace(PORT43, sensor="zeek")
    other = msgspec.structs.replace(wire, sensor="suricata", uid="other")
    given = Attributed(process=SYSMON, method="5-tuple", confidence=0.99, reason="")
    assert len(united([(wire, given), (other, given)])) == 2


@pytest.mark.parametrize("wire", [["zeek-tsv"], []], ids=["with logs", "exports alone"])
def test_the_recorded_host_with_both_products(wire: list[str]) -> None:
    def rows(*exports: str) -> Counter[tuple[object, ...]]:
        paths = [RECORDED / name for name in [*wire, *exports]]
        return Counter(map(_row, _lookups(pipeline.run(paths, now=NOW))))

    assert rows("exports/sysmon-flat", "exports/defender-csv") == rows("exports/sysmon-flat")


def _lookups(report: Report) -> list[tuple[Lookup, Process | None]]:
    return [
        (one.lookup, one.attribution.process if isinstance(one.attribution, Attributed) else None)
        for one in report.lookups
    ]


def _row(pair: tuple[Lookup, Process | None]) -> tuple[object, ...]:
    lookup, process = pair
    return (lookup.detection, lookup.src_port, lookup.dst_ip, process and (process.name, process.pid))
