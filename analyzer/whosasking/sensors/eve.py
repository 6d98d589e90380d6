"""Suricata's EVE events -> the detector: flow, tls, quic, http, dns (layouts 1 to 3) and alert.

Fields: https://docs.suricata.io/en/suricata-7.0.10/output/eve/eve-json-format.html. ``src`` is the client in every
event but an alert on the server's packets, which carries the flow's own direction.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from whosasking.model import Connection, Detection, Lookup, SourceRef
from whosasking.protocols import whois
from whosasking.sensors import glance
from whosasking.sensors.detect import (
    RANK_ALERT,
    RANK_FLOW_VARIABLE,
    RANK_PROTOCOL,
    RANK_QUIC,
    WHOIS_PORT,
    port43,
)
from whosasking.sensors.eve_events import QUESTIONS, Event, Ja3, decode, micros
from whosasking.sensors.ledger import Clues, Part
from whosasking.sensors.tsv import BadRow
from whosasking.sensors.values import address

if TYPE_CHECKING:
    from whosasking.model import Micros, Query
    from whosasking.sensors.book import Session
    from whosasking.sensors.detect import Detector
    from whosasking.sensors.eve_events import Flow

    T = TypeVar("T", Lookup, Connection)

SENSOR: Final = "suricata"
SID_QUERY: Final = 1596001
SIDS_OF_QUERIES: Final = frozenset(range(1596030, 1596040))
"""Rules on what a query looks like; their payload may be a later part of the session than 1596001's."""
SIDS_OTHER_PORT: Final = frozenset(range(1596010, 1596030))
"""WHOIS recognised by its answer on another port; 1596019 among them raises no alert."""
SIDS_MASQUERADE: Final = frozenset({1596301, 1596302, 1596303, 1596404})
_QUERY_VARIABLE: Final = "whosasking_query"
_SESSIONS: Final = frozenset({"flow", "tls", "quic", "http"})
_DNS_PORT: Final = 53
_SYN: Final = 0x02
_NOWHERE: Final = SourceRef(path="", line=0)


class Eve:
    """Reads events."""

    def __init__(self, detector: Detector, *, every: bool = False) -> None:
        """Tell ``detector`` what the events say; ``every``: none is passed over for its name alone."""
        self._detector = detector
        self._every = every

    def time_of(self, line: bytes) -> Micros:
        """Return when an event was logged. Raises BadRow."""
        return micros(decode(line))

    def take(self, line: bytes, source: SourceRef) -> None:
        """Read one event. Raises BadRow when the line is none."""
        event = decode(line)
        if not self._every and glance.event(self._detector, event):
            return
        ts = micros(event)
        seen = _seen(event, ts, source)
        if event.event_type == "dns":
            self._dns(event, ts)
        elif seen is not None:
            self._session(event, seen)
        elif event.event_type in _SESSIONS:
            raise BadRow(f"a {event.event_type} event without flow_id or addresses: what it says cannot be used")

    def _session(self, event: Event, seen: Lookup) -> None:
        if event.event_type == "flow" and event.flow is not None:
            self._flow(event, event.flow, seen)
        elif event.alert is not None:
            self._alert(event, seen)
        if event.tls is not None and event.event_type in ("tls", "alert"):
            tls = event.tls
            ja3 = tls.ja3 or Ja3()
            clues = Clues(ja3=ja3.hash, ja3_string=ja3.string, ja4=tls.ja4)
            found = msgspec.structs.replace(seen, transport="tls")
            self._detector.tls(found, tls.sni, clues, RANK_PROTOCOL)
        if event.quic is not None and event.event_type in ("quic", "alert"):
            quic = event.quic
            ja3 = quic.ja3 or Ja3()
            clues = Clues(user_agent=quic.ua, ja3=ja3.hash, ja3_string=ja3.string, ja4=quic.ja4)
            found = msgspec.structs.replace(seen, transport="quic")
            self._detector.tls(found, quic.sni, clues, RANK_QUIC)
        if event.http is not None and event.event_type == "http":
            http = event.http
            found = msgspec.structs.replace(seen, transport="http")
            clues = Clues(user_agent=http.http_user_agent or "", accept_language=http.has_accept_language())
            by_type = http.has_rdap_type()
            self._detector.http(found, http.hostname, http.url or "", clues, RANK_PROTOCOL, rdap_type=by_type)

    def _flow(self, event: Event, flow: Flow, seen: Lookup) -> None:
        connection = _connection(event, flow, seen)
        if connection is None:
            return
        seen = msgspec.structs.replace(seen, ts=connection.ts)
        if _is_turned(event, seen):
            seen, connection = _client_first(seen), _client_first(connection)
            connection = msgspec.structs.replace(connection, established=True)
        self._detector.connection(seen, connection)
        text = event.variable(_QUERY_VARIABLE)
        if text is not None:
            asked = msgspec.structs.replace(port43(seen), query=whois.parse_query(text, None))
            told = 0 if seen.dst_port == WHOIS_PORT else RANK_ALERT
            self._detector.book.add(_session(seen), Part(RANK_FLOW_VARIABLE, asked), given=told)

    def _alert(self, event: Event, seen: Lookup) -> None:
        """Read the alerts that say more than the protocol's own event does."""
        sid = event.alert.signature_id if event.alert else 0
        if sid in SIDS_MASQUERADE:
            self._detector.book.disguised(_session(seen))
        if sid != SID_QUERY and sid not in SIDS_OTHER_PORT | SIDS_OF_QUERIES:
            return
        if event.flow is not None and event.flow.start is not None:
            seen = msgspec.structs.replace(seen, ts=micros(event, event.flow.start))
        query = None if sid in SIDS_OTHER_PORT else _payload_query(event.payload)
        found = msgspec.structs.replace(port43(seen), query=query)
        unless = 0 if sid == SID_QUERY else RANK_ALERT
        self._detector.book.add(_session(seen), Part(RANK_ALERT, found), unless=unless)

    def _dns(self, event: Event, ts: Micros) -> None:
        dns = event.dns
        if dns is None or dns.type in QUESTIONS:
            return
        client = event.src_ip if event.dest_port == _DNS_PORT or event.src_port != _DNS_PORT else event.dest_ip
        name = dns.name()
        canonical = address(client or "")
        if name and canonical:
            self._detector.answer(canonical, name, ts, dns.addresses())


