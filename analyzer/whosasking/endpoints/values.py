"""Text of an export -> values: instants, addresses, ports, flags, names. Pure; anything unreadable becomes None."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from functools import lru_cache

from whosasking.model import SECOND, Micros

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?\s*(Z|UTC|[+-]\d\d:?\d\d(?=$| UTC$))?(?: UTC)?",
    re.ASCII,
)
_US = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}),?\s+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s*(AM|PM)?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]{1,15})|(?P<decimal>[0-9]{1,18})(?:\.0+)?")
_SEPARATORS = re.compile(r"[\\/]")
_EPOCH = re.compile(r"(\d{1,13})(?:\.(\d{1,12}))?", re.ASCII)
_LATEST_SECOND = 1 << 38
"""About the year 10,700: a larger number is in another unit, or damage."""
_MINUTE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:", re.ASCII)
_PLAIN_LENGTHS = range(len("2024-05-01 10:00:00.123"), len("2024-05-01T10:00:00.1234567Z") + 1)
_FULL_MINUTE = "60"
_DAY = 86_400
_HOURS, _MINUTES = 24, 60
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_LONGEST_INSTANT = 64
_LONGEST_ADDRESS = 64
_TRANSPORTS = ("tcp", "udp")
_TRUTHS_AS_WRITTEN = ("true", "false")
_LAST_PORT = 65_535
_LONGEST_NUMBER = 18
_LARGEST = (1 << 63) - 1
"""What a database's column holds: a larger number is damage."""


def instant(text: object, *, zoned_only: bool = False) -> Micros | None:
    """Return the instant ``text`` names, exact to the microsecond (finer digits are cut off), or None.

    Reads ISO 8601 with 0 to 12 fraction digits and Log Analytics' ``10/25/2023, 9:43:21.990 AM``. A text without zone
    is taken as UTC, which is what the products that leave it out mean, unless ``zoned_only``: then it gives None.
    """
    if not isinstance(text, str) or len(text) > _LONGEST_INSTANT:
        return None
    if len(text) in _PLAIN_LENGTHS and text[19] == "." and (text[-1] == "Z" or not zoned_only):
        # The spelling of nearly all times of Sysmon and Defender, whose minutes repeat: several times as fast.
        start, digits = _minute(text[:17]), text[17:19] + text[20:].removesuffix("Z")
        if start is not None and digits.isdecimal() and digits.isascii() and digits < _FULL_MINUTE:
            return start + int((digits + "000000")[:8])
    stripped = text.strip()
    found = _ISO.fullmatch(stripped)
    if found:
        return _iso(found, zoned_only=zoned_only)
    return _american(_US.fullmatch(stripped), zoned_only=zoned_only)


def _iso(found: re.Match[str], *, zoned_only: bool) -> Micros | None:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if zoned_only and not zone:
        return None
    return _micros((year, month, day), (int(hour), int(minute), int(second)), fraction, zone)


def _american(found: re.Match[str] | None, *, zoned_only: bool) -> Micros | None:
    if found is None or zoned_only:
        return None
    month, day, year, hour, minute, second, fraction, half = found.groups()
    of_day = _hour(int(hour), half)
    if of_day is None:
        return None
    return _micros((year, month, day), (of_day, int(minute), int(second or 0)), fraction, None)


@lru_cache(maxsize=1 << 12)
def _minute(text: str) -> Micros | None:
    """Return the instant a minute begins, from ``2024-05-01 10:00:``; None for any other spelling."""
    return instant(f"{text}00") if _MINUTE.fullmatch(text) else None


