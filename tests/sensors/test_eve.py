"""Suricata's EVE: flow, tls, quic, http, dns in three layouts, and whosasking's alerts."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sensors.making import CLIENT, read, read_both
from whosasking.model import ClientClass, Detection, QueryKind
from whosasking.sensors.interface import Wanted
from whosasking.sensors.patterns import Patterns

if TYPE_CHECKING:
    from pathlib import Path

OPENSSL = "771,4866-4867-255,0-11-10-35-22-23-13-43-45-51-49,29-23,0-1-2"


def event(
    kind: str, number: int, server: str, port: int, *, at: str = "00:00:05.000001", **more: Any
) -> dict[str, Any]:
    return {
        "timestamp": f"2026-10-01T{at}+0000",
        "flow_id": number,
        "event_type": kind,
        "src_ip": CLIENT,
        "src_port": 40_000 + number,
        "dest_ip": server,
        "dest_port": port,
        "proto": "TCP",
        "community_id": f"1:{number}",
    } | more


def flow_event(
    flow: int, server: str, port: int, *, state: str = "closed", flags: str = "1b", **more: Any
) -> dict[str, Any]:
    details = {
        "start": "2026-10-01T02:00:04.500000+0200",
        "end": "2026-10-01T00:00:05.000000+0000",
        "state": state,
        "bytes_toserver": 352,
        "bytes_toclient": 434,
    }
    tcp = {"tcp_flags_tc": flags, "state": state}
    return event("flow", flow, server, port, at="00:01:00.000000", flow=details, tcp=tcp, **more)


def write(path: Path, *events: dict[str, Any], spaced: bool = False) -> Path:
    separators = (", ", ": ") if spaced else (",", ":")
    path.mkdir(exist_ok=True)
    (path / "eve.json").write_text("".join(json.dumps(one, separators=separators) + "\n" for one in events))
    return path


def alert(flow: int, server: str, payload: bytes, *, sid: int = 1596001, **more: Any) -> dict[str, Any]:
    rest = {"alert": {"signature_id": sid, "signature": "x"}, "payload": base64.b64encode(payload).decode()}
    return event("alert", flow, server, 43, **(rest | {"direction": "to_server"} | more))


@pytest.mark.parametrize("spaced", [False, True])
def test_a_port_43_flow_with_its_query(tmp_path: Path, spaced: bool) -> None:
    events = [alert(7, "192.0.32.59", b"domain example.com\r\n"), flow_event(7, "192.0.32.59", 43)]
    (lookup,) = read(write(tmp_path, *events, spaced=spaced)).lookups
    assert lookup.query is not None
    assert (lookup.detection, lookup.query.object) == (Detection.PORT43, "example.com")
    assert (lookup.uid, lookup.community_id, lookup.established) == ("7", "1:7", True)
    assert (lookup.duration, lookup.src_bytes, lookup.dst_bytes) == (500_000, 352, 434)
    assert lookup.ts % 60_000_000 == 4_500_000


def test_a_bulk_payload(tmp_path: Path) -> None:
    payload = b"begin\nverbose\n8.8.8.8\n1.1.1.1\nend\n"
    (lookup,) = read(write(tmp_path, alert(7, "216.31.12.15", payload))).lookups
    assert lookup.query is not None
    assert (lookup.query.kind, lookup.query.count) == (QueryKind.BULK, 2)


def test_a_damaged_payload_is_a_session_without_query(tmp_path: Path) -> None:
    (lookup,) = read(write(tmp_path, alert(7, "192.0.32.59", b"") | {"payload": "%%%"})).lookups
    assert lookup.query is None


@pytest.mark.parametrize(
    ("state", "flags", "established"), [("new", "14", False), ("closed", "14", False), ("closed", "1b", True)]
)
def test_a_refused_flow_is_not_established(tmp_path: Path, state: str, flags: str, established: bool) -> None:
    (lookup,) = read(write(tmp_path, flow_event(7, "192.0.32.59", 43, state=state, flags=flags))).lookups
    assert lookup.established is established


def test_whois_on_another_port_comes_from_the_answers_alert(tmp_path: Path) -> None:
    answer = alert(8, "198.108.0.18", b"route: 193.0.0.0/21\n", sid=1596020) | {
        "src_ip": "198.108.0.18",
        "src_port": 8043,
        "dest_ip": CLIENT,
        "dest_port": 40_008,
        "direction": "to_client",
        "flow": {
            "start": "2026-10-01T00:00:04.000000+0000",
            "src_ip": CLIENT,
            "src_port": 40_008,
            "dest_ip": "198.108.0.18",
            "dest_port": 8043,
        },
    }
    asked = {"flowvars": [{"whosasking_query": "193.0.0.0/21"}]}
    stray = flow_event(9, "198.51.100.7", 25, metadata=asked)  # the rule that keeps a line says nothing by itself
    (lookup,) = read(write(tmp_path, answer, flow_event(8, "198.108.0.18", 8043, metadata=asked), stray)).lookups
    assert lookup.query is not None
    assert (lookup.detection, lookup.dst_port, lookup.query.object) == (Detection.PORT43, 8043, "193.0.0.0/21")


def test_tls_by_server_name_with_its_client(tmp_path: Path) -> None:
    tls = {"sni": "rdap.arin.net", "version": "TLS 1.3", "ja3": {"hash": "0" * 32, "string": OPENSSL}}
    events = [event("tls", 3, "199.5.26.22", 443, tls=tls), flow_event(3, "199.5.26.22", 443, app_proto="tls")]
    (lookup,) = read(write(tmp_path, *events)).lookups
    assert (lookup.server, lookup.transport, lookup.service) == ("rdap.arin.net", "tls", "tls")
    assert (lookup.client.cls, lookup.client.ja3) == (ClientClass.TOOL, "0" * 32)
    assert lookup.ts % 60_000_000 == 4_500_000


@pytest.mark.parametrize(
    "answer",
    [
        {"version": 1, "type": "answer", "rrname": "rdap.arin.net", "rrtype": "A", "ttl": 300, "rdata": "199.5.26.22"},
        {
            "version": 2,
            "type": "answer",
            "rrname": "rdap.arin.net",
            "answers": [
                {"rrname": "rdap.arin.net", "rrtype": "CNAME", "ttl": 60, "rdata": "x.example"},
                {"rrname": "x.example", "rrtype": "A", "ttl": 300, "rdata": "199.5.26.22"},
            ],
        },
        {"version": 2, "type": "answer", "rrname": "rdap.arin.net", "grouped": {"A": ["199.5.26.22"]}},
        {
            "version": 3,
            "type": "response",
            "queries": [{"rrname": "rdap.arin.net", "rrtype": "A"}],
            "answers": [
                {"rrname": "rdap.arin.net", "rrtype": "A", "ttl": 300, "rdata": "199.5.26.22"},
                {"rrname": "x", "rrtype": "SOA", "ttl": 1, "soa": {}},
            ],
        },
    ],
    ids=["v1", "v2", "v2-grouped", "v3"],
)
def test_hidden_names_by_dns_answers_of_every_layout(tmp_path: Path, answer: dict[str, Any]) -> None:
    events = [
        event("dns", 1, "10.0.0.53", 53, at="00:00:01.000000", proto="UDP", dns=answer),
        event("tls", 3, "199.5.26.22", 443, tls={"version": "TLS 1.3"}),
        flow_event(3, "199.5.26.22", 443),
    ]
    (lookup,) = read(write(tmp_path, *events)).lookups
    assert (lookup.server, lookup.server_source, lookup.established) == ("rdap.arin.net", "dns", True)


def test_dns_queries_and_full_ipv6_spellings(tmp_path: Path) -> None:
    full = "2001:067c:02e8:0022:0000:0000:c100:0687"
    asked = {"version": 2, "type": "query", "rrname": "whois.ripe.net", "rrtype": "AAAA"}
    told = {
        "version": 2,
        "type": "answer",
        "rrname": "whois.ripe.net",
        "answers": [{"rrtype": "AAAA", "ttl": 9, "rdata": full}],
    }
    events = [
        event("dns", 1, "10.0.0.53", 53, at=f"00:00:0{second}.000000", dns=dns)
        for second, dns in ((1, asked), (2, told))
    ]
    (lookup,) = read(write(tmp_path, *events, flow_event(7, full, 43))).lookups
    assert (lookup.dst_ip, lookup.server) == ("2001:67c:2e8:22::c100:687", "whois.ripe.net")


@pytest.mark.parametrize(
    ("headers", "masquerade"),
    [
        ({"request_headers": [{"name": "Accept", "value": "*/*"}]}, True),
        ({"request_headers": [{"name": "Accept-Language", "value": "en"}]}, False),
        ({"accept": "*/*"}, True),
        ({}, False),
    ],
)
def test_a_browsers_name_without_a_browsers_headers_is_a_masquerade(
    tmp_path: Path, headers: dict[str, Any], masquerade: bool
) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
    http = {"hostname": "viewdns.info", "url": "/whois/?domain=example.com", "http_user_agent": agent} | headers
    (lookup,) = read(write(tmp_path, event("http", 3, "104.21.48.10", 80, http=http))).lookups
    assert bool(lookup.client.masquerade) is masquerade
    assert lookup.query is not None
    assert lookup.query.text == "/whois/?domain=example.com"


def test_escaped_slashes_do_not_hide_a_path(tmp_path: Path) -> None:
    http = {"hostname": "registry.example", "url": "/rdap/domain/example.org"}
    folder = write(tmp_path, event("http", 3, "198.51.100.7", 80, http=http))
    text = (folder / "eve.json").read_text()
    (folder / "eve.json").write_text(text.replace("/", "\\/"))
    assert [lookup.server for lookup in read(folder).lookups] == ["registry.example"]


def test_a_literal_with_a_slash_is_found_escaped_too() -> None:
    line = bytearray(b'{"url":"\\/Registry\\/x"}\n')
    assert Patterns([b"/registry/"]).names("eve").lines(line, len(line)) == [(0, len(line) - 1)]


def test_quic_by_server_name(tmp_path: Path) -> None:
    (lookup,) = read(write(tmp_path, event("quic", 3, "104.26.6.33", 443, proto="UDP", quic={"sni": "who.is"}))).lookups
    assert (lookup.transport, lookup.server) == ("quic", "who.is")


def test_wanted_flows_become_anchors(tmp_path: Path) -> None:
    wanted = Wanted(frozenset({("198.51.100.7", 443, CLIENT, 40_005)}))
    events = [flow_event(5, "198.51.100.7", 443), flow_event(6, "198.51.100.7", 443)]
    (anchor,) = read(write(tmp_path, *events), wanted=wanted).anchors
    assert (anchor.src_ip, anchor.src_port, anchor.ts % 60_000_000) == (CLIENT, 40_005, 4_500_000)


def test_broken_events_are_told_with_their_lines(tmp_path: Path) -> None:
    folder = write(tmp_path, flow_event(7, "192.0.32.59", 43), flow_event(8, "192.0.32.59", 43))
    lines = (folder / "eve.json").read_text().splitlines()
    bad = [lines[0][:80], json.dumps({"event_type": "flow", "timestamp": 5, "dest_port": 43}), "[]"]
    (folder / "eve.json").write_text("\n".join([lines[0], *bad, lines[1]]) + "\n")
    inputs, reading = read_both(folder)
    assert len(reading.lookups) == 2
    report = inputs.tallies[str(folder / "eve.json")].report()
    assert [skip.line for skip in report.skipped] == [2, 3, 4]
    assert all(skip.reason.startswith("not an EVE event") for skip in report.skipped)


def test_an_event_whose_flow_a_shipper_dropped_is_told(tmp_path: Path) -> None:
    bare = {name: value for name, value in flow_event(7, "192.0.32.59", 43).items() if name != "flow_id"}
    inputs, reading = read_both(write(tmp_path, bare))
    (told,) = next(iter(inputs.tallies.values())).report().skipped
    assert not reading.lookups
    assert (told.line, "without flow_id" in told.reason) == (1, True)


def test_an_optional_field_of_an_unexpected_shape_loses_no_lookup(tmp_path: Path) -> None:
    session = event("tls", 7, "199.71.0.46", 443, tls={"sni": "rdap.arin.net", "ja3": None})
    flow = flow_event(8, "192.0.32.59", 43, metadata={"flowvars": ["odd", {"gid": 7}]})
    lookups = read(write(tmp_path, session, flow)).lookups
    assert sorted(lookup.dst_ip or "" for lookup in lookups) == ["192.0.32.59", "199.71.0.46"]
