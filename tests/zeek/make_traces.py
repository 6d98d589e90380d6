"""Writes the captures of this suite: hand-made sessions whose every byte is in this file.

Usage: python3 make_traces.py DIRECTORY. Standard library only, the same bytes each time. The Suricata tests use these
captures too. What real clients send is in pcaps/; these hold what no real client can be asked for: queries split over
packets, hostile bytes, other protocols on port 43.
"""

from __future__ import annotations

import struct
import sys
from ipaddress import ip_address
from pathlib import Path

CLIENT = "10.20.0.5"
RESOLVER = "10.20.0.53"
START = 1_700_000_000_000_000
"""First packet of each capture, microseconds since the epoch."""
GAP = 5_000
"""Between packets, microseconds."""

MAC = bytes.fromhex("02000a14000502000a140001")
FIN, SYN, PSH, ACK = 1, 2, 8, 16


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of ``data``."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def ends(src: str, dst: str) -> bytes:
    return ip_address(src).packed + ip_address(dst).packed


def ip_packet(protocol: int, src: str, dst: str, payload: bytes) -> bytes:
    """An Ethernet frame around an IPv4 or IPv6 packet."""
    if ":" in src:
        return MAC + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + ends(src, dst) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + ends(src, dst)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return MAC + b"\x08\x00" + head + payload


def with_checksum(protocol: int, src: str, dst: str, segment: bytes, at: int) -> bytes:
    """``segment`` with its TCP or UDP checksum, over RFC 8200's pseudo-header or IPv4's equal, at offset ``at``."""
    pseudo = ends(src, dst) + struct.pack("!II", len(segment), protocol)
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


