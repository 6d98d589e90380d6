"""Zeek and Suricata logs -> lookups. One module per format; none of them knows another stage.

``detect`` says what makes a session a lookup, ``scan`` makes the passes over the files, ``assemble`` makes one lookup
of what several logs say about a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.model import Lookup, WireReading
from whosasking.sensors.recognise import sniff, unused

if TYPE_CHECKING:
    from whosasking.catalogue import Catalogue
    from whosasking.inputs import Inputs
    from whosasking.model import Connection
    from whosasking.progress import Progress
    from whosasking.sensors.book import Book
    from whosasking.sensors.interface import Wanted
    from whosasking.sensors.reading import LineReader

__all__ = ["anchors", "read", "sniff", "unused"]


def read(  # noqa: PLR0913 - the last two are switches
    inputs: Inputs,
    catalogue: Catalogue,
    wanted: Wanted,
    progress: Progress,
    *,
    exact: bool = False,
    reader: LineReader | None = None,
) -> WireReading:
    """Read the lookups out of ``inputs.sensors``; bad lines go into ``inputs.tallies``, nothing is raised for them.

    ``wanted`` are connections endpoints saw; those found become ``anchors``. ``exact`` reads every line, Zeek's TSV
    through zat, instead of sieving: slow, the same answer. Raises InputError when zat is missing then. ``reader`` reads
    the files (default: this process's threads).
    """
    from whosasking.records import Records  # noqa: PLC0415 - see below
    from whosasking.sensors import assemble, coverage, twice  # noqa: PLC0415 - a run without logs needs no Hyperscan
    from whosasking.sensors.scan import Scan  # noqa: PLC0415 - see above

    if not inputs.sensors:
        return WireReading()
    scan = Scan(inputs, catalogue, progress, exact=exact, reader=reader)
    scan.names()
    scan.connections(wanted.tuples)
    scan.answers()
    scan.connections_of(assemble.resolve_hidden(scan.book, catalogue))
    once, told, found = twice.Once(assemble.lookups(scan.book, catalogue)), coverage.Told(), Records(Lookup)
    for lookup in once:
        told.note(lookup)
        found.append(lookup)
    times = scan.times + told.times
    return WireReading(
        lookups=found.sealed(),
        anchors=_in_order(scan.book),
        leases=sorted(scan.book.leases, key=lambda lease: (lease.ts, lease.ip, lease.mac or "")),
        kinds=coverage.kinds(inputs),
        span=(min(times), max(times)) if times else None,
        notes=[*coverage.notes(scan, inputs, told), *scan.notes, *once.notes],
    )


def anchors(
    inputs: Inputs, catalogue: Catalogue, wanted: Wanted, progress: Progress, reader: LineReader | None = None
) -> list[Connection]:
    """Look for connections that endpoints saw, too, in logs that ``read`` has read before; nothing is counted again."""
    from whosasking.sensors.scan import Scan  # noqa: PLC0415 - as in read

    if not (inputs.sensors and wanted.tuples):
        return []
    scan = Scan(inputs, catalogue, progress, exact=False, reader=reader)
    scan.anchors(wanted.tuples)
    return _in_order(scan.book)


def _in_order(book: Book) -> list[Connection]:
    return sorted(book.anchors.values(), key=lambda one: (one.ts, one.uid or ""))
