"""Instants, addresses and numbers as exports write them: every spelling of one value is the same value."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking.endpoints import values

INSTANTS = st.datetimes(min_value=dt.datetime(1970, 1, 1), max_value=dt.datetime(2100, 1, 1))  # noqa: DTZ001 - UTC below
OFFSETS = st.integers(min_value=-14 * 60, max_value=14 * 60)


def micros(when: dt.datetime) -> int:
    return (when.replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


@given(INSTANTS, OFFSETS, st.integers(min_value=0, max_value=9))
def test_every_spelling_of_an_instant_is_that_instant(
    when: dt.datetime, offset: int, hundreds_of_nanoseconds: int
) -> None:
    expected = micros(when)
    base, fraction = when.strftime("%Y-%m-%d %H:%M:%S"), f"{when.microsecond:06d}"
    shifted = when + dt.timedelta(minutes=offset)
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    for text in (
        f"{base}.{fraction}",
        f"{base}.{fraction}{hundreds_of_nanoseconds}Z",
        f"{base.replace(' ', 'T')}.{fraction} UTC",
        f"{shifted:%Y-%m-%dT%H:%M:%S}.{fraction}{zone}",
        f"{shifted:%Y-%m-%dT%H:%M:%S}.{fraction}{zone.replace(':', '')}",
        f"{when.month}/{when.day}/{when.year}, {when:%I:%M:%S}.{fraction} {when:%p}",
    ):
        assert values.instant(text) == expected, text


@given(INSTANTS, st.integers(min_value=0, max_value=7))
def test_any_number_of_fraction_digits_is_exact(when: dt.datetime, digits: int) -> None:
    seconds = micros(when) // 1_000_000 * 1_000_000
    fraction = f"{when.microsecond:06d}7"[:digits]
    text = f"{when:%Y-%m-%dT%H:%M:%S}{'.' + fraction if digits else ''}Z"
    assert values.instant(text) == seconds + int(fraction.ljust(6, "0")[:6])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "25/12/2024, 1:00:00 AM",
        "1/2/2024, 13:00:00 PM",
        "1/2/2024, 0:30:00 AM",
        "2024-01-01",
        "2024-01-01T00:00:00.Z",
        "\u0662024-01-01T00:00:00Z",
        None,
        17.5,
        "2024-01-01T00:00:00Z" * 9,
    ],
)
def test_what_is_no_instant_is_none(text: object) -> None:
    assert values.instant(text) is None


def test_noon_and_midnight_of_a_twelve_hour_clock() -> None:
    assert values.instant("10/25/2023, 12:00:00.000 AM") == values.instant("2023-10-25T00:00:00Z")
    assert values.instant("10/25/2023, 12:00:00.000 PM") == values.instant("2023-10-25T12:00:00Z")


def test_a_time_without_zone_is_refused_where_a_zone_is_needed() -> None:
    assert values.instant("2023-10-25 09:43:21", zoned_only=True) is None
    assert values.instant("2023-10-25T09:43:21Z", zoned_only=True) == 1_698_227_001_000_000


@given(st.ip_addresses(v=6))
def test_ipv6_spellings_are_one(ip: ipaddress.IPv6Address) -> None:
    one = values.address(str(ip))
    assert one == values.address(ip.exploded.upper())
    assert one == values.address(f"[{ip.exploded}]")
    assert one == values.address(f" {ip}%12 ")


@given(st.ip_addresses(v=4).filter(lambda ip: not ip.is_unspecified))
def test_an_ipv4_mapped_address_is_the_ipv4_address(ip: ipaddress.IPv4Address) -> None:
    assert values.address(f"::ffff:{ip}") == str(ip) == values.address(str(ip))


@given(st.text(max_size=80))
def test_nothing_makes_the_parsers_raise(text: str) -> None:
    values.instant(text)
    found = values.address(text)
    assert found is None or str(ipaddress.ip_address(found)) == found
    for number in (values.whole(text), values.port(text), values.process_id(text)):
        assert number is None or number >= 0
    values.flag(text)
    values.basename(text)
    values.transport(text)


@pytest.mark.parametrize(("text", "expected"), [("7448", 7448), (7448, 7448), ("0x1d18", 7448), ("7448.0", 7448)])
def test_a_pid_in_every_spelling(text: object, expected: int) -> None:
    assert values.process_id(text) == expected


@pytest.mark.parametrize("text", ["0", 0, "", "-", "-5", -5, True, None, "1e3", "٣"])
def test_what_is_no_pid_is_none(text: object) -> None:
    assert values.process_id(text) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("C:\\Windows\\System32\\svchost.exe", "svchost.exe"),
        ("\\device\\harddiskvolume2\\windows\\system32\\svchost.exe", "svchost.exe"),
        ("C:/tools/whois.exe", "whois.exe"),
        ("/usr/bin/whois", "whois"),
        ("/opt/odd\\name", "odd\\name"),
        ("System", "System"),
        ("", None),
        (None, None),
    ],
)
def test_file_name_of_a_path(path: str | None, name: str | None) -> None:
    assert values.basename(path) == name
