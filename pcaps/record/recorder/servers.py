"""Starts every server of the plan inside the router's namespace and writes `ready` when all listen."""

from __future__ import annotations

import asyncio
import functools
import sys
from pathlib import Path

import asyncssh

from recorder import addresses, dns_server, whois_server
from recorder.web_server import Web

CLEAR, TLS = "80", "443"
SSH_HOST = "build.partner.example"
"""A partner who runs SSH on port 43, to get through somebody's firewall."""


async def start(folder: Path) -> None:
    """Listen on every (address, port) of the plan; where names share an address the first one owns it."""
    plan = addresses.load()
    web = Web(plan, folder)
    await dns_server.serve(plan)
    for server in plan.servers:
        for port in server.ports:
            for address in filter(None, (server.private, server.private6)):
                await _listen(web, server.name, address, port)
    (folder / "ready").touch()
    await asyncio.Event().wait()


async def _listen(web: Web, name: str, address: str, port: str) -> None:
    if port.endswith("/udp"):
        await web.quic(address, name)
    elif port == CLEAR:
        await asyncio.start_server(functools.partial(web.stream, name, "http"), address, 80)
    elif port == TLS:
        await asyncio.start_server(functools.partial(web.stream, name, "https"), address, 443, ssl=web.tls(name))
    elif name == SSH_HOST:
        key = asyncssh.generate_private_key("ssh-ed25519")
        await asyncssh.listen(address, int(port), server_host_keys=[key])
    else:
        await asyncio.start_server(functools.partial(whois_server.session, name), address, int(port))


if __name__ == "__main__":
    asyncio.run(start(Path(sys.argv[1])))
