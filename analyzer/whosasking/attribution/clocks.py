"""The clock of every timeline (one product on one host): its offset, how sure it is, and what its records cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.attribution import clock, policy, sql, tables
from whosasking.attribution.clock import Estimate, Life, Pair
from whosasking.model import ClockOffset, Micros, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.attribution.registry import Registry
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
        )


def align(engine: Engine, registry: Registry) -> list[Clock]:
    """Estimate every timeline's clock from the ``flow`` and ``socket`` tables. The list is indexed by timeline."""
    tcp, udp, portless = _pairs(engine)
    seen = _Seen(registry, engine.query(_LIVES))
    clocks = []
    for timeline, (host, product) in enumerate(registry.timelines):
        estimate = clock.estimate(tcp.get(timeline, ()), udp.get(timeline, ()), portless.get(timeline, ()))
        assumed = estimate.offset is None and estimate.anchors == 0
        network = 0 if assumed else estimate.offset
        process = None if network is None else clock.process_offset(seen.lives.get(timeline, ()), network)
        span = _joined(_moved(seen.network.get(timeline), network), _moved(seen.process.get(timeline), process))
        clocks.append(
            Clock(
                host=registry.hosts[host],
                product=product,
                estimate=estimate,
                assumed=assumed,
                network=network,
                process=process,
                span=span,
                has_network=timeline in seen.lives,
            )
        )
    return clocks


class _Seen:
    """What each timeline's records cover, on its own two clocks."""

    def __init__(self, registry: Registry, lives: Iterable[tuple[int, int, Micros, Micros]]) -> None:
        """Take the rows of ``_LIVES`` and the records that are in no table yet."""
        self.lives: dict[int, list[Life]] = {}
        self.network: dict[int, Span] = {}
        self.process: dict[int, Span] = {}
        for timeline, number, first, last in lives:
            process = registry.processes[number]
            self.lives.setdefault(timeline, []).append(Life(process.started, process.ended, first, last))
            _widen(self.network, timeline, first, last)
        for _, timeline, process in registry.started():
            for instant in (process.started, process.ended):
                if instant is not None and tables.usable(instant):
                    _widen(self.process, timeline, instant, instant)


_Pairs = dict[int, list[Pair]]


def _pairs(engine: Engine) -> tuple[_Pairs, _Pairs, _Pairs]:
    """Give the pairs of each timeline: TCP, UDP, and those without a local port."""
    tcp, udp, portless = _Pairs(), _Pairs(), _Pairs()
    most = {"most_per_tuple": policy.MOST_PER_TUPLE}
    for timeline, protocol, difference, port in engine.query(
        sql.read("clock_pairs"), most | {"ephemeral": policy.EPHEMERAL}
    ):
        kind = tcp if protocol == "tcp" else udp
        kind.setdefault(timeline, []).append(Pair(difference, port))
    for timeline, difference, server in engine.query(sql.read("clock_pairs_no_port"), most):
        portless.setdefault(timeline, []).append(Pair(difference, server))
    return tcp, udp, portless


def _widen(spans: dict[int, Span], timeline: int, first: Micros, last: Micros) -> None:
    known = spans.get(timeline, (first, last))
    spans[timeline] = (min(known[0], first), max(known[1], last))


def _joined(span: Span | None, other: Span | None) -> Span | None:
    if span is None or other is None:
        return span or other
    return min(span[0], other[0]), max(span[1], other[1])


def _moved(span: Span | None, offset: Micros | None) -> Span | None:
    return None if span is None or offset is None else (span[0] + offset, span[1] + offset)


def rows(clocks: Iterable[Clock]) -> list[tables.ClockRow]:
    """Give the clock table."""
    return [tables.ClockRow(timeline, one.network, one.process) for timeline, one in enumerate(clocks)]


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
