"""What was read, and what the inputs could show. A part of the model, in a file of its own."""

from __future__ import annotations

import msgspec


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Something in an input that could not be read. ``line`` is 1-based; None when it concerns the whole file."""

    line: int | None
    reason: str


class InputReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one input.

    ``kind`` names the format (``zeek conn tsv``, ``eve json``, ``sysmon flat``) or is ``unknown``. ``skipped`` is
    capped; ``skipped_total`` counts all. ``unreadable`` marks an input nothing came of.
    """

    path: str
    kind: str
    bytes: int = 0
    records: int = 0
    candidates: int = 0
    skipped: tuple[Skipped, ...] = ()
    skipped_total: int = 0
    unreadable: bool = False
    fields_not_read: dict[str, int] = {}
    """Of an endpoint export: fields of the records read that no table knows, and in how many of them they stood."""


class ClockStep(msgspec.Struct, frozen=True, kw_only=True):
    """A host's clock was set: from ``at`` (microseconds UTC, the sensor's clock) on its offset is ``offset``."""

    at: int
    offset: int


class ClockOffset(msgspec.Struct, frozen=True, kw_only=True):
    """Sensor clock minus host clock. ``offset`` is None when it was refused, with the ``reason``."""

    host: str
    offset: int | None
    anchors: int
    spread: int
    reason: str = ""
    drift: float = 0.0
    """How fast the offset grows, in parts per million of the host's time."""
    steps: tuple[ClockStep, ...] = ()


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the inputs could and could not have shown."""

    start: int | None = None
    end: int | None = None
    hosts_with_edr: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    clock_offsets: tuple[ClockOffset, ...] = ()
