"""The main job on real recorded traffic: whatever the sensor and the endpoint product, the same answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from whosasking import pipeline
from whosasking.model import Attributed, Detection, JudgedLookup, Outcome, Report

SCENARIO = Path(__file__).parent.parent / "pcaps" / "workstation"
EXPECTED: dict[str, Any] = yaml.safe_load((SCENARIO / "expected.yaml").read_text("utf-8"))
NOW = 1_800_000_000_000_000
WITH_EXPORTS = {
    "zeek tsv, sysmon flat": ["zeek-tsv", "exports/sysmon-flat"],
    "zeek json, defender csv": ["zeek-json", "exports/defender-csv"],
    "eve, sysmon flat": ["eve", "exports/sysmon-flat"],
    "eve, sysmon ecs": ["eve", "exports/sysmon-ecs"],
    "zeek tsv, defender json": ["zeek-tsv", "exports/defender-json"],
}
WIRE_ONLY = {"zeek tsv": ["zeek-tsv"], "zeek json": ["zeek-json"], "eve": ["eve"]}
Row = tuple[object, ...]


def report(names: list[str]) -> Report:
    return pipeline.run([SCENARIO / name for name in names], now=NOW)


def known_limits(names: list[str]) -> set[str]:
    """Name the steps that one sensor cannot show; each has its reason in expected.yaml."""
    limits = EXPECTED.get("known_limits", [])
    return {limit["name"] for limit in limits if any(limit["sensor"] in name for name in names)}


def wire_key(lookup: Any) -> Row:
    return (lookup["src_ip"], lookup["src_port"], lookup["dst_ip"], lookup["dst_port"])


def expected_row(lookup: dict[str, Any], verdict: dict[str, str], *, process: bool) -> Row:
    query = lookup.get("query") or {}
    row: Row = (
        lookup["detection"],
        *(lookup.get(key) for key in ("src_ip", "src_port", "dst_ip", "dst_port", "transport", "server")),
        *(query.get(key) for key in ("text", "object", "kind")),
        verdict["verdict"],
        verdict["reason"],
    )
    return (*row, lookup["process"]["name"], lookup["process"]["pid"]) if process else row


def found_row(judged: JudgedLookup, *, process: bool) -> Row:
    lookup, query, who = judged.lookup, judged.lookup.query, judged.attribution
    tool = lookup.detection is Detection.TOOL
    row: Row = (
        str(lookup.detection),
        *((None,) * 5 if tool else (lookup.src_ip, lookup.src_port, lookup.dst_ip, lookup.dst_port, lookup.transport)),
        lookup.server,
        *((query.text, query.object, query.kind and str(query.kind)) if query else (None, None, None)),
        str(judged.verdict.outcome),
        judged.verdict.reason,
    )
    if not process:
        return row
    return (*row, who.process.name, who.process.pid) if isinstance(who, Attributed) else (*row, None, who.reason)


def ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [str(cell) for cell in row])


@pytest.mark.parametrize("names", WITH_EXPORTS.values(), ids=WITH_EXPORTS.keys())
def test_with_exports_every_lookup_has_its_process_query_and_verdict(names: list[str]) -> None:
    hidden = known_limits(names)
    wanted = [expected_row(e, e, process=True) for e in EXPECTED["lookups"] if e["name"] not in hidden]
    found = [found_row(judged, process=True) for judged in report(names).lookups]
    assert ordered(found) == ordered(wanted)


@pytest.mark.parametrize("names", WIRE_ONLY.values(), ids=WIRE_ONLY.keys())
def test_from_the_wire_alone_browsers_are_dropped_and_tools_reported(names: list[str]) -> None:
    hidden = known_limits(names)
    on_the_wire = [e for e in EXPECTED["lookups"] if e["detection"] != Detection.TOOL and e["name"] not in hidden]
    wanted = [expected_row(e, e["wire_only"], process=False) for e in on_the_wire]
    found = [found_row(judged, process=False) for judged in report(names).lookups]
    assert ordered(found) == ordered(wanted)


@pytest.mark.parametrize("names", [*WITH_EXPORTS.values(), *WIRE_ONLY.values()], ids=" + ".join)
def test_no_trap_is_reported(names: list[str]) -> None:
    traps = {(trap["dst_ip"], trap["dst_port"], trap.get("src_port")) for trap in EXPECTED["not_lookups"]}
    reported = [j.lookup for j in report(names).lookups if j.verdict.outcome is Outcome.REPORTED]
    assert not [one for one in reported if (one.dst_ip, one.dst_port, one.src_port) in traps]


def test_the_host_clock_is_found_from_the_connections_themselves() -> None:
    (clock,) = report(WITH_EXPORTS["zeek tsv, sysmon flat"]).coverage.clock_offsets
    assert clock.offset is not None
    assert clock.offset / 1e6 == pytest.approx(EXPECTED["clock"]["offset_seconds"], abs=0.5)
    assert clock.anchors >= 10


def test_the_sieve_misses_nothing_that_the_exact_reader_finds() -> None:
    pytest.importorskip("zat", reason="zat: the reference reader of Zeek logs is not installed")
    paths = [SCENARIO / name for name in WITH_EXPORTS["zeek tsv, sysmon flat"]]
    assert pipeline.run(paths, now=NOW, exact=True).lookups == pipeline.run(paths, now=NOW).lookups
