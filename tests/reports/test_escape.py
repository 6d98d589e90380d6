from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from whosasking.reports.escape import MAX_CHARACTERS, encodable, plain, visible

ANYTHING = st.text(st.characters(categories=None)) | st.binary().map(lambda raw: raw.decode(errors="surrogateescape"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("whois example.com", "whois example.com"),
        ("[red]x[/red]", "[red]x[/red]"),
        (r"C:\new\x1b", r"C:\new\x1b"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\0"),
        ("\u202efdp.exe", r"\u202efdp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        ("\x9b31m", r"\x9b31m"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
        ("a\u00a0b", r"a\xa0b"),
        ("m\u00fcnchen.example \u6f22\u5b57", "m\u00fcnchen.example \u6f22\u5b57"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert visible(text).plain == shown


def test_marks_do_not_climb_over_other_lines() -> None:
    assert plain("o" + "\u0308" * 5) == "o\u0308\u0308" + r"\u0308" * 3


def test_escapes_look_different_from_text_that_only_looks_like_one() -> None:
    real, typed = visible("\x1b"), visible(r"\x1b")
    assert real.plain == typed.plain
    assert real.spans != typed.spans


@given(ANYTHING)
def test_nothing_that_steers_hides_or_reorders_survives(text: str) -> None:
    for shown in (plain(text), visible(text).plain):
        shown.encode()
        assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in shown)


@given(ANYTHING, st.integers(0, 90))
@example("\u0ace\u2e80", 6)
@example("\u2764\ufe0f" * 9, 7)
@example("\U0001f1e9\U0001f1ea" * 9, 8)
def test_a_width_is_never_exceeded(text: str, width: int) -> None:
    assert cell_len(visible(text, width=width).plain) <= width
    narrow = visible(text, width=width, ascii_only=True).plain
    assert narrow.isascii()
    assert len(narrow) <= width


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=30, max_size=300))
def test_the_middle_goes_head_and_tail_stay(text: str) -> None:
    shown = visible(text, width=20).plain
    head, _, tail = shown.partition("\N{HORIZONTAL ELLIPSIS}")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) >= len(tail) > 4


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    shown = visible("A" * 10_000_000 + "Z").plain
    assert len(shown) < MAX_CHARACTERS + 100
    assert "9,995,905 characters cut" in shown
    assert shown.endswith("Z")


@given(ANYTHING)
def test_json_text_is_unchanged_unless_it_cannot_be_encoded(text: str) -> None:
    encodable(text).encode()
    if not any(unicodedata.category(c) == "Cs" for c in text):
        assert encodable(text) == text
