r"""A glance at what decides, before a record is typed: the name in it, or the path and User-Agent.

The sieve lets through whatever looks like a lookup service's name. Where such names are half of a log, typing each
row to learn that its name is nobody's would be most of a run: here a row costs a look into a dictionary.

A glance dismisses only what the detector would have passed over. Rows with an odd number of columns, without a name,
or with one that hides another, it leaves to the reader; so does everything while addresses are watched that the row
may hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.sensors.eve_events import QUESTIONS, READ_EVENTS
from whosasking.sensors.tsv import text_of
from whosasking.sensors.zeek_json import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whosasking.sensors.detect import Detector
    from whosasking.sensors.eve_events import Event
    from whosasking.sensors.tsv import Header, Row

    Dull = Callable[[Sequence[bytes]], bool]
    DullText = Callable[[str], bool]

_REMEMBERED: Final = 32_768
"""Names, and User-Agents, of one file: they are attacker-chosen, so what is remembered is bounded."""
_NAME: Final = {"dns": "query", "ssl": "server_name", "quic": "server_name"}
_TEXT: Final = frozenset({"string", "addr", "enum"})


def columns(detector: Detector, log: str, header: Header) -> Dull | None:
    """Return what says of a row's cells that they mean nothing; None for a log whose every row must be typed."""
    at = {name: place for place, name in enumerate(header.fields)}
    if len(header.types) != len(header.fields) or len(at) != len(header.fields):
        return None  # of two columns of one name the last that is set counts

    def is_text(*names: str) -> bool:
        return all(name in at and header.types[at[name]] in _TEXT for name in names)

    if log in _NAME and is_text(_NAME[log], "id.resp_h"):
        return _named(detector, log, header, at[_NAME[log]], at["id.resp_h"])
    if log == "http" and is_text("host", "uri", "user_agent"):
        return _requested(detector, header, at["host"], at["uri"], at["user_agent"])
    return None


class _Known:
    """What was found out about cells, by their bytes."""

    def __init__(self, header: Header, judge: DullText, *, unset: bool) -> None:
        """Ask ``judge`` once for each text; ``unset`` is the answer for a cell that holds nothing."""
        self._header = header
        self._judge = judge
        self._unset = unset
        self.dull: dict[bytes, bool] = {}

    def ask(self, raw: bytes) -> bool:
        """Find out about a cell that is not in ``dull``."""
        if len(self.dull) >= _REMEMBERED:
            self.dull.clear()
        nothing = raw in (self._header.unset, self._header.empty)
        found = self.dull[raw] = self._unset if nothing else self._judge(text_of(raw))
        return found


def _named(detector: Detector, log: str, header: Header, name: int, server: int) -> Dull:
    """Return the glance at a log of names."""
    width = len(header.fields)
    asked = log == "dns"
    known = _Known(header, detector.is_dull_question if asked else detector.is_dull_name, unset=False)
    dull, ask = known.dull, known.ask

    def glance(cells: Sequence[bytes]) -> bool:
        if len(cells) != width or detector.watch.answers:
            return False
        if not asked and detector.watch.addresses and detector.watches(cells[server].decode("utf-8", "replace")):
            return False
        raw = cells[name]
        found = dull.get(raw)
        return ask(raw) if found is None else found

    return glance


def _requested(detector: Detector, header: Header, host: int, uri: int, agent: int) -> Dull:
    """Return the glance at clear HTTP requests."""
    width = len(header.fields)
    hosts = _Known(header, detector.is_dull_host, unset=True)
    agents = _Known(header, detector.is_dull_agent, unset=True)

    def glance(cells: Sequence[bytes]) -> bool:
        if len(cells) != width:
            return False
        path = cells[uri]
        if path[:1] != b"/":  # an absolute one, or a CONNECT's, names its own host
            return False
        for known, raw in ((hosts, cells[host]), (agents, cells[agent])):
            found = known.dull.get(raw)
            if not (known.ask(raw) if found is None else found):
                return False
        low = path.lower()
        if b"whois" not in low and b"rdap" not in low and b"\\" not in low:
            return True  # an escape may hide either word
        return detector.is_dull_path(text_of(cells[host]), text_of(path))

    return glance


def record(detector: Detector, log: str, row: Row) -> bool:
    """Say whether a record of Zeek's JSON means nothing. One that lacks what its reader wants does not."""
    if missing(log, row):
        return False
    if log in _NAME:
        name = row.get(_NAME[log])
        if not isinstance(name, str) or not name or detector.watch.answers:
            return False
        return detector.is_dull_question(name) if log == "dns" else _is_dull_session(detector, name, row["id.resp_h"])
    if log != "http":
        return False
    host, uri, agent = row.get("host", ""), row.get("uri", ""), row.get("user_agent", "")
    if not (isinstance(host, str) and isinstance(uri, str) and isinstance(agent, str)):
        return False
    return _is_dull_request(detector, host, uri, agent)


def event(detector: Detector, seen: Event) -> bool:  # noqa: PLR0911 - one answer for each kind of event
    """Say whether an EVE event means nothing."""
    if seen.flow_id is None or seen.src_ip is None or seen.dest_ip is None or seen.alert is not None:
        return False
    kind = seen.event_type
    if kind == "tls" and seen.tls is not None:
        return bool(seen.tls.sni) and _is_dull_session(detector, seen.tls.sni or "", seen.dest_ip)
    if kind == "quic" and seen.quic is not None:
        return bool(seen.quic.sni) and _is_dull_session(detector, seen.quic.sni or "", seen.dest_ip)
    if kind == "dns" and seen.dns is not None:
        if seen.dns.type in QUESTIONS:
            return True
        name = seen.dns.name()
        return bool(name) and not detector.watch.answers and detector.is_dull_question(name or "")
    if kind == "http" and seen.http is not None:
        http = seen.http
        plain = _is_dull_request(detector, http.hostname or "", http.url or "", http.http_user_agent or "")
        return plain and not http.has_rdap_type()
    return kind not in READ_EVENTS


def _is_dull_session(detector: Detector, name: str, server: object) -> bool:
    if not detector.is_dull_name(name):
        return False
    return not detector.watch.addresses or (isinstance(server, str) and not detector.watches(server))


def _is_dull_request(detector: Detector, host: str, uri: str, agent: str) -> bool:
    if not uri.startswith("/") or not detector.is_dull_host(host) or (agent and not detector.is_dull_agent(agent)):
        return False
    return detector.is_dull_path(host, uri)
