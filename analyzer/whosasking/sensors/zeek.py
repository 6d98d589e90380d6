"""Zeek's records -> the detector: conn, ssl, quic, http, dns, ssh, dhcp and whosasking's own whois.log.

Field names are Zeek's (https://docs.zeek.org/en/master/script-reference/log-files.html) until a ``Lookup`` is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.leases import Lease
from whosasking.model import ClientClass, Connection, Detection, Lookup, Query, QueryKind
from whosasking.protocols import rdap, whois
from whosasking.sensors.detect import RANK_PROTOCOL, RANK_QUIC, RANK_WHOIS_LOG, WHOIS_PORT, port43
from whosasking.sensors.ledger import Clues, Part
from whosasking.sensors.values import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from whosasking.model import SourceRef
    from whosasking.sensors.detect import Detector
    from whosasking.sensors.tsv import Row

SENSOR: Final = "zeek"
ESTABLISHED: Final = frozenset({"S1", "SF", "S2", "S3", "RSTO", "RSTR"})
_SERVER_SOURCES: Final = {"address": None, "dns_other": "dns"}
"""whois.log's words for how a server is known, where they differ from ``Lookup.server_source``."""
NOT_ESTABLISHED: Final = frozenset({"S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"})


class Zeek:
    """Reads typed rows, from TSV and JSON alike."""

    def __init__(self, detector: Detector) -> None:
        """Tell ``detector`` what the rows say."""
        self._detector = detector
        self._readers: dict[str, Callable[[Row, SourceRef], None]] = {
            "conn": self._conn,
            "ssl": self._ssl,
            "quic": self._quic,
            "http": self._http,
            "dns": self._dns,
            "whois": self._whois,
            "ssh": self._ssh,
            "dhcp": self._dhcp,
        }

    def take(self, log: str, row: Row, source: SourceRef) -> None:
        """Read one record of ``log``; records of other logs are passed over."""
        reader = self._readers.get(log)
        if reader is not None:
            reader(row, source)

    def _conn(self, row: Row, source: SourceRef) -> None:
        seen = _seen(row, source, transport="tcp")
        connection = connection_of_row(row)
        if seen is not None and connection is not None:
            self._detector.connection(seen, connection)

    def _ssl(self, row: Row, source: SourceRef) -> None:
        seen = _seen(row, source, transport="tls")
        if seen is None:
            return
        established = row.get("established")
        if isinstance(established, bool):
            seen = msgspec.structs.replace(seen, established=established or None)
        clues = Clues(ja3=_text(row, "ja3"), ja3_string=_text(row, "ja3_string"), ja4=_text(row, "ja4"))
        self._detector.tls(seen, _text(row, "server_name"), clues, RANK_PROTOCOL)

    def _quic(self, row: Row, source: SourceRef) -> None:
        seen = _seen(row, source, transport="quic")
        if seen is not None:
            self._detector.tls(seen, _text(row, "server_name"), Clues(), RANK_QUIC)

    def _http(self, row: Row, source: SourceRef) -> None:
        seen = _seen(row, source, transport="http")
        if seen is not None:
            clues = Clues(user_agent=_text(row, "user_agent") or "")
            self._detector.http(seen, _text(row, "host"), _text(row, "uri") or "", clues, RANK_PROTOCOL)

    def _dns(self, row: Row, source: SourceRef) -> None:
        seen = _seen(row, source, transport="udp")
        name, answers, ttls = _text(row, "query"), row.get("answers"), row.get("TTLs")
        if seen is None or not seen.src_ip or not name or not isinstance(answers, tuple | list):
            return
        times = [ttl if isinstance(ttl, int) else 0 for ttl in ttls] if isinstance(ttls, tuple | list) else []
        times += [0] * (len(answers) - len(times))
        found = [(str(answer), ttl) for answer, ttl in zip(answers, times, strict=False)]
        self._detector.answer(seen.src_ip, name, seen.ts, found)

    def _ssh(self, row: Row, _source: SourceRef) -> None:
        """Note SSH on port 43: Zeek leaves ``service`` empty when the key exchange was cut short."""
        uid = _text(row, "uid")
        if uid is not None and _integer(row, "id.resp_p") == WHOIS_PORT:
            self._detector.book.serve((SENSOR, uid), "ssh")

    def _dhcp(self, row: Row, _source: SourceRef) -> None:
        lease = lease_of_row(row)
        if lease is not None:
            self._detector.book.leases.add(lease)

    def _whois(self, row: Row, source: SourceRef) -> None:
        # Another package's whois.log (spicy-whois) has neither column, and nothing but WHOIS in it.
        channel, transport = _text(row, "channel") or "whois", _text(row, "transport") or "tcp"
        seen = _seen(row, source, transport=transport)
        if seen is None:
            return
        named = _text(row, "server_source")
        lookup = msgspec.structs.replace(
            port43(seen) if channel == "whois" else seen,
            server=_text(row, "server"),
            server_source=_SERVER_SOURCES.get(named or "", named),
            server_kind=_text(row, "catalogue_kind"),
            noise=_text(row, "noise"),
            query=_query(row, channel),
            duration=_integer(row, "duration"),
            src_bytes=_integer(row, "orig_bytes"),
            dst_bytes=_integer(row, "resp_bytes"),
        )
        part = Part(RANK_WHOIS_LOG, lookup, _clues(row))
        request = seen.ts if transport == "http" else 0
        session = (SENSOR, seen.uid or "")
        # A session of many has a row for each query, and is one lookup: its first row's.
        is_first = (_integer(row, "nth") or 1) == 1
        self._detector.book.add(session, part, request, unless=0 if is_first else RANK_WHOIS_LOG)


