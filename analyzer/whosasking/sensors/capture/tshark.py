"""A capture through tshark: runs it and hands its rows to the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.errors import InputError
from whosasking.model import WireReading
from whosasking.sensors import assemble
from whosasking.sensors.capture import process
from whosasking.sensors.capture.stream import Column, Rows
from whosasking.sensors.capture.thin import Thinner
from whosasking.sensors.coverage import unclassed_note
from whosasking.sensors.pcap import COLUMNS, DISPLAY_FILTER, Pcap

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.catalogue import Catalogue
    from whosasking.sensors.capture.feed import Feed
    from whosasking.sensors.capture.process import Ended, Limits
    from whosasking.sensors.interface import Wanted


_COLUMNS: Final = [Column(*column) for column in COLUMNS]


def read(feed: Feed, folder: Path, catalogue: Catalogue, wanted: Wanted, limits: Limits) -> WireReading:
    """Read the capture. Raises InputError when tshark fails, with its own message."""
    reader = Pcap(catalogue, wanted)
    ended = _run(feed, reader, folder, limits)
    if ended.late:
        raise InputError(f"tshark was stopped after {limits.seconds:,.0f} seconds")
    if ended.status:
        raise InputError(f"tshark failed with status {ended.status}: {ended.said or 'it said nothing'}")
    reader.finish()
    assemble.resolve_hidden(reader.book, catalogue)
    found = list(assemble.lookups(reader.book, catalogue))
    return WireReading(
        lookups=found,
        anchors=sorted(reader.book.anchors.values(), key=lambda one: (one.ts, one.uid or "")),
        notes=[*unclassed_note(found), *reader.notes],
    )


def _run(feed: Feed, reader: Pcap, folder: Path, limits: Limits) -> Ended:
    pipe = process.Piped(lambda fd: feed.write(fd, Thinner().packets))
    pipe.start()
    try:
        return Rows(pipe.fd, DISPLAY_FILTER, _COLUMNS, folder, limits).each(reader.take, pipe.started)
    finally:
        pipe.join()
