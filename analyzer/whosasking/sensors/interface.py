"""What the sensors need from the rest beside inputs and catalogue."""

from __future__ import annotations

from whosasking.model import Record

Tuple4 = tuple[str, int, str, int]
"""Address and port of one side, then of the other; addresses in canonical text form (RFC 5952 for IPv6)."""


class Wanted(Record, frozen=True, kw_only=False):
    """TCP connections the endpoints recorded, either orientation: those of them a sensor also saw anchor the clocks."""

    tuples: frozenset[Tuple4] = frozenset()
