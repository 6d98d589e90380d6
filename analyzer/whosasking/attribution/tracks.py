"""A clock that drifts or is set: the differences of one host, followed through time.

True differences move slowly (a quartz drifts under 100 ppm) and sometimes jump, when the clock is set; false ones (a
tuple used again) lie anywhere. So each difference continues the track it is near to or begins one, and the clock is
made of the long tracks that do not contradict each other.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from whosasking.attribution import policy
from whosasking.model import Micros  # noqa: TC001 - msgspec reads annotations at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.attribution.clock import Pair

MOST_TRACKS = 64
FOREVER: Micros = 1 << 60
_FEW = 3


class Piece(NamedTuple):
    """A stretch of a host's clock, in the host's own time: sensor = ts + ahead + (ts - base) * drift."""

    since: Micros
    until: Micros
    base: Micros
    ahead: Micros
    drift: float

    def on_wire(self, own: Micros) -> Micros:
        """Turn an instant of the host into the sensor's."""
        return own + self.ahead + round((own - self.base) * self.drift)


class Followed(NamedTuple):
    """What the tracks tell. ``spread`` is the widest of the differences around their line; in order of time."""

    pieces: tuple[Piece, ...]
    ports: int
    spread: Micros


class _Track:
    """Differences that continue each other."""

    def __init__(self, pair: Pair) -> None:
        self.pairs = [pair]
        self.ports = {pair.port}

    def misses(self, pair: Pair) -> Micros:
        """Say how far a pair is from where this track leads."""
        return abs(pair.difference - self.pairs[-1].difference)

    def reach(self, pair: Pair, width: Micros) -> Micros:
        return width + round((pair.ts - self.pairs[-1].ts) * policy.FASTEST_DRIFT)

    def add(self, pair: Pair) -> None:
        self.pairs.append(pair)
        self.ports.add(pair.port)

    @property
    def first(self) -> Micros:
        return self.pairs[0].ts

    @property
    def last(self) -> Micros:
        return self.pairs[-1].ts


def follow(pairs: Iterable[Pair], width: Micros) -> Followed | str:
    """Find the pieces of a clock, or say why there are none. ``width`` is how far equal clocks' differences scatter."""
    in_order = sorted(pairs, key=lambda pair: pair.ts)
    tracks = [track for track in _tracks(in_order, width) if len(track.ports) >= policy.ENOUGH_PORTS]
    chosen: list[_Track] = []
    for track in sorted(tracks, key=lambda track: -len(track.ports)):
        against = next((one for one in chosen if track.first <= one.last and one.first <= track.last), None)
        if against is None:
            chosen.append(track)
        elif 2 * len(track.ports) > len(against.ports):
            return "connections of one time disagree on the offset"
    every = {pair.port for pair in in_order}
    held = set().union(*(track.ports for track in chosen))
    if not chosen or len(held) < policy.WIDE_SPIKE_SHARE * len(every):
        return f"only {len(held)} of {len(every)} connections that both sides saw follow one clock"
    chosen.sort(key=lambda track: track.first)
    lines = [_line(track.pairs) for track in chosen]
    return Followed(tuple(_bounded(chosen, lines)), len(held), max(line.spread for line in lines))


def _tracks(in_order: Sequence[Pair], width: Micros) -> list[_Track]:
    tracks: list[_Track] = []
    for pair in in_order:
        nearest = min(tracks, key=lambda track: track.misses(pair), default=None)
        if nearest is not None and nearest.misses(pair) <= nearest.reach(pair, width):
            nearest.add(pair)
            continue
        if len(tracks) >= MOST_TRACKS:
            tracks.remove(min(tracks, key=lambda track: (len(track.ports), track.last)))
        tracks.append(_Track(pair))
    return tracks


class _Line(NamedTuple):
    base: Micros
    ahead: Micros
    drift: float
    spread: Micros


def _line(pairs: Sequence[Pair]) -> _Line:
    """Lay a straight line through differences by the host's time: flat where it is no better than a flat one."""
    own = [pair.ts - pair.difference for pair in pairs]
    base = own[len(own) // 2]
    middle = sorted(pair.difference for pair in pairs)[len(pairs) // 2]
    flat = _Line(base, middle, 0.0, _spread([pair.difference - middle for pair in pairs]))
    times = [one - base for one in own]
    mean_time = sum(times) / len(times)
    mean = sum(pair.difference - middle for pair in pairs) / len(pairs)
    below = sum((time - mean_time) ** 2 for time in times)
    if len(pairs) < _FEW or not below:
        return flat
    pairs_of = zip(times, pairs, strict=True)
    drift = sum((time - mean_time) * (pair.difference - middle - mean) for time, pair in pairs_of) / below
    if abs(drift) > policy.FASTEST_DRIFT:
        return flat
    ahead = middle + round(mean - drift * mean_time)
    rest = [pair.difference - ahead - round(time * drift) for time, pair in zip(times, pairs, strict=True)]
    sloped = _Line(base, ahead, drift, _spread(rest))
    return sloped if 2 * sloped.spread < flat.spread else flat


def _spread(values: Sequence[Micros]) -> Micros:
    return max(values) - min(values)


def _bounded(tracks: Sequence[_Track], lines: Sequence[_Line]) -> Iterable[Piece]:
    """Let each piece reach half way to its neighbours: when the clock was set between two connections is not known."""
    changes = [(before.last + after.first) // 2 for before, after in pairwise(tracks)]
    for number, line in enumerate(lines):
        since = _own(line, changes[number - 1]) if number else -FOREVER
        until = _own(line, changes[number]) if number < len(changes) else FOREVER
        yield Piece(since, until, line.base, line.ahead, line.drift)


def _own(line: _Line, ts: Micros) -> Micros:
    """Turn an instant of the sensor into the host's, by one line."""
    near = ts - line.ahead
    return near - round((near - line.base) * line.drift)
