"""The record tables the ladder's SQL runs over: rows of numbers and plain text, each pointing back at its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution.addresses import canonical, is_public, names_a_host
from whosasking.model import ClientClass, Detection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.model import Connection, Lookup, Micros

LONGEST_TEXT = 32_768
"""Characters of a command line that are searched: the longest Windows allows."""
LATEST: Micros = 1 << 60
"""Later instants (year 38000) are damage; sums of smaller ones cannot overflow a BIGINT."""
_UDP = {"quic", "udp"}
_HIGHEST_PORT = 65535


class FlowRow(msgspec.Struct):
    """A connection on the wire: a lookup's own (``n`` its index) or an anchor's (``n`` None)."""

    n: int | None
    ts: int
    protocol: str | None
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int


class LookupRow(msgspec.Struct):
    """What the lower rungs compare: who asked (any of its hosts, see HostRow), whom, for what."""

    n: int
    ts: int
    protocol: str | None
    src_ip: str | None
    src_port: int | None
    dst_ip: str | None
    dst_port: int | None
    server: str | None
    object: str | None
    clear_http: bool
    browser: bool
    port43: bool
    public: bool
    ja3: str | None
    host: int | None
    """The host that made it, where its address is one host's alone, for joins that must begin there; see HostRow."""


class HostRow(msgspec.Struct):
    """A host that may have made a lookup, by its address."""

    lookup: int
    host: int


class AddressRow(msgspec.Struct):
    """An address of a host."""

    host: int
    ip: str


class NowhereRow(msgspec.Struct):
    """A lookup whose client address is no known host's; ``public`` where it is one of the Internet."""

    lookup: int
    public: bool


class SocketRow(msgspec.Struct):
    """A socket with canonical addresses; a local port of 0 and an unspecified local address are None."""

    n: int
    timeline: int
    host: int
    process: int
    ts: int
    protocol: str
    local_ip: str | None
    local_port: int | None
    remote_ip: str
    remote_port: int
    remote_name: str | None
    outbound: bool | None
    record: str


class NameRow(msgspec.Struct):
    """A DNS query of a process. ``resolver`` marks the system's own DNS client."""

    n: int
    timeline: int
    host: int
    process: int
    ts: int
    name: str
    answered: bool
    resolver: bool


class AnswerRow(msgspec.Struct):
    """An address in the answer to a DNS query."""

    query: int
    ip: str


class ProcessRow(msgspec.Struct):
    """A process with a known start. ``tool`` is the catalogue's kind of client, None for anything else."""

    n: int
    timeline: int
    host: int
    started: int
    ended: int | None
    command: str | None
    tool: str | None


class ClockPieceRow(msgspec.Struct):
    """A stretch of a timeline's clock, between two instants of the host: sensor = ts + ahead + (ts - base) * drift.

    ``network`` tells the clock of network events from that of process events.
    """

    timeline: int
    network: bool
    since: int
    until: int
    base: int
    ahead: int
    drift: float


def text(value: str | None) -> str | None:
    """Bound attacker-chosen text, fold its case, and replace what no encoder takes (lone surrogates)."""
    if not value:
        return None
    return utf8(value[:LONGEST_TEXT]).lower()


def utf8(value: str) -> str:
    """Replace what no encoder takes."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def host_name(value: str | None) -> str | None:
    """Fold a DNS name: case and the trailing dot do not matter."""
    folded = text(value)
    return folded.strip().rstrip(".") or None if folded else None


def url_host(value: str | None) -> str | None:
    """Give the host in a URL, or a bare host name with or without a port."""
    if not value:
        return None
    authority = value.partition("://")[2] or value
    authority = authority.partition("/")[0].rpartition("@")[2]
    return host_name(authority if authority.startswith("[") else authority.partition(":")[0])


def port(value: int | None) -> int | None:
    """Give a port number, None for 0 and for what is none."""
    return value if value is not None and 0 < value <= _HIGHEST_PORT else None


def protocol(value: str) -> str:
    """Fold a protocol's name; what has no ports is ``other`` and matches nothing."""
    folded = value.lower()
    return folded if folded in {"tcp", "udp"} else "other"


def protocol_of(lookup: Lookup) -> str | None:
    """Give the transport protocol under a lookup's ``transport``."""
    if lookup.transport is None:
        return None
    return "udp" if lookup.transport in _UDP else "tcp"


