"""Real clients of real protocols over loopback: S3 with its keys and errors, and web servers that know no ranges."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING, Any

import pytest

from inputs.lake import SCENARIO, lake, report
from inputs.stores import BUCKET, s3, uploaded, web
from sensors import making
from whosasking.inputs import Input, Tally, discover, open_lines
from whosasking.sensors import reading

pytest.importorskip("s3fs", reason="s3fs is not installed: no S3")
from whosasking import remote, storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("stores")
CONN = making.tsv("conn", [making.conn(1, "192.0.32.59", 43)])
EXPORT = SCENARIO / "exports" / "sysmon-flat"


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with s3() as client:
        yield client


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_unanswered", "_sizes", "_instances"):
        monkeypatch.setattr(remote, name, {})


def reasons(*urls: str) -> dict[str, str]:
    return {path: tally.skipped[0].reason for path, tally in discover(urls).tallies.items() if tally.skipped}


def test_a_lake_in_s3_is_the_lake_on_disk(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FAR_RANGE", 1 << 20)
    monkeypatch.setattr(remote, "AHEAD", 256 << 10)
    folder = lake(tmp_path / "lake")
    urls = [uploaded(store, folder, "zeek").replace("s3:", "s3a:"), f"{uploaded(store, EXPORT, 'edr')}/sysmon.ndjson"]
    found = report(urls)
    expected = report([folder, EXPORT / "sysmon.ndjson"])
    assert found.replace(urls[0], str(folder)).replace(urls[1], str(EXPORT / "sysmon.ndjson")) == expected


def test_keys_that_are_no_names_of_files(store: Any) -> None:
    for key in ("odd/", "odd/day/", "odd/day/a?b#c%20d::x[*].log", "odd/day//x.log"):
        store.put_object(Bucket=BUCKET, Key=key, Body=b"" if key.endswith("/") else CONN)
    store.put_object(Bucket=BUCKET, Key="odd/night_$folder$", Body=b"")
    inputs = discover([f"s3://{BUCKET}/odd"])
    (found,) = inputs.sensors
    assert found.path == f"s3://{BUCKET}/odd/day/a?b#c%20d::x[*].log"
    assert len(list(open_lines(found, Tally(found.path)))) == CONN.count(b"\n")
    assert {path: tally.skipped[0].reason for path, tally in inputs.tallies.items() if tally.skipped} == {
        f"s3://{BUCKET}/odd/night_$folder$": "not read: Hadoop's note on the files beside it",
        f"s3://{BUCKET}/odd/day//": "not read: a folder without a name (two slashes in the keys of its files)",
    }


def test_what_is_not_there_and_who_may_not(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store
    assert reasons("s3://nobucket/x", f"s3://{BUCKET}/none/x.log") == {
        "s3://nobucket/x": storage.GONE,
        f"s3://{BUCKET}/none/x.log": storage.GONE,
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setattr("s3fs.S3FileSystem._cache", {})
    monkeypatch.setattr(remote, "_instances", {})
    assert reasons(f"s3://{BUCKET}/zeek") == {f"s3://{BUCKET}/zeek": storage.NO_CREDENTIALS}


@pytest.mark.parametrize("name", ["x.log", "x.log.gz"])
def test_a_web_server_without_ranges_gives_files_once_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FAR_RANGE", 1000)
    rows = making.tsv("conn", [making.conn(n, "192.0.32.59", 43) for n in range(200)])
    with web({f"/closed/{name}?v=1&sig=a%2Fb": gzip.compress(rows) if name.endswith("gz") else rows}) as (host, asked):
        inputs = discover([f"http://me:secret@{host}/closed/{name}?v=1&sig=a%2Fb"])
        (inp,) = inputs.sensors
        assert inp.path == f"http://me@{host}/closed/{name}?v=1&sig=..."
        tally = Tally(inp.path)
        (sifted,) = reading.Reader(making.SILENT).read([reading.Job(inp, tally, None)])
        assert [line.text for line in sifted.lines] == []  # read through by the generator's end
        assert tally.records == rows.count(b"\n")
        assert set(asked) == {f"/closed/{name}?v=1&sig=a%2Fb"}


def test_what_a_web_server_refuses() -> None:
    with web({"/closed/x": b"", "/page": b"<html>"}) as (host, _), socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{unused.getsockname()[1]}"
        told = reasons(f"http://{host}/closed/x", f"http://{host}/none", f"http://{dead}/x", f"http://{host}/page")
    assert told[f"http://{host}/closed/x"] == storage.DENIED
    assert told[f"http://{host}/none"] == storage.GONE
    assert told[f"http://{dead}/x"].startswith("the store fails: Cannot connect to host 127.0.0.1")
    assert told[f"http://{host}/page"].startswith("format not recognised")


def test_one_client_serves_every_thread(store: Any) -> None:
    uploaded(store, SCENARIO / "zeek-tsv", "threads")
    inputs = discover([f"s3://{BUCKET}/threads"])
    jobs = [reading.Job(Input(inp.path, inp.kind), Tally(inp.path), None) for inp in inputs.sensors]
    for sifted in reading.Reader(making.SILENT).read(jobs):
        assert sum(1 for _ in sifted.lines) > 1
    assert len(remote._instances) == 1
