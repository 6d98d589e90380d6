#!/usr/bin/env python3
"""Write one day of a site's Zeek logs (TSV: conn, dns, ssl, http), the same bytes for the same options.

The mix follows what campus and office sensors log: 40 % of connections are DNS, 32 % TLS, 8 % clear HTTP, the rest
scans, mail and the like; few clients make most connections. One connection in ``--one-in`` is a WHOIS or RDAP lookup.
About 300 bytes of logs per connection: 5,000,000 connections are 1.5 GB, made in under a minute.
"""

from __future__ import annotations

import argparse
import gzip
import random
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY: Final = 86_400
START: Final = 1_790_812_800  # 2026-10-01T00:00:00Z
BATCH: Final = 20_000
DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TAB: Final = "\t"
ENDS: Final = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p"
END_TYPES: Final = "time\tstring\taddr\tport\taddr\tport"
FIELDS: Final = {
    "conn": """
        proto:enum service:string duration:interval orig_bytes:count resp_bytes:count conn_state:string
        local_orig:bool local_resp:bool missed_bytes:count history:string orig_pkts:count orig_ip_bytes:count
        resp_pkts:count resp_ip_bytes:count tunnel_parents:set[string] ip_proto:count
    """,
    "dns": """
        proto:enum trans_id:count rtt:interval query:string qclass:count qclass_name:string qtype:count
        qtype_name:string rcode:count rcode_name:string AA:bool TC:bool RD:bool RA:bool Z:count
        answers:vector[string] TTLs:vector[interval] rejected:bool
    """,
    "ssl": """
        version:string cipher:string curve:string server_name:string resumed:bool last_alert:string
        next_protocol:string established:bool ssl_history:string cert_chain_fps:vector[string]
        client_cert_chain_fps:vector[string] sni_matches_cert:bool
    """,
    "http": """
        trans_depth:count method:string host:string uri:string referrer:string version:string
        user_agent:string origin:string request_body_len:count response_body_len:count status_code:count
        status_msg:string info_code:count info_msg:string tags:set[enum] username:string password:string
        proxied:set[string] orig_fuids:vector[string] orig_filenames:vector[string]
        orig_mime_types:vector[string] resp_fuids:vector[string] resp_filenames:vector[string]
        resp_mime_types:vector[string]
    """,
}
"""Columns after the connection's ends, each with its type."""
SYLLABLES: Final = tuple(
    "ar bo cen da el fi gra ho il ju ka lo mer na or pi qua ro sta tri un ver wal xi yor zen".split()  # noqa: SIM905 - reads better
)
LOOKUP_NAMES: Final = (
    b"rdap.arin.net",
    b"rdap.verisign.com",
    b"rdap.db.ripe.net",
    b"who.is",
    b"viewdns.info",
    b"rdap.org",
)
WHOIS_NAMES: Final = (b"whois.verisign-grs.com", b"whois.iana.org", b"whois.ripe.net", b"whois.arin.net")
AGENTS: Final = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    b"Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    b"Microsoft-CryptoAPI/10.0",
    b"curl/8.14.1",
    b"Debian APT-HTTP/1.3 (3.0.3)",
)


_TLS13: Final = (b"TLSv13\tTLS_AES_128_GCM_SHA256\tx25519", b"F\t-\th2\tT\tCsiI\t-\t-\t-")
_TLS12: Final = (
    b"TLSv12\tTLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\tsecp256r1",
    b"F\t-\th2\tT\tCsxknGIi\t%b,%b\t(empty)\tT" % (b"1f0ac93b" * 8, b"8d02536c" * 8),
)


