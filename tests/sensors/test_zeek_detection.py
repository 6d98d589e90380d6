"""What makes a Zeek session a lookup, and what does not. TSV and JSON must say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sensors.making import CLIENT, T, conn, dns, ends, http, read, ssl, write, write_json
from whosasking.model import ClientClass, Detection
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Writer = "Callable[..., Path]"


@pytest.fixture(params=[write, write_json], ids=["tsv", "json"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    return lambda **logs: request.param(tmp_path, **logs)


def test_port_43_is_a_lookup_named_by_the_dns_answer_of_the_same_client(log: Callable[..., Path]) -> None:
    reading = read(
        log(
            conn=[conn(1, "192.0.32.59", 43, second=2), conn(2, "192.0.32.59", 43, second=2, client="10.9.9.9")],
            dns=[dns(9, "whois.iana.org", ["192.0.32.59"], second=1)],
        )
    )
    mine, other = reading.lookups
    assert (mine.detection, mine.server, mine.server_source) == (Detection.PORT43, "whois.iana.org", "dns")
    assert (mine.transport, mine.src_port, mine.dst_port, mine.established) == ("tcp", 40_001, 43, True)
    assert (mine.duration, mine.src_bytes, mine.dst_bytes) == (250_000, 20, 483)
    assert other.server is None


def test_a_port_43_server_that_nobody_lists_is_named_too(log: Callable[..., Path]) -> None:
    reading = read(
        log(
            conn=[conn(1, "203.0.113.5", 43, second=2)],
            dns=[dns(9, "build.partner.example", ["cname.example", "203.0.113.5"], second=1)],
        )
    )
    assert [lookup.server for lookup in reading.lookups] == ["build.partner.example"]


def test_a_name_spelt_like_an_address_with_a_zone_breaks_nothing(log: Callable[..., Path]) -> None:
    """Whoever serves a name that says whois may answer with any bytes as its alias."""
    reading = read(
        log(
            conn=[conn(1, "203.0.113.5", 43, second=2)],
            dns=[dns(9, "whois.hostile.example", ["fe80::1%eth0", "203.0.113.5"], second=1)],
            ssl=[ssl(2, "fe80::2", "shop.example")],
        )
    )
    assert [lookup.server for lookup in reading.lookups] == ["whois.hostile.example"]


def test_udp_port_43_is_no_lookup(log: Callable[..., Path]) -> None:
    assert read(log(conn=[conn(1, "192.0.32.59", 43, proto="udp")])).lookups == []


@pytest.mark.parametrize(
    ("state", "established"),
    [("SF", True), ("RSTR", True), ("S0", False), ("REJ", False), ("SH", False), ("OTH", None)],
)
def test_the_connection_state_says_whether_it_was_established(
    log: Callable[..., Path], state: str, established: bool | None
) -> None:
    reading = read(log(conn=[conn(1, "192.0.32.59", 43, conn_state=state)]))
    assert reading.lookups[0].established is established


def test_another_protocol_on_port_43_is_told(log: Callable[..., Path]) -> None:
    session = {"version": 2, "auth_attempts": 0, "client": "SSH-2.0-x", "server": "SSH-2.0-y"}
    reading = read(
        log(
            conn=[conn(1, "203.0.113.5", 43, service="ssh"), conn(2, "203.0.113.6", 43)],
            ssh=[ends(2, "203.0.113.6", 43) | session, ends(3, "203.0.113.7", 22) | session],
        )
    )
    assert [lookup.service for lookup in reading.lookups] == ["ssh", "ssh"]


def test_a_server_name_is_a_lookup_and_its_connection_is_found(log: Callable[..., Path]) -> None:
    reading = read(
        log(
            ssl=[ssl(1, "199.5.26.22", "RDAP.Arin.NET", second=1.5), ssl(2, "198.51.100.7", "www.example.com")],
            conn=[conn(1, "199.5.26.22", 443, second=1.25, service="ssl"), conn(2, "198.51.100.7", 443)],
        )
    )
    (lookup,) = reading.lookups
    assert (lookup.detection, lookup.server, lookup.server_source) == (Detection.WEB, "rdap.arin.net", "sni")
    assert (lookup.transport, lookup.service, lookup.noise) == ("tls", "ssl", "low")
    assert lookup.ts % 1_000_000 == 250_000  # the connection's start, not the handshake's
    assert lookup.source is not None
    assert lookup.source.path.endswith("ssl.log")


@pytest.mark.parametrize("name", ["www.example.com", "whoiselijah.com.au", "cardapio.example", "notarin.net"])
def test_traps_are_no_lookups(log: Callable[..., Path], name: str) -> None:
    logs = {"ssl": [ssl(1, "198.51.100.7", name)], "http": [http(2, "198.51.100.7", name, "/news/whois-the-boss")]}
    assert read(log(**logs)).lookups == []


@pytest.mark.parametrize("name", [None, "cloudflare-ech.com", "199.5.26.22"])
def test_a_hidden_name_is_known_by_the_dns_answer_that_led_there(log: Callable[..., Path], name: str | None) -> None:
    reading = read(
        log(
            dns=[dns(9, "rdap.arin.net", ["199.5.26.22"], second=1)],
            ssl=[ssl(1, "199.5.26.22", name, second=2)],
            conn=[conn(1, "199.5.26.22", 443, second=2, service="ssl")],
        )
    )
    (lookup,) = reading.lookups
    assert (lookup.server, lookup.server_source, lookup.service) == ("rdap.arin.net", "dns", "ssl")


def test_an_address_alone_is_never_enough(log: Callable[..., Path]) -> None:
    answers = [dns(9, "rdap.arin.net", ["199.5.26.22"], second=1), dns(8, "shop.example", ["199.5.26.22"], second=60)]
    sessions = [
        ssl(1, "199.5.26.22", None, second=2, client="10.7.7.7"),  # another client asked for the name
        ssl(2, "199.5.26.22", "shop.example", second=2),  # the session shows a name
        ssl(3, "199.5.26.22", None, second=300 + 600 + 2),  # long after the answer ran out
        ssl(4, "199.5.26.22", None, second=61),  # a later answer gave the address to another name
        ssl(5, "199.5.26.22", None, second=0 - 5),  # before anybody asked
    ]
    assert read(log(dns=answers, ssl=sessions)).lookups == []


@pytest.mark.parametrize(("second", "found"), [(2, 1), (301 + 599, 1), (301 + 601, 0)])
def test_a_dns_answer_holds_for_its_ttl_and_some_grace(log: Callable[..., Path], second: int, found: int) -> None:
    answers = [dns(9, "rdap.arin.net", ["199.5.26.22"], second=1, ttl=300)]
    assert len(read(log(dns=answers, ssl=[ssl(1, "199.5.26.22", None, second=second)])).lookups) == found


def test_a_host_that_asks_over_ipv4_and_connects_over_ipv6_is_one_client(log: Callable[..., Path]) -> None:
    reading = read(
        log(
            dns=[dns(9, "whois.ripe.net", ["2001:67c:2e8:22::c100:687"], second=1)],
            conn=[conn(1, "2001:67c:2e8:22::c100:687", 43, second=1.5, client="2001:db8::17")],
        )
    )
    assert [lookup.server for lookup in reading.lookups] == ["whois.ripe.net"]


def test_quic_without_a_log_of_names_goes_by_the_dns_answer(log: Callable[..., Path]) -> None:
    reading = read(
        log(
            dns=[dns(9, "who.is", ["104.26.6.33"], second=1)],
            ssl=[ssl(3, "198.51.100.7", "www.example.com")],
            conn=[
                conn(1, "104.26.6.33", 443, second=2, proto="udp"),
                conn(2, "104.26.6.33", 443, second=2),  # ssl.log would have shown a name: it is not TLS at all
                conn(4, "104.26.6.33", 123, second=2, proto="udp"),
            ],
        )
    )
    assert [(lookup.uid, lookup.transport, lookup.server) for lookup in reading.lookups] == [
        ("C00001", "quic", "who.is")
    ]


def test_each_clear_request_is_a_lookup_at_its_own_time(log: Callable[..., Path]) -> None:
    requests = [
        http(1, "199.71.0.46", "whois.arin.net", "/rest/ip/8.8.8.8", "curl/8.14.1", second=1),
        http(1, "199.71.0.46", "whois.arin.net:80", "/rest/ip/9.9.9.9", "curl/8.14.1", second=2, depth=2),
    ]
    reading = read(log(http=requests, conn=[conn(1, "199.71.0.46", 80, second=0.5, service="http")]))
    assert [(one.ts % 60_000_000, one.query.object if one.query else None) for one in reading.lookups] == [
        (1_000_000, "8.8.8.8"),
        (2_000_000, "9.9.9.9"),
    ]
    assert {(one.server, one.service, one.client.cls) for one in reading.lookups} == {
        ("whois.arin.net", "http", ClientClass.TOOL)
    }


def test_paths_agents_and_proxies_make_lookups(log: Callable[..., Path]) -> None:
    requests = [
        http(1, "198.51.100.7", "registry.example", "/rdap/domain/example.org"),
        http(2, "198.51.100.7", "data.example", "/", "OpenRDAP v0.9.1"),
        http(3, "10.0.0.80", "proxy.corp.example", "http://rdap.org/domain/example.com", "curl/8"),
        http(4, "198.51.100.7", None, "/index.html", "curl/8"),
    ]
    servers = {lookup.uid: lookup.server for lookup in read(log(http=requests)).lookups}
    assert servers == {"C00001": "registry.example", "C00002": "data.example", "C00003": "rdap.org"}


def test_ja4_of_a_known_package_classes_the_client(log: Callable[..., Path]) -> None:
    hello = {"ja4": "t13d1516h2_8daaf6152771_02713d6af862"}
    reading = read(log(ssl=[ssl(1, "199.5.26.22", "rdap.arin.net") | hello, ssl(2, "199.5.26.22", "rdap.arin.net")]))
    assert [lookup.client.cls for lookup in reading.lookups] == [ClientClass.BROWSER, ClientClass.UNKNOWN]
    assert any("ClientHello" in note for note in reading.notes)


def test_wanted_tuples_become_anchors_in_either_orientation(log: Callable[..., Path]) -> None:
    wanted = Wanted(
        frozenset(
            {(CLIENT, 40_001, "198.51.100.7", 443), ("198.51.100.8", 443, CLIENT, 40_002), ("1.1.1.1", 1, "2.2.2.2", 2)}
        )
    )
    logs = log(
        conn=[
            conn(1, "198.51.100.7", 443),
            conn(2, "198.51.100.8", 443),
            conn(3, "198.51.100.9", 443),
            conn(4, "198.51.100.7", 443),
        ]
    )
    assert [anchor.uid for anchor in read(logs, wanted=wanted).anchors] == ["C00001", "C00002"]


def test_the_same_files_twice_are_the_same_lookups(log: Callable[..., Path], tmp_path: Path) -> None:
    once = log(conn=[conn(1, "192.0.32.59", 43)], ssl=[ssl(2, "199.5.26.22", "rdap.arin.net")])
    (tmp_path / "copy").mkdir()
    for file in list(once.glob("*.log")):
        (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
    assert len(read(tmp_path).lookups) == 2


def test_dhcp_leases_are_kept(tmp_path: Path) -> None:
    rows = [
        {
            "ts": f"{T}.5",
            "assigned_addr": "10.1.2.3",
            "mac": "02:00:00:00:00:01",
            "host_name": "ws7",
            "lease_time": "3600.0",
        },
        {"ts": f"{T}.5", "mac": "02:00:00:00:00:02"},
    ]
    write(tmp_path, dhcp=rows)
    (lease,) = read(tmp_path).leases
    assert (lease.ip, lease.host, lease.until - lease.ts) == ("10.1.2.3", "ws7", 3_600_000_000)


def test_what_logs_are_missing_is_said(log: Callable[..., Path]) -> None:
    notes = " ".join(read(log(conn=[conn(1, "192.0.32.59", 43)])).notes)
    assert "no ssl.log" in notes
    assert "no dns.log" in notes
    assert "no whois.log" in notes


@pytest.mark.parametrize("host", ["rdap.arin.net:443", None])
def test_a_tunnel_through_a_proxy_is_one_lookup(log: Callable[..., Path], host: str | None) -> None:
    connect = http(1, "10.0.0.9", host, "rdap.arin.net:443", "curl/8") | {"method": "CONNECT", "id.resp_p": 3128}
    (alone,) = read(log(http=[connect])).lookups
    assert (alone.server, alone.query, alone.transport) == ("rdap.arin.net", None, "http")
    (both,) = read(log(http=[connect], ssl=[ssl(1, "10.0.0.9", "rdap.arin.net", port=3128)])).lookups
    assert (both.server, both.transport) == ("rdap.arin.net", "tls")