def usable(ts: Micros) -> bool:
    """Say whether an instant can be computed with."""
    return -LATEST < ts < LATEST


def flows(lookups: Sequence[Lookup], anchors: Iterable[Connection]) -> Iterator[FlowRow]:
    """Give every wire connection with a whole tuple."""
    for n, lookup in enumerate(lookups):
        row = _flow(n, lookup, protocol_of(lookup))
        if row:
            yield row
    for anchor in anchors:
        row = _flow(None, anchor, protocol(anchor.protocol))
        if row:
            yield row


def _flow(n: int | None, seen: Lookup | Connection, spoken: str | None) -> FlowRow | None:
    source, destination = canonical(seen.src_ip), canonical(seen.dst_ip)
    source_port, destination_port = port(seen.src_port), port(seen.dst_port)
    if not (source and destination and source_port and destination_port and usable(seen.ts)):
        return None
    return FlowRow(n, seen.ts, spoken, source, source_port, destination, destination_port)


def lookup_rows(lookups: Mapping[int, Lookup], hosts: Mapping[int, Sequence[int]]) -> Iterator[LookupRow]:
    """Give the lookups, each with its number and its host, where that is one."""
    for n, lookup in lookups.items():
        if usable(lookup.ts):
            yield LookupRow(
                n=n,
                ts=lookup.ts,
                protocol=protocol_of(lookup),
                src_ip=canonical(lookup.src_ip),
                src_port=port(lookup.src_port),
                dst_ip=(destination := canonical(lookup.dst_ip)),
                dst_port=port(lookup.dst_port),
                server=host_name(lookup.server),
                object=text(lookup.query.object) if lookup.query else None,
                clear_http=lookup.transport == "http",
                browser=lookup.client.cls is ClientClass.BROWSER,
                port43=lookup.detection is Detection.PORT43,
                public=destination is not None and is_public(destination),
                ja3=text(lookup.client.ja3),
                host=hosts[n][0] if len(hosts[n]) == 1 else None,
            )


def sockets(registry: Registry) -> Iterator[SocketRow]:
    """Give the sockets that name a remote side."""
    for n, (process, socket) in enumerate(registry.sockets_of()):
        remote, remote_port = canonical(socket.remote_ip), port(socket.remote_port)
        if not (remote and remote_port and usable(socket.ts)):
            continue
        local = canonical(socket.local_ip)
        yield SocketRow(
            n=n,
            timeline=registry.timeline(socket.host, socket.product),
            host=registry.host(socket.host),
            process=process,
            ts=socket.ts,
            protocol=protocol(socket.protocol),
            local_ip=local if local and names_a_host(local) else None,
            local_port=port(socket.local_port),
            remote_ip=remote,
            remote_port=remote_port,
            remote_name=url_host(socket.remote_name),
            outbound=socket.initiated,
            record=utf8(socket.id),
        )


def addresses(registry: Registry) -> Iterator[AddressRow]:
    """Give the hosts' addresses."""
    return (AddressRow(host, ip) for ip, hosts in registry.addresses.items() for host in hosts)


def names(registry: Registry) -> Iterator[NameRow]:
    """Give the DNS queries."""
    for n, (process, query) in enumerate(registry.queries_of()):
        name = host_name(query.name)
        if name and usable(query.ts):
            yield NameRow(
                n=n,
                timeline=registry.timeline(query.host, query.product),
                host=registry.host(query.host),
                process=process,
                ts=query.ts,
                name=name,
                answered=bool(query.addresses),
                resolver=registry.is_resolver(registry.processes[process]),
            )


def answers(registry: Registry) -> Iterator[AnswerRow]:
    """Give the addresses of all DNS answers."""
    for n, query in enumerate(registry.reading.name_queries):
        for spelling in query.addresses:
            address = canonical(spelling)
            if address:
                yield AnswerRow(n, address)


def processes(registry: Registry, tool_kind: dict[int, str]) -> Iterator[ProcessRow]:
    """Give every process whose start is known; ``tool_kind`` maps those the catalogue knows."""
    for n, timeline, process in registry.started():
        if process.started is not None and usable(process.started):
            ended = process.ended if process.ended is not None and usable(process.ended) else None
            yield ProcessRow(
                n=n,
                timeline=timeline,
                host=registry.host(process.host),
                started=process.started,
                ended=ended,
                command=text(process.command_line),
                tool=tool_kind.get(n),
            )
