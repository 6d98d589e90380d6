"""The additive score of a finding: points, each with the reason a reader can check.

Severity follows from the sum: info below 15, low from 15, medium from 35, high from 60, critical from 90. A lone lookup
by a plain tool is low; one that hides what it is, asks for people or walks through many objects climbs; a lookup that
may well have been a person in a browser falls to info.

Everything is counted over the lookups of one episode, so the same lookups in another order score the same.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from whosasking import reasons
from whosasking.allowlist import CONFIDENT, address, host_name
from whosasking.model import Attributed, ClientClass, Detection, Process, QueryKind, ScorePart, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whosasking.catalogue import Catalogue
    from whosasking.model import JudgedLookup, Lookup, Query

_SEVERITIES = ((90, Severity.CRITICAL), (60, Severity.HIGH), (35, Severity.MEDIUM), (15, Severity.LOW))

_BASE = {
    Detection.PORT43: (20, "WHOIS session"),
    Detection.TOOL: (20, "WHOIS tool started"),
    Detection.WEB: (15, "RDAP or WHOIS over the web"),
}
_CORROBORATED = 5
_DISGUISE = {
    reasons.MASQUERADE: (40, "claims to be a browser and is none"),
    reasons.MISPLACED_BROWSER: (40, "a browser's name outside its install path"),
    reasons.BROWSER_ON_PORT_43: (40, "a browser's name speaking WHOIS"),
    reasons.AUTOMATED_BROWSER: (30, "an automated browser"),
}
_MANY_OBJECTS = ((100, 30), (20, 20), (5, 10))
_MANY_OPERATORS = ((6, 10), (3, 5))  # registry, then registrar, is one lookup: two operators are no sign
_PEOPLE = {
    QueryKind.PERSON: "people",
    QueryKind.HANDLE: "contact handles",
    QueryKind.ORGANISATION: "organisations",
}
_STANDARD_PORTS = frozenset({43, 4321, 4343})  # WHOIS, RWhois, DAS

MAX_ANCESTORS = 16


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHELLS = _names("bash sh dash ash zsh ksh fish csh tcsh busybox cmd powershell powershell_ise pwsh")
_INTERPRETERS = _names(
    "python pythonw perl ruby node php java lua osascript wscript cscript mshta rundll32 regsvr32 msbuild wmic"
)
_OFFICE = _names("winword excel powerpnt outlook olk onenote msaccess mspub visio eqnedt32 acrobat acrord32 soffice")
_WEB_SERVERS = _names("w3wp httpd apache apache2 nginx lighttpd caddy php-fpm php-cgi tomcat catalina")
_PARENTS = (
    (30, "an Office program", _OFFICE),
    (25, "a web server", _WEB_SERVERS),
    (10, "an interpreter", _INTERPRETERS),
    (5, "a shell", _SHELLS),
)
_VERSION = re.compile(r"[0-9.]+\Z")

_SYSTEM_USERS = frozenset({"system", "root", "localsystem", "s-1-5-18"})
_SERVICE_USERS = frozenset({"local service", "network service", "s-1-5-19", "s-1-5-20"}) | _names(
    "www-data apache nginx httpd nobody daemon tomcat mysql postgres oracle jenkins"
)

_LONG_QUERY = 512
_ENCODED = re.compile(r"[A-Za-z0-9+/_=-]{80,}")


def severity(score: int) -> Severity:
    """Grade a score; the thresholds stand in this module's description."""
    return next((grade for least, grade in _SEVERITIES if score >= least), Severity.INFO)


def parts(episode: Sequence[JudgedLookup], processes: Sequence[Process], catalogue: Catalogue) -> tuple[ScorePart, ...]:
    """Score an episode; ``processes`` are the distinct processes in it. The points sum to the score, never below 0."""
    seen = _Seen(episode)
    found = [
        *_detections(seen),
        *_disguise(seen),
        *_volume(seen),
        *_people(seen),
        *_servers(seen, catalogue),
        *_payload(seen),
        *_parents(processes),
        *_users(processes),
        *_certainty(seen),
        *_doubts(seen),
        *_benign(processes, catalogue),
    ]
    total = sum(part.points for part in found)
    if total < 0:
        found.append(_part(-total, "a score is never below 0"))
    return tuple(found)


