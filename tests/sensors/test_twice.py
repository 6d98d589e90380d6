"""What two sensors saw is told once, with the best of what both say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from sensors.making import conn, http, read, tsv, write
from whosasking import catalogue, sensors
from whosasking.inputs import discover
from whosasking.model import Client, ClientClass, Detection, Lookup, Query
from whosasking.progress import SILENT
from whosasking.sensors.interface import Wanted
from whosasking.sensors.twice import NEAR, Once

RECORDED = Path(__file__).parents[2] / "pcaps" / "workstation"
ZEEK = Lookup(
    ts=10**15, detection=Detection.PORT43, sensor="zeek", uid="C1", src_ip="10.0.0.1", src_port=4, dst_ip="192.0.2.1",
    dst_port=43, transport="tcp",
)  # fmt: skip
EVE = msgspec.structs.replace(ZEEK, sensor="suricata", uid="7", ts=ZEEK.ts + 1000, community_id="1:x")


def once(lookups: list[Lookup]) -> tuple[list[Lookup], list[str]]:
    found = Once(lookups)
    return list(found), found.notes


def test_the_record_that_tells_most_is_completed_by_the_other() -> None:
    asked = msgspec.structs.replace(EVE, query=Query(text="example.com"))
    tool = msgspec.structs.replace(ZEEK, client=Client(cls=ClientClass.TOOL))
    (found,), notes = once([tool, asked])
    assert (found.sensor, found.query, found.client.cls) == ("suricata", asked.query, ClientClass.TOOL)
    assert "1 lookups" in notes[0]


@pytest.mark.parametrize(
    "change",
    [{"sensor": "zeek", "uid": "C1"}, {"src_port": 5}, {"ts": ZEEK.ts + NEAR + 1}, {"detection": Detection.WEB}],
    ids=str,
)
def test_other_sessions_stay(change: dict[str, object]) -> None:
    other = msgspec.structs.replace(EVE, **change)
    assert once([ZEEK, other]) == ([ZEEK, other], [])


def test_requests_on_one_connection_stay_apart() -> None:
    first = msgspec.structs.replace(ZEEK, transport="http", query=Query(text="/a"))
    second = msgspec.structs.replace(first, sensor="suricata", query=Query(text="/b"))
    assert once([first, second])[0] == [first, second]


def test_they_come_in_order_whichever_record_told_most() -> None:
    def at(second: float, **change: object) -> Lookup:
        return msgspec.structs.replace(ZEEK, ts=ZEEK.ts + int(second * 10**6), **change)

    late = at(4, sensor="suricata", uid="7", query=Query(text="example.com"))
    others = [at(second, uid=f"C{second}", src_port=second) for second in (2, 6, 20)]
    found, _ = once([ZEEK, others[0], late, *others[1:]])
    assert found == [others[0], late, *others[1:]]


def test_zeek_and_suricata_on_the_recorded_traffic_count_each_lookup_once() -> None:
    both = discover([RECORDED / "zeek-tsv", RECORDED / "eve"])
    reading = sensors.read(both, catalogue.load(), Wanted(), SILENT)
    assert len(reading.lookups) == len(read(RECORDED / "zeek-tsv").lookups)
    assert any("counted once" in note for note in reading.notes)


def test_two_zeek_sensors_that_name_the_session_differently(tmp_path: Path) -> None:
    for folder, uid, second in (("inside", "CA", 0.0), ("outside", "CB", 0.003)):
        (tmp_path / folder).mkdir()
        row = conn(1, "199.71.0.46", 43, second=second) | {"uid": uid}
        (tmp_path / folder / "conn.log").write_bytes(tsv("conn", [row]))
    assert len(read(tmp_path).lookups) == 1


def test_repeated_requests_of_one_session_stay_apart(tmp_path: Path) -> None:
    rows = [http(1, "199.71.0.46", "rdap.arin.net", "/ip/8.8.8.8", "curl/8", second=n, depth=n + 1) for n in range(3)]
    twins = [row | {"uid": "CB"} for row in rows]
    for folder, records in (("one", rows), ("other", twins)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "http.log").write_bytes(tsv("http", records))
    assert len(read(tmp_path).lookups) == len(rows)


def test_the_same_ports_again_later_are_another_session(tmp_path: Path) -> None:
    again = conn(1, "199.71.0.46", 43, second=60) | {"uid": "CB"}
    assert len(read(write(tmp_path, conn=[conn(1, "199.71.0.46", 43), again])).lookups) == 2


def test_a_port_taken_again_at_once_hides_no_session(tmp_path: Path) -> None:
    rows = [conn(1, "199.71.0.46", 43, second=n / 5) | {"uid": f"C{n}"} for n in range(20)]
    assert len(read(write(tmp_path, conn=rows)).lookups) == len(rows)


def test_a_port_taken_again_at_once_hides_no_session_from_two_sensors() -> None:
    again = [msgspec.structs.replace(ZEEK, ts=ZEEK.ts + n * 200_000, uid=f"C{n}") for n in range(20)]
    twins = [msgspec.structs.replace(one, sensor="suricata", ts=one.ts + 1000) for one in again]
    assert len(once(sorted([*again, *twins], key=lambda one: one.ts))[0]) == len(again)
