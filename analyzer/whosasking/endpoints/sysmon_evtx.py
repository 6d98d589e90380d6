"""Sysmon .evtx files, through the optional ``evtx`` package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosasking import storage
from whosasking.endpoints import sysmon
from whosasking.endpoints.containers import BadRowError, decode
from whosasking.endpoints.interface import Noted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.endpoints.interface import Collector
    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

MAGIC = b"ElfFile\0"


def read(inp: Input, collector: Collector, tally: Tally, progress: Progress) -> None:
    """Read an event log file; its record numbers stand where text files have lines."""
    if inp.compression:
        tally.fail("a compressed .evtx file: unpack it first")
        return
    try:
        from evtx import PyEvtxParser  # noqa: PLC0415 - an optional extra
    except ImportError:
        tally.fail("reading .evtx needs the evtx package: pip install 'whosasking[evtx]'")
        return
    try:
        size = storage.size(inp.path)
        parser = PyEvtxParser(storage.open_raw(inp.path) if storage.is_url(inp.path) else inp.path)
    except (OSError, RuntimeError, ValueError) as error:
        tally.fail(f"not an event log that can be read: {_one_line(error)}")
        return
    tally.took(size)
    progress.advance(size)
    sysmon.read_events(_events(parser, tally), "sysmon evtx", collector, tally, Noted())


def _events(parser: Any, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:  # noqa: ANN401 - the package is untyped
    """Yield event objects; a damaged record or chunk costs itself."""
    records = parser.records_json()
    number = 0
    while True:
        try:
            record = next(records)
            number = int(record["event_record_id"])
            event = decode(record["data"].encode("utf-8", "replace"))
        except StopIteration:
            return
        except (RuntimeError, ValueError, OSError, BadRowError) as error:
            tally.skip(number or None, f"a damaged event record: {_one_line(error)}")
            continue
        if isinstance(event, dict):
            yield number, event


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
