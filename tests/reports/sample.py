"""A realistic Report built from records: one working day of a small network, also with hostile strings in it."""

from __future__ import annotations

import msgspec

from reports.actors import (
    BROWSER_CLIENT,
    CHROME,
    FIREFOX,
    MINUTE,
    MORNING,
    OPENSSL_JA3,
    PYTHON,
    SCANNER,
    SPOOFED,
    TOOL_CLIENT,
    WHOIS,
    WHOIS_RUNS,
    by_tuple,
)
from whosasking.model import (
    SECOND,
    Attributed,
    Attribution,
    Client,
    ClientClass,
    ClockOffset,
    Coverage,
    Detection,
    Finding,
    InputReport,
    JudgedLookup,
    Lookup,
    Outcome,
    Process,
    Query,
    QueryKind,
    Report,
    ScorePart,
    Severity,
    Skipped,
    SourceRef,
    Unattributed,
    Verdict,
)


def judged(
    number: int,
    ts: int,
    server: str | None,
    query: Query | None = None,
    *,
    attribution: Attribution,
    outcome: Outcome = Outcome.REPORTED,
    reason: str = "lookup by a tool",
    detail: str = "",
    detection: Detection = Detection.PORT43,
    client: Client | None = None,
    src_ip: str = "10.20.4.42",
    dst_ip: str = "192.34.234.30",
) -> JudgedLookup:
    port, transport = {Detection.PORT43: (43, "tcp"), Detection.WEB: (443, "tls"), Detection.TOOL: (None, None)}[
        detection
    ]
    wire = detection is not Detection.TOOL
    lookup = Lookup(
        id=f"L{number}",
        ts=ts,
        detection=detection,
        sensor="zeek" if wire else "sysmon",
        uid=f"CAbc{number:04}" if wire else None,
        community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=" if wire else None,
        src_ip=src_ip if wire else None,
        src_port=49_152 + number if wire else None,
        dst_ip=dst_ip if wire else None,
        dst_port=port,
        transport=transport,
        server=server,
        server_source="whois" if port == 43 else "sni",
        server_kind="whois43" if port == 43 else "rdap",
        noise="low",
        query=query,
        client=client or Client(),
        established=True if wire else None,
        duration=310_000 if wire else None,
        src_bytes=14 if wire else None,
        dst_bytes=3220 if wire else None,
        source=SourceRef(path="logs/2026-03-14/whois.log", line=number + 8),
    )
    return JudgedLookup(
        lookup=lookup, attribution=attribution, verdict=Verdict(outcome=outcome, reason=reason, detail=detail)
    )


def asked(text: str, what: str, kind: QueryKind = QueryKind.DOMAIN, count: int = 1) -> Query:
    return Query(text=text, object=what, kind=kind, count=count)


def whois_lookups() -> list[JudgedLookup]:
    """Three runs of whois, each seen by the endpoint as a start and by the sensor as a session."""
    asked_of = (
        ("whois.verisign-grs.com", asked("domain example.com", "example.com")),
        ("whois.iana.org", asked("example.net", "example.net")),
        ("whois.arin.net", asked("r + = 203.0.113.0/24", "203.0.113.0/24", QueryKind.CIDR)),
    )
    found = []
    for number, (process, (server, query)) in enumerate(zip(WHOIS_RUNS, asked_of, strict=True)):
        at = MORNING + 12 * MINUTE + number * 64 * SECOND
        start = Attributed(process=process, method="endpoint record", confidence=1.0, reason="process start")
        found += [
            judged(2 * number + 1, at, None, attribution=start, reason="tool execution", detection=Detection.TOOL),
            judged(2 * number + 2, at + 120_000, server, query, attribution=by_tuple(process)),
        ]
    return found


