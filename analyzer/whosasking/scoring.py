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
    from collections.abc import Iterator, Sequence

    from whosasking.catalogue import Catalogue
    from whosasking.model import JudgedLookup, Lookup

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
    found = [
        *_detections(episode),
        *_disguise(episode),
        *_volume(episode),
        *_people(episode),
        *_servers(episode, catalogue),
        *_payload(episode),
        *_parents(processes),
        *_users(processes),
        *_certainty(episode),
        *_doubts(episode),
        *_benign(processes, catalogue),
    ]
    total = sum(part.points for part in found)
    if total < 0:
        found.append(_part(-total, "a score is never below 0"))
    return tuple(found)


def objects(lookups: Sequence[JudgedLookup]) -> list[str]:
    """Return the distinct objects asked about, case-folded, in the order of the lookups."""
    asked = (item.lookup.query.object for item in lookups if item.lookup.query and item.lookup.query.object)
    return list(dict.fromkeys(host_name(name) for name in asked))


@lru_cache(maxsize=1024)
def _part(points: int, reason: str) -> ScorePart:
    return ScorePart(points=points, reason=reason)


def _detections(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    counts = Counter(item.lookup.detection for item in episode)
    strongest, *others = sorted(counts, key=lambda detection: (-_BASE[detection][0], detection))
    points, text = _BASE[strongest]
    yield _part(points, f"{text} ({counts[strongest]})")
    for detection in others:
        yield _part(_CORROBORATED, f"also {_BASE[detection][1]} ({counts[detection]})")


def _disguise(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    given = {item.verdict.reason for item in episode}
    return (_part(points, text) for reason, (points, text) in _DISGUISE.items() if reason in given)


def _volume(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    """Count distinct objects; a bulk session names its first object only and counts the rest."""
    more = sum(max(item.lookup.query.count - 1, 0) for item in episode if item.lookup.query)
    asked = len(objects(episode)) + more
    for least, points in _MANY_OBJECTS:
        if asked >= least:
            yield _part(points, f"{asked:,} objects asked about")
            return


def _people(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    kinds = {item.lookup.query.kind for item in episode if item.lookup.query}
    asked = [text for kind, text in _PEOPLE.items() if kind in kinds]
    if asked:
        yield _part(20, f"searched for {', '.join(asked)}")


def _servers(episode: Sequence[JudgedLookup], catalogue: Catalogue) -> Iterator[ScorePart]:
    operators, unlisted = set(), set()
    for name in {host_name(item.lookup.server) for item in episode if item.lookup.server}:
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
    odd = sorted({port for item in episode if (port := _odd_port(item.lookup)) is not None})
    if odd:
        yield _part(15, f"WHOIS on port {', '.join(map(str, odd[:5]))}")


def _odd_port(lookup: Lookup) -> int | None:
    whois = lookup.detection is Detection.PORT43 and lookup.dst_port not in _STANDARD_PORTS
    return lookup.dst_port if whois else None


def _payload(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    """Look for data carried in a query: `whois -h HOST -p PORT "base64..."` is a known file transfer."""
    texts = [item.lookup.query.text for item in episode if item.lookup.query and item.lookup.transport == "tcp"]
    if any(len(text) >= _LONG_QUERY or _ENCODED.search(text) for text in texts):
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


def _certainty(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    sure = [owner.confidence for item in episode if (owner := _named(item))]
    if sure and max(sure) >= 0.9:  # noqa: PLR2004 - what the ladder's exact rungs give
        yield _part(5, "the process is certain")
    elif sure and max(sure) < CONFIDENT:
        yield _part(-10, "the process is a guess")


def _named(item: JudgedLookup) -> Attributed | None:
    """Return the attribution to a process with a name: an endpoint may record a connection without its process."""
    attribution = item.attribution
    return attribution if isinstance(attribution, Attributed) and attribution.process.name else None


def _doubts(episode: Sequence[JudgedLookup]) -> Iterator[ScorePart]:
    lookups = [item.lookup for item in episode]
    sessions = [lookup for lookup in lookups if lookup.detection is not Detection.TOOL]
    if sessions and all(lookup.established is False for lookup in sessions):
        yield _part(-10, "no session was established")
    if all(lookup.noise == "high" for lookup in lookups):
        yield _part(-10, "only servers that also carry much unrelated traffic")
    if all(_perhaps_a_person(item) for item in episode):
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
