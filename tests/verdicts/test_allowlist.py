"""Which lookups an allow rule covers: AND across its parts, OR within one, never by a lack of knowledge."""

import time

import pytest

from verdicts.judging import NOBODY, lookup, made_by
from whosasking import allowlist, config
from whosasking.model import Detection, Query, QueryKind

ALICE = made_by("whois.exe", user="CORP\\Alice", path="C:\\Tools\\whois.exe")
ASKED = Query(text="192.0.2.5", object="192.0.2.5", kind=QueryKind.IP)


def covers(parts, item=None, attribution=ALICE, site=""):
    settings = config.parse(f"{site}allow:\n  - {{role: a, reason: b, until: 2030-01-01, {parts}}}\n")
    item = item or lookup()
    return bool(allowlist.matching(settings.allow, item, attribution, settings.host_addresses))


@pytest.mark.parametrize(
    "parts",
    [
        "addresses: 10.1.1.1",
        "addresses: [192.0.2.0/24, 10.1.0.0/16]",
        "hosts: ws-1.corp.example",
        "hosts: 'WS-*.CORP.example'",
        "users: alice",
        "users: 'al?ce'",
        "users: 'corp\\alice'",
        "users: 'CORP\\*'",
        "processes: whois.exe",
        "processes: 'C:\\tools\\*'",
        "processes: '*\\whois.exe'",
        "servers: rdap.registry.example",
        "servers: '*.registry.example'",
        "servers: .registry.example",
        "servers: .rdap.registry.example",
        "detections: WHOISWebAPIAccess",
        "users: alice, servers: [nic.example, .example], detections: [WHOISWebAPIAccess], addresses: 10.0.0.0/8",
    ],
)
def test_covered(parts):
    assert covers(parts)


@pytest.mark.parametrize(
    "parts",
    [
        "addresses: 10.1.1.2",
        "addresses: '2001:db8::/32'",
        "hosts: ws-1",
        "hosts: ws-11.corp.example",
        "users: bob",
        "users: 'evil\\alice'",
        "users: lice",
        "processes: whois",
        "processes: 'C:\\tools'",
        "processes: '/tools/*'",
        "servers: registry.example",
        "servers: .gistry.example",
        "servers: '*.example.com'",
        "detections: WHOISToolExecution",
        "users: alice, servers: whois.example",
        "users: bob, servers: rdap.registry.example",
        "objects: '*'",
    ],
)
def test_not_covered(parts):
    assert not covers(parts)


@pytest.mark.parametrize("part", ["hosts", "users", "processes"])
def test_what_is_not_known_matches_no_pattern(part):
    assert not covers(f"{part}: '*'", attribution=NOBODY)


@pytest.mark.parametrize("part", ["addresses: 0.0.0.0/0", "servers: '*'"])
def test_what_is_absent_from_the_lookup_matches_no_pattern(part):
    assert not covers(part, lookup(Detection.TOOL, server=None))


def test_a_server_known_by_address_only_is_matched_by_it():
    assert covers("servers: 9.9.9.9", lookup(Detection.PORT43))


def test_configured_addresses_name_the_host_and_the_other_way_round():
    site = "host_addresses: {WS-1.corp.example: [10.7.7.7], ws-2: 10.1.1.1}\n"
    assert covers("hosts: ws-2", attribution=NOBODY, site=site)
    assert covers("addresses: 10.7.7.7", lookup(Detection.TOOL), site=site)
    assert not covers("addresses: 10.7.7.7", site=site)  # the wire says another address


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("192.0.2.0/24", "192.0.2.5"),
        ("192.0.2.5", "192.0.2.5"),
        ("192.0.2.0/24", "192.0.2.128/25"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::/32", "2001:DB8:0::1"),
        (".corp.example", "mail.CORP.example."),
        (".corp.example", "corp.example"),
        ("corp-*", "corp-brand.example"),
        ("as64500", "AS64500"),
    ],
)
def test_objects_covered(pattern, asked):
    assert covers(f"objects: '{pattern}'", lookup(query=Query(text="q", object=asked)))


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("192.0.2.0/25", "192.0.2.0/24"),
        ("192.0.2.0/24", "192.0.3.5"),
        ("0.0.0.0/0", "2001:db8::1"),
        ("0.0.0.0/0", "example.com"),
        (".corp.example", "evilcorp.example"),
        ("corp.example", "mail.corp.example"),
    ],
)
def test_objects_not_covered(pattern, asked):
    assert not covers(f"objects: '{pattern}'", lookup(query=Query(text="q", object=asked)))


def test_a_bulk_session_is_not_covered_by_the_one_object_it_shows():
    bulk = Query(text="begin", object="192.0.2.5", kind=QueryKind.BULK, count=500)
    assert covers("objects: 192.0.2.0/24", lookup(query=ASKED))
    assert not covers("objects: 192.0.2.0/24", lookup(query=bulk))
    assert not covers("objects: '*'", lookup(query=Query(text="-V tag")))


def test_hostile_patterns_and_texts_cost_nothing():
    began = time.process_time()
    for pattern in ("*a" * 127 + "b", "?*" * 127 + "b", "[!a]*" * 51, "*" * 256):
        name = "a" * allowlist.MAX_SUBJECT
        covers(f"servers: '{pattern}'", lookup(server=name))
        covers(f"objects: '{pattern}'", lookup(query=Query(text="q", object=name)))
    assert time.process_time() - began < 2


def test_text_beyond_reason_matches_not_even_a_star():
    name = "a" * (allowlist.MAX_SUBJECT + 1)
    assert not covers("servers: '*'", lookup(server=name))
    assert not covers("servers: .example", lookup(server=name + ".example"))
