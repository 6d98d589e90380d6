"""KQL's `has`, held against a second implementation written the other way round: by splitting into terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.catalogue import seed_terms

KNOWN = catalogue.load()
NEEDLES = ["whois", "rdap.arin", "rdap.ripe", "whois.iana.org", "whois.verisign", "who.is", "arin.net"]
TEXTS = st.lists(st.sampled_from([*NEEDLES, "WHOIS", "x", "1", ".", "-", "_", "/", " ", "arin", "net", "é", "K"])).map(
    "".join
)


def has_by_splitting(text: str, needle: str) -> bool:
    """Walk every place where the needle stands and look at its neighbours."""
    folded = "".join(c.lower() if c.isascii() else c for c in text)
    start = folded.find(needle)
    while start >= 0:
        before, after = folded[start - 1 : start] if start else "", folded[start + len(needle) :][:1]
        if not before.isalnum() and not after.isalnum():
            return True
        start = folded.find(needle, start + 1)
    return False


@given(TEXTS, st.sampled_from(NEEDLES))
def test_has_agrees_with_the_definition(text, needle):
    assert seed_terms.has(text, needle) == has_by_splitting(text, needle)


@given(TEXTS)
def test_has_any_finds_one_exactly_when_has_finds_any(text):
    found = seed_terms.has_any(text, NEEDLES)
    assert (found is not None) == any(seed_terms.has(text, needle) for needle in NEEDLES)
    assert found is None or seed_terms.has(text, found)


@pytest.mark.parametrize(
    ("text", "needle", "expected"),
    [
        ("whois example.com", "whois", True),
        ("C:\\tools\\WHOIS.EXE", "whois", True),
        ("who_is whois_lookup", "whois", True),
        ("python whoisit.py", "whois", False),
        ("mywhois", "whois", False),
        ("curl https://rdap.arin.net/registry", "rdap.arin", True),
        ("curl https://rdap.arinx.net", "rdap.arin", False),
        ("xrdap.arin.net", "rdap.arin", False),
        ("rdap-arin", "rdap.arin", False),
        ("whois.verisign-grs.com", "whois.verisign", True),
        ("rdap.db.ripe.net", "rdap.ripe", False),
        ("", "whois", False),
        ("whois", "", False),
    ],
)
def test_terms_are_whole(text, needle, expected):
    assert seed_terms.has(text, needle) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.arin.net/about", True),
        ("foo-arin.net", True),
        ("https://example.com/?u=https://who.is/whois/x", True),
        ("https://notarin.net/", False),
        ("rdap.db.ripe.net", True),
        ("https://viewdns.information/", False),
        ("https://api.github.com/", False),
    ],
)
def test_the_seeds_domains_are_terms_anywhere_in_a_remote_url(url, expected):
    assert KNOWN.seed_host(url) is expected
