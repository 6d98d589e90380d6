"""How far a host's clock is from the sensor's, from the connections both saw. Pure functions over differences.

In public data the offset lies between milliseconds and 5.8 days yet holds to a few milliseconds, so it is looked for,
never assumed: the differences (sensor minus host) of equal tuples pile up in one spike, all else is port reuse.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from whosasking.attribution import policy
from whosasking.attribution.tracks import FOREVER, Followed, Piece, follow
from whosasking.model import SECOND, Micros, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

QUANTILES = 1 - policy.CLOCK_OUTLIERS


class Pair(NamedTuple):
    """A wire connection and an endpoint event of one tuple. ``port`` is the initiating side's, and ephemeral."""

    difference: Micros
    port: int
    ts: Micros = 0
    """When, on the sensor's clock."""


class Life(NamedTuple):
    """A process on its own clock, and its first and last socket on the clock of the host's network events."""

    started: Micros | None
    ended: Micros | None
    first_socket: Micros
    last_socket: Micros


class Estimate(Record, frozen=True, kw_only=True):
    """Sensor minus host, or why it was refused (``offset`` None).

    ``anchors`` counts distinct ephemeral ports on the spike, ``spread`` is their max minus min, ``weak`` marks an
    offset that fewer than three connections set.
    """

    offset: Micros | None
    anchors: int = 0
    spread: Micros = 0
    reason: str = ""
    weak: bool = False
    pieces: tuple[Piece, ...] = ()
    """The clock in pieces where it drifted or was set; empty where ``offset`` holds throughout."""


