"""whois.log against the logs every Zeek writes: the same lookups, and whois.log's word where both speak."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whosasking import pipeline
from whosasking.model import Detection, JudgedLookup, QueryKind

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "pcaps" / "workstation"
MAKERS = ("make_traces.py", "make_more_traces.py")
ZEEK = shutil.which("zeek")
NOW = 1_800_000_000_000_000
Row = tuple[object, ...]

SAME = ("port43", "bulk", "over-cap", "channel", "own", "late", "sites", "noise", "tls", "hostile")
MORE = {"odd-port": 4, "split": 3, "http": 1}
"""Made captures with lookups that only whois.log shows, and their number: WHOIS on another port is any session in
conn.log, and an RDAP media type is in no http.log."""


def lookups(folder: Path) -> list[JudgedLookup]:
    return list(pipeline.run([folder], now=NOW).lookups)


def keys(found: list[JudgedLookup]) -> list[Row]:
    """What a lookup is, whoever tells of it: when, between whom, over what, at which server."""
    return sorted(
        (
            str(one.lookup.detection), one.lookup.ts, one.lookup.src_ip, one.lookup.src_port, one.lookup.dst_ip,
            one.lookup.dst_port, one.lookup.transport, one.lookup.server or "",
        )
        for one in found
    )  # fmt: skip


def without_whois(folder: Path, fresh: Path) -> Path:
    """Copy the logs but whois.log."""
    shutil.copytree(folder, fresh, ignore=shutil.ignore_patterns("whois.log", "notice.log", "*.pcap"))
    assert not (fresh / "whois.log").exists()
    return fresh


@pytest.mark.parametrize("form", ["zeek-tsv", "zeek-json"])
def test_recorded_traffic_gives_the_same_lookups_with_whois_log_and_without(form: str, tmp_path: Path) -> None:
    found, plain = lookups(RECORDED / form), lookups(without_whois(RECORDED / form, tmp_path / form))
    unnamed = [one for one in found if one.lookup.dst_port == 8043]  # WHOIS on another port
    assert keys([one for one in found if one not in unnamed]) == keys([p for p in plain if p.lookup.dst_port != 8043])
    assert len(found) > 40


def test_whois_log_is_preferred_where_there_is_one(tmp_path: Path) -> None:
    by_tuple = {(one.lookup.src_ip, one.lookup.src_port): one for one in lookups(RECORDED / "zeek-tsv")}
    plain = lookups(without_whois(RECORDED / "zeek-tsv", tmp_path / "plain"))
    port43 = [one for one in plain if one.lookup.detection is Detection.PORT43 and one.lookup.service != "ssh"]
    assert port43
    assert not any(one.lookup.query for one in port43)  # conn.log does not know what was asked
    assert all(by_tuple[(one.lookup.src_ip, one.lookup.src_port)].lookup.query for one in port43)
    hellos = [one for one in plain if one.lookup.transport == "tls"]
    assert not any(one.lookup.client.ja3 for one in hellos)
    assert all(by_tuple[(one.lookup.src_ip, one.lookup.src_port)].lookup.client.ja3 for one in hellos)


def test_a_session_of_many_queries_is_one_lookup_with_their_number() -> None:
    (bulk,) = [
        one.lookup
        for one in lookups(RECORDED / "zeek-tsv")
        if one.lookup.query and one.lookup.query.kind is QueryKind.BULK
    ]
    assert bulk.query is not None
    assert (bulk.query.text, bulk.query.object, bulk.query.count) == ("begin", "193.0.6.139", 4)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Zeek's logs of every made capture, a folder each."""
    if ZEEK is None:
        pytest.skip("no zeek on PATH")
    traces, logs = tmp_path_factory.mktemp("traces"), tmp_path_factory.mktemp("logs")
    for maker in MAKERS:
        subprocess.run([sys.executable, ROOT / "tests" / "zeek" / maker, traces], check=True)
    for name in (*SAME, *MORE, "dual-stack"):
        (logs / name).mkdir()
        command = [ZEEK, "-D", "-C", "-r", str(traces / f"{name}.pcap"), str(ROOT / "zeek_scripts")]
        subprocess.run(command, cwd=logs / name, check=True, capture_output=True, timeout=60)
    return logs


@pytest.mark.parametrize("name", SAME)
def test_made_traffic_gives_the_same_lookups_with_whois_log_and_without(
    name: str, replayed: Path, tmp_path: Path
) -> None:
    found = lookups(replayed / name)
    assert found
    assert keys(found) == keys(lookups(without_whois(replayed / name, tmp_path / name)))


@pytest.mark.parametrize(("name", "more"), MORE.items())
def test_what_only_whois_log_shows(name: str, more: int, replayed: Path, tmp_path: Path) -> None:
    found = keys(lookups(replayed / name))
    plain = keys(lookups(without_whois(replayed / name, tmp_path / name)))
    assert set(plain) < set(found)
    assert len(found) - len(plain) == more


def test_the_name_of_a_server_that_another_client_resolved(replayed: Path, tmp_path: Path) -> None:
    found = keys(lookups(replayed / "dual-stack"))
    plain = keys(lookups(without_whois(replayed / "dual-stack", tmp_path / "plain")))
    assert [row[:-1] for row in found] == [row[:-1] for row in plain]
    # Both name a hidden server that the client's other address has just resolved; whois.log names WHOIS servers longer.
    assert [row[-1] for row in found] == ["rdap.db.ripe.net", "rdap.db.ripe.net"]
    assert [row[-1] for row in plain] == ["", "rdap.db.ripe.net"]
