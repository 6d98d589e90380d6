"""The sieve each kind of log needs in each pass. A pattern may match too much, never too little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.sensors.detect import TLS_PORTS
from whosasking.sensors.values import spellings
from whosasking.sieve import HEADER, NO_OBJECT, NOT_CLOSED, Sieve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.sensors.detect import Watch
    from whosasking.sensors.interface import Tuple4

_TSV_PORT43: Final = rb"\t43\ttcp\t"
"""`id.resp_p` before `proto`, as every conn.log since Bro 2 has them; other orders are read without a sieve."""
_JSON_PORT43: Final = rb'resp_p"[ \t]*:[ \t]*"?43\b'
_JSON_WHOLE: Final = (b'"server_source"', b'"assigned_addr"')
"""Fields of the records that all count, whois.log's and dhcp.log's."""
_JSON_KEYS: Final = {
    "conn": b'"conn_state"',
    "dns": b'"trans_id"',
    "http": b'"trans_depth"',
    "quic": b'"client_initial_dcid"',
    "ssl": b'"ssl_history"',
    "ssh": b'"auth_attempts"',
}
"""A field that only this log's records have: where a file turns out to hold a log its first records are not of."""
_EVE_PORT43: Final = rb'(?:src|dest)_port"[ \t]*:[ \t]*"?43\b'
_EVE_SIDS: Final = rb'"signature_id"[ \t]*:[ \t]*1596[0-9]{3}\b'
CONNECTIONS: Final = frozenset({"conn", "eve"})
"""Logs of transport sessions."""
HIDING: Final = frozenset({"ssl", "quic", "eve"})
"""Logs of sessions that may hide their server's name."""

_JSON_TEXT: Final = (NO_OBJECT, NOT_CLOSED)
_JSON_ENDS: Final = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
_EVE_ENDS: Final = ("src_ip", "src_port", "dest_ip", "dest_port")
_TSV_ENDS: Final = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")


def is_standard(separator: bytes, fields: tuple[str, ...]) -> bool:
    """Whether a TSV header has the columns the patterns rely on side by side (or has no connection at all)."""
    if separator != b"\t":
        return False
    if "id.resp_p" not in fields or "proto" not in fields:
        return True
    at = fields.index("id.orig_h") if "id.orig_h" in fields else 0
    return fields[at : at + len(_TSV_ENDS)] == _TSV_ENDS


class Patterns:
    """Builds sieves for one run; ``literals`` are the catalogue's."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        """Keep the catalogue's literals."""
        self._literals = tuple(literals)
        escaped = tuple(literal.replace(b"/", b"\\/") for literal in self._literals if b"/" in literal)
        self._json_literals = self._literals + escaped

    def names(self, form: str, logs: frozenset[str] = frozenset(), watch: Watch | None = None) -> Sieve:
        """Return the sieve for names, paths and User-Agents; ``form`` is ``tsv``, ``json`` or ``eve``.

        ``watch``: addresses already known, to be looked for in those of ``logs`` that may hide names.
        """
        servers: list[bytes] = []
        if watch is not None and logs & HIDING:
            servers = [text for address in sorted(watch.addresses) for text in _server(form, address, [""])]
        if form == "tsv":
            return Sieve(self._literals, [HEADER], servers)
        if form == "json":
            return Sieve(self._json_literals, _JSON_TEXT, [*servers, *_JSON_WHOLE, *_foreign(logs)])
        return Sieve(self._json_literals, [*_JSON_TEXT, _EVE_PORT43, _EVE_SIDS], servers)

    def watched(self, form: str, watch: Watch, logs: frozenset[str], *, discover: bool = False) -> Sieve | None:
        """Return the sieve for what ``watch`` looks for in ``logs``; None when there is nothing to look for in them.

        ``discover``: records of other logs than ``logs``, which are all that the file is known to hold, pass as well.
        """
        exact = [text for address in sorted(watch.answers) for text in _answer(form, address)]
        if logs & HIDING:
            exact += [text for address in sorted(watch.addresses) for text in _server(form, address, [""])]
        elif "conn" in logs:
            protocols = sorted(f"{protocol}\t" for protocol in watch.nameless)
            exact += [text for address in sorted(watch.addresses) for text in _server(form, address, protocols)]
        regexes: list[bytes] = []
        if logs & CONNECTIONS:
            regexes.append({"tsv": _TSV_PORT43, "json": _JSON_PORT43, "eve": _EVE_PORT43}[form])
            sensor = "suricata" if form == "eve" else "zeek"
            exact += [name.encode() for known, name in sorted(watch.sessions) if known == sensor]
            exact += [text for ends in sorted(watch.tuples) for text in _tuple(form, ends)]
        if "ssh" in logs:
            regexes.append(rb"\t43\t" if form == "tsv" else _JSON_PORT43)
        if not regexes and not exact:
            return None
        if form == "json" and discover:
            exact += [*_JSON_WHOLE, *_foreign(logs)]
        return Sieve((), [*regexes, *([HEADER] if form == "tsv" else _JSON_TEXT)], exact)


def _foreign(logs: frozenset[str]) -> list[bytes]:
    """Return what shows that a JSON file holds other logs than ``logs``: one such line, and the file is read for them.

    A file of several logs at once is known to be one from its beginning, and has nothing foreign.
    """
    return [key for log, key in _JSON_KEYS.items() if log not in logs] if len(logs) == 1 else []


def _server(form: str, address: str, protocols: list[str]) -> Iterator[bytes]:
    """Yield the text of an address as server of a TLS or QUIC session; ``protocols`` follow the port in conn.log."""
    for text in spellings(address):
        if form == "tsv":
            yield from (f"\t{text}\t{port}\t{after}".encode() for port in sorted(TLS_PORTS) for after in protocols)
        elif protocols:
            yield f'"{text}"'.encode()


def _answer(form: str, address: str) -> Iterator[bytes]:
    """Yield the text of an address in a DNS answer: one of a set of strings in TSV, a string of its own in JSON."""
    for text in spellings(address):
        if form == "tsv":
            yield from (f"{before}{text}{after}".encode() for before in "\t," for after in "\t,")
        else:
            yield f'"{text}"'.encode()


def _tuple(form: str, ends: Tuple4) -> Iterator[bytes]:
    """Yield the text of a connection's two ends in either direction, in the order in which the sensor writes them."""
    for here_ip, here_port, there_ip, there_port in (ends, (*ends[2:], *ends[:2])):
        for here, there in zip(spellings(here_ip), spellings(there_ip), strict=False):
            if form == "tsv":
                yield f"{here}\t{here_port}\t{there}\t{there_port}\t".encode()
                continue
            names = _JSON_ENDS if form == "json" else _EVE_ENDS
            values = (f'"{here}"', str(here_port), f'"{there}"', str(there_port))
            for comma, colon in ((",", ":"), (", ", ": ")):
                text = comma.join(f'"{name}"{colon}{value}' for name, value in zip(names, values, strict=True))
                yield text.encode() + b","
