"""EVE events as typed records, and their times. Only the fields that are used; the rest of an event is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.model import SECOND
from whosasking.sensors.tsv import BadRow
from whosasking.sensors.values import iso_micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.model import Micros

QUESTIONS: Final = ("query", "request")
"""``dns.type`` of the events that hold no answer."""
READ_EVENTS: Final = frozenset({"flow", "alert", "tls", "quic", "http", "dns"})
_RDAP_TYPE: Final = "application/rdap+json"


class _Struct(msgspec.Struct, frozen=True):
    """Base of the records."""


class Ja3(_Struct, frozen=True):
    """``tls.ja3``; there when ``ja3-fingerprints`` is on."""

    hash: str | None = None
    string: str | None = None


class Tls(_Struct, frozen=True):
    """A TLS session."""

    sni: str | None = None
    ja3: Ja3 | None = None
    ja4: str | None = None


class Quic(_Struct, frozen=True):
    """A QUIC session. ``ua`` is Google QUIC's user agent."""

    sni: str | None = None
    ua: str | None = None
    ja3: Ja3 | None = None
    ja4: str | None = None


class NameValue(_Struct, frozen=True):
    """A header of ``custom`` or ``dump-all-headers``."""

    name: str = ""
    value: str = ""


class Http(_Struct, frozen=True):
    """One HTTP transaction."""

    hostname: str | None = None
    url: str | None = None
    http_user_agent: str | None = None
    accept: str | None = None
    accept_language: str | None = None
    http_content_type: str | None = None
    request_headers: list[NameValue] = []

    def has_rdap_type(self) -> bool:
        """Return whether RDAP's media type was asked for or answered, where the log keeps those headers."""
        asked = [header.value for header in self.request_headers if header.name.lower() == "accept"]
        return any(_RDAP_TYPE in text.lower() for text in (self.http_content_type or "", self.accept or "", *asked))

    def has_accept_language(self) -> bool | None:
        """Return whether the header was there; None where the log does not keep it (``custom`` headers are off)."""
        names = {header.name.lower() for header in self.request_headers}
        names |= {"accept"} if self.accept else set()
        if self.accept_language or "accept-language" in names:
            return True
        return False if names else None


class Resource(_Struct, frozen=True):
    """A DNS resource record; ``rdata`` is text for addresses and names, an object for other types."""

    rrname: str | None = None
    rrtype: str | None = None
    ttl: int = 0
    rdata: object = None


class Dns(_Struct, frozen=True):
    """A DNS message. Version 1: one event a record; 2 (Suricata 5 to 7): ``answers``; 3 (8): ``queries``."""

    type: str | None = None
    rrname: str | None = None
    rdata: object = None
    ttl: int = 0
    queries: list[Resource] = []
    answers: list[Resource] = []
    grouped: dict[str, object] = {}

    def name(self) -> str | None:
        """Return the name that was asked for."""
        if self.queries:
            return self.queries[0].rrname
        return self.rrname

    def addresses(self) -> Iterator[tuple[str, int]]:
        """Yield every answer that is text, addresses among them, with its TTL in microseconds."""
        for record in self.answers:
            if isinstance(record.rdata, str):
                yield record.rdata, record.ttl * SECOND
        if isinstance(self.rdata, str):
            yield self.rdata, self.ttl * SECOND
        if not self.answers:
            for kind in ("A", "AAAA"):
                found = self.grouped.get(kind)
                yield from ((str(item), 0) for item in found) if isinstance(found, list) else ()


class Flow(_Struct, frozen=True):
    """A flow, or the flow an alert belongs to."""

    start: str | None = None
    end: str | None = None
    state: str | None = None
    bytes_toserver: int | None = None
    bytes_toclient: int | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dest_ip: str | None = None
    dest_port: int | None = None


class Tcp(_Struct, frozen=True):
    """TCP state of a flow; flags in hexadecimal."""

    tcp_flags_tc: str | None = None
    tcp_flags_ts: str | None = None


class Alert(_Struct, frozen=True):
    """The rule that matched."""

    signature_id: int = 0


class Metadata(_Struct, frozen=True):
    """What rules stored with the flow."""

    flowvars: list[object] | None = None


class Event(_Struct, frozen=True):
    """One line."""

    timestamp: str
    event_type: str
    flow_id: int | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dest_ip: str | None = None
    dest_port: int | None = None
    proto: str | None = None
    community_id: str | None = None
    app_proto: str | None = None
    direction: str | None = None
    tls: Tls | None = None
    quic: Quic | None = None
    http: Http | None = None
    dns: Dns | None = None
    flow: Flow | None = None
    tcp: Tcp | None = None
    alert: Alert | None = None
    payload: str | None = None
    metadata: Metadata | None = None

    def variable(self, name: str) -> str | None:
        """Return a flow variable that a rule set."""
        for variables in (self.metadata.flowvars if self.metadata else None) or ():
            value = variables.get(name) if isinstance(variables, dict) else None
            if isinstance(value, str):
                return value
        return None


_DECODER: Final = msgspec.json.Decoder(Event)


def decode(line: bytes) -> Event:
    """Return the event on ``line``. Raises BadRow."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRow(f"not an EVE event: {error}") from None


def micros(event: Event, text: str | None = None) -> Micros:
    """Return a time of the event (its timestamp by default) in microseconds UTC. Raises BadRow."""
    found = iso_micros(event.timestamp if text is None else text)
    if found is None:
        raise BadRow(f"no readable time: {(text or event.timestamp)[:40]!r}")
    return found
