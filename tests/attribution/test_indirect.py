"""The lower rungs: through the resolver, a proxy, address translation, and what ClientHellos taught."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from attribution.scene import HERE, HOST, NoTools, Site, aligned, at, lookup, named, nobody, process
from whosasking import attribution
from whosasking.attribution import policy
from whosasking.leases import Lease
from whosasking.model import Attributed, Client, Detection, Lookup

PUBLIC = "93.184.215.14"
RDAP = "199.212.0.160"


def web(seconds: float = 0.0, port: int | None = 50_000, **more: Any) -> Lookup:
    values = {
        "detection": Detection.WEB,
        "dst_ip": RDAP,
        "dst_port": 443,
        "transport": "tls",
        "server": "rdap.arin.net",
    }
    return lookup(seconds, port, **values | more)


def resolved(site: Site, seconds: float) -> None:
    site.query(process("systemd-resolved", 3), seconds, "rdap.arin.net", RDAP)


def test_the_process_that_asked_the_resolver_is_named() -> None:
    site = aligned()
    site.socket(process("recon", 9), -0.5, None, remote_ip="127.0.0.53", remote_port=53, protocol="udp")
    resolved(site, -0.4)
    one = named(site.attribute(web()))
    assert (one.process.name, one.method, one.confidence) == ("recon", "dns event", policy.VIA_RESOLVER)
    assert "via DNS client" in one.reason


def test_two_that_asked_the_resolver_are_not_told_apart() -> None:
    site = aligned()
    for pid in (9, 10):
        site.socket(process("recon", pid), -0.5, None, remote_ip="127.0.0.53", remote_port=53, protocol="udp")
    resolved(site, -0.4)
    assert nobody(site.attribute(web())).kind == "several candidates: the evidence fits several processes"


def test_a_question_to_the_resolver_long_before_its_own_names_nobody() -> None:
    site = aligned()
    site.socket(process("recon", 9), -9.0, None, remote_ip="127.0.0.53", remote_port=53, protocol="udp")
    resolved(site, -0.4)
    assert not isinstance(site.attribute(web()).attributions[0], Attributed)


def test_through_a_proxy_the_servers_name_tells() -> None:
    """The sensor stands behind the proxy: its client is the proxy, to which an endpoint spoke about that server."""
    site = aligned()
    site.socket(
        process("recon", 9),
        -0.2,
        50_001,
        remote_ip="10.0.0.80",
        remote_port=3128,
        remote_name="https://rdap.arin.net/ip/",
    )
    site.socket(process("mail", 8), -0.1, 50_002, remote_ip="10.0.0.80", remote_port=3128, remote_name="mail.example")
    one = named(site.attribute(web(src_ip="10.0.0.80", port=40_000)))
    assert (one.process.name, one.method, one.confidence) == ("recon", "proxy", policy.THROUGH_PROXY)


def test_a_proxy_used_by_two_for_one_name_names_nobody() -> None:
    site = aligned()
    for pid in (9, 10):
        site.socket(process("recon", pid), -0.2, 50_000 + pid, remote_ip="10.0.0.80", remote_port=3128,
                    remote_name="rdap.arin.net")  # fmt: skip
    assert nobody(site.attribute(web(src_ip="10.0.0.80", port=40_000))).candidates


def test_behind_translation_the_only_one_there_is_likely_and_never_certain() -> None:
    site = aligned()
    site.socket(process(), 0.0)
    one = named(site.attribute(lookup(src_ip=PUBLIC, port=61_000)))
    assert (one.process.name, one.method, one.confidence) == ("whois.exe", "nat", policy.TRANSLATED)
    kept = named(site.attribute(lookup(src_ip=PUBLIC)))
    assert kept.confidence == policy.PORT_KEPT
    assert "from the same client port" in kept.reason


def test_an_event_whose_own_connection_was_seen_went_through_no_translator() -> None:
    site = aligned()
    site.socket(process(), 0.0)
    behind, own = site.attribute(lookup(0.1, 61_000, src_ip=PUBLIC), lookup(0.0)).attributions
    assert isinstance(own, Attributed)
    assert not isinstance(behind, Attributed)


def test_behind_translation_two_hosts_are_ambiguous() -> None:
    site, other = aligned(), aligned(host="WS02")
    site.socket(process(), 0.0)
    other.socket(process(host="WS02"), 0.3, 50_009, local_ip="10.0.0.6")
    assert nobody(site.attribute(lookup(src_ip=PUBLIC, port=61_000), others=(other,))).candidates


@pytest.mark.parametrize("src", ["10.0.0.99", "192.168.7.7"])
def test_an_inside_address_without_edr_is_no_translator(src: str) -> None:
    site = aligned()
    site.socket(process(), 0.0)
    assert nobody(site.attribute(lookup(src_ip=src, port=61_000))).kind == "no endpoint records for the host"


def hello(seconds: float, port: int, ja3: str = "a" * 32, **more: Any) -> Lookup:
    return web(seconds, port, client=Client(ja3=ja3), **more)


def test_a_client_hello_that_exact_matches_taught_names_the_program() -> None:
    site = aligned()
    curl = process("curl", 40)
    for number in range(3):
        site.socket(curl, number * 5.0, 52_000 + number, remote_ip=RDAP, remote_port=443)
    seen = [hello(number * 5.0, 52_000 + number) for number in range(3)]
    result = site.attribute(*seen, hello(20.0, 53_000, dst_ip="199.5.26.46", server="rdap.apnic.net"))
    last = result.attributions[-1]
    assert isinstance(last, Attributed)
    assert (last.process.name, last.method, last.confidence) == ("curl", "client hello", policy.HELLO_OF_HOST)


def test_a_client_hello_of_two_programs_teaches_nothing() -> None:
    """Only one of them is at work around the lookup; the other used it before."""
    site = aligned()
    for number in range(6):
        early = number % 2
        who = process("wget", 41) if early else process("curl", 40)
        site.socket(who, number * 5.0 - early * 200, 52_000 + number, remote_ip=RDAP, remote_port=443)
    seen = [hello(number * 5.0 - number % 2 * 200, 52_000 + number) for number in range(6)]
    result = site.attribute(*seen, hello(31.0, 53_000, dst_ip="199.5.26.46", server="rdap.apnic.net"))
    assert all(isinstance(one, Attributed) for one in result.attributions[:-1])
    assert not isinstance(result.attributions[-1], Attributed)


def test_what_each_rung_said_is_kept() -> None:
    site = aligned()
    resolved(site, -0.4)
    site.query(process("recon", 9), -0.3, "rdap.arin.net", RDAP)
    steps = [(step.rung, step.outcome) for step in named(site.attribute(web())).ladder]
    assert steps == [
        ("5-tuple", "no matching event"),
        ("server and port", "no matching event"),
        ("resolved name", "chose recon (9)"),
    ]


def lease(since: float, until: float, host: str | None, mac: str, ip: str = HERE) -> Lease:
    return Lease(ts=at(since), until=at(until), ip=ip, mac=mac, host=host)


def shared(leases: list[Lease], *lookups: Lookup) -> attribution.Result:
    """Two hosts that had one address, one after the other; both resolved the server's name all the time."""
    first, second = aligned(), aligned(host="WS02.corp.example")
    for site in (first, second):
        site.query(process("recon", 9, host=site.host), -0.4, "rdap.arin.net", RDAP)
    anchors = [*first.anchors, *second.anchors]
    return attribution.attribute(lookups, first.reading(second), anchors, known=NoTools(), leases=leases)


