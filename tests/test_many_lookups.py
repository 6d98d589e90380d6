"""More lookups than are held in memory: they lie on disk, and every report is the same, letter by letter."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sensors.making import read, write, write_json
from sensors.test_glance import eve_events, half_matching
from sensors.test_sieve_differential import random_site, tuple_of
from whosasking import pipeline, records
from whosasking.records import Records
from whosasking.reports import FORMATS, Options, renderer
from whosasking.sensors import ledger, scan
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = Path(__file__).parent.parent / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000


def on_disk(patch: pytest.MonkeyPatch) -> list[ledger.Ledger]:
    """Let hardly anything be held in memory; the ledgers that were begun."""
    begun: list[ledger.Ledger] = []

    class Noted(ledger.Ledger):
        def __init__(self) -> None:
            super().__init__()
            begun.append(self)

    patch.setattr("whosasking.sensors.book.Ledger", Noted)
    patch.setattr(scan, "MOST_SESSIONS", 5)
    patch.setattr(records, "IN_MEMORY", 5)
    patch.setattr(records, "MOST_HELD", 2)
    return begun


def rendered(paths: list[Path]) -> dict[str, str]:
    report = pipeline.run(paths, now=NOW)
    texts = {}
    for form in FORMATS:
        out = io.StringIO()
        renderer(form)(report, out, Options(show_dropped=True, width=100))
        texts[form] = out.getvalue()
    return texts


@pytest.mark.parametrize(
    "names",
    [
        ["zeek-tsv"],
        ["zeek-json", "eve"],
        ["eve"],
        ["zeek-tsv", "exports/sysmon-flat"],
        ["eve", "exports/defender-json"],
    ],
    ids="+".join,
)
def test_every_report_is_the_same(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [RECORDED / name for name in names]
    held = rendered(paths)
    begun = on_disk(monkeypatch)
    assert rendered(paths) == held
    assert begun


@pytest.mark.parametrize("form", [write, write_json])
@pytest.mark.parametrize("seed", range(3))
def test_sessions_of_every_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Callable[..., Path], seed: int
) -> None:
    logs = random_site(seed) if seed else half_matching(seed)
    if seed == 1:
        del logs["ssl"]  # then connections to a listed host's address count
    wanted = Wanted(frozenset(tuple_of(record) for record in logs["conn"][::7]))
    folder = form(tmp_path, **logs)
    held = read(folder, wanted=wanted)
    assert isinstance(held.lookups, list)
    begun = on_disk(monkeypatch)
    spilled = read(folder, wanted=wanted)
    assert begun
    assert isinstance(spilled.lookups, Records)
    assert list(spilled.lookups) == held.lookups
    assert (spilled.notes, spilled.anchors, spilled.span) == (held.notes, held.anchors, held.span)


def test_the_order_in_which_alerts_and_flows_come_counts_on_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = eve_events(3)
    for number, event in enumerate(list(events)):
        base = {name: event[name] for name in ("timestamp", "flow_id", "src_ip", "src_port", "dest_ip", "dest_port")}
        base |= {"proto": "TCP", "event_type": "flow", "flow": {"start": event["timestamp"], "state": "closed"}}
        base["metadata"] = {"flowvars": [{"whosasking_query": f"example{number}.com"}]}
        alert = base | {"event_type": "alert", "alert": {"signature_id": [1_596_001, 1_596_010, 1_596_031][number % 3]}}
        payload = {"payload": ["ZXhhbXBsZS5jb20NCg==", "b3RoZXIuY29tDQo="][number % 2]}
        events += [[base, alert], [alert | payload, base], [alert, alert | payload, base]][number % 3][: 1 + number % 4]
    (tmp_path / "eve.json").write_text("".join(json.dumps(one) + "\n" for one in events), "utf-8")
    held = read(tmp_path)
    queries = {lookup.query.text for lookup in held.lookups if lookup.query}
    assert len(queries) > 100
    on_disk(monkeypatch)
    assert list(read(tmp_path).lookups) == held.lookups
