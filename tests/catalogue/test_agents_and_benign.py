"""User-Agents that are known, and software that looks things up for good reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.model import Process

KNOWN = catalogue.load()


@pytest.mark.parametrize(
    ("ua", "name", "kind"),
    [
        ("OpenRDAP v0.9.1", "OpenRDAP", "rdap"),
        ("icann_rdap client 0.0.22 CLI", "icann-rdap", "rdap"),
        ("whoisit/4.1.0", "whoisit", "rdap"),
        ("NicInfo v.1.5.2", "NicInfo", "rdap"),
        ("20C-rdap/1.7.0 python-requests/2.32.3", "20C rdap", "rdap"),
        ("my-rdap-client/1.0", "RDAP client", "rdap"),
        ("theHarvester/5.0.0 (+https://github.com/laramies/theHarvester)", "theHarvester", "recon"),
        ("Recon-ng/v5", "recon-ng", "recon"),
        ("curl/8.5.0", "curl", "http"),
        ("Python-urllib/3.11", "Python urllib", "library"),
        ("Go-http-client/1.1", "Go net/http", "library"),
        ("Java-http-client/17.0.13", "Java", "library"),
        ("node", "Node fetch", "library"),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1", "PowerShell", "http"),
    ],
)
def test_tools_name_themselves(ua, name, kind):
    tool = KNOWN.user_agent(ua)
    assert (tool.name, tool.kind) == (name, kind)
    assert not KNOWN.claims_browser(ua)


@pytest.mark.parametrize(
    "ua",
    [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0",
        "Opera/9.80 (X11) Presto/2.12",
    ],
)
def test_browsers_claim_to_be_one(ua):
    assert KNOWN.user_agent(ua) is None
    assert KNOWN.claims_browser(ua)


def test_a_browsers_fixed_user_agent_is_known_by_the_tool_that_sends_it():
    ua = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:62.0) Gecko/20100101 Firefox/62.0"
    assert KNOWN.user_agent(ua).name == "SpiderFoot"
    assert KNOWN.claims_browser(ua)


def test_no_browsers_user_agent_marks_a_lookup_by_itself():
    """An old Firefox on Ubuntu is what ipwhois sends, and what people had."""
    ua = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
    assert KNOWN.user_agent(ua).kind not in {"whois", "rdap"}


@pytest.mark.parametrize(
    "ua",
    ["", "cardapio/2.1", "Whoiselijah/1.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"],
)
def test_others_are_not_known(ua):
    assert KNOWN.user_agent(ua) is None
    assert not KNOWN.claims_browser(ua)


@given(st.text())
def test_no_user_agent_breaks_it(ua):
    KNOWN.user_agent(ua)
    KNOWN.claims_browser(ua)


def process(name, line=None, parent=None):
    return Process(host="h", key=name, name=name, command_line=line, parent=parent)


def test_benign_software_is_found_above_a_process():
    shell = process(
        "sh", "sh -c whois 192.0.2.1", process("fail2ban-server", "/usr/bin/python3 /usr/bin/fail2ban-server -xf start")
    )
    assert KNOWN.benign(process("whois", "whois 192.0.2.1", shell)).startswith("fail2ban")
    assert KNOWN.benign(process("AdGuardHome")).startswith("AdGuard Home")
    assert KNOWN.benign(process("whois", "whois x", process("bash", "bash"))) is None


def test_a_circle_of_parents_ends():
    chain = process("p0")
    for number in range(1, 100):
        chain = process(f"p{number}", parent=chain)
    assert KNOWN.benign(chain) is None
