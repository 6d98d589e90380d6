"""Connections as they lie in the engine, and the tables beside them, for runs over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from whosasking.model import Client, ClientClass, Connection, Detection, Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import Micros

_WHOIS = 43
_DNS = 53
# A program that is a known WHOIS or RDAP client makes other connections, too: only port 43 speaks for one.
_ANY_CLIENT = Client(cls=ClientClass.BROWSER)


class Exact(NamedTuple):
    """What the exact tuple decides; the columns of ``exact.sql``."""

    process: int
    timeline: int
    apart: Micros
    record: str
    own: Micros
    originator: bool


class Row(NamedTuple):
    """A connection as it lies in the engine."""

    n: int
    ts: Micros
    protocol: str
    src_ip: str
    src_port: int | None
    dst_ip: str
    dst_port: int | None
    uid: str | None
    community_id: str | None
    established: int | None
    server: str | None
    ja3: str | None
    exact: Exact | None
    """What the first rung decided."""

    def connection(self) -> Connection:
        """Give the record of the model."""
        return Connection(
            ts=self.ts,
            protocol=self.protocol,
            src_ip=self.src_ip,
            src_port=self.src_port or 0,
            dst_ip=self.dst_ip,
            dst_port=self.dst_port or 0,
            uid=self.uid,
            community_id=self.community_id,
            established=None if self.established is None else bool(self.established),
        )

    def lookup(self) -> Lookup:
        """Give the connection in the shape in which the ladder asks."""
        whois = self.dst_port == _WHOIS
        return Lookup(
            ts=self.ts,
            detection=Detection.PORT43 if whois else Detection.WEB,
            sensor="",
            uid=self.uid,
            community_id=self.community_id,
            src_ip=self.src_ip,
            src_port=self.src_port,
            dst_ip=self.dst_ip,
            dst_port=self.dst_port,
            transport=self.protocol,
            server=None if self.dst_port == _DNS else self.server,
            client=Client(ja3=self.ja3) if whois else msgspec.structs.replace(_ANY_CLIENT, ja3=self.ja3),
            established=None if self.established is None else bool(self.established),
        )


_OWN = Row._fields.index("exact")


def row_of(cells: Sequence[Any]) -> Row:
    """Give a connection from its columns, followed by those of ``Exact``, NULL where nothing was decided."""
    return Row._make((*cells[:_OWN], None if cells[_OWN] is None else Exact(*cells[_OWN:])))


class SpellingRow(msgspec.Struct):
    """An address as a log writes it, and its one spelling."""

    written: str
    ip: str


class ToldRow(msgspec.Struct):
    """What is known of a connection's session."""

    n: int
    server: str | None
    ja3: str | None


class DecidedRow(msgspec.Struct):
    """What the first rung decides; the columns of ``exact.sql``."""

    n: int
    process: int
    timeline: int
    apart: int
    record: str
    own: int
    originator: bool


class AssumedRow(msgspec.Struct):
    """A timeline whose clock is only taken as equal to the sensor's."""

    timeline: int


class NobodyRow(msgspec.Struct):
    """The number of a process that stands for none."""

    nobody: int
