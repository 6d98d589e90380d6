from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.reports import instants, words

NOON = 1_773_489_600_000_000
"""2026-03-14 12:00:00 UTC."""


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T12:00:00Z",
        "2026-03-14T12:00:00",
        "2026-03-14 12:00",
        "2026-03-14T13:00:00+01:00",
        "2026-03-14T06:30:00-05:30",
        "1773489600",
        "1773489600.000000",
        " 2026-03-14T12:00:00.000Z ",
    ],
)
def test_one_instant_in_every_spelling(text: str) -> None:
    assert instants.parse(text) == NOON


def test_a_date_is_its_midnight_and_never_seconds() -> None:
    assert instants.parse("2026-03-14") == instants.parse("20260314") == NOON - 12 * 3600 * 1_000_000


@pytest.mark.parametrize("text", ["", "yesterday", "2026", "2026-13-01", "12:00", "1e9", "1773489600000", "-", "nan"])
def test_what_is_no_time_is_told_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 2026-03-14") as raised:
        instants.parse(text)
    assert "\n" not in str(raised.value)


@given(st.integers(0, 4_000_000_000_000_000))
def test_no_microsecond_is_lost(instant: int) -> None:
    assert instants.parse(f"{instant // 1_000_000}.{instant % 1_000_000:06}") == instant
    assert instants.parse(instants.iso(instant)) == instant


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_iso_with_any_zone_is_that_instant(when: datetime, minutes: int) -> None:
    micros = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert instants.iso(micros) == f"{when.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"
    if 2 < when.year < 9998:
        local = when.astimezone(timezone(timedelta(minutes=minutes)))
        assert instants.parse(local.isoformat()) == micros


@given(st.integers())
def test_no_instant_of_a_log_is_too_large_to_write(instant: int) -> None:
    assert len(instants.iso(instant)) == 27
    instants.span(instant, instant + 5)


def test_spans_say_no_more_than_they_must() -> None:
    assert instants.span(NOON, NOON) == "2026-03-14 12:00:00 UTC"
    assert instants.span(NOON, NOON + 61_000_000) == "2026-03-14 12:00:00 to 12:01:01 UTC"
    assert instants.span(NOON, NOON + 86_400_000_000) == "2026-03-14 12:00:00 to 2026-03-15 12:00:00 UTC"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0 s"),
        (400_000, "0.4 s"),
        (52_000_000, "52 s"),
        (172_000_000, "2 min 52 s"),
        (35_940_000_000, "9 h 59 min"),
        (266_400_000_000, "3 d 2 h"),
        (3_600_000_000, "1 h"),
    ],
)
def test_durations_in_words(micros: int, text: str) -> None:
    assert words.duration(micros) == text


def test_small_words() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b", "c", "d"]) == "a, b and 2 more"
    assert words.count(1, "lookup") == "1 lookup"
    assert words.count(1204, "lookup") == "1,204 lookups"
    assert words.offset(-176_502_000) == "-176.502 s (2 min 56 s)"
    assert words.size(46 * 1024 * 1024) == "46.0 MiB"
    assert words.confidence(1.0).startswith("certain")
    assert words.confidence(0.3) == "weak (0.30)"
