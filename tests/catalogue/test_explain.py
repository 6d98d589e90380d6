"""`whosasking catalogue check` says why a name matches, or what it nearly is."""

from __future__ import annotations

import pytest

from whosasking.catalogue import explain


def said(asked):
    return "\n".join(explain.lines([asked]))


def test_a_listed_host_is_explained():
    text = said("https://RDAP.arin.net/registry/ip/192.0.2.1")
    assert text.startswith("rdap.arin.net: rdap (listed by this name)")
    for part in ("pattern   rdap.arin.net", "operator  ARIN", "noise     low", "seed      yes"):
        assert part in text


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("whoiselijah.com.au", "contains 'whois', but not as a label"),
        ("cardapio.example", "contains 'rdap', but not as a label"),
        ("foo-arin.net", "the seed query takes it nevertheless"),
        ("foo-arin.net", "ends with arin.net, but is not below it"),
        ("whoisolgy.com", "spelt almost like whoisology.com"),
        ("www.pubapi.registry.google", "pubapi.registry.google is listed, but only by that name"),
        ("registry.google", "listed below it: "),
        ("ordinary.example", "nothing in the catalogue is like it"),
        ("", "no lookup host"),
    ],
)
def test_a_near_miss_is_told(asked, part):
    assert part in said(asked)


def test_a_path_makes_a_noisy_host_plain():
    assert "noise     high" in said("www.godaddy.com")
    assert "noise     low" in said("https://www.godaddy.com/whois/results.aspx?domain=example.com")


def test_a_person_may_write_an_international_name():
    assert explain.explain("whois.bücher.example").name == "whois.xn--bcher-kva.example"


def test_hostile_names_cannot_reach_the_terminal():
    text = said("\x1b[31mwhois.\u202eexample\n.net")
    assert "\x1b" not in text
    assert "\u202e" not in text
