"""The sieve each kind of log needs in each pass. A pattern may match too much, never too little."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.sensors.values import spellings
from whosasking.sieve import HEADER, NO_OBJECT, NOT_CLOSED, Sieve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.sensors.detect import Watch
    from whosasking.sensors.interface import Tuple4

_TSV_PORT43: Final = rb"\t43\t(?:tcp|1|2|-)\t"
"""`id.resp_p` before `proto` in conn.log, before `version` in ssh.log; other orders are read without a sieve."""
_TSV_TLS: Final = rb"\t(?:443|8443)\t(?:tcp|udp)\t"
_JSON_PORT43: Final = rb'resp_p"[ \t]*:[ \t]*"?43\b'
_EVE_PORT43: Final = rb'(?:src|dest)_port"[ \t]*:[ \t]*"?43\b'
_EVE_SIDS: Final = rb'"signature_id"[ \t]*:[ \t]*1596[0-9]{3}\b'
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

    def names(self, form: str) -> Sieve:
        """Return the sieve for names, paths and User-Agents; ``form`` is ``tsv``, ``json`` or ``eve``."""
        if form == "tsv":
            return Sieve(self._literals, [HEADER])
        if form == "json":
            return Sieve(self._json_literals, _JSON_TEXT)
        return Sieve(self._json_literals, [*_JSON_TEXT, _EVE_PORT43, _EVE_SIDS])

    def watched(self, form: str, watch: Watch, *, connections: bool) -> Sieve | None:
        """Return the sieve for what ``watch`` looks for; None when there is nothing to look for in this log.

        ``connections``: the log holds transport sessions (conn, ssh, EVE flow), so port 43, tuples and sessions count.
        """
        server_side = form == "tsv" and bool(watch.nameless)
        regexes = [
            pattern + (_TSV_TLS if server_side else b"")
            for address in sorted(watch.addresses | watch.answers)
            for pattern in _address(address)
        ]
        exact: list[bytes] = []
        if connections:
            sensor = "suricata" if form == "eve" else "zeek"
            names = sorted(name for known, name in watch.sessions if known == sensor)
            if form == "eve":
                regexes += [rb'"flow_id"[ \t]*:[ \t]*' + re.escape(name.encode()) + rb"\b" for name in names]
            else:
                exact += [name.encode() for name in names]
                regexes.append(_TSV_PORT43 if form == "tsv" else _JSON_PORT43)
            exact += [text for ends in sorted(watch.tuples) for text in _tuple(form, ends)]
        if not regexes and not exact:
            return None
        return Sieve((), [*regexes, *([HEADER] if form == "tsv" else _JSON_TEXT)], exact)


def _address(address: str) -> Iterator[bytes]:
    """Yield patterns for an address. Colons are no word characters: IPv6 goes without borders."""
    for text in spellings(address):
        pattern = re.escape(text.encode())
        yield pattern if ":" in text else rb"\b" + pattern + rb"\b"


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
