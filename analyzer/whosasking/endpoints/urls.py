"""Host and path of what products write into a URL field: ``https://h:443/p?q``, ``h:443``, ``h/p`` or a bare host."""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:[^/?#@]*@)?(?P<host>\[[^\]/]*\]|[^:/?#]*)(?::\d*)?(?P<path>.*)",
    re.DOTALL,
)
_LONGEST = 16_384


def split(url: str) -> tuple[str, str]:
    """Return host (lower case, without port, brackets, user or trailing dot) and path with query string.

    Never raises: a text that is no URL gives some host that matches nothing. Only the first 16 KiB are looked at.
    """
    found = _URL.match(url[:_LONGEST].strip())
    if found is None:
        return "", ""
    return found["host"].strip("[]").rstrip(".").lower(), found["path"]


def scheme(url: str) -> str | None:
    """Return the scheme in lower case, None for a bare host."""
    found = _URL.match(url[:_LONGEST].strip())
    return found["scheme"].lower() if found and found["scheme"] else None