class _Seen:
    """What the lookups of an episode show, gathered in one pass: there may be a million, and they may lie on disk."""

    def __init__(self, episode: Iterable[JudgedLookup]) -> None:
        self.detections: Counter[Detection] = Counter()
        self.verdicts: set[str] = set()
        self.objects: set[str] = set()
        self.unnamed_objects = 0
        """Those of bulk sessions, which name their first only."""
        self.kinds: set[QueryKind | None] = set()
        self.servers: set[str] = set()
        self.odd_ports: set[int] = set()
        self.carries_data = False
        self.surest: float | None = None
        self.sessions = 0
        self.failed_sessions = 0
        self.all_noisy = True
        self.all_perhaps_persons = True
        for item in episode:
            self._add(item)

    def _add(self, item: JudgedLookup) -> None:
        lookup = item.lookup
        self.detections[lookup.detection] += 1
        self.verdicts.add(item.verdict.reason)
        if lookup.query:
            self._add_query(lookup.query, lookup)
        if lookup.server:
            self.servers.add(host_name(lookup.server))
        port = _odd_port(lookup)
        if port is not None:
            self.odd_ports.add(port)
        owner = _named(item)
        if owner is not None:
            self.surest = owner.confidence if self.surest is None else max(self.surest, owner.confidence)
        if lookup.detection is not Detection.TOOL:
            self.sessions += 1
            self.failed_sessions += lookup.established is False
        self.all_noisy = self.all_noisy and lookup.noise == "high"
        self.all_perhaps_persons = self.all_perhaps_persons and _perhaps_a_person(item)

    def _add_query(self, query: Query, lookup: Lookup) -> None:
        if query.object:
            self.objects.add(host_name(query.object))
        self.unnamed_objects += max(query.count - 1, 0)
        self.kinds.add(query.kind)
        if lookup.transport == "tcp" and not self.carries_data:
            self.carries_data = len(query.text) >= _LONG_QUERY or _ENCODED.search(query.text) is not None


@lru_cache(maxsize=1024)
def _part(points: int, reason: str) -> ScorePart:
    return ScorePart(points=points, reason=reason)


def _detections(seen: _Seen) -> Iterator[ScorePart]:
    counts = seen.detections
    strongest, *others = sorted(counts, key=lambda detection: (-_BASE[detection][0], detection))
    points, text = _BASE[strongest]
    yield _part(points, f"{text} ({counts[strongest]})")
    for detection in others:
        yield _part(_CORROBORATED, f"also {_BASE[detection][1]} ({counts[detection]})")


def _disguise(seen: _Seen) -> Iterator[ScorePart]:
    return (_part(points, text) for reason, (points, text) in _DISGUISE.items() if reason in seen.verdicts)


def _volume(seen: _Seen) -> Iterator[ScorePart]:
    """Count distinct objects; a bulk session names its first object only and counts the rest."""
    asked = len(seen.objects) + seen.unnamed_objects
    for least, points in _MANY_OBJECTS:
        if asked >= least:
            yield _part(points, f"{asked:,} objects asked about")
            return


def _people(seen: _Seen) -> Iterator[ScorePart]:
    asked = [text for kind, text in _PEOPLE.items() if kind in seen.kinds]
    if asked:
        yield _part(20, f"searched for {', '.join(asked)}")


def _servers(seen: _Seen, catalogue: Catalogue) -> Iterator[ScorePart]:
    operators, unlisted = set(), set()
    for name in seen.servers:
        if address(name):
            continue
        match = catalogue.host(name)
        operators.add((match.operator if match else None) or name)
        if match is None or match.how == "label":
            unlisted.add(name)
    for least, points in _MANY_OPERATORS:
        if len(operators) >= least:
            yield _part(points, f"{len(operators)} registries or services asked")
            break
    if unlisted:
        first = min(unlisted)
        yield _part(
            10, f"a server no list names: {first}" + (f" and {len(unlisted) - 1} more" if unlisted - {first} else "")
        )
    if seen.odd_ports:
        yield _part(15, f"WHOIS on port {', '.join(map(str, sorted(seen.odd_ports)[:5]))}")


