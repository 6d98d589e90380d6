"""Lookup sites and APIs: what the path and parameters of a URL ask about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from whosasking.model import Query, QueryKind
from whosasking.protocols import objects

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PATH: Final = 8192
_MAX_SEGMENTS: Final = 64
_MAX_PARAMETERS: Final = 64
_WHOIS: Final = re.compile(
    r"(?:(?:reverse|bulk|domain|ip|dns|web|get|history)[-_]?)?whois"
    r"(?:[-_]?(?:lookup|search|service|server|query|history|info|check|web|api|record|ips|domains|result|results))?"
    r"(?:_[a-z])?(?:\.(?:php\d?|html?|jsp|aspx?|action|cgi|pl|json|xml|txt|do))?",
    re.IGNORECASE | re.ASCII,
)
_SEGMENT: Final = re.compile(rf"(?:\A|/){_WHOIS.pattern}(?:[/#]|\Z)", re.IGNORECASE | re.ASCII)
_PARAMETERS: Final = (
    "domain", "domainname", "domain_name", "query", "q", "ip", "addr", "address", "ipaddress", "host", "hostname",
    "name", "target", "search", "searchtext", "keyword", "term", "term1", "identifier", "resource", "query-string",
    "asn", "as", "object", "input", "value", "url", "registrant", "email", "company",
)  # fmt: skip
_OF_PEOPLE: Final = {"registrant": QueryKind.PERSON, "email": QueryKind.PERSON, "company": QueryKind.ORGANISATION}
_WANTED: Final = frozenset({QueryKind.DOMAIN, QueryKind.IP, QueryKind.CIDR, QueryKind.ASN, QueryKind.PERSON})


def parse_path(path: str) -> Query | None:
    """Read a path that says by itself that it is a WHOIS lookup: a ``whois`` segment with an object beside it.

    ``/whois/example.com``, ``/whois?domain=example.com``, ``/v1/example.com/whois`` are; ``/news/whois-the-boss`` and
    ``/whois/about`` are not: None, as for any other path.
    """
    if "whois" not in path.lower() or not may_have_segment(path, _SEGMENT):
        return None
    segments, parameters = split(path)
    for index, segment in enumerate(segments):
        if _WHOIS.fullmatch(segment):
            around = (*segments[index + 1 : index + 3], *segments[max(index - 1, 0) : index])
            for name, kind in (*_parameters(parameters), *_objects(around)):
                if kind in _WANTED and not _is_file(name):
                    return Query(text=path[:MAX_PATH], object=name, kind=kind)
    return None


def parse_site(path: str) -> Query | None:
    """Read a path at a host that is known to be a lookup site: any parameter or segment that names an object.

    None when the path asks about nothing (a style sheet, the start page).
    """
    segments, parameters = split(path)
    for name, kind in _parameters(parameters):
        if kind is not None:
            return Query(text=path[:MAX_PATH], object=name, kind=kind)
    for name, kind in _objects(segments):
        if kind in _WANTED and not _is_file(name):
            return Query(text=path[:MAX_PATH], object=name, kind=kind)
    return None


def may_have_segment(path: str, segment: re.Pattern[str]) -> bool:
    """Tell quickly whether a path can have a segment like ``segment``, an expression with what stands around one.

    True where it is not sure: ``%`` may hide anything.
    """
    before = path[:MAX_PATH].partition("?")[0]
    return "%" in before or segment.search(before) is not None


def split(path: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Split a path into its decoded segments and parameters, both bounded. Never raises."""
    before, _, after = path[:MAX_PATH].partition("#")[0].partition("?")
    segments = [unquote(segment, errors="replace") for segment in before.split("/", _MAX_SEGMENTS) if segment]
    fields = "&".join(after.split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS])
    return segments[:_MAX_SEGMENTS], parse_qsl(fields, errors="replace")


def _objects(texts: Iterator[str] | tuple[str, ...] | list[str]) -> Iterator[tuple[str, QueryKind]]:
    for text in texts:
        name, kind = objects.classify(text)
        if name is not None and kind is not None:
            yield name, kind


def _parameters(parameters: list[tuple[str, str]]) -> Iterator[tuple[str, QueryKind | None]]:
    """Give the objects of the parameters that usually hold one, the most telling name first."""
    values = {name.lower(): value for name, value in reversed(parameters)}
    for wanted in _PARAMETERS:
        value = values.get(wanted)
        if value:
            name, kind = objects.classify(re.sub(r"\Ahttps?://", "", value).rstrip("/"))
            if name is not None:
                yield name, kind or _OF_PEOPLE.get(wanted)


_FILE: Final = re.compile(
    r".*\.(?:css|js|mjs|json|png|jpe?g|gif|svg|ico|webp|woff2?|ttf|map|xml|txt|html?|php\d?|aspx?|jsp|pl|cgi|action)",
    re.IGNORECASE,
)


def _is_file(name: str) -> bool:
    """Tell ``style.css`` from a domain; a few zones are spelt like file types, but on a site a file is likelier."""
    return _FILE.fullmatch(name) is not None
