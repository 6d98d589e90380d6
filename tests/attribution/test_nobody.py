"""Reasons to name nobody, clocks that cannot be aligned, hosts that cannot be told apart, and damaged records."""

from __future__ import annotations

from typing import Any

import pytest

from attribution.scene import HERE, HOST, NoTools, Site, WhoisIsKnown, aligned, at, lookup, named, nobody, only, process
from whosasking import attribution
from whosasking.model import Attributed, Detection, EndpointReading, Lookup, Query, Unattributed

DAYS = 5.8 * 86400
WEB = {"detection": Detection.WEB, "transport": "tls", "dst_port": 443, "server": "rdap.arin.net"}


def test_a_record_without_a_process_names_nobody() -> None:
    site = aligned()
    site.socket(process("<unknown process>", 5320, key="{00000000-0000-0000-0000-000000000000}"), 0.0)
    assert nobody(site.attribute(lookup())).reason == "the endpoint recorded the connection, but not its process"


def test_no_edr_host() -> None:
    found = nobody(aligned().attribute(lookup(src_ip="10.0.0.99")))
    assert found.reason == "no endpoint records for host 10.0.0.99"
    assert nobody(attribution.attribute([lookup()], EndpointReading(), [])).reason == (
        f"no endpoint records for host {HERE}"
    )


def test_hosts_whose_records_were_all_passed_over() -> None:
    result = attribution.attribute([lookup()], EndpointReading(spans={"WS9": (0, 1)}), [])
    assert result.gaps == (f"no endpoint records for 1 of 1 clients that made lookups: {HERE}",)
    assert nobody(result).reason == f"no endpoint records for host {HERE}"


def test_a_nat_address_is_no_host_even_when_a_host_used_the_server_then() -> None:
    site = aligned()
    site.socket(process(), 0.0)
    result = site.attribute(lookup(src_ip="203.0.113.9", port=61000))
    assert nobody(result).reason == "no endpoint records for host 203.0.113.9"
    assert "no endpoint records for 1 of 1 clients that made lookups: 203.0.113.9" in result.gaps


def test_silent_edr_says_what_time_its_records_cover() -> None:
    found = nobody(aligned(DAYS).attribute(lookup(86400.0)))
    assert found.reason.startswith(f"endpoint records of {HOST} cover 2023-11-15T11:55:00")
    assert found.reason.endswith("not 2023-11-16T12:00:00.000000Z")


def test_a_session_never_established_may_not_be_logged() -> None:
    site = aligned()
    site.query(process("x.exe", 3), 100.0, "unrelated.example")
    found = nobody(site.attribute(lookup(established=False)))
    assert found.reason == "session never established; the endpoint may not log it"


def test_no_event_at_all() -> None:
    site = aligned()
    site.query(process("x.exe", 3), 100.0, "unrelated.example")
    assert nobody(site.attribute(lookup())).reason == f"no matching event in the records of {HOST}"
    assert nobody(site.attribute(lookup(src_ip=None))).reason == "the sensor recorded no client address"


def test_a_clock_one_connection_puts_hours_away_is_refused() -> None:
    site = Site(clock=-11 * 3600.0)
    site.socket(process(), 0.0)
    site.start(process(command_line="whois.exe", ended=at(9e4)), 11 * 3600 - 1.0)
    result = site.attribute(lookup(), known=WhoisIsKnown())
    found = nobody(result)
    assert found.reason == (
        f"clock of {HOST} cannot be aligned: one TCP connection alone was seen by both sides, 39600.000 s apart"
    )
    assert result.offsets[0].offset is None


def test_one_static_port_tuple_sets_no_offset() -> None:
    site = Site(clock=-11 * 3600.0)
    static = {"remote_ip": "10.0.0.255", "remote_port": 137, "protocol": "udp"}
    site.socket(process("System", 4), 0.0, 137, **static)
    seen = lookup(0.0, 137, dst_ip="10.0.0.255", dst_port=137, transport="quic")
    result = site.attribute(seen)
    assert isinstance(only(result), Unattributed)
    assert result.offsets[0].offset is None
    assert result.offsets[0].anchors == 0
    assert "no connection from an ephemeral port was seen by both sides" in result.offsets[0].reason


def test_a_fixed_port_above_1024_sets_no_offset_either() -> None:
    site = Site()
    mdns = {"remote_ip": "10.0.0.6", "remote_port": 5353, "protocol": "udp"}
    site.socket(process("mdns", 4), 1.0, 5353, **mdns)
    result = site.attribute(lookup(0.0, 5353, dst_ip="10.0.0.6", dst_port=5353, transport="quic"))
    assert result.offsets[0].anchors == 0


def test_a_port_fixed_at_both_ends_is_shared_so_only_the_same_instant_counts() -> None:
    site = aligned()
    mdns = {"remote_ip": "10.0.0.6", "remote_port": 5353, "protocol": "udp"}
    site.socket(process("msedge.exe", 4), 2.0, 5353, **mdns)
    asked = lookup(0.0, 5353, dst_ip="10.0.0.6", dst_port=5353, transport="quic")
    assert isinstance(only(site.attribute(asked)), Unattributed)
    site.socket(process("svchost.exe", 5), 0.001, 5353, **mdns)
    assert named(site.attribute(asked)).process.name == "svchost.exe"


