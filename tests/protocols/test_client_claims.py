"""What a ClientHello and a User-Agent say together: browser-like, tool, or a tool that pretends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.model import ClientClass
from whosasking.protocols import client, tls

KNOWN = catalogue.load()
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
SPIDERFOOT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:62.0) Gecko/20100101 Firefox/62.0"
BROWSER, TOOL, UNKNOWN = ClientClass.BROWSER, ClientClass.TOOL, ClientClass.UNKNOWN
COMMON = [0, 5, 10, 11, 13, 16, 23, 35, 43, 45, 51, 65281]
STACKS = {
    "Chromium": ([18, 27, 17613, 51764, 65037], BROWSER),
    "older Chromium": ([18, 27, 17513, 21], BROWSER),
    "Firefox": ([18, 27, 28, 34, 65037], BROWSER),
    "Safari": ([18, 27], BROWSER),
    "delegated credentials alone": ([34], BROWSER),
    "encrypted ClientHello alone": ([65037], BROWSER),
    "Firefox, plainest": ([18, 28], UNKNOWN),
    "OpenSSL": ([22, 49, 21], TOOL),
    "GnuTLS": ([22, 28], TOOL),
    "Java": ([17, 50], TOOL),
    "Go": ([18], TOOL),
    "Node": ([22, 49], TOOL),
}


def ja3(extensions):
    return f"771,4865-4866-255,{'-'.join(map(str, extensions))},29-23-24,0"


@pytest.mark.parametrize(("extra", "expected"), STACKS.values(), ids=STACKS.keys())
def test_the_stack_tells_the_class(extra, expected):
    found = tls.classify(ja3([*COMMON, *extra]))
    assert found.cls is expected
    assert found.evidence


@given(st.permutations([*COMMON, 18, 27, 17613, 51764, 65037]))
def test_the_order_of_extensions_does_not_matter(order):
    assert tls.classify(ja3(order)).cls is BROWSER


@given(
    st.one_of(st.text(max_size=60), st.from_regex(r"\d{1,3},[\d-]{0,20},[\d-]{0,40},[\d-]{0,9},\d?", fullmatch=True))
)
def test_no_ja3_string_breaks_it(text):
    assert tls.classify(text).cls in ClientClass


@given(st.lists(st.integers(0, 65535), max_size=30))
def test_extensions_survive_the_ja3_string(ids):
    assert tls.extensions(ja3(ids)) == tuple(ids)


@pytest.mark.parametrize(
    "text", ["", "771", "771,1,2,3", "771,1,x,3,4", "771,1,2,3,4,5", "e7d705a3286e19ea42f587b344ee6865", "7" * 9000]
)
def test_what_is_no_ja3_string_proves_nothing(text):
    assert tls.classify(text).cls is UNKNOWN


def test_ja4_alone_tells_known_stacks_whatever_its_last_part():
    assert tls.classify(ja4="t13d1516h2_8daaf6152771_02713d6af862").cls is BROWSER
    assert tls.classify(ja4="t13d1812h1_85036bcba153_b26ce05bbdd6").cls is TOOL
    assert tls.classify(ja4="t13d0000h2_000000000000_000000000000").cls is UNKNOWN
    assert tls.classify(ja3="e7d705a3286e19ea42f587b344ee6865").cls is UNKNOWN


def test_a_browsers_name_over_a_tools_stack_is_a_masquerade():
    found = tls.classify(ja3([*COMMON, 22, 49]), user_agent=CHROME)
    assert found.cls is TOOL
    assert "Chrome 156" in found.masquerade
    assert tls.classify(ja3([*COMMON, 18, 27, 65037]), user_agent=CHROME).masquerade is None
    assert client.combine(tls.classify(ja3([*COMMON, 27])), "curl/8.5.0", KNOWN).cls is TOOL


@pytest.mark.parametrize(
    ("ua", "facts", "cls", "masquerade"),
    [
        ("curl/8.5.0", {}, TOOL, False),
        ("my-own-script", {}, TOOL, False),
        ("", {}, TOOL, False),
        (None, {}, UNKNOWN, False),
        (None, {"accept_language": False}, TOOL, False),
        (CHROME, {}, UNKNOWN, False),
        (CHROME, {"accept_language": True}, BROWSER, False),
        (CHROME, {"accept_language": False}, TOOL, True),
        (CHROME, {"stacks_seen": {TOOL}}, TOOL, True),
        (CHROME, {"stacks_seen": {BROWSER}}, BROWSER, False),
        (CHROME, {"stacks_seen": {BROWSER, TOOL}}, UNKNOWN, False),
        (CHROME, {"stacks_seen": {UNKNOWN}}, UNKNOWN, False),
        (CHROME, {"stacks_seen": {TOOL}, "accept_language": True}, TOOL, True),
        (FIREFOX, {"accept_language": True, "stacks_seen": {BROWSER}}, BROWSER, False),
        (SPIDERFOOT, {}, TOOL, True),
        (SPIDERFOOT, {"stacks_seen": {BROWSER}}, BROWSER, False),
        ("Mozilla/5.0", {"accept_language": True}, TOOL, True),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", {}, TOOL, True),
        (CHROME.replace(" Safari/537.36", ""), {}, TOOL, True),
        (FIREFOX.replace("rv:153.0", "rv:140.0"), {}, TOOL, True),
        (FIREFOX.replace("Gecko/20100101 ", ""), {}, TOOL, True),
        ("Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)", {}, TOOL, False),
    ],
)
def test_a_clear_request_is_judged_by_what_else_is_known(ua, facts, cls, masquerade):
    found = client.judge_http(ua, KNOWN, **facts)
    assert (found.cls, found.masquerade is not None) == (cls, masquerade)


@pytest.mark.parametrize(
    ("ua", "claim"),
    [
        (CHROME, "Chrome 156"),
        (FIREFOX, "Firefox 153"),
        (f"{CHROME} Edg/156.0.0.0", "Edge 156"),
        (f"{CHROME} OPR/120.0.0.0", "Opera 120"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "Safari 18"),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer"),
        ("curl/8.5.0", None),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", None),
    ],
)
def test_the_claimed_browser_is_named(ua, claim):
    assert client.claimed_browser(ua) == claim


@pytest.mark.parametrize(
    "ua",
    [
        CHROME,
        FIREFOX,
        f"{CHROME} Edg/156.0.0.0",
        FIREFOX.replace("rv:153.0", "rv:109.0").replace("Firefox/153", "Firefox/115"),
        "Mozilla/5.0 (Android 14; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/130.0 Mobile/15E148 Safari/604.1",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)",
    ],
)
def test_real_browsers_have_no_flaw(ua):
    assert client.flaw(ua) is None


@given(st.text(), st.sets(st.sampled_from(list(ClientClass))), st.sampled_from([None, True, False]))
def test_no_user_agent_breaks_the_judge(ua, stacks, language):
    found = client.judge_http(ua, KNOWN, stacks_seen=stacks, accept_language=language)
    assert not (found.masquerade and found.cls is not TOOL)
