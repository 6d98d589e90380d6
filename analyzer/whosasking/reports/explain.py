"""``whosasking explain``: the evidence for one lookup of a JSON report, drawn for a person.

Everything in the file may have been chosen by an attacker: it is decoded into bounded shapes and escaped by ``Page``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.text import Text

from whosasking.errors import InputError
from whosasking.reports import words
from whosasking.reports.page import LABEL, QUIET, Page, table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

SCHEMA = "whosasking.report/1"
_MOST_ROWS = 50
_LONGEST = 1e12


class _Read(msgspec.Struct, kw_only=True):
    """Base of what is read of a report: unknown keys are passed over, missing ones are None."""


class _Program(_Read, kw_only=True):
    name: str | None = None
    path: str | None = None
    command_line: str | None = None
    pid: int | None = None
    user: str | None = None
    host: str | None = None
    started: str | None = None
    ended: str | None = None
    parent: _Program | None = None


class _Seen(_Read, kw_only=True):
    sensor_time: str | None = None
    host_time: str | None = None
    apart_seconds: float | None = None
    offset_seconds: float | None = None


class _Candidate(_Read, kw_only=True):
    process: _Program | None = None
    reason: str = ""
    seen: _Seen | None = None


class _Step(_Read, kw_only=True):
    rung: str = ""
    outcome: str = ""


class _Attribution(_Read, kw_only=True):
    method: str = "none"
    confidence: float = 0.0
    reason: str = ""
    candidates: list[_Candidate] = []
    record: str | None = None
    seen: _Seen | None = None
    ladder: list[_Step] = []
    application: _Program | None = None
    script: str | None = None


class _Query(_Read, kw_only=True):
    text: str | None = None
    object: str | None = None
    kind: str | None = None


class _Client(_Read, kw_only=True):
    cls: str | None = msgspec.field(default=None, name="class")
    evidence: list[str] = []
    user_agent: str | None = None
    ja3: str | None = None
    masquerade: str | None = None


class _Source(_Read, kw_only=True):
    path: str = ""
    line: int | None = None


class _Lookup(_Read, kw_only=True):
    id: str
    ts: str = ""
    detection: str = ""
    sensor: str | None = None
    uid: str | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dst_ip: str | None = None
    dst_port: int | None = None
    transport: str | None = None
    server: str | None = None
    server_source: str | None = None
    established: bool | None = None
    query: _Query | None = None
    client: _Client | None = None
    process: _Program | None = None
    attribution: _Attribution = msgspec.field(default_factory=_Attribution)
    verdict: str = ""
    reason: str = ""
    detail: str = ""
    finding: str | None = None
    source: _Source | None = None


class _Clock(_Read, kw_only=True):
    host: str = ""
    offset_seconds: float | None = None
    anchors: int = 0
    spread_seconds: float | None = None
    reason: str = ""


class _Coverage(_Read, kw_only=True):
    gaps: list[str] = []
    clock_offsets: list[_Clock] = []


class _Report(_Read, kw_only=True):
    schema: str
    lookups: list[_Lookup]
    coverage: _Coverage = msgspec.field(default_factory=_Coverage)


def explain(identity: str, path: Path, out: TextIO) -> None:
    """Draw what the report at ``path`` holds about the lookup ``identity``. Raises InputError, OSError."""
    report = _read(path)
    found = next((one for one in report.lookups if one.id.casefold() == identity.casefold()), None)
    if found is None:
        known = f"{report.lookups[0].id} to {report.lookups[-1].id}" if report.lookups else "none"
        raise InputError(f"{path}: no lookup {identity[:40]!r} in this report (it has {known})")
    page = Page(out)
    _lookup(page, found)
    _verdict(page, found)
    _process(page, found)
    _evidence(page, found, report.coverage)
    _ladder(page, found.attribution)
    _candidates(page, found.attribution)


def _read(path: Path) -> _Report:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        report = msgspec.json.decode(data, type=_Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: no JSON report of whosasking: {' '.join(str(error).split())[:200]}") from None
    if report.schema != SCHEMA:
        raise InputError(f"{path}: schema is {report.schema[:60]!r}, not {SCHEMA!r}: write one with report -f json")
    return report


def _lookup(page: Page, one: _Lookup) -> None:
    page.heading(f"Lookup {page.text(one.id, width=40).plain}", page.text(one.detection, width=40).plain)
    asked = one.query.text if one.query else None
    client = one.client or _Client()
    source = f"{one.source.path}, line {one.source.line}" if one.source else None
    _pairs(
        page,
        ("when", _join(one.ts, "by the sensor's clock")),
        ("wire", _wire(one)),
        ("server", _join(one.server, f"(from {one.server_source})" if one.server_source else None)),
        ("asked", asked),
        ("client", _join(client.cls, *(client.evidence[:5]), sep="; ")),
        ("User-Agent", client.user_agent),
        ("disguise", client.masquerade),
        ("JA3", client.ja3),
        ("read from", _join(one.sensor, one.uid, source, sep=", ")),
    )


def _wire(one: _Lookup) -> str | None:
    if one.src_ip is None and one.dst_ip is None:
        return None
    return _join(_end(one.src_ip, one.src_port), ">", _end(one.dst_ip, one.dst_port), one.transport)


def _verdict(page: Page, one: _Lookup) -> None:
    page.heading("Verdict")
    _pairs(
        page,
        (one.verdict, one.reason),
        ("why", one.detail),
        ("finding", one.finding),
    )


def _process(page: Page, one: _Lookup) -> None:
    given, process = one.attribution, one.process
    if process is None:
        return
    page.heading("Process", page.text(_program(process) or "", width=60).plain)
    _pairs(
        page,
        ("pid", None if process.pid is None else str(process.pid)),
        ("path", process.path),
        ("command", process.command_line),
        ("script", given.script),
        ("works for", _program(given.application)),
        ("user", process.user),
        ("alive", _join(process.started, "to", process.ended or "?") if process.started else None),
        ("started by", _program(process.parent)),
    )


def _evidence(page: Page, one: _Lookup, coverage: _Coverage) -> None:
    given = one.attribution
    page.heading("Evidence", words.confidence(given.confidence) if given.method != "none" else "nobody is named")
    seen = given.seen or _Seen()
    host = one.process.host if one.process else None
    _pairs(
        page,
        ("method", _join(given.method, f"({words.METHODS[given.method]})" if given.method in words.METHODS else None)),
        ("reason", given.reason),
        ("record", given.record),
        ("sensor", seen.sensor_time),
        ("host", seen.host_time),
        ("offset", _seconds(seen.offset_seconds)),
        ("apart", _seconds(seen.apart_seconds)),
    )
    clocks = [clock for clock in coverage.clock_offsets if host is None or clock.host.casefold() == host.casefold()]
    for clock in clocks[:_MOST_ROWS] if host or len(clocks) == 1 else ():
        page.item(page.text(_clock(clock)))
    about = [gap for gap in coverage.gaps if (one.src_ip and one.src_ip in gap) or (host and host in gap)]
    for gap in about[:_MOST_ROWS]:
        page.item(page.text(gap))


def _clock(clock: _Clock) -> str:
    if clock.offset_seconds is None:
        return f"clock of {clock.host}: not known: {clock.reason}"
    spread = "" if clock.spread_seconds is None else f", spread {clock.spread_seconds * 1000:.1f} ms"
    told = f"clock of {clock.host}: {_seconds(clock.offset_seconds)}, {words.count(clock.anchors, 'anchor')}{spread}"
    return f"{told}; {clock.reason}" if clock.reason else told


def _ladder(page: Page, given: _Attribution) -> None:
    if not given.ladder:
        return
    page.heading("Ladder", "from strong to weak evidence")
    rungs = table(("Rung", "left"), ("Outcome", "left"))
    for step in given.ladder[:_MOST_ROWS]:
        rungs.add_row(page.text(step.rung, width=30), page.text(step.outcome))
    page.print(rungs, 2)


def _candidates(page: Page, given: _Attribution) -> None:
    if not given.candidates:
        return
    page.heading("Other candidates", words.count(len(given.candidates), "process", "processes"))
    for one in given.candidates[:_MOST_ROWS]:
        text = Text.assemble(page.text(_program(one.process) or "unknown", LABEL), "  ", page.text(one.reason, QUIET))
        page.item(text)


def _pairs(page: Page, *rows: tuple[str, str | None]) -> None:
    page.pairs([(page.text(label, width=20).plain, page.text(value)) for label, value in rows if value])


def _program(process: _Program | None) -> str | None:
    if process is None or not process.name:
        return None
    pid = "" if process.pid is None else f" (pid {process.pid})"
    on = f" on {process.host}" if process.host else ""
    return f"{process.name}{pid}{on}"


def _end(ip: str | None, port: int | None) -> str:
    where = f"[{ip}]" if ip and ":" in ip else ip or "?"
    return where if port is None else f"{where}:{port}"


def _seconds(value: float | None) -> str | None:
    if value is None:
        return None
    return words.offset(round(value * 1_000_000)) if abs(value) < _LONGEST else f"{value} s"


def _join(*parts: str | None, sep: str = " ") -> str:
    return sep.join(part for part in parts if part)
