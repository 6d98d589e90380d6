"""Zeek's TSV: typed rows, escapes, headers; held to zat's reader."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.making import header
from whosasking.sensors.tsv import BadRow, Header, unescape
from whosasking.sensors.values import decimal_micros

RECORDED = Path(__file__).parents[2] / "pcaps" / "workstation" / "zeek-tsv"


@given(
    st.one_of(
        st.from_regex(rb"\A[0-9]{0,15}\.[0-9]{4,8}\Z"),
        st.binary(max_size=22),
        st.sampled_from([b".123456", b"-1.123456", b"1 .123456", b"1_0.123456", b"1.+23456", b"1. 23456"]),
    )
)
def test_a_time_is_read_as_exactly_as_by_the_slow_way(raw: bytes) -> None:
    try:
        expected = decimal_micros(raw.decode("ascii"))
    except UnicodeDecodeError:
        expected = None
    with contextlib.suppress(BadRow):
        assert made(["t:time"]).row(raw) == ({} if raw == b"-" else {"t": expected})
        return
    assert expected is None


def made(columns: list[str]) -> Header:
    found = Header()
    for line in header("test", columns).encode().splitlines():
        found.take(line)
    return found


def test_every_type_is_read_and_unset_fields_are_left_out() -> None:
    columns = [
        "ts:time",
        "life:interval",
        "n:count",
        "i:int",
        "d:double",
        "b:bool",
        "a:addr",
        "s:string",
        "set:set[string]",
        "vec:vector[interval]",
        "none:string",
        "empty:string",
        "nothing:set[addr]",
    ]
    row = made(columns).row(
        b"1700000000.000001\t0.25\t7\t-7\t1.5\tT\t2001:db8::1\ta b\tx,y\t1.0,2.5\t-\t(empty)\t(empty)"
    )
    assert row == {
        "ts": 1_700_000_000_000_001,
        "life": 250_000,
        "n": 7,
        "i": -7,
        "d": 1.5,
        "b": True,
        "a": "2001:db8::1",
        "s": "a b",
        "set": ("x", "y"),
        "vec": (1_000_000, 2_500_000),
        "empty": "",
        "nothing": (),
    }


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"a\x09b", "a\tb"),
        (rb"\x2d", "-"),
        (rb"C:\\temp", r"C:\temp"),
        (rb"\xc3\xa9", "é"),
        (rb"\xff", r"\xff"),
        (b"\xff", r"\xff"),
        (rb"\x5cx41", r"\x41"),
        (b"\xc3\xa9", "é"),
    ],
)
def test_escapes_are_undone_once(raw: bytes, text: str) -> None:
    assert unescape(raw) == text


@given(st.binary(max_size=60))
def test_any_bytes_a_writer_escapes_come_back(raw: bytes) -> None:
    escaped = b"".join(
        b"\\x%02x" % byte if byte < 0x20 or byte > 0x7E or byte == 0x5C else bytes([byte]) for byte in raw
    )
    assert unescape(escaped) == raw.decode("utf-8", "backslashreplace")


@given(st.binary(max_size=200))
def test_no_line_breaks_the_parser(line: bytes) -> None:
    reader = made(["ts:time", "n:count", "vec:vector[interval]"])
    with contextlib.suppress(BadRow):
        assert set(reader.row(line)) <= {"ts", "n", "vec"}


def test_a_row_of_the_wrong_width_says_so() -> None:
    with pytest.raises(BadRow, match="1 columns where the header names 2"):
        made(["ts:time", "n:count"]).row(b"1.0")
    with pytest.raises(BadRow, match="n is no count: 'x'"):
        made(["ts:time", "n:count"]).row(b"1.0\tx")
    with pytest.raises(BadRow, match="no #fields line"):
        Header().row(b"1.0\tx")


def test_separators_of_the_header_are_honoured() -> None:
    reader = Header()
    for line in (
        b"#separator \\x7c",
        b"#set_separator|;",
        b"#unset_field|NULL",
        b"#fields|a|b",
        b"#types|set[count]|string",
    ):
        reader.take(line)
    assert reader.row(b"1;2|NULL") == {"a": (1, 2)}


@pytest.mark.parametrize("log", ["conn", "dns", "http", "ssl"])
def test_types_agree_with_zat(log: str) -> None:
    reader_module = pytest.importorskip("zat.zeek_log_reader")
    path = RECORDED / f"{log}.log"
    ours = Header()
    mine: list[dict[str, object]] = []
    for line in path.read_bytes().splitlines():
        if line.startswith(b"#"):
            ours.take(line)
        else:
            mine.append(ours.row(line))
    theirs = list(reader_module.ZeekLogReader(str(path)).readrows())
    assert len(mine) == len(theirs) > 0
    for row, other in zip(mine, theirs, strict=True):
        for name, kind in zip(ours.fields, ours.types, strict=True):
            if name in row:
                assert like_zat(row[name], kind) == other[name], name


def like_zat(value: Any, kind: str) -> object:
    if kind == "time":
        from datetime import datetime  # noqa: PLC0415

        return datetime.fromtimestamp(value / 1_000_000)  # noqa: DTZ006 - zat's times are naive and local
    if kind == "interval":
        return timedelta(microseconds=value)
    if isinstance(value, tuple):
        return ",".join(f"{item / 1_000_000:.6f}" if "interval" in kind else str(item) for item in value) or "(empty)"
    return value or "(empty)" if kind == "string" else value
