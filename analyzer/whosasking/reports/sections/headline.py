"""The opening: how much is reported, then each finding in one plain sentence with how sure it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from whosasking.model import Attributed, ClientClass, Severity
from whosasking.reports import instants, words
from whosasking.reports.page import comma
from whosasking.reports.summary import members, nothing_was_read, process_of, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whosasking.model import Finding, JudgedLookup, Process, Report
    from whosasking.reports.page import Page
    from whosasking.reports.summary import Summary

FULL = 50
"""Findings written out; the rest is counted."""
COMMANDS = 3
"""Different command lines shown of one finding."""
COMMAND_LINES = 3
"""Lines a command may take before its middle is cut."""

TECHNIQUE = "ATT&CK T1596.002, Search Open Technical Databases: WHOIS"

SEVERITY_STYLE = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold blue",
    Severity.INFO: "bold",
}


def show(page: Page, report: Report) -> None:
    """Print the opening of ``report``."""
    summary = summarise(report)
    page.print(_verdict(report, summary))
    page.print(Text(TECHNIQUE))
    page.print(_looked_at(report))
    for warning in _warnings(report):
        page.print(Text(warning, "yellow"))
    of = members(report, report.findings[:FULL])
    for finding in report.findings[:FULL]:
        page.print()
        _finding(page, finding, of[finding.id])
    _rest(page, report.findings[FULL:])


def _verdict(report: Report, summary: Summary) -> Text:
    seen = summary.reported + summary.dropped + summary.allowed
    if nothing_was_read(report):
        return Text("Nothing could be read, so nothing can be said.", "bold red")
    if summary.reported or report.findings:
        hosts = len({finding.host for finding in report.findings})
        many = words.count(summary.reported, "WHOIS or RDAP lookup")
        where = f"{words.count(len(report.findings), 'finding')} on {words.count(hosts, 'host')}"
        return Text(f"{many} reported: {where}.", "bold")
    if seen:
        return Text(f"Nothing to report: {_all_of(seen)} set aside, see below why.", "bold green")
    return Text("Nothing to report: no WHOIS or RDAP lookup was seen.", "bold green")


def _all_of(seen: int) -> str:
    return "the one WHOIS or RDAP lookup seen was" if seen == 1 else f"all {seen:,} WHOIS and RDAP lookups seen were"


def _looked_at(report: Report) -> Text:
    """Say what the words above rest on; an empty report is worth nothing without it."""
    read = [entry for entry in report.inputs if not entry.unreadable]
    records = sum(entry.records for entry in read)
    cover = report.coverage
    what = f"Looked at {words.count(records, 'record')} from {words.count(len(read), 'input')}"
    edr = f"endpoint data of {words.count(len(cover.hosts_with_edr), 'host') if cover.hosts_with_edr else 'no host'}"
    when = f", {instants.span(cover.start, cover.end)}" if cover.start is not None and cover.end is not None else ""
    return Text(f"{what}, {edr}{when}.", "dim")


def _warnings(report: Report) -> Iterator[str]:
    broken = sum(entry.unreadable for entry in report.inputs)
    if broken:
        yield f"{broken:,} of {words.count(len(report.inputs), 'input')} could not be read, see Inputs."


def _finding(page: Page, finding: Finding, lookups: Sequence[JudgedLookup]) -> None:
    badge = Text(f" {finding.severity.upper()} ", f"{SEVERITY_STYLE[finding.severity]} reverse")
    many = words.count(len(finding.lookups), "lookup")
    when = instants.span(finding.first_seen, finding.last_seen)
    page.print(Text.assemble(badge, " ", page.text(finding.id, "bold"), f"  score {finding.score}, {many}, {when}"))
    page.print(_sentence(page, finding, lookups), indent=2)
    page.pairs(_details(page, finding, lookups), indent=2)


def _sentence(page: Page, finding: Finding, lookups: Sequence[JudgedLookup]) -> Text:
    """Who did what with which process: one sentence a manager can read and an analyst can check."""
    who = page.text(finding.host, "bold")
    if finding.user:
        who = Text.assemble(page.text(finding.user, "bold"), " on ", who)
    programs = Text.assemble(_programs(page, finding, lookups), _started_by(page, finding.process))
    objects, servers = _objects(lookups), _servers(lookups)
    if objects:
        return Text.assemble(who, " looked up ", _some(page, objects, more=_bulk(lookups)), " with ", programs, ".")
    if servers:
        return Text.assemble(who, " asked ", _some(page, servers), " with ", programs, _hidden(lookups), ".")
    return Text.assemble(who, " ran ", programs, ".")


def _objects(lookups: Sequence[JudgedLookup]) -> list[str]:
    """List what was asked about, each once, in order of time."""
    found = (judged.lookup.query.object for judged in lookups if judged.lookup.query and judged.lookup.query.object)
    return list({name.casefold(): name for name in found}.values())


def _bulk(lookups: Sequence[JudgedLookup]) -> int:
    """Objects that bulk sessions asked for beyond the first of each, which is the only one named."""
    return sum(judged.lookup.query.count - 1 for judged in lookups if judged.lookup.query)


def _servers(lookups: Sequence[JudgedLookup]) -> list[str]:
    """Servers asked, each once; an address where no name is known."""
    found = (judged.lookup.server or judged.lookup.dst_ip for judged in lookups)
    return list({name.casefold(): name for name in found if name}.values())


def _hidden(lookups: Sequence[JudgedLookup]) -> str:
    encrypted = any(judged.lookup.transport in {"tls", "quic"} for judged in lookups)
    return "; what was asked is encrypted" if encrypted and not any(j.lookup.query for j in lookups) else ""


def _some(page: Page, values: list[str], *, most: int = 3, more: int = 0) -> Text:
    """Name the first few ``values`` and count the others, which include ``more`` that have no name."""
    named = values[: most if len(values) <= most and not more else most - 1]
    left = len(values) - len(named) + more
    shown = [page.text(value, "bold", width=48) for value in named]
    return comma([*shown, Text(f"{left:,} more")] if left else shown)


def _programs(page: Page, finding: Finding, lookups: Sequence[JudgedLookup]) -> Text:
    """Name the process and count the others of the finding: ``bash (pid 7) and 3 whois processes``."""
    if finding.process is None:
        tool = lookups and all(judged.lookup.client.cls is ClientClass.TOOL for judged in lookups)
        return Text("an unknown process (a tool, no browser)" if tool else "an unknown process")
    pid = f" (pid {finding.process.pid})" if finding.process.pid is not None else ""
    first = Text.assemble(page.text(finding.process.name or "a nameless process", "bold", width=40), pid)
    others = {process.key: process.name for process in _processes(lookups) if process.key != finding.process.key}
    parts = [first]
    for name, number in Counter(others.values()).most_common(2):
        again = "more " if name == finding.process.name else ""
        noun = "process" if number == 1 else "processes"
        parts.append(Text.assemble(f"{number:,} {again}", page.text(name, "bold", width=40), f" {noun}"))
    return comma(parts)


def _processes(lookups: Sequence[JudgedLookup]) -> list[Process]:
    return [process for judged in lookups if (process := process_of(judged))]


def _started_by(page: Page, process: Process | None) -> Text:
    parent = process.parent if process else None
    return Text.assemble(", started by ", page.text(parent.name, width=40)) if parent and parent.name else Text()


def _details(page: Page, finding: Finding, lookups: Sequence[JudgedLookup]) -> Iterator[tuple[str, Text]]:
    room = page.width - 13
    yield "how sure", _certainty(page, lookups)
    known = ([finding.process] if finding.process else []) + _processes(lookups)
    commands = list(dict.fromkeys(process.command_line for process in known if process.command_line))
    for index, command in enumerate(commands[:COMMANDS]):
        yield "" if index else "command", page.text(command, width=room * COMMAND_LINES)
    if len(commands) > COMMANDS:
        yield "", Text(f"and {len(commands) - COMMANDS:,} other command lines", "dim")
    if finding.process and finding.process.path and finding.process.path != finding.process.name:
        yield "path", page.text(finding.process.path, width=room)
    if _objects(lookups) and _servers(lookups):
        yield "asked", _some(page, _servers(lookups), most=4)
    agents = {j.lookup.client.masquerade: j.lookup.client.user_agent for j in lookups if j.lookup.client.masquerade}
    for why, agent in list(agents.items())[:2]:
        yield "disguise", page.text(why, width=room)
        if agent:
            yield "", page.text(agent, "dim", width=room)
    yield "why", page.text(_reasons(lookups, set(agents)), width=room * 2)


def _certainty(page: Page, lookups: Sequence[JudgedLookup]) -> Text:
    """How each lookup was given to the process: ``near certain (0.99): exact 5-tuple, 3 of 4 lookups``."""
    ways = Counter(
        (judged.attribution.confidence, judged.attribution.method)
        for judged in lookups
        if isinstance(judged.attribution, Attributed)
    )
    parts = [
        Text(f"{words.confidence(sure)}: {words.METHODS.get(method, method)}{_share(number, len(lookups))}")
        for (sure, method), number in sorted(ways.items(), reverse=True)
    ]
    nobody = Counter(j.attribution.reason for j in lookups if not isinstance(j.attribution, Attributed))
    for reason, number in nobody.most_common(3):
        parts.append(Text.assemble("process not known: ", page.text(reason, width=200), _share(number, len(lookups))))
    return Text("\n").join(parts)


def _share(number: int, total: int) -> str:
    return "" if number == total else f", {number:,} of {total:,} lookups"


def _reasons(lookups: Sequence[JudgedLookup], told: set[str]) -> str:
    """Why these lookups are reported: ``lookup by a tool (3), tool execution (1)``; the specifics when they are one."""
    reasons = Counter(judged.verdict.reason for judged in lookups)
    if len(reasons) > 1:
        return ", ".join(f"{reason} ({number:,})" for reason, number in reasons.most_common(4))
    details = {judged.verdict.detail for judged in lookups if judged.verdict.detail} - told
    return ": ".join([*reasons, *(details if len(details) == 1 else ())])


def _rest(page: Page, findings: tuple[Finding, ...]) -> None:
    if findings:
        of = Counter(finding.severity for finding in findings)
        severities = words.listed(
            [f"{of[severity]:,} {severity}" for severity in reversed(Severity) if of[severity]], 5
        )
        page.print()
        page.print(
            Text(f"{len(findings):,} further findings ({severities}) are in the JSON report: --format json.", "bold")
        )
