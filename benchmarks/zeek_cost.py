#!/usr/bin/env python3
"""What the Zeek package costs: user CPU and peak memory of `zeek -C -r` with and without it, in turn, on one machine.

    benchmarks/zeek_cost.py CAPTURE [--rounds 5]   any capture, the larger and the more mixed the better
    benchmarks/zeek_cost.py --flood 100000         captures made for it: that many WHOIS sessions, ended and left open

Needs zeek on PATH. Ratios of medians are what to quote: both ways run in turn, so that a machine's drift hits both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import struct
import subprocess
import sys
import tempfile
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).resolve().parent.parent / "zeek_scripts"
ETHERNET: Final = bytes.fromhex("02000a14000502000a1400010800")
FIN, SYN, PSH, ACK = 1, 2, 8, 16
CLIENTS: Final = 50
SERVERS: Final = 2_000
REPLY: Final = b"Domain Name: EXAMPLE.COM\r\n" + b"Remark: all of this reply is made up\r\n" * 36
"""Under the 1,460 bytes of one segment."""
START: Final = 1_790_000_000
GAP: Final = {True: 300, False: 100}
"""Microseconds between packets: ended sessions are over after two milliseconds, open ones live all at once."""
TAIL: Final = 40_000
"""Packets after open sessions, one each hundredth of a second: Zeek gives the sessions up after 300 seconds."""


class Run(NamedTuple):
    """One process: user and system CPU in seconds, peak resident memory in MB."""

    user: float
    system: float
    resident: float


def run(capture: Path, scripts: list[str]) -> Run:
    """Run zeek over ``capture`` in a folder of its own. Exits when Zeek fails."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["zeek", "-D", "-C", "-r", str(capture.resolve()), *scripts],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"zeek failed on {capture}: status {process.returncode}")
    return Run(usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024)


def compare(name: str, capture: Path, rounds: int) -> None:
    """Print a row with the medians of both ways and their ratios."""
    run(capture, [])  # the page cache is warm for all that count
    plain, ours = [], []
    for _ in range(rounds):
        plain.append(run(capture, []))
        ours.append(run(capture, [str(PACKAGE)]))
    user, user_ours = (statistics.median(one.user for one in runs) for runs in (plain, ours))
    cpu, cpu_ours = (statistics.median(one.user + one.system for one in runs) for runs in (plain, ours))
    memory, memory_ours = (max(one.resident for one in runs) for runs in (plain, ours))
    print(
        f"| {name} | {user:.2f} | {user_ours:.2f} | {100 * (user_ours / user - 1):+.1f} % "
        f"| {100 * (cpu_ours / cpu - 1):+.1f} % | {memory:.0f} | {memory_ours:.0f} |",
        flush=True,
    )


def packet(
    ends: tuple[bytes, bytes], ports: tuple[int, int], numbers: tuple[int, int], flags: int, data: bytes
) -> bytes:
    """One frame; checksums are left zero, which `zeek -C` does not look at."""
    tcp = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 64_000, 0, 0) + data
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0)
    return ETHERNET + head + ends[0] + ends[1] + tcp


OTHER: Final = packet((bytes([10, 20, 0, 5]), bytes([203, 0, 113, 80])), (40_000, 80), (1_000, 0), SYN, b"")
"""What goes on after the flood: a client that never gets an answer."""


def session(number: int, *, ended: bool) -> Iterator[bytes]:
    """Yield a WHOIS session with a query of its own; one left open has sent a long line without an end as well."""
    client = IPv4Address(f"10.20.{number % CLIENTS}.5").packed
    server = (IPv4Address("193.0.16.0") + number // CLIENTS % SERVERS).packed
    port = 1_024 + number // (CLIENTS * SERVERS) * 64 + number % 60_000
    query = b"host%d.example.com\r\n" % number + (b"" if ended else b"a" * 900)
    there, back = (client, server), (server, client)
    out, into = (port, 43), (43, port)
    asked, told = 1_001 + len(query), 9_001 + len(REPLY)
    yield packet(there, out, (1_000, 0), SYN, b"")
    yield packet(back, into, (9_000, 1_001), SYN | ACK, b"")
    yield packet(there, out, (1_001, 9_001), PSH | ACK, query)
    yield packet(back, into, (9_001, asked), PSH | ACK, REPLY)
    yield packet(there, out, (asked, told), ACK, b"")
    if ended:
        yield packet(back, into, (told, asked), FIN | ACK, b"")
        yield packet(there, out, (asked, told + 1), FIN | ACK, b"")
        yield packet(back, into, (told + 1, asked + 1), ACK, b"")


def write_flood(path: Path, sessions: int, *, ended: bool) -> None:
    """Write a capture of ``sessions`` WHOIS sessions of 50 clients with 2,000 servers."""
    now = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for number in range(sessions):
            for frame in session(number, ended=ended):
                seconds, micros = divmod(now, 1_000_000)
                file.write(struct.pack("<IIII", START + seconds, micros, len(frame), len(frame)) + frame)
                now += GAP[ended]
        for _ in range(0 if ended else TAIL):
            seconds, micros = divmod(now, 1_000_000)
            file.write(struct.pack("<IIII", START + seconds, micros, len(OTHER), len(OTHER)) + OTHER)
            now += 10_000


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="*", type=Path, metavar="CAPTURE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flood", type=int, metavar="SESSIONS", default=0)
    arguments = parser.parse_args()
    if not arguments.captures and not arguments.flood:
        parser.error("no capture, no flood: nothing to measure")
    print("| capture | user s without | with | user | user + system | MB without | with |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for capture in arguments.captures:
        compare(capture.name, capture, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder:
        for name, ended in (("ended", True), ("left open", False)) if arguments.flood else ():
            path = Path(folder) / "flood.pcap"
            write_flood(path, arguments.flood, ended=ended)
            compare(f"{arguments.flood:,} WHOIS sessions, {name}", path, arguments.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
