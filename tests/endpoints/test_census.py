"""Unknown fields and versions: tolerated, and counted where the reader of a report can see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.exports import ndjson, read, reasons
from endpoints.products import STORIES
from endpoints.story import check
from whosasking.endpoints.census import Census
from whosasking.inputs import Tally
from whosasking.reports.json import input_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", STORIES)
def test_an_unknown_field_is_counted_and_changes_nothing(name: str, tmp_path: Path) -> None:
    story = STORIES[name]()
    rows = [row | {"x_new_in_v9": {"a": [1]}} for row in story.rows]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    check(reading, story)
    assert report.fields_not_read["x_new_in_v9"] == report.candidates
    assert input_of(report)["fields_not_read"]["x_new_in_v9"] == report.candidates


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        (events.flat(3, events.connection(NewField="1")), "NewField"),
        (windows.velociraptor(3, events.connection(NewField="1")), "NewField"),
        (windows.event_table(3, events.connection(NewField="1")), "NewField"),
        (
            {
                "Timestamp": "2024-05-01T10:00:00Z",
                "DeviceName": "ws1",
                "ActionType": "ConnectionSuccess",
                "RemoteIP": "192.0.2.1",
                "RemotePort": 43,
                "New Column": 1,
            },
            "newcolumn",
        ),
    ],
)
def test_it_is_counted_in_every_shape(row: dict[str, Any], unknown: str, tmp_path: Path) -> None:
    _, (report,) = read(ndjson(tmp_path / "x", [row, row]))
    assert report.fields_not_read[unknown] == 2
    assert not report.fields_not_read.keys() & {"SourceIp", "DestinationPort", "UtcTime", "remoteip", "actiontype"}


def test_a_newer_version_is_read_and_counted(tmp_path: Path) -> None:
    rows = [events.flat(3, events.connection(), Version=version) for version in (5, 9)]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert len(reading.sockets) == 1
    assert report.candidates == 2
    told = "events of a version that is not known here, read like the known one"
    assert reasons(report) == [f"None: 1 {told}: Sysmon 3 version 9 (1)"]


def test_file_content_cannot_fill_the_account() -> None:
    census, tally = Census({"known.inner"}), Tally("x")
    for number in range(20_000):
        census.count({f"field {number} {'x' * 200}": 1, "known": 1, "often": 1})
    census.tell(tally)
    assert len(tally.fields_not_read) == 40
    assert next(iter(tally.fields_not_read.items())) == ("often", 20_000)
    assert max(map(len, tally.fields_not_read)) == 80
    assert "known" not in tally.fields_not_read
