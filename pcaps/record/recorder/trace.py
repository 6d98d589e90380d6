"""Reads strace's account (one file per thread) into processes and connects: the kernel's word on who did what."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(r"^(\d+)\.(\d{6}) (.*)$")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
EXEC = re.compile(r'^execve\((".*?"), \[(.*)\], 0x\S+ .*\) = 0$')
FORK = re.compile(r"^(clone3?|v?fork)\((.*)\)\s+= (\d+)")
CONNECT = re.compile(
    r"^connect\((\d+)<(?P<proto>TCP|UDP)(?:v6)?:\[(?P<bound>[^>]*)\]>, "
    r"\{sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:inet_addr\(|inet_pton\(AF_INET6, )(?P<address>"[^"]*")'
)
ENDS = re.compile(r"(\d+)<(TCP|UDP)(?:v6)?:\[([^<>]*?)->([^<>]*?)\]>")
HEX = re.compile(r"\\x([0-9a-f]{2})")


@dataclass
class Process:
    """One program image in one process: a pid that execs twice yields two. Times are microseconds."""

    pid: int
    ppid: int | None
    exe: str
    argv: list[str]
    start: int
    end: int | None = None
    execed: bool = True
    """False for a fork that went on as the same program: EDR products record no start for it."""


@dataclass(frozen=True)
class Connect:
    """One connect() call; ``local`` is filled when a later call showed the socket's own end."""

    ts: int
    pid: int
    protocol: str
    remote: tuple[str, int]
    local: tuple[str, int] | None


@dataclass
class _Thread:
    tid: int
    events: list[tuple[int, str]]
    children: dict[int, tuple[int, bool]] = field(default_factory=dict)
    """Child id to (when, whether it is a thread of the same process)."""


@dataclass(frozen=True)
class Account:
    """All processes in order of start, and all connects in order of time."""

    processes: list[Process]
    connects: list[Connect]


def read(folder: Path, homes: Path) -> Account:
    """Read all `t.TID` files of a folder. ``homes`` is what the workstation saw as /home."""
    threads = {int(path.suffix[1:]): _thread(path) for path in folder.iterdir()}
    parent = {child: (tid, *when) for tid, thread in threads.items() for child, when in thread.children.items()}
    leader = {tid: _leader(tid, parent) for tid in threads}
    processes: dict[int, list[Process]] = {}
    for tid in sorted(threads, key=lambda key: threads[key].events[0][0]):
        if leader[tid] == tid:
            processes[tid] = _images(threads[tid], parent.get(tid), leader, processes, homes)
    connects = []
    for pid in processes:
        events = sorted(event for tid, thread in threads.items() if leader[tid] == pid for event in thread.events)
        connects += list(_connects(pid, events))
    flat = [process for images in processes.values() for process in images]
    return Account(sorted(flat, key=lambda item: item.start), sorted(connects, key=lambda item: item.ts))


def _thread(path: Path) -> _Thread:
    thread = _Thread(int(path.suffix[1:]), [])
    for line in path.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if not found:
            continue
        ts, text = int(found[1]) * 1_000_000 + int(found[2]), found[3]
        thread.events.append((ts, text))
        if fork := FORK.match(text):
            thread.children[int(fork[3])] = (ts, "CLONE_THREAD" in fork[2])
    return thread


def _leader(tid: int, parent: dict[int, tuple[int, int, bool]]) -> int:
    while tid in parent and parent[tid][2]:
        tid = parent[tid][0]
    return tid


def _images(
    thread: _Thread,
    origin: tuple[int, int, bool] | None,
    leader: dict[int, int],
    known: dict[int, list[Process]],
    homes: Path,
) -> list[Process]:
    """List the programs one process ran, in order; a fork starts as a copy of its parent's program."""
    images: list[Process] = []
    ppid = leader[origin[0]] if origin else None
    if origin and (earlier := [image for image in known.get(ppid or 0, []) if image.start <= origin[1]]):
        last = earlier[-1]
        images.append(Process(thread.tid, ppid, last.exe, last.argv, origin[1], execed=False))
    for ts, text in thread.events:
        if found := EXEC.match(text):
            exe, argv = _text(found[1]), [_text(part) for part in re.findall(r'"[^"]*"', found[2])]
            if exe == "/proc/self/exe" and images:
                exe = images[-1].exe
            if images:
                images[-1].end = ts
            images.append(Process(thread.tid, ppid, *_program(exe, argv, homes), ts))
        elif text.startswith("+++ ") and images:
            images[-1].end = ts
    # A fork that execs at once never ran as a copy in any EDR's eyes.
    return images[1:] if len(images) > 1 and not images[0].execed else images


def _program(exe: str, argv: list[str], homes: Path) -> tuple[str, list[str]]:
    """Tell what the kernel runs: links resolved, and the interpreter in place of a script (as /proc/PID/exe shows)."""
    real = os.path.realpath(exe)
    path = Path(str(homes) + real.removeprefix("/home")) if real.startswith("/home/") else Path(real)
    try:
        head = path.open("rb").readline(256)
    except OSError:
        return real, argv
    if not head.startswith(b"#!"):
        return real, argv
    interpreter = head[2:].decode("utf-8", "replace").split(maxsplit=1)
    options = [part.strip() for part in interpreter[1:]]
    return _program(interpreter[0].strip(), [interpreter[0].strip(), *options, exe, *argv[1:]], homes)


def _connects(pid: int, events: list[tuple[int, str]]) -> Iterator[Connect]:
    pending: dict[str, tuple[int, str, tuple[str, int]]] = {}
    for ts, text in events:
        if found := CONNECT.match(text):
            if found[1] in pending:
                yield _unresolved(pid, pending.pop(found[1]))
            remote = (_plain(_text(found["address"])), int(found["port"]))
            if ":" in found["bound"]:
                # Bound to a port beforehand (Chromium's resolver): the address is the wildcard until it is sent.
                yield Connect(ts, pid, found["proto"].lower(), remote, _endpoint(found["bound"]))
                continue
            pending[found[1]] = (ts, found["proto"].lower(), remote)
        for descriptor, _, near, far in ENDS.findall(text):
            if descriptor in pending and pending[descriptor][2] == _endpoint(far):
                begun, protocol, remote = pending.pop(descriptor)
                yield Connect(begun, pid, protocol, remote, _endpoint(near))
    for rest in pending.values():
        yield _unresolved(pid, rest)


def _unresolved(pid: int, entry: tuple[int, str, tuple[str, int]]) -> Connect:
    return Connect(entry[0], pid, entry[1], entry[2], None)


def _endpoint(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return _plain(address.strip("[]")), int(port)


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")


def _text(literal: str) -> str:
    raw = bytes(int(code, 16) for code in HEX.findall(literal)) if "\\x" in literal else literal.strip('"').encode()
    return raw.decode("utf-8", "replace")
