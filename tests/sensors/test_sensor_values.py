"""Instants and addresses: exact, and the same from every spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.sensors.values import address, decimal_micros, instant, iso_micros, spellings
from whosasking.sensors.zeek_json import decode

MICROS = st.integers(min_value=0, max_value=4_102_444_800_000_000)


@given(MICROS)
def test_one_instant_is_equal_in_every_spelling(micros: int) -> None:
    seconds, rest = divmod(micros, 1_000_000)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    text = f"{seconds}.{rest:06d}"
    assert decimal_micros(text) == micros
    assert decode(b'{"ts":%b}' % text.encode())["ts"] == micros
    assert decode(b'{"ts":"%b"}' % text.encode())["ts"] == micros
    assert iso_micros(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == micros
    assert iso_micros(moment.strftime("%Y-%m-%dT%H:%M:%S.%f+0000")) == micros
    east = moment + timedelta(hours=5, minutes=30)
    assert iso_micros(east.strftime("%Y-%m-%dT%H:%M:%S.%f+0530")) == micros
    assert decode(b'{"ts":%d}' % (micros // 1000))["ts"] == instant(micros // 1000)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1700000000", 1_700_000_000_000_000),
        ("1700000000.", 1_700_000_000_000_000),
        ("1700000000.1", 1_700_000_000_100_000),
        ("1700000000.123456", 1_700_000_000_123_456),
        ("1700000000.123456789", 1_700_000_000_123_457),
        ("0.02510213851928711", 25_102),
        ("0.000827999999", 828),
        ("-1.5", -1_500_000),
        ("1e-05", 10),
    ],
)
def test_decimal_seconds_are_not_rounded_through_a_float(text: str, micros: int) -> None:
    assert decimal_micros(text) == micros


@pytest.mark.parametrize("text", ["", "-", "nan", "inf", "1.2.3", "12 34", "१२३", "1" * 30, "0x10", "1e999"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert decimal_micros(text) is None


@pytest.mark.parametrize("text", ["", "2026-13-01T00:00:00Z", "2026-11-01", "2026-11-01T25:00:00Z", "yesterday"])
def test_what_is_no_instant_is_none(text: str) -> None:
    assert iso_micros(text) is None


def test_whole_milliseconds_are_told_from_seconds() -> None:
    assert instant(1_700_000_000_123) == instant("1700000000.123")


@given(st.ip_addresses(v=6))
def test_every_spelling_of_an_address_is_one_address(ip: object) -> None:
    for text in (str(ip), ip.exploded, ip.exploded.upper()):  # type: ignore[attr-defined]
        canonical = address(text)
        assert canonical is not None
        assert address(canonical) == canonical
    assert str(ip) in spellings(str(ip))


def test_an_ipv4_address_inside_ipv6_is_the_ipv4_address() -> None:
    assert address("::ffff:192.0.2.1") == "192.0.2.1"
    assert address("a.cdn.example") is None


def test_a_zone_is_no_part_of_an_address_on_the_wire() -> None:
    assert address("fe80::1%eth0") == "fe80::1"
    assert address("fe80::1%a%b") == "fe80::1"
    assert address("192.0.2.1%eth0") is None
