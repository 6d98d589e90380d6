"""Each rung of the ladder: what it needs to name a process, and what keeps it from it."""

from __future__ import annotations

from typing import Any

import communityid
import pytest

from attribution.scene import HERE, HOST, SERVER, Site, WhoisIsKnown, aligned, at, lookup, named, nobody, only, process
from whosasking import attribution
from whosasking.attribution import policy
from whosasking.model import (
    Attributed,
    Client,
    ClientClass,
    Detection,
    Query,
    Unattributed,
)

DAYS = 5.8 * 86400
WEB = {"detection": Detection.WEB, "transport": "tls", "dst_port": 443, "server": "rdap.arin.net"}


@pytest.mark.parametrize("clock", [0.0, -176.5, DAYS, -30 * 86400.0])
def test_the_exact_tuple_names_the_process_whatever_the_clock(clock: float) -> None:
    site = aligned(clock)
    record = site.socket(process(), 0.0)
    result = site.attribute(lookup(0.004))
    found = named(result)
    assert (found.process.name, found.method, found.confidence, found.record) == ("whois.exe", "5-tuple", 0.99, record)
    assert "sensor 2023-11-15T12:00:00.004000Z" in found.reason
    assert HOST in found.reason
    assert attribution.matched_records(result) == {record}
    (offset,) = result.offsets
    assert offset.offset is not None
    assert abs(offset.offset / 1e6 + clock) < 0.01
    assert offset.anchors == 6


def test_either_orientation_and_any_spelling_of_an_address_match() -> None:
    site = aligned()
    spelled = {"local_ip": "2001:DB8:0:0:0:0:0:5", "remote_ip": "2001:0db8::00ff"}
    site.socket(process(), 0.0, **spelled)
    turned = lookup(src_ip="2001:db8::ff", src_port=43, dst_ip="2001:db8:0::5", dst_port=50000)
    assert named(site.attribute(turned)).process.name == "whois.exe"
    site = aligned()
    site.socket(process(), 0.0, local_ip=f"::ffff:{HERE}", remote_ip=f"::ffff:{SERVER}")
    assert named(site.attribute(lookup())).method == "5-tuple"


def test_a_reused_tuple_goes_to_the_process_nearest_in_time() -> None:
    site = aligned(DAYS)
    site.socket(process("first.exe", 1), 0.0)
    site.socket(process("second.exe", 2), 7200.0)
    result = site.attribute(lookup(0.01), lookup(7200.01))
    assert [one.process.name for one in result.attributions if isinstance(one, Attributed)] == [
        "first.exe",
        "second.exe",
    ]


def test_a_reused_tuple_hours_away_is_no_match() -> None:
    site = aligned()
    site.socket(process(), 0.0)
    site.query(process("later.exe", 3), 9000.0, "unrelated.example")
    found = nobody(site.attribute(lookup(7200.0)))
    assert found.reason == "no matching event: same tuple, but 7200.000 s apart"
    assert [one.process.name for one in found.candidates] == ["whois.exe"]


def test_a_reused_pid_is_another_process() -> None:
    site = aligned()
    for seconds, who in ((0.0, "one"), (600.0, "two")):
        ours = process(key=who, command_line=f"whois {who}.example", started=at(seconds - 1), ended=at(seconds + 2))
        site.start(ours, seconds - 1)
        site.socket(process(key=who), seconds, 50000 + round(seconds))
    result = site.attribute(lookup(0.0), lookup(600.0, 50600))
    assert [one.process.command_line for one in result.attributions if isinstance(one, Attributed)] == [
        "whois one.example",
        "whois two.example",
    ]


def test_two_processes_on_one_tuple_at_once_are_said_not_resolved() -> None:
    site = aligned()
    site.socket(process("a.exe", 1), 0.0)
    site.socket(process("b.exe", 2), 0.1)
    found = nobody(site.attribute(lookup()))
    assert found.reason == "several candidates: 2 processes, by 5-tuple"
    assert {one.process.name for one in found.candidates} == {"a.exe", "b.exe"}


def test_two_products_that_saw_one_process_are_one_candidate() -> None:
    site, other = aligned(), Site(product="Defender")
    site.socket(process(key="guid"), 0.0)
    other.socket(process("WHOIS.EXE", key="device/100/created"), 0.05)
    assert named(site.attribute(lookup(), others=(other,))).process.key == "guid"