class Capture:
    """Packets in order, one every ``GAP``."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self.now = START
        self.next_port = 40_001

    def add(self, frame: bytes) -> None:
        self.packets.append((self.now, frame))
        self.now += GAP

    def wait(self, seconds: float) -> Capture:
        self.now += int(seconds * 1_000_000)
        return self

    def udp(self, src: str, sport: int, dst: str, dport: int, payload: bytes) -> None:
        segment = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
        self.add(ip_packet(17, src, dst, with_checksum(17, src, dst, segment, 6)))

    def tcp(self, server: str, port: int, *says: bytes | tuple[bytes, ...], client: str = CLIENT) -> Capture:
        """One whole session. ``says`` alternates client, server, client...; a tuple is sent as several segments."""
        session = TcpSession(self, client, self.next_port, server, port)
        self.next_port += 1
        session.open()
        for turn, said in enumerate(says):
            for segment in said if isinstance(said, tuple) else (said,):
                session.send(segment, from_client=turn % 2 == 0)
        session.close()
        return self

    def unanswered(self, server: str, port: int) -> Capture:
        """A SYN that nobody answers."""
        TcpSession(self, CLIENT, self.next_port, server, port).packet(SYN, b"", from_client=True)
        self.next_port += 1
        return self

    def dns(self, name: str, *addresses: str, alias: str | None = None, client: str = CLIENT) -> Capture:
        """A query for the addresses and its answer; with ``alias``, through a CNAME."""
        port = self.next_port
        self.next_port += 1
        question = dns_name(name) + struct.pack("!HH", 1, 1)
        answers = []
        if alias is not None:
            answers.append(dns_record(dns_name(name), 5, dns_name(alias)))
        owner = dns_name(alias or name)
        found = [ip_address(address) for address in addresses]
        answers += [dns_record(owner, 28 if one.version == 6 else 1, one.packed) for one in found]
        self.udp(client, port, RESOLVER, 53, struct.pack("!6H", port, 0x0100, 1, 0, 0, 0) + question)
        head = struct.pack("!6H", port, 0x8180, 1, len(answers), 0, 0)
        self.udp(RESOLVER, 53, client, port, head + question + b"".join(answers))
        return self

    def write(self, path: Path) -> None:
        parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
        for ts, frame in self.packets:
            parts += [struct.pack("<IIII", *divmod(ts, 1_000_000), len(frame), len(frame)), frame]
        path.write_bytes(b"".join(parts))


class TcpSession:
    """Sequence numbers of one TCP session."""

    def __init__(self, capture: Capture, client: str, sport: int, server: str, dport: int) -> None:
        self.capture = capture
        self.ends = {True: (client, sport), False: (server, dport)}
        self.seq = {True: 1_000, False: 9_000}

    def packet(self, flags: int, payload: bytes, *, from_client: bool) -> None:
        (src, sport), (dst, dport) = self.ends[from_client], self.ends[not from_client]
        ack = self.seq[not from_client] if flags & ACK else 0
        head = struct.pack("!HHIIBBHHH", sport, dport, self.seq[from_client], ack, 5 << 4, flags, 64_000, 0, 0)
        self.capture.add(ip_packet(6, src, dst, with_checksum(6, src, dst, head + payload, 16)))
        self.seq[from_client] += len(payload) + bool(flags & (SYN | FIN))

    def open(self) -> None:
        self.packet(SYN, b"", from_client=True)
        self.packet(SYN | ACK, b"", from_client=False)
        self.packet(ACK, b"", from_client=True)

    def send(self, payload: bytes, *, from_client: bool) -> None:
        for at in range(0, len(payload), 1_400):  # nothing is sent for b"": that side is silent
            self.packet(PSH | ACK, payload[at : at + 1_400], from_client=from_client)
            self.packet(ACK, b"", from_client=not from_client)

    def close(self) -> None:
        self.packet(FIN | ACK, b"", from_client=False)
        self.packet(FIN | ACK, b"", from_client=True)
        self.packet(ACK, b"", from_client=False)


def dns_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns_record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def client_hello(
    name: str | None, extensions: tuple[int, ...], ciphers: tuple[int, ...] = (0x1301, 0xC02F, 0xFF)
) -> bytes:
    """A TLS record with a ClientHello; extension 0 carries ``name``, most others a fixed body."""
    bodies = {
        10: struct.pack("!HHH", 4, 29, 23),
        11: b"\x01\x00",
        13: struct.pack("!HH", 2, 0x0403),
        16: b"\x00\x09\x08http/1.1",
        27: b"\x02\x00\x02",
        28: b"\x40\x01",
        34: struct.pack("!HH", 2, 0x0403),
        43: b"\x02\x03\x04",
        45: b"\x01\x01",
        51: struct.pack("!HHH", 36, 29, 32) + bytes(32),
        65037: b"\x00" + struct.pack("!HHB", 1, 1, 7) + struct.pack("!H", 0) + struct.pack("!H", 4) + b"\x00" * 4,
        65281: b"\x00",
    }
    if name is not None:
        bodies[0] = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name.encode()
    parts = [struct.pack("!HH", e, len(bodies.get(e, b""))) + bodies.get(e, b"") for e in extensions]
    listed = b"".join(parts)
    suites = struct.pack(f"!{len(ciphers)}H", *ciphers)
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!H", len(suites)) + suites + b"\x01\x00"
    body += struct.pack("!H", len(listed)) + listed
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(handshake)) + handshake


def server_hello() -> bytes:
    """A TLS 1.2 ServerHello and a fatal alert: enough for a sensor to see both sides speak TLS."""
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!H", 0xC02F) + b"\0" + b"\x00\x00"
    handshake = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack("!H", len(handshake)) + handshake + b"\x15\x03\x03\x00\x02\x02\x28"


OPENSSL = (0, 11, 10, 22, 23, 49, 13, 43, 45, 51)
CHROMIUM = (0x3A3A, 0, 11, 10, 27, 23, 18, 13, 43, 45, 51, 65037, 17613, 0x1A1A)
FIREFOX = (0, 23, 65281, 10, 11, 16, 34, 18, 51, 43, 13, 45, 28, 27, 65037)
IANA_ANSWER = (
    b"% IANA WHOIS server\r\n% for more information on IANA, visit http://www.iana.org\r\n\r\n"
    b"refer:        whois.verisign-grs.com\r\n"
)
FOUND = (
    b"Domain Name: EXAMPLE.COM\r\nRegistry Domain ID: 2336799_DOMAIN_COM-VRSN\r\n"
    b"Registrar WHOIS Server: whois.iana.org\r\n"
)


def http_request(method: str, target: str, host: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def http_answer(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER_HEADERS = (
    f"User-Agent: {BROWSER_AGENT}",
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate",
)
CURL_HEADERS = ("User-Agent: curl/8.5.0", "Accept: */*")
RDAP_TYPE = "application/rdap+json"


def port43() -> Capture:
    """What a query on port 43 can look like."""
    return (
        Capture()
        .dns("whois.iana.org", "192.0.32.59", alias="ianawhois.vip.icann.org")
        .tcp("192.0.32.59", 43, b"example.com\r\n", IANA_ANSWER)
        .tcp("199.7.48.74", 43, (b"domain exam", b"ple.com\r", b"\n"), FOUND)
        .tcp("199.7.48.74", 43, b"=example.net\n", b'No match for "EXAMPLE.NET".\r\n')
        .tcp(
            "193.0.6.135",
            43,
            b"-V Md5.6 --charset UTF-8 -T person Jane Roe\r\n",
            b"%ERROR:201: access denied for 10.20.0.5\r\n",
        )
        .tcp("199.212.0.46", 43, b"n + 192.0.2.7\r\n", b"# ARIN WHOIS data\r\nNetRange: 192.0.2.0 - 192.0.2.255\r\n")
        .tcp("200.7.86.60", 43, b"AS64496", b"aut-num: AS64496\r\n")
        .unanswered("203.0.113.44", 43)
    )


def bulk() -> Capture:
    """Many objects in one session, in the manners of Cymru, RIPE -k and IRRd."""
    cymru = b"begin\nverbose\n" + b"".join(b"192.0.2.%d\n" % i for i in range(1, 9)) + b"end\n"
    return (
        Capture()
        .tcp(
            "216.90.108.31",
            43,
            (cymru[:40], cymru[40:]),
            b"Bulk mode; whois.cymru.com\n15133 | 192.0.2.1 | EXAMPLE, US\n",
        )
        .tcp(
            "193.0.6.135",
            43,
            b"-k\r\n",
            b"% ready\r\n\r\n",
            b"192.0.2.0/24\r\n",
            b"inetnum: x\r\n\r\n",
            b"AS64496\r\n",
            b"aut-num: x\r\n\r\n",
        )
        .tcp("198.108.0.18", 43, b"!!\n", b"", b"!gAS64496\n!iAS-EXAMPLE\n!q\n", b"A12\n192.0.2.0/24\nC\nD\n")
    )


def hostile() -> Capture:
    """Bytes a log must survive: controls, terminal escapes, markup, invalid UTF-8, an endless line, no line at all."""
    return (
        Capture()
        .tcp("198.51.100.9", 43, b"\x1b[31mred\x07\t<script>\xff\xfe\\x41\r\n", b"no\r\n")
        .tcp("198.51.100.9", 43, b"A" * 5_000 + b"\r\n", b"too long\r\n")
        .tcp("198.51.100.9", 43, b"\x00" * 300, b"")
        .tcp("198.51.100.9", 43, b"b\xc3\xbccher.example\r\n", b"domain: b\xc3\xbccher.example\r\n")
        .tcp("198.51.100.9", 43, b"\r\n\r\nlate.example\r\n", b"domain: late.example\r\n")
    )


def foreign_on_43() -> Capture:
    """Other protocols on port 43: no lookups."""
    return (
        Capture()
        .tcp("198.51.100.20", 43, b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-OpenSSH_9.7\r\n")
        .tcp(
            "198.51.100.20",
            43,
            http_request("GET", "/", "198.51.100.20", *CURL_HEADERS),
            http_answer("text/plain", b"hello\n"),
        )
        .tcp("198.51.100.20", 43, client_hello("www.example.com", OPENSSL), server_hello())
        .tcp("198.51.100.20", 43, b"", b"220 mail.example ESMTP\r\n", b"EHLO x\r\n", b"250 mail.example\r\n")
    )


def odd_port() -> Capture:
    """WHOIS away from port 43, beside protocols that look a little like it."""
    return (
        Capture()
        .tcp("198.51.100.43", 4343, b"example.org\r\n", IANA_ANSWER)
        .tcp(
            "198.51.100.43",
            8043,
            b"-V Md5.6 192.0.2.1\r\n",
            b"% This is the RIPE Database query service.\r\n% The objects are in RPSL format.\r\n",
        )
        .tcp("198.51.100.43", 7043, b"192.0.2.0/24\r\n", b"route:      192.0.2.0/24\r\norigin:     AS64496\r\n")
        .dns("whois.nic.uk", "213.248.220.43")
        .tcp("213.248.220.43", 10_043, b"example.uk\r\n", b"\r\n    Domain name:\r\n        example.uk\r\n")
        .tcp("198.51.100.21", 79, b"root@example.org\r\n", b"Login: root\r\n")
        .tcp("198.51.100.21", 21, b"", b"220 FTP\r\n", b"USER anonymous\r\n", b"331 ok\r\n")
        .tcp("198.51.100.21", 110, b"", b"+OK POP3\r\n", b"USER example.com\r\n", b"+OK\r\n")
        .tcp(
            "198.51.100.21",
            8000,
            http_request("GET", "/whois/example.com", "198.51.100.21:8000"),
            http_answer("text/plain", FOUND),
        )
        .tcp("198.51.100.21", 6379, b"PING\r\n", b"+PONG\r\n")
        .tcp("198.51.100.21", 9000, b"example.org\r\n", b"unknown command\r\n")
    )


def tls() -> Capture:
    """Lookup hosts and traps over TLS, by stack; names in sight, hidden, and behind a shared outer name."""
    return (
        Capture()
        .tcp("199.5.26.46", 443, client_hello("rdap.arin.net", OPENSSL), server_hello())
        .tcp("199.5.26.46", 443, client_hello("rdap.arin.net", CHROMIUM), server_hello())
        .tcp("104.18.4.69", 443, client_hello("who.is", FIREFOX), server_hello())
        .tcp("104.18.4.70", 443, client_hello("whois.Example.ORG", OPENSSL), server_hello())
        .tcp("203.0.113.80", 443, client_hello("whoiselijah.com.au", OPENSSL), server_hello())
        .tcp("203.0.113.80", 443, client_hello("cardapio.example", OPENSSL), server_hello())
        .dns("rdap.db.ripe.net", "193.0.6.143")
        .tcp("193.0.6.143", 443, client_hello(None, OPENSSL), server_hello())
        .tcp("193.0.6.143", 443, client_hello("cloudflare-ech.com", CHROMIUM), server_hello())
        .tcp("193.0.6.143", 443, client_hello("www.example.com", CHROMIUM), server_hello())
        .tcp("193.0.6.143", 443, client_hello(None, OPENSSL), server_hello(), client="10.20.0.6")
    )


def http() -> Capture:
    """RDAP, lookup sites and traps in clear HTTP."""
    rdap = http_answer(RDAP_TYPE, b'{"objectClassName":"domain"}')
    page = http_answer("text/html", b"<html></html>")
    return (
        Capture()
        .tcp("199.5.26.46", 80, http_request("GET", "/registry/ip/192.0.2.1", "rdap.arin.net", *CURL_HEADERS), rdap)
        .tcp(
            "199.71.0.46",
            80,
            http_request("GET", "/rest/ip/192.0.2.1", "whois.arin.net", "User-Agent: Recon-ng/v5"),
            page,
        )
        .tcp("104.18.4.69", 80, http_request("GET", "/whois/example.com", "who.is", *BROWSER_HEADERS), page)
        .tcp(
            "104.18.4.69",
            80,
            http_request("GET", "/whois/example.com", "who.is", f"User-Agent: {BROWSER_AGENT}", "Accept: */*"),
            page,
        )
        .tcp(
            "203.0.113.81", 80, http_request("GET", "/rdap/domain/example.com", "registry.example", *CURL_HEADERS), rdap
        )
        .tcp(
            "203.0.113.81",
            80,
            http_request("GET", "/v1/domain/example.com", "api.registry.example", *CURL_HEADERS),
            rdap,
        )
        .tcp("203.0.113.81", 80, http_request("GET", "/news/whois-the-boss", "www.example.com", *BROWSER_HEADERS), page)
        .tcp("203.0.113.81", 80, http_request("GET", "/domain/list", "shop.example", *CURL_HEADERS), page)
        .tcp("203.0.113.81", 80, http_request("GET", "/", "whoiselijah.com.au", *BROWSER_HEADERS), page)
    )


TRACES = {t.__name__.replace("_", "-"): t for t in (port43, bulk, hostile, foreign_on_43, odd_port, tls, http)}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TRACES.items():
        make().write(folder / f"{name}.pcap")


if __name__ == "__main__":
    main()
