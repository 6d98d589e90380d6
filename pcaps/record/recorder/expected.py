"""Writes `expected.yaml`: every lookup of a recording with its detection, query, process and verdict.

The judgement here is deliberately plain and independent of the analyzer: which hosts are lookup services is the address
plan's word, what was sent is the capture's (read with tshark), who sent it is the kernel's.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped, unused-ignore]

from recorder.steps import BROWSER_STEPS, STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan
    from recorder.truth import Process, Socket, Truth
    from recorder.wire import Seen
    from recorder.workstation import StepRun

PORT43, WEB, TOOL = "WHOISProtocolPort43", "WHOISWebAPIAccess", "WHOISToolExecution"
BROWSERS = {"chromium", "firefox-esr"}
LOOKUP_ROLES = {"whois43", "rdap", "web"}
NETWORK_CLIENTS = {"curl", "wget", "nc.openbsd", "openssl"}
"""Started with a lookup service among their arguments, they are lookup tools."""
SHELLS = {"bash", "sh", "python3"}
"""Linux names among the seed query's shells and interpreters."""
SEED_TERMS = re.compile(
    r"(?<![0-9a-z])(whois|rdap\.arin|rdap\.ripe|whois\.iana\.org|whois\.verisign)(?![0-9a-z])", re.IGNORECASE
)


TYPED = {step.name: step.asks for step in (*STEPS, *BROWSER_STEPS) if step.asks}
"""What a command line asks, as a person reads it: the server named and the query."""

SPOOFED = {step.name for step in (*STEPS, *BROWSER_STEPS) if step.spoofs_browser}
WHOIS_PORT, DNS_PORT = 43, 53


@dataclass(frozen=True)
class _What:
    """What one session looked up."""

    detection: str
    transport: str
    server: str | None
    query: dict[str, Any] | None
    ts: int | None = None
    """Of a request inside the session; None where the session is the lookup."""


@dataclass(frozen=True)
class Oracle:
    """All there is to know about one recording."""

    plan: Plan
    truth: Truth
    wire: list[Seen]
    runs: list[StepRun]

    def role(self, name: str | None) -> str:
        """Say what kind of host a name is; unknown names are ordinary."""
        return next((server.role for server in self.plan.servers if server.name == name), "ordinary")

    def step(self, micros: int) -> str:
        """Name the step during which something happened."""
        return next((run.name for run in self.runs if run.start <= micros / 1e6 <= run.end), "login")


def write(oracle: Oracle, target: Path, offset: float) -> dict[str, Any]:
    """Write the file and return its content."""
    sockets = {socket.key: socket for socket in oracle.truth.sockets}
    lookups, others = [], []
    for seen in oracle.wire:
        socket = sockets.get(seen.session.key)
        found = _lookups(oracle, seen, socket)
        lookups += found
        if not found and seen.session.dst_port != DNS_PORT:
            others.append(_other(oracle, seen))
    lookups += [entry for process in oracle.truth.processes if (entry := _tool(oracle, process, offset))]
    document = {
        "clock": {"host": oracle.plan.client.fqdn, "offset_seconds": offset,
                  "meaning": "sensor clock minus host clock: add it to an export's time to get the capture's"},
        "lookups": lookups,
        "not_lookups": others,
    }  # fmt: skip
    head = "# Made by pcaps/record/derive from capture.pcap, truth.ndjson and steps.ndjson. Do not edit.\n"
    target.write_text(head + yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True))
    return document


def iso(micros: int) -> str:
    """Show a time as reports do."""
    return dt.datetime.fromtimestamp(micros // 1_000_000, dt.UTC).replace(microsecond=micros % 1_000_000).isoformat(
        timespec="microseconds").replace("+00:00", "Z")  # fmt: skip


def _lookups(oracle: Oracle, seen: Seen, socket: Socket | None) -> list[dict[str, Any]]:
    return [_entry(oracle, seen, socket, what) for what in _asked(oracle, seen)]


def _asked(oracle: Oracle, seen: Seen) -> list[_What]:
    """Tell what was looked up in one session; nothing for ordinary traffic."""
    session, dns = seen.session, seen.dns_names[0] if seen.dns_names else None
    if session.protocol == "tcp" and (session.dst_port == WHOIS_PORT or _odd_whois(oracle, seen)):
        return [_What(PORT43, "tcp", dns, whois_query(seen.sent))]
    if seen.hello:
        server = seen.sni or next((name for name in seen.dns_names if oracle.role(name) in LOOKUP_ROLES), None)
        if oracle.role(server) not in LOOKUP_ROLES:
            return []
        return [_What(WEB, "tls" if session.protocol == "tcp" else "quic", server, None)]
    asked = [request for request in seen.requests if oracle.role(request.host) in LOOKUP_ROLES]
    return [_What(WEB, "http", request.host, web_query(request.uri), request.ts) for request in asked]


def _odd_whois(oracle: Oracle, seen: Seen) -> bool:
    web = seen.hello or seen.requests
    return not web and any(oracle.role(name) == "whois43" for name in seen.dns_names) and bool(seen.sent)


