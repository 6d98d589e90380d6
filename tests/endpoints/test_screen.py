"""The screen in front of the decoder: what it passes over is what decoding would have called unused, line for line."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from endpoints import events, windows
from endpoints.exports import reasons
from endpoints.plain_readers import PAIRS, made
from endpoints.plain_windows import WINDOWS_PAIRS
from endpoints.story import lines
from endpoints.test_differential import SEEDS, by_slow_path, mixed
from whosasking import endpoints
from whosasking.endpoints import focus, hosts_named, products
from whosasking.endpoints.kinds import KINDS, other_number, other_texts
from whosasking.endpoints.screen import Screen
from whosasking.inputs import Input, Inputs, Tally, read_head
from whosasking.progress import SILENT
from whosasking.sieve import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from whosasking.endpoints.containers import Line
    from whosasking.model import EndpointReading

ALL_PAIRS = PAIRS | WINDOWS_PAIRS


def through_the_screen(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[EndpointReading, Tally]:
    kind = endpoints.sniff(read_head(str(path), 256 << 10).data)
    assert kind is not None
    inputs = Inputs()
    inputs.endpoints.append(Input(str(path), kind, None))
    monkeypatch.setattr(endpoints, "SCREENED_FROM", 0)
    tally = inputs.tally(str(path), kind)
    return endpoints.read(inputs, SILENT), tally


@pytest.mark.parametrize("seed", SEEDS)
def test_it_judges_as_decoding_does(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.ndjson"
    first = json.dumps(events.flat(3, events.connection()))
    path.write_text("\n".join([first, *mixed(random.Random(seed))]) + "\n", "utf-8")  # noqa: S311 - rows, not secrets
    slow, slow_tally = by_slow_path(path)
    reading, tally = through_the_screen(path, monkeypatch)
    assert reading == slow
    ours, theirs = tally.report(), slow_tally.report()
    assert (ours.records, ours.candidates, ours.skipped) == (theirs.records, theirs.candidates, theirs.skipped)


@pytest.mark.parametrize("name", ALL_PAIRS)
def test_every_product_reads_the_same_through_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, _ = ALL_PAIRS[name]
    path = tmp_path / "x"
    path.write_text(lines([make(fact) for fact in made(random.Random(3), 200)]), "utf-8")  # noqa: S311 - rows
    reading, tally = through_the_screen(path, monkeypatch)
    monkeypatch.setattr(endpoints, "SCREENED_FROM", 1 << 40)
    inputs = Inputs()
    inputs.endpoints.append(Input(str(path), tally.kind, None))
    plain = inputs.tally(str(path), tally.kind)
    assert endpoints.read(inputs, SILENT) == reading
    assert plain.report() == tally.report()


def test_lines_of_unused_kinds_are_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [events.flat(number, events.connection()) for number in (3, *[7, 11, 12, 13] * 10)]
    text = lines(rows)
    decoded: list[Line] = []
    rows_of = products.rows_of

    def watched(pieces: Iterable[Line], *more: Any) -> Iterable[tuple[int, dict[str, Any]]]:
        decoded.extend(handed := list(pieces))
        return rows_of(handed, *more)

    monkeypatch.setattr(products, "rows_of", watched)
    path = tmp_path / "x"
    for spelling in (text, text.replace(": ", ":")):
        decoded.clear()
        path.write_text(spelling, "utf-8")
        reading, tally = through_the_screen(path, monkeypatch)
        assert len(reading.sockets) == len(decoded) == 1
        assert reasons(tally.report()) == [
            "None: 40 events not used: Sysmon 11 (10), Sysmon 12 (10), Sysmon 13 (10), Sysmon 7 (10)"
        ]


def test_files_of_one_kind_share_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of thousands of small exports would take minutes to compile theirs."""
    monkeypatch.setattr(endpoints, "SCREENED_FROM", 0)
    compiled: list[object] = []
    monkeypatch.setattr(focus, "Screen", lambda *what: compiled.append(what) or Screen(*what))
    inputs = Inputs()
    for name in ("a", "b", "c"):
        path = tmp_path / name
        path.write_text(lines([events.flat(3, events.connection()), events.flat(11, {})]), "utf-8")
        inputs.endpoints.append(Input(str(path), "sysmon flat", None))
        inputs.tally(str(path), "sysmon flat")
    assert len(endpoints.read(inputs, SILENT).sockets) == 1  # three exports of one event
    assert len(compiled) == 1
    for tally in inputs.tallies.values():
        assert reasons(tally.report()) == ["None: 1 events not used: Sysmon 11 (1)"]


