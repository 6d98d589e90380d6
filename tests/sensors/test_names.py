"""What clients were told of addresses: the latest answer that still held, however many there were."""

from __future__ import annotations

import random

import pytest

from whosasking.sensors import names
from whosasking.sensors.names import EARLY, GRACE, MOMENTS, Names


class Plain:
    """Every answer kept, looked through one by one."""

    def __init__(self) -> None:
        self.answers: set[tuple[str, str, int, int, str]] = set()

    def name_of(self, client: str, address: str, ts: int) -> str | None:
        def latest(asked: str) -> list[tuple[int, int, str]]:
            return sorted(one[2:] for one in self.answers if one[:2] == (address, asked))[-names.MOST_ANSWERS :]

        held = [one for one in latest(client) if one[0] <= ts + EARLY and ts <= one[1] + GRACE]
        if not held:
            others = {one[1] for one in self.answers if one[0] == address and (":" in one[1]) != (":" in client)}
            held = [one for other in others for one in latest(other) if one[0] <= ts + EARLY and ts - one[0] <= MOMENTS]
        return max(held)[2] if held else None


@pytest.mark.parametrize("seed", range(5))
def test_the_latest_answers_count(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(names, "MOST_ANSWERS", 4)
    dice = random.Random(seed)  # noqa: S311 - a seeded generator is the point
    fast, plain = Names(), Plain()
    clients, addresses = ["10.0.0.1", "10.0.0.2", "2001:db8::1"], ["192.0.2.1", "192.0.2.2"]
    for number in range(300):
        client, address = dice.choice(clients), dice.choice(addresses)
        name, ts, ttl = (
            dice.choice(["who.is", "rdap.org", "whois.ripe.net"]),
            dice.randrange(10**10),
            dice.choice([0, 60]),
        )
        for _ in range(dice.choice([1, 1, 2])):  # a second pass learns it again
            fast.learn(client, name, ts, [(address, ttl * 10**6)])
        plain.answers.add((address, client, ts, ts + ttl * 10**6, name))
        ts = ts if number % 2 else dice.randrange(10**10)
        asked = (dice.choice(clients), dice.choice(addresses), ts)
        assert fast.name_of(*asked) == plain.name_of(*asked)
    assert fast.addresses == set(addresses)


def test_times_that_no_clock_shows_do_no_harm() -> None:
    known = Names()
    known.learn("10.0.0.1", "who.is", 10**19, [("192.0.2.1", 10**19)])
    known.learn("10.0.0.1", "rdap.org", -(10**19), [("192.0.2.1", 10**19)])
    assert known.name_of("10.0.0.1", "192.0.2.1", 0) == "rdap.org"
