"""Values as sensors write them -> exact Python values. Nothing here raises for bad text: it returns None."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from whosasking.model import SECOND, Micros

_DECIMAL: Final = re.compile(r"([+-]?)(\d{1,13})(?:\.(\d*))?\Z", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,30})?[eE][+-]?\d{1,2}\Z", re.ASCII)
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?\Z",
    re.ASCII,
)
_MILLISECONDS_FROM: Final = 100_000_000_000
"""A whole number this large is no time in seconds before the year 5138: Zeek's JSON::TS_MILLIS."""


def decimal_micros(text: str) -> Micros | None:
    """Turn decimal seconds (``1700000000.123456``) into microseconds, without a float.

    Digits past the sixth are rounded as Zeek's TSV writer rounds them; its JSON writer gives intervals in full.
    """
    match = _DECIMAL.match(text)
    if match is None:
        return round(float(text) * SECOND) if _SCIENTIFIC.match(text) else None
    sign, seconds, fraction = match.groups()
    digits = (fraction or "").ljust(7, "0")
    micros = int(seconds) * SECOND + int(digits[:6]) + (digits[6] >= "5")
    return -micros if sign == "-" else micros


def iso_micros(text: str) -> Micros | None:
    """Turn ISO 8601 (``2026-11-01T00:00:00.123456+0000``, ``...Z``) into microseconds; no zone means UTC."""
    match = _ISO.match(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in (None, 'Z') else zone}")
        return int(moment.timestamp()) * SECOND + int((fraction or "")[:6].ljust(6, "0"))
    except (ValueError, OverflowError):
        return None


def instant(value: object) -> Micros | None:
    """Turn a JSON timestamp into microseconds: seconds (decimal text or whole), whole milliseconds, or ISO 8601."""
    if isinstance(value, str):
        found = decimal_micros(value)
        return iso_micros(value) if found is None else found
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000 if abs(value) >= _MILLISECONDS_FROM else value * SECOND
    return None


@lru_cache(maxsize=1 << 16)
def address(text: str) -> str | None:
    """Return the canonical text of an address (RFC 5952 for IPv6), so that two sensors' spellings compare equal.

    A zone (``fe80::1%eth0``) is left out: on the wire there is none, but a DNS name may be spelt like one.
    """
    try:
        if ":" not in text:
            return str(IPv4Address(text))
        found = IPv6Address(text.partition("%")[0])
    except AddressValueError:
        return None
    return str(found.ipv4_mapped or found)


def spellings(text: str) -> tuple[str, ...]:
    """Return every way a sensor may write an address: canonical, and Suricata's eight full groups for IPv6."""
    if ":" not in text:
        return (text,)
    found = IPv6Address(text)
    return (str(found), found.exploded)
