"""What an endpoint saw of a lookup that the wire showed too is told once, and otherwise in the sensor's time."""

from __future__ import annotations

import pytest

from attribution.scene import HOST, SERVER, Site, aligned, at, lookup, process
from whosasking import attribution
from whosasking.model import Attributed, Detection, Lookup

OURS = (HOST.casefold(), "sysmon")


def seen(record: str | None, **more: object) -> tuple[Lookup, Attributed]:
    """A lookup the endpoint records alone gave."""
    found = lookup(sensor="Sysmon", **more)  # type: ignore[arg-type]
    return found, Attributed(process=process(), method="endpoint record", confidence=1.0, reason="", record=record)


def site_with_lookup(clock: float = 0.0) -> tuple[Site, str]:
    site = aligned(clock)
    return site, site.socket(process(), 0.0)


def test_the_socket_that_decided_is_told_once() -> None:
    site, record = site_with_lookup()
    wire = [lookup(0.004)]
    result = site.attribute(*wire)
    others = [seen("another", seconds=3.0, port=50001), seen(record)]
    assert attribution.duplicates(wire, others, result) == {1}


def test_a_record_without_a_local_port_that_decided_is_told_once() -> None:
    site = aligned()
    record = site.socket(process(), 0.0, None)
    wire = [lookup(0.004)]
    result = site.attribute(*wire)
    assert attribution.duplicates(wire, [seen(record, port=None)], result) == {0}


@pytest.mark.parametrize("clock", [0.0, 501_000.0])
def test_a_second_record_of_the_connection_is_found_by_tuple_and_aligned_time(clock: float) -> None:
    site, _ = site_with_lookup(clock)
    wire = [lookup()]
    result = site.attribute(*wire)
    assert attribution.duplicates(wire, [seen("success", seconds=clock + 0.3)], result) == {0}
    assert attribution.duplicates(wire, [seen("reused", seconds=clock + 7200)], result) == set()
    turned = seen("x", seconds=clock, src_ip=SERVER, src_port=43, dst_ip="10.0.0.5", dst_port=50000)
    assert attribution.duplicates(wire, [turned], result) == {0}


def test_what_only_the_endpoint_saw_stays() -> None:
    site, _ = site_with_lookup()
    wire = [lookup()]
    result = site.attribute(*wire)
    tool = seen(None, detection=Detection.TOOL)
    others = [seen("s", port=50001), seen("s", port=None), seen("s", dst_ip="198.51.100.1"), tool]
    assert attribution.duplicates(wire, others, result) == set()


def test_a_tool_start_moves_by_the_process_clock_and_a_connection_by_the_network_clock() -> None:
    site, _ = site_with_lookup(clock=-10.0)
    site.clock = 0.0
    for index in range(5):
        ours = process(pid=index, started=at(20.0 * index), ended=at(20.0 * index + 1))
        site.start(ours, 20.0 * index)
        site.clock = -10.0
        site.socket(ours, 20.0 * index + 0.5, 40000 + index)
        site.clock = 0.0
    result = site.attribute(lookup())
    assert result.network_clocks == {OURS: 10_000_000}
    connection, process_of_it = seen("s", seconds=-10.0)
    assert attribution.on_sensor_clock(connection, process_of_it, result).ts == at(0)
    tool, process_of_it = seen(None, detection=Detection.TOOL, seconds=5.0)
    assert attribution.on_sensor_clock(tool, process_of_it, result).ts == at(5) + result.process_clocks[OURS]
