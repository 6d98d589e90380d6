"""EVE of a site that has none of our rules: what is found all the same, and that the rest is said to be unknown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from suricata import replaying
from whosasking import pipeline
from whosasking.model import Detection, JudgedLookup, Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000
Event = dict[str, Any]
Row = tuple[object, ...]


def stripped(event: Event) -> Event | None:
    """An event as a packaged Suricata writes it: no alert and variable of ours, no JA3, no extra headers."""
    if event["event_type"] == "alert":
        return None
    for name in ("metadata", "community_id"):
        event.pop(name, None)
    for protocol, extra in (
        ("tls", ("ja3", "ja3s", "ja4")),
        ("quic", ("ja3", "ja3s", "ja4")),
        ("http", ("request_headers",)),
    ):
        for name in extra:
            event.get(protocol, {}).pop(name, None)
    return event


def changed(folder: Path, change: Callable[[Event], Event | None]) -> Report:
    """The report on the shipped EVE, each event changed or (None) left out."""
    events = map(json.loads, (SHIPPED / "eve" / "eve.json").read_text("utf-8").splitlines())
    kept = [new for event in events if (new := change(event)) is not None]
    folder.mkdir(exist_ok=True)
    (folder / "eve.json").write_text("".join(json.dumps(event) + "\n" for event in kept), "utf-8")
    return pipeline.run([folder], now=NOW)


@pytest.fixture(scope="module")
def full() -> Report:
    return pipeline.run([SHIPPED / "eve"], now=NOW)


@pytest.fixture(params=["derived", "replayed"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Report:
    if request.param == "derived":
        return changed(tmp_path / "eve", stripped)
    if shutil.which("suricata") is None or not replaying.CONFIG.exists():
        pytest.skip("Suricata is not installed")
    (tmp_path / "none.rules").touch()
    replaying.replay(SHIPPED / "capture.pcap", tmp_path, str(tmp_path / "none.rules"), include=False)
    return pipeline.run([tmp_path / "eve.json"], now=NOW)


def ends(judged: JudgedLookup) -> Row:
    one = judged.lookup
    return str(one.detection), one.src_ip, one.src_port, one.dst_ip, one.dst_port


def said(report: Report, *words: str) -> bool:
    return any(all(word in gap for word in words) for gap in report.coverage.gaps)


def test_every_lookup_is_found_but_those_on_odd_ports(full: Report, foreign: Report) -> None:
    missing = {ends(j) for j in full.lookups} - {ends(j) for j in foreign.lookups}
    assert {ends(j) for j in foreign.lookups} <= {ends(j) for j in full.lookups}
    assert {row[4] for row in missing} == {8043}
    assert len(missing) == 1
    assert said(foreign, "WHOIS on other ports cannot be seen")


def test_what_was_asked_on_port_43_is_unknown_and_said_to_be(full: Report, foreign: Report) -> None:
    def queries(report: Report) -> list[object]:
        return [
            j.lookup.query for j in report.lookups if j.lookup.detection is Detection.PORT43 and j.lookup.established
        ]

    assert any(queries(full))
    assert not any(queries(foreign))
    assert said(foreign, "sid 1596001", "what port-43 sessions asked is unknown")
    assert not said(full, "sid 1596001")


def test_a_client_that_cannot_be_told_from_a_browser_is_reported_and_said_to_be_unknown(
    full: Report, foreign: Report
) -> None:
    """Never the other way round: nothing that was reported is dropped for want of knowledge."""
    was = {ends(j): j.verdict.outcome for j in full.lookups}
    for judged in foreign.lookups:
        if was[ends(judged)] is Outcome.REPORTED:
            assert judged.verdict.outcome is Outcome.REPORTED
    lost = [j for j in foreign.lookups if was[ends(j)] is Outcome.DROPPED and j.verdict.outcome is Outcome.REPORTED]
    assert lost
    assert {j.verdict.reason for j in lost} == {"lookup by an unknown client"}
    assert said(foreign, "no ClientHello details")
    assert said(foreign, "no Accept-Language header")
    assert not said(full, "no ClientHello details")
    assert not said(full, "no Accept-Language header")


@pytest.mark.parametrize("kind", ["flow", "tls", "http", "dns"])
def test_a_kind_of_event_that_is_not_logged_is_a_gap(kind: str, full: Report, tmp_path: Path) -> None:
    report = changed(tmp_path / "eve", lambda event: None if event["event_type"] == kind else event)
    assert said(report, f"EVE without {kind} events")
    assert not said(full, "EVE without", "events")


def test_a_quic_session_without_its_name_is_named_by_dns_and_counted(full: Report, tmp_path: Path) -> None:
    def nameless(event: Event) -> Event:
        event.get("quic", {}).pop("sni", None)
        return event

    report = changed(tmp_path / "eve", nameless)
    (judged,) = [j for j in report.lookups if j.lookup.transport == "quic"]
    assert (judged.lookup.server, judged.lookup.server_source) == ("who.is", "dns")
    assert said(report, "no server name for 1 QUIC session ")
    assert not said(full, "QUIC session")


def test_rdap_at_a_host_nobody_listed_is_known_by_its_media_type(tmp_path: Path) -> None:
    base = {
        "timestamp": "2026-10-01T00:00:05.000001+0000",
        "event_type": "http",
        "src_ip": "10.1.2.3",
        "dest_ip": "198.51.100.7",
        "dest_port": 80,
        "proto": "TCP",
    }
    asked = {"request_headers": [{"name": "Accept", "value": "application/rdap+json"}]}
    shapes = [{"http_content_type": "application/rdap+json"}, asked, {"http_content_type": "application/json"}]
    lines = [
        base
        | {
            "flow_id": flow,
            "src_port": 40_000 + flow,
            "http": {"hostname": "api.example", "url": "/v1/domain/example.com"} | shape,
        }
        for flow, shape in enumerate(shapes)
    ]
    (tmp_path / "eve.json").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = [j.lookup for j in pipeline.run([tmp_path / "eve.json"], now=NOW).lookups]
    assert sorted(one.uid or "" for one in found) == ["0", "1"]
    assert {one.query.object for one in found if one.query} == {"example.com"}