def test_one_connection_at_nearly_the_same_time_is_taken_with_less_confidence() -> None:
    site = Site(clock=1.5)
    site.socket(process(), 0.0)
    result = site.attribute(lookup())
    assert named(result).confidence == 0.891
    assert "set by one TCP connection alone" in named(result).reason
    assert result.offsets[0].offset == -1_500_000


def test_a_product_without_sockets_is_read_with_equal_clocks_and_says_so() -> None:
    site = Site()
    site.start(process(command_line="whois one.example"), -1.0)
    asked = lookup(query=Query(text="one.example", object="one.example"))
    result = attribution.attribute([asked], site.reading(), [], {HOST: [HERE]}, NoTools())
    assert named(result).confidence == 0.665
    assert "taken as equal" in named(result).reason
    assert "taken as equal to the sensor's" in result.offsets[0].reason


def test_equal_clocks_that_were_only_assumed_reach_no_further_than_seconds() -> None:
    site = Site(clock=60.0)
    site.start(process(command_line="whois one.example", ended=at(600)), -100.0)
    asked = lookup(query=Query(text="one.example", object="one.example"))
    result = attribution.attribute([asked], site.reading(), [], {HOST: [HERE]}, NoTools())
    assert isinstance(only(result), Unattributed)


def test_a_product_without_local_ports_is_aligned_by_the_servers_it_recorded() -> None:
    site = Site(clock=DAYS)
    asked = []
    for index in range(4):
        server = f"199.7.59.{index}"
        site.socket(process(f"tool{index}", index), index * 50.0, None, remote_ip=server)
        asked.append(lookup(index * 50.0 + 0.002 * index, 50000 + index, dst_ip=server))
    result = site.attribute(*asked)
    assert [one.process.pid for one in result.attributions if isinstance(one, Attributed)] == [0, 1, 2, 3]
    assert result.offsets[0].anchors == 4
    few = site.attribute(*asked[:1])
    assert "cannot be aligned: one server alone was seen by both sides" in nobody(few).reason


def test_a_host_that_shares_its_address_is_ambiguous_unless_time_separates_them() -> None:
    one, two = aligned(), aligned(host="WS02.corp.example")
    one.start(process("tool.exe", 9, command_line="tool rdap.arin.net"), -1.0)
    two.query(process("x.exe", 3, host=two.host), 100.0, "unrelated.example")
    one.query(process("x.exe", 3), 100.0, "unrelated.example")
    result = one.attribute(lookup(**WEB), others=(two,))
    shared = f"several candidates: {HERE} is an address of {HOST} and WS02.corp.example"
    assert nobody(result).reason == shared
    assert shared in result.gaps
    later = Site(host="WS02.corp.example")
    later.query(process("x.exe", 3, host=later.host), 9e5, "unrelated.example")
    later.socket(process("x.exe", 3, host=later.host), 9e5, 52000)
    assert named(one.attribute(lookup(**WEB), others=(later,))).process.name == "tool.exe"


def test_two_clocks_on_one_host_are_kept_apart() -> None:
    site = aligned(DAYS)
    site.socket(process(started=at(-0.5), ended=at(1)), 0.0)
    site.clock = 0.0
    site.start(process(started=at(-0.5), ended=at(1)), -0.5)
    site.start(process("tool.exe", 9, command_line="tool rdap.arin.net"), 59.5)
    result = site.attribute(lookup(), lookup(60.0, 50001, **WEB))
    first, second = result.attributions
    assert isinstance(first, Attributed)
    assert isinstance(second, Attributed)
    assert second.process.name == "tool.exe"
    assert "0.500 s apart" in second.reason
    assert result.process_clocks == {(HOST.casefold(), "sysmon"): 0}
    assert "process events run on another clock" in result.offsets[0].reason


@pytest.mark.parametrize(
    "damage",
    [
        {"ts": 2**63 - 1},
        {"ts": -(2**63)},
        {"local_ip": "not an address", "remote_ip": "x" * 100},
        {"local_port": 70000, "remote_port": -1},
        {"protocol": "\ud800"},
    ],
    ids=str,
)
def test_damaged_records_never_fail_a_run(damage: dict[str, Any]) -> None:
    site = aligned()
    site.socket(process(), 0.0)
    site.socket(process("\ud800\0'; DROP TABLE socket", 9, command_line="\udfff\0" * 9), 0.0, 50009, **damage)
    site.start(process("\ud800", 10, command_line="[red]|<script>'\"\\\n" * 5000), 0.0)
    site.query(process("\ud800", 10), 0.0, "\udc00.example", "nonsense")
    asked = [
        lookup(),
        lookup(2**60, 50001),
        lookup(0, 50002, server="\ud800(", query=Query(text="", object="(\ud800)")),
    ]
    first, *_ = site.attribute(*asked).attributions
    assert isinstance(first, Attributed)


def test_result_has_one_attribution_a_lookup_in_their_order() -> None:
    site = aligned()
    for index in range(50):
        site.socket(process(pid=index), index * 3.0, 52000 + index)
    lookups: list[Lookup] = [lookup(index * 3.0, 52000 + index) for index in reversed(range(50))]
    found = site.attribute(*lookups).attributions
    assert [one.process.pid for one in found if isinstance(one, Attributed)] == list(reversed(range(50)))
