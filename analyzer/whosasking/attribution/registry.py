"""Who is who in the endpoint records: hosts, their addresses, and each process once, with all that is known of it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution.addresses import canonical, names_a_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from whosasking.model import EndpointReading, Micros, Process, Socket

RESOLVERS = frozenset(
    {"systemd-resolved", "systemd-resolve", "mdnsresponder", "dnsmasq", "nscd", "unbound", "named", "avahi-daemon"}
)
"""Processes that ask DNS for others. Windows' own is a svchost.exe, told by its command line where there is one."""
_UNKNOWN_NAMES = frozenset({"", "-", "unknown", "<unknown process>", "<unknown>"})
_FILLED = ("pid", "path", "command_line", "user", "started", "ended", "parent")


class Registry:
    """Numbers for hosts, processes and timelines (one product on one host: its events share a clock)."""

    def __init__(self, reading: EndpointReading, host_addresses: Mapping[str, Sequence[str]]) -> None:
        """Enter all that is in ``reading``; ``host_addresses`` adds addresses by a host's name."""
        self.reading = reading
        self.sockets = _Both(reading.sockets, reading.unowned_sockets)
        self.hosts: list[str] = []
        self.timelines: list[tuple[int, str]] = []
        self.processes: list[Process] = []
        self.addresses: dict[str, set[int]] = {}
        self._hosts: dict[str, int] = {}
        self._timelines: dict[tuple[int, str], int] = {}
        self._processes: dict[tuple[int, str, int | None], int] = {}
        self._started: dict[int, int] = {}
        self._read_starts()
        self._read_addresses(host_addresses)

    def host(self, name: str) -> int:
        """Give a host's number. Products differ in the case of its name."""
        number = self._hosts.get(name)
        if number is None:
            number = self._hosts.setdefault(name.casefold(), len(self.hosts))
            self._hosts[name] = number
            if number == len(self.hosts):
                self.hosts.append(name)
        return number

    def timeline(self, host: str, product: str) -> int:
        """Give the number of the clock that one product's events on one host share."""
        key = (self.host(host), product)
        number = self._timelines.setdefault(key, len(self.timelines))
        if number == len(self.timelines):
            self.timelines.append(key)
        return number

    def process(self, process: Process) -> int:
        """Give a process's number, filling in what other records of the same key know about it."""
        key = (self.host(process.host), process.key, process.pid if is_unknown(process) else None)
        number = self._processes.setdefault(key, len(self.processes))
        if number == len(self.processes):
            self.processes.append(process)
        elif self.processes[number] is not process:
            self.processes[number] = _merged(self.processes[number], process)
        return number

    def started(self) -> Iterator[tuple[int, int, Process]]:
        """Give number, timeline and record of every process whose start was recorded."""
        for number, timeline in self._started.items():
            yield number, timeline, self.processes[number]

    def is_resolver(self, process: Process) -> bool:
        """Say whether a process asks DNS for others, so that its queries name nobody."""
        name = process.name.casefold()
        if name != "svchost.exe":
            return name in RESOLVERS
        known = self.processes[self.process(process)].command_line
        return known is None or "dnscache" in known.casefold() or "networkservice" in known.casefold()

    def _read_starts(self) -> None:
        for start in self.reading.starts:
            process = start.process
            if process.started is None:
                process = msgspec.structs.replace(process, started=start.ts)
            number = self.process(process)
            self._started.setdefault(number, self.timeline(process.host, start.product))

    def _read_addresses(self, configured: Mapping[str, Sequence[str]]) -> None:
        named = [*self.reading.addresses.items(), *configured.items()]
        for name, spelling in [(name, spelling) for name, spellings in named for spelling in spellings]:
            self._learn(name, spelling)
        for name, address in {(socket.host, socket.local_ip) for socket in self.sockets}:
            self._learn(name, address)

    def _learn(self, name: str, spelling: str | None) -> None:
        address = canonical(spelling)
        if address and names_a_host(address):
            self.addresses.setdefault(address, set()).add(self.host(name))


class _Both:
    """The sockets with a process and then those without. They may lie on disk: they are gone through, not held."""

    def __init__(self, owned: Sequence[Socket], unowned: Sequence[Socket]) -> None:
        self._owned = owned
        self._unowned = unowned

    def __iter__(self) -> Iterator[Socket]:
        return chain(self._owned, self._unowned)

    def __len__(self) -> int:
        return len(self._owned) + len(self._unowned)

    def __getitem__(self, number: int) -> Socket:
        owned = len(self._owned)
        return self._owned[number] if number < owned else self._unowned[number - owned]


def is_unknown(process: Process) -> bool:
    """Say whether a record has no process in it: Sysmon's ``<unknown process>`` and its all-zero ProcessGuid."""
    return process.name.casefold() in _UNKNOWN_NAMES or (len(process.key) > 1 and not process.key.strip("{}-0"))


def alive(process: Process, at: Micros, slack: Micros) -> bool:
    """Say whether a process ran at an instant of its own clock. What is not recorded does not speak against it."""
    return (process.started is None or process.started - slack <= at) and (
        process.ended is None or at <= process.ended + slack
    )


def _merged(known: Process, other: Process) -> Process:
    missing = {
        name: value for name in _FILLED if getattr(known, name) is None and (value := getattr(other, name)) is not None
    }
    return msgspec.structs.replace(known, **missing) if missing else known
