"""What the web servers answer: RDAP objects, IANA's bootstrap files, small pages. All data is invented."""

from __future__ import annotations

import json
from typing import Any

JSON = "application/rdap+json"

BOOTSTRAP: dict[str, list[Any]] = {
    "dns": [[["com", "net"], ["https://rdap.verisign.com/com/v1/"]], [["br"], ["https://rdap.registro.br/"]]],
    "ipv4": [
        [["8.0.0.0/8", "199.0.0.0/8"], ["https://rdap.arin.net/registry/"]],
        [["193.0.0.0/8"], ["https://rdap.db.ripe.net/"]],
        [["203.0.0.0/8"], ["https://rdap.apnic.net/"]],
    ],
    "ipv6": [[["2001:600::/23"], ["https://rdap.db.ripe.net/"]]],
    "asn": [[["3154-3353"], ["https://rdap.db.ripe.net/"]], [["15169"], ["https://rdap.arin.net/registry/"]]],
    "object-tags": [[["admin@example.net"], ["ARIN"], ["https://rdap.arin.net/registry/"]]],
}


def respond(role: str, host: str, target: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for one request to a host of the plan."""
    path = target.split("?", 1)[0]
    if host == "data.iana.org" and path.startswith("/rdap/"):
        return _bootstrap(path.removeprefix("/rdap/").removesuffix(".json"))
    if host == "rdap.org":
        return 302, {"Location": f"https://rdap.verisign.com/com/v1{target}", "Content-Type": "text/plain"}, b""
    if role == "rdap":
        return 200, {"Content-Type": JSON}, _rdap(path)
    if host == "whois.arin.net" or host.startswith("api."):
        return 200, {"Content-Type": "application/json"}, json.dumps({"path": path, "ok": True}).encode()
    if path == "/favicon.ico":
        return 404, {"Content-Type": "text/plain"}, b"not found\n"
    page = (
        f"<!doctype html><html><head><title>{host}</title></head><body><h1>{host}</h1><p>Small page.</p></body></html>"
    )
    return 200, {"Content-Type": "text/html; charset=utf-8"}, page.encode()


def _bootstrap(kind: str) -> tuple[int, dict[str, str], bytes]:
    if kind not in BOOTSTRAP:
        return 404, {"Content-Type": "text/plain"}, b"not found\n"
    body = {"description": f"RDAP bootstrap file ({kind})", "publication": "2026-11-20T20:00:01Z",
            "services": BOOTSTRAP[kind], "version": "1.0"}  # fmt: skip
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _rdap(path: str) -> bytes:
    parts = [part for part in path.split("/") if part]
    kind, key = (parts[-2], parts[-1]) if len(parts) > 1 else ("help", "help")
    if "ip" in parts[:-1]:
        kind, key = "ip", "/".join(parts[parts.index("ip") + 1 :])
    body: dict[str, Any] = {"rdapConformance": ["rdap_level_0"], "status": ["active"], "events": [], "entities": []}
    if kind == "domain":
        body |= {"objectClassName": "domain", "ldhName": key.upper(), "handle": "2336799_DOMAIN_COM-VRSN"}
    elif kind == "autnum":
        number = int(key) if key.isdigit() else 0
        body |= {"objectClassName": "autnum", "handle": f"AS{key}", "startAutnum": number, "endAutnum": number,
                 "name": "EXAMPLE-AS", "country": "US"}  # fmt: skip
    elif kind == "ip":
        body |= {"objectClassName": "ip network", "handle": "NET-8-8-8-0-2", "name": "EXNET", "ipVersion": "v4",
                 "startAddress": "8.8.8.0", "endAddress": "8.8.8.255", "country": "US",
                 "cidr0_cidrs": [{"v4prefix": "8.8.8.0", "length": 24}]}  # fmt: skip
    else:
        body |= {"objectClassName": kind, "handle": key}
    return json.dumps(body).encode()
