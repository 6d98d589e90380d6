"""The three detections from endpoint data alone, beyond what the seed query sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events
from endpoints.exports import csv_text, ndjson, read
from endpoints.test_defender import inspected, network, process
from whosasking import catalogue
from whosasking.endpoints import detections
from whosasking.model import Attributed, Detection, Lookup

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = catalogue.load()
RDAP = {"QueryName": "rdap.arin.net", "QueryResults": "::ffff:199.71.0.46;"}
TO_RDAP = {"DestinationIp": "199.71.0.46", "DestinationPort": "443"}
LATER = {"UtcTime": "2024-05-01 10:00:01.900"}


def sysmon(tmp_path: Path, *rows: tuple[int, dict[str, str]]) -> list[tuple[Lookup, Attributed]]:
    reading, _ = read(ndjson(tmp_path / "s.ndjson", [events.flat(number, fields) for number, fields in rows]))
    return detections.lookups(reading, KNOWN)


def defender(tmp_path: Path, *rows: dict[str, str]) -> list[tuple[Lookup, Attributed]]:
    (tmp_path / "d.csv").write_text(csv_text(list(rows)), "utf-8", newline="")
    return detections.lookups(read(tmp_path / "d.csv")[0], KNOWN)


def short(found: list[tuple[Lookup, Attributed]]) -> list[tuple[Any, ...]]:
    return [(x.detection, x.server, x.server_source, who.process.name) for x, who in found]


def test_the_story_gives_a_tool_start_and_a_port_43_lookup_named_by_dns(tmp_path: Path) -> None:
    tool, port43 = sysmon(tmp_path, *events.STORY)
    assert short([tool, port43]) == [
        (Detection.TOOL, None, None, "whois.exe"),
        (Detection.PORT43, "whois.iana.org", "dns", "whois.exe"),
    ]
    assert tool[0].query is not None
    assert tool[0].query.object == "example.com"
    assert (tool[0].dst_ip, tool[0].transport, tool[1].method) == (None, None, "endpoint record")
    lookup, who = port43
    assert (lookup.src_ip, lookup.src_port, lookup.dst_ip, lookup.dst_port, lookup.transport) == (
        "10.1.2.3",
        50123,
        "192.0.47.59",
        43,
        "tcp",
    )
    assert (who.record, who.confidence, lookup.sensor) == (f"{tmp_path / 's.ndjson'}:1", 1.0, "Sysmon")
    assert lookup.server_kind == "whois43"


def test_a_dns_answer_leads_to_a_web_lookup(tmp_path: Path) -> None:
    found = sysmon(tmp_path, (22, events.query(**RDAP)), (3, events.connection(**TO_RDAP)))
    assert short(found) == [(Detection.WEB, "rdap.arin.net", "dns", "whois.exe")]
    assert (found[0][0].transport, found[0][0].server_kind) == ("tls", "rdap")


def test_a_whois_server_on_a_port_of_its_own_speaks_whois(tmp_path: Path) -> None:
    radb = {"QueryName": "whois.radb.net", "QueryResults": "::ffff:198.108.0.18;"}
    for port, detection in (("8043", Detection.PORT43), ("443", Detection.WEB)):
        to_radb = events.connection(DestinationIp="198.108.0.18", DestinationPort=port)
        found = sysmon(tmp_path, (22, events.query(**radb)), (3, to_radb))
        assert short(found) == [(detection, "whois.radb.net", "dns", "whois.exe")]


@pytest.mark.parametrize(
    "change",
    [
        {"ProcessGuid": "{22222222-0000-0000-0000-000000000001}", "Image": "C:\\other.exe"},
        {"DestinationIp": "199.71.0.47"},
        {"UtcTime": "2024-05-01 09:59:00.000"},
        {"UtcTime": "2024-05-03 10:00:00.000"},
        {"Initiated": "false", "SourceIp": "199.71.0.46", "DestinationIp": "10.1.2.3"},
    ],
    ids=["another process", "another address", "before the answer", "days later", "inbound"],
)
def test_a_dns_answer_leads_nowhere_else(change: dict[str, str], tmp_path: Path) -> None:
    connection = events.connection(**(TO_RDAP | change))
    assert sysmon(tmp_path, (22, events.query(**RDAP)), (3, connection)) == []


def test_an_address_asked_for_again_under_another_name_is_that_name(tmp_path: Path) -> None:
    shared = (22, events.query(**(RDAP | {"QueryName": "cdn.example", "UtcTime": "2024-05-01 10:00:01.300"})))
    assert sysmon(tmp_path, (22, events.query(**RDAP)), shared, (3, events.connection(**TO_RDAP))) == []
    after = (22, events.query(**(RDAP | {"QueryName": "cdn.example"} | LATER)))
    assert len(sysmon(tmp_path, (22, events.query(**RDAP)), after, (3, events.connection(**TO_RDAP)))) == 1


def test_a_dns_query_that_no_connection_followed_is_no_lookup(tmp_path: Path) -> None:
    assert sysmon(tmp_path, (22, events.query(**RDAP))) == []


def test_a_destination_hostname_in_the_catalogue_is_a_web_lookup(tmp_path: Path) -> None:
    fields = events.connection(**TO_RDAP, DestinationHostname="rdap.db.ripe.net")
    assert short(sysmon(tmp_path, (3, fields))) == [(Detection.WEB, "rdap.db.ripe.net", "host", "whois.exe")]


def test_an_rdap_url_gives_the_query(tmp_path: Path) -> None:
    url = "https://rdap.verisign.com/com/v1/domain/example.com"
    ((lookup, _),) = defender(tmp_path, network(RemotePort="443", RemoteUrl=url))
    assert (lookup.server, lookup.server_source, lookup.transport) == ("rdap.verisign.com", "url", "tls")
    assert lookup.query is not None
    assert (lookup.query.object, lookup.query.kind) == ("example.com", "domain")


def test_a_shell_and_the_tool_it_runs_are_two_rows(tmp_path: Path) -> None:
    shell = process(FileName="bash", ProcessId="1", ProcessCommandLine='bash -c "whois x.example"')
    found = defender(tmp_path, shell, process(FileName="whois", ProcessCommandLine="whois x.example"))
    assert sorted(short(found)) == [
        (Detection.TOOL, None, None, "bash"),
        (Detection.TOOL, None, None, "whois"),
    ]


def test_browsers_and_private_destinations_are_kept_for_the_verdict(tmp_path: Path) -> None:
    browser = network(InitiatingProcessFileName="chrome.exe", RemotePort="443", RemoteUrl="https://who.is/")
    private = network(RemoteIP="10.9.9.9", RemoteIPType="Private", LocalPort="7")
    found = defender(tmp_path, browser, private)
    assert sorted((x.detection, x.dst_ip) for x, _ in found) == [
        (Detection.PORT43, "10.9.9.9"),
        (Detection.WEB, "192.0.47.59"),
    ]


def test_events_of_one_connection_are_one_lookup(tmp_path: Path) -> None:
    web = {"RemotePort": "443", "RemoteUrl": "rdap.arin.net"}
    rows = (network(ActionType="ConnectionAttempt", **web), network(**web), inspected(RemotePort="443"))
    found = defender(tmp_path, *rows)
    assert short(found) == [(Detection.WEB, "rdap.arin.net", "host", "whois.exe")]
    assert found[0][0].established is True


def test_a_lookup_nobody_owns_has_no_process_and_no_confidence(tmp_path: Path) -> None:
    ((lookup, who),) = defender(tmp_path, inspected(RemotePort="443"))
    assert (lookup.server, who.process.name, who.confidence) == ("rdap.arin.net", "", 0.0)


@pytest.mark.parametrize(
    "url", ["www.example.com", "https://www.example.com/news/whois-the-boss", "whoiselijah.com.au"]
)
def test_traps_are_no_lookups(url: str, tmp_path: Path) -> None:
    assert defender(tmp_path, network(RemotePort="443", RemoteUrl=url)) == []


def test_an_rdap_path_at_a_host_nobody_listed_is_a_web_lookup(tmp_path: Path) -> None:
    url = "http://registry.example/rdap/domain/example.com"
    ((lookup, _),) = defender(tmp_path, network(RemotePort="80", RemoteUrl=url))
    assert (lookup.detection, lookup.server, lookup.transport) == (Detection.WEB, "registry.example", "http")


def test_an_answer_logged_just_after_the_connection_still_counts(tmp_path: Path) -> None:
    late = events.query(**(RDAP | {"UtcTime": "2024-05-01 10:00:02.100"}))
    assert len(sysmon(tmp_path, (22, late), (3, events.connection(**TO_RDAP)))) == 1


def test_quic_is_told_from_tls(tmp_path: Path) -> None:
    found = sysmon(tmp_path, (22, events.query(**RDAP)), (3, events.connection(**TO_RDAP, Protocol="udp")))
    assert [lookup.transport for lookup, _ in found] == ["quic"]


@pytest.mark.parametrize(("port", "detections_"), [("43", [Detection.PORT43]), ("53", []), ("443", [Detection.WEB])])
def test_the_port_decides_between_the_branches(port: str, detections_: list[Detection], tmp_path: Path) -> None:
    to_rdap = events.connection(DestinationIp="199.71.0.46", DestinationPort=port)
    found = sysmon(tmp_path, (22, events.query(**RDAP)), (3, to_rdap))
    assert [lookup.detection for lookup, _ in found] == detections_


def test_a_dash_is_no_name(tmp_path: Path) -> None:
    ((lookup, _),) = defender(tmp_path, network(RemoteUrl="-"))
    assert (lookup.server, lookup.server_source) == (None, None)
