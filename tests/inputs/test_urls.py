"""Files by URL are the files by path: the same report, and whatever a store does wrong in one line. No network."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import whosasking
from inputs.lake import SCENARIO, lake, report
from sensors import making
from whosasking import cli, storage
from whosasking.inputs import Input, Tally, discover, open_lines
from whosasking.progress import SILENT
from whosasking.sensors import reading

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: no URLs")
from whosasking import remote  # noqa: E402 - needs fsspec

if TYPE_CHECKING:
    from collections.abc import Iterator

CONN = making.tsv("conn", [making.conn(1, "192.0.32.59", 43)])
EXPORT = SCENARIO / "exports" / "sysmon-flat"


@pytest.fixture
def memory() -> Iterator[Any]:
    store = fsspec.filesystem("memory")
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_unanswered", {})
    monkeypatch.setattr(remote, "_sizes", {})
    monkeypatch.setattr(storage, "_keys", {})


def mirrored(store: Any, folder: Path, name: str) -> str:
    """Copy a folder; its URL."""
    for file in folder.rglob("*"):
        if file.is_file():
            store.pipe(f"/{name}/{file.relative_to(folder)}", file.read_bytes())
    return f"memory://{name}"


def reasons(*urls: str) -> dict[str, str]:
    return {path: tally.skipped[0].reason for path, tally in discover(urls).tallies.items() if tally.skipped}


def test_a_lake_by_url_is_the_lake_by_path(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FAR_RANGE", 256 << 10)
    monkeypatch.setattr(remote, "AHEAD", 10_000)
    folder = lake(tmp_path / "lake")
    urls = [mirrored(memory, folder, "lake"), mirrored(memory, EXPORT, "edr")]
    found = report(urls)
    assert found.replace(urls[0], str(folder)).replace(urls[1], str(EXPORT)) == report([folder, EXPORT])
    assert "ends too early" in found
    told = {Path(one["path"]).name: one for one in json.loads(found)["inputs"]}
    assert told["part-00000.snappy.parquet"]["records"] > 300
    assert told["part-00000.snappy.parquet"]["bytes"] == (folder / "part-00000.snappy.parquet").stat().st_size


def test_a_large_plain_file_is_cut_for_threads(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FAR_RANGE", 100)
    memory.pipe("/x.log", b"x" * 250)
    job = reading.Job(Input("memory://x.log", "zeek conn tsv"), Tally("x"), None)
    assert [(unit.start, unit.end) for unit in reading.units_of(job)] == [(0, 100), (100, 200), (200, None)]


def test_event_log_files_and_connections_and_every_line(memory: Any, tmp_path: Path) -> None:
    pytest.importorskip("evtx", reason="evtx is not installed")
    from endpoints import evtx_file  # noqa: PLC0415 - after the check

    assert evtx_file
    folder = tmp_path / "x"
    folder.mkdir()
    shutil.copy(SCENARIO / "zeek-tsv" / "conn.log", folder)
    url = mirrored(memory, folder, "x")
    for command in (["report", "--exact"], ["attribute"]):
        outs = []
        for where in (url, str(folder)):
            out = tmp_path / "out.json"
            assert cli.run([*command, "--format", "json", "--output", str(out), where]) == 0
            told = json.loads(out.read_text().replace(url, str(folder)))
            outs.append({key: value for key, value in told.items() if key != "generated_at"})
        assert outs[0] == outs[1]


def test_folders_are_walked_in_name_order_once_and_notes_passed_over(memory: Any) -> None:
    for name in ("2026-11-02/conn.log", "2026-11-01/a b?c#d%20*[1].log", "2026-11-01-x/conn.log", "_SUCCESS"):
        memory.pipe(f"/zeek/{name}", CONN)
    inputs = discover(["memory://zeek/", "memory://zeek/2026-11-02", "memory:///zeek/2026-11-02/conn.log"])
    assert [inp.path for inp in inputs.sensors] == [
        "memory://zeek/2026-11-01/a b?c#d%20*[1].log",
        "memory://zeek/2026-11-01-x/conn.log",
        "memory://zeek/2026-11-02/conn.log",
    ]
    assert inputs.tallies["memory://zeek/_SUCCESS"].skipped[0].reason.startswith("not read: Hadoop's note")
    assert [len(list(open_lines(inp, Tally(inp.path)))) for inp in inputs.sensors] == [CONN.count(b"\n")] * 3


def test_what_cannot_be_read_is_one_line(memory: Any) -> None:
    memory.pipe("/cap/x.pcap", b"\xd4\xc3\xb2\xa1" + bytes(20))
    memory.makedirs("/empty")
    told = reasons("memory://cap", "memory://none/x.log", "memory://empty", "nosuch://x/y", "file://x/y")
    assert told == {
        "memory://cap/x.pcap": "packet captures are read by sensors that need a local file: copy it here first",
        "memory://none/x.log": "no such file or directory",
        "memory://empty": "no Zeek log, EVE file or endpoint export found in this folder",
        "nosuch://x/y": "no package is known that reads nosuch:// URLs",
        "file://x/y": "a file URL has three slashes: file:///folder/name",
    }


def test_a_link_that_leads_back_up_ends(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(CONN)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "same.log").symlink_to(tmp_path / "conn.log")
    inputs = discover([f"local://{tmp_path}"])
    assert [inp.path for inp in inputs.sensors] == [f"local://{tmp_path}/{name}.log" for name in ("conn", "same")]
    assert inputs.tallies[f"local://{tmp_path}/loop"].skipped[0].reason == "not read: a link to a folder"
    assert not inputs.tallies[f"local://{tmp_path}/loop"].unreadable


def test_folders_without_end_are_given_up(memory: Any) -> None:
    memory.pipe("/d" * (remote.DEEPEST + 3) + "/conn.log", CONN)
    (told,) = [reason for path, reason in reasons("memory://d").items() if path.endswith("/d/d")]
    assert told == "folders in folders, more than 64 deep"


@pytest.mark.parametrize("url", ["file://{}/x.log", "file:{}/x.log", "file://localhost{}/x.log"])
def test_file_urls_are_local_paths(url: str, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(CONN)
    inputs = discover([url.format(tmp_path)])
    assert [inp.path for inp in inputs.sensors] == [str(tmp_path / "x.log")]


def test_a_local_folder_with_a_urls_name_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "bucket").mkdir(parents=True)
    (tmp_path / "s3:" / "bucket" / "conn.log").write_bytes(CONN)
    assert storage.argument("s3://bucket") == "s3:/bucket"
    assert [inp.path for inp in discover(["s3://bucket"]).sensors] == ["s3:/bucket/conn.log"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("S3A://bucket/x", "s3a://bucket/x"),
        ("hdfs:/lake/x", "hdfs:///lake/x"),
        ("https://u:p@w@host/x.log", "https://u@host/x.log"),
        ("sftp://u:p/w@host/x.log", "sftp://u@host/x.log"),
        ("abfss://files@account.dfs.core.windows.net/x", "abfss://files@account.dfs.core.windows.net/x"),
        ("https://h/x?v=1&X-Amz-Signature=ab/c&X-Amz-Credential=d&e=2", "https://h/x?v=1&X-Amz-Signature=...&X-Amz-Credential=...&e=2"),
        ("https://h/x?sig=ab%2Fc", "https://h/x?sig=..."),
        ("./a//b/", "a/b"),
        ("-", "-"),
        ("s3:/bucket", "s3:/bucket"),
        ("simplecache::s3://x", "simplecache::s3://x"),
    ],
)  # fmt: skip
def test_how_an_argument_is_shown(text: str, shown: str) -> None:
    assert storage.argument(text) == shown
    if storage.is_url(shown):
        assert storage.real(shown) == text.replace("S3A", "s3a").replace("hdfs:/l", "hdfs:///l")
        assert storage.argument(shown) == shown, "a second look changes nothing"
        assert storage.real(shown + "/y").startswith(storage.real(shown).partition("?")[0])


def test_passwords_come_back_at_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = storage.named("sftp://u:secret@host/folder")
    kept = storage.keys()
    monkeypatch.setattr(storage, "_keys", {})
    assert "secret" not in storage.real(f"{shown}/x.log")
    storage.learn(kept)
    assert storage.real(f"{shown}/x.log") == "sftp://u:secret@host/folder/x.log"


class _Fails(Exception):  # noqa: N818 - a package's own
    pass


class NoCredentialsError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Forbidden"), "access denied by the store"),
        (NoCredentialsError("Unable to locate"), storage.NO_CREDENTIALS),
        (TimeoutError(), "the store does not answer in time"),
        (_Fails("x\ny https://u:p@h/x?a=1&sig=abc"), "the store fails: x y https://u@h/x?a=1&sig=..."),
        (ImportError("No module named 'foo'"), "needs a package that is not installed: No module named 'foo'"),
    ],
)
def test_what_a_package_raises_is_a_line_at_every_step(
    error: Exception, told: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    memory.pipe("/f/conn.log", CONN)
    path = "memory://f/conn.log"
    inp = Input(path, "zeek conn tsv")
    for step, name in (("info", "memory://f"), ("ls", "memory://f"), ("open", path)):
        with monkeypatch.context() as patch:
            patch.setattr(type(memory), step, fail)
            assert reasons("memory://f")[name] == told
    with monkeypatch.context() as patch:
        patch.setattr("fsspec.implementations.memory.MemoryFile.read", fail)
        tally = Tally(path)
        assert list(open_lines(inp, tally)) == []
        assert tally.skipped[0].reason == told
        unit = reading.Unit(reading.Job(inp, tally, None), 0, None)
        assert [piece.trouble for piece in reading.pieces(unit, SILENT, bytearray(1 << 20))] == [told]


def test_a_store_that_has_stopped_answering_is_not_asked_for_every_file(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def silent(_self: Any, path: str, *_: Any, **__: Any) -> None:
        asked.append(path)
        raise TimeoutError

    for number in range(9):
        memory.pipe(f"/f/{number}.log", CONN)
    monkeypatch.setattr(type(memory), "open", silent)
    told = reasons("memory://f")
    assert len(told) == 9
    assert len(asked) == 2
    assert told["memory://f/8.log"] == "not tried: the store has stopped answering"


def test_without_fsspec_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "whosasking.remote")
    monkeypatch.delattr(whosasking, "remote")
    monkeypatch.setitem(sys.modules, "fsspec.registry", None)
    assert cli.run(["report", "--format", "json", "s3://bucket/x"]) == 2
    told = "s3://bucket/x: needs a package that is not installed: pip install 'whosasking[lake]'"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("abfss", "adlfs"), ("s3n", "'whosasking[lake]'")])
def test_without_the_package_of_a_protocol_its_name(scheme: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gcsfs", "adlfs", "s3fs"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "registry", {})
    assert reasons(f"{scheme}://x/y") == {
        f"{scheme}://x/y": f"needs a package that is not installed: pip install {package}"
    }


def test_local_paths_never_load_fsspec(tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415 - here alone

    code = (
        "import sys; from whosasking import cli; cli.run(['report', '--output', sys.argv[2], sys.argv[1]]);"
        "sys.exit(bool({'fsspec', 'whosasking.remote', 'asyncio'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(SCENARIO / "zeek-tsv"), str(tmp_path / "out")]
    environment = {"PYTHONPATH": str(Path(whosasking.__file__).parents[1])}
    assert subprocess.run(command, env=environment, check=False).returncode == 0


def test_a_table_by_url_is_all_that_duckdb_reaches(memory: Any, tmp_path: Path) -> None:
    import duckdb  # noqa: PLC0415

    from whosasking.parquet import Rows  # noqa: PLC0415

    folder = lake(tmp_path / "lake")
    url = f"{mirrored(memory, folder, 'lake')}/part-00000.snappy.parquet"
    rows = Rows(url)
    assert rows.read(5)
    for other in (folder / "part-00000.snappy.parquet", url, "onefile://other"):
        with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
            rows._database.execute(f"FROM read_parquet('{other}')")
