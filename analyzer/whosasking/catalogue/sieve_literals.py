"""The fewest literals that find everything: of two where one holds the other, only the shorter is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def minimal(texts: Iterable[str]) -> tuple[bytes, ...]:
    """Return the texts without those that hold another one, as sorted bytes."""
    kept: list[str] = []
    for text in sorted(set(texts), key=lambda text: (len(text), text)):
        if not any(known in text for known in kept):
            kept.append(text)
    return tuple(sorted(text.encode("ascii") for text in kept))
