"""Completeness of the sieve: whatever the catalogue takes, a literal is in the line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.catalogue import compiled

KNOWN = catalogue.load()
LITERALS = KNOWN.sieve_literals()
NAMES = [fact.name for fact in compiled.read().hosts]
PIECES = st.sampled_from(
    [
        "who",
        "is",
        "whois",
        "rdap",
        "RDAP",
        ".",
        "-",
        "/",
        "?",
        "=",
        "domain",
        "ip",
        "%77hois",
        "%72dap",
        "\u017f",
        "\u0131",
        "example.com",
        "192.0.2.1",
        "autnum",
        "15169",
        "arin.net",
        "Arin.NET",
        "\u212a",
        "ip-",
        "nicinfo",
    ]
)


def sifted(text: str) -> bool:
    line = text.encode("utf-8", "replace")
    folded = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in line)
    return any(literal in folded for literal in LITERALS)


@given(
    st.sampled_from(NAMES), st.sampled_from(["", "www.", "a-b."]), st.sampled_from([str.lower, str.upper, str.title])
)
def test_every_listed_name_is_let_through(name, prefix, case):
    written = case(prefix + name)
    assert KNOWN.host(written) is None or sifted(written)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=8).map("".join), st.lists(PIECES, max_size=8).map("".join))
def test_whatever_matches_is_let_through(host, path):
    if KNOWN.host(host):
        assert sifted(host)
    if KNOWN.web_path(host, "/" + path):
        assert sifted(f"{host}\t/{path}")
    agent = KNOWN.user_agent(path)
    if agent and agent.kind in {"whois", "rdap"}:
        assert sifted(path)


def test_literals_are_lower_case_and_none_holds_another():
    assert all(literal == literal.lower() for literal in LITERALS)
    assert not [(a, b) for a in LITERALS for b in LITERALS if a != b and a in b]
    assert min(map(len, LITERALS)) >= 4
