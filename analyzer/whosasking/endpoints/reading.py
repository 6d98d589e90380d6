"""What the one-file-per-product readers share: a row seen through a table of fields, and the loop over rows.

A product's reader is a table (our field to its field names, best first) and a function that hands one row to the
collector. Unknown fields are never looked at; a row that lacks what it cannot do without becomes a skip with its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from whosasking.endpoints.census import Census, names_of
from whosasking.endpoints.interface import UNKNOWN_PROCESS as LATER
from whosasking.endpoints.interface import Collector, Noted, OtherHostError
from whosasking.endpoints.places import NOTHING, descend
from whosasking.endpoints.values import address, instant, port, process_id, text, verbatim, whole
from whosasking.model import Micros, NameQuery, Socket, SourceRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from whosasking.endpoints.glance import Glance
    from whosasking.endpoints.places import Table
    from whosasking.inputs import Tally

Row = dict[str, Any]
MOST_ANSWERS = 256
ENVELOPES = ("columns", "snapshot", "diffResults", "decorations", "hostIdentifier", "unixTime", "src", "tgt", "dst")
"""Fields that hold rows or other fields."""
NOT_USED = "events not used"
OTHER_HOST = "records of hosts that have no part in a lookup, passed over"
NO_REMOTE = "connection events without a remote address that can be read"
ICMP = "ICMP messages: no connection"
_ICMP = frozenset({"icmp", "icmpv4", "icmpv6", "icmp6", "ipv6-icmp", "1", "58"})


class BadRecordError(ValueError):
    """A row lacks what it cannot do without; ``str()`` says what."""


class Fields:
    """A row, read through its product's table."""

    __slots__ = ("row", "table")

    def __init__(self, row: Row, table: Table) -> None:
        """Look at ``row`` through ``table``."""
        self.row = row
        self.table = table

    def raw(self, field: str) -> Any:  # noqa: ANN401 - a JSON value is anything
        """Return the field as it stands in the export."""
        # As ``places.get``, without the call: most of a reader's time is spent here.
        row = self.row
        for place in self.table.get(field, ()):
            value = row.get(place)
            if value is None and "." in place:
                value = descend(row, place)
            if value is not None and value not in NOTHING:
                return value
        return None

    def text(self, field: str) -> str | None:
        """Return the field as text."""
        return text(self.raw(field))

    def verbatim(self, field: str) -> str | None:
        """Return the field exactly as recorded."""
        return verbatim(self.raw(field))

    def pid(self, field: str) -> int | None:
        """Return a pid; 0 means that none was recorded."""
        return process_id(self.raw(field))

    def whole(self, field: str) -> int | None:
        """Return a non-negative number."""
        return whole(self.raw(field))

    def instant(self, field: str) -> Micros | None:
        """Return an instant written as text."""
        return instant(self.raw(field))

    def need(self, field: str, what: str) -> str:
        """Return the field as text. Raises BadRecordError."""
        found = self.text(field)
        if found is None:
            raise BadRecordError(f"no {what}")
        return found


class Events:
    """The kinds of a product's events: a word in ``field``, of which some are ``used``.

    ``fold`` gives the one spelling of a word, ``usual`` are the used ones as the product writes them.
    """

    def __init__(self, field: str, usual: Iterable[str], fold: Callable[[str], str] = str) -> None:
        """Take the words; all of ``usual`` are used."""
        self.field = field
        self.usual = frozenset(usual)
        self.used = frozenset(map(fold, self.usual))
        self._fold = fold

    def judge(self, row: Row) -> str | None:
        """Return why a row is not used, None when it may be: for a glance, which sees ``field`` alone."""
        said = text(row.get(self.field))
        return None if said is None or self._fold(said) in self.used else said[:40]

    def of(self, said: str | None, noted: Noted) -> str | None:
        """Return the kind of an event; None, counted, when it is not used."""
        event = None if said is None else self._fold(said)
        if event in self.used:
            return event
        noted.add(NOT_USED, (said or f"no {self.field}")[:40])
        return None


class At(NamedTuple):
    """Where and when a row was recorded."""

    host: str
    ts: Micros
    source: SourceRef
    product: str


class Product(Protocol):
    """A module that reads one product."""

    @property
    def KIND(self) -> str:  # noqa: N802 - a module's constant
        """Name of the format."""

    @property
    def GLANCE(self) -> Glance | None:  # noqa: N802 - a module's constant
        """How to pass over rows that are not used, None where every row must be looked at."""

    @property
    def TABLE(self) -> Table:  # noqa: N802 - a module's constant
        """Where its fields stand."""

    def is_ours(self, row: Row) -> bool:
        """Tell a row of this product."""

    def take(self, row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
        """Hand one row to the collector; False when it is of a kind that is not used. Raises BadRecordError."""


def take_all(
    rows: Iterable[tuple[int, Row]], product: Product, collector: Collector, tally: Tally, noted: Noted
) -> None:
    """Read numbered rows of one product."""
    census = Census((*names_of(product.TABLE), *ENVELOPES))
    for number, row in rows:
        tally.records += 1
        try:
            used = product.take(row, SourceRef(path=tally.path, line=number), collector, noted)
        except OtherHostError:
            noted.add(OTHER_HOST)
        except BadRecordError as error:
            tally.skip(number, str(error))
        else:
            tally.candidates += used
            if used:
                census.count(row)
    noted.tell(tally, census)


class End(NamedTuple):
    """One end of a connection, in the values of ``values``."""

    ip: str | None
    port: int | None

    @classmethod
    def of(cls, fields: Fields, ip: str, number: str) -> End:
        """Read an end from two fields."""
        return cls(address(fields.raw(ip)), port(fields.raw(number)))


def socket(  # noqa: PLR0913 - a connection has these
    at: At,
    local: End,
    remote: End,
    protocol: str,
    *,
    initiated: bool | None = None,
    remote_name: str | None = None,
    succeeded: bool | None = None,
) -> Socket:
    """Build a connection; its process comes later."""
    return Socket(
        id=f"{at.source.path}:{at.source.line}",
        ts=at.ts,
        host=at.host,
        process=LATER,
        protocol=protocol,
        local_ip=local.ip,
        local_port=local.port,
        remote_ip=remote.ip,
        remote_port=remote.port,
        remote_name=remote_name,
        initiated=initiated,
        succeeded=succeeded,
        product=at.product,
        source=at.source,
    )


def is_icmp(protocol: str) -> bool:
    """Tell ICMP in any product's word or number for it, as ``values.transport`` gives it."""
    return protocol in _ICMP


def no_connection(remote: End, protocol: str) -> str | None:
    """Return why what a row tells of is no connection that can be joined, None when it is one."""
    if remote.ip is None:
        return NO_REMOTE
    return ICMP if is_icmp(protocol) else None


def name_query(at: At, name: str, answers: Iterable[object]) -> NameQuery:
    """Build a DNS query; its process comes later. Answers that are no addresses are left out."""
    found = dict.fromkeys(ip for answer in answers if (ip := address(answer)))
    return NameQuery(
        ts=at.ts,
        host=at.host,
        process=LATER,
        name=name,
        addresses=tuple(found)[:MOST_ANSWERS],
        product=at.product,
        source=at.source,
    )


def direction(value: str | None) -> bool | None:
    """Return True for an outgoing connection in any product's word for it, False for an accepted one."""
    return _DIRECTIONS.get((value or "").lower())


_DIRECTIONS = {
    "egress": True,
    "outbound": True,
    "outgoing": True,
    "out": True,
    "0": True,
    "ingress": False,
    "inbound": False,
    "incoming": False,
    "in": False,
    "1": False,
}
