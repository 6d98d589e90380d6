"""Host names: one spelling for matching, and the two labels that say what a host is."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NAME: Final = 253
"""RFC 1035: what is longer is no name, and walking its labels would cost."""
LABEL: Final = re.compile(r"(?<![^.-])(?:whois|rdap)(?![^.-])")
"""The label alone: ``whois.nic.example``, ``example-rdap.net``; not ``whoiselijah.com.au`` or ``cardapio.example``."""
LABEL_TEXT: Final = "(^|[.-])(whois|rdap)([.-]|$)"
_PORT: Final = re.compile(r":\d{1,5}\Z", re.ASCII)


def normalise(name: str) -> str:
    """Return the name in lower case without port and trailing dot; ``""`` for what is no name.

    Only ASCII letters are folded and nothing is converted: on the wire international names are ``xn--``, and what else
    is not ASCII there reaches no listed host, however much it looks like one.
    """
    if len(name) > 2 * MAX_NAME:
        return ""
    bare = name.strip()
    bare = (_PORT.sub("", bare) if ":" in bare else bare).rstrip(".")
    bare = bare.lower() if bare.isascii() else "".join(char.lower() if char.isascii() else char for char in bare)
    return bare if len(bare) <= MAX_NAME else ""


def to_ascii(name: str) -> str:
    """Return the ``xn--`` form of a name as a person writes it; unchanged where IDNA refuses it."""
    with contextlib.suppress(UnicodeError):
        return name if name.isascii() else name.encode("idna").decode("ascii")
    return name


def domains(name: str) -> Iterator[str]:
    """Give the name and every domain above it, longest first: ``a.b.c``, ``b.c``, ``c``."""
    while name:
        yield name
        name = name.partition(".")[2]


def label_kind(name: str) -> str | None:
    """Tell the kind of host a name says it is by a label; an rdap label outranks a whois label."""
    found = LABEL.findall(name)
    if not found:
        return None
    return "rdap" if "rdap" in found else "whois43"