def _session(seen: Lookup) -> Session:
    return (SENSOR, seen.uid or "")


def _seen(event: Event, ts: Micros, source: SourceRef) -> Lookup | None:
    """Return what every event says, client first; None for an event without a flow."""
    src, src_port, dst, dst_port = event.src_ip, event.src_port, event.dest_ip, event.dest_port
    if event.event_type == "alert":
        flow = event.flow
        if flow is not None and flow.src_ip is not None:
            src, src_port, dst, dst_port = flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port
        elif event.direction == "to_client" or (event.direction is None and src_port == WHOIS_PORT):
            src, src_port, dst, dst_port = dst, dst_port, src, src_port
    src, dst = address(src or ""), address(dst or "")
    if event.flow_id is None or src is None or dst is None:
        return None
    return Lookup(
        ts=ts,
        detection=Detection.WEB,
        sensor=SENSOR,
        uid=str(event.flow_id),
        community_id=event.community_id,
        src_ip=src,
        src_port=src_port,
        dst_ip=dst,
        dst_port=dst_port,
        source=source,
    )


def _connection(event: Event, flow: Flow, seen: Lookup) -> Connection | None:
    if seen.src_ip is None or seen.dst_ip is None or seen.src_port is None or seen.dst_port is None:
        return None
    start = micros(event, flow.start) if flow.start else seen.ts
    duration = micros(event, flow.end) - start if flow.end else None
    service = (event.app_proto or "").lower()
    return Connection(
        ts=start,
        protocol=(event.proto or "").lower(),
        src_ip=seen.src_ip,
        src_port=seen.src_port,
        dst_ip=seen.dst_ip,
        dst_port=seen.dst_port,
        uid=seen.uid,
        community_id=event.community_id,
        established=_established(event, flow),
        service=service if service not in ("", "failed", "unknown") else None,
        duration=duration,
        src_bytes=flow.bytes_toserver,
        dst_bytes=flow.bytes_toclient,
    )


def connection_of(event: Event) -> Connection | None:
    """Return the connection a flow event tells of, client first; None where it has no ports. Raises BadRow."""
    seen = _seen(event, micros(event), _NOWHERE)
    if event.flow is None or seen is None:
        return None
    found = _connection(event, event.flow, seen)
    if found is None or not _is_turned(event, seen):
        return found
    return msgspec.structs.replace(_client_first(found), established=True)


def _is_turned(event: Event, seen: Lookup) -> bool:
    """Tell a WHOIS session of which only the answer was seen: Suricata takes the first sender for the client."""
    if event.proto != "TCP" or seen.src_port != WHOIS_PORT or seen.dst_port == WHOIS_PORT:
        return False
    flags = event.tcp.tcp_flags_ts if event.tcp is not None else None
    try:
        return flags is not None and not int(flags, 16) & _SYN
    except ValueError:
        return False


def _client_first(one: T) -> T:
    """Return a session with its ends, and their bytes, exchanged."""
    return msgspec.structs.replace(
        one,
        src_ip=one.dst_ip,
        src_port=one.dst_port,
        dst_ip=one.src_ip,
        dst_port=one.src_port,
        src_bytes=one.dst_bytes,
        dst_bytes=one.src_bytes,
    )


def _established(event: Event, flow: Flow) -> bool | None:
    """Whether the handshake finished: the state, and for a closed TCP flow whether the server ever sent a SYN."""
    if flow.state == "new":
        return False
    if event.tcp is not None and event.tcp.tcp_flags_tc is not None:
        try:
            return bool(int(event.tcp.tcp_flags_tc, 16) & _SYN)
        except ValueError:
            return None
    return True if flow.state in ("established", "closed") else None


def _payload_query(payload: str | None) -> Query | None:
    if not payload:
        return None
    try:
        return whois.parse_session(base64.b64decode(payload, validate=True))
    except (binascii.Error, ValueError):
        return None
