"""What EVE could not have shown, in sentences: a site's own without whosasking's rules, or without some kinds of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.bytestream import BadStream
from whosasking.inputs import read_head

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOOKED_AT: Final = 4 << 20
_TYPE: Final = re.compile(rb'"event_type"[ \t]*:[ \t]*"(\w{1,32})"')
_HTTP_HEADERS: Final = re.compile(rb'"(?:request_headers|accept_language|accept)"[ \t]*:')
_LOSSES: Final = {
    b"flow": "port-43 sessions, and when and how a session ended, cannot be seen",
    b"tls": "TLS server names cannot be seen",
    b"http": "clear HTTP lookups cannot be seen",
    b"dns": "sessions that hide their server's name cannot be told, port-43 servers have no names",
}


def notes(paths: Iterable[str], *, none_read: bool, http: int, unnamed_quic: int) -> list[str]:
    """Return what the EVE files at ``paths``, and the lookups found in them, leave open.

    ``none_read``: no port-43 session's request is known; ``http`` and ``unnamed_quic`` count Suricata's lookups.

    Kinds of event are looked for in the first 4 MiB of each file, inflated.
    """
    heads = [data for data in map(_head, paths) if data]
    kinds = {kind for data in heads for kind in _TYPE.findall(data)}
    found = [
        f"EVE without {kind.decode()} events (in the first 4 MiB of each file): {loss}"
        for kind, loss in _LOSSES.items()
        if heads and kind not in kinds
    ]
    if none_read:
        found.append(
            "EVE without alerts of whosasking's rules (sid 1596001): what port-43 sessions asked is unknown, "
            "WHOIS on other ports cannot be seen"
        )
    if http and not any(map(_HTTP_HEADERS.search, heads)):
        found.append(
            "EVE's http events keep no Accept-Language header (whosasking.yaml: custom): clear requests with a "
            "browser's User-Agent cannot be told from a browser's"
        )
    if unnamed_quic:
        found.append(
            f"Suricata showed no server name for {unnamed_quic} QUIC session{'s' if unnamed_quic > 1 else ''} "
            "(7 reads it only where the ClientHello lies in one piece): named by the DNS answer before, and unseen "
            "where there was none"
        )
    return found


def _head(path: str) -> bytes:
    try:
        return read_head(path, _LOOKED_AT).data
    except (OSError, BadStream):
        return b""
