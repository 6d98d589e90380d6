"""The reading of ``whosasking.yaml``: every mistake is one ConfigError: file, line, what was expected.

Apart from ``config``, so that a run without a configuration does not wait for the YAML parser to load.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from whosasking import allowlist, yamlfile
from whosasking.allowlist import AllowRule
from whosasking.config import DEFAULTS, Settings
from whosasking.model import SECOND, Detection, Micros

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from whosasking.allowlist import Network
    from whosasking.yamlfile import Value

_T = TypeVar("_T")

MAX_PATTERN = 256
MAX_ROLE = 40
MAX_TEXT = 500
_DAY: Micros = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Micros = (date.max.toordinal() - _EPOCH.toordinal() + 1) * _DAY - 1
_MIN_GAP, _MAX_GAP = SECOND, 30 * _DAY
_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": _DAY}
_DURATION = re.compile(r"(\d{1,9})\s*([smhd])", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_HOST = re.compile(r"\.?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)

_TOP = "the configuration"
_RULE = "an allow rule"
_TOP_KEYS = ("report_browser_like", "own_networks", "host_addresses", "episode_gap", "hosts", "allow")
_WHO = ("addresses", "hosts", "users", "processes")
_WHAT = ("servers", "objects", "detections")
_RULE_KEYS = ("role", "owner", "reason", "until", *_WHO, *_WHAT)


def read(path: Path) -> Settings:
    """Read a configuration file. Raises ConfigError naming the file and the line."""
    return _settings(yamlfile.read(path), str(path))


def parse(text: str, file: str) -> Settings:
    """Read a configuration from text; ``file`` is the name errors give. Raises ConfigError."""
    return _settings(yamlfile.parse(text.encode(errors="surrogatepass"), file), file)


def _settings(top: Value | None, file: str) -> Settings:
    if top is None:
        return Settings(path=file)
    keys = top.mapping(_TOP, _TOP_KEYS)
    default = DEFAULTS
    flag, gap = keys.get("report_browser_like"), keys.get("episode_gap")
    return Settings(
        report_browser_like=flag.boolean("true or false") if flag else default.report_browser_like,
        own_networks=_each(keys.get("own_networks"), "a list of prefixes such as 198.51.100.0/24", _network),
        host_addresses=_host_addresses(keys.get("host_addresses")),
        episode_gap=_duration(gap) if gap else default.episode_gap,
        hosts=_each(keys.get("hosts"), "a list of host names", _host),
        allow=_each(keys.get("allow"), "a list of allow rules", _rule),
        path=file,
    )


def _each(value: Value | None, expected: str, convert: Callable[[Value], _T]) -> tuple[_T, ...]:
    return () if value is None else tuple(convert(item) for item in value.items(expected))


def _one_or_each(value: Value | None, expected: str, convert: Callable[[Value], _T]) -> tuple[_T, ...]:
    """Let ``users: alice`` stand for a list of one: there is nothing else it could mean."""
    if value is None or value.is_list():
        return _each(value, expected, convert)
    return (convert(value),)


def _host_addresses(value: Value | None) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    hosts = value.mapping("a mapping of host names to addresses")
    return {
        name: _one_or_each(item, "a list of addresses such as 10.20.30.40", _address) for name, item in hosts.items()
    }


def _rule(value: Value) -> AllowRule:
    keys = value.mapping(_RULE, _RULE_KEYS)
    for required in ("role", "reason", "until"):
        if required not in keys:
            raise value.error(f"{_RULE} needs {required!r}")
    if not any(part in keys for part in (*_WHO, *_WHAT)):
        raise value.error(
            f"{_RULE} needs at least one of {', '.join((*_WHO, *_WHAT))}: this one would allow everything"
        )
    owner = keys.get("owner")
    objects = _one_or_each(keys.get("objects"), "a list of domains, addresses or patterns", _object)
    return AllowRule(
        role=_line(keys["role"], "a role such as analyst", MAX_ROLE),
        reason=_line(keys["reason"], "the reason in words", MAX_TEXT),
        until=_until(keys["until"]),
        owner=_line(owner, "who answers for the rule", MAX_TEXT) if owner else None,
        line=value.line,
        addresses=_one_or_each(keys.get("addresses"), "a list of addresses or prefixes", _network),
        hosts=_one_or_each(keys.get("hosts"), "a list of patterns", _name),
        users=_one_or_each(keys.get("users"), "a list of patterns", _pattern),
        processes=_one_or_each(keys.get("processes"), "a list of patterns", _pattern),
        servers=_one_or_each(keys.get("servers"), "a list of patterns", _name),
        objects=tuple(item for item in objects if isinstance(item, str)),
        object_networks=tuple(item for item in objects if not isinstance(item, str)),
        detections=_one_or_each(keys.get("detections"), "a list of detections", _detection),
    )


def _line(value: Value, expected: str, longest: int) -> str:
    text = " ".join(value.text(expected).split())
    if len(text) > longest:
        raise value.error(f"expected {expected} in at most {longest} characters, found {len(text)}")
    return text


def _pattern(value: Value) -> str:
    text = value.text("a pattern such as svc-scan*")
    if len(text) > MAX_PATTERN:
        raise value.error(f"a pattern has at most {MAX_PATTERN} characters, found {len(text)}")
    return text.casefold()


def _name(value: Value) -> str:
    return _pattern(value).rstrip(".") or "."


def _object(value: Value) -> str | Network:
    text = value.text("a domain, an address, a prefix or a pattern")
    if "/" in text or allowlist.address(text):
        return _network(value)
    return _name(value)


def _network(value: Value) -> Network:
    text = value.text("an address or a prefix such as 198.51.100.0/24")
    try:
        return allowlist.network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise value.error(
            f"expected an address or a prefix such as 198.51.100.0/24, found {yamlfile.shown(text)}"
        ) from None
    raise value.error(f"{text} has host bits set: write {meant} for the prefix or the bare address for one host")


def _address(value: Value) -> str:
    text = value.text("an address such as 10.20.30.40")
    parsed = allowlist.address(text)
    if parsed is None:
        raise value.error(f"expected an address such as 10.20.30.40, found {yamlfile.shown(text)}")
    return str(parsed)


def _host(value: Value) -> str:
    expected = "a host name such as whois.example.net, or .example.net for all below it"
    name = allowlist.host_name(value.text(expected))
    # The length is held first: the expression then has little to go wrong on.
    if len(name) > MAX_PATTERN or not _HOST.fullmatch(name):
        raise value.error(f"expected {expected}, found {yamlfile.shown(name)}")
    return name


def _detection(value: Value) -> Detection:
    text = value.text("a detection such as WHOISWebAPIAccess")
    for detection in Detection:
        if detection.value.lower() == text.lower():
            return detection
    meant = yamlfile.suggestion(text, [detection.value for detection in Detection])
    raise value.error(f"unknown detection {yamlfile.shown(text)}; {meant}")


def _duration(value: Value) -> Micros:
    expected = "a duration such as 90s, 15m, 2h or 1d"
    text = value.text(expected)
    match = _DURATION.fullmatch(text)
    if not match:
        raise value.error(f"expected {expected}, found {yamlfile.shown(text)}")
    length = int(match[1]) * _UNITS[match[2]]
    if not _MIN_GAP <= length <= _MAX_GAP:
        raise value.error(f"expected a duration between 1s and 30d, found {yamlfile.shown(text)}")
    return length


def _until(value: Value) -> Micros:
    """Read a rule's last instant: a bare date lasts to its end in UTC; a time without a zone is UTC."""
    expected = "a date such as 2026-12-31, or a time such as 2026-12-31T18:00:00+02:00"
    text = value.text(expected)
    try:
        last = _last_instant(text)
    except ValueError as error:
        raise value.error(f"{yamlfile.shown(text)} is no date: {error}") from None
    if last is None:
        raise value.error(f"expected {expected}, found {yamlfile.shown(text)}")
    if not 0 <= last <= _LATEST:
        raise value.error(f"{yamlfile.shown(text)} lies outside the years 1970 to 9999")
    return last


def _last_instant(text: str) -> Micros | None:
    """Return None for what has not the form of a date. Raises ValueError for a day or time that does not exist."""
    if _DATE.fullmatch(text):
        return _days(date.fromisoformat(text)) + _DAY - 1
    if not _DATETIME.fullmatch(text):
        return None
    moment = datetime.fromisoformat(re.sub(r"\s+(?=Z|[+-])", "", text))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def _days(day: date) -> Micros:
    return (day.toordinal() - _EPOCH.toordinal()) * _DAY
