"""Holds a finished scenario against itself; every sentence returned is a fault."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from recorder import dns_message, packets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder.addresses import Plan
    from recorder.truth import Truth
    from recorder.wire import Seen

FRAME = 1514


def faults(plan: Plan, capture: Path, truth: Truth, wire: list[Seen], expected: dict[str, Any]) -> list[str]:
    """All faults found."""
    return [
        *_addresses(plan, capture),
        *_answers(wire),
        *_expected(wire, expected),
        *_steps(expected),
        *_orphans(truth),
    ]


def _addresses(plan: Plan, capture: Path) -> Iterator[str]:
    inside = ipaddress.ip_network("10.20.0.0/24")
    seen: set[str] = set()
    for packet in packets.packets(capture):
        seen |= {packet.src, packet.dst}
        if len(packet.frame) > FRAME:
            yield f"a frame of {len(packet.frame)} bytes at {packet.ts}"
        if packet.src_port == packets.DNS_PORT:
            seen |= {address for _, address in dns_message.parse(packet.payload).addresses}
    for address in seen:
        parsed = ipaddress.ip_address(address)
        if not (parsed.is_global or parsed.is_link_local or parsed.is_multicast or parsed in inside):
            yield f"the recording's own address {address} is left in the capture"
    for private, public in plan.mapping.items():
        if private in seen and private != public:
            yield f"{private} was not mapped"


def _answers(wire: list[Seen]) -> Iterator[str]:
    for seen in wire:
        name = seen.sni or (seen.requests[0].host if seen.requests else None)
        if name and name not in seen.dns_names:
            yield f"no DNS answer of {name} led to {seen.session.dst_ip}"


def _expected(wire: list[Seen], expected: dict[str, Any]) -> Iterator[str]:
    keys = {seen.session.key[1:] for seen in wire}
    for entry in (*expected["lookups"], *expected["not_lookups"]):
        if "dst_ip" in entry and (entry["src_ip"], entry["src_port"], entry["dst_ip"], entry["dst_port"]) not in keys:
            yield f"{entry['name']}: its connection is not in the capture"
        if "detection" in entry and entry["process"] is None:
            yield f"{entry['name']}: a lookup without process"
        if "detection" in entry and entry["detection"] != "WHOISToolExecution" and entry["server"] is None:
            yield f"{entry['name']}: a lookup without server"


def _steps(expected: dict[str, Any]) -> Iterator[str]:
    from recorder.steps import BROWSER_STEPS, STEPS  # noqa: PLC0415  the plan is only needed here

    done = {entry["name"] for entry in expected["lookups"]}
    others = {entry["name"] for entry in expected["not_lookups"]}
    for step in (*STEPS, *BROWSER_STEPS):
        trap = step.name.startswith(("trap-", "ordinary-"))
        if not trap and step.name not in done:
            yield f"{step.name} left no lookup"
        if (
            step.name.startswith(("trap-path", "trap-name", "ordinary-a", "ordinary-i"))
            and step.name not in others - done
        ):
            yield f"{step.name} is not among what must not be flagged"


def _orphans(truth: Truth) -> Iterator[str]:
    for session in truth.orphans:
        yield f"no process is known for {session.protocol} {session.src_ip}:{session.src_port} -> {session.dst_ip}"