def epoch(value: object) -> Micros | None:
    """Return the instant of an epoch time in seconds, exact to the microsecond; 0, negative and damaged ones as None.

    Takes a number or text (``1700000000.123``). A float is read by its shortest spelling, not by its binary value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _EPOCH.fullmatch(str(value).strip()) if len(str(value)) <= _LONGEST_INSTANT else None
    if found is None or int(found[1]) > _LATEST_SECOND:
        return None
    return int(found[1]) * SECOND + int(((found[2] or "") + "000000")[:6]) or None


def epoch_millis(value: object) -> Micros | None:
    """Return the instant of an epoch time in whole milliseconds; 0 and damaged ones as None."""
    number = whole(value)
    return number * 1000 or None if number is not None and number // 1000 <= _LATEST_SECOND else None


def _hour(hour: int, half: str | None) -> int | None:
    """Turn a clock-face hour into an hour of the day: 12 AM is 0, 12 PM is 12."""
    if half is None:
        return hour
    if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock face
        return None
    return hour % 12 + (12 if half.upper() == "PM" else 0)


def _micros(
    date: tuple[str, str, str], clock: tuple[int, int, int], fraction: str | None, zone: str | None
) -> Micros | None:
    days = _days(date)
    hour, minute, second = clock
    if days is None or not (hour < _HOURS and minute < _MINUTES and second < _MINUTES):
        return None
    seconds = days * _DAY + hour * 3600 + minute * 60 + second - (_offset(zone) if zone else 0)
    return seconds * SECOND + int(((fraction or "") + "000000")[:6])


@lru_cache(maxsize=1 << 10)
def _days(date: tuple[str, str, str]) -> int | None:
    """Return the days from the epoch to a date, None where there is no such date."""
    try:
        return dt.date(int(date[0]), int(date[1]), int(date[2])).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def _offset(zone: str | None) -> int:
    """Seconds east of UTC."""
    if zone is None or zone in {"Z", "UTC"}:
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)


@lru_cache(maxsize=1 << 16)
def _address(text: str) -> str | None:
    bare = text.strip().strip("[]").partition("%")[0]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return None if parsed.is_unspecified else str(parsed)


def address(text: object) -> str | None:
    """Return the one spelling of an IP address, an IPv4-mapped one as IPv4; unspecified, ``-`` and junk as None."""
    if not isinstance(text, str) or len(text) > _LONGEST_ADDRESS:
        return None
    return _address(text)


@lru_cache(maxsize=1 << 14)
def tells_network(ip: str) -> bool:
    """Tell whether a canonical address can identify a host to a sensor: no loopback, link-local or multicast."""
    parsed = ipaddress.ip_address(ip)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_multicast)


def whole(value: object) -> int | None:
    """Return a non-negative number written as a number, decimal (``7448``, ``7448.0``) or ``0x`` text, else None."""
    if isinstance(value, str):
        if value.isdecimal() and value.isascii() and len(value) < _LONGEST_NUMBER:
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value <= _LARGEST else None
    elif not isinstance(value, float):
        return None
    found = _NUMBER.fullmatch(str(value).strip())
    if found is None:
        return None
    return int(found["hex"], 16) if found["hex"] else int(found["decimal"])


def port(value: object) -> int | None:
    """Return a port in 1..65535, else None (exports write 0 where there is none)."""
    number = whole(value)
    return number if number and number <= _LAST_PORT else None


def process_id(value: object) -> int | None:
    """Return a pid; 0 is the idle process and means that none was recorded."""
    return whole(value) or None


def flag(value: object) -> bool | None:
    """Return a truth value written as a JSON boolean or text."""
    if isinstance(value, bool):
        return value
    if value in _TRUTHS_AS_WRITTEN:
        return value == "true"
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())


def text(value: object) -> str | None:
    """Return stripped text, None when a product wrote nothing: empty, ``-``."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    stripped = value.strip()
    return stripped if stripped and stripped != "-" else None


def verbatim(value: object) -> str | None:
    """Return text exactly as recorded (a command line), None when it is empty."""
    return value if isinstance(value, str) and value else None


def basename(path: str | None) -> str | None:
    """Return the file name of a Windows, device or POSIX path."""
    if not path:
        return None
    if path.startswith("/"):
        return path.rstrip("/").rpartition("/")[2] or None
    return _SEPARATORS.split(path.rstrip("\\/"))[-1] or None


def transport(value: object) -> str:
    """Return ``tcp`` or ``udp`` (also Tcp, TcpV4, PROTO_TCP, 6, 17), else the name in lower case; tcp when absent."""
    if value in _TRANSPORTS:
        return str(value)
    name = (text(value) or "tcp").lower().removeprefix("proto_")
    if name in {"6", "17"}:
        return {"6": "tcp", "17": "udp"}[name]
    return name[:3] if name.startswith(("tcp", "udp")) else name
