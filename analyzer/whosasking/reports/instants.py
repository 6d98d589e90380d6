"""Instants (microseconds UTC) to text and back. Integers all the way: no float ever rounds a microsecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whosasking.model import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_TEXT = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?")
_YEAR_OR_DATE = (4, 8)
"""So many bare digits are a year or 20260314, never seconds: no log is from January 1970."""
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def moment(instant: Micros) -> datetime:
    """Turn ``instant`` into an aware datetime; what no calendar can show (the year 20000) becomes its nearest end."""
    return _EPOCH + timedelta(microseconds=min(max(instant, _FIRST), _LAST))


def iso(instant: Micros) -> str:
    """Write ISO 8601, UTC, always six fraction digits: ``2026-03-14T09:12:03.120000Z``."""
    return f"{moment(instant).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def day(instant: Micros) -> str:
    """Write the date: ``2026-03-14``."""
    return moment(instant).date().isoformat()


def clock(instant: Micros, *, fraction: bool = False) -> str:
    """Write the time of day, cut (not rounded) to seconds or, with ``fraction``, to milliseconds: ``09:12:03.120``."""
    return moment(instant).time().isoformat("milliseconds" if fraction else "seconds")


def span(start: Micros, end: Micros) -> str:
    """Write ``2026-03-14 09:12:03 to 09:14:55 UTC``; the second date only where it differs, one instant only once."""
    first = f"{day(start)} {clock(start)}"
    if clock(start) == clock(end) and day(start) == day(end):
        return f"{first} UTC"
    last = clock(end) if day(start) == day(end) else f"{day(end)} {clock(end)}"
    return f"{first} to {last} UTC"


def parse(text: str) -> Micros:
    """Read an instant a user typed: ISO 8601 (UTC unless it has a zone), a date (its midnight), or epoch seconds.

    Digits past the microsecond are cut. Raises ValueError with one clear sentence for anything else.
    """
    text = text.strip()
    epoch = _EPOCH_TEXT.fullmatch(text)
    if epoch and not (text.isdigit() and len(text) in _YEAR_OR_DATE):
        sign, seconds, fraction = epoch.groups()
        micros = int(seconds) * 1_000_000 + int((fraction or "").ljust(6, "0")[:6])
        return -micros if sign else micros
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        message = "is no time: write 2026-03-14, 2026-03-14T09:12:03Z, 2026-03-14T10:12:03+01:00 or epoch seconds"
        raise ValueError(message) from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // _MICROSECOND
