"""The truth of one recording: which process made which connection and asked for which name, in the shipped addresses.

Processes and connects are the kernel's word (strace); a connect counts when the capture shows its session. Times are
the capture's clock, microseconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from recorder import dns_message, packets, trace

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.addresses import Plan

CLOSE = 300_000
"""Microseconds between a connect and its first packet, at most."""


@dataclass(frozen=True)
class Process:
    """One program image. ``id`` is unique in the recording; ``parent`` is the id of the image that started it."""

    id: int
    parent: int | None
    pid: int
    ppid: int | None
    exe: str
    argv: list[str]
    start: int
    end: int | None
    user: str
    execed: bool

    @property
    def name(self) -> str:
        """File name of the program."""
        return self.exe.rsplit("/", 1)[-1]

    @property
    def command_line(self) -> str:
        """The arguments joined by blanks, as EDR products on Linux show them."""
        return " ".join(self.argv)


@dataclass(frozen=True)
class Socket:
    """One connection: ``process`` made it at ``ts``; ``via`` says how its local port is known (strace or capture)."""

    ts: int
    process: int
    protocol: str
    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int
    established: bool
    via: str

    @property
    def key(self) -> tuple[str, str, int, str, int]:
        """The 5-tuple, client side first."""
        return (self.protocol, self.local_ip, self.local_port, self.remote_ip, self.remote_port)


@dataclass(frozen=True)
class NameQuery:
    """One DNS question of a process and its answer."""

    ts: int
    process: int
    name: str
    qtype: str
    code: int
    addresses: list[str]


@dataclass
class Truth:
    """All of it, each list in order of time. ``orphans`` are sessions that no process could be found for."""

    processes: list[Process] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    names: list[NameQuery] = field(default_factory=list)
    orphans: list[packets.Session] = field(default_factory=list)

    def process(self, ident: int) -> Process:
        """Return the process with that id."""
        return self.processes[ident]

    def ancestors(self, ident: int) -> list[Process]:
        """Return the process and its parents, nearest first."""
        chain = [self.processes[ident]]
        while chain[-1].parent is not None:
            chain.append(self.processes[chain[-1].parent])
        return chain


def assemble(folder: Path, capture: Path, plan: Plan) -> Truth:
    """Join strace's account with the shipped capture; raises ValueError when a session has two makers."""
    account = trace.read(folder / "trace", folder / "homes")
    truth = Truth(processes=_processes(account.processes, plan.client.user))
    client = {plan.client.private, plan.map(plan.client.private6)}
    sessions = packets.sessions(capture, client)
    answered = {(p.dst, p.dst_port, p.src, p.src_port) for p in packets.packets(capture) if p.dst in client}
    taken: set[tuple[str, str, int, str, int]] = set()
    # Connects whose port is known go first, so that the others choose among what is left.
    for connect in sorted(account.connects, key=lambda item: item.local is None):
        session = _session(connect, sessions, taken, plan)
        if session is None:
            continue  # glibc connects UDP sockets only to learn a source address: nothing was sent
        taken.add(session.key)
        owner = _image(truth.processes, connect.pid, connect.ts)
        via = "capture" if connect.local is None else "strace"
        truth.sockets.append(Socket(connect.ts, owner, *session.key, session.key[1:] in answered, via))
    truth.sockets.sort(key=lambda socket: socket.ts)
    truth.orphans = [session for session in sessions if session.key not in taken]
    truth.names = _names(capture, {socket.key: socket.process for socket in truth.sockets})
    return truth


def _processes(found: list[trace.Process], user: str) -> list[Process]:
    result: list[Process] = []
    latest: dict[int, list[int]] = defaultdict(list)
    for ident, process in enumerate(found):
        parents = latest.get(process.ppid or 0, [])
        started = [index for index in parents if result[index].start <= process.start]
        parent = started[-1] if started else None
        result.append(Process(ident, parent, process.pid, process.ppid, process.exe, process.argv, process.start,
                              process.end, user, process.execed))  # fmt: skip
        latest[process.pid].append(ident)
    return result


def _image(processes: list[Process], pid: int, ts: int) -> int:
    return [process.id for process in processes if process.pid == pid and process.start <= ts][-1]


def _session(
    connect: trace.Connect, sessions: list[packets.Session], taken: set[Any], plan: Plan
) -> packets.Session | None:
    remote = (plan.map(connect.remote[0]), connect.remote[1])
    near = [
        session
        for session in sessions
        if session.protocol == connect.protocol
        and (session.dst_ip, session.dst_port) == remote
        and session.key not in taken
        and (connect.local is None or connect.local[1] == session.src_port)
        and (connect.local is not None or 0 <= session.ts - connect.ts <= CLOSE)
    ]
    if connect.local is None and connect.protocol == "udp":
        return None
    if connect.local is None and len(near) > 1:
        raise ValueError(f"two sessions fit one connect of pid {connect.pid} to {remote}")
    return near[0] if near else None


def _names(capture: Path, owners: dict[tuple[str, str, int, str, int], int]) -> list[NameQuery]:
    asked: dict[tuple[int, int, str], tuple[int, int]] = {}
    result = []
    for packet in packets.packets(capture):
        if packet.protocol != packets.UDP or packets.DNS_PORT not in {packet.src_port, packet.dst_port}:
            continue
        message = dns_message.parse(packet.payload)
        if not message.response:
            owner = owners.get(("udp", packet.src, packet.src_port, packet.dst, packet.dst_port))
            if owner is not None:
                asked[packet.src_port, message.ident, message.name] = (packet.ts, owner)
        elif entry := asked.pop((packet.dst_port, message.ident, message.name), None):
            kind = dns_message.TYPES.get(message.qtype, str(message.qtype))
            addresses = [address for _, address in message.addresses]
            result.append(NameQuery(*entry, message.name, kind, message.code, addresses))
    return sorted(result, key=lambda item: item.ts)


def save(truth: Truth, target: Path) -> None:
    """One JSON object a line; `type` is process, socket or name."""
    kinds = (("process", truth.processes), ("socket", truth.sockets), ("name", truth.names))
    lines = [json.dumps({"type": kind, **asdict(item)}) for kind, items in kinds for item in items]
    target.write_text("\n".join(lines) + "\n")


def load(source: Path) -> Truth:
    """Read what ``save`` wrote."""
    truth = Truth()
    for line in source.read_text().splitlines():
        entry = json.loads(line)
        match entry.pop("type"):
            case "process":
                truth.processes.append(Process(**entry))
            case "socket":
                truth.sockets.append(Socket(**entry))
            case "name":
                truth.names.append(NameQuery(**entry))
    return truth
