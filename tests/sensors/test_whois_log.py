"""whosasking's own whois.log counts most, and other logs complete it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensors.making import ENDS, T, conn, ends, header, http, read, ssl, tsv_row, write
from whosasking.model import ClientClass, Detection, QueryKind

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    *ENDS,
    "channel:string",
    "transport:string",
    "server:string",
    "server_source:string",
    "query:string",
    "object:string",
    "kind:string",
    "queries:count",
    "orig_bytes:count",
    "resp_bytes:count",
    "duration:interval",
    "client_class:string",
    "client_evidence:vector[string]",
    "ja3:string",
    "ja3_string:string",
    "user_agent:string",
    "user_agent_class:string",
]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


def write_whois(folder: Path, *rows: dict[str, object]) -> Path:
    text = header("whois", COLUMNS) + "".join(tsv_row("whois", row, COLUMNS) + "\n" for row in rows)
    (folder / "whois.log").write_text(text)
    return folder


def session(number: int, address: str, port: int, **more: object) -> dict[str, object]:
    return ends(number, address, port, second=1) | {"server_source": "dns", "client_class": "unknown"} | more


def test_a_whois_session_has_its_query_and_its_connection(tmp_path: Path) -> None:
    row = session(
        1, "192.0.32.59", 43, channel="whois", transport="tcp", server="whois.iana.org", query="-V x AS3333", queries=1
    )
    write(tmp_path, conn=[conn(1, "192.0.32.59", 43, second=0.5, service="whois")])
    (lookup,) = read(write_whois(tmp_path, row)).lookups
    assert lookup.query is not None
    assert (lookup.query.text, lookup.query.object, lookup.query.kind) == ("-V x AS3333", "AS3333", QueryKind.ASN)
    assert (lookup.server, lookup.established, lookup.service) == ("whois.iana.org", True, "whois")
    assert lookup.ts == T * 1_000_000 + 500_000
    assert lookup.client.cls is ClientClass.TOOL
    assert lookup.source is not None
    assert lookup.source.path.endswith("whois.log")


def test_whois_on_another_port_is_whois(tmp_path: Path) -> None:
    row = session(
        1, "198.108.0.18", 8043, channel="whois", transport="tcp", server="whois.radb.net", query="x.example", queries=1
    )
    (lookup,) = read(write_whois(tmp_path, row)).lookups
    assert (lookup.detection, lookup.dst_port, lookup.transport) == (Detection.PORT43, 8043, "tcp")


def test_a_bulk_session_keeps_its_count(tmp_path: Path) -> None:
    row = session(1, "216.31.12.15", 43, channel="whois", transport="tcp", query="begin", kind="bulk", queries=200)
    (lookup,) = read(write_whois(tmp_path, row)).lookups
    assert lookup.query is not None
    assert (lookup.query.kind, lookup.query.count) == (QueryKind.BULK, 200)


def test_the_client_hello_in_whois_log_classes_a_tls_lookup(tmp_path: Path) -> None:
    rows = [
        session(
            1,
            "199.5.26.22",
            443,
            channel="rdap",
            transport="tls",
            server="rdap.arin.net",
            server_source="sni",
            ja3="d41d8cd98f00b204e9800998ecf8427e",
            ja3_string="771,4865,0-10-11-27-43-51-65037,29,0",
        ),
        session(
            2,
            "199.5.26.22",
            443,
            channel="rdap",
            transport="tls",
            server="rdap.arin.net",
            client_class="tool",
            client_evidence=["ClientHello has no extension that browsers send"],
        ),
    ]
    write(tmp_path, ssl=[ssl(1, "199.5.26.22", "rdap.arin.net", second=1), ssl(2, "199.5.26.22", None, second=1)])
    browser, tool = read(write_whois(tmp_path, *rows)).lookups
    assert (browser.client.cls, browser.client.ja3) == (ClientClass.BROWSER, "d41d8cd98f00b204e9800998ecf8427e")
    assert (tool.client.cls, tool.server_source) == (ClientClass.TOOL, "dns")


def test_a_request_in_whois_log_and_http_log_is_one_lookup(tmp_path: Path) -> None:
    row = session(
        1,
        "104.21.48.10",
        80,
        channel="web",
        transport="http",
        server="viewdns.info",
        server_source="host",
        query="/reversewhois/?q=example.com",
        queries=1,
        user_agent=FIREFOX,
        user_agent_class="masquerade",
    )
    write(tmp_path, http=[http(1, "104.21.48.10", "viewdns.info", "/reversewhois/?q=example.com", FIREFOX, second=1)])
    (lookup,) = read(write_whois(tmp_path, row)).lookups
    assert lookup.query is not None
    assert lookup.query.text == "/reversewhois/?q=example.com"
    assert lookup.client.masquerade
    assert lookup.client.user_agent == FIREFOX


def test_another_packages_whois_log_is_whois_too(tmp_path: Path) -> None:
    columns = [*ENDS, "query:string", "registrar:string"]
    row = tsv_row("whois", ends(1, "192.0.32.59", 43) | {"query": "example.com"}, columns)
    (tmp_path / "whois.log").write_text(header("whois", columns) + row + "\n")
    (found,) = read(tmp_path).lookups
    assert (found.detection, found.transport) == (Detection.PORT43, "tcp")
    assert found.query is not None
    assert found.query.object == "example.com"
