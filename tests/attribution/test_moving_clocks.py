"""A host's clock that drifts over days or is set in between; where the connections disagree it is refused."""

from __future__ import annotations

import random

import pytest

from attribution.scene import HERE, Site, at, lookup, named, nobody, process
from whosasking.attribution.clock import Estimate, Pair, estimate
from whosasking.model import SECOND, Connection

HOUR = 3600.0
DAY = 24 * HOUR


def pairs(*differences: tuple[float, float], jitter: float = 0.002, seed: int = 1) -> list[Pair]:
    """Connections of ephemeral ports: (seconds on the wire, sensor minus host)."""
    chance = random.Random(seed)  # noqa: S311 - repeatable test data
    return [
        Pair(round((apart + chance.uniform(-jitter, jitter)) * SECOND), 50_000 + number, round(ts * SECOND))
        for number, (ts, apart) in enumerate(differences)
    ]


def on_wire(found: Estimate, own: float) -> float:
    piece = next(one for one in found.pieces if one.since <= own * SECOND <= one.until)
    return piece.on_wire(round(own * SECOND)) / SECOND


@pytest.mark.parametrize("ppm", [-80.0, 15.0, 120.0])
def test_a_drift_over_days_is_followed(ppm: float) -> None:
    times = [hour * HOUR for hour in range(0, 24 * 7, 3)]
    found = estimate(pairs(*[(ts, 300 + ts * ppm / 1e6) for ts in times]))
    assert found.offset is not None
    assert found.anchors == len(times)
    assert found.pieces[0].drift * 1e6 == pytest.approx(ppm, rel=0.02)
    assert found.spread < 10_000
    assert on_wire(found, 6 * DAY) == pytest.approx(6 * DAY + 300 + (6 * DAY + 300) * ppm / 1e6, abs=0.02)


@pytest.mark.parametrize("jump", [-3600.0, -2.0, 8.0, 86_400.0])
def test_a_clock_that_was_set_has_two_offsets(jump: float) -> None:
    times = [minute * 60.0 for minute in range(40)]
    found = estimate(pairs(*[(ts, 100.0 if ts < 1200 else 100.0 + jump) for ts in times]))
    assert [round(piece.ahead / SECOND) for piece in found.pieces] == [100, round(100 + jump)]
    assert "was set: offset 100.0" in found.reason
    assert found.anchors == 40


def test_whole_seconds_are_no_drift() -> None:
    chance = random.Random(4)  # noqa: S311 - repeatable test data
    found = estimate(pairs(*[(ts * 60.0, 50 + chance.random()) for ts in range(60)]))
    assert found.offset is not None
    assert not found.pieces


def test_connections_of_one_time_that_disagree_are_refused() -> None:
    found = estimate(pairs(*[(ts * 60.0, 100.0 if ts % 2 else 900.0) for ts in range(40)]))
    assert found.offset is None
    assert found.reason == "40 TCP connections were seen by both sides, but only 20 agree on one offset"


def test_differences_anywhere_are_refused() -> None:
    chance = random.Random(2)  # noqa: S311 - repeatable test data
    found = estimate(pairs(*[(ts * 60.0, chance.uniform(-DAY, DAY)) for ts in range(60)]))
    assert found.offset is None


def test_too_few_connections_set_no_steps() -> None:
    found = estimate(pairs((0, 5.0), (60, 5.0), (3600, 90.0), (3660, 90.0)))
    assert found.offset is None
    assert not found.pieces


def moving(offset_at: dict[int, float]) -> Site:
    """Build a site with a connection every ten minutes; ``offset_at`` maps a port to sensor minus host in seconds."""
    site = Site()
    for number, (port, offset) in enumerate(offset_at.items()):
        seconds = number * 600.0
        site.socket(process("app.exe", 7), seconds - offset, port, remote_ip="93.184.216.34", remote_port=443)
        site.anchors.append(
            Connection(ts=at(seconds), protocol="tcp", src_ip=HERE, src_port=port, dst_ip="93.184.216.34", dst_port=443)
        )
    return site


def test_a_lookup_after_the_step_is_attributed_by_the_clock_it_was_then() -> None:
    site = moving({51_000 + number: 10.0 if number < 10 else 3610.0 for number in range(20)})
    site.socket(process("whois.exe", 100), 9_100 - 3610.0, 50_000)
    site.socket(process("other.exe", 101), 2_000 - 10.0, 50_001)
    result = site.attribute(lookup(9_100), lookup(2_000, 50_001))
    assert [one.process.name for one in result.attributions] == ["whois.exe", "other.exe"]  # type: ignore[union-attr]
    (clock,) = result.offsets
    assert [step.offset for step in clock.steps] == [3610 * SECOND]
    assert at(5_400) <= clock.steps[0].at <= at(6_000)


def test_a_clock_set_back_leaves_no_event_without_its_time() -> None:
    """After a step of minus an hour the host's times come twice: each event is tried by both clocks."""
    site = moving({51_000 + number: 0.0 if number < 10 else -3600.0 for number in range(20)})
    site.socket(process("whois.exe", 100), 6_600 + 3600.0, 50_000)
    assert named(site.attribute(lookup(6_600))).process.name == "whois.exe"


def test_a_refused_clock_says_why_in_coverage() -> None:
    site = moving({51_000 + number: 100.0 if number % 2 else 5000.0 for number in range(20)})
    site.socket(process(), 0.0, 50_000)
    result = site.attribute(lookup(500.0))
    assert "cannot be aligned" in nobody(result).reason
    (clock,) = result.offsets
    assert clock.offset is None
    assert "only 10 agree on one offset" in clock.reason
