"""docs/endpoints.md names every field that is read, and every format that is recognised."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from whosasking.endpoints import osquery, sentinelone, sysmon_shapes

PAGE = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text("utf-8")
NAMED = set(re.findall(r"`([^`]+)`", PAGE))
MODULES = (
    "elastic_defend",
    "crowdstrike",
    "carbon_black",
    "carbon_black_cloud",
    "sentinelone",
    "osquery",
    "velociraptor",
)


@pytest.mark.parametrize("name", MODULES)
def test_every_field_that_is_read_is_named(name: str) -> None:
    module = import_module(f"whosasking.endpoints.{name}")
    table = module.TABLE | (osquery.ENVELOPE if name == "osquery" else {})
    read = {place.removesuffix("_decimal") for places in table.values() for place in places}
    assert read - NAMED == set()


def test_the_parts_of_sentinelones_processes_are_named() -> None:
    assert {place for places in sentinelone._PROCESS.values() for place in places} - NAMED == set()


def test_every_field_of_windows_events_is_named() -> None:
    fields = {*sysmon_shapes._EVENT_DATA.values(), *sysmon_shapes._SECURITY_DATA.values()}
    assert fields - NAMED == set()
