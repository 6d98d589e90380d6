"""One lookup that several sensors saw -> one lookup.

Zeek and Suricata on one span port, taps on both sides of a firewall, a capture beside the logs made of it: each names
the session in its own way. Honest clients open no second connection with the same ports within seconds, so equal ends
at nearly the same time are one connection; requests in it are told apart by what they ask, and paired in order.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from whosasking.model import SECOND, Client, ClientClass

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from whosasking.model import Lookup, Micros

NEAR: Final = 5 * SECOND
"""How far two sensors' times of one lookup may lie apart: Suricata logs a request when it is answered."""
TAPS: Final = SECOND // 20
"""The same for two sensors of one kind: they log the same moment, and differ by the way between their taps."""

T = TypeVar("T")


class Once:
    """Lookups in order of time, each once; ``notes`` then say when any was seen more than once.

    What lies further back than two records of one lookup can is let go: there may be millions.
    """

    def __init__(self, lookups: Iterable[Lookup]) -> None:
        """Go through ``lookups``, in order of time."""
        self._lookups = lookups
        self._groups: dict[Hashable, list[list[Lookup]]] = {}
        self._open: deque[tuple[Hashable, list[Lookup]]] = deque()
        self._ready: list[tuple[Micros, int, Lookup]] = []
        self._closed = 0
        self._several = 0
        self._sensors: set[str] = set()

    def __iter__(self) -> Iterator[Lookup]:
        """Yield each lookup once."""
        for lookup in self._lookups:
            self._close(lookup.ts - NEAR)
            while self._ready and self._ready[0][0] < lookup.ts - NEAR:
                yield heappop(self._ready)[-1]
            what = _what(lookup)
            known = self._groups.setdefault(what, [])
            views = _same(known, lookup)
            if views is None:
                views = []
                known.append(views)
                self._open.append((what, views))
            views.append(lookup)
        self._close(None)
        while self._ready:
            yield heappop(self._ready)[-1]

    def _close(self, before: Micros | None) -> None:
        """Make one lookup of each group that began before an instant (None: of every group)."""
        while self._open and (before is None or self._open[0][1][0].ts < before):
            what, views = self._open.popleft()
            known = self._groups[what]
            del known[0]
            if not known:
                del self._groups[what]
            if len(views) > 1:
                self._several += 1
                self._sensors |= {one.sensor for one in views}
            one = _merged(views) if len(views) > 1 else views[0]
            heappush(self._ready, (one.ts, self._closed, one))
            self._closed += 1

    @property
    def notes(self) -> list[str]:
        """Return what to say of lookups that were recorded more than once."""
        if not self._several:
            return []
        sensors = ", ".join(sorted(self._sensors))
        return [f"{self._several:,} lookups were recorded more than once (sensors: {sensors}): each is counted once"]


def _what(lookup: Lookup) -> Hashable:
    """Return what the records of one lookup have in common; a lookup whose ends are not known is only itself."""
    ends = (lookup.src_ip, lookup.src_port, lookup.dst_ip, lookup.dst_port)
    if None in ends:
        return lookup.sensor, lookup.uid, lookup.ts, ends
    asked = (lookup.query.text if lookup.query else "") if lookup.transport == "http" else None
    return lookup.detection, lookup.transport == "quic", asked, ends


def _same(known: list[list[Lookup]], lookup: Lookup) -> list[Lookup] | None:
    """Return the first lookup within reach that this sensor's session has not told of yet."""
    found = None
    for views in reversed(known):
        if lookup.ts - views[0].ts > NEAR:
            break
        if all(_may_be_one(one, lookup) for one in views):
            found = views
    return found


def _may_be_one(one: Lookup, other: Lookup) -> bool:
    """Say whether two records on one tuple can be one lookup.

    A client that takes its port again at once, to be counted as one, is told apart by the sensor that saw it all.
    """
    if one.sensor != other.sensor:
        return True
    same = one.query is None or other.query is None or one.query.text == other.query.text
    return one.uid != other.uid and abs(one.ts - other.ts) <= TAPS and same


def _merged(views: Iterable[Lookup]) -> Lookup:
    """Return the record that tells most, completed by the others."""
    ranked = sorted(views, key=_knowledge, reverse=True)
    named = next((one for one in ranked if one.server), ranked[0])
    return msgspec.structs.replace(
        ranked[0],
        server=named.server,
        server_source=named.server_source,
        server_kind=named.server_kind,
        noise=named.noise,
        query=_first(one.query for one in ranked),
        client=max((one.client for one in ranked), key=_certainty),
        community_id=_first(one.community_id for one in ranked),
        established=_first(one.established for one in ranked),
        service=_first(one.service for one in ranked),
        duration=_first(one.duration for one in ranked),
        src_bytes=_first(one.src_bytes for one in ranked),
        dst_bytes=_first(one.dst_bytes for one in ranked),
    )


def _knowledge(lookup: Lookup) -> tuple[bool, tuple[bool, bool], bool, bool, str]:
    known = (lookup.query is not None, _certainty(lookup.client), lookup.server is not None)
    return (*known, lookup.duration is not None, lookup.sensor)


def _certainty(client: Client) -> tuple[bool, bool]:
    return client.masquerade is not None, client.cls is not ClientClass.UNKNOWN


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
