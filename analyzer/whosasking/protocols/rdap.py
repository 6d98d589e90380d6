"""RDAP paths (RFC 9082, bootstrap RFC 9224, reverse search RFC 9536) under any base, and ARIN's older REST paths."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from whosasking.model import Query, QueryKind
from whosasking.protocols import objects, web

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOKUPS: Final = frozenset({"domain", "nameserver", "ip", "autnum", "entity"})
_SEARCHES: Final = frozenset({"domains", "nameservers", "entities", "ips", "autnums"})
_SEARCHED: Final[dict[str, QueryKind]] = {
    "fn": QueryKind.PERSON,
    "handle": QueryKind.HANDLE,
    "email": QueryKind.PERSON,
    "name": QueryKind.DOMAIN,
    "nsldhname": QueryKind.DOMAIN,
    "nsip": QueryKind.IP,
    "ip": QueryKind.IP,
}
_BOOTSTRAP: Final = re.compile(r"/rdap/(?:dns|ipv4|ipv6|asn|object-tags)\.json", re.IGNORECASE)
_RDAP_SEGMENT: Final = re.compile(r"rdap(?:[._-]?v?\d[\w.]*)?", re.IGNORECASE)
_WITH_RDAP: Final = re.compile(rf"(?:\A|/){_RDAP_SEGMENT.pattern}(?:[/#]|\Z)", re.IGNORECASE)
_REST: Final = re.compile(
    r"/(?:rest|whoisrws)/(?P<type>ip|cidr|rdns|net|asn|org|poc|customer|delegation)/(?P<object>[^?]+)"
    r"|/(?:rest|whoisrws)/(?P<list>pocs|orgs|nets|asns|customers|delegations)(?P<matrix>;[^?/]*)?",
    re.IGNORECASE,
)
_REST_KINDS: Final = {
    "poc": QueryKind.HANDLE,
    "org": QueryKind.HANDLE,
    "net": QueryKind.HANDLE,
    "customer": QueryKind.HANDLE,
    "pocs": QueryKind.PERSON,
    "orgs": QueryKind.ORGANISATION,
    "customers": QueryKind.ORGANISATION,
}


def parse_path(path: str) -> Query | None:
    """Read what a URL path (with query string) asks about; None when it has no lookup's shape.

    Knows RFC 9082 lookups and searches under any base, IANA's bootstrap files, ARIN's ``/rest/`` and paths with a
    ``whois`` segment. ``/domain/x`` is a common path: the caller knows whether the host is an RDAP server.
    """
    path = path[: web.MAX_PATH]
    return _bootstrap(path) or _rest(path) or _rfc9082(path) or web.parse_path(path)


def parse_listed(path: str) -> Query | None:
    """Read a path at a host that is known to be a lookup service: also any site's parameters and segments."""
    return parse_path(path) or web.parse_site(path)


def is_unmistakable(path: str) -> bool:
    """Tell a path that is RDAP's at any host: an ``rdap`` segment before a valid RFC 9082 path, or a bootstrap file."""
    path = path[: web.MAX_PATH]
    if "rdap" not in path.lower() or not web.may_have_segment(path, _WITH_RDAP):
        return False
    if _BOOTSTRAP.search(path.partition("?")[0]):
        return True
    segments, parameters = web.split(path)
    before = [bool(_RDAP_SEGMENT.fullmatch(segment)) for segment in segments]
    at = _at(segments, parameters)
    return at is not None and any(before[:at])


def _bootstrap(path: str) -> Query | None:
    return Query(text=path) if _BOOTSTRAP.search(path.partition("?")[0]) else None


def _rfc9082(path: str) -> Query | None:
    segments, parameters = web.split(path)
    at = _at(segments, parameters)
    if at is None:
        return None
    word = segments[at].lower()
    found = _search(parameters) if word in _SEARCHES else _lookup(word, segments[at + 1 :])
    return Query(text=path, object=found[0], kind=found[1]) if found else None


def _at(segments: Sequence[str], parameters: list[tuple[str, str]]) -> int | None:
    """Find the last segment that begins an RFC 9082 path."""
    for index in range(len(segments) - 1, -1, -1):
        word = segments[index].lower()
        if word in _LOOKUPS and _lookup(word, segments[index + 1 :]):
            return index
        if word in _SEARCHES and _search(parameters):
            return index
    return None


def _lookup(word: str, rest: Sequence[str]) -> tuple[str, QueryKind] | None:
    """Read ``/<word>/<object>``; the object must be one that the word can have."""
    if not rest or not rest[0].strip():
        return None
    text = rest[0].strip()[: objects.MAX_OBJECT]
    if word == "ip":
        return _address(text, rest[1] if len(rest) > 1 else "")
    if word == "autnum":
        number = objects.asn(text, bare=True)
        return (number, QueryKind.ASN) if number else None
    if word == "entity":
        return text, QueryKind.HANDLE
    return (text.removesuffix(".") or text, QueryKind.DOMAIN) if _is_name(text) else None


def _address(text: str, length: str) -> tuple[str, QueryKind] | None:
    if "/" in text:
        text, _, length = text.partition("/")
    address = objects.ip(text)
    if address is None:
        return None
    prefix = f"{address}/{length}"
    return (prefix, QueryKind.CIDR) if length and objects.is_prefix(prefix) else (address, QueryKind.IP)


def _is_name(text: str) -> bool:
    """Tell a domain, or a single label that can be a zone (``/domain/com``)."""
    return objects.is_domain(text) or re.fullmatch(r"xn--[a-z0-9-]+|[a-z]{2,63}", text, re.IGNORECASE) is not None


def _search(parameters: list[tuple[str, str]]) -> tuple[str, QueryKind] | None:
    for name, value in parameters:
        key = name.lower()
        if key in _SEARCHED and value.strip():
            text = value.strip()[: objects.MAX_OBJECT]
            kind = _SEARCHED[key]
            return text, _kind_of_address(text) if kind is QueryKind.IP else kind
    return None


def _kind_of_address(text: str) -> QueryKind:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return QueryKind.CIDR
    return QueryKind.IP


def _rest(path: str) -> Query | None:
    """Read ARIN's Whois-RWS: ``/rest/ip/192.0.2.1``, ``/rest/pocs;domain=example.com``."""
    found = _REST.search(path)
    if found is None:
        return None
    if found["list"]:
        return _rest_search(path, found["list"].lower(), found["matrix"] or "")
    asked = _rest_object(found["type"].lower(), web.split(f"/{found['object']}")[0])
    return Query(text=path, object=asked[0], kind=asked[1]) if asked else None


def _rest_search(path: str, word: str, matrix: str) -> Query:
    values = [part.partition("=")[2] for part in matrix.split(";")]
    text = " ".join(unquote(value, errors="replace") for value in values if value)[: objects.MAX_OBJECT]
    by_domain = matrix.lower().startswith(";domain=")  # "who has an address there": what is asked about is the domain
    kind = QueryKind.DOMAIN if by_domain else _REST_KINDS.get(word, QueryKind.HANDLE)
    return Query(text=path, object=text or None, kind=kind if text else None)


def _rest_object(word: str, segments: Sequence[str]) -> tuple[str, QueryKind | None] | None:
    if not segments:
        return None
    name = re.sub(r"\.(?:json|xml|txt|html)\Z", "", segments[0])
    if word in {"cidr", "ip"}:
        return _address(name, segments[1] if len(segments) > 1 and word == "cidr" else "")
    if word == "asn":
        number = objects.asn(name, bare=True)
        return (number, QueryKind.ASN) if number else None
    return name, _REST_KINDS.get(word) or objects.classify(name)[1]
