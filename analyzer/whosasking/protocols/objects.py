"""What kind of thing a text asks about: a domain, address, prefix, AS number, handle or person."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from whosasking.model import QueryKind

MAX_OBJECT: Final = 1024
"""Longer objects are cut: a domain has 253 characters, what is longer is something else."""
_ASN: Final = re.compile(r"(?:as|asn|as\s)(\d{1,10})", re.IGNORECASE | re.ASCII)
_ASDOT: Final = re.compile(r"as(\d{1,5})\.(\d{1,5})", re.IGNORECASE | re.ASCII)
_DOMAIN: Final = re.compile(r"(?:[^\W_][\w-]*|_[\w-]+|\*)(?:\.(?:[\w-]+|\*))+", re.UNICODE)
_TLD: Final = re.compile(r"(?:[^\W\d_]|xn--)[\w-]*", re.IGNORECASE | re.UNICODE)
_HANDLE: Final = re.compile(r"[A-Za-z0-9][\w:.@-]*", re.ASCII)
MAX_NAME: Final = 253
"""RFC 1035: the longest domain name."""
_RANGE: Final = re.compile(r"\s*-\s*")


def ip(text: str) -> str | None:
    """Return the address as it was written, or None."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return text.strip("[]")


def is_prefix(text: str) -> bool:
    """Tell a prefix (``192.0.2.0/24``, host bits allowed) or a range (``192.0.2.0 - 192.0.2.255``)."""
    address, slash, length = text.partition("/")
    if slash:
        return ip(address) is not None and length.isascii() and length.isdigit() and int(length[:4]) <= 128  # noqa: PLR2004
    ends = _RANGE.split(text, maxsplit=1)
    return len(ends) == 2 and all(ip(end) for end in ends)  # noqa: PLR2004 - two ends


def asn(text: str, *, bare: bool = False) -> str | None:
    """Return ``AS64496`` for ``as64496``, ``AS0.5`` in dot notation or, with ``bare``, ``64496``; None for others."""
    if bare and text.isascii() and text.isdigit() and len(text) <= 10:  # noqa: PLR2004 - digits of 2^32
        return f"AS{text}"
    found = _ASN.fullmatch(text)
    if found:
        return f"AS{found[1]}"
    dotted = _ASDOT.fullmatch(text)
    return f"AS{int(dotted[1]) * 65536 + int(dotted[2])}" if dotted else None


def is_domain(text: str) -> bool:
    """Tell a domain name of two labels or more; international letters, underscores and ``*`` labels count."""
    name = text.removesuffix(".")
    return (
        len(name) <= MAX_NAME
        and _DOMAIN.fullmatch(name) is not None
        and _TLD.fullmatch(name.rpartition(".")[2]) is not None
    )


def classify(text: str) -> tuple[str | None, QueryKind | None]:
    """Return the bare object in ``text`` and its kind; the kind is None where the text does not tell it."""
    text = text.strip()[:MAX_OBJECT]
    if not text:
        return None, None
    number, kind = _numeric(text)
    if number:
        return number, kind
    if is_domain(text):
        return text.removesuffix("."), QueryKind.DOMAIN
    if "@" in text.strip("@") or " " in text:
        return text, QueryKind.PERSON if _looks_like_words(text) else None
    return text, QueryKind.HANDLE if _looks_like_handle(text) else None


def _numeric(text: str) -> tuple[str | None, QueryKind | None]:
    address = ip(text)
    if address:
        return address, QueryKind.IP
    if is_prefix(text):
        return text, QueryKind.CIDR
    return asn(text), QueryKind.ASN


def _looks_like_words(text: str) -> bool:
    return all(char.isprintable() for char in text) and any(char.isalpha() for char in text)


def _looks_like_handle(text: str) -> bool:
    """Tell ``ORG-EX1-RIPE`` and ``GOOGL`` from data carried in a query: no handle is long or has base64's signs."""
    return len(text) <= 80 and _HANDLE.fullmatch(text) is not None  # noqa: PLR2004
