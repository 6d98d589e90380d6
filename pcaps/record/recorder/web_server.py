"""HTTP/1.1 in clear and over TLS, and HTTP/3 over QUIC, for every web host of the plan."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import TYPE_CHECKING

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve as serve_quic
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

from recorder.web_content import respond

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan

SERVER = "nginx"


class Web:
    """Answers requests and writes one line per request, which tells the recorder that a browser has loaded its page."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Certificates are `HOST.pem` and `HOST.key` in the folder; the log is `requests.ndjson` there."""
        self.roles = {server.name: server.role for server in plan.servers}
        self.folder = folder
        self.log = (folder / "requests.ndjson").open("a", buffering=1)
        self.contexts = {path.stem: self._context(path.stem) for path in folder.glob("*.pem") if path.stem != "ca"}

    def _context(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{host}.pem", self.folder / f"{host}.key")
        context.set_alpn_protocols(["http/1.1"])
        return context

    def tls(self, default: str) -> ssl.SSLContext:
        """Make a server context that picks the certificate by SNI; a client without one gets the default host's."""
        context = self._context(default)

        def choose(link: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            if name in self.contexts:
                link.context = self.contexts[name]

        context.sni_callback = choose
        return context

    def answer(self, host: str, target: str, scheme: str) -> tuple[int, dict[str, str], bytes]:
        """Log one request and answer it."""
        entry = {"ts": time.time(), "scheme": scheme, "host": host, "target": target}
        self.log.write(json.dumps(entry) + "\n")
        return respond(self.roles.get(host, "ordinary"), host, target)

    async def stream(
        self, default: str, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection until the client closes it or asks for close."""
        try:
            while request := await asyncio.wait_for(reader.readline(), 15):
                method, target, *_ = request.decode("latin-1").split()
                headers = {}
                while (line := await reader.readline()).strip():
                    key, _, value = line.decode("latin-1").partition(":")
                    headers[key.strip().lower()] = value.strip()
                host = headers.get("host", default).split(":")[0]
                status, fields, body = self.answer(host, target, scheme)
                close = headers.get("connection", "").lower() == "close"
                fields |= {
                    "Server": SERVER,
                    "Content-Length": str(len(body)),
                    "Connection": "close" if close else "keep-alive",
                }
                head = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
                writer.write(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode() + (b"" if method == "HEAD" else body))
                await writer.drain()
                if close:
                    break
        except (TimeoutError, ConnectionError, ValueError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def quic(self, address: str, host: str) -> None:
        """Serve HTTP/3 for one host."""
        configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
        configuration.load_cert_chain(self.folder / f"{host}.pem", self.folder / f"{host}.key")
        web = self

        class Protocol(QuicConnectionProtocol):
            http: H3Connection | None = None

            def quic_event_received(self, event: QuicEvent) -> None:
                if isinstance(event, ProtocolNegotiated):
                    self.http = H3Connection(self._quic)
                for http_event in self.http.handle_event(event) if self.http else []:
                    self.http_event(http_event)

            def http_event(self, event: H3Event) -> None:
                if not isinstance(event, HeadersReceived) or self.http is None:
                    return
                fields = {key.decode(): value.decode() for key, value in event.headers}
                status, extra, body = web.answer(fields.get(":authority", host), fields.get(":path", "/"), "quic")
                head = [(b":status", str(status).encode())]
                head += [(key.lower().encode(), value.encode()) for key, value in extra.items()]
                self.http.send_headers(event.stream_id, head)
                self.http.send_data(event.stream_id, body, end_stream=True)
                self.transmit()

        await serve_quic(address, 443, configuration=configuration, create_protocol=Protocol)
