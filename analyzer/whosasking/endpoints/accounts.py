"""The account of a file whose lines several processes decode: kept in parts, told as if one had kept it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosasking.endpoints.census import Census
from whosasking.endpoints.interface import Noted
from whosasking.inputs import KEPT_SKIPS
from whosasking.model import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whosasking.inputs import Tally

Json = dict[str, Any]


class Kept(Noted):
    """What was left out of a part of a file, kept to be told with that of the other parts."""

    def __init__(self) -> None:
        """Nothing left out yet."""
        super().__init__()
        self.fields: dict[str, int] = {}

    def tell(self, tally: Tally, census: Census) -> None:
        """Keep the fields that are not read, too."""
        del tally
        self.fields = census.fields()


def part(tally: Tally, kept: Kept) -> Json:
    """Return the account of a part of a file."""
    return {
        "records": tally.records,
        "candidates": tally.candidates,
        "skipped": [(skip.line, skip.reason) for skip in tally.skipped],
        "skipped_total": tally.skipped_total,
        "left_out": kept.counts,
        "fields": kept.fields,
    }


class Account:
    """The account of a whole file, to which its reader adds while the parts are on their way."""

    def __init__(self, tally: Tally, noted: Noted) -> None:
        """Take what the file's lines are counted in; what stands there already stays in front."""
        self._tally = tally
        self._noted = noted
        self._census = Census(())
        self._before = len(tally.skipped)
        self._skipped: list[Skipped] = []

    def add(self, part: Json) -> None:
        """Add a part's account."""
        tally = self._tally
        tally.records += part["records"]
        tally.candidates += part["candidates"]
        tally.skipped_total += part["skipped_total"]
        self._skipped += [Skipped(line=line, reason=reason) for line, reason in part["skipped"]]
        self.keep(part["left_out"], part["fields"])

    def keep(self, left_out: Mapping[str, Mapping[str, int]], fields: Mapping[str, int]) -> None:
        """Add what was left out of a part, and its fields that are not read."""
        self._noted.take(left_out)
        self._census.add(fields)

    def close(self) -> None:
        """Put the parts together: the first skips are those of the first lines, whoever met them."""
        skipped = self._tally.skipped
        every = sorted([*self._skipped, *skipped[self._before :]], key=lambda skip: skip.line or 0)
        skipped[self._before :] = every[: KEPT_SKIPS - self._before]
        self._noted.tell(self._tally, self._census)
