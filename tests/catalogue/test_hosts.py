"""Which names and URLs are lookup hosts, and how noisy a hit is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.catalogue import Catalogue, compiled

KNOWN = catalogue.load()
SEED = [
    "who.is",
    "whois.domaintools.com",
    "arin.net",
    "ripe.net",
    "apnic.net",
    "lacnic.net",
    "afrinic.net",
    "whois.verisign-grs.com",
    "rdap.arin.net",
    "rdap.ripe.net",
    "lookup.icann.org",
    "centralops.net",
    "viewdns.info",
    "whoisology.com",
    "whois.icann.org",
]


def kind_and_how(name):
    match = KNOWN.host(name)
    return (match.kind, match.how, match.noise) if match else None


@pytest.mark.parametrize("name", SEED)
def test_every_seed_host_is_listed_and_marked(name):
    match = KNOWN.host(name)
    assert match is not None
    assert match.seed
    assert KNOWN.seed_host(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rdap.db.ripe.net", ("rdap", "exact", "low")),
        ("www.ripe.net", ("web", "suffix", "high")),
        ("deep.below.who.is", ("web", "suffix", "low")),
        ("whois.nic.unlisted-zone.example", ("whois43", "label", "medium")),
        ("example-rdap.net", ("rdap", "label", "medium")),
        ("whois.rdap.example", ("rdap", "label", "medium")),
        ("pubapi.registry.google", ("rdap", "exact", "medium")),
        ("rr.ntt.net", ("irr", "exact", "low")),
        ("whois.arin.net", ("whois43", "exact", "low")),
    ],
)
def test_the_longest_listed_name_wins_and_labels_come_last(name, expected):
    assert kind_and_how(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "whoiselijah.com.au",
        "cardapio.example",
        "evilwho.is",
        "notarin.net",
        "mywhoisit.example",
        "viewdns.net",
        "10.0.0.1",
        "",
        ".",
        "-",
        "rdapper.example",
        "arin.net.example",
        "_",
        "a" * 300 + ".who.is",
    ],
)
def test_names_that_only_look_like_it_do_not_match(name):
    assert KNOWN.host(name) is None


@pytest.mark.parametrize("name", ["RDAP.Arin.NET", "rdap.arin.net.", "rdap.arin.net:443", " rdap.arin.net "])
def test_case_port_and_trailing_dot_do_not_matter(name):
    assert kind_and_how(name) == ("rdap", "exact", "low")


@given(st.text(max_size=60))
def test_no_name_breaks_the_matcher(name):
    match = KNOWN.host(name)
    assert match is None or match.kind in {"whois43", "rdap", "web", "api", "irr", "bulk"}


@given(
    st.sampled_from([fact for fact in compiled.read().hosts if fact.suffix]),
    st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
)
def test_a_listed_domain_holds_everything_below_it_and_nothing_beside_it(fact, label):
    below = KNOWN.host(f"{label}.{fact.name}")
    assert below is not None
    assert below.operator is not None
    beside = KNOWN.host(f"{label}{fact.name}")
    assert beside is None or beside.how != "suffix" or beside.pattern != f".{fact.name}"


def test_a_site_adds_its_own_hosts():
    known = catalogue.load(("lookups.corp.example", ".tools.example"))
    assert known.host("lookups.corp.example").how == "exact"
    assert known.host("a.lookups.corp.example") is None
    assert known.host("x.tools.example").how == "suffix"
    assert catalogue.load().host("x.tools.example") is None
    assert b"tools.example" in known.sieve_literals()


@pytest.mark.parametrize(
    ("host", "path", "noise"),
    [
        ("www.unlisted.example", "/rdap/domain/example.com", "medium"),
        ("www.unlisted.example", "/api/rdap/v1/ip/192.0.2.0/24", "medium"),
        ("www.unlisted.example", "/rdap/dns.json", "medium"),
        ("www.unlisted.example", "/whois/example.com", "medium"),
        ("www.unlisted.example", "/tools/whois.php?domain=example.com", "medium"),
        ("www.godaddy.com", "/whois/results.aspx", "low"),
        ("www.ripe.net", "/whois?searchtext=AS3333", "low"),
        ("whois.arin.net", "/rest/pocs;domain=example.com", "low"),
        ("r01.ru", "/rdap/domain/example.com", "low"),
    ],
)
def test_a_lookup_is_known_by_its_path(host, path, noise):
    assert KNOWN.web_path(host, path).noise == noise


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("www.example.com", "/news/whois-the-boss"),
        ("www.example.com", "/whois/about"),
        ("www.example.com", "/domain/example.com"),
        ("www.example.com", "/entity/rdap"),
        ("www.example.com", "/ip/192.0.2.1"),
        ("www.example.com", "/cardapio/domain/example.com"),
        ("www.example.com", "/?q=whois+example.com"),
        ("www.example.com", "/static/whois/logo.png"),
        ("www.example.com", "/rest/ip/192.0.2.1"),
        ("www.godaddy.com", "/hosting"),
        ("www.ripe.net", "/about-us/"),
        ("", ""),
    ],
)
def test_other_paths_are_no_lookups(host, path):
    assert KNOWN.web_path(host, path) is None


def test_remembered_names_are_bounded():
    known = Catalogue(compiled.read())
    for number in range(70_000):
        known.host(f"n{number}.example")
    assert len(known._hosts._seen) < 66_000
