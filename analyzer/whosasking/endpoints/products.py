"""The products with a reader of their own, and the one way to read lines of JSON of any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints import (
    carbon_black,
    carbon_black_cloud,
    crowdstrike,
    defender,
    elastic_defend,
    osquery,
    sentinelone,
    sysmon,
    velociraptor,
)
from whosasking.endpoints.kinds import KINDS
from whosasking.endpoints.reading import Product, take_all
from whosasking.endpoints.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.inputs import Tally

PRODUCTS: tuple[Product, ...] = (
    elastic_defend,
    crowdstrike,
    carbon_black,
    carbon_black_cloud,
    sentinelone,
    osquery,
    velociraptor,
)
BY_KIND = {product.KIND: product for product in PRODUCTS}


def take_lines(kind: str, lines: Iterable[Line], collector: Collector, tally: Tally, noted: Noted) -> None:
    """Read numbered lines of one JSON object each, of an input of ``kind``, that have passed a screen."""
    if kind == "defender json":
        defender.read_rows(rows_of(lines, tally), collector, tally, noted)
    elif (product := BY_KIND.get(kind)) is not None:
        # What a screen tells apart by its kind needs no second look.
        glance = None if KINDS[kind].event else product.GLANCE
        take_all(rows_of(lines, tally, glance, noted), product, collector, tally, noted)
    else:
        sysmon.read_events(rows_of(lines, tally), kind, collector, tally, noted)
