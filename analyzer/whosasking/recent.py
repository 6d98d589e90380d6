"""What was made lately and may be asked for again, bounded by number and by size: texts of logs are of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

V = TypeVar("V")

LARGEST = 32 << 20
"""Characters, or bytes, of what is kept."""


class Recent(Generic[V]):
    """Values by key, let go all at once when they are too many or too large: cheaper than to say which are old."""

    def __init__(self, most: int, largest: int = LARGEST) -> None:
        """Keep ``most`` values, all of which together have a size of ``largest``."""
        self._most = most
        self._largest = largest
        self._values: dict[Hashable, V] = {}
        self._size = 0

    def get(self, key: Hashable) -> V | None:
        """Return the value of a key, None when it is not kept (any more)."""
        return self._values.get(key)

    def keep(self, key: Hashable, value: V, size: int) -> V:
        """Keep a value and return it."""
        if len(self._values) >= self._most or self._size + size > self._largest:
            self._values.clear()
            self._size = 0
        self._values[key] = value
        self._size += size
        return value