def test_a_later_request_on_a_kept_connection_is_the_same_process() -> None:
    site = aligned()
    site.socket(process("curl", 5), 0.0, remote_port=80)
    found = named(site.attribute(lookup(90.0, detection=Detection.WEB, transport="http", dst_port=80)))
    assert (found.process.name, found.confidence) == ("curl", 0.95)


def test_a_community_id_stands_in_for_a_missing_port() -> None:
    site = aligned()
    record = site.socket(process(), 0.0)
    known = communityid.CommunityID().calc(communityid.FlowTuple.make_tcp(SERVER, HERE, 43, 50000))
    found = named(site.attribute(lookup(port=None, community_id=known)))
    assert (found.method, found.record) == ("community id", record)


@pytest.mark.parametrize("port", [None, 0])
def test_without_a_local_port_the_one_process_near_in_time_is_taken(port: int | None) -> None:
    site = aligned()
    record = site.socket(process(), 0.5, port, local_ip="0.0.0.0")  # noqa: S104 - what such products write
    found = named(site.attribute(lookup()))
    assert (found.method, found.confidence, found.record) == ("3-tuple", policy.NO_LOCAL_PORT, record)


def test_without_a_local_port_several_processes_are_ambiguous_unless_one_alone_is_near() -> None:
    site = aligned()
    site.socket(process("a.exe", 1), 0.5, None)
    site.socket(process("b.exe", 2), 1.0, None)
    assert nobody(site.attribute(lookup())).reason == "several candidates: 2 processes, by server and port"
    site = aligned()
    site.socket(process("a.exe", 1), 0.5, None)
    site.socket(process("b.exe", 2), 20.0, None)
    found = named(site.attribute(lookup()))
    assert (found.process.name, found.confidence) == ("a.exe", 0.951)
    assert [one.process.name for one in found.candidates] == ["b.exe"]


def test_an_event_without_a_local_port_is_of_the_connection_nearest_to_it_alone() -> None:
    site = aligned()
    record = site.socket(process("a.exe", 1), 0.01, None)
    first, second = site.attribute(lookup(0.0), lookup(3.0, 50_001)).attributions
    assert isinstance(first, Attributed)
    assert first.record == record
    assert not isinstance(second, Attributed)


def test_connections_that_begin_together_share_an_event_without_a_local_port() -> None:
    site = aligned()
    site.socket(process("a.exe", 1), 0.01, None)
    assert all(isinstance(one, Attributed) for one in site.attribute(lookup(0.0), lookup(0.1, 50_001)).attributions)
    site.socket(process("b.exe", 2), 0.11, None)
    assert not any(isinstance(one, Attributed) for one in site.attribute(lookup(0.0), lookup(0.1, 50_001)).attributions)


def test_the_process_that_resolved_the_name_before() -> None:
    site = aligned(DAYS)
    site.query(process("python.exe", 9), -0.2, "RDAP.arin.net.", SERVER)
    found = named(site.attribute(lookup(**WEB)))
    assert (found.process.name, found.method, found.record) == ("python.exe", "dns event", None)
    assert "rdap.arin.net" in found.reason


@pytest.mark.parametrize(
    ("seconds", "name", "address"),
    [
        (-31.0, "rdap.arin.net", SERVER),
        (1.0, "rdap.arin.net", SERVER),
        (-0.2, "rdap.arin.net", "198.51.100.1"),
        (-0.2, "xrdap.arin.net", SERVER),
    ],
    ids=["too early", "after", "answer leads elsewhere", "another name"],
)
def test_a_dns_query_that_does_not_fit_names_nobody(seconds: float, name: str, address: str) -> None:
    site = aligned()
    site.query(process("python.exe", 9), seconds, name, address)
    site.query(process("python.exe", 9), 100.0, "unrelated.example")
    assert "no matching event" in nobody(site.attribute(lookup(**WEB))).reason


@pytest.mark.parametrize(
    "resolver",
    [
        process("svchost.exe", 4, command_line="svchost.exe -k NetworkService -p -s Dnscache"),
        process("svchost.exe", 4, command_line="svchost.exe -k NetworkService"),
        process("svchost.exe", 4),
        process("systemd-resolved", 4),
        process("mDNSResponder", 4),
    ],
    ids=lambda one: f"{one.name} {one.command_line}",
)
def test_the_systems_dns_client_is_never_the_process(resolver: Any) -> None:
    site = aligned()
    site.query(resolver, -0.2, "rdap.arin.net", SERVER)
    site.query(resolver, 50, "other.example")
    assert isinstance(only(site.attribute(lookup(**WEB))), Unattributed)
    site.query(process("pwsh.exe", 9), -0.3, "rdap.arin.net", SERVER)
    assert named(site.attribute(lookup(**WEB))).process.name == "pwsh.exe"


