"""WHOIS servers with the answer shapes of the real ones: referrals, comments, bulk sessions. All data is invented."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 4096
IDLE = 10.0
"""Seconds a client may stay silent."""


def iana(query: str) -> str:
    """IANA's: a `refer:` line leads to the registry."""
    suffix = query.strip().rsplit(".", 1)[-1].upper()
    return (
        "% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n"
        "% This query returned 1 object\n\n"
        "refer:        whois.verisign-grs.com\n\n"
        f"domain:       {suffix}\n\n"
        "organisation: VeriSign Global Registry Services\nwhois:        whois.verisign-grs.com\n\n"
        "status:       ACTIVE\nchanged:      2023-12-07\nsource:       IANA\n"
    )


def verisign(query: str) -> str:
    """Answer as the thin registry: `Registrar WHOIS Server:` leads to the registrar."""
    name = re.sub(r"^(domain |=)", "", query.strip()).upper()
    return (
        f"   Domain Name: {name}\r\n   Registry Domain ID: 2336799_DOMAIN_COM-VRSN\r\n"
        "   Registrar WHOIS Server: whois.markmonitor.com\r\n   Registrar URL: http://www.markmonitor.com\r\n"
        "   Updated Date: 2026-08-14T07:01:39Z\r\n   Creation Date: 1995-08-14T04:00:00Z\r\n"
        "   Registrar: MarkMonitor Inc.\r\n   Registrar IANA ID: 292\r\n   DNSSEC: signedDelegation\r\n"
        "   URL of the ICANN Whois Inaccuracy Complaint Form: https://www.icann.org/wicf/\r\n"
        ">>> Last update of whois database: 2026-11-23T20:00:00Z <<<\r\n"
    )


def registrar(query: str) -> str:
    """Answer as a registrar, thick."""
    return (
        f"Domain Name: {query.strip().lower()}\r\nRegistrar WHOIS Server: whois.markmonitor.com\r\n"
        "Registrar: MarkMonitor, Inc.\r\nRegistrant Organization: Example Holdings\r\nRegistrant Country: US\r\n"
        "Registrant Email: Select Request Email Form at https://domains.markmonitor.com/whois/\r\n"
        "Name Server: ns1.example.net\r\nName Server: ns2.example.net\r\nDNSSEC: unsigned\r\n"
    )


def arin(query: str) -> str:
    """ARIN's: `#` comments, one network."""
    return (
        "\n#\n# ARIN WHOIS data and services are subject to the Terms of Use\n"
        "# available at: https://www.arin.net/resources/registry/whois/tou/\n#\n\n"
        "NetRange:       8.8.8.0 - 8.8.8.255\nCIDR:           8.8.8.0/24\nNetName:        EXNET\n"
        "NetHandle:      NET-8-8-8-0-2\nOrganization:   Example Networks (EXN)\nRegDate:        2023-12-28\n"
        f"Comment:        asked for {query.strip()}\n"
    )


def ripe(query: str) -> str:
    """RIPE's: `%` comments, an aut-num."""
    return (
        "% This is the RIPE Database query service.\n% The objects are in RPSL format.\n%\n"
        "% The RIPE Database is subject to Terms and Conditions.\n\n"
        f"% Information related to '{query.strip().split()[-1]}'\n\n"
        "aut-num:        AS3333\nas-name:        EXAMPLE-AS\norg:            ORG-EX1-RIPE\n"
        "admin-c:        EX1-RIPE\nmnt-by:         EXAMPLE-MNT\nsource:         RIPE # Filtered\n"
    )


def radb(query: str) -> str:
    """Answer as an IRR: one route object."""
    return (
        f"route:      193.0.0.0/21\ndescr:      asked for {query.strip()[:40]}\norigin:     AS3333\nsource:     RADB\n"
    )


def denic(query: str) -> str:
    """DENIC's short form."""
    name = query.strip().split()[-1]
    return f"Domain: {name}\nNserver: ns1.example.net\nStatus: connect\nChanged: 2025-03-12T21:44:25+01:00\n"


def corporate(query: str) -> str:
    """Answer as an internal asset register that speaks WHOIS."""
    return f"asset: {query.strip()}\nowner: IT Operations\nsite: HQ\n"


def cymru(line: str) -> str:
    """One line of Team Cymru's verbose answer."""
    address = line.strip()
    return f"3333    | {address:<16} | 193.0.0.0/21        | NL | ripencc  | 1993-09-01 | EXAMPLE-AS, NL\n"


HANDLERS: dict[str, Callable[[str], str]] = {
    "whois.iana.org": iana,
    "whois.verisign-grs.com": verisign,
    "whois.markmonitor.com": registrar,
    "whois.arin.net": arin,
    "whois.ripe.net": ripe,
    "whois.radb.net": radb,
    "whois.denic.de": denic,
    "whois.corp.internal": corporate,
}


async def session(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection to the named server and close it."""
    try:
        if name == "whois.cymru.com":
            await _bulk(reader, writer)
        else:
            line = await asyncio.wait_for(reader.readline(), IDLE)
            writer.write(HANDLERS[name](line.decode("utf-8", "replace")).encode())
        await writer.drain()
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()


async def _bulk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`begin`, options, one object a line, `end`; a line without `begin` is a single query."""
    writer.write(b"Bulk mode; whois.cymru.com [2026-11-23 20:00:00 +0000]\n")
    async with asyncio.timeout(IDLE):
        async for raw in reader:
            line = raw.decode("utf-8", "replace").strip().lower()
            if line == "end":
                return
            if line not in {"begin", "verbose", "noverbose", "header", "noheader"}:
                writer.write(cymru(line).encode())
