"""Counts and groupings over a Report that more than one renderer needs. No text for people, no rich."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from whosasking.model import Attributed, Detection, JudgedLookup, Outcome, Process
from whosasking.records import Records, picked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    outcomes: Counter[Outcome] = Counter()
    reasons: Counter[str] = Counter()
    detections: Counter[Detection] = Counter()
    for judged in report.lookups:  # once: they may lie on disk
        outcomes[judged.verdict.outcome] += 1
        reasons[judged.verdict.reason] += 1
        detections[judged.lookup.detection] += 1
    return Summary(
        reported=outcomes[Outcome.REPORTED],
        dropped=outcomes[Outcome.DROPPED],
        allowed=outcomes[Outcome.ALLOWED],
        by_reason=dict(sorted(reasons.items())),
        by_detection={detection.value: detections[detection] for detection in Detection},
    )


def in_order(report: Report) -> Iterable[JudgedLookup]:
    """Return the lookups in order of time."""
    if isinstance(report.lookups, Records):
        return report.lookups  # the pipeline's order
    return sorted(report.lookups, key=lambda judged: judged.lookup.ts)


def process_of(judged: JudgedLookup) -> Process | None:
    """Return the process a lookup was given to, None when to nobody."""
    return judged.attribution.process if isinstance(judged.attribution, Attributed) else None


def finding_of(report: Report) -> dict[str, str]:
    """Lookup id to the id of the finding it belongs to."""
    return {lookup: finding.id for finding in report.findings for lookup in finding.lookups}


def members(report: Report, findings: Sequence[Finding]) -> dict[str, Sequence[JudgedLookup]]:
    """Map the id of each of ``findings`` to its lookups, in its order; an id the report does not hold is left out."""
    wanted = {lookup for finding in findings for lookup in finding.lookups}
    numbers = {judged.lookup.id: n for n, judged in enumerate(report.lookups) if judged.lookup.id in wanted}
    return {
        finding.id: picked(report.lookups, array("q", [numbers[one] for one in finding.lookups if one in numbers]))
        for finding in findings
    }


def nothing_was_read(report: Report | ConnectionReport) -> bool:
    """Tell that no input could be read at all (or there was none): then an empty report means nothing."""
    return all(entry.unreadable or (entry.skipped_total and not entry.records) for entry in report.inputs)
