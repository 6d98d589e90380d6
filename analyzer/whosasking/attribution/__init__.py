"""Which process made a lookup: clock offset, host identity, and the evidence ladder.

Input are the records of both sides; output is one attribution a lookup, each with its method, confidence and reason, or
the reason why nobody is named. ``policy`` holds every window and confidence.
"""

from __future__ import annotations

from whosasking.attribution.anchors import wanted
from whosasking.attribution.behind import Behind
from whosasking.attribution.bulk import Connections
from whosasking.attribution.joining import attribute
from whosasking.attribution.result import Result, duplicates, matched_records, on_sensor_clock
from whosasking.attribution.twins import united

__all__ = [
    "Behind",
    "Connections",
    "Result",
    "attribute",
    "duplicates",
    "matched_records",
    "on_sensor_clock",
    "united",
    "wanted",
]
