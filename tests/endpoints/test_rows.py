"""Rows out of lines: what is broken costs itself, what comes behind it is still read, nothing grows without bound."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosasking.endpoints import rows
from whosasking.inputs import Input, Tally
from whosasking.progress import SILENT

if TYPE_CHECKING:
    from pathlib import Path

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=12)
TABLES = st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1))
JSON = st.recursive(
    st.none() | st.booleans() | CELLS, lambda inner: st.lists(inner) | st.dictionaries(CELLS, inner), max_leaves=6
)
OBJECTS = st.lists(st.dictionaries(CELLS, JSON, max_size=3), max_size=4)


def lines_of(text: str) -> list[tuple[int, bytes]]:
    return [(number, line.encode()) for number, line in enumerate(text.split("\n"), 1)]


def read_csv(text: str, width: int) -> tuple[list[list[str]], list[str]]:
    tally = Tally("x")
    found = [fields for _, fields in rows.csv_rows(lines_of(text), ",", width, tally)]
    return found, [f"{skip.line}: {skip.reason}" for skip in tally.skipped]


def read_json(data: bytes, tmp_path: Path) -> tuple[list[tuple[int, Any]], list[str]]:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    tally = Tally(str(path))
    found = list(rows.json_rows(Input(str(path), "defender json"), tally, SILENT))
    return found, [f"{skip.line}: {skip.reason}" for skip in tally.skipped]


@given(TABLES)
def test_csv_is_read_as_the_csv_module_reads_it(table: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert read_csv(text.getvalue(), len(table[0])) == (table, [])


def test_an_open_quote_costs_its_own_row_and_no_other() -> None:
    found, skipped = read_csv('a,"b\nc,d\n"e\nf",g\nh,i', 2)
    assert found == [["c", "d"], ["e\nf", "g"], ["h", "i"]]
    assert len(skipped) == 1
    assert skipped[0].startswith("1: ")


def test_a_row_with_too_few_fields_is_named_by_its_line() -> None:
    found, skipped = read_csv("a,b\nc\nd,e", 2)
    assert found == [["a", "b"], ["d", "e"]]
    assert skipped == ["2: 1 CSV fields where the header has 2"]


def test_a_field_longer_than_the_csv_modules_limit_is_read_and_the_limit_stays() -> None:
    before = csv.field_size_limit()
    found, skipped = read_csv(f'"{"x" * 300_000}",b', 2)
    assert (len(found[0][0]), skipped) == (300_000, [])
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("wrap", ["{}", '{{"Results": {}}}', '{{"Stats": {{"a": [{{}}]}}, "value": {}}}'])
@pytest.mark.parametrize("indent", [None, 2])
@settings(max_examples=25)
@given(objects=OBJECTS)
def test_json_documents_give_their_rows(wrap: str, indent: int | None, objects: list[dict[str, Any]]) -> None:
    objects = [{"row": value} for value in objects]
    data = wrap.format(json.dumps(objects, indent=indent, ensure_ascii=False)).encode()
    tally = Tally("x")
    for size in (1, 7, len(data)):
        starts = range(0, len(data), size)
        chunks = [(1 + data.count(b"\n", 0, start), data[start : start + size]) for start in starts]
        pieces = rows.elements(chunks, tally)
        assert [json.loads(piece) for _, piece in pieces] == objects
    assert tally.skipped == []


def test_pretty_printed_objects_one_after_the_other(tmp_path: Path) -> None:
    data = "\n".join(json.dumps({"a": number}, indent=2) for number in range(3)).encode()
    assert read_json(data, tmp_path) == ([(1, {"a": 0}), (4, {"a": 1}), (7, {"a": 2})], [])


def test_a_line_cut_in_half_costs_itself(tmp_path: Path) -> None:
    found, skipped = read_json(b'{"a": 1}\n{"a": "cut\n{"a": 3}\n', tmp_path)
    assert found == [(1, {"a": 1}), (3, {"a": 3})]
    assert [reason[:2] for reason in skipped] == ["2:"]


def test_an_array_with_a_row_cut_in_half_still_gives_the_others(tmp_path: Path) -> None:
    found, skipped = read_json(b'[\n{"a": 1},\n{"a": {"b": "cut\n{"a": 3},\n{"a": 4}\n]', tmp_path)
    assert found == [(2, {"a": 1}), (4, {"a": 3}), (5, {"a": 4})]
    assert [reason[:2] for reason in skipped] == ["3:"]


def test_an_array_that_ends_in_the_middle_says_so(tmp_path: Path) -> None:
    found, skipped = read_json(b'[{"a": 1},\n{"a": 2', tmp_path)
    assert found == [(1, {"a": 1})]
    assert skipped == ["2: the JSON document ends in the middle: the file was cut off"]


def test_one_line_of_twenty_megabytes_is_read_row_by_row(tmp_path: Path) -> None:
    row = json.dumps({"a": "x" * 1000})
    found, skipped = read_json(f"[{','.join([row] * 20_000)}]".encode(), tmp_path)
    assert (len(found), skipped) == (20_000, [])


def test_lone_surrogates_and_bad_utf8_do_not_hide_a_row(tmp_path: Path) -> None:
    found, skipped = read_json(b'{"a": "\\ud800 whois"}\n{"a": "\xff whois"}\n', tmp_path)
    assert [row["a"][1:] for _, row in found] == [" whois", " whois"]
    assert skipped == []


def test_deep_nesting_is_a_skip(tmp_path: Path) -> None:
    found, skipped = read_json(b'{"a": ' + b"[" * 100_000 + b'\n{"a": 1}\n', tmp_path)
    assert found == [(2, {"a": 1})]
    assert len(skipped) == 1


def test_a_byte_order_mark_before_an_array(tmp_path: Path) -> None:
    found, skipped = read_json(b'\xef\xbb\xbf[{"a": 1},\n{"a": 2}\n]', tmp_path)
    assert ([row for _, row in found], skipped) == ([{"a": 1}, {"a": 2}], [])


@pytest.mark.parametrize("indent", [None, 1])
def test_the_hits_of_an_elasticsearch_answer_are_rows(indent: int | None, tmp_path: Path) -> None:
    hits = [{"_index": "x", "_source": {"n": number, "hits": [{"n": 9}]}} for number in range(3)]
    answer = {"took": 5, "_shards": {"hits": []}, "hits": {"total": {"value": 3}, "max_score": None, "hits": hits}}
    found, skips = read_json(json.dumps(answer, indent=indent).encode(), tmp_path)
    assert [row["n"] for _, row in found] == [0, 1, 2]
    assert skips == []
