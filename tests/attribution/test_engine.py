"""The embedded engine holds attacker-chosen rows: it must reach nothing else and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest

from attribution.scene import HOST, NoTools, aligned, at, lookup, process
from whosasking import attribution
from whosasking.engines.duckdb import DuckDB
from whosasking.model import Attributed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Row(msgspec.Struct):
    n: int | None
    word: str | None
    flag: bool


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert not list(tmp_path.iterdir()), "the private folder is still there"


@pytest.mark.usefixtures("spool")
def test_rows_come_back_as_they_went_in() -> None:
    rows = [Row(2**60, "a'b\"c\n\0,{}", True), Row(None, None, False), Row(-1, "", True)]
    with DuckDB() as engine:
        engine.load("t", Row, rows)
        engine.load("none", Row, [])
        assert engine.query("SELECT n, word, flag FROM t") == [(r.n, r.word, r.flag) for r in rows]
        assert engine.query("SELECT n FROM t WHERE n = $n", {"n": -1}) == [(-1,)]
        assert engine.query("SELECT count(*) FROM none") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/whosasking-escaped'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/whosasking-escaped.db'",
        "SET enable_external_access = true",
        "SET memory_limit = '64GB'",
    ],
)
@pytest.mark.usefixtures("spool")
def test_a_statement_reaches_no_file_no_extension_and_no_setting(statement: str) -> None:
    with DuckDB() as engine, pytest.raises(duckdb.Error):
        engine.query(statement)


def test_the_folder_is_private_and_goes_away_after_a_failure_too(spool: Path) -> None:
    def fail() -> None:
        with DuckDB() as engine:
            (folder,) = spool.iterdir()
            assert folder.stat().st_mode & 0o077 == 0
            engine.query("SELECT nonsense")

    with pytest.raises(duckdb.Error):
        fail()


@pytest.mark.usefixtures("spool")
def test_a_join_larger_than_memory_spills_into_its_own_folder() -> None:
    with DuckDB(memory_limit="64MB") as engine:
        found = engine.query("SELECT count(*) FROM (SELECT DISTINCT hash(i) % 3000000 AS h FROM range(3000000) t(i))")
    assert found[0][0] > 1_000_000


def test_a_run_without_endpoint_records_never_loads_duckdb() -> None:
    code = (
        "import sys; from whosasking import attribution; from whosasking.model import EndpointReading as R;"
        "attribution.attribute([], R(), []); attribution.wanted(R()); sys.exit('duckdb' in sys.modules)"
    )
    package = Path(__file__).parents[2] / "analyzer"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(package)}, check=False).returncode == 0


def test_five_lookups_against_100_000_sockets_take_little_time() -> None:
    site = aligned(86_400.0)
    many = [process(f"p{index}.exe", index, started=at(86_400 + index)) for index in range(1000)]
    for index in range(100_000):
        remote = f"198.51.{index % 200}.{index % 251}"
        site.socket(many[index % 1000], index / 20, 1024 + index % 60000, remote_ip=remote, remote_port=443)
    for one in many:
        site.start(one, 0.0)
    site.socket(process(), 0.0)
    reading = site.reading()
    asked = [lookup(), *(lookup(index, 30 + index, server="whois.iana.org") for index in range(4))]
    began = time.process_time()
    attribution.wanted(reading)
    result = attribution.attribute(asked, reading, site.anchors, {HOST: []}, NoTools())
    assert time.process_time() - began < 4.0, "about 1.3 s on an idle core"
    assert isinstance(result.attributions[0], Attributed)


def test_a_fixed_port_used_all_day_does_not_multiply() -> None:
    site = aligned()
    for index in range(3000):
        site.socket(process("beacon.exe", 8), index * 10.0, 40000, remote_ip="93.184.216.34", remote_port=443)
    asked = [
        lookup(index * 10.0 + 0.01, 40000, dst_ip="93.184.216.34", dst_port=443, transport="tls")
        for index in range(3000)
    ]
    began = time.process_time()
    result = site.attribute(*asked)
    assert time.process_time() - began < 10, "about 1.5 s on an idle core"
    assert all(isinstance(one, Attributed) for one in result.attributions)
