"""Tuples to pull from the sensors' logs: few, telling, spread over time."""

from __future__ import annotations

from attribution.scene import HERE, SERVER, Site, process
from whosasking import attribution


def test_only_telling_tuples_are_wanted() -> None:
    site = Site()
    site.socket(process(), 0, 50000)
    site.socket(process(), 1, 443, remote_port=40000, initiated=False)
    for more in (
        {"protocol": "udp"},
        {"local_ip": "127.0.0.1", "remote_ip": "127.0.0.1"},
        {"local_ip": None},
        {"remote_ip": "ff02::fb"},
        {"remote_ip": "garbage"},
    ):
        site.socket(process(), 2, 50001, **more)
    site.socket(process(), 3, None)
    site.socket(process(), 3, 900)
    site.socket(process(), 3, 5353, remote_port=5353)
    assert attribution.wanted(site.reading()) == {(HERE, 50000, SERVER, 43), (HERE, 443, SERVER, 40000)}


def test_addresses_have_one_spelling() -> None:
    site = Site()
    site.socket(process(), 0, local_ip="2001:DB8:0:0::5", remote_ip="::ffff:199.7.59.74")
    assert attribution.wanted(site.reading()) == {("2001:db8::5", 50000, "199.7.59.74", 43)}


def test_at_most_64_a_host_distinct_ports_from_first_to_last_and_public_ones_among_them() -> None:
    site, other = Site(), Site(host="WS02")
    for index in range(3000):
        site.socket(process(), index, 20000 + index % 2500, remote_ip="10.9.9.9" if index % 50 else SERVER)
        other.socket(process(host="WS02"), index, 20000 + index, local_ip="10.0.0.6")
    found = attribution.wanted(site.reading(other))
    ours = [one for one in found if one[0] == HERE]
    assert len(ours) == 64
    assert len([one for one in found if one[0] == "10.0.0.6"]) <= 64
    ports = sorted(port for _, port, _, _ in ours)
    assert len(set(ports)) == 64
    assert ports[0] < 20100
    assert ports[-1] > 22400
    assert 30 <= sum(remote == SERVER for _, _, remote, _ in ours) <= 34


def test_nothing_recorded_nothing_wanted() -> None:
    assert attribution.wanted(Site().reading()) == frozenset()