@pytest.mark.parametrize(
    "line",
    [
        '{"EventID":11,"EventID":3,"Channel":"x"}',
        '{"EventID":11,"EventCode":"3","Channel":"x"}',
        '{"EventID":11,"winlog":{"event_id":3}}',
        '{"EventID":11,"Event":{"System":{}}}',
        '{"records":[{"EventID":11},{"EventID":3}]}',
        '{"\\u0045ventID":3,"Message":"\\"EventID\\":11"}',
        '{"EventID":11,"Channel":"x"',
        '"EventID":11}',
        '{"EventID":[11]}',
        '{"EventID":3}',
        '{"EventID":51560}{"EventID":3}',
    ],
)
def test_what_it_cannot_judge_is_decoded(line: str) -> None:
    noise = b'{"EventID":11,"Channel":"Microsoft-Windows-Sysmon/Operational"}\n'
    data = bytearray(noise + line.encode() + b"\n" + noise)
    spans = Screen(KINDS["sysmon flat"]).lines(data, len(data))
    assert [bytes(data[slice(*span)]) for span in spans] == [line.encode()]


def test_whole_blocks_of_noise_are_counted_by_kind() -> None:
    rows = [windows.security(number, {"x": "y"}) for number in [4624] * 30 + [4625] * 5 + [65_535]]
    data = bytearray(lines(rows).encode())
    screen = Screen(KINDS["sysmon flat"], [])
    for _ in range(2):  # the second block is judged as a whole
        assert screen.lines(data, len(data)) == []
        assert screen.take()[0] == {"Security 4624": 30, "Security 4625": 5, "Security 65535": 1}


def test_hosts_are_learnt_and_new_ones_still_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_named, "_LEARN_AFTER", 50)
    screen = Screen(KINDS["sysmon flat"], [], hosts=True)
    known = [f"WS{number}" for number in range(20)] + ["a" * 40]
    data = bytearray(lines([events.flat(3, {}, Hostname=name) for name in known * 30]).encode())
    assert len(screen.lines(data, len(data))) == len(known) * 5  # the 1st, 2nd, 4th, 8th and 16th of each
    assert len(screen.lines(data, len(data))) == 0
    new = bytearray(lines([events.flat(3, {}, Hostname=name) for name in ("WS2", "WS", "WS21", "b" * 40)]).encode())
    assert [json.loads(new[slice(*span)])["Hostname"] for span in screen.lines(new, len(new))] == [
        "WS",
        "WS21",
        "b" * 40,
    ]


def found(expression: bytes, text: bytes) -> bool:
    ends: list[int] = []
    data = bytearray(text)
    Scanner([(expression, 0, 0)]).scan(data, len(data), lambda _i, _s, end, _f, _c: ends.append(end))
    return bool(ends)


def test_numbers_that_are_none_of_those_known() -> None:
    known = {1, 3, 5, 22, 4688, 4689, 5156}
    expression = b"<" + other_number(known) + b">"
    numbers = [*range(1, 6000), 50_000, 65_535]
    data, ends = bytearray(), {}
    for number in numbers:  # one text and one database: to compile an expression takes a quarter of a second
        data += b"<%d>" % number
        ends[len(data)] = number
    told: set[int] = set()
    Scanner([(expression, 0, 0)]).scan(data, len(data), lambda _i, _s, end, _f, _c: told.add(ends[end]))
    assert told == set(numbers) - known


def test_texts_that_are_none_of_those_known() -> None:
    known = [b'ab"', b'abc"', b'x.y"', b"0123456789ab"]
    for text in (b'ab"', b'abc"', b'x.y"', b'0123456789abcdef"'):
        assert not any(found(one, b'"' + text) for one in other_texts(b'"', known)), text
    for text in (b'a"', b'abd"', b'abcd"', b'xzy"', b'"', b'0123456789a"', b'zzz"'):
        assert any(found(one, b'"' + text) for one in other_texts(b'"', known)), text
