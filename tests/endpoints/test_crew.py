"""Lines decoded by several processes: what comes of it is what one would have made, whatever becomes of the others."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints import events, windows
from endpoints.story import lines as text_of
from whosasking import catalogue, endpoints
from whosasking.endpoints import crew, frames, worker
from whosasking.endpoints.accounts import Account
from whosasking.endpoints.gathered import heard
from whosasking.endpoints.interest import Interest
from whosasking.endpoints.interface import Collector, Noted
from whosasking.endpoints.products import take_lines
from whosasking.errors import InputError
from whosasking.inputs import KEPT_SKIPS, Input, Inputs, Tally, read_head
from whosasking.model import Detection, Lookup
from whosasking.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from whosasking.model import EndpointReading, InputReport

Row = dict[str, Any]
Lines = list[tuple[int, bytes]]

HOSTS = ("WS1", "ws1", "Ws1", "WS2", "stra\u00dfe", "STRASSE")
IMAGES = ("C:\\a.exe", "C:\\b.exe", "C:\\A.EXE")
SAID = ("", "a", "a -x")
USERS = ("CORP\\ann", "corp\\ANN", "bob")


def windows_row(rng: random.Random) -> Row:
    """An event of few hosts, processes, ports and instants, which contradict and repeat each other."""
    number = rng.choice([1, 1, 3, 3, 3, 5, 11, 22, 4688, 4689, 5156])
    guid = f"{{{rng.randrange(3):08x}-0000-0000-0000-000000000001}}"
    base = {"ProcessGuid": guid, "ProcessId": str(rng.randrange(7, 9)), "Image": rng.choice(IMAGES)}
    base |= {"User": rng.choice(USERS), "UtcTime": f"2024-05-01 10:00:0{rng.randrange(3)}.000"}
    ends = {"SourceIp": f"10.0.0.{rng.randrange(3)}", "SourcePort": str(rng.randrange(50_000, 50_003))}
    more = {
        1: {"CommandLine": rng.choice(SAID), "ParentProcessGuid": guid.replace("1}", "2}"), "ParentImage": "C:\\p.exe"},
        3: {**ends, "DestinationIp": "192.0.2.9", "DestinationPort": "43", "Initiated": rng.choice(["true", "false"])},
        5: {},
        22: {"QueryName": rng.choice(["a.example", "b.example"]), "QueryResults": "192.0.2.9;"},
    }
    host = {"Hostname": rng.choice(HOSTS)} | ({"Odd": "x"} if rng.random() < 0.2 else {})
    if number in more:
        return events.flat(number, base | more[number]) | host
    pid, image = hex(rng.randrange(7, 9)), rng.choice(IMAGES)
    security = {
        4688: {"NewProcessId": pid, "NewProcessName": image, "ProcessId": "0x7", "ParentProcessName": image},
        4689: {"ProcessId": pid, "ProcessName": image},
        5156: {
            "ProcessID": str(int(pid, 16)),
            "Application": image,
            "SourceAddress": "10.0.0.1",
            "SourcePort": "50001",
            "DestAddress": "192.0.2.9",
            "DestPort": "43",
            "Protocol": "6",
            "Direction": "%%14593",
        },
    }
    return windows.security(number, security.get(number, {})) | host


def falcon_row(rng: random.Random) -> Row:
    aid = rng.choice(["aa", "AA", "bb"])
    if rng.random() < 0.2:
        return {"aid": aid, "ComputerName": rng.choice(["CS1", "cs1", "CS2"]), "AgentVersion": "7", "Time": "1"}
    base = {"aid": aid, "ContextTimeStamp": f"171455760{rng.randrange(9)}.5", "ContextProcessId": rng.choice("78")}
    kind = rng.choice(["NetworkConnectIP4", "ProcessRollup2", "LocalIpAddressIP4", "FileWritten", "EndOfProcess"])
    ends = {"LocalAddressIP4": f"10.0.1.{rng.randrange(3)}", "RemoteAddressIP4": "192.0.2.8", "RemotePort": "443"}
    start = {"TargetProcessId": rng.choice("78"), "ImageFileName": rng.choice(IMAGES), "CommandLine": rng.choice(SAID)}
    return base | {"event_simpleName": kind, "ParentProcessId": "7"} | ends | start


def defender_row(rng: random.Random) -> Row:
    row: Row = {
        "Timestamp": f"2024-05-01T10:00:0{rng.randrange(3)}Z",
        "DeviceName": rng.choice(HOSTS),
        "ActionType": rng.choice(["ConnectionSuccess", "ProcessCreated", "ConnectionFound", "FileCreated"]),
        "LocalIP": f"10.0.0.{rng.randrange(3)}",
        "LocalPort": rng.randrange(50_000, 50_003),
        "RemoteIP": "192.0.2.9",
        "RemotePort": 43,
        "FileName": "c.exe",
        "ProcessId": rng.randrange(2),
        "ReportId": rng.randrange(4),
        "InitiatingProcessFileName": rng.choice(["a.exe", "A.exe", ""]),
        "InitiatingProcessId": rng.randrange(7, 9),
        "InitiatingProcessCommandLine": rng.choice(SAID),
        "InitiatingProcessAccountName": rng.choice(USERS),
    }
    return row | ({"DeviceId": rng.choice(HOSTS)} if rng.random() < 0.5 else {})


FILES: dict[str, Callable[[random.Random], Row]] = {
    "sysmon flat": windows_row,
    "crowdstrike fdr": falcon_row,
    "defender json": defender_row,
}


def made(rng: random.Random, count: int) -> list[tuple[str, str, Lines]]:
    """Path, kind and lines of some files; a line in eight is broken, and what is read may come again in another."""
    files = []
    for kind in (*FILES, "sysmon flat"):
        texts = [json.dumps(FILES[kind](rng)).encode() for _ in range(rng.randrange(count))]
        texts = [text[: rng.randrange(9)] if rng.random() < 0.12 else text for text in texts]
        files.append((f"/x/{len(files)}\udcff.json", kind, list(enumerate(texts, 1))))
    again = [(number, text) for _, kind, found in files if kind == "sysmon flat" for number, text in found]
    return [*files, ("/x/again", "sysmon flat", again)]


def told(reading: EndpointReading, reports: list[InputReport]) -> list[str]:
    """All there is of a reading, in its order."""
    kinds = (reading.starts, reading.sockets, reading.unowned_sockets, reading.name_queries)
    found = [repr(record) for kind in kinds for record in kind]
    return [*found, repr(reading.addresses), repr(sorted(reading.spans.items())), *map(repr, reports)]


def by_one(files: list[tuple[str, str, Lines]]) -> list[str]:
    collector, tallies = Collector(), [Tally(path, kind) for path, kind, _ in files]
    for (_, kind, found), tally in zip(files, tallies, strict=True):
        take_lines(kind, found, collector, tally, Noted())
    return told(collector.reading(), [tally.report() for tally in tallies])


def by_several(files: list[tuple[str, str, Lines]], rng: random.Random, helpers: int, size: int) -> list[str]:
    """Give each batch to one of some helpers, as it comes."""
    pipes = [io.BytesIO(frames.of_data({"among": helpers, "hosts": None})) for _ in range(helpers)]
    for pipe in pipes:
        pipe.seek(0, io.SEEK_END)
    number = 0
    for file, (path, kind, found) in enumerate(files):
        for begin in range(0, len(found), size):
            numbers, texts = zip(*found[begin : begin + size], strict=True)
            number += 1
            batch = frames.Batch(number, file, kind, path.encode("utf-8", "surrogatepass"), list(numbers), list(texts))
            rng.choice(pipes).write(frames.of_batch(batch))
    tallies = [Tally(path, kind) for path, kind, _ in files]
    accounts = [Account(tally, Noted()) for tally in tallies]
    gathered = []
    for pipe in pipes:
        pipe.write(frames.END)
        pipe.seek(0)
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with what was gathered
        said = json.loads(json.dumps(worker.work(pipe, spool)))
        gathered.append(heard(said["gathered"], spool))
        for file, part in said["files"].items():
            accounts[int(file)].add(part)
    for account in accounts:
        account.close()
    return told(Collector().reading(gathered), [tally.report() for tally in tallies])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 4), st.integers(1, 9))
def test_batches_in_any_hands_come_to_the_same(seed: int, helpers: int, size: int) -> None:
    files = made(random.Random(seed), 60)  # noqa: S311 - rows
    assert by_several(files, random.Random(seed), helpers, size) == by_one(files)  # noqa: S311 - hands


def test_the_first_skips_are_kept_whoever_met_them() -> None:
    broken = [(number, b"{" if number % 3 else b"{}") for number in range(1, 9 * KEPT_SKIPS)]
    files = [("/x", "sysmon flat", broken)]
    several = by_several(files, random.Random(1), 3, 4)  # noqa: S311 - hands
    assert several == by_one(files)


@pytest.fixture
def site(tmp_path: Path) -> list[Path]:
    """Files of all forms: lines of several products, in between an array, which is read in this process."""
    rng = random.Random(5)  # noqa: S311 - rows
    paths = []
    for name, make in (*FILES.items(), ("array", windows_row), ("again", windows_row)):
        rows = [make(rng) for _ in range(400)]
        text = json.dumps(rows) if name == "array" else text_of(rows) + '{"EventID":3,"Hostname":"WS1"\n'
        paths.append(tmp_path / f"{len(paths)} {name}.json")
        paths[-1].write_text(text, "utf-8")
    return paths


def read(paths: list[Path], interest: Interest | None = None) -> list[str]:
    inputs = Inputs()
    for path in paths:
        kind = endpoints.sniff(read_head(str(path), 256 << 10).data)
        assert kind is not None
        inputs.endpoints.append(Input(str(path), kind, None))
        inputs.tally(str(path), kind)
    reading = endpoints.read(inputs, SILENT, interest)
    assert len(reading.sockets) > 20
    return told(reading, [inputs.tallies[str(path)].report() for path in paths])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few lines be worth two processes."""
    monkeypatch.setattr(endpoints, "SCREENED_FROM", 0)
    monkeypatch.setattr(crew, "AT_FIRST", 20_000)
    monkeypatch.setattr(crew, "BATCH", 3_000)
    monkeypatch.setattr(crew, "cores", lambda: 2)


