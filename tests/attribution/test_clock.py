"""The clock offset: one spike of differences, found at any distance, and refused where chance could have made it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosasking.attribution.clock import Estimate, Life, Pair, estimate, process_offset
from whosasking.model import SECOND

DAY = 86_400 * SECOND
MILLI = 1000


def spike(offset: int, ports: range, jitter: int = 0) -> list[Pair]:
    return [Pair(offset + (index * 7919) % (jitter or 1), port) for index, port in enumerate(ports)]


@settings(max_examples=150, deadline=None)
@given(
    offset=st.integers(-10 * DAY, 10 * DAY),
    count=st.integers(10, 80),
    seed=st.integers(0, 2**32),
)
def test_any_shift_is_recovered_from_jitter_and_outliers(offset: int, count: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable test data
    pairs = []
    for port in chance.sample(range(1024, 65536), count):
        true = chance.random() > 0.3 or len(pairs) < 7
        noise = chance.randint(-5 * MILLI, 5 * MILLI) if true else chance.randint(-10 * DAY, 10 * DAY)
        pairs.append(Pair(offset + noise, port))
    chance.shuffle(pairs)
    found = estimate(pairs)
    assert found.offset is not None
    assert abs(found.offset - offset) <= 5 * MILLI
    assert not found.weak


@given(st.lists(st.tuples(st.integers(-20 * DAY, 20 * DAY), st.integers(1024, 65535)), max_size=60))
def test_an_estimate_lies_among_its_pairs_and_never_fails(pairs: list[tuple[int, int]]) -> None:
    found = estimate([Pair(*pair) for pair in pairs])
    assert found.offset is None or found.offset in {difference for difference, _ in pairs}
    assert found.offset is not None or found.reason


def test_the_order_of_pairs_does_not_matter() -> None:
    pairs = [*spike(5 * DAY, range(50000, 50020), 40 * MILLI), *spike(-DAY, range(50000, 50004), 10 * DAY)]
    shuffled = random.Random(1).sample(pairs, len(pairs))  # noqa: S311 - repeatable test data
    assert estimate(pairs) == estimate(shuffled)


def test_one_port_however_often_it_agrees_is_one_anchor() -> None:
    found = estimate([Pair(3 * DAY, 50000)] * 20)
    assert found == Estimate(
        offset=None, anchors=1, reason="one TCP connection alone was seen by both sides, 259200.000 s apart"
    )


@pytest.mark.parametrize(
    ("differences", "offset"),
    [
        ([2 * SECOND], 2 * SECOND),
        ([31 * SECOND], None),
        ([DAY, DAY + MILLI], DAY + MILLI),
        ([DAY, DAY + 2 * SECOND], None),
        ([DAY, 2 * DAY], None),
        ([SECOND, SECOND + MILLI, 4 * DAY], SECOND + MILLI),
        ([DAY, DAY + MILLI, 4 * DAY], None),
    ],
)
def test_few_connections_set_an_offset_only_where_chance_cannot(differences: list[int], offset: int | None) -> None:
    found = estimate([Pair(difference, 50000 + index) for index, difference in enumerate(differences)])
    assert found.offset == offset
    assert found.weak == (offset is not None)
    assert found.reason


def test_two_equal_spikes_are_refused() -> None:
    found = estimate([*spike(DAY, range(50000, 50010)), *spike(2 * DAY, range(51000, 51009))])
    assert found.offset is None
    assert "only 10 agree" in found.reason


def test_whole_second_products_spread_over_a_second() -> None:
    chance = random.Random(2)  # noqa: S311 - repeatable test data
    found = estimate([Pair(7 * DAY + chance.randrange(SECOND), 50000 + index) for index in range(40)])
    assert found.offset is not None
    assert abs(found.offset - 7 * DAY - SECOND // 2) < SECOND // 4
    assert found.anchors == 40


def test_a_drift_of_four_seconds_a_day_is_followed() -> None:
    found = estimate([Pair(3 * DAY + index * SECOND // 16, 50000 + index) for index in range(64)])
    assert found.offset is not None
    assert abs(found.offset - 3 * DAY - 2 * SECOND) < SECOND
    assert found.spread < 5 * SECOND


def test_udp_counts_only_where_tcp_proves_nothing() -> None:
    late = spike(10 * SECOND, range(40000, 40050))
    assert estimate(spike(0, range(50000, 50003)), late).offset == 0
    assert estimate([], late).offset == 10 * SECOND
    assert estimate([Pair(DAY, 50000)], spike(DAY, range(40000, 40005))).offset == DAY


def test_process_events_may_run_on_another_clock() -> None:
    days = 5 * DAY
    lives = [Life(i * 60 * SECOND, i * 60 * SECOND + 20 * SECOND, i * 60 * SECOND, i * 60 * SECOND) for i in range(9)]
    assert process_offset(lives, 3 * SECOND) == 3 * SECOND
    shifted = [Life(life.started, life.ended, life.first_socket - days, life.last_socket - days) for life in lives]
    assert process_offset(shifted, days) == 0
    other = process_offset(shifted, days + 3600 * SECOND)
    assert other is not None
    assert abs(other - 3600 * SECOND) < 60 * SECOND


def test_lives_that_contradict_each_other_give_no_process_clock() -> None:
    lives = [Life(0, SECOND, day * DAY, day * DAY) for day in range(1, 20)]
    assert process_offset(lives, SECOND) is None


def test_without_lives_both_kinds_of_events_share_a_clock() -> None:
    assert process_offset([], 42) == 42