def _entry(oracle: Oracle, seen: Seen, socket: Socket | None, what: _What) -> dict[str, Any]:
    session = seen.session
    process = oracle.truth.process(socket.process) if socket else None
    verdict, alone = _verdict(oracle, seen, process, what)
    return {
        "name": oracle.step(session.ts),
        "detection": what.detection,
        "ts": iso(what.ts or session.ts),
        "src_ip": session.src_ip,
        "src_port": session.src_port,
        "dst_ip": session.dst_ip,
        "dst_port": session.dst_port,
        "transport": what.transport,
        "server": what.server,
        "query": what.query,
        "process": _process(process),
        **verdict,
        "wire_only": alone,
    }


def _process(process: Process | None) -> dict[str, Any] | None:
    if process is None:
        return None
    return {"name": process.name, "path": process.exe, "pid": process.pid, "user": process.user,
            "command_line": process.command_line}  # fmt: skip


def _verdict(oracle: Oracle, seen: Seen, process: Process | None, what: _What) -> tuple[dict[str, str], dict[str, str]]:
    """Judge with exports, and from the wire alone."""
    if not ipaddress.ip_address(seen.session.dst_ip).is_global:
        return (_is("dropped", "private destination"),) * 2
    if what.detection == PORT43 and seen.sent.startswith(b"SSH-"):
        return (_is("dropped", "not WHOIS"),) * 2
    if what.transport == "http" and oracle.step(seen.session.ts) in SPOOFED:
        return (_is("reported", "masquerading User-Agent"),) * 2
    if process and process.name in BROWSERS:
        automated = any("--headless" in image.argv for image in oracle.truth.ancestors(process.id))
        with_exports = _is("reported", "automated browser") if automated else _is("dropped", "browser process")
        return with_exports, _is("dropped", "browser-like (wire only)")
    return (_is("reported", "lookup by a tool"),) * 2


def _is(verdict: str, reason: str) -> dict[str, str]:
    return {"verdict": verdict, "reason": reason}


def _tool(oracle: Oracle, process: Process, offset: float) -> dict[str, Any] | None:
    floor = process.name in SHELLS and bool(SEED_TERMS.search(process.command_line))
    beyond = process.name == "whois" or ("nmap" in process.name and "whois-domain" in process.argv)
    if process.name in NETWORK_CLIENTS:
        hosts = [urlsplit(word if "://" in word else f"//{word}").hostname for word in process.argv if " " not in word]
        beyond = any(oracle.role(host) in LOOKUP_ROLES for host in hosts)
    if not process.execed or not (floor or beyond):
        return None
    server, text, asked, kind = TYPED.get(oracle.step(process.start)) or (None,) * 4
    return {
        "name": oracle.step(process.start),
        "detection": TOOL,
        "host_ts": iso(process.start - round(offset * 1_000_000)),
        "floor": floor,
        "server": server,
        "query": {"text": text, "object": asked, "kind": kind} if text else None,
        "process": _process(process),
        **_is("reported", "tool execution"),
        "wire_only": None,
    }


def _other(oracle: Oracle, seen: Seen) -> dict[str, Any]:
    session = seen.session
    requests = [f"{item.method} http://{item.host}{item.uri}" for item in seen.requests]
    return {
        "name": oracle.step(session.ts),
        "src_ip": session.src_ip,
        "src_port": session.src_port,
        "dst_ip": session.dst_ip,
        "dst_port": session.dst_port,
        "server": seen.sni or (seen.dns_names[0] if seen.dns_names else None),
        "why": f"ordinary request: {', '.join(requests)}" if requests else "ordinary traffic",
    }


def whois_query(sent: bytes) -> dict[str, Any] | None:
    """Read the query of a WHOIS session: its first line, and what that asks; None where something else was spoken."""
    text = sent.decode("utf-8", "replace")
    if not text or text.startswith("SSH-"):
        return None
    lines = [line.strip() for line in text.splitlines()]
    if lines[0].lower() == "begin":
        objects = [line for line in lines if line.lower() not in {"begin", "verbose", "end"}]
        return {"text": lines[0], "object": objects[0], "kind": "bulk", "count": len(objects)}
    word = lines[0].split()[-1]
    kind = _kind(word)
    return {"text": lines[0], "object": word.upper() if kind == "asn" else word, "kind": kind}


def web_query(uri: str) -> dict[str, Any]:
    """Read the query of a clear request: its path, and the object where the path or a parameter names it."""
    found = re.search(r"/(domain|ip|autnum|entity)/([^/?]+)$", uri) or re.search(r"[;?](domain|q)=([^/&]+)$", uri)
    word = found[2] if found else None
    return {"text": uri, "object": word, "kind": _kind(word) if word else None}


def _kind(word: str) -> str:
    if re.fullmatch(r"(?i)as\d+", word):
        return "asn"
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        return "domain"
    return "cidr" if "/" in word else "ip"
