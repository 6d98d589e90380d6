"""The clock of every timeline (one product on one host): its offset, how sure it is, and what its records cover."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from whosasking.accounts import ClockStep
from whosasking.attribution import clock, policy, sql, tables
from whosasking.attribution.clock import Estimate, Life, Pair
from whosasking.model import ClockOffset, Micros, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.attribution.tracks import Piece
    from whosasking.engines.interface import Engine

Span = tuple["Micros", "Micros"]

_LIVES = """
SELECT timeline, process, min(ts), max(ts)
FROM (SELECT timeline, process, ts FROM socket UNION ALL SELECT timeline, process, ts FROM name_query) AS event
GROUP BY timeline, process
ORDER BY timeline, process
"""
_ASSUMED = "; taken as equal to the sensor's"


class Clock(Record, frozen=True, kw_only=True):
    """Sensor minus host for one product's events; None where it was refused.

    ``network`` holds for sockets and DNS queries, ``process`` for process starts and ends. ``assumed``: nothing speaks
    for or against equal clocks, so they are taken as equal. ``span`` is what the records cover, on the sensor's clock.
    """

    host: str
    product: str
    estimate: Estimate
    assumed: bool
    network: Micros | None
    process: Micros | None
    span: Span | None
    has_network: bool

    @property
    def network_pieces(self) -> tuple[Piece, ...]:
        """The clock of network events; empty where it was refused."""
        if self.network is None:
            return ()
        return self.estimate.pieces or clock.constant(self.network)

    @property
    def process_pieces(self) -> tuple[Piece, ...]:
        """The clock of process events; empty where it is not known."""
        if self.process is None:
            return ()
        return self.network_pieces if self.process == self.network else clock.constant(self.process)

    @property
    def factor(self) -> float:
        """What an attribution's confidence is multiplied with."""
        if self.assumed:
            return policy.ASSUMED_CLOCK
        return policy.WEAK_CLOCK if self.estimate.weak else 1.0

    def offset(self, *, several_products: bool) -> ClockOffset:
        """Give the record for the report."""
        reason = self.estimate.reason + (_ASSUMED if self.assumed else "")
        if self.network is not None and self.process != self.network:
            own = "cannot be aligned" if self.process is None else f"has an offset of {clock.seconds(self.process)}"
            reason = "; ".join(filter(None, [reason, f"process events run on another clock, which {own}"]))
        return ClockOffset(
            host=self.host,
            offset=self.estimate.offset,
            anchors=self.estimate.anchors,
            spread=self.estimate.spread,
            reason=f"{self.product}: {reason}".removesuffix(": ") if several_products else reason,
            drift=self.estimate.pieces[0].drift * 1e6 if self.estimate.pieces else 0.0,
            steps=tuple(
                ClockStep(at=piece.on_wire(piece.since), offset=piece.on_wire(piece.since) - piece.since)
                for piece in self.estimate.pieces[1:]
            ),
        )


def align(engine: Engine, registry: Registry, *, sampled: bool = False) -> list[Clock]:
    """Estimate every timeline's clock from the ``flow`` and ``socket`` tables. The list is indexed by timeline.

    ``sampled``: from some of the sockets of each part of the time, where there are too many to look at all.
    """
    tcp, udp, portless = _sampled_pairs(engine) if sampled else _pairs(engine)
    processes = _process_spans(registry)
    clocks = []
    for timeline, lives in _lives(engine, registry):
        host, product = registry.timelines[timeline]
        estimate = clock.estimate(tcp.get(timeline, ()), udp.get(timeline, ()), portless.get(timeline, ()))
        assumed = estimate.offset is None and estimate.anchors == 0
        network = 0 if assumed else estimate.offset
        process = None if network is None else clock.process_offset(lives, network)
        found = Clock(
            host=registry.hosts[host],
            product=product,
            estimate=estimate,
            assumed=assumed,
            network=network,
            process=process,
            span=None,
            has_network=bool(lives),
        )
        events = (min(life.first_socket for life in lives), max(life.last_socket for life in lives)) if lives else None
        span = _joined(_moved(events, found.network_pieces), _moved(processes.get(timeline), found.process_pieces))
        clocks.append(msgspec.structs.replace(found, span=span))
    return clocks


