"""Whose records matter, when sensors have said which lookups there were: those of hosts that may have had a part.

A host matters when it had a lookup's client address; when it had the server's; when it spoke to the server of a client
that no host is known to be (address translation) or named the server to a proxy that made the lookup; when a DHCP lease
or the configuration gives it a client's address; and when its own records show a lookup (port 43, a listed name, a
lookup tool). All records of such a host are read; of the others only their names are kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.endpoints import urls
from whosasking.endpoints.detections import WHOIS_PORT
from whosasking.endpoints.interface import Collector, Facts, OtherHostError
from whosasking.endpoints.values import address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whosasking.catalogue import Catalogue
    from whosasking.endpoints.lives import Exit
    from whosasking.leases import Lease
    from whosasking.model import Lookup, Micros, NameQuery, Socket
    from whosasking.spool import Streams

_IPV6: Final = (rb"::", rb"(?:[0-9a-f]{1,4}:){6}")
"""Any spelling of an IPv6 address: products differ too much for one to be looked for."""
_PORT_43: Final = (
    rb'"[ \t]*:[ \t]*\\?"?[ \t]*43(?:\\?"|[ \t]*[,}]|\.0)',
    rb'"0x2b"',
    rb"(?:>|\\u003e)43(?:<|\\u003c)",  # XML in JSON
)
_AFTER: Final = (b'"', b";", b",", b" ", b"\\", b"/", b":", b"%", b"<", b"]")
"""What stands behind an address in any product's text, so that 10.0.0.1 is not found in 10.0.0.10."""
_HIDDEN: Final = (
    # A quote inside a word, which a shell takes away; PowerShell's -EncodedCommand.
    rb"[a-z0-9_.](?:\\\"|'|`|\\u0027|\\u0022|(?:&|\\u0026)(?:quot|apos|#[0-9]{2});)+[a-z0-9_.]",
    rb"(?:[\s\"'`;|&(\x80-\xff]|\\[tnr])-e[a-z]{0,16}[\"'`\\]*(?:[\s\x80-\xff]|\\[tnr])",
)
MOST_SOUGHT: Final = 4_000
"""Addresses and names that are looked for in exports."""
_SHORT: Final = 3
"""A name of so few letters is only looked for as a word."""


_End = tuple["str | None", "int | None"]


