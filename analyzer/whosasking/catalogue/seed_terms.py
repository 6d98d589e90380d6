"""KQL's ``has``, exactly: the seed query's floor rests on it.

``has`` finds a whole term without regard to case. A term is a maximal run of alphanumeric characters; a needle with
other characters in it (``rdap.arin``) must stand between non-alphanumeric characters or the ends of the text. So
``rdap.arin`` is in ``https://rdap.arin.net/`` but not in ``xrdap.arin`` or ``rdap.arinc``, and ``whois`` is in
``whois-cli`` and ``who_is whois.exe`` but in neither ``whoisit`` nor ``mywhois``.
Source: Kusto documentation, "String operators", section "What is a term?".
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def has(text: str, needle: str) -> bool:
    """Tell whether ``text`` has ``needle`` as whole terms."""
    return bool(needle) and _pattern((needle,)).search(text) is not None


def has_any(text: str, needles: Iterable[str]) -> str | None:
    """Return the first place's needle of those that ``text`` has, None without any."""
    wanted = tuple(needles)
    found = _pattern(wanted).search(text) if wanted else None
    if found is None:
        return None
    folded = _ascii_lower(found[0])
    return next(needle for needle in wanted if _ascii_lower(needle) == folded)


@functools.lru_cache(maxsize=64)
def _pattern(needles: tuple[str, ...]) -> re.Pattern[str]:
    r"""Compile needles, longest first. ``[^\W_]`` is an alphanumeric character; the underscore is none.

    Case is folded letter by letter in ASCII: re.IGNORECASE would also take the Kelvin sign for a k.
    """
    ordered = sorted(needles, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_spelt, ordered))})(?![^\W_])")


def _spelt(needle: str) -> str:
    return "".join(
        f"[{char.lower()}{char.upper()}]" if char.isascii() and char.isalpha() else re.escape(char) for char in needle
    )


def _ascii_lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)
