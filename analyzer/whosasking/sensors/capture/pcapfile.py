"""Capture files -> packets: pcap (micro- and nanoseconds, either byte order) and pcapng (sections, interfaces).

Formats: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html and draft-ietf-opsawg-pcapng-02. Damage ends a
file where it stands: what came before it counts.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from whosasking.bytestream import BadStream, open_stream
from whosasking.inputs import Metered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.bytestream import Stream
    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

Nanos = int
"""Nanoseconds since 1970."""

LONGEST_PACKET: Final = 256 << 10
"""More than any sensor takes (libpcap's MAXIMUM_SNAPLEN); a longer one is a damaged length."""
_LONGEST_BLOCK: Final = 16 << 20
_PIECE: Final = 1 << 20
_MICROSECONDS: Final = 0xA1B2C3D4
_NANOSECONDS: Final = 0xA1B23C4D
_HEADER: Final = 24
_RECORD: Final = 16
_SECTION: Final = 0x0A0D0D0A
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
_SMALLEST_BLOCK: Final = 12


class Damaged(Exception):  # noqa: N818 - reads as the reason it carries
    """A capture ends too early or makes no sense from here on; ``str()`` says which."""


class Packet(NamedTuple):
    """One packet. ``link`` is its LINKTYPE number, ``size`` its length on the wire."""

    ts: Nanos
    link: int
    size: int
    data: bytes


class Walk(NamedTuple):
    """What a plain pcap file holds, by its record headers. ``damage`` is why the rest of it cannot be read.

    ``first`` and ``last`` are times of packets, and hold where there is no damage.
    """

    packets: int
    first: Nanos
    last: Nanos
    damage: str | None


class _Cursor:
    """A window on a stream: ``data[at:]`` is what has been read and not used yet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0
        self.gone = 0
        self._damage: str | None = None

    def has(self, count: int) -> bool:
        """Return whether ``count`` more bytes are there, reading them as needed."""
        while len(self.data) - self.at < count:
            try:
                more = self._stream.read(_PIECE)
            except BadStream as error:
                self._damage = str(error)
                more = b""
            if not more:
                return False
            self.gone += self.at
            self.data = self.data[self.at :] + more
            self.at = 0
        return True

    def end(self) -> None:
        """Finish. Raises Damaged when bytes are left over or the stream broke."""
        if self._damage is not None:
            raise Damaged(self._damage)
        if self.at < len(self.data):
            raise Damaged(f"cut short in the middle of a packet at byte {self.gone + self.at:,}")

    def damaged(self, what: str) -> Damaged:
        """Return the error for nonsense at this place."""
        return Damaged(f"damaged at byte {self.gone + self.at:,}: {what}")


def packets(inp: Input, tally: Tally, progress: Progress) -> Iterator[Packet]:
    """Yield the packets of one capture. Raises Damaged after the last good one, OSError when it cannot be read."""
    with Path(inp.path).open("rb", buffering=0) as file:
        cursor = _Cursor(open_stream(Metered(file, tally, progress), inp.compression))
        if not cursor.has(4):
            cursor.end()
            return
        is_ng = cursor.data[:4] == _SECTION.to_bytes(4, "big")
        yield from _pcapng(cursor) if is_ng else _pcap(cursor)


def order_of(magic: bytes) -> tuple[str, Nanos] | None:
    """Return byte order (for struct) and nanoseconds in a tick of a pcap file, None when it is none."""
    for order in "<>":
        (number,) = struct.unpack(f"{order}I", magic[:4])
        if number in (_MICROSECONDS, _NANOSECONDS):
            return order, 1000 if number == _MICROSECONDS else 1
    return None


def link_of(head: bytes) -> int | None:
    """Return the link type in the header of a pcap file, None for pcapng (each interface has its own)."""
    order = order_of(head)
    if order is None or len(head) < _HEADER:
        return None
    return int(struct.unpack_from(f"{order[0]}I", head, 20)[0]) & 0xFFFFFFF


def walk(path: str) -> Walk:
    """Go through the record headers of a plain pcap file. Raises OSError."""
    count, first, last, damage = 0, 0, 0, None
    with Path(path).open("rb", buffering=0) as file:
        head = file.read(_HEADER)
        order = order_of(head) if len(head) == _HEADER else None
        if order is None:
            return Walk(0, 0, 0, "cut short in its header")
        record = struct.Struct(f"{order[0]}III")
        tail, base, at = b"", _HEADER, 0
        while piece := file.read(_PIECE):
            data = tail + piece if tail else piece
            end = len(data) - _RECORD
            while at <= end:
                seconds, ticks, size = record.unpack_from(data, at)
                if size > LONGEST_PACKET:
                    return Walk(count, first, last, f"damaged at byte {base + at:,}: a packet of {size:,} bytes")
                last = seconds * 1_000_000_000 + ticks * order[1]
                first = first if count else last
                count += 1
                at += _RECORD + size
            kept = min(at, len(data))
            tail, base, at = data[kept:], base + kept, at - kept
        if tail or at:
            damage, count = f"cut short in the middle of a packet at byte {base:,}", count - bool(at)
    return Walk(count, first, last, damage)


def _pcap(cursor: _Cursor) -> Iterator[Packet]:
    if not cursor.has(_HEADER):
        cursor.end()
    order = order_of(cursor.data)
    if order is None:
        raise Damaged("not a capture")
    link = link_of(cursor.data) or 0
    cursor.at = _HEADER
    record = struct.Struct(f"{order[0]}IIII")
    while cursor.has(_RECORD):
        seconds, ticks, size, wire = record.unpack_from(cursor.data, cursor.at)
        if size > LONGEST_PACKET:
            raise cursor.damaged(f"a packet of {size:,} bytes")
        if not cursor.has(_RECORD + size):
            break
        start = cursor.at + _RECORD
        cursor.at = start + size
        ts = seconds * 1_000_000_000 + ticks * order[1]
        yield Packet(ts, link, wire, cursor.data[start : cursor.at])
    cursor.end()


class _Interface(NamedTuple):
    """One interface of a section. ``per_second``: ticks in a second; ``offset``: seconds to add."""

    link: int
    longest: int
    per_second: int
    offset: int


def _pcapng(cursor: _Cursor) -> Iterator[Packet]:
    order = "<"
    interfaces: list[_Interface] = []
    while cursor.has(_SMALLEST_BLOCK):
        kind = struct.unpack_from(f"{order}I", cursor.data, cursor.at)[0]
        if kind == _SECTION:
            order, interfaces = _order_of_section(cursor), []
        size = struct.unpack_from(f"{order}I", cursor.data, cursor.at + 4)[0]
        if not _SMALLEST_BLOCK <= size <= _LONGEST_BLOCK or size % 4:
            raise cursor.damaged(f"a block of {size:,} bytes")
        if not cursor.has(size):
            break
        body = cursor.data[cursor.at + 8 : cursor.at + size - 4]
        try:
            if kind == _INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
                yield _packet(kind, body, order, interfaces)
        except (struct.error, IndexError):
            raise cursor.damaged("a block that does not add up") from None
        cursor.at += size
    cursor.end()


def _order_of_section(cursor: _Cursor) -> str:
    magic = cursor.data[cursor.at + 8 : cursor.at + 12]
    if magic not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
        raise cursor.damaged("a section header without its byte order")
    return ">" if magic[0] == 0x1A else "<"  # noqa: PLR2004 - the first byte of the magic


def _interface(body: bytes, order: str) -> _Interface:
    link, _, longest = struct.unpack_from(f"{order}HHI", body)
    per_second, offset, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        if code == 0:
            break
        if code == _RESOLUTION and size >= 1:
            power = body[at + 4]
            per_second = 1 << (power & 0x7F) if power & 0x80 else 10 ** min(power, 18)
        elif code == _OFFSET and size >= 8:  # noqa: PLR2004 - a 64-bit number
            (offset,) = struct.unpack_from(f"{order}q", body, at + 4)
        at += 4 + size + (-size % 4)
    return _Interface(link, longest, per_second, offset)


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> Packet:
    if kind == _SIMPLE_PACKET:  # it has no time
        (wire,) = struct.unpack_from(f"{order}I", body)
        interface = interfaces[0]
        size = min(wire, interface.longest or wire)
        return Packet(0, interface.link, wire, _taken(body, 4, size))
    shape = "IIIII" if kind == _PACKET else "HHIIII"
    values = struct.unpack_from(f"{order}{shape}", body)
    interface = interfaces[values[0]]
    high, low, size, wire = values[-4:]
    ticks = (high << 32) | low
    ts = ticks * 1_000_000_000 // interface.per_second + interface.offset * 1_000_000_000
    return Packet(ts, interface.link, wire, _taken(body, 20, size))


def _taken(body: bytes, start: int, size: int) -> bytes:
    """Return the packet's bytes. Raises IndexError when there are fewer."""
    if start + size > len(body) or size > LONGEST_PACKET:
        raise IndexError
    return body[start : start + size]