class Site:
    """The hosts and names of one site, and its seeded dice."""

    def __init__(self, seed: int, clients: int) -> None:
        """Roll the site."""
        self.dice = dice = random.Random(seed)  # noqa: S311 - a seeded generator is the point
        self.clients = [
            b"10.%d.%d.%d" % (dice.randrange(8), dice.randrange(256), dice.randrange(1, 255)) for _ in range(clients)
        ]
        self.servers = [_public(dice) for _ in range(20_000)]
        self.names = [_name(dice) for _ in range(20_000)]
        self.triples = [bytes((a, b, c)) for a in DIGITS for b in DIGITS for c in DIGITS]
        dice.shuffle(self.triples)

    def pick(self, pool: list[bytes], count: int) -> list[bytes]:
        """Return ``count`` of ``pool``, the first ones far more often (a power law)."""
        size = len(pool)
        return [pool[int(size * value**3)] for value in _floats(self.dice, count)]

    def uid(self, number: int) -> bytes:
        """Return a uid of Zeek's shape, no two alike."""
        size = len(self.triples)
        high, low = divmod(number, size)
        return b"C%b%b%bq%bx7" % (
            self.triples[low],
            self.triples[high % size],
            self.triples[(number * 7919) % size],
            self.triples[(number * 104_729 + 1) % size],
        )


def _floats(dice: random.Random, count: int) -> Iterator[float]:
    return islice(iter(dice.random, None), count)


def _public(dice: random.Random) -> bytes:
    return b"%d.%d.%d.%d" % (dice.choice((13, 34, 52, 104, 142, 151, 185)), *(dice.randrange(1, 255) for _ in range(3)))


def _name(dice: random.Random) -> bytes:
    words = "".join(dice.choices(SYLLABLES, k=dice.randrange(2, 5)))
    below = dice.choice(("www", "api", "cdn", "img", "static", "login", "telemetry", "edge"))
    return f"{below}.{words}.{dice.choice(('com', 'net', 'org', 'io', 'de'))}".encode()


