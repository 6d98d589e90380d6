"""Who had an address when: DHCP leases, then what the endpoints' own events show, then what is known without a time."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from whosasking.attribution import policy, sql
from whosasking.attribution.addresses import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.engines.interface import Engine
    from whosasking.leases import Lease
    from whosasking.model import Micros


class Tenant(NamedTuple):
    """Whose an address was: no host's, one's, or several hosts' where that cannot be told.

    ``leased`` names the machine without endpoint records that had it.
    """

    hosts: tuple[int, ...]
    leased: str | None = None


class ContestedRow(msgspec.Struct):
    """An address that several hosts had."""

    ip: str


class _Stay(NamedTuple):
    since: Micros
    until: Micros
    host: int


class Tenancy:
    """Addresses over time, on the sensor's clock."""

    def __init__(self, engine: Engine, registry: Registry, leases: Iterable[Lease] = ()) -> None:
        """Read the stays at addresses that several hosts had; the events are on the sensor's clock already."""
        self._addresses = registry.addresses
        self._leases = _by_address(leases)
        self._hosts = {_short(name): number for number, name in enumerate(registry.hosts)}
        self._host_of_mac = _machines(self._leases, self._hosts)
        self._stays: dict[str, list[_Stay]] = {}
        contested = sorted(ip for ip, hosts in registry.addresses.items() if len(hosts) > 1)
        if contested:
            engine.load("contested", ContestedRow, map(ContestedRow, contested))
            for ip, host, since, until in engine.query(sql.read("stays")):
                self._stays.setdefault(str(ip), []).append(_Stay(since, until, host))

    def at(self, ip: str | None, ts: Micros) -> Tenant:
        """Say whose an address was at an instant."""
        address = canonical(ip) or ""
        lease = self._lease(address, ts)
        if lease is not None:
            host = self._machine(lease)
            if host is not None:
                return Tenant((host,))
            if lease.host is not None and lease.mac is not None:
                return Tenant((), lease.host)
        hosts = self._addresses.get(address, ())
        if len(hosts) < 2:  # noqa: PLR2004
            return Tenant(tuple(hosts))
        return Tenant(self._staying(address, ts) or tuple(sorted(hosts)))

    def _lease(self, ip: str, ts: Micros) -> Lease | None:
        leases = self._leases.get(ip)
        if not leases:
            return None
        index = bisect_right(leases, ts, key=lambda lease: lease.ts) - 1
        # Zeek writes a lease when its handshake is over: the client may have used the address a moment before.
        for lease in leases[max(index, 0) : index + 2]:
            if lease.ts - policy.NEAR <= ts <= lease.until:
                return lease
        return None

    def _machine(self, lease: Lease) -> int | None:
        by_name = self._hosts.get(_short(lease.host)) if lease.host else None
        return by_name if by_name is not None else self._host_of_mac.get(lease.mac or "")

    def _staying(self, ip: str, ts: Micros) -> tuple[int, ...]:
        """Give the hosts whose stay covers the time; between two stays, the hosts on both sides."""
        stays = self._stays.get(ip, [])
        there = {stay.host for stay in stays if stay.since <= ts <= stay.until}
        if not there:
            index = bisect_right(stays, ts, key=lambda stay: stay.since)
            there = {stay.host for stay in stays[max(index - 1, 0) : index + 1]}
        return tuple(sorted(there))


def _by_address(leases: Iterable[Lease]) -> dict[str, list[Lease]]:
    found: dict[str, list[Lease]] = {}
    for lease in sorted(leases, key=lambda one: (one.ts, one.mac or "")):
        found.setdefault(canonical(lease.ip) or lease.ip, []).append(lease)
    return found


def _machines(leases: dict[str, list[Lease]], hosts: dict[str, int]) -> dict[str, int]:
    """Map MAC addresses to hosts, where a lease told the host's name: renewals often do not."""
    found: dict[str, int] = {}
    for every in leases.values():
        for lease in every:
            host = hosts.get(_short(lease.host)) if lease.host else None
            if host is not None and lease.mac:
                found[lease.mac] = host
    return found


def _short(name: str) -> str:
    return name.casefold().partition(".")[0]


def silences(rows: Iterable[tuple[int, Micros, Micros]]) -> dict[int, list[tuple[Micros, Micros]]]:
    """Map hosts to the stretches in which their products recorded nothing."""
    found: dict[int, list[tuple[Micros, Micros]]] = {}
    for host, since, until in rows:
        found.setdefault(host, []).append((since, until))
    return found


def covers(stretches: Sequence[tuple[Micros, Micros]], ts: Micros) -> tuple[Micros, Micros] | None:
    """Give the stretch an instant lies in."""
    index = bisect_right(stretches, ts, key=lambda one: one[0]) - 1
    return stretches[index] if index >= 0 and ts <= stretches[index][1] else None