def interest() -> Interest:
    asked = Lookup(ts=1, detection=Detection.PORT43, sensor="zeek", src_ip="10.0.1.1", dst_ip="192.0.2.8", dst_port=443)
    return Interest([asked], [], {}, catalogue.load())


@pytest.mark.parametrize("make", [lambda: None, interest])
def test_processes_read_what_one_reads(
    make: Callable[[], Interest | None],
    site: list[Path],
    small: None,  # noqa: ARG001 - a fixture
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit", "utf-8")
    monkeypatch.chdir(tmp_path)  # whoever made this folder has no say in what runs
    started: list[crew._Helper] = []
    start = crew._Helper.__init__
    monkeypatch.setattr(crew._Helper, "__init__", lambda self, order: started.append(self) or start(self, order))
    several = read(site, make())
    assert len(started) == 2
    monkeypatch.setattr(crew, "cores", lambda: 1)
    assert read(site, make()) == several
    assert len(started) == 2


def test_where_no_process_can_be_started_all_is_read_here(
    site: list[Path],
    small: None,  # noqa: ARG001 - a fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: object, __: bytes) -> None:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(crew._Helper, "__init__", refused)
    several = read(site)
    monkeypatch.setattr(crew, "cores", lambda: 1)
    assert read(site) == several


def test_a_process_that_is_killed_is_told(
    site: list[Path],
    small: None,  # noqa: ARG001 - a fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "_STARTS", "import os, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), 9)")
    with pytest.raises(InputError, match=r"was lost \(signal 9\)"):
        read(site)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is full")
def test_a_full_disk_is_told_by_its_error(
    site: list[Path],
    small: None,  # noqa: ARG001 - a fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = crew._STARTS.replace("int(sys.argv[1])", "__import__('os').open('/dev/full', 2)")
    monkeypatch.setattr(crew, "_STARTS", full)
    with pytest.raises(OSError, match="No space left") as caught:
        read(site)
    assert caught.value.filename == tempfile.gettempdir()


ENDLESS = """
import itertools, sys
from whosasking.endpoints import crew
from whosasking.endpoints.interface import Collector, Noted
from whosasking.inputs import Tally

crew.AT_FIRST = 1
line = sys.argv[1].encode()

def lines(hands):
    for number in itertools.count(1):
        yield number, line
        if number == 5_000:
            print(*(helper._process.pid for helper in hands._helpers), flush=True)

with crew.Crew(Collector(), 2) as hands:
    hands.take("sysmon flat", lines(hands), Tally("x"), Noted())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells the end of any process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_an_interrupted_run(number: signal.Signals, tmp_path: Path) -> None:
    line = json.dumps(events.flat(3, events.connection()))
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, line],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as run:
        assert run.stdout is not None
        helpers = [os.pidfd_open(int(pid)) for pid in run.stdout.readline().split()]
        assert len(helpers) == 2
        run.send_signal(number)
        assert run.wait(20) != 0
        for helper in helpers:
            assert select.select([helper], [], [], 20)[0]
            os.close(helper)
    assert not list(tmp_path.iterdir())
