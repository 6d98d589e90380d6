"""Several sensors' lookups side by side."""

from __future__ import annotations

import io

import pytest

from whosasking.model import Client, ClientClass, Detection, Lookup, Query
from whosasking.reports.page import Page
from whosasking.reports.sections import parity as section
from whosasking.sensors.capture import parity

S = 1_000_000


def lookup(sensor: str, ts: int, port: int = 40_001, **more: object) -> Lookup:
    given: dict[str, object] = {
        "ts": ts, "detection": Detection.WEB, "sensor": sensor, "uid": f"{sensor}{ts}{port}", "src_ip": "10.20.0.5",
        "src_port": port, "dst_ip": "199.5.26.46", "dst_port": 443, "transport": "tls", "server": "rdap.arin.net",
    }  # fmt: skip
    return Lookup(**(given | more))  # type: ignore[arg-type]


def test_a_session_seen_by_two_sensors_is_one_and_the_better_one_tells_it() -> None:
    table = parity.compare({"zeek": [lookup("zeek", 10 * S)], "tshark": [lookup("tshark", 11 * S)]})
    assert [(row.lookup.sensor, sorted(row.by_sensor)) for row in table] == [("zeek", ["tshark", "zeek"])]


def test_the_same_ports_used_again_are_another_session() -> None:
    both = [lookup("zeek", 10 * S), lookup("zeek", 100 * S)]
    table = parity.compare({"zeek": both, "tshark": [lookup("tshark", 100 * S)]})
    assert [sorted(row.by_sensor) for row in table] == [["zeek"], ["tshark", "zeek"]]


def test_requests_of_one_connection_are_told_apart_by_path() -> None:
    def asked(sensor: str, path: str) -> Lookup:
        return lookup(sensor, 10 * S, transport="http", query=Query(text=path))

    table = parity.compare({"zeek": [asked("zeek", "/a"), asked("zeek", "/b")], "tshark": [asked("tshark", "/b")]})
    assert [sorted(row.by_sensor) for row in table] == [["zeek"], ["tshark", "zeek"]]


def test_differences_between_sensors_are_told() -> None:
    here = lookup("zeek", 10 * S, query=Query(text="a.example"), client=Client(cls=ClientClass.TOOL))
    there = lookup("tshark", 10 * S, server=None)
    (row,) = parity.rows(parity.compare({"zeek": [here], "tshark": [there]}), ["zeek", "tshark"])
    assert row.differences == (
        "query: zeek a.example; tshark no query", "server: zeek rdap.arin.net; tshark none",
        "client: zeek tool; tshark unknown",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("absent", "more", "why"),
    [
        ("suricata", {"transport": "quic"}, "split over QUIC frames"),
        ("tshark", {"transport": "quic"}, "split over QUIC packets"),
        ("tshark", {"detection": Detection.PORT43, "dst_port": 4343}, "shape of the answer"),
        ("tshark", {"server_source": "dns"}, "hides its server's name"),
        ("suricata", {"established": False}, "never established"),
        ("suricata", {}, "may lack packets"),
    ],
)
def test_why_a_sensor_lacks_a_lookup(absent: str, more: dict[str, object], why: str) -> None:
    table = parity.compare({"zeek": [lookup("zeek", 10 * S, **more)], absent: []})
    (row,) = parity.rows(table, ["zeek", absent])
    assert row.sensors == ("zeek",)
    assert why in row.missed[absent]


def test_the_table_names_who_lacks_what_and_escapes_what_was_asked() -> None:
    asked = Query(text="\x1b[31m[red]evil")
    table = parity.compare({"zeek": [lookup("zeek", 10 * S, query=asked)], "tshark": []})
    out = io.StringIO()
    section.show(Page(out), parity.rows(table, ["zeek", "tshark"]))
    text = out.getvalue()
    assert "Sensors side by side" in text
    assert "tshark lacks rdap.arin.net" in text
    assert "\x1b[31m" not in text
    assert "[red]evil" in text
