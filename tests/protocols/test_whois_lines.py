"""WHOIS lines and sessions of every dialect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.model import QueryKind
from whosasking.protocols import whois


@pytest.mark.parametrize(
    ("line", "server", "asked", "kind"),
    [
        ("example.com", None, "example.com", "domain"),
        ("domain example.com", "whois.verisign-grs.com", "example.com", "domain"),
        ("=example.com", "whois.verisign-grs.com", "example.com", "domain"),
        ("nameserver ns1.example.com", None, "ns1.example.com", "domain"),
        ("-T dn,ace example.de", "whois.denic.de", "example.de", "domain"),
        ("-C UTF-8 -T dn,ace example.de", None, "example.de", "domain"),
        ("-T example.de", None, "example.de", "domain"),
        ("--show-handles example.dk", None, "example.dk", "domain"),
        ("example.jp/e", "whois.jprs.jp", "example.jp", "domain"),
        ("bücher.example", None, "bücher.example", "domain"),
        ("com", "whois.iana.org", "com", "domain"),
        ("example.com.", None, "example.com", "domain"),
        ("n + 192.0.2.1", "whois.arin.net", "192.0.2.1", "ip"),
        ("-V Md5.5.17 --charset UTF-8 2001:db8::1", "whois.ripe.net", "2001:db8::1", "ip"),
        (" -v 192.0.2.1", "whois.cymru.com", "192.0.2.1", "ip"),
        ('type=all app="WHOB" 192.0.2.1', "whois.pwhois.org", "192.0.2.1", "ip"),
        ("-F -k -K -M 192.0.2.0/24", "riswhois.ripe.net", "192.0.2.0/24", "cidr"),
        ("r + = 192.0.2.0/24", "whois.arin.net", "192.0.2.0/24", "cidr"),
        ("192.0.2.0 - 192.0.2.255", None, "192.0.2.0 - 192.0.2.255", "cidr"),
        ("!r192.0.2.0/24,o", "whois.radb.net", "192.0.2.0/24", "cidr"),
        ("a + 64496", "whois.arin.net", "AS64496", "asn"),
        ("a AS64496", None, "AS64496", "asn"),
        ("-i origin as64496", None, "AS64496", "asn"),
        ("!gAS64496", None, "AS64496", "asn"),
        ("!iAS-EXAMPLE,1", "rr.ntt.net", "AS-EXAMPLE", "handle"),
        ("! NET-192-0-2-0-1", "whois.arin.net", "NET-192-0-2-0-1", "handle"),
        ("ORG-EX1-RIPE", None, "ORG-EX1-RIPE", "handle"),
        ("-T person John Smith", "whois.ripe.net", "John Smith", "person"),
        ("-i admin-c EX1-RIPE", None, "EX1-RIPE", "person"),
        ("p + Smith, John", "whois.arin.net", "Smith, John", "person"),
        ("john@example.com", None, "john@example.com", "person"),
        ("o Example Networks", "whois.arin.net", "Example Networks", "organisation"),
        ("-rT organisation Example", None, "Example", "organisation"),
        ("-t person", None, None, None),
        ("-q version", None, None, None),
        ("help", None, None, None),
        ("begin", None, None, None),
        ("!!", None, None, None),
        ("", None, None, None),
        ("aGVsbG8gd29ybGQgdGhpcyBpcyBkYXRhCg==", None, "aGVsbG8gd29ybGQgdGhpcyBpcyBkYXRhCg==", None),
        ("\x00\x01binary", None, None, None),
    ],
)
def test_the_object_is_found_in_every_dialect(line, server, asked, kind):
    query = whois.parse_query(line, server)
    assert (query.object, query.kind) == (asked, kind and QueryKind(kind))
    assert query.count == 1


@pytest.mark.parametrize(
    ("payload", "text", "asked", "kind", "count"),
    [
        (b"example.com\r\n", "example.com", "example.com", "domain", 1),
        (b"example.com\n", "example.com", "example.com", "domain", 1),
        (b"example.com", "example.com", "example.com", "domain", 1),
        (b"begin\nverbose\n192.0.2.1\n192.0.2.2\nend\n", "begin", "192.0.2.1", "bulk", 2),
        (b"BEGIN\r\n192.0.2.1\r\n192.0.2.2", "BEGIN", "192.0.2.1", "bulk", 2),
        (b"begin origin\n192.0.2.1\nend", "begin origin", "192.0.2.1", "bulk", 1),
        (b"-k\nAS64496\n-r 192.0.2.1\n-k\n", "-k", "AS64496", "bulk", 2),
        (b"-k -r AS64496\n", "-k -r AS64496", "AS64496", "asn", 1),
        (b"!!\n!nclient\n!gAS64496\n!6AS64496\n!q\n", "!!", "AS64496", "bulk", 2),
        (b"\r\n\r\nexample.com\r\n", "example.com", "example.com", "domain", 1),
        (b"", "", None, None, 0),
        (b"b\xfccher.example\r\n", "b\\xfccher.example", "b\\xfccher.example", None, 1),
    ],
)
def test_a_session_is_one_query_or_a_bulk(payload, text, asked, kind, count):
    query = whois.parse_session(payload)
    assert (query.text, query.object, query.kind, query.count) == (text, asked, kind and QueryKind(kind), count)


def test_huge_sessions_and_lines_are_bounded():
    assert len(whois.parse_query("a" * 100_000).text) == whois.MAX_LINE
    assert len(whois.parse_query(b"\xff" * 100_000).text) == whois.MAX_LINE
    assert whois.parse_session(b"192.0.2.1\n" * 1_000_000).count <= whois.MAX_SESSION // 10 + 1


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(payload):
    query = whois.parse_session(payload)
    assert query.count >= 0
    assert query.text == "" or whois.parse_query(payload.split(b"\n")[0]).count == 1


@given(st.lists(st.ip_addresses().map(str), min_size=1, max_size=30), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_address_of_a_bulk_session_counts(addresses, end, ended):
    payload = end.join(["begin", "verbose", *addresses, *(["end", ""] if ended else [])]).encode()
    query = whois.parse_session(payload, "whois.cymru.com")
    assert (query.kind, query.count, query.object) == (QueryKind.BULK, len(addresses), addresses[0])


@given(
    st.sampled_from(["", "n + ", "-V Md5.5 ", "-r -B ", "domain ", "-T dn,ace ", "r ", "--charset UTF-8 "]),
    st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z][a-z0-9]{1,20}\.(com|net|example)", fullmatch=True)),
    st.sampled_from(["", "\r\n", "\n", " \r\n"]),
)
def test_a_dialects_prefix_never_hides_the_object(prefix, asked, end):
    assert whois.parse_query((prefix + asked + end).encode()).object == asked


@pytest.mark.parametrize(
    "payload",
    [b"example.com\r\n", b"example.com", "bücher.example".encode(), b"n + 192.0.2.1\r\n", b"-k\n", b"QUIT\r\n"],
)
def test_a_line_of_text_can_be_whois(payload):
    assert whois.looks_like_whois(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"EHLO mail.example\r\n",
        b"\x00\x00\x00\x2f",
        b"",
        b"\r\n",
        b"a" * 2000,
        b"POST /x HTTP/1.0\r\n",
        b"ab\x01cd\r\n",
    ],
)
def test_other_protocols_are_not_whois(payload):
    assert not whois.looks_like_whois(payload)
