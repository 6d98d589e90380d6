"""Allow rules: who may look what up, until when, and why; and whether a lookup is one of theirs.

Every kind of part a rule names must match (AND), any one entry of it suffices (OR). A rule never matches by a lack of
knowledge: a part that asks for a user matches no lookup whose user is unknown, and a process that attribution only
guessed counts as unknown, because an allowed lookup is a hidden one.

Patterns are globs (``*``, ``?``, ``[...]``; ``fnmatch``, which does not backtrack) without regard to case; in
``servers`` and ``objects`` a leading dot means the domain and everything below it.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard

from whosasking.model import Attributed, Attribution, Detection, Lookup, Micros, Process, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_SUBJECT = 4096
"""Longer text than this matches no pattern: no rule was written for it."""

CONFIDENT = 0.5
"""From this confidence on an attributed process may hide a lookup (drop or allow it); below, it is only shown."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AllowRule(Record, frozen=True, kw_only=True):
    """One entry of ``allow:``. Patterns are case-folded; an empty tuple means the rule does not ask for that part.

    ``until`` is the last instant the rule is in force. ``line`` is the 1-based line in the configuration.
    """

    role: str
    reason: str
    until: Micros
    owner: str | None = None
    line: int | None = None
    addresses: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    object_networks: tuple[Network, ...] = ()
    detections: tuple[Detection, ...] = ()

    def expired(self, now: Micros) -> bool:
        """Tell whether ``now`` is after the rule's last instant."""
        return now > self.until


def matching(
    rules: tuple[AllowRule, ...],
    lookup: Lookup,
    attribution: Attribution,
    host_addresses: Mapping[str, tuple[str, ...]],
) -> list[AllowRule]:
    """Return the rules that cover a lookup, expired or not, in their order; ``host_addresses`` is the site's list."""
    if not rules:
        return []
    seen = _Seen(lookup, attribution, host_addresses)
    return [rule for rule in rules if _covers(rule, seen)]


def expiry(until: Micros) -> str:
    """Write a rule's last instant: the bare day when it is the end of one (UTC), else ISO 8601."""
    moment = _EPOCH + timedelta(microseconds=until)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) == (23, 59, 59, 999_999):
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def network(text: str) -> Network:
    """Parse an address or a prefix. Raises ValueError, saying which prefix was meant when host bits are set."""
    return ipaddress.ip_network(text, strict=True)


@lru_cache(maxsize=1 << 14)
def address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address, an IPv4-mapped one as IPv4 and without its zone; None when it is no address."""
    if text is None:
        return None
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def host_name(text: str) -> str:
    """Bring a name to the form patterns are held against: case-folded, without the root dot."""
    return text.casefold().rstrip(".")


class _Seen:
    """What is known of one lookup, in the form the patterns are held against."""

    def __init__(self, lookup: Lookup, attribution: Attribution, host_addresses: Mapping[str, tuple[str, ...]]) -> None:
        sure = isinstance(attribution, Attributed) and attribution.confidence >= CONFIDENT
        self.lookup = lookup
        self.process: Process | None = attribution.process if sure and isinstance(attribution, Attributed) else None
        source = address(lookup.src_ip)
        self.hosts = {host_name(self.process.host)} if self.process else set()
        self.addresses = {source} if source else set()
        for name, texts in host_addresses.items():
            configured = {parsed for parsed in map(address, texts) if parsed}
            if source in configured:
                self.hosts.add(host_name(name))
            elif source is None and host_name(name) in self.hosts:
                # A tool start has no source address; the configuration knows the host's.
                self.addresses |= configured


def _covers(rule: AllowRule, seen: _Seen) -> bool:
    return all(not getattr(rule, part) or matches(rule, seen) for part, matches in _PARTS.items()) and (
        not (rule.objects or rule.object_networks) or _object(rule, seen)
    )


def _addresses(rule: AllowRule, seen: _Seen) -> bool:
    return any(known in prefix for known in seen.addresses for prefix in rule.addresses)


def _hosts(rule: AllowRule, seen: _Seen) -> bool:
    return any(_glob(pattern, known) for known in seen.hosts for pattern in rule.hosts)


def _users(rule: AllowRule, seen: _Seen) -> bool:
    if seen.process is None or not seen.process.user:
        return False
    user = seen.process.user.casefold()
    account = user.rpartition("\\")[2].partition("@")[0]
    # A pattern without a domain means the account in any domain, as a person would read it.
    return any(_glob(pattern, user if "\\" in pattern or "@" in pattern else account) for pattern in rule.users)


def _processes(rule: AllowRule, seen: _Seen) -> bool:
    if seen.process is None or not seen.process.name:
        return False
    name, path = seen.process.name.casefold(), (seen.process.path or "").casefold()
    return any(_glob(pattern, path if "\\" in pattern or "/" in pattern else name) for pattern in rule.processes)


def _servers(rule: AllowRule, seen: _Seen) -> bool:
    server = seen.lookup.server or seen.lookup.dst_ip
    return server is not None and any(_domain(pattern, host_name(server)) for pattern in rule.servers)


def _object(rule: AllowRule, seen: _Seen) -> bool:
    query = seen.lookup.query
    if query is None or query.object is None or query.count != 1:
        return False  # of several objects only the first is known: it cannot speak for the others
    name = host_name(query.object)
    return any(_domain(pattern, name) for pattern in rule.objects) or _within(name, rule.object_networks)


def _detections(rule: AllowRule, seen: _Seen) -> bool:
    return seen.lookup.detection in rule.detections


_PARTS: Mapping[str, Callable[[AllowRule, _Seen], bool]] = {
    "addresses": _addresses,
    "hosts": _hosts,
    "users": _users,
    "processes": _processes,
    "servers": _servers,
    "detections": _detections,
}


def _within(text: str, networks: tuple[Network, ...]) -> bool:
    if not networks:
        return False
    try:
        asked = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return any(_subnet(asked, prefix) for prefix in networks)


def _subnet(inner: Network, outer: Network) -> bool:
    if _is_v4(inner) and _is_v4(outer):
        return inner.subnet_of(outer)
    return (
        isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)
    )


def _is_v4(prefix: Network) -> TypeGuard[ipaddress.IPv4Network]:
    return isinstance(prefix, ipaddress.IPv4Network)


def _domain(pattern: str, name: str) -> bool:
    if pattern.startswith(".") and len(name) <= MAX_SUBJECT and "*" not in pattern:
        return name == pattern[1:] or name.endswith(pattern)
    return _glob(pattern, name)


def _glob(pattern: str, text: str) -> bool:
    return len(text) <= MAX_SUBJECT and fnmatchcase(text, pattern)