def rdap_lookups() -> list[JudgedLookup]:
    servers = ["rdap.verisign.com", "rdap.publicinterestregistry.org", "rdap.db.ripe.net"]
    return [
        judged(
            10 + step,
            MORNING + 30 * MINUTE + step * 41 * SECOND,
            servers[step // 4],
            attribution=by_tuple(PYTHON),
            detection=Detection.WEB,
            client=TOOL_CLIENT,
            dst_ip="192.30.45.30",
        )
        for step in range(12)
    ]


def masquerade() -> JudgedLookup:
    client = Client(
        cls=ClientClass.TOOL,
        evidence=("no browser extension in the ClientHello", "cipher list ends in 255 (OpenSSL)"),
        user_agent=SPOOFED,
        ja3=OPENSSL_JA3,
        masquerade="the User-Agent claims Firefox, the ClientHello is OpenSSL's",
    )
    return judged(
        40,
        MORNING + 95 * MINUTE,
        "api.whoxy.com",
        asked("/?key=1f0c&whois=example.org", "example.org"),
        attribution=Unattributed(reason="no EDR for this host"),
        reason="masquerading User-Agent",
        detail="the User-Agent claims Firefox, the ClientHello is OpenSSL's",
        detection=Detection.WEB,
        client=client,
        src_ip="10.20.9.17",
    )


def dropped_web(  # noqa: PLR0917 - one knob per field a test varies
    number: int, at: int, server: str, process: Process | None, detail: str, src_ip: str
) -> JudgedLookup:
    return judged(
        number,
        at,
        server,
        attribution=by_tuple(process) if process else Unattributed(reason="no EDR for this host"),
        outcome=Outcome.DROPPED,
        reason="browser process" if process else "browser-like (wire only)",
        detail=detail,
        detection=Detection.WEB,
        client=BROWSER_CLIENT,
        src_ip=src_ip,
    )


def allowed_scan(number: int, at: int) -> JudgedLookup:
    return judged(
        75 + number,
        at + number * SECOND,
        "whois.ripe.net",
        asked(f"-B 198.51.100.{number}", f"198.51.100.{number}", QueryKind.IP),
        attribution=by_tuple(SCANNER),
        outcome=Outcome.ALLOWED,
        reason="allowed by scanner",
        detail="Tenable asset inventory, owner secops, until 2026-12-31",
        src_ip="10.20.1.5",
    )


def set_aside() -> list[JudgedLookup]:
    at = MORNING + 100 * MINUTE
    firefox = [dropped_web(50 + n, at + n * MINUTE, "who.is", FIREFOX, "firefox", "10.20.4.42") for n in range(3)]
    chrome = [
        dropped_web(60 + n, at + n * MINUTE, "lookup.icann.org", CHROME, "chrome.exe", "10.20.4.17") for n in range(5)
    ]
    evidence = "2 browser extensions, consistent User-Agent"
    phone = dropped_web(70, at + 9 * MINUTE, "viewdns.info", None, evidence, "10.20.9.80")
    internal = judged(
        80,
        at + 11 * MINUTE,
        "whois.corp.example",
        asked("jdoe", "jdoe", QueryKind.PERSON),
        attribution=by_tuple(WHOIS),
        outcome=Outcome.DROPPED,
        reason="private destination",
        detail="10.20.0.9 is not a public address",
        dst_ip="10.20.0.9",
    )
    return [*firefox, *chrome, phone, *(allowed_scan(number, at) for number in range(4)), internal]


def finding(number: int, lookups: list[JudgedLookup], severity: Severity, parts: list[tuple[int, str]]) -> Finding:
    first = lookups[0]
    process = first.attribution.process if isinstance(first.attribution, Attributed) else None
    objects = [j.lookup.query.object or "" if j.lookup.query else j.lookup.server or "" for j in lookups]
    return Finding(
        id=f"F{number}",
        severity=severity,
        score=sum(points for points, _ in parts),
        score_parts=tuple(ScorePart(points=points, reason=reason) for points, reason in parts),
        host=process.host if process else first.lookup.src_ip or "unknown",
        user=process.user if process else None,
        process=process,
        first_seen=first.lookup.ts,
        last_seen=lookups[-1].lookup.ts,
        lookups=tuple(j.lookup.id for j in lookups),
        targets=tuple(dict.fromkeys(o for o in objects if o)),
    )


def findings() -> tuple[Finding, ...]:
    by_script = [
        (15, "RDAP or WHOIS over the web (12)"),
        (20, "36 objects asked about"),
        (5, "3 registries or services asked"),
        (10, "a server no list names: rdap.example"),
        (5, "started by a shell (bash)"),
        (5, "the process is certain"),
    ]
    disguised = [(15, "RDAP or WHOIS over the web (1)"), (40, "claims to be a browser and is none")]
    by_hand = [
        (20, "WHOIS session (3)"),
        (5, "also WHOIS tool started (3)"),
        (5, "started by a shell (bash)"),
        (5, "the process is certain"),
    ]
    return (
        finding(1, rdap_lookups(), Severity.HIGH, by_script),
        finding(2, whois_lookups(), Severity.MEDIUM, by_hand),
        finding(3, [masquerade()], Severity.MEDIUM, disguised),
    )


def inputs() -> tuple[InputReport, ...]:
    logs = "logs/2026-03-14"
    return (
        InputReport(path=f"{logs}/conn.log", kind="zeek conn tsv", bytes=48_212_004, records=412_908, candidates=31),
        InputReport(path=f"{logs}/ssl.log", kind="zeek ssl tsv", bytes=21_873_113, records=98_113, candidates=24),
        InputReport(path=f"{logs}/whois.log", kind="zeek whois tsv", bytes=9_220, records=31, candidates=31),
        InputReport(
            path="edr/ws-042.sysmon.ndjson",
            kind="sysmon flat",
            bytes=7_300_118,
            records=22_418,
            candidates=612,
            skipped=(Skipped(line=22_419, reason="JSON line cut in half at column 211"),),
            skipped_total=1,
        ),
        InputReport(
            path="edr/notes.docx",
            kind="unknown",
            bytes=18_220,
            skipped=(Skipped(line=None, reason="neither a sensor log nor an endpoint export"),),
            skipped_total=1,
            unreadable=True,
        ),
    )


def coverage() -> Coverage:
    return Coverage(
        start=MORNING - 59 * MINUTE + 3 * SECOND,
        end=MORNING + 9 * 60 * MINUTE - 2 * SECOND,
        hosts_with_edr=("scan-01.corp.example", "ws-017.corp.example", "ws-042.corp.example"),
        gaps=(
            "no ssl.log column ja3: the client class of 4 TLS sessions is unknown",
            "ws-017.corp.example: no EDR record between 11:02:10 and 11:48:55",
        ),
        clock_offsets=(
            ClockOffset(host="ws-042.corp.example", offset=2_412_118, anchors=212, spread=3_100),
            ClockOffset(host="ws-017.corp.example", offset=-176_502_000, anchors=88, spread=4_000),
            ClockOffset(
                host="scan-01.corp.example",
                offset=None,
                anchors=1,
                spread=0,
                reason="1 anchor only, 5 needed",
            ),
        ),
    )


def sample() -> Report:
    """Build the day: three findings, twelve lookups dropped or allowed, one input that could not be read."""
    lookups = [*whois_lookups(), *rdap_lookups(), masquerade(), *set_aside()]
    return Report(
        version="0.1.0",
        generated_at=MORNING + 25 * 60 * MINUTE,
        inputs=inputs(),
        coverage=coverage(),
        findings=findings(),
        lookups=tuple(sorted(lookups, key=lambda j: (j.lookup.ts, j.lookup.id))),
        notes=("allow rule for red team (whosasking.yaml, line 14) expired 2026-01-31 and allows nothing",),
    )


def quiet() -> Report:
    """Build the same day without a single lookup."""
    return msgspec.structs.replace(sample(), findings=(), lookups=(), notes=())


def unreadable() -> Report:
    """Build a run in which nothing could be read."""
    return msgspec.structs.replace(quiet(), inputs=inputs()[-1:], coverage=Coverage())


def busy(number: int = 500) -> Report:
    """Build a run with ``number`` findings of two lookups each."""
    lookups: list[JudgedLookup] = []
    found: list[Finding] = []
    for index in range(number):
        process = msgspec.structs.replace(WHOIS, host=f"ws-{index:03}.corp.example", key=f"g-{index}", pid=1000 + index)
        pair = [
            judged(
                index * 2 + step,
                MORNING + index * MINUTE + step * SECOND,
                "whois.arin.net",
                asked("n + 192.0.2.1", "192.0.2.1", QueryKind.IP),
                attribution=by_tuple(process),
            )
            for step in (0, 1)
        ]
        lookups += pair
        found.append(finding(index + 1, pair, Severity.LOW, [(20, "WHOIS tool run by a user")]))
    return msgspec.structs.replace(sample(), findings=tuple(found), lookups=tuple(lookups))


HOSTILE = (
    "[red]not red[/red]",
    "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\click",
    "first\r\nsecond\nthird",
    "\u202efdp.exe\u2066\u200b\u200d\ufeff\U000e0041",
    "A" * 5000,
    "w\u0308\u0308\u0308\u0308\u0308\u0308\u0308o",
    "\udc80\udcff raw bytes",
    '=HYPERLINK("http://evil.example")',
    "\tcmd\0|calc",
    "\N{FULLWIDTH EQUALS SIGN}1+1 \U0001f468\u200d\U0001f469 \u6f22\u5b57" * 20,
    "\u2028\u2029\x85\x9b31m\u3164\u00a0",
    "",
)  # fmt: skip


def hostile() -> Report:
    """Build the day with a hostile string wherever a log's or a configuration's text can stand."""
    numbers = iter(range(10**9))

    def poison(value: object) -> object:
        if isinstance(value, str) and type(value) is str:
            return HOSTILE[next(numbers) % len(HOSTILE)]
        if isinstance(value, tuple):
            return tuple(poison(item) for item in value)
        if isinstance(value, msgspec.Struct):
            kept = {"id", "lookups", "version"}  # these are ours
            fields = {name: getattr(value, name) for name in value.__struct_fields__ if name not in kept}
            return msgspec.structs.replace(value, **{n: v if n == "method" else poison(v) for n, v in fields.items()})
        return value

    clean = sample()
    return msgspec.structs.replace(
        clean,
        inputs=poison(clean.inputs),
        coverage=poison(clean.coverage),
        findings=poison(clean.findings),
        lookups=poison(clean.lookups),
        notes=poison(clean.notes),
    )
