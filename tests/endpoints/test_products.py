"""Every further product tells the story of ``products``, in every container; what is broken costs itself."""

from __future__ import annotations

import gzip
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from endpoints.events import dotted
from endpoints.exports import ndjson, read
from endpoints.products import STORIES
from endpoints.story import check, lines, nested

if TYPE_CHECKING:
    from pathlib import Path

MODULES = {
    "elastic defend": "elastic_defend",
    "crowdstrike fdr": "crowdstrike",
    "carbon black edr": "carbon_black",
    "carbon black cloud": "carbon_black_cloud",
    "sentinelone cloud funnel": "sentinelone",
    "osquery": "osquery",
    "velociraptor netstat": "velociraptor",
}
each_product = pytest.mark.parametrize("name", STORIES)


@each_product
def test_each_product_tells_the_story(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    reading, (report,) = read(ndjson(tmp_path / "x.json", story.rows))
    check(reading, story)
    assert (report.kind, report.records, report.skipped) == (story.kind, len(story.rows), ())


@each_product
@pytest.mark.parametrize("container", ["array", "pretty", "utf-16", "utf-16-be", "gzip", "hits", "crlf", "tables"])
def test_the_container_does_not_matter(name: str, container: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    path = tmp_path / "x"
    text = lines(story.rows)
    names = list(dict.fromkeys(key for row in story.rows for key in row))
    table = {"columns": [{"name": key, "type": "x"} for key in names]}
    tables = {"tables": [table | {"rows": [[row.get(key) for key in names] for row in story.rows]}]}
    data = {
        "array": json.dumps(story.rows).encode(),
        "pretty": json.dumps(story.rows, indent=2).encode(),
        "utf-16": text.encode("utf-16"),
        "utf-16-be": b"\xfe\xff" + text.encode("utf-16-be"),
        "gzip": gzip.compress(text.encode()),
        "hits": lines([{"_index": "x", "_source": row} for row in story.rows]).encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "tables": json.dumps(tables).encode(),
    }
    path.write_bytes(data[container])
    check(read(path)[0], story)


@pytest.mark.parametrize("name", ["sentinelone cloud funnel"])
def test_objects_instead_of_dotted_keys(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    check(read(ndjson(tmp_path / "x", [nested(row) for row in story.rows]))[0], story)


def test_dotted_keys_instead_of_objects(tmp_path: Path) -> None:
    story = STORIES["elastic defend"]()
    check(read(ndjson(tmp_path / "x", [dotted(row) for row in story.rows]))[0], story)


def renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list):
        return [renamed(one, old, new) for one in value]
    if isinstance(value, dict):
        return {new if name == old else name: renamed(inner, old, new) for name, inner in value.items()}
    return value


@each_product
def test_each_other_spelling_of_a_field_reads_the_same(name: str, tmp_path: Path) -> None:
    module = import_module(f"whosasking.endpoints.{MODULES[name]}")
    story = STORIES[name]()
    known = set().union(*(row.keys() | row.get("columns", {}).keys() for row in story.rows))
    tried = 0
    told_apart_by = {"Fqdn", "hostIdentifier", "SrcIP", "SrcPort", "DestIP", "DestPort", "process_path", "path"}
    for where in module.TABLE.values():
        first, *others = where
        for other in others:
            if first not in known or other in known or first in told_apart_by or "." in other:
                continue
            rows = renamed(story.rows, first, other)
            reading = read(ndjson(tmp_path / "x", rows))[0]
            if first not in {"UserName", "IP4Records"}:
                check(reading, story)
            tried += 1
    assert tried or name in {"sentinelone cloud funnel", "elastic defend", "velociraptor netstat"}


HOSTILE: list[Any] = [None, True, [], {}, [[]], "x" * 70_000, -1, 1e99, "\0", {"a": "b"}, "[red]", "\ud800", 2**70]


@each_product
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_field_of_the_wrong_type_raises_nothing(name: str, value: object, tmp_path: Path) -> None:
    story = STORIES[name]()
    rows = list(story.rows)
    for row in story.rows:
        rows += [row | {key: value} for key in row]
        rows += [
            row | {key: inner | {name: value}}
            for key, inner in row.items()
            if isinstance(inner, dict)
            for name in inner
        ]
    _, (report,) = read(ndjson(tmp_path / "x", rows))
    assert report.records == len(rows)


@each_product
def test_a_cut_line_and_junk_cost_themselves(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    path = tmp_path / "x"
    first = json.dumps(story.rows[0])
    path.write_text(f"{first[: len(first) // 2]}\n[1]\nnull\n\n{lines(story.rows)}{first[:30]}", "utf-8")
    reading, (report,) = read(path)
    check(reading, story)
    assert [skip.line for skip in report.skipped] == [1, 2, 3, 5 + len(story.rows)]


@each_product
def test_the_order_of_rows_does_not_matter(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    check(read(ndjson(tmp_path / "x", story.rows[::-1]))[0], story)


@each_product
def test_an_export_read_twice_counts_once(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    one, two = ndjson(tmp_path / "a", story.rows), ndjson(tmp_path / "b", story.rows)
    if name == "osquery":  # without a local port nothing tells two connections apart but their times
        assert len(read(one, two)[0].starts) == 2
    reading = read(one, two)[0]
    # A DNS query may well be asked twice at one instant; twice the same says the same.
    queries = [query for query in reading.name_queries if query.source.path == str(one)]
    check(msgspec.structs.replace(reading, name_queries=queries), story)


@each_product
def test_a_row_without_host_or_time_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    bare = {
        key: value
        for key, value in story.rows[0].items()
        if key.lower()
        not in {"@timestamp", "timestamp", "contexttimestamp", "device_timestamp", "event.time", "unixtime"}
    }
    if name == "osquery":
        bare["columns"] = {key: value for key, value in bare["columns"].items() if key != "time"}
    _, (report,) = read(ndjson(tmp_path / "x", [*story.rows, bare]))
    assert len(report.skipped) == 1
    assert report.skipped[0].line == len(story.rows) + 1
    assert "that can be read" in report.skipped[0].reason
