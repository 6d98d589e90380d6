"""What is noted down of sessions, and a ledger of it on disk, in parts small enough to be read whole."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, cast

import msgspec

from whosasking.model import ClientClass, Connection, Lookup, Micros  # noqa: TC001 - msgspec reads annotations at run time
from whosasking.records import packed, unpacked
from whosasking.spool import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS: Final = 64
"""A million lookups are 16,000 a part."""
ADD, HIDE, NAME, CONNECT, SERVE, DISGUISED = range(6)
"""What a ``Book`` does with an entry: its methods of these names."""


class Clues(msgspec.Struct, frozen=True):
    """What one log says about the client of a session."""

    user_agent: str | None = None
    ja3: str | None = None
    ja3_string: str | None = None
    ja4: str | None = None
    cls: ClientClass | None = None
    evidence: tuple[str, ...] = ()
    accept_language: bool | None = None
    """Whether a clear request had an Accept-Language header, as browsers send; None where the log does not tell."""


class Part(NamedTuple):
    """What one log says about one lookup. The higher ``rank``, the more its word counts."""

    rank: int
    lookup: Lookup
    clues: Clues = Clues()


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One call of a method of ``Book``, to be made again."""

    does: int
    sensor: str
    uid: str
    request: Micros = 0
    unless: int = 0
    given: int = 0
    text: str = ""
    part: Part | None = None
    connection: Connection | None = None


class _Glimpse(msgspec.Struct, frozen=True):
    """A ``Lookup`` of which no more is built than who and whom."""

    ts: Micros
    src_ip: str | None = None
    dst_ip: str | None = None
    server: str | None = None


class _GlimpsedPart(NamedTuple):
    rank: int
    lookup: _Glimpse
    clues: msgspec.Raw


class _GlimpsedEntry(msgspec.Struct, frozen=True, array_like=True):
    """An ``Entry`` without what is last in it."""

    does: int
    sensor: str
    uid: str
    request: Micros = 0
    unless: int = 0
    given: int = 0
    text: str = ""
    part: _GlimpsedPart | None = None
    connection: ClassVar[None] = None


class Ledger:
    """Entries on disk, in order."""

    def __init__(self) -> None:
        """Nothing noted."""
        self._streams = Streams()
        self._whole = msgspec.msgpack.Decoder(Entry)
        self._ends = cast("msgspec.msgpack.Decoder[Entry]", msgspec.msgpack.Decoder(_GlimpsedEntry))

    def note(self, entry: Entry) -> None:
        """Write an entry down. Raises OSError when the disk is full."""
        session = f"{entry.sensor} {entry.uid}".encode("utf-8", "backslashreplace")
        self._streams.put(zlib.crc32(session) % PARTS, packed(entry))

    def parts(self, *, ends_only: bool = False) -> Iterator[Iterator[Entry]]:
        """Yield the entries part by part; those of one session are all in one part, in order.

        ``ends_only``: of lookups only time, addresses and server are built, of connections nothing.
        What is noted down meanwhile may be left out: its part may have been read.
        """
        decoder = self._ends if ends_only else self._whole
        for number in self._streams.numbers():
            yield (unpacked(bytes(one), decoder) for one in self._streams.encoded(number))
