"""More captures of this suite, for what only the Zeek package does. Usage: python3 make_more_traces.py DIRECTORY."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path

from make_traces import (
    CLIENT,
    CURL_HEADERS,
    FOUND,
    IANA_ANSWER,
    OPENSSL,
    Capture,
    TcpSession,
    client_hello,
    http_answer,
    http_request,
)
from make_traces import server_hello as hello_back

UNLISTED = "198.51.100.66"
RIPE = "193.0.6.135"
CLIENT6 = "2001:db8:20::5"
RDAP6 = "2001:db8:43::1"


def split() -> Capture:
    """Queries on other ports, each in several packets; the last to a server known by its name, without an answer."""
    answer = b"route:      192.0.2.0/24\r\norigin:     AS64496\r\n"
    return (
        Capture()
        .tcp("198.51.100.43", 4343, (b"exam", b"ple.o", b"rg\r\n"), (IANA_ANSWER[:10], IANA_ANSWER[10:]))
        .tcp("198.51.100.43", 7043, (b"-V Md5.6 ", b"192.0.2", b".0/24", b"\n"), answer)
        .dns("whois.nic.uk", "213.248.220.43")
        .tcp("213.248.220.43", 10_043, (b"exa", b"mple.uk", b"\r\n"), b"?\r\n")
    )


def gap() -> Capture:
    """A query of which the sensor missed a packet."""
    capture = Capture()
    session = TcpSession(capture, CLIENT, capture.next_port, UNLISTED, 43)
    session.open()
    session.send(b"exam", from_client=True)
    session.seq[True] += 4
    session.send(b"org\r\n", from_client=True)
    session.send(FOUND, from_client=False)
    session.close()
    return capture


def dead() -> Capture:
    """A WHOIS server that answers no more, a scan, and a server that speaks unasked."""
    return (
        Capture()
        .dns("whois.nic.uk", "213.248.220.43")
        .unanswered("213.248.220.43", 43)
        .unanswered(UNLISTED, 43)
        .tcp(UNLISTED, 43)
        .tcp(UNLISTED, 43, b"", FOUND)
    )


def inside() -> Capture:
    """A WHOIS server of the site, a proxy there that is asked for RDAP, and an outsider at both."""
    asked = http_request("GET", "http://rdap.arin.net/ip/192.0.2.1", "rdap.arin.net", *CURL_HEADERS)
    capture = Capture()
    for client in (CLIENT, "203.0.113.5"):
        capture.tcp("10.20.0.99", 43, b"host7.corp.example\r\n", FOUND, client=client)
        capture.tcp("10.20.0.98", 3128, asked, http_answer("application/rdap+json", b"{}"), client=client)
    return capture


def over_cap() -> Capture:
    """200 addresses in one session, in the manner of Cymru."""
    lines = b"begin\n" + b"".join(b"192.0.2.%d\n" % i for i in range(200)) + b"end\n"
    return Capture().tcp("216.90.108.31", 43, lines, b"Bulk mode; whois.cymru.com\n15133 | 192.0.2.1 | EXAMPLE, US\n")


def channel() -> Capture:
    """Data in queries and replies of unlisted servers; beside it a handle, a domain, and the same data at RIPE."""
    data = b64encode(bytes(range(96)))
    lines = b"\r\n".join(data[i : i + 48] for i in range(0, 96, 48)) + b"\r\n"
    return (
        Capture()
        .tcp(UNLISTED, 43, data + b"\r\n", b"ok\r\n")
        .tcp("198.51.100.67", 43, b"a" + b".b" * 200 + b"\r\n", b"ok\r\n")
        .tcp("198.51.100.68", 43, b"\x00\x01\x02" * 90 + b"\r\n", b"ok\r\n")
        .tcp("198.51.100.69", 43, b"get 1\r\n", data + b"\n" + data + b"\n")
        .tcp("198.51.100.70", 43, b"MAINT-EXAMPLE-OF-A-LONG-NAME\r\n", b"mntner: MAINT-EXAMPLE\r\n")
        .tcp("198.51.100.70", 43, b"an-example-of-a-rather-long-domain-name.example\r\n", FOUND)
        .tcp("198.51.100.71", 43, lines, b"ok\r\n")
        .dns("whois.ripe.net", RIPE)
        .tcp(RIPE, 43, data + b"\r\n", b"%ERROR:101: no entries found\r\n")
    )


def own() -> Capture:
    """Names and networks that a site may call its own."""
    queries = (
        b"example.com", b"www.Example.COM.", b"notexample.com", b"-i e-mail jane@example.com", b"192.0.2.9",
        b"192.0.2.0/23", b"192.0.2.128/25", b"198.51.100.0/24", b"2001:db8:1::7", b"2001:db8:2::7", b"AS64496",
    )  # fmt: skip
    capture = Capture()
    for query in queries:
        capture.tcp(RIPE, 43, query + b"\r\n", FOUND)
    return capture


def dual_stack() -> Capture:
    """Hidden names over IPv6 whose DNS went over IPv4: at once, too late, and of a client of the same family."""
    hidden = (client_hello(None, OPENSSL), hello_back())
    return (
        Capture()
        .dns("rdap.db.ripe.net", RDAP6, "193.0.6.143")
        .tcp(RDAP6, 443, *hidden, client=CLIENT6)
        .tcp("193.0.6.143", 443, *hidden, client="10.20.0.6")
        .wait(10)
        .tcp(RDAP6, 443, *hidden, client=CLIENT6)
        .tcp(RDAP6, 43, b"AS64496\r\n", b"aut-num: AS64496\r\n", client=CLIENT6)
    )


def late() -> Capture:
    """Hidden names after an answer that holds 300 seconds: within the grace, and beyond it."""
    hidden = (client_hello(None, OPENSSL), hello_back())
    return (
        Capture()
        .dns("rdap.db.ripe.net", "193.0.6.143")
        .wait(800)
        .tcp("193.0.6.143", 443, *hidden)
        .wait(200)
        .tcp("193.0.6.143", 443, *hidden)
    )


def sites() -> Capture:
    """What URLs at lookup sites ask about."""
    targets = (
        "/lookup?q=example.com", "/whois/example.com", "/?domain=http%3A%2F%2Fexample.org%2F&x=1",
        "/search?term=Jane+Roe", "/api/v1?ip=192.0.2.1", "/ip/192.0.2.0/24", "/style.css", "/",
        "/reverse?email=jane%40example.com", "http://who.is/whois/example.net",
    )  # fmt: skip
    page = http_answer("text/html", b"<html></html>")
    capture = Capture()
    for target in targets:
        capture.tcp("104.18.4.69", 80, http_request("GET", target, "who.is", *CURL_HEADERS), page)
    return capture


def noise() -> Capture:
    """A tool at servers that carry much else, a little, and nothing else."""
    names = ("www.arin.net", "viewdns.info", "rdap.arin.net")
    capture = Capture()
    for name in names:
        capture.tcp("203.0.113.90", 443, client_hello(name, OPENSSL), hello_back())
    return capture


def listed() -> Capture:
    """Hosts that only a site's own list has."""
    names = ("lookup.corp.example", "x.lookup.corp.example", "x.registry.example", "rdap.arin.net")
    capture = Capture()
    for name in names:
        capture.tcp("203.0.113.91", 443, client_hello(name, OPENSSL), hello_back())
    return capture


def many(first: int, apart: float = 0) -> Capture:
    """Twelve objects of one client, one session each, ``apart`` seconds apart."""
    capture = Capture()
    for i in range(first, first + 12):
        capture.tcp(RIPE, 43, b"192.0.2.%d\r\n" % i, b"inetnum: 192.0.2.0 - 192.0.2.255\r\n").wait(apart)
    return capture.wait(60).unanswered("198.51.100.1", 80)  # time goes on: the last session is over before the capture


TRACES = {
    "split": split, "gap": gap, "dead": dead, "inside": inside, "over-cap": over_cap, "channel": channel, "own": own,
    "dual-stack": dual_stack, "late": late, "sites": sites, "noise": noise, "listed": listed,
    "worker-1": lambda: many(1), "worker-2": lambda: many(101), "slow": lambda: many(1, apart=60),
}  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TRACES.items():
        make().write(folder / f"{name}.pcap")


if __name__ == "__main__":
    main()
