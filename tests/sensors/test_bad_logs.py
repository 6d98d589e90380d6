"""Logs as they are found: cut, changed mid-stream, mixed, hostile. What cannot be read is told, the rest is read."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from sensors.making import COLUMNS, conn, dns, header, http, ndjson, read, read_both, ssl, tsv, tsv_row
from whosasking import catalogue, sensors
from whosasking.inputs import discover
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
ROWS = [conn(number, "192.0.32.59", 43, second=number) for number in range(1, 4)]


def uids(path: Path) -> list[str | None]:
    return [lookup.uid for lookup in read(path).lookups]


def skips(path: Path) -> list[tuple[int | None, str]]:
    inputs, _ = read_both(path)
    return [(skip.line, skip.reason) for tally in inputs.tallies.values() for skip in tally.report().skipped]


def rows(log: str, records: list[dict[str, object]], columns: list[str] | None = None) -> bytes:
    return "".join(tsv_row(log, record, columns) + "\n" for record in records).encode()


def test_lines_are_numbered_through_headers_and_blocks(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(tsv("conn", ROWS))
    _, reading = read_both(tmp_path)
    assert [lookup.source.line for lookup in reading.lookups if lookup.source] == [9, 10, 11]


def test_records_are_counted_without_headers(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(tsv("conn", ROWS))
    inputs, reading = read_both(tmp_path)
    report = inputs.tallies[str(tmp_path / "conn.log")].report()
    assert (report.records, report.candidates, report.bytes) == (3, 3, (tmp_path / "conn.log").stat().st_size)
    assert reading.kinds == {"zeek conn": 3}
    assert reading.span == (ROWS_FIRST, ROWS_LAST)


ROWS_FIRST = 1_790_812_801_000_000
ROWS_LAST = 1_790_812_803_000_000


def test_crlf_and_no_footer(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(tsv("conn", ROWS, end="\r\n").rsplit(b"#close", 1)[0])
    assert uids(tmp_path) == ["C00001", "C00002", "C00003"]


@pytest.mark.parametrize("extra", ["ip_proto:count", "community_id:string"])
def test_columns_that_appear_mid_stream(tmp_path: Path, extra: str) -> None:
    columns = [*COLUMNS["conn"], extra]
    later = conn(9, "192.0.32.60", 43, second=9) | {"community_id": "1:x", "ip_proto": 6}
    data = tsv("conn", ROWS) + header("conn", columns).encode() + rows("conn", [later], columns)
    (tmp_path / "conn.log").write_bytes(data)
    lookups = read(tmp_path).lookups
    assert [lookup.uid for lookup in lookups] == ["C00001", "C00002", "C00003", "C00009"]
    assert lookups[-1].community_id == ("1:x" if extra.startswith("community") else None)


def test_columns_in_another_order_mid_stream(tmp_path: Path) -> None:
    columns = ["proto:enum", *reversed(COLUMNS["conn"][:6]), "conn_state:string", "unknown:widget"]
    later = conn(9, "192.0.32.60", 43, second=9) | {"unknown": "?"}
    data = tsv("conn", ROWS) + header("conn", columns).encode() + rows("conn", [later], columns)
    (tmp_path / "conn.log").write_bytes(data)
    assert uids(tmp_path) == ["C00001", "C00002", "C00003", "C00009"]
    inputs, _ = read_both(tmp_path)
    assert inputs.tallies[str(tmp_path / "conn.log")].records == 4


def test_another_separator(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(tsv("conn", ROWS).replace(b"\t", b"|").replace(b"\\x09", b"\\x7c"))
    assert uids(tmp_path) == ["C00001", "C00002", "C00003"]


@pytest.mark.parametrize("first", ["conn", "ssl"])
def test_logs_glued_together(tmp_path: Path, first: str) -> None:
    parts = {"conn": tsv("conn", ROWS), "ssl": tsv("ssl", [ssl(7, "199.5.26.22", "rdap.arin.net")])}
    (tmp_path / "all.log").write_bytes(parts.pop(first) + parts.popitem()[1])
    assert uids(tmp_path) == ["C00007", "C00001", "C00002", "C00003"]


def test_json_records_of_several_logs_in_one_file(tmp_path: Path) -> None:
    records = [
        {"_path": "conn"} | ROWS[0],
        {"_path": "dns"} | dns(8, "whois.iana.org", ["192.0.32.59"]),
        {"_path": "ssl"} | ssl(7, "199.5.26.22", "rdap.arin.net"),
    ]
    (tmp_path / "all.json").write_bytes(ndjson(records))
    assert {lookup.uid: lookup.server for lookup in read(tmp_path).lookups} == {
        "C00001": "whois.iana.org",
        "C00007": "rdap.arin.net",
    }


def test_iso_times_and_nested_ids(tmp_path: Path) -> None:
    line = (
        b'{"ts":"2026-10-01T00:00:05.000001Z","uid":"C1","id":{"orig_h":"10.0.0.1","orig_p":40000,"resp_h":"192.0.32.59",'
        b'"resp_p":43},"proto":"tcp","conn_state":"SF","duration":1}\n'
    )
    (tmp_path / "conn.json").write_bytes(line)
    (lookup,) = read(tmp_path).lookups
    assert (lookup.ts, lookup.duration, lookup.src_port) == (1_790_812_805_000_001, 1_000_000, 40_000)


def test_shippers_rename_the_ends_and_write_ports_as_text(tmp_path: Path) -> None:
    renamed = ndjson(ROWS).replace(b'"id.', b'"id_')
    (tmp_path / "conn.log").write_bytes(renamed.replace(b'resp_p":43', b'resp_p":"43"'))
    (tmp_path / "ssl.log").write_bytes(ndjson([ssl(7, "199.5.26.22", "rdap.arin.net")]).replace(b'"id.', b'"id_'))
    found = {lookup.uid: (lookup.src_ip, lookup.dst_ip, lookup.dst_port) for lookup in read(tmp_path).lookups}
    assert found["C00001"] == ("10.1.2.3", "192.0.32.59", 43)
    assert found["C00007"] == ("10.1.2.3", "199.5.26.22", 443)


def test_a_json_record_without_its_ends_is_told(tmp_path: Path) -> None:
    (tmp_path / "ssl.log").write_bytes(
        ndjson([ssl(7, "199.5.26.22", "rdap.arin.net")]).replace(b"id.resp_h", b"server.ip")
    )
    assert uids(tmp_path) == []
    assert skips(tmp_path) == [(1, "a ssl record without id.resp_h: what it says cannot be used")]


@pytest.mark.parametrize("packed", [False, True])
def test_a_last_line_cut_in_half(tmp_path: Path, packed: bool) -> None:
    data = (header("conn").encode() + rows("conn", ROWS))[:-30]
    (tmp_path / "conn.log").write_bytes(gzip.compress(data) if packed else data)
    assert uids(tmp_path) == ["C00001", "C00002"]
    ((line, reason),) = skips(tmp_path)
    assert line == 11
    assert reason.startswith("cut short: ")


def test_json_lines_cut_in_half(tmp_path: Path) -> None:
    lines = ndjson([ssl(1, "198.51.100.7", "www.example.com"), ssl(2, "199.5.26.22", "rdap.arin.net")]).splitlines()
    (tmp_path / "ssl.log").write_bytes(b"\n".join([lines[0], lines[0][:60], lines[0][60:], lines[1], lines[1][:70]]))
    assert uids(tmp_path) == ["C00002"]
    assert [line for line, _ in skips(tmp_path)] == [2, 3, 5]


def test_a_line_of_10_mb(tmp_path: Path) -> None:
    hostile = tsv_row("ssl", ssl(5, "198.51.100.7", "whois." * (10 * MIB // 6))).encode() + b"\n"
    data = header("ssl").encode() + hostile + rows("ssl", [ssl(6, "199.5.26.22", "rdap.arin.net")])
    (tmp_path / "ssl.log").write_bytes(data)
    _, reading = read_both(tmp_path)
    assert [(lookup.uid, lookup.source.line if lookup.source else 0) for lookup in reading.lookups] == [("C00006", 10)]
    assert skips(tmp_path) == [(9, "line longer than 8 MiB")]


def test_hostile_fields_do_not_stop_the_rest(tmp_path: Path) -> None:
    bad = [
        ROWS[0] | {"ts": "nan"},
        ROWS[0] | {"id.resp_p": "43\t43"},
        ROWS[0] | {"id.orig_h": "not-an-address"},
        ROWS[0] | {"orig_bytes": "9" * 5000},
        ROWS[0] | {"service": "\\xff\\x00[red]|<script>\x1b[2J"},
    ]
    (tmp_path / "conn.log").write_bytes(tsv("conn", [*bad, ROWS[1]]))
    reading = read(tmp_path)
    assert [lookup.uid for lookup in reading.lookups] == ["C00001", "C00002"]
    assert reading.lookups[0].service == "\\xff\x00[red]|<script>\x1b[2j"
    assert [line for line, _ in skips(tmp_path)] == [9, 10, 12]


def test_json_of_the_wrong_types_is_passed_over(tmp_path: Path) -> None:
    good = ssl(2, "199.5.26.22", "rdap.arin.net")
    lines = ndjson([good]) + b"".join(
        ndjson([good]).replace(b'"rdap.arin.net"', wrong)
        for wrong in (b"5", b'["rdap.arin.net"]', b'{"rdap":1}', b"true", b'"\\ud800rdap.arin.net"', b"1e999")
    )
    (tmp_path / "ssl.log").write_bytes(lines + b'{"ts":1,"uid":"x"' + b"[" * 100_000 + b"\n")
    assert "C00002" in uids(tmp_path)


def test_a_file_that_goes_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(tsv("conn", ROWS))
    (tmp_path / "ssl.log").write_bytes(tsv("ssl", [ssl(7, "199.5.26.22", "rdap.arin.net")]))
    inputs = discover([tmp_path])
    os.unlink(tmp_path / "conn.log")  # noqa: PTH108 - what another process does
    reading = sensors.read(inputs, catalogue.load(), Wanted(), Progress())
    assert [lookup.uid for lookup in reading.lookups] == ["C00007"]
    assert inputs.tallies[str(tmp_path / "conn.log")].skipped[0].reason == "no such file or directory"


class Progress:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.total = self.done = 0

    def start(self, total_bytes: int) -> None:
        self.total += total_bytes

    def advance(self, n: int) -> None:
        self.done += n

    def describe(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("packed", [False, True])
def test_progress_ends_where_it_said(tmp_path: Path, packed: bool) -> None:
    logs = {
        "conn": ROWS,
        "ssl": [ssl(7, "199.5.26.22", "rdap.arin.net")],
        "dns": [dns(8, "whois.iana.org", ["192.0.32.59"])],
    }
    for log, records in logs.items():
        data = tsv(log, records)
        (tmp_path / f"{log}.log").write_bytes(gzip.compress(data) if packed else data)
    progress = Progress()
    sensors.read(discover([tmp_path]), catalogue.load(), Wanted(), progress)
    assert progress.done == progress.total > 0


def test_no_sensor_logs_is_an_empty_reading(tmp_path: Path) -> None:
    assert read(tmp_path).lookups == []


@pytest.mark.parametrize("exact", [False, True])
def test_gzip_gives_the_same_answer(tmp_path: Path, exact: bool) -> None:
    if exact:
        pytest.importorskip("zat")
    (tmp_path / "conn.log").write_bytes(gzip.compress(tsv("conn", ROWS)))
    assert [lookup.uid for lookup in read(tmp_path, exact=exact).lookups] == ["C00001", "C00002", "C00003"]


@pytest.mark.parametrize("path", [False, True])
@pytest.mark.parametrize("first", ["conn", "dns", "http"])
def test_a_file_that_turns_out_to_hold_other_logs_is_read_for_them(tmp_path: Path, first: str, path: bool) -> None:
    quiet = {
        "conn": [conn(n, "198.51.100.7", 80) for n in range(100, 200)],
        "dns": [dns(n, "www.example.com", ["198.51.100.7"]) for n in range(100, 200)],
        "http": [http(n, "198.51.100.7", "www.example.com", "/") for n in range(100, 200)],
    }
    tls = ssl(7, "199.5.26.22", "rdap.arin.net") | {"ssl_history": "Cs"}
    later = {"conn": ROWS, "dns": [dns(8, "whois.iana.org", ["192.0.32.59"])], "ssl": [tls]}
    records = [(first, record) for record in quiet[first]]
    records += [(log, record) for log, rows_of in later.items() for record in rows_of]
    (tmp_path / "all.json").write_bytes(ndjson([({"_path": log} if path else {}) | record for log, record in records]))
    found = {lookup.uid: lookup.server for lookup in read(tmp_path).lookups}
    assert found == dict.fromkeys(("C00001", "C00002", "C00003"), "whois.iana.org") | {"C00007": "rdap.arin.net"}


def test_a_first_record_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    rows_of = [
        http(1, "199.5.26.22", "www.example.com", "/", "A" * MIB),
        http(2, "199.5.26.22", "rdap.arin.net", "/ip/1"),
    ]
    (tmp_path / "http.log").write_bytes(ndjson(rows_of))
    assert uids(tmp_path) == ["C00002"]
    event = {"timestamp": "2026-10-01T00:00:00.000000+0000", "event_type": "stats", "stats": {"threads": "x" * MIB}}
    (tmp_path / "eve.json").write_bytes(ndjson([event]))
    assert "eve json" in {inp.kind for inp in discover([tmp_path]).sensors}


@pytest.mark.parametrize("form", ["tsv", "json"])
def test_a_dns_log_with_a_log_of_hidden_names_glued_to_it(tmp_path: Path, form: str) -> None:
    answers = [dns(n, "www.example.com", ["198.51.100.7"]) for n in range(100, 200)]
    answers.append(dns(8, "rdap.arin.net", ["199.5.26.22"]))
    hidden = [ssl(7, "199.5.26.22", None) | {"ssl_history": "Cs"}]
    glued = tsv("dns", answers) + tsv("ssl", hidden) if form == "tsv" else ndjson(answers + hidden)
    (tmp_path / "all.log").write_bytes(glued)
    assert {lookup.uid: lookup.server for lookup in read(tmp_path).lookups} == {"C00007": "rdap.arin.net"}
