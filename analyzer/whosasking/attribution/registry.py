"""Who is who in the endpoint records: hosts, their addresses, and each process once, with all that is known of it."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import msgspec

from whosasking.attribution.addresses import canonical, names_a_host
from whosasking.model import NameQuery, ProcessStart, Socket
from whosasking.spool import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from whosasking.model import EndpointReading, Micros, Process

T = TypeVar("T", ProcessStart, Socket, NameQuery)

RESOLVERS = frozenset(
    {"systemd-resolved", "systemd-resolve", "mdnsresponder", "dnsmasq", "nscd", "unbound", "named", "avahi-daemon"}
)
"""Processes that ask DNS for others. Windows' own is a svchost.exe, told by its command line where there is one."""
_UNKNOWN_NAMES = frozenset({"", "-", "unknown", "<unknown process>", "<unknown>"})
_NOT_SAID = -(1 << 63)
_FILLED = ("pid", "path", "command_line", "user", "started", "ended", "parent")


class Registry:
    """Numbers for hosts, processes and timelines (one product on one host: its events share a clock).

    Records on disk refer to their processes by numbers, which are taken over; few records, in memory, hold them.
    """

    def __init__(self, reading: EndpointReading, host_addresses: Mapping[str, Sequence[str]]) -> None:
        """Enter all that is in ``reading``; ``host_addresses`` adds addresses by a host's name."""
        self.reading = reading
        self.sockets = _Both(reading.sockets, reading.unowned_sockets)
        self.hosts: list[str] = []
        self.timelines: list[tuple[int, str]] = []
        self.processes = _Known(reading.processes)
        self.addresses: dict[str, set[int]] = {}
        self._hosts: dict[str, int] = {}
        self._timelines: dict[tuple[int, str], int] = {}
        self._processes: dict[tuple[int, str, int | None], int] = {}
        self._started = array("q")
        self._learned: set[tuple[str, str | None]] = set()
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
        """Give the number of a process of a record in memory, filling in what others of the same key know of it."""
        key = (self.host(process.host), process.key, process.pid if is_unknown(process) else None)
        number = self._processes.setdefault(key, len(self.processes))
        if number == len(self.processes):
            self.processes.append(process)
        elif self.processes[number] is not process:
            self.processes.replace(number, _merged(self.processes[number], process))
        return number

    def sockets_of(self) -> Iterator[tuple[int, Socket]]:
        """Give every socket with the number of its process, and learn the hosts' addresses from them."""
        for number, socket in chain(self._of(self.reading.sockets), self._of(self.reading.unowned_sockets)):
            self._learn(socket.host, socket.local_ip)
            yield number, socket

    def queries_of(self) -> Iterator[tuple[int, NameQuery]]:
        """Give every DNS query with the number of its process."""
        return self._of(self.reading.name_queries)

    def _of(self, records: Sequence[T]) -> Iterator[tuple[int, T]]:
        if isinstance(records, Stored) and self.reading.processes:
            return records.numbered()
        return ((self.process(record.process), record) for record in records)

    def started(self) -> Iterator[tuple[int, int, Process]]:
        """Give number, timeline and record of every process whose start was recorded."""
        for number, timeline in enumerate(self._started):
            if timeline >= 0:
                yield number, timeline, self.processes[number]

    @staticmethod
    def is_resolver(process: Process) -> bool:
        """Say whether one of ``processes`` asks DNS for others, so that its queries name nobody."""
        name = process.name.casefold()
        if name != "svchost.exe":
            return name in RESOLVERS
        known = process.command_line
        return known is None or "dnscache" in known.casefold() or "networkservice" in known.casefold()

    def _read_starts(self) -> None:
        for number, start in self._of(self.reading.starts):
            if self.processes[number].started is None:
                self.processes.began(number, start.ts)
            if number >= len(self._started):
                self._started.extend([-1] * (number + 1 - len(self._started)))
            if self._started[number] < 0:
                self._started[number] = self.timeline(start.process.host, start.product)

    def _read_addresses(self, configured: Mapping[str, Sequence[str]]) -> None:
        named = [*self.reading.addresses.items(), *configured.items()]
        for name, spelling in [(name, spelling) for name, spellings in named for spelling in spellings]:
            self._learn(name, spelling)

    def _learn(self, name: str, spelling: str | None) -> None:
        if (name, spelling) in self._learned:
            return
        self._learned.add((name, spelling))
        address = canonical(spelling)
        if address and names_a_host(address):
            self.addresses.setdefault(address, set()).add(self.host(name))


class _Known:
    """Processes by number: those on disk, with the starts that were found out since, and those that were added."""

    def __init__(self, on_disk: Sequence[Process]) -> None:
        self._on_disk = on_disk
        self._added: list[Process] = []
        self._began = array("q")

    def __len__(self) -> int:
        return len(self._on_disk) + len(self._added)

    def __iter__(self) -> Iterator[Process]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Process:
        on_disk = len(self._on_disk)
        found = self._on_disk[index] if index < on_disk else self._added[index - on_disk]
        began = self._began[index] if index < len(self._began) else _NOT_SAID
        return found if began == _NOT_SAID else msgspec.structs.replace(found, started=began)

    def began(self, number: int, ts: Micros) -> None:
        """Note when a process started whose record does not say so. The record stays on disk: they may be millions."""
        if number >= len(self._began):
            self._began.extend([_NOT_SAID] * (number + 1 - len(self._began)))
        self._began[number] = ts

    def append(self, process: Process) -> None:
        self._added.append(process)

    def replace(self, number: int, process: Process) -> None:
        """Put a fuller record of a process that was added in place of what is known."""
        self._added[number - len(self._on_disk)] = process


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