class Interest:
    """Decides whose records matter. Every record that may decide it has to be shown once, then ``settle``."""

    def __init__(
        self,
        lookups: Sequence[Lookup],
        leases: Sequence[Lease],
        configured: Mapping[str, Sequence[str]],
        catalogue: Catalogue,
    ) -> None:
        """Take what the sensors saw; ``configured`` maps hosts' names to addresses."""
        self.catalogue = catalogue
        said = {(lookup.src_ip, lookup.dst_ip, lookup.dst_port, lookup.server) for lookup in lookups}
        self._asked = {
            (client, (address(server), port)) for ip, server, port, _ in said if (client := address(ip)) is not None
        }
        self.clients = frozenset(client for client, _ in self._asked)
        self.servers = frozenset(ip for _, server, _, _ in said if (ip := address(server)))
        self._names = frozenset(urls.split(name)[0] for _, _, _, name in said if name)
        self._named = _leased(leases, self.clients) | {
            _short(name) for name, ips in configured.items() if not self.clients.isdisjoint(map(address, ips))
        }
        self._hosts: set[str] = set()
        self._known_clients: set[str] = set()
        self._spoke: dict[_End, set[str]] = {}
        self._called: dict[str, str] = {}
        self._seen: dict[str, None] = {}

    @property
    def is_wide(self) -> bool:
        """Tell lookups of so many that to look for them would cost more than reading everything."""
        return len(self.clients) + len(self.servers) + len(self._names) > MOST_SOUGHT

    def expressions(self) -> list[bytes]:
        """Return expressions, in any case, of which a record that can decide something holds one."""
        # A record of port 43 is looked at for its port; any other server's address may carry much else.
        others = {ip for _, (ip, port) in self._asked if ip is not None and port != WHOIS_PORT}
        addresses = self.clients | others
        found = [re.escape(ip.encode() + after) for ip in addresses if ":" not in ip for after in _AFTER]
        if any(":" in ip for ip in addresses):
            found += _IPV6
        texts = self.catalogue.program_names() | self._names | self._named
        found += [_word(text.encode("utf-8", "replace")) for text in texts if text]
        return [*found, *_PORT_43, *map(re.escape, self.catalogue.sieve_literals())]

    @staticmethod
    def in_commands() -> tuple[bytes, ...]:
        """Return expressions for command lines whose words may be other than they stand there."""
        return _HIDDEN

    def saw(self, host: str) -> None:
        """Note that there is such a host in the records."""
        self._seen[host] = None

    def call(self, host: str, name: str) -> None:
        """Note the name a host is shown under."""
        self._called[host.casefold()] = name.casefold()
        self._seen[host] = None

    def has(self, host: str, ip: str) -> None:
        """Weigh a host's address."""
        if ip in self.clients:
            self._known_clients.add(ip)
            self._hosts.add(host)
        elif ip in self.servers:
            self._hosts.add(host)

    def socket(self, seen: Socket) -> None:
        """Weigh a connection."""
        if seen.local_ip:
            self.has(seen.host, seen.local_ip)
        name, path = urls.split(seen.remote_name or "")
        if (
            seen.remote_port == WHOIS_PORT
            or (name and self._is_lookup(seen.remote_name or "", name, path))
            or (seen.remote_ip in self.clients and name in self._names)
        ):
            self._hosts.add(seen.host)
        elif seen.remote_ip in self.servers:
            self._spoke.setdefault((seen.remote_ip, seen.remote_port), set()).add(seen.host)

    def _is_lookup(self, recorded: str, name: str, path: str) -> bool:
        known = self.catalogue
        return name in self._names or bool(known.host(name) or known.web_path(name, path) or known.seed_host(recorded))

    def query(self, host: str, name: str) -> None:
        """Weigh a DNS query."""
        if self.catalogue.host(name) or name.rstrip(".").lower() in self._names:
            self._hosts.add(host)

    def process(self, host: str, name: str | None, command_line: str | None) -> None:
        """Weigh a process by what a record says of it."""
        if host not in self._hosts and self.catalogue.tool(name or "", command_line) is not None:
            self._hosts.add(host)

    def settle(self) -> frozenset[str]:
        """Return the hosts that matter, by what collectors know them by."""
        for client, server in self._asked:
            if client not in self._known_clients:
                self._hosts |= self._spoke.get(server, set())
        shown = {self._shown(host) for host in self._hosts}
        shown |= {name for host in self._seen if _short(name := self._shown(host)) in self._named}
        return frozenset(host for host in (*self._seen, *self._hosts) if self._shown(host) in shown)

    def _shown(self, host: str) -> str:
        return self._called.get(host.casefold(), host.casefold())


def _word(text: bytes) -> bytes:
    if len(text) > _SHORT:
        return re.escape(text)
    return rb"(?:^|[^a-z0-9]|\\[tnr])" + re.escape(text) + rb"(?:[^a-z0-9]|$)"


def _short(name: str) -> str:
    return name.casefold().partition(".")[0]


def _leased(leases: Iterable[Lease], clients: frozenset[str]) -> set[str]:
    """Return the short names of machines that had a client's address; a renewal may name only the adapter."""
    ours = [lease for lease in leases if address(lease.ip) in clients]
    adapters = {lease.mac for lease in ours if lease.mac}
    return {_short(lease.host) for lease in leases if lease.host and (lease in ours or lease.mac in adapters)}