def _seen(row: Row, source: SourceRef, *, transport: str | None) -> Lookup | None:
    """Return what every record says: when, who and whom; None for a record without addresses."""
    ts, uid = row.get("ts"), _text(row, "uid")
    src, dst = address(_text(row, "id.orig_h") or ""), address(_text(row, "id.resp_h") or "")
    if not isinstance(ts, int) or uid is None or src is None or dst is None:
        return None
    return Lookup(
        ts=ts,
        detection=Detection.WEB,
        sensor=SENSOR,
        uid=uid,
        community_id=_text(row, "community_id"),
        src_ip=src,
        src_port=_integer(row, "id.orig_p"),
        dst_ip=dst,
        dst_port=_integer(row, "id.resp_p"),
        transport=transport,
        source=source,
    )


def connection_of_row(row: Row) -> Connection | None:
    """Return the connection a row of conn.log is, None for one without ends."""
    ts, protocol = row.get("ts"), _text(row, "proto")
    src, dst = address(_text(row, "id.orig_h") or ""), address(_text(row, "id.resp_h") or "")
    src_port, dst_port = _integer(row, "id.orig_p"), _integer(row, "id.resp_p")
    if not isinstance(ts, int) or protocol is None or src is None or dst is None:
        return None
    if src_port is None or dst_port is None:
        return None
    state = _text(row, "conn_state")
    return Connection(
        ts=ts,
        protocol=protocol,
        src_ip=src,
        src_port=src_port,
        dst_ip=dst,
        dst_port=dst_port,
        uid=_text(row, "uid"),
        community_id=_text(row, "community_id"),
        established=True if state in ESTABLISHED else False if state in NOT_ESTABLISHED else None,
        service=(_text(row, "service") or "").lower() or None,
        duration=_integer(row, "duration"),
        src_bytes=_integer(row, "orig_bytes"),
        dst_bytes=_integer(row, "resp_bytes"),
    )


def lease_of_row(row: Row) -> Lease | None:
    """Return the lease a row of dhcp.log tells of, None where none was given."""
    ts, ip, length = row.get("ts"), address(_text(row, "assigned_addr") or ""), _integer(row, "lease_time")
    if not isinstance(ts, int) or ip is None or length is None:
        return None
    host = _text(row, "host_name") or _text(row, "client_fqdn")
    return Lease(ts=ts, until=ts + length, ip=ip, mac=_text(row, "mac"), host=host)


def _query(row: Row, channel: str | None) -> Query | None:
    """Return what whois.log says was asked; the object is read from the request here, as for every other sensor."""
    text = _text(row, "query")
    if text is None:
        return None
    if channel != "whois":
        return rdap.parse_listed(text) or Query(text=text)
    count, opened_with = _integer(row, "queries") or 1, _text(row, "opened_with")
    if opened_with or count > 1 or _text(row, "kind") == QueryKind.BULK:
        return Query(text=opened_with or text, object=_text(row, "object"), kind=QueryKind.BULK, count=count)
    return whois.parse_query(text, _text(row, "server"))


def _clues(row: Row) -> Clues:
    known = _text(row, "client_class")
    evidence = row.get("client_evidence")
    agent = _text(row, "user_agent_class")
    return Clues(
        user_agent="" if agent == "none" else _text(row, "user_agent"),
        ja3=_text(row, "ja3"),
        ja3_string=_text(row, "ja3_string"),
        ja4=_text(row, "ja4"),
        cls=ClientClass(known) if known in set(ClientClass) else None,
        evidence=tuple(str(item) for item in evidence) if isinstance(evidence, tuple | list) else (),
        accept_language={"browser": True, "masquerade": False}.get(agent or ""),
    )


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None


def _integer(row: Row, name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
