"""Community ID (version 1, seed 0): for a lookup whose sensor gave the id but not the whole tuple."""

from __future__ import annotations

from typing import TYPE_CHECKING

import communityid
import msgspec

from whosasking.attribution import tables
from whosasking.attribution.addresses import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.model import Lookup, Socket

_NUMBERS = {"tcp": communityid.PROTO_TCP, "udp": communityid.PROTO_UDP}
_HIGHEST_PORT = 65535


class LookupIdRow(msgspec.Struct):
    """A lookup known by its Community ID alone."""

    lookup: int
    ts: int
    community_id: str


class SocketIdRow(msgspec.Struct):
    """The Community ID of a socket."""

    socket: int
    community_id: str


def without_tuple(lookups: Sequence[Lookup]) -> list[LookupIdRow]:
    """Give the lookups that have an id and lack an address or a port."""
    return [
        LookupIdRow(n, lookup.ts, lookup.community_id)
        for n, lookup in enumerate(lookups)
        if lookup.community_id
        and lookup.community_id.isascii()
        and tables.usable(lookup.ts)
        and not (lookup.src_port and lookup.dst_port and canonical(lookup.src_ip) and canonical(lookup.dst_ip))
    ]


def of_sockets(registry: Registry, servers: frozenset[str]) -> Iterator[SocketIdRow]:
    """Give the ids of the sockets, of those to ``servers`` only unless it is empty: one id costs a SHA-1."""
    maker = communityid.CommunityID()
    for n, socket in enumerate(registry.sockets):
        if not servers or canonical(socket.remote_ip) in servers:
            found = _of(socket, maker)
            if found:
                yield SocketIdRow(n, found)


def _of(socket: Socket, maker: communityid.CommunityID) -> str | None:
    number = _NUMBERS.get(socket.protocol.lower())
    local, remote = canonical(socket.local_ip), canonical(socket.remote_ip)
    ports = (socket.local_port, socket.remote_port)
    if number is None or not (local and remote) or not all(port and 0 < port <= _HIGHEST_PORT for port in ports):
        return None
    if (":" in local) != (":" in remote):
        return None
    found: str | None = maker.calc(communityid.FlowTuple(number, local, remote, *ports))
    return found
