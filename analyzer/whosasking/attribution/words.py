"""Sentences: why a lookup was given to a process, or to none. Times are UTC with microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from whosasking.attribution.clock import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.attribution.clocks import Clock, Span
    from whosasking.model import Lookup, Micros, Process

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_NAMES = 5
NO_ADDRESS = "the sensor recorded no client address"
NO_EVENT = "no matching event"
NOT_ESTABLISHED = "session never established; the endpoint may not log it"
MANY_RECEIVERS = f"{NO_EVENT}: multicast or broadcast, which endpoint products seldom record"
NO_RECORDS = "no endpoint records for the host"
NOT_COVERED = "the endpoint records of the host are of another time"
NOT_ALIGNED = "the clock of the host cannot be aligned"
SHARED = "several candidates: the address is of several hosts"
SEVERAL = "several candidates: the evidence fits several processes"
FAR = f"{NO_EVENT}: same tuple, but at another time"
SILENT = "EDR silent then"
NO_PORTS = "no ports: endpoint products record TCP and UDP connections"
NO_PROCESS = "the endpoint recorded the connection, but not its process"


def instant(ts: Micros) -> str:
    """Write an instant as ISO 8601, or the bare number where no calendar reaches."""
    try:
        return f"{(_EPOCH + timedelta(microseconds=ts)).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    except OverflowError:
        return f"{ts} us"


def matched(what: str, ts: Micros, apart: Micros, own: Micros, clock: Clock) -> str:
    """Write a match with both clocks' times: ``ts`` on the sensor's, ``own`` on the host's."""
    offset = ts - apart - own
    how = "taken as equal" if clock.assumed else f"offset {seconds(offset)}"
    weak = f", {clock.estimate.reason}" if clock.estimate.weak else ""
    theirs = f"{clock.host} {instant(own)} by its own clock ({how}{weak})"
    return f"{what}: sensor {instant(ts)}, {theirs}, {seconds(apart)} apart"


def tuple_of(lookup: Lookup) -> str:
    """Write a lookup's connection."""
    return f"{endpoint(lookup.src_ip, lookup.src_port)} -> {endpoint(lookup.dst_ip, lookup.dst_port)}"


def endpoint(address: str | None, port: int | None) -> str:
    """Write an address and port; IPv6 in brackets."""
    where = f"[{address}]" if address and ":" in address else address or "?"
    return f"{where}:{port}" if port else where


def no_records(address: str) -> str:
    """Say that no endpoint product reported from an address."""
    return f"no endpoint records for host {address}"


def without_ports(protocol: str) -> str:
    """Say that no endpoint product records connections of a protocol."""
    return f"{protocol} has no ports: endpoint products record TCP and UDP connections"


def not_covered(spans: Iterable[tuple[str, Span]], lookup: Lookup) -> str:
    """Say that the records of a host are of another time."""
    covered = "; ".join(f"{host} cover {instant(first)} to {instant(last)}" for host, (first, last) in spans)
    return f"endpoint records of {covered}, not {instant(lookup.ts)}"


def not_aligned(clocks: Iterable[Clock]) -> str:
    """Say that a host's clock is unknown."""
    each = [f"clock of {clock.host} cannot be aligned: {clock.estimate.reason}" for clock in clocks]
    return "; ".join(dict.fromkeys(each))


def several(processes: int, evidence: str) -> str:
    """Say that the evidence fits more than one process."""
    return f"several candidates: {processes} processes, by {evidence}"


def shared_address(address: str, hosts: Iterable[str]) -> str:
    """Say that an address belongs to several hosts at once."""
    return f"several candidates: {address} is an address of {' and '.join(names(hosts))}"


def who(process: Process) -> str:
    """Name a process shortly."""
    return process.name + ("" if process.pid is None else f" ({process.pid})")


def too_weak(processes: Iterable[str]) -> str:
    """Say that a rung's only evidence did not count."""
    return f"not enough: {', '.join(processes)}"


def leased(address: str, machine: str) -> str:
    """Say that a machine without endpoint records had the address."""
    return f"no endpoint records for {machine}, which had {address} by its DHCP lease"


def silent(host: str, since: Micros, until: Micros) -> str:
    """Say that a host's products recorded nothing at the time."""
    return f"EDR silent then: {host} recorded nothing from {instant(since)} to {instant(until)}"


def names(all_names: Iterable[str]) -> list[str]:
    """Give the first few names, and how many more there are."""
    listed = sorted(all_names)
    more = len(listed) - _MOST_NAMES
    return listed if more <= 0 else [*listed[:_MOST_NAMES], f"{more} more"]