class Scout(Collector):
    """Shows records to an ``Interest`` and keeps none of them."""

    def __init__(self, interest: Interest) -> None:
        """Nothing shown yet."""
        super().__init__()
        self._interest = interest
        self._described: dict[str, Facts] = {}

    def host(self, name: str, ts: Micros) -> str:
        """Note a host."""
        self._described.clear()  # what the record before described
        known = super().host(name, ts)
        self._interest.saw(known)
        return known

    def call(self, host: str, name: str) -> None:
        """Note a host's name."""
        super().call(host, name)
        self._interest.call(host, name)

    def process(self, key: str, facts: Facts) -> str:
        """Remember a process while its record is looked at; a start elsewhere may lack the command line it has here."""
        self._described[key] = facts
        if facts.command_line:
            self._interest.process(facts.host, facts.name, facts.command_line)
        return key

    def interned(self, said: tuple[object, ...]) -> str | None:
        """Every record is looked at."""

    def intern(self, said: tuple[object, ...], key: str) -> None:
        """Every record is looked at."""

    def start(self, key: str, *_: object) -> None:
        """Show the process that started."""
        facts = self._described.get(key)
        if facts is not None:
            self._interest.process(facts.host, facts.name, facts.command_line)

    def exit(self, gone: Exit) -> None:
        """Keep nothing: ends decide nothing."""

    def socket(self, key: str | None, socket: Socket, pid: int | None = None) -> None:  # noqa: ARG002 - see Collector
        """Show a connection."""
        self._interest.socket(socket)

    def name_query(self, key: str, query: NameQuery) -> None:  # noqa: ARG002 - see Collector
        """Show a DNS query."""
        self._interest.query(query.host, query.name)

    def address(self, host: str, ip: str) -> None:
        """Show an address."""
        self._interest.has(host, ip)


class Chosen(Collector):
    """Collects the records of some hosts, when it is told which."""

    def __init__(self, streams: Streams | None = None, among: int = 1) -> None:
        """Start empty; all hosts are taken."""
        super().__init__(streams, among)
        self._judged: dict[str, bool] = {}

    def only(self, hosts: Iterable[str]) -> None:
        """From now on take records of ``hosts`` only, for any other raise OtherHostError. All names are known."""
        self.chosen = frozenset(hosts)

    def host(self, name: str, ts: Micros) -> str:
        """Note a host. Raises OtherHostError for one whose records are not wanted."""
        if self.chosen is None:
            return super().host(name, ts)
        matters = self._judged.get(name)
        if matters is None:
            matters = self._judged[name] = name.casefold() in self.chosen
        if not matters:
            raise OtherHostError
        return super().host(name, ts)

    def call(self, host: str, name: str) -> None:
        """Give a host its name."""
        if self.chosen is None:
            super().call(host, name)


class Focused(Chosen):
    """Collects all records it is handed and shows them to an ``Interest``, until told which hosts matter."""

    def __init__(self, interest: Interest) -> None:
        """Start empty."""
        super().__init__()
        self._scout: Scout | None = Scout(interest)

    def only(self, hosts: Iterable[str]) -> None:
        """From now on take records of ``hosts`` only, and weigh nothing."""
        self._scout = None
        super().only(hosts)

    def meet(self, other: Scout) -> None:
        """Take over the hosts that a scout met, and how they are called."""
        for host, (first, last) in other.spans.items():
            super().host(super().host(other.spelling(host), first), last)
        for host, name in other.called.items():
            super().call(super().known_host(other.spelling(host)), other.spelling(name))

    def host(self, name: str, ts: Micros) -> str:
        """Note a host. Raises OtherHostError for one whose records are not wanted."""
        if self._scout is not None:
            self._scout.host(name, ts)
        return super().host(name, ts)

    def call(self, host: str, name: str) -> None:
        """Give a host its name."""
        if self._scout is not None:
            self._scout.call(host, name)
        super().call(host, name)

    def process(self, key: str, facts: Facts) -> str:
        """Add what a record says of a process."""
        if self._scout is not None:
            # Its start may come in the same words later, which are not looked at again.
            self._scout.process(key, facts)
            self._scout.start(key)
        return super().process(key, facts)

    def socket(self, key: str | None, socket: Socket, pid: int | None = None) -> None:
        """Add a connection."""
        if self._scout is not None:
            self._scout.socket(key, socket, pid)
        super().socket(key, socket, pid)

    def name_query(self, key: str, query: NameQuery) -> None:
        """Add a DNS query."""
        if self._scout is not None:
            self._scout.name_query(key, query)
        super().name_query(key, query)

    def address(self, host: str, ip: str) -> None:
        """Note a host's address."""
        if self._scout is not None:
            self._scout.address(host, ip)
        super().address(host, ip)
