"""What stood in the records that were read and no table of their product knows: fields, and versions of events.

Unknown fields are never looked at and unknown versions are read like known ones; both are counted, so that whoever
wonders about a report sees that a product writes more, or something else, than this knows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whosasking.endpoints.places import Table
    from whosasking.inputs import Tally

_MOST_LAYOUTS = 1024
_MOST_FIELDS = 4096
_MOST_TOLD = 40
_LONGEST_NAME = 80
_LONGEST_LAYOUT = 8_192


class Census:
    """Counts the fields of records by name. Rows of an export have few layouts, which are counted whole."""

    def __init__(self, known: Iterable[str]) -> None:
        """Take the names that are read; of a dotted one the first part is known as well."""
        self._known = {part for name in known for part in (name, name.partition(".")[0])}
        self._layouts: Counter[tuple[str, ...]] = Counter()
        self._fields: Counter[str] = Counter()

    def count(self, row: Mapping[str, Any]) -> None:
        """Count the fields of one record."""
        layout = tuple(row)
        before = len(self._layouts)
        self._layouts[layout] += 1
        if len(self._layouts) > before and (before >= _MOST_LAYOUTS or sum(map(len, layout)) > _LONGEST_LAYOUT):
            self._settle()

    def fields(self) -> dict[str, int]:
        """Return how often each field that is not read stood in a record; of very many names some are left out."""
        self._settle()
        return dict(self._fields)

    def add(self, fields: Mapping[str, int]) -> None:
        """Add what was counted of other records of the same input."""
        for name, times in fields.items():
            self._add(name, times)

    def _settle(self) -> None:
        for layout, times in self._layouts.items():
            for name in layout:
                if name not in self._known:
                    self._add(name, times)
        self._layouts.clear()

    def _add(self, name: str, times: int) -> None:
        name = name[:_LONGEST_NAME]
        if name in self._fields or len(self._fields) < _MOST_FIELDS:
            self._fields[name] += times

    def tell(self, tally: Tally) -> None:
        """Give the input's account the fields that are not read, the most frequent ones first."""
        self._settle()
        ordered = sorted(self._fields.items(), key=lambda one: (-one[1], one[0]))
        tally.fields_not_read = dict(ordered[:_MOST_TOLD])


def names_of(*tables: Table) -> frozenset[str]:
    """Return all places that tables name."""
    return frozenset(place for table in tables for places in table.values() for place in places)