def _odd_port(lookup: Lookup) -> int | None:
    whois = lookup.detection is Detection.PORT43 and lookup.dst_port not in _STANDARD_PORTS
    return lookup.dst_port if whois else None


def _payload(seen: _Seen) -> Iterator[ScorePart]:
    """Look for data carried in a query: `whois -h HOST -p PORT "base64..."` is a known file transfer."""
    if seen.carries_data:
        yield _part(25, "a query that carries data rather than a name")


def _parents(processes: Sequence[Process]) -> Iterator[ScorePart]:
    names = {_program(ancestor.name) for process in processes for ancestor in ancestors(process)}
    for points, text, programs in _PARENTS:
        found = sorted(names & programs)
        if found:
            yield _part(points, f"started by {text} ({', '.join(found)})")
            return


def ancestors(process: Process) -> Iterator[Process]:
    """Climb to the parents the record holds, a bounded number of levels."""
    for _ in range(MAX_ANCESTORS):
        if process.parent is None:
            return
        process = process.parent
        yield process


def _program(name: str) -> str:
    """Bring ``Python3.11.exe`` to ``python``."""
    bare = name.casefold().removesuffix(".exe")
    return bare if bare in _WEB_SERVERS | _OFFICE else _VERSION.sub("", bare).rstrip("-")


def _users(processes: Sequence[Process]) -> Iterator[ScorePart]:
    users = sorted({process.user for process in processes if process.user})
    for points, text, test in ((10, "the system account", _is_system), (10, "a service account", _is_service)):
        found = next((user for user in users if test(user)), None)
        if found is not None:
            yield _part(points, f"run as {text} {found}")
            return


def _account(user: str) -> str:
    return user.casefold().rpartition("\\")[2]


def _is_system(user: str) -> bool:
    return _account(user) in _SYSTEM_USERS


def _is_service(user: str) -> bool:
    account, domain = _account(user), user.casefold().rpartition("\\")[0]
    named = account.startswith(("svc-", "svc_")) or account.endswith("$")
    return named or account in _SERVICE_USERS or domain in ("iis apppool", "nt service")


def _certainty(seen: _Seen) -> Iterator[ScorePart]:
    if seen.surest is None:
        return
    if seen.surest >= 0.9:  # noqa: PLR2004 - what the ladder's exact rungs give
        yield _part(5, "the process is certain")
    elif seen.surest < CONFIDENT:
        yield _part(-10, "the process is a guess")


def _named(item: JudgedLookup) -> Attributed | None:
    """Return the attribution to a process with a name: an endpoint may record a connection without its process."""
    attribution = item.attribution
    return attribution if isinstance(attribution, Attributed) and attribution.process.name else None


def _doubts(seen: _Seen) -> Iterator[ScorePart]:
    if seen.sessions and seen.failed_sessions == seen.sessions:
        yield _part(-10, "no session was established")
    if seen.all_noisy:
        yield _part(-10, "only servers that also carry much unrelated traffic")
    if seen.all_perhaps_persons:
        yield _part(-10, "could be a person in a browser: no process, and the wire does not tell")


def _perhaps_a_person(item: JudgedLookup) -> bool:
    return (
        item.lookup.detection is Detection.WEB
        and _named(item) is None
        and item.lookup.client.cls is not ClientClass.TOOL
        and item.verdict.reason == reasons.UNKNOWN_CLIENT
    )


def _benign(processes: Sequence[Process], catalogue: Catalogue) -> Iterator[ScorePart]:
    hints = sorted({hint for process in processes if (hint := catalogue.benign(process))})
    if hints:
        yield _part(-15, f"looks like {'; '.join(hints[:3])}")
