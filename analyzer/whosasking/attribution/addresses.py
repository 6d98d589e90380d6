"""Addresses as records spell them: one spelling for one address, and which addresses can tell one host from another."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_MAX_SPELLING = 64  # longer text is no address; do not keep it in a cache


def canonical(address: str | None) -> str | None:
    """Give the one spelling of an IP address, None for what is none.

    IPv6 is compressed and lower case, IPv4 in IPv6 (``::ffff:1.2.3.4``) becomes IPv4, a zone (``fe80::1%eth0``) is
    dropped: products write all of these for one address.
    """
    if not address or len(address) > _MAX_SPELLING:
        return None
    return _canonical(address)


@lru_cache(maxsize=1 << 16)
def _canonical(address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


@lru_cache(maxsize=1 << 16)
def names_a_host(address: str) -> bool:
    """Say whether a canonical address can identify a host: not loopback, unspecified, multicast or broadcast."""
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast or address == "255.255.255.255")


@lru_cache(maxsize=1 << 16)
def has_many_receivers(address: str | None) -> bool:
    """Say whether a canonical address is multicast or broadcast; .255 in a private network is taken for the latter."""
    if address is None:
        return False
    parsed = ipaddress.ip_address(address)
    return parsed.is_multicast or (address.endswith(".255") and not parsed.is_global)


@lru_cache(maxsize=1 << 16)
def is_public(address: str) -> bool:
    """Say whether a canonical address is one of the public Internet, which a sensor at the border sees."""
    return ipaddress.ip_address(address).is_global
