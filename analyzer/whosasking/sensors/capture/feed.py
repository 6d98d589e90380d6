"""Captures of any form, one or many -> one clean pcap stream in order of time, as every sensor can read it.

Rotated files join across their seams. Where files or interfaces differ in link type, every frame becomes Ethernet.
Damage ends its file and is noted; the sensor never sees it.
"""

from __future__ import annotations

import heapq
import os
import struct
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from whosasking.inputs import Tally
from whosasking.progress import SILENT
from whosasking.sensors.capture import frames
from whosasking.sensors.capture.pcapfile import Damaged, Packet, link_of, packets, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from whosasking.inputs import Input, Inputs
    from whosasking.progress import Progress

    Choose = Callable[[Iterator[Packet]], Iterable[Packet]]

_GATHERED: Final = 1 << 20
_LATEST: Final = (1 << 32) - 1
_SECOND: Final = 1_000_000_000
_SNAPLEN: Final = 256 << 10
_RECORD: Final = 16


class Feed:
    """The captures of one run as a stream. ``span`` is the first and last time of its packets, in nanoseconds."""

    def __init__(self, inputs: Inputs, progress: Progress) -> None:
        """Feed ``inputs.captures``; what cannot be read goes into their tallies, once however often it is fed."""
        self._inputs = inputs
        self._captures = inputs.captures
        self._progress = progress
        self._told = False
        self._foreign_links: set[int] = set()
        self.span: tuple[int, int] | None = None
        self.packets = 0

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(Path(inp.path).stat().st_size for inp in self._captures if Path(inp.path).exists())

    def is_empty(self) -> bool:
        """Return whether no capture has a packet; their tallies then say why. Suricata would wait for one forever."""
        if any(_first(inp) is not None for inp in self._captures):
            return False
        with Path(os.devnull).open("wb") as nowhere:
            self.write(nowhere.fileno())
        return True

    def direct(self) -> str | None:
        """Return the path a sensor can read as it is: a single plain pcap file that is whole."""
        if len(self._captures) != 1:
            return None
        (inp,) = self._captures
        return inp.path if inp.compression is None and inp.kind == "pcap" else None

    def check(self) -> bool:
        """Walk the single plain file, for its count and times; return whether it is whole."""
        (inp,) = self._captures
        found = walk(inp.path)
        if found.damage is not None:
            return False
        if found.packets:
            self.span, self.packets = (found.first, found.last), found.packets
        if not self._told:
            self._told = True
            tally = self._inputs.tally(inp.path)
            tally.took(Path(inp.path).stat().st_size)
            tally.records = found.packets
        return True

    def write(self, fd: int, choose: Choose = iter) -> None:
        """Write the stream, or what ``choose`` takes from it. Raises OSError, BrokenPipeError when nobody reads it."""
        first_time, self._told = not self._told, True
        link, sources = self._sources(first_time=first_time)
        head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAPLEN, frames.ETHERNET if link is None else link)
        gathered, size = [head], len(head)
        for packet in choose(self._timed(merged(sources))):
            data = packet.data if packet.link == link else self._as(link, packet)
            if data is None:
                if first_time:
                    self._foreign(packet.link)
                continue
            seconds, rest = divmod(packet.ts, _SECOND)
            seconds = min(max(seconds, 0), _LATEST)
            gathered += (struct.pack("<IIII", seconds, rest, len(data), max(packet.size, len(data))), data)
            size += len(data) + _RECORD
            if size >= _GATHERED:
                _write_all(fd, b"".join(gathered))
                gathered, size = [], 0
        _write_all(fd, b"".join(gathered))

    def _timed(self, every: Iterator[Packet]) -> Iterator[Packet]:
        """Pass the packets on and note how many there are and their times."""
        first, last, count = sys.maxsize, -sys.maxsize, 0
        for count, packet in enumerate(every, start=1):  # noqa: B007 - used after the loop
            ts = packet.ts
            first = min(ts, first)
            last = max(ts, last)
            yield packet
        if count:
            self.span, self.packets = (first, last), count

    def _sources(self, *, first_time: bool) -> tuple[int | None, list[tuple[int, Iterator[Packet]]]]:
        """Return the link type to write (None: Ethernet, made from any) and each capture with its first time."""
        link = _common_link(self._captures)
        sources, links = [], set()
        for inp in self._captures:
            first = _first(inp) if link is None or len(self._captures) > 1 else None
            if first is not None:
                links.add(first.link)
            sources.append((first.ts if first else 0, self._packets(inp, first_time=first_time)))
        if link is None and len(links) == 1 and not links & frames.CONVERTIBLE:
            (link,) = links  # Wi-Fi and the like: what cannot be made Ethernet is at least read alone
        return link, sources

    @staticmethod
    def _as(link: int | None, packet: Packet) -> bytes | None:
        """Return a packet of another link type as the stream's, None where that cannot be."""
        return frames.to_ethernet(packet.link, packet.data) if link in (None, frames.ETHERNET) else None

    def _packets(self, inp: Input, *, first_time: bool) -> Iterator[Packet]:
        """Yield the packets of one capture, damage and count into its tally the first time it is read."""
        tally = self._inputs.tally(inp.path) if first_time else Tally(inp.path, inp.kind)
        progress = self._progress if first_time else SILENT
        try:
            with closing(packets(inp, tally, progress)) as every:  # type: ignore[type-var]  # a generator
                for packet in every:
                    tally.records += 1
                    yield packet
        except Damaged as error:
            _note(tally, str(error))
        except OSError as error:
            _note(tally, (error.strerror or str(error)).lower())

    def _foreign(self, link: int) -> None:
        """Tell once of packets that are left out, in each file that has such (pcapng: may have)."""
        if link in self._foreign_links:
            return
        self._foreign_links.add(link)
        for inp in self._captures:
            if _common_link([inp]) in (None, link):
                reason = f"packets of link type {link} were left out: they cannot be joined with the others"
                self._inputs.tally(inp.path).skip(None, reason)


def _note(tally: Tally, reason: str) -> None:
    if tally.records:
        tally.skip(tally.records + 1, f"{reason}; {tally.records:,} packets before it were read")
    else:
        tally.fail(reason)


def merged(sources: list[tuple[int, Iterator[Packet]]]) -> Iterator[Packet]:
    """Yield the packets of all sources in order of time; each source keeps its own order.

    A source comes with the time of its first packet and is opened when that has come: of a year of rotated files one or
    two are open at once.
    """
    waiting: list[tuple[int, int, Packet | None, Iterator[Packet]]] = [
        (first, number, None, source) for number, (first, source) in enumerate(sources)
    ]
    heapq.heapify(waiting)
    while waiting:
        _, number, packet, source = waiting[0]
        if packet is not None:
            yield packet
        following = next(source, None)
        if following is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, (following.ts, number, following, source))


def _first(inp: Input) -> Packet | None:
    try:
        with closing(packets(inp, Tally(inp.path), SILENT)) as every:  # type: ignore[type-var]  # a generator
            return next(every, None)
    except (Damaged, OSError):
        return None  # told when it is read


def _common_link(captures: Sequence[Input]) -> int | None:
    """Return the link type every capture has; None where they differ or the first packets cannot tell."""
    from whosasking.bytestream import BadStream  # noqa: PLC0415 - only its name
    from whosasking.inputs import read_head  # noqa: PLC0415 - see above

    links: set[int | None] = set()
    for inp in captures:
        try:
            links.add(link_of(read_head(inp.path, 24).data))
        except (OSError, BadStream):
            continue
    return links.pop() if len(links) == 1 else None


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