class Day:
    """The logs being written."""

    def __init__(self, folder: Path, site: Site, *, compress: bool) -> None:
        """Open a file for every log and write its header."""
        self.site = site
        self.files = {}
        for log, columns in FIELDS.items():
            fields, types = zip(*(column.split(":") for column in columns.split()), strict=True)
            name = f"{log}.log.gz" if compress else f"{log}.log"
            file = gzip.open(folder / name, "wb", compresslevel=6) if compress else (folder / name).open("wb")  # noqa: SIM115 - see close
            header = (
                f"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{log}\n"
                f"#open\t2026-10-01-00-00-00\n#fields\t{ENDS}\t{TAB.join(fields)}\n#types\t{END_TYPES}\t{TAB.join(types)}\n"
            )
            file.write(header.encode())
            self.files[log] = file

    def close(self) -> None:
        """Write the footers."""
        for file in self.files.values():
            file.write(b"#close\t2026-10-02-00-00-00\n")
            file.close()

    def batch(self, first: int, count: int, total: int, one_in: int) -> None:
        """Write ``count`` connections, numbered from ``first``."""
        site, dice = self.site, self.site.dice
        lines: dict[str, list[bytes]] = {log: [] for log in FIELDS}
        clients, servers, names = (site.pick(pool, count) for pool in (site.clients, site.servers, site.names))
        ports = dice.choices(range(32_768, 61_000), k=count)
        micros = dice.choices(range(1_000_000), k=count)
        sizes = dice.choices(range(200, 90_000), k=count)
        kinds = dice.choices(range(100), k=count)
        for index in range(count):
            number = first + index
            ts = b"%d.%06d" % (START + number * DAY // total, micros[index])
            ends = b"%b\t%b\t%b\t%d" % (ts, site.uid(number), clients[index], ports[index])
            if number % one_in == one_in // 2:
                _lookup(lines, dice, ends, number)
            else:
                _ordinary(lines, kinds[index], ends, servers[index], names[index], sizes[index])
        for log, found in lines.items():
            self.files[log].write(b"".join(found))


def _ordinary(  # noqa: PLR0913, PLR0917 - a line's parts
    lines: dict[str, list[bytes]], kind: int, ends: bytes, server: bytes, name: bytes, size: int
) -> None:
    if kind < 40:  # noqa: PLR2004 - per cent, see the module's text
        asked = size % 60 + 20
        lines["conn"].append(
            b"%b\t10.0.0.53\t53\tudp\tdns\t0.0%05d\t%d\t%d\tSF\tT\tT\t0\tDd\t1\t%d\t1\t%d\t-\t17\n"
            % (ends, size, asked, asked + 16, asked + 28, asked + 44)
        )
        lines["dns"].append(
            b"%b\t10.0.0.53\t53\tudp\t%d\t0.0%05d\t%b\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t%b.edge.example.net,%b\t%d.000000,60.000000\tF\n"
            % (ends, size % 65_536, size, name, name, server, size % 3600)
        )
    elif kind < 72:  # noqa: PLR2004
        lines["conn"].append(
            b"%b\t%b\t443\ttcp\tssl\t%d.%06d\t%d\t%d\tSF\tT\tF\t0\tShADadFf\t%d\t%d\t%d\t%d\t-\t6\n"
            % (
                ends,
                server,
                size % 90,
                size,
                size // 20,
                size,
                size // 900 + 9,
                size // 18,
                size // 700 + 9,
                size + 800,
            )
        )
        rest = _TLS12 if size % 2 else _TLS13
        lines["ssl"].append(b"%b\t%b\t443\t%b\t%b\t%b\n" % (ends, server, rest[0], name, rest[1]))
    elif kind < 80:  # noqa: PLR2004
        lines["conn"].append(
            b"%b\t%b\t80\ttcp\thttp\t%d.%06d\t%d\t%d\tSF\tT\tF\t0\tShADadfF\t6\t700\t8\t%d\t-\t6\n"
            % (ends, server, size % 60, size, size % 900 + 80, size, size + 420)
        )
        lines["http"].append(
            b"%b\t%b\t80\t1\tGET\t%b\t/assets/%d/v%d/index.html?id=%d\t-\t1.1\t%b\t-\t0\t%d\t200\tOK\t-\t-\t(empty)\t-\t-\t-\t-"
            b"\t-\t-\tF%dQz8\t-\ttext/html\n"
            % (ends, server, name, size, size % 40, size * 7919, AGENTS[size % 5], size, size * 104_729)
        )
    else:
        lines["conn"].append(
            b"%b\t%b\t%d\ttcp\t-\t-\t-\t-\tS0\tT\tF\t0\tS\t1\t60\t0\t0\t-\t6\n" % (ends, server, size % 9000 + 44)
        )


def _lookup(lines: dict[str, list[bytes]], dice: random.Random, ends: bytes, number: int) -> None:
    """Write one lookup, and the DNS answer that led to it."""
    server = b"199.5.26.%d" % dice.randrange(1, 255)
    port43 = (number // 50) % 2 == 0
    name = dice.choice(WHOIS_NAMES if port43 else LOOKUP_NAMES)
    ts, uid, client, port = ends.split(b"\t")
    lines["dns"].append(
        b"%b\tD%b\t%b\t%d\t10.0.0.53\t53\tudp\t77\t0.001000\t%b\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t%b\t300.000000"
        b"\tF\n" % (ts, uid[1:], client, int(port) - 1, name, server)
    )
    if port43:
        lines["conn"].append(
            b"%b\t%b\t43\ttcp\t-\t0.080000\t20\t483\tSF\tT\tF\t0\tShADadfF\t5\t288\t5\t751\t-\t6\n" % (ends, server)
        )
    else:
        lines["conn"].append(
            b"%b\t%b\t443\ttcp\tssl\t0.200000\t700\t3900\tSF\tT\tF\t0\tShADadFf\t9\t1223\t7\t4300\t-\t6\n"
            % (ends, server)
        )
        lines["ssl"].append(
            b"%b\t%b\t443\tTLSv13\tTLS_AES_256_GCM_SHA384\tx25519\t%b\tF\t-\t-\tT\tCsiI\t-\t-\t-\n"
            % (ends, server, name)
        )


def write_day(folder: Path, connections: int, *, one_in: int = 50_000, seed: int = 1, compress: bool = False) -> None:
    """Write the logs of ``connections`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    day = Day(folder, Site(seed, clients=4000), compress=compress)
    for first in range(0, connections, BATCH):
        day.batch(first, min(BATCH, connections - first), connections, one_in)
    day.close()


def main() -> None:
    """Read the options and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--connections", type=int, default=5_000_000)
    parser.add_argument("--one-in", type=int, default=50_000, help="connections per lookup")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gz", action="store_true", help="write .log.gz")
    options = parser.parse_args()
    write_day(options.folder, options.connections, one_in=options.one_in, seed=options.seed, compress=options.gz)


if __name__ == "__main__":
    main()
