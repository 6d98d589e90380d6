"""Files are told apart by content, and everything that is not read is listed with why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
import zstandard

from sensors.making import conn, header, ndjson, ssl, tsv
from whosasking.inputs import discover

CONN_TSV = tsv("conn", [conn(1, "192.0.32.59", 43)])
SSL_JSON = ndjson([ssl(1, "192.0.32.59", "who.is")])
EVE = b'{"timestamp":"2026-10-01T00:00:00.000000+0000","event_type":"stats","stats":{}}\n'


def kind_of(path: Path) -> str:
    return discover([path]).tallies[str(path)].kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CONN_TSV, "zeek conn tsv"),
        (CONN_TSV.replace(b"\n", b"\r\n"), "zeek conn tsv"),
        (header("ssl").encode(), "zeek ssl tsv"),
        (CONN_TSV.replace(b"#path\tconn\n", b""), "zeek conn tsv"),
        (CONN_TSV.replace(b"#path\tconn", b"#path\tconn_dmz"), "zeek conn tsv"),
        (SSL_JSON, "zeek ssl json"),
        (ndjson([conn(1, "192.0.32.59", 43)]), "zeek conn json"),
        (b'{"_path":"dns","ts":1.5,"uid":"C1"}\n{"_path":"ssl","ts":1.5,"uid":"C1"}\n', "zeek json"),
        (b'{"_path":"dns","ts":1.5,"uid":"C1"}\n{"_path":"dns","ts":1.5,"ui', "zeek dns json"),
        (EVE, "eve json"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "pcap"),
        (b"\x0a\x0d\x0d\x0a" + bytes(20), "pcapng"),
        (b"\x7fELF" + bytes(200), "unknown"),
        (b"", "unknown"),
        (b"dear diary,\n", "unknown"),
        (b"a,b,c\n1,2,3\n", "unknown"),
    ],
)
@pytest.mark.parametrize("packed", [None, "gz", "zst"])
def test_content_tells_the_kind_whatever_the_name(
    tmp_path: Path, content: bytes, kind: str, packed: str | None
) -> None:
    pack = {None: bytes, "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}[packed]
    path = tmp_path / "misleading.pdf"
    path.write_bytes(pack(content))
    inputs = discover([path])
    tally = inputs.tallies[str(path)]
    assert tally.kind == kind
    readable = kind != "unknown"
    found = inputs.captures if kind.startswith("pcap") else inputs.sensors
    assert [inp.compression for inp in found] == ([packed] if readable else [])
    assert tally.unreadable is not readable
    assert tally.skipped_total == (0 if readable else 1)


def test_a_zeek_log_without_header_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(b"".join(line + b"\n" for line in CONN_TSV.splitlines() if not line.startswith(b"#")))
    tally = discover([path]).tallies[str(path)]
    (skip,) = tally.skipped
    assert "without its header" in skip.reason
    assert tally.unreadable


def test_a_log_that_says_nothing_about_lookups_is_not_read_and_not_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "x509.log"
    path.write_bytes(tsv("conn", []).replace(b"#path\tconn", b"#path\tx509"))
    inputs = discover([path])
    assert inputs.sensors == []
    assert not inputs.tallies[str(path)].unreadable
    assert "x509" in inputs.tallies[str(path)].skipped[0].reason


def test_a_rotated_tree_is_walked_in_order_once(tmp_path: Path) -> None:
    for day in ("2026-11-02", "2026-11-01", "current"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "conn.00:00:00-01:00:00.log.gz").write_bytes(gzip.compress(CONN_TSV))
    (tmp_path / "current" / "loop").symlink_to(tmp_path)
    (tmp_path / "latest").symlink_to(tmp_path / "current")
    inputs = discover([tmp_path, tmp_path / "2026-11-01"])
    assert [Path(inp.path).parent.name for inp in inputs.sensors] == ["2026-11-01", "2026-11-02", "current"]


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    missing = tmp_path / "missing.log"
    tallies = discover([missing, tmp_path / "empty", tmp_path / "pipe"]).tallies
    reasons = {path.rsplit(os.sep)[-1]: tally.skipped[0].reason for path, tally in tallies.items()}
    assert reasons == {
        "missing.log": "no such file or directory",
        "empty": "no Zeek log, EVE file or endpoint export found in this folder",
        "pipe": "neither a file nor a folder",
    }
    assert all(tally.unreadable for tally in tallies.values())


def test_garbage_behind_a_gzip_magic_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(b"\x1f\x8b" + b"\xff" * 100)
    tally = discover([path]).tallies[str(path)]
    assert tally.unreadable
    assert "gzip" in tally.skipped[0].reason