@pytest.mark.parametrize(
    ("command", "fits"),
    [
        ("powershell irm https://rdap.arin.net/registry/ip/1.2.3.4", True),
        ("curl RDAP.ARIN.NET:443", True),
        ("ping rdap.arin.net.", True),
        ("curl https://xrdap.arin.net/", False),
        ("curl https://rdap.arin.network/", False),
        ("curl https://old-rdap.arin.net/", False),
        ("curl https://rdap.arin.net.evil.example/", False),
    ],
)
def test_a_command_line_must_name_the_server_as_a_whole_word(command: str, fits: bool) -> None:
    site = aligned()
    site.start(process("tool.exe", 9, command_line=command), -1.0)
    site.start(process("other.exe", 10, command_line="other"), 100.0)
    one = only(site.attribute(lookup(**WEB)))
    assert isinstance(one, Attributed) == fits
    if isinstance(one, Attributed):
        assert (one.method, one.confidence) == ("command line", policy.NAMES_SERVER)


def test_of_two_tools_the_one_that_asked_for_this_object_is_taken() -> None:
    site = aligned()
    for pid, name in ((11, "one.example"), (12, "two.example")):
        site.start(process(pid=pid, command_line=f"whois -h whois.iana.org {name}"), -0.5)
    asked = lookup(server="whois.iana.org", query=Query(text="two.example", object="two.example"))
    assert named(site.attribute(asked, known=WhoisIsKnown())).process.pid == 12


def test_a_shell_gives_way_to_the_tool_it_started() -> None:
    site = aligned()
    shell = process("sh", 11, command_line='sh -c "whois one.example"')
    site.start(shell, -0.6)
    site.start(process("whois", 12, command_line="whois one.example", parent=shell), -0.5)
    asked = lookup(query=Query(text="one.example", object="one.example"))
    assert named(site.attribute(asked)).process.name == "whois"


def test_a_known_client_that_ran_then_is_the_one() -> None:
    site = aligned()
    site.start(process(command_line="whois.exe -f list.txt", ended=at(5)), -3.0)
    found = named(site.attribute(lookup(), known=WhoisIsKnown()))
    assert (found.method, found.confidence) == ("command line", policy.KNOWN_CLIENT)
    assert isinstance(only(site.attribute(lookup(20.0), known=WhoisIsKnown())), Unattributed)


def test_a_known_client_that_asked_for_something_else_is_not_taken() -> None:
    site = aligned()
    site.start(process(command_line="whois.exe other.example"), -1.0)
    asked = lookup(query=Query(text="one.example", object="one.example"))
    assert isinstance(only(site.attribute(asked, known=WhoisIsKnown())), Unattributed)


def test_a_browsers_session_is_not_given_to_a_whois_client_that_ran_then() -> None:
    site = aligned()
    site.start(process(), -1.0)
    browser = Client(cls=ClientClass.BROWSER)
    assert isinstance(only(site.attribute(lookup(client=browser), known=WhoisIsKnown())), Unattributed)


def test_a_sampled_product_names_the_process_that_used_the_server_before_and_after() -> None:
    site = aligned()
    poller = process("poller.exe", 9)
    site.socket(poller, -20.0, 50001)
    assert isinstance(only(site.attribute(lookup())), Unattributed)
    record = site.socket(poller, 10.0, 50002)
    found = named(site.attribute(lookup()))
    assert (found.process.name, found.method, found.confidence, found.record) == (
        "poller.exe",
        "3-tuple",
        policy.OTHER_CONNECTION,
        record,
    )
    site.socket(process("other.exe", 10), 30.0, 50003)
    assert "several candidates" in nobody(site.attribute(lookup())).reason


def test_a_weaker_rung_may_only_choose_among_a_stronger_rungs_candidates() -> None:
    site = aligned()
    site.socket(process("a.exe", 1), 0.0)
    site.socket(process("b.exe", 2), 0.1)
    site.start(process("c.exe", 3, command_line="c whois.iana.org"), -1.0)
    asked = lookup(server="whois.iana.org")
    assert "2 processes, by 5-tuple" in nobody(site.attribute(asked)).reason
    site.start(process("b.exe", 2, command_line="b whois.iana.org"), -1.0)
    site.starts = site.starts[1:]
    assert named(site.attribute(asked)).process.name == "b.exe"