def test_a_dhcp_lease_tells_whose_the_address_was() -> None:
    leases = [lease(-9000, -10, HOST, "aa"), lease(-5, 9000, "ws02", "bb")]
    (one,) = shared(leases, web()).attributions
    assert isinstance(one, Attributed)
    assert one.process.host == "WS02.corp.example"
    (none,) = shared([], web()).attributions
    assert none.reason.startswith(f"several candidates: {HERE} is an address of")


def test_a_renewal_without_a_name_is_known_by_its_mac() -> None:
    leases = [lease(-9000, -8000, HOST, "aa", "10.0.0.44"), lease(-5, 9000, None, "aa")]
    (one,) = shared(leases, web()).attributions
    assert isinstance(one, Attributed)
    assert one.process.host == HOST


def test_an_address_leased_to_a_machine_without_edr_names_nobody() -> None:
    site = aligned()
    site.query(process("recon", 9), -0.4, "rdap.arin.net", RDAP)
    leases = [lease(-5, 9000, "printer", "cc")]
    result = attribution.attribute([web()], site.reading(), site.anchors, known=NoTools(), leases=leases)
    assert nobody(result).reason == f"no endpoint records for printer, which had {HERE} by its DHCP lease"


def test_runs_of_events_tell_whose_a_contested_address_was() -> None:
    first, second = Site(), Site(host="WS02")
    first.traffic(*range(51_000, 51_010), every=20.0)
    second.traffic(*range(52_000, 52_010), every=20.0)
    second.sockets = [replace(one, ts=one.ts + 4_000_000_000) for one in second.sockets]
    second.anchors = [replace(one, ts=one.ts + 4_000_000_000) for one in second.anchors]
    for site, seconds in ((first, -200.0), (second, 3_800.0)):
        site.query(process("recon", 9, host=site.host), seconds - 0.4, "rdap.arin.net", RDAP)
    result = first.attribute(web(-200.0), web(3_800.0, 50_001), others=(second,))
    assert [one.process.host for one in result.attributions] == [HOST, "WS02"]  # type: ignore[union-attr]


def test_silence_is_said_with_its_bounds() -> None:
    site = Site()
    site.traffic(*range(51_000, 51_030), every=60.0)
    late = Site()
    late.traffic(*range(52_000, 52_030), every=60.0)
    move = 4 * 3600 * 1_000_000
    site.sockets += [replace(one, ts=one.ts + move) for one in late.sockets]
    site.anchors += [replace(one, ts=one.ts + move) for one in late.anchors]
    one = nobody(site.attribute(lookup(2 * 3600.0)))
    assert one.kind == "EDR silent then"
    assert one.reason.startswith(f"EDR silent then: {HOST} recorded nothing from 2023-11-15T12:2")
    assert nobody(site.attribute(lookup(100.0))).kind == "no matching event"
