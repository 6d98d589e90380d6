"""English for reports: numbers with their nouns, lists, durations, sizes, and words for how sure something is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import Micros

_CONFIDENCE = (
    (0.995, "certain"),
    (0.95, "near certain"),
    (0.8, "very likely"),
    (0.6, "likely"),
    (0.4, "possible"),
    (0.0, "weak"),
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_KIB = 1024
_MINUTE = 60_000_000

METHODS = {
    "endpoint record": "recorded by the endpoint itself",
    "5-tuple": "exact 5-tuple",
    "community id": "same community id",
    "3-tuple": "same addresses and port, local port unknown",
    "dns event": "resolved the server's name just before",
    "command line": "command line names it",
    "proxy": "through a proxy, by the server's name",
    "nat": "behind address translation, the only one there then",
    "client hello": "the program whose ClientHello this is",
}
"""What each attribution method means, said so that a write-up needs no legend."""


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 lookup``, ``1,204 lookups``; ``plural`` where adding an s is wrong."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], most: int = 3) -> str:
    """Write ``a``, ``a and b``, ``a, b and 7 more``: at most ``most`` items, the last place counts the rest."""
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1:,} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def confidence(value: float) -> str:
    """``near certain (0.99)``: a word for people, the number for those who compare."""
    word = next((word for least, word in _CONFIDENCE if value >= least), _CONFIDENCE[-1][1])
    return f"{word} ({value:.2f})"


def duration(micros: Micros) -> str:
    """``0.4 s``, ``52 s``, ``2 min 52 s``, ``9 h 59 min``, ``3 d 2 h``: two units at most."""
    seconds = micros / 1_000_000
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = int(seconds)
    for index, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            smaller, name = _UNITS[index + 1] if index + 1 < len(_UNITS) else (1, "s")
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {name}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def offset(micros: Micros) -> str:
    """Write a clock offset with its sign, exact to the millisecond: ``+2.412 s``, ``-176.502 s (2 min 56 s)``."""
    sign = "-" if micros < 0 else "+"
    exact = f"{sign}{abs(micros) // 1_000_000:,}.{abs(micros) % 1_000_000 // 1000:03d} s"
    return exact if abs(micros) < _MINUTE else f"{exact} ({duration(abs(micros))})"


def size(octets: int) -> str:
    """``812 B``, ``1.4 MiB``."""
    if octets < _KIB:
        return f"{octets} B"
    value = float(octets)
    for unit in ("KiB", "MiB", "GiB"):
        value /= _KIB
        if value < _KIB:
            return f"{value:.1f} {unit}"
    return f"{value / _KIB:.1f} TiB"