class _Spike(NamedTuple):
    ports: int
    differences: Sequence[Micros]

    @property
    def middle(self) -> Micros:
        return self.differences[len(self.differences) // 2]

    @property
    def spread(self) -> Micros:
        return self.differences[-1] - self.differences[0]


def estimate(tcp: Sequence[Pair], udp: Sequence[Pair] = (), portless: Sequence[Pair] = ()) -> Estimate:
    """Find the offset in pairs in any order.

    UDP events lag, so they count only where TCP alone proves nothing. ``portless`` pairs (a product without local
    ports; ``port`` stands for the server) count only where no other pair exists; few are believed moments apart only.
    """
    if not tcp and not udp:
        return _estimate(sorted(portless), "server", policy.NEAR)
    found = _moving(tcp, _estimate(sorted(tcp), "TCP connection"))
    if found.offset is not None and not found.weak:
        return found
    with_udp = _estimate(sorted([*tcp, *udp]), "connection")
    proven = with_udp.offset is not None and not with_udp.weak
    return with_udp if proven or not tcp else found


def _estimate(pairs: Sequence[Pair], kind: str, small: Micros = policy.SINGLE_ANCHOR) -> Estimate:
    total = len({pair.port for pair in pairs})
    if total == 0:
        return Estimate(offset=None, reason="no connection from an ephemeral port was seen by both sides")
    for width in policy.SPIKES:
        best, runner_up = _two_densest(pairs, width)
        wide_enough = width == policy.SPIKES[0] or best.ports >= policy.WIDE_SPIKE_SHARE * total
        if best.ports >= policy.ENOUGH_PORTS and best.ports > 2 * runner_up and wide_enough:
            return Estimate(offset=best.middle, anchors=best.ports, spread=best.spread)
    return _from_few(pairs, total, kind, small)


def _from_few(pairs: Sequence[Pair], total: int, kind: str, small: Micros) -> Estimate:
    """Accept two that agree on any offset, and one alone on a ``small`` one; several that disagree set nothing."""
    best, runner_up = _two_densest(pairs, policy.SPIKES[0])
    agree = best.ports == 2 and runner_up < 2  # noqa: PLR2004
    if agree and (total == 2 or abs(best.middle) <= small):  # noqa: PLR2004
        return Estimate(
            offset=best.middle, anchors=2, spread=best.spread, weak=True, reason=f"set by two {kind}s that agree"
        )
    if total > 1:
        reason = f"{total} {kind}s were seen by both sides, but only {best.ports} agree on one offset"
        return Estimate(offset=None, anchors=best.ports, reason=reason)
    nearest = min((pair.difference for pair in pairs), key=abs)
    if abs(nearest) <= small:
        return Estimate(offset=nearest, anchors=1, weak=True, reason=f"set by one {kind} alone")
    reason = f"one {kind} alone was seen by both sides, {seconds(nearest)} apart"
    return Estimate(offset=None, anchors=1, reason=reason)


def _moving(pairs: Sequence[Pair], constant: Estimate) -> Estimate:
    """Look for a drift or steps where one offset does not explain nearly all connections better."""
    total = len({pair.port for pair in pairs})
    proven = constant.offset is not None and not constant.weak
    narrow = constant.spread <= policy.SPIKES[0]
    if total < 2 * policy.ENOUGH_PORTS or (proven and narrow and constant.anchors >= policy.WHOLE_SPIKE * total):
        return constant
    for width in policy.SPIKES[:2]:
        followed = follow(pairs, width)
        if isinstance(followed, Followed):
            return _in_pieces(followed) if _better(followed, constant, proven=proven) else constant
    return constant


def _better(followed: Followed, constant: Estimate, *, proven: bool) -> bool:
    moves = len(followed.pieces) > 1 or followed.pieces[0].drift != 0
    explains_more = followed.ports > constant.anchors or 2 * followed.spread < constant.spread
    return moves and len(followed.pieces) <= policy.MOST_STEPS + 1 and (explains_more or not proven)


def _in_pieces(followed: Followed) -> Estimate:
    pieces = followed.pieces
    said = [f"drifts {piece.drift * 1e6:+.1f} ppm" for piece in pieces[:1] if piece.drift]
    said += [
        f"was set: offset {seconds(before.on_wire(before.until) - before.until)} before, "
        f"{seconds(after.on_wire(after.since) - after.since)} after"
        for before, after in pairwise(pieces)
    ]
    middle = pieces[len(pieces) // 2]
    return Estimate(
        offset=middle.ahead,
        anchors=followed.ports,
        spread=followed.spread,
        reason="the clock " + ", ".join(said),
        pieces=pieces,
    )


def constant(offset: Micros) -> tuple[Piece, ...]:
    """Give a clock that keeps its offset, as pieces."""
    return (Piece(-FOREVER, FOREVER, 0, offset, 0.0),)


def _two_densest(pairs: Sequence[Pair], width: Micros) -> tuple[_Spike, int]:
    """Give the densest window of ``width`` and the number of ports in the densest one clear of it."""
    best = _densest(pairs, width)
    low, high = best.differences[0] - width, best.differences[-1] + width
    rest = [pair for pair in pairs if not low <= pair.difference <= high]
    return best, _densest(rest, width).ports if rest else 0


def _densest(pairs: Sequence[Pair], width: Micros) -> _Spike:
    """Slide a window over sorted pairs; most distinct ports win, then most pairs, then the offset nearest to zero."""
    inside: Counter[int] = Counter()
    first, best, bounds = 0, (0, 0, 0), (0, 0)
    for last, pair in enumerate(pairs):
        inside[pair.port] += 1
        while pair.difference - pairs[first].difference > width:
            _leave(inside, pairs[first].port)
            first += 1
        rank = (len(inside), last - first + 1, -abs(pair.difference))
        if rank > best:
            best, bounds = rank, (first, last)
    return _Spike(best[0], [pair.difference for pair in pairs[bounds[0] : bounds[1] + 1]])


def _leave(inside: Counter[int], port: int) -> None:
    inside[port] -= 1
    if not inside[port]:
        del inside[port]


def process_offset(lives: Sequence[Life], network: Micros) -> Micros | None:
    """Sensor minus the clock of a host's process events, which need not be that of its network events.

    Sysmon stamps process events with the system clock and network events with a trace clock; in public data they lie
    days apart. A process's sockets must fall into its life: equal clocks are believed while that holds, then a process
    clock equal to the sensor's, then the middle of what the lives allow. None when they contradict each other.
    """
    for between in (0, network):
        if _fits(lives, between):
            return network - between
    lows = sorted(life.started - life.first_socket for life in lives if life.started is not None)
    highs = sorted(life.ended - life.last_socket for life in lives if life.ended is not None)
    if not lows or not highs:
        return None
    low, high = lows[int((len(lows) - 1) * QUANTILES)], highs[int((len(highs) - 1) * policy.CLOCK_OUTLIERS)]
    return network - (low + high) // 2 if low - policy.PROCESS_SLACK <= high + policy.LATE_EVENTS else None


def _fits(lives: Sequence[Life], between: Micros) -> bool:
    """Say whether all but a few lives hold their sockets when ``between`` is added to the network events' times."""
    slack = policy.PROCESS_SLACK
    broken = sum(
        (life.started is not None and life.first_socket + between < life.started - slack)
        or (life.ended is not None and life.last_socket + between > life.ended + policy.LATE_EVENTS)
        for life in lives
    )
    return broken <= policy.CLOCK_OUTLIERS * len(lives)


def seconds(micros: Micros) -> str:
    """Write a difference as seconds, to the millisecond."""
    return f"{micros / SECOND:.3f} s"
