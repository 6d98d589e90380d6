"""RDAP paths under any base, ARIN's REST paths, and what lookup sites put into their URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.model import QueryKind
from whosasking.protocols import rdap, web

BASES = ["", "/registry", "/rdap", "/com/v1", "/rdap/v1", "/taiwan"]


@pytest.mark.parametrize(
    ("path", "asked", "kind"),
    [
        ("/registry/ip/192.0.2.1", "192.0.2.1", "ip"),
        ("/ip/2001:db8::1", "2001:db8::1", "ip"),
        ("/rdap/ip/192.0.2.0/24", "192.0.2.0/24", "cidr"),
        ("/ip/192.0.2.0%2F24", "192.0.2.0/24", "cidr"),
        ("/com/v1/domain/EXAMPLE.COM", "EXAMPLE.COM", "domain"),
        ("/domain/xn--bcher-kva.example", "xn--bcher-kva.example", "domain"),
        ("/domain/b%C3%BCcher.example", "bücher.example", "domain"),
        ("/domain/2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa", "domain"),
        ("/nameserver/ns1.example.net", "ns1.example.net", "domain"),
        ("/autnum/64496", "AS64496", "asn"),
        ("/registry/entity/EXN", "EXN", "handle"),
        ("/domains?name=exam*.com", "exam*.com", "domain"),
        ("/domains?nsLdhName=ns1.example.com", "ns1.example.com", "domain"),
        ("/domains?nsIp=192.0.2.1", "192.0.2.1", "ip"),
        ("/nameservers?ip=2001:db8::1", "2001:db8::1", "ip"),
        ("/entities?fn=Bobby%20Joe*", "Bobby Joe*", "person"),
        ("/entities?handle=CID-40*", "CID-40*", "handle"),
        ("/domains/reverse_search/entity?fn=Bobby*", "Bobby*", "person"),
        ("/rest/ip/192.0.2.1", "192.0.2.1", "ip"),
        ("/rest/cidr/192.0.2.0/24/less", "192.0.2.0/24", "cidr"),
        ("/rest/asn/AS64496.json", "AS64496", "asn"),
        ("/rest/org/EXN/nets", "EXN", "handle"),
        ("/rest/pocs;domain=example.com", "example.com", "domain"),
        ("/rest/pocs;first=John;last=Smith", "John Smith", "person"),
        ("/rest/orgs;name=Example%20Networks", "Example Networks", "organisation"),
        ("/reversewhois/?q=example.com", "example.com", "domain"),
        ("/data/whois/data.json?resource=AS3333", "AS3333", "asn"),
        ("/whoisserver/WhoisService?apiKey=k&domainName=example.com", "example.com", "domain"),
        ("/v1/domain/example.com/whois", "example.com", "domain"),
    ],
)
def test_the_object_of_a_path_is_read(path, asked, kind):
    query = rdap.parse_path(path)
    assert (query.text, query.object, query.kind) == (path, asked, QueryKind(kind))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/help",
        "/ip/",
        "/ip/example.com",
        "/autnum/AS",
        "/news/whois-the-boss",
        "/domain/",
        "/domain/a b",
        "/entities",
        "/menu?ip=x",
        "/domains?page=2",
        "/rest/v2/users",
        "/static/whois/app.js",
        "//",
        "?",
        "/ip/999.1.1.1",
        "/v1/forecast?city=Oslo",
    ],
)
def test_other_paths_ask_nothing(path):
    assert rdap.parse_path(path) is None


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/co/DomainDossier.aspx?addr=example.com", "example.com"),
        ("/en/lookup?name=example.com", "example.com"),
        ("/iphistory/?domain=example.com", "example.com"),
        ("/?key=k&reverse=whois&email=jo@example.com", "jo@example.com"),
        ("/example.com", "example.com"),
        ("/AS3333", "AS3333"),
    ],
)
def test_a_lookup_sites_own_urls_are_read_where_the_host_is_known(path, asked):
    assert rdap.parse_listed(path).object == asked


@pytest.mark.parametrize("path", ["/", "/style.css", "/js/app.min.js", "/favicon.ico", "/about"])
def test_a_sites_own_files_ask_nothing(path):
    assert rdap.parse_listed(path) is None


def test_the_bootstrap_is_a_lookup_without_an_object():
    query = rdap.parse_path("/rdap/dns.json")
    assert (query.object, query.kind) == (None, None)
    assert rdap.is_unmistakable("/rdap/object-tags.json")


@given(st.sampled_from(BASES), st.ip_addresses().map(str))
def test_an_address_is_found_under_any_base(base, address):
    assert rdap.parse_path(f"{base}/ip/{address}").object == address


@given(st.text(max_size=200))
def test_no_path_breaks_the_readers(text):
    for path in (
        text,
        f"/{text}",
        f"/rdap/domain/{text}",
        f"/rest/pocs;{text}",
        f"/whois?{text}",
        f"/domains?name={text}",
        f"/rest/ip/{text}",
    ):
        query = rdap.parse_listed(path)
        assert query is None or query.text == path[: web.MAX_PATH]
        rdap.is_unmistakable(path)


def test_parameters_beyond_the_bound_do_not_hide_those_before_it():
    assert rdap.parse_path("/whois?domain=example.com" + "&a=b" * 500).object == "example.com"


def test_endless_paths_are_bounded():
    for path in ("/ip" * 100_000, "/" * 300_000, "/rdap/ip/192.0.2.1?" + "a=b&" * 50_000, "/whois/" + "a." * 50_000):
        query = rdap.parse_listed(path)
        assert query is None or len(query.text) <= web.MAX_PATH
