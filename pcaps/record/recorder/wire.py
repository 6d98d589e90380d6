"""What the capture shows of each session, read with tshark (no part of the product judges its own fixtures)."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from recorder import dns_message, packets

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan

FIELDS = (
    "frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
    "udp.srcport", "udp.dstport", "tls.handshake.type", "tls.handshake.extensions_server_name",
    "http.request.method", "http.request.uri", "http.host", "http.user_agent", "tls.handshake.ja3_full",
)  # fmt: skip
HELLO = "1"


@dataclass(frozen=True)
class Request:
    """One clear HTTP request; ``ts`` in microseconds."""

    ts: int
    method: str
    uri: str
    host: str
    agent: str


@dataclass
class Seen:
    """One session as the wire shows it. ``requests`` are its clear HTTP requests."""

    session: packets.Session
    hello: bool = False
    sni: str | None = None
    ja3: str | None = None
    requests: list[Request] = field(default_factory=list)
    sent: bytes = b""
    dns_names: tuple[str, ...] = ()
    """Names whose answer led the client to the server's address before, latest first."""


def read(capture: Path, plan: Plan) -> list[Seen]:
    """Every session the client opened, in order of time."""
    client = {plan.client.private, plan.map(plan.client.private6)}
    seen = {session.key: Seen(session) for session in packets.sessions(capture, client)}
    for packet in packets.packets(capture):
        entry = seen.get(("tcp", packet.src, packet.src_port, packet.dst, packet.dst_port))
        if entry and packet.protocol == packets.TCP:
            entry.sent += packet.payload
    for row in _tshark(capture):
        entry = seen.get(_key(row))
        if entry:
            _add(entry, row)
    _name(capture, seen)
    return sorted(seen.values(), key=lambda item: item.session)


def _tshark(capture: Path) -> list[dict[str, list[str]]]:
    fields = [part for name in FIELDS for part in ("-e", name)]
    shown = "tls.handshake.type == 1 || http.request"
    command = ["tshark", "-n", "-r", str(capture), "-Y", shown, "-T", "json", "--no-duplicate-keys", *fields]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def _first(row: dict[str, Any], *names: str) -> str:
    return next((str(row[name][0]) for name in names if name in row), "")


def _key(row: dict[str, Any]) -> tuple[str, str, int, str, int]:
    protocol = "tcp" if "tcp.srcport" in row else "udp"
    source, target = _first(row, "ip.src", "ipv6.src"), _first(row, "ip.dst", "ipv6.dst")
    return (protocol, source, int(_first(row, f"{protocol}.srcport")), target, int(_first(row, f"{protocol}.dstport")))


def _add(entry: Seen, row: dict[str, Any]) -> None:
    if HELLO in row.get("tls.handshake.type", []):
        entry.hello = True
        entry.sni = _first(row, "tls.handshake.extensions_server_name") or entry.sni
        entry.ja3 = _first(row, "tls.handshake.ja3_full") or entry.ja3
    if "http.request.method" in row:
        names = ("http.request.method", "http.request.uri", "http.host", "http.user_agent")
        ts = int(Decimal(_first(row, "frame.time_epoch")) * 1_000_000)
        entry.requests.append(Request(ts, *(_first(row, name) for name in names)))


def _name(capture: Path, seen: dict[tuple[str, str, int, str, int], Seen]) -> None:
    answers: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for packet in packets.packets(capture):
        if packet.protocol == packets.UDP and packet.src_port == packets.DNS_PORT:
            message = dns_message.parse(packet.payload)
            for _, address in message.addresses:
                answers[address].append((packet.ts, message.name))
    for entry in seen.values():
        before = [name for ts, name in answers[entry.session.dst_ip] if ts <= entry.session.ts]
        entry.dns_names = tuple(dict.fromkeys(reversed(before)))
