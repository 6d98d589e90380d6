"""A DNS server that knows the plan's names and answers NXDOMAIN for everything else, over UDP and TCP."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from recorder.addresses import Plan

A, AAAA, SOA, PTR = 1, 28, 6, 12
NOERROR, NXDOMAIN = 0, 3
TTL = 300


class Zone:
    """Names and their addresses."""

    def __init__(self, plan: Plan) -> None:
        """Take every server of the plan."""
        self.records: dict[str, dict[int, str]] = {}
        for server in (*plan.servers, plan.resolver):
            entry = {A: server.private}
            if server.private6:
                entry[AAAA] = server.private6
            self.records[server.name] = entry
        self.records[plan.client.fqdn] = {A: plan.client.private}

    def answer(self, request: bytes) -> bytes | None:
        """One reply to one query message, or None when it is no query."""
        if len(request) < 17:  # noqa: PLR2004  header and the smallest question
            return None
        ident, flags = struct.unpack_from("!HH", request)
        labels, at = [], 12
        while request[at]:
            labels.append(request[at + 1 : at + 1 + request[at]].decode("ascii", "replace"))
            at += 1 + request[at]
        qtype = struct.unpack_from("!H", request, at + 1)[0]
        question = request[12 : at + 5]
        found = self.records.get(".".join(labels).lower())
        code = NOERROR if found else NXDOMAIN
        data = ipaddress.ip_address(found[qtype]).packed if found and qtype in found else None
        answer = b"\xc0\x0c" + struct.pack("!HHIH", qtype, 1, TTL, len(data)) + data if data else b""
        authority = b"" if data else _soa()
        counts = struct.pack("!HHHH", 1, int(bool(data)), int(not data), 0)
        return struct.pack("!HH", ident, 0x8180 | (flags & 0x0100) | code) + counts + question + answer + authority


def _soa() -> bytes:
    name = b"\x01a\x0croot-servers\x03net\x00"
    contact = b"\x05nstld\x0cverisign-grs\x03com\x00"
    rdata = name + contact + struct.pack("!IIIII", 2026112301, 1800, 900, 604800, 86400)
    return b"\x00" + struct.pack("!HHIH", SOA, 1, 60, len(rdata)) + rdata


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no subclass of DatagramTransport, so isinstance cannot narrow it.
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if reply := self.zone.answer(data):
            self.transport.sendto(reply, addr)


async def serve(plan: Plan) -> None:
    """Answer on the resolver's address, port 53."""
    zone = Zone(plan)

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = struct.unpack("!H", await reader.readexactly(2))[0]
                reply = zone.answer(await reader.readexactly(size)) or b""
                writer.write(struct.pack("!H", len(reply)) + reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Udp(zone), local_addr=(plan.resolver.private, 53))
    await asyncio.start_server(stream, plan.resolver.private, 53)
