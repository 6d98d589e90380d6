"""Counts and groupings over a Report that more than one renderer needs. No text for people, no rich."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from whosasking.model import Attributed, Detection, JudgedLookup, Outcome, Process

if TYPE_CHECKING:
    from whosasking.connections import ConnectionReport
    from whosasking.model import Finding, Report


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many lookups ended how. ``by_reason`` and ``by_detection`` count every lookup, whatever its outcome."""

    reported: int
    dropped: int
    allowed: int
    by_reason: dict[str, int]
    by_detection: dict[str, int]


def summarise(report: Report) -> Summary:
    """Count ``report.lookups``. Every detection has its key, zero or not; reasons are sorted by name."""
    outcomes = Counter(judged.verdict.outcome for judged in report.lookups)
    reasons = Counter(judged.verdict.reason for judged in report.lookups)
    detections = Counter(judged.lookup.detection for judged in report.lookups)
    return Summary(
        reported=outcomes[Outcome.REPORTED],
        dropped=outcomes[Outcome.DROPPED],
        allowed=outcomes[Outcome.ALLOWED],
        by_reason=dict(sorted(reasons.items())),
        by_detection={detection.value: detections[detection] for detection in Detection},
    )


def process_of(judged: JudgedLookup) -> Process | None:
    """Return the process a lookup was given to, None when to nobody."""
    return judged.attribution.process if isinstance(judged.attribution, Attributed) else None


def finding_of(report: Report) -> dict[str, str]:
    """Lookup id to the id of the finding it belongs to."""
    return {lookup: finding.id for finding in report.findings for lookup in finding.lookups}


def members(report: Report) -> dict[str, list[JudgedLookup]]:
    """Map each finding's id to its lookups, in the finding's order; an id the report does not hold is left out."""
    by_id = {judged.lookup.id: judged for judged in report.lookups}
    return {finding.id: _present(finding, by_id) for finding in report.findings}


def _present(finding: Finding, by_id: dict[str, JudgedLookup]) -> list[JudgedLookup]:
    return [by_id[lookup] for lookup in finding.lookups if lookup in by_id]


def nothing_was_read(report: Report | ConnectionReport) -> bool:
    """Tell that no input could be read at all (or there was none): then an empty report means nothing."""
    return all(entry.unreadable or (entry.skipped_total and not entry.records) for entry in report.inputs)
