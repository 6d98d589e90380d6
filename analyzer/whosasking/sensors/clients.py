"""What several logs say about a session's client -> one judgement.

The ClientHello is judged here wherever a log carries it, so that every sensor's sessions are judged alike; a sensor's
own word counts where none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.model import SECOND, Client, ClientClass, Detection
from whosasking.protocols import client, tls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.catalogue import Catalogue
    from whosasking.model import Lookup, Micros
    from whosasking.sensors.ledger import Clues

SAME_VISIT: Final = 60 * SECOND
"""How near a ClientHello to the same server must be to tell something of a clear request."""


class Stacks:
    """The classes of the ClientHellos that clients sent to servers."""

    def __init__(self) -> None:
        """Know none."""
        self._seen: dict[tuple[str | None, str | None], list[tuple[Micros, ClientClass]]] = {}

    def learn(self, lookups: Iterable[Lookup]) -> None:
        """Learn from TLS and QUIC lookups."""
        for lookup in lookups:
            if lookup.transport in ("tls", "quic") and lookup.client.cls is not ClientClass.UNKNOWN:
                key = (lookup.src_ip, lookup.server)
                self._seen.setdefault(key, []).append((lookup.ts, lookup.client.cls))

    def around(self, lookup: Lookup) -> frozenset[ClientClass]:
        """Return the classes seen of this client at this server around the time of ``lookup``."""
        seen = self._seen.get((lookup.src_ip, lookup.server), ())
        return frozenset(cls for ts, cls in seen if abs(ts - lookup.ts) <= SAME_VISIT)


def of_session(lookup: Lookup, clues: list[Clues], catalogue: Catalogue) -> Client:
    """Judge the client of a WHOIS, TLS or QUIC session; ``clues`` come best first."""
    if lookup.detection is Detection.PORT43:
        if lookup.query is None:
            return Client()
        return Client(cls=ClientClass.TOOL, evidence=("speaks WHOIS",))
    user_agent = next((clue.user_agent for clue in clues if clue.user_agent), None)
    ja3 = next((clue.ja3 for clue in clues if clue.ja3), None)
    hello = next((clue for clue in clues if clue.ja3_string), None)
    if hello is not None:
        found = tls.classify(hello.ja3_string, ja3=ja3)
    else:
        told = next((clue for clue in clues if clue.cls is not None and clue.cls is not ClientClass.UNKNOWN), None)
        found = (
            Client(cls=told.cls, evidence=told.evidence, ja3=ja3)
            if told is not None and told.cls is not None
            else tls.classify(ja3=ja3, ja4=next((clue.ja4 for clue in clues if clue.ja4), None))
        )
    return client.combine(found, user_agent, catalogue)


def of_request(lookup: Lookup, clues: list[Clues], catalogue: Catalogue, stacks: Stacks) -> Client:
    """Judge the client of one clear HTTP request. An empty User-Agent was not sent, one that is None not logged."""
    user_agent = next((clue.user_agent for clue in clues if clue.user_agent is not None), None)
    found = client.judge_http(
        user_agent,
        catalogue,
        stacks_seen=stacks.around(lookup),
        accept_language=next((clue.accept_language for clue in clues if clue.accept_language is not None), None),
    )
    return msgspec.structs.replace(found, user_agent=found.user_agent or None)
