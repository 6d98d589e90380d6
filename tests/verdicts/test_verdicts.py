"""Every reason, the order they are tried in, and that nothing weak ever hides a lookup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdicts.judging import (
    CATALOGUE,
    FALSE_CLAIM,
    FIREFOX,
    LIKE_BROWSER,
    LIKE_TOOL,
    NOBODY,
    NOW,
    lookup,
    made_by,
    process,
)
from whosasking import config, verdicts
from whosasking.model import Attributed, Client, ClientClass, Detection, Outcome

PORT43, WEB, TOOL = Detection.PORT43, Detection.WEB, Detection.TOOL
ALLOW_ALL = config.parse(
    "allow:\n  - {role: analyst, owner: soc, reason: cases, until: 2026-12-31,"
    " detections: [WHOISProtocolPort43, WHOISWebAPIAccess, WHOISToolExecution]}\n"
)


def judge(item, attribution=NOBODY, settings=config.DEFAULTS, now=NOW):
    return verdicts.judge(item, attribution, CATALOGUE, settings, now)


def outcome(*args, **kwargs):
    verdict = judge(*args, **kwargs)
    return verdict.outcome.value, verdict.reason


@pytest.mark.parametrize(
    ("item", "attribution", "expected"),
    [
        (lookup(client=LIKE_TOOL), NOBODY, ("reported", "lookup by a tool")),
        (lookup(), NOBODY, ("reported", "lookup by an unknown client")),
        (lookup(client=LIKE_BROWSER), NOBODY, ("dropped", "browser-like (wire only)")),
        (lookup(client=FALSE_CLAIM), NOBODY, ("reported", "masquerading User-Agent")),
        (lookup(PORT43), NOBODY, ("reported", "lookup by an unknown client")),
        (lookup(PORT43, client=LIKE_TOOL), NOBODY, ("reported", "lookup by a tool")),
        (lookup(PORT43, client=LIKE_BROWSER), NOBODY, ("reported", "lookup by an unknown client")),
        (lookup(TOOL), NOBODY, ("reported", "tool execution")),
        (lookup(), made_by("curl"), ("reported", "lookup by a tool")),
        (lookup(PORT43), made_by("whois"), ("reported", "lookup by a tool")),
        (lookup(TOOL), made_by("whois"), ("reported", "tool execution")),
        (lookup(TOOL), made_by(**FIREFOX), ("reported", "tool execution")),
        (lookup(), made_by(**FIREFOX), ("dropped", "browser process")),
        (lookup(client=LIKE_BROWSER), made_by("firefox"), ("dropped", "browser process")),
        (lookup(PORT43), made_by(**FIREFOX), ("reported", "browser speaking WHOIS")),
        (lookup(), made_by(**FIREFOX, command_line="firefox --headless"), ("reported", "automated browser")),
        (lookup(), made_by("firefox", path="/home/eve/firefox"), ("reported", "browser name outside its install path")),
        (lookup(client=FALSE_CLAIM), made_by("python3"), ("reported", "masquerading User-Agent")),
        (lookup(client=LIKE_BROWSER), made_by("python3"), ("reported", "masquerading User-Agent")),
        (lookup(dst_ip="10.2.2.2", server="whois.corp.example"), NOBODY, ("dropped", "private destination")),
        (lookup(PORT43, dst_ip="10.2.2.2"), made_by("whois"), ("dropped", "private destination")),
        (lookup(PORT43, service="ssh"), NOBODY, ("dropped", "not WHOIS")),
    ],
)
def test_every_reason(item, attribution, expected):
    verdict = judge(item, attribution)
    assert (verdict.outcome.value, verdict.reason) == expected
    assert verdict.detail or attribution is NOBODY


def test_allowed_names_the_role_and_says_why_and_until_when():
    verdict = judge(lookup(), settings=ALLOW_ALL)
    assert (verdict.outcome, verdict.reason) == (Outcome.ALLOWED, "allowed by analyst")
    assert verdict.detail == "cases (until 2026-12-31, owner soc, line 2)"


def test_an_expired_rule_allows_nothing_and_is_told_on_the_lookup_it_covered():
    last = ALLOW_ALL.allow[0].until
    assert judge(lookup(), settings=ALLOW_ALL, now=last).outcome is Outcome.ALLOWED
    verdict = judge(lookup(), settings=ALLOW_ALL, now=last + 1)
    assert verdict.reason == "lookup by an unknown client"
    assert "the allow rule for analyst that covered it expired 2026-12-31" in verdict.detail


def test_a_rule_in_force_counts_after_an_expired_one():
    rule = "  - {{role: {}, reason: r, until: {}, detections: WHOISWebAPIAccess}}\n"
    settings = config.parse("allow:\n" + rule.format("old", "2020-01-01") + rule.format("new", "2030-01-01"))
    assert outcome(lookup(), settings=settings) == ("allowed", "allowed by new")


# The order: each pair holds two reasons to decide by, the first must win.


def test_out_of_scope_comes_before_everything():
    inside = lookup(PORT43, dst_ip="192.168.0.1", service="ssh")
    assert outcome(inside, settings=ALLOW_ALL) == ("dropped", "private destination")


def test_another_protocol_comes_before_an_allow_rule():
    assert outcome(lookup(PORT43, service="ssh"), settings=ALLOW_ALL) == ("dropped", "not WHOIS")


@pytest.mark.parametrize("attribution", [NOBODY, made_by(**FIREFOX), made_by("curl")])
def test_an_allow_rule_comes_before_process_and_wire(attribution):
    item = lookup(client=FALSE_CLAIM)
    assert outcome(item, attribution, ALLOW_ALL) == ("allowed", "allowed by analyst")
    assert outcome(lookup(TOOL), attribution, ALLOW_ALL) == ("allowed", "allowed by analyst")


def test_the_process_comes_before_the_wire():
    assert outcome(lookup(client=LIKE_TOOL), made_by(**FIREFOX)) == ("dropped", "browser process")


def test_an_automated_browser_in_the_wrong_place_is_told_with_both():
    verdict = judge(lookup(), made_by("firefox", path="/home/eve/firefox", command_line="firefox --headless"))
    assert verdict.reason == "automated browser"
    assert "--headless" in verdict.detail
    assert "/home/eve/firefox is not where this browser is installed" in verdict.detail


def test_masquerade_names_the_process_and_the_claim():
    verdict = judge(lookup(client=FALSE_CLAIM), made_by("python3"))
    assert "python3 (pid 7) on WS-1.corp.example" in verdict.detail
    assert "User-Agent says Firefox, the stack is OpenSSL" in verdict.detail


def test_a_browser_user_agent_of_a_program_that_is_none_is_a_masquerade():
    client = Client(user_agent="Mozilla/5.0 (X11)")
    assert outcome(lookup(client=client), made_by("python3")) == ("reported", "masquerading User-Agent")
    client = Client(cls=ClientClass.TOOL, user_agent="curl/8.0")
    assert outcome(lookup(client=client), made_by("python3")) == ("reported", "lookup by a tool")


def test_a_browsers_name_alone_is_not_believed_against_the_wire():
    renamed = made_by("chrome.exe")
    assert outcome(lookup(client=LIKE_TOOL), renamed) == ("reported", "lookup by a tool")
    assert outcome(lookup(client=FALSE_CLAIM), renamed) == ("reported", "masquerading User-Agent")
    assert "its path is not known" in judge(lookup(), renamed).detail


# A weak guess


@pytest.mark.parametrize(("confidence", "reason"), [(0.5, "browser process"), (0.49, "lookup by an unknown client")])
def test_a_browser_by_guess_hides_nothing(confidence, reason):
    verdict = judge(lookup(), made_by(**FIREFOX, confidence=confidence))
    assert verdict.reason == reason
    assert ("only a guess (confidence 0.49) and was not used" in verdict.detail) is (confidence < 0.5)


def test_a_guess_may_raise_what_the_wire_would_drop():
    assert outcome(lookup(client=LIKE_BROWSER), made_by("python3", 0.3)) == ("reported", "masquerading User-Agent")
    assert "a guess (confidence 0.30)" in judge(lookup(), made_by("python3", 0.3)).detail


def test_a_guessed_process_is_not_allowed():
    settings = config.parse("allow:\n  - {role: a, reason: b, until: 2030-01-01, processes: curl}\n")
    assert outcome(lookup(), made_by("curl", 0.5), settings) == ("allowed", "allowed by a")
    assert outcome(lookup(), made_by("curl", 0.49), settings) == ("reported", "lookup by a tool")


@given(
    detection=st.sampled_from([PORT43, WEB, TOOL]),
    client=st.sampled_from([Client(), LIKE_TOOL, FALSE_CLAIM]),
    name=st.sampled_from(["firefox", "chrome.exe", "curl"]),
    path=st.sampled_from([None, "/usr/lib/firefox/firefox", "/home/eve/x"]),
    confidence=st.floats(0, 0.499),
)
def test_no_guess_drops_what_the_wire_reports(detection, client, name, path, confidence):
    guess = Attributed(process=process(name, path=path), method="command line", confidence=confidence, reason="")
    assert judge(lookup(detection, client=client), guess).outcome is Outcome.REPORTED


@given(
    client=st.sampled_from([Client(), LIKE_TOOL, LIKE_BROWSER, FALSE_CLAIM]),
    attribution=st.sampled_from([NOBODY, made_by(**FIREFOX), made_by("chrome.exe"), made_by("whois", 0.2)]),
    browser_like=st.booleans(),
)
def test_no_browser_drops_port_43(client, attribution, browser_like):
    settings = config.Settings(report_browser_like=browser_like)
    assert judge(lookup(PORT43, client=client), attribution, settings).outcome is Outcome.REPORTED


def test_configuration_reports_the_browser_like():
    settings = config.Settings(report_browser_like=True)
    verdict = judge(lookup(client=LIKE_BROWSER), settings=settings)
    assert (verdict.outcome, verdict.reason) == (Outcome.REPORTED, "lookup by an unknown client")
    assert "report_browser_like is set: compress_certificate (27)" in verdict.detail
    assert outcome(lookup(client=LIKE_BROWSER), made_by(**FIREFOX), settings) == ("dropped", "browser process")


def test_benign_software_is_shown_and_hides_nothing():
    banned = made_by("whois", parent=process("fail2ban-server"))
    verdict = judge(lookup(PORT43), banned)
    assert verdict.outcome is Outcome.REPORTED
    assert "possibly fail2ban" in verdict.detail


def test_a_connection_without_its_process_is_judged_by_the_wire():
    nobody = made_by("")
    verdict = judge(lookup(), nobody)
    assert verdict.reason == "lookup by an unknown client"
    assert "WS-1.corp.example recorded the connection but not its process" in verdict.detail
    assert outcome(lookup(client=LIKE_BROWSER), nobody) == ("dropped", "browser-like (wire only)")
    settings = config.parse("allow:\n  - {role: a, reason: b, until: 2030-01-01, processes: '*'}\n")
    assert judge(lookup(), nobody, settings).outcome is Outcome.REPORTED


# Destinations


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.1.1", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("192.0.2.1", "224.0.0.251", "240.0.0.1", "255.255.255.255", "fe80::1%eth0", "fd00::1", "::1", "::"),
        *("ff02::1", "fec0::1", "2001:db8::1", "::ffff:10.0.0.1"),
    ],
)
def test_private_and_reserved_destinations_are_out_of_scope(address):
    assert outcome(lookup(PORT43, dst_ip=address)) == ("dropped", "private destination")


@pytest.mark.parametrize("address", ["199.5.26.46", "2001:500:13::46", "::ffff:199.5.26.46", None, "", "no address"])
def test_public_and_unknown_destinations_are_in_scope(address):
    assert judge(lookup(PORT43, dst_ip=address)).outcome is Outcome.REPORTED


def test_own_networks_are_inside():
    settings = config.parse("own_networks: [199.5.26.0/24, '2001:500::/32']\n")
    assert outcome(lookup(PORT43, dst_ip="199.5.26.46"), settings=settings) == ("dropped", "private destination")
    assert outcome(lookup(PORT43, dst_ip="2001:500:13::46"), settings=settings) == ("dropped", "private destination")
    assert judge(lookup(PORT43, dst_ip="199.5.27.46"), settings=settings).outcome is Outcome.REPORTED


@pytest.mark.parametrize("server", ["rdap.registry.example", "www.rir.example"])
@pytest.mark.parametrize("transport", ["tls", "http", None])
def test_a_listed_name_at_a_private_address_is_a_proxy(server, transport):
    verdict = judge(lookup(dst_ip="10.0.0.8", server=server, transport=transport, client=LIKE_TOOL))
    assert verdict.reason == "lookup by a tool"
    assert f"{server} at the inside address 10.0.0.8: a forward proxy or split DNS" in verdict.detail


@pytest.mark.parametrize("server", ["whois.corp.example", "intranet.example", None])
def test_an_unlisted_name_at_a_private_address_is_internal(server):
    assert outcome(lookup(dst_ip="10.0.0.8", server=server)) == ("dropped", "private destination")


def test_a_listed_name_does_not_save_port_43_and_a_tool_start_has_no_destination():
    item = lookup(PORT43, dst_ip="10.0.0.8", server="rdap.registry.example")
    assert outcome(item) == ("dropped", "private destination")
    assert outcome(lookup(TOOL, dst_ip="10.0.0.8")) == ("reported", "tool execution")


# Port 43


@pytest.mark.parametrize("service", ["ssh", "http", "SSL", "ftp", "smtp", "ssl,http", "tls", "-whois,ssh"])
def test_another_protocol_on_port_43(service):
    verdict = judge(lookup(PORT43, service=service))
    assert verdict.reason == "not WHOIS"
    assert verdict.detail.startswith("the session on port 43 is ")


@pytest.mark.parametrize(
    "service", [None, "", "-", "whois", "finger", "Whois-DAS", "spicy_whois", "failed", "unknown", "-ssl", "whois,http"]
)
def test_whois_and_nothing_recognised_stay(service):
    assert judge(lookup(PORT43, service=service)).outcome is Outcome.REPORTED


def test_the_service_of_a_web_lookup_is_not_asked():
    assert judge(lookup(service="ssl")).outcome is Outcome.REPORTED


def test_a_public_address_of_our_own_is_not_called_private():
    settings = config.parse("own_networks: [9.9.9.0/24]\n")
    given = verdicts.judge(lookup(Detection.PORT43), NOBODY, CATALOGUE, settings, NOW)
    assert given.detail == "9.9.9.9 is in own_networks (9.9.9.0/24)"