def _lives(engine: Engine, registry: Registry) -> Iterator[tuple[int, list[Life]]]:
    """Give every timeline with the lives of its processes that were seen at work, on its own two clocks."""
    found = groupby(engine.rows(_LIVES), key=itemgetter(0))
    following, rows = next(found, (None, ()))
    for timeline in range(len(registry.timelines)):
        lives = []
        if timeline == following:
            for _, number, first, last in rows:
                process = registry.processes[number]
                lives.append(Life(process.started, process.ended, first, last))
            following, rows = next(found, (None, ()))
        yield timeline, lives


def _process_spans(registry: Registry) -> dict[int, Span]:
    """Map timelines to what their process events cover."""
    found: dict[int, Span] = {}
    for _, timeline, process in registry.started():
        for instant in (process.started, process.ended):
            if instant is not None and tables.usable(instant):
                known = found.get(timeline, (instant, instant))
                found[timeline] = (min(known[0], instant), max(known[1], instant))
    return found


_Pairs = dict[int, list[Pair]]


def _pairs(engine: Engine) -> tuple[_Pairs, _Pairs, _Pairs]:
    """Give the pairs of each timeline: TCP, UDP, and those without a local port."""
    most = {"most_per_tuple": policy.MOST_PER_TUPLE}
    return _by_timeline(
        engine.query(sql.read("clock_pairs"), most | {"ephemeral": policy.EPHEMERAL}),
        engine.query(sql.read("clock_pairs_no_port"), most),
    )


def _sampled_pairs(engine: Engine) -> tuple[_Pairs, _Pairs, _Pairs]:
    """Give the same of some events of each timeline."""
    most = {"most_per_tuple": policy.MOST_PER_TUPLE, "wanted": policy.SAMPLED}
    return _by_timeline(
        engine.query(sql.read("clock_pairs_sampled"), most | {"ephemeral": policy.EPHEMERAL}),
        engine.query(sql.read("clock_pairs_no_port_sampled"), most | {"farthest": policy.PORTLESS_REACH}),
    )


def _by_timeline(
    with_port: Iterable[tuple[Any, ...]], without: Iterable[tuple[Any, ...]]
) -> tuple[_Pairs, _Pairs, _Pairs]:
    tcp, udp, portless = _Pairs(), _Pairs(), _Pairs()
    for timeline, protocol, difference, port, ts in with_port:
        kind = tcp if protocol == "tcp" else udp
        kind.setdefault(timeline, []).append(Pair(difference, port, ts))
    for timeline, difference, server, ts in without:
        portless.setdefault(timeline, []).append(Pair(difference, server, ts))
    return tcp, udp, portless


def _joined(span: Span | None, other: Span | None) -> Span | None:
    if span is None or other is None:
        return span or other
    return min(span[0], other[0]), max(span[1], other[1])


def _moved(span: Span | None, pieces: Sequence[Piece]) -> Span | None:
    if span is None or not pieces:
        return None
    ends = [piece.on_wire(own) for piece in pieces for own in span if piece.since <= own <= piece.until]
    return (min(ends), max(ends)) if ends else None


def own_time(pieces: Sequence[Piece], ts: Micros) -> Micros | None:
    """Turn an instant of the sensor into the host's; None where the clock is not known."""
    for piece in pieces:
        own = ts - piece.ahead
        own -= round((own - piece.base) * piece.drift)
        if own <= piece.until:
            return own
    return None


def rows(clocks: Iterable[Clock]) -> Iterator[tables.ClockPieceRow]:
    """Give the clock table."""
    for timeline, one in enumerate(clocks):
        for network, pieces in ((True, one.network_pieces), (False, one.process_pieces)):
            for piece in pieces:
                yield tables.ClockPieceRow(timeline, network, *piece)


def offsets(clocks: Iterable[Clock]) -> tuple[ClockOffset, ...]:
    """Give one record a host, or one for each product of a host where several could be aligned."""
    by_host: dict[str, list[Clock]] = {}
    for one in clocks:
        by_host.setdefault(one.host, []).append(one)
    found = []
    for ours in by_host.values():
        kept = [one for one in ours if one.has_network] or ours[:1]
        found += [one.offset(several_products=len(kept) > 1) for one in kept]
    return tuple(sorted(found, key=lambda one: (one.host.casefold(), one.reason)))
