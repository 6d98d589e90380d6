"""The rungs of the evidence ladder: what each asks the record tables, and when one of its answers wins.

Every rung's SQL gives rows of (lookup, process, timeline, apart, socket, evidence, own); ``apart`` is the lookup's time
minus the event's, both on the sensor's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from whosasking.attribution import policy
from whosasking.attribution.registry import is_unknown
from whosasking.model import Method, Micros, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.attribution.tables import LookupRow

_RANKS = {
    "server and object": policy.NAMES_OBJECT,
    "object": policy.NAMES_OBJECT,
    "server": policy.NAMES_SERVER,
    "client": policy.KNOWN_CLIENT,
}


EXACT = frozenset({"tuple", "tuple, other end"})
"""Evidence that is the connection itself, recorded by the host that opened it or by the one that answered."""


class Match(NamedTuple):
    """One event that could explain a lookup. Only one that is told as far away may have no ``apart``."""

    process: int
    timeline: int
    apart: Micros | None
    socket: int | None
    evidence: str
    own: Micros | None = None
    """The event's time by the host's own clock."""


class Choice(Record, frozen=True, kw_only=True):
    """What a rung says of one lookup: a winner, or candidates it cannot choose between, or neither (all empty)."""

    winner: Match | None = None
    confidence: float = 0.0
    others: tuple[Match, ...] = ()
    unknown: Match | None = None
    """An event that fits but has no process in it."""


class Rung(Record, frozen=True, kw_only=True):
    """``sql`` names the statement, ``choose`` weighs its rows for one lookup."""

    method: Method
    sql: str
    parameters: dict[str, int]
    what: str
    """The evidence, in the words of a reason."""
    label: str
    """The evidence, where several processes share it."""
    complete: bool = True
    """Whether every process that could have made the lookup is among the rows: a weaker rung may then only choose one
    of them."""
    any_clock: bool = False
    """Whether its confidence holds for clocks that nothing set, too."""
    choose: Callable[[LookupRow, Sequence[Match], Registry], Choice]


def choose_by_tuple(lookup: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the nearest event on the tuple. Two processes on one tuple at one time are ambiguous."""
    near = [match for match in matches if _same_connection(lookup, match.apart)]
    known, unknown = distinct(near, registry)
    if not known:
        return Choice(unknown=unknown)
    first, *others = known
    if others and _distance(others[0]) - _distance(first) < policy.TELLS_APART:
        return Choice(others=tuple(known))
    at_once = lookup.protocol == "udp" or _distance(first) <= policy.SAME_CONNECTION["tcp"]
    confidence = policy.TUPLE_SURE if at_once else policy.TUPLE_LATER
    return Choice(winner=first, confidence=confidence, others=tuple(others))


def choose_without_port(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process near in time; of several, one that alone is very near."""
    return nearest(distinct(matches, registry), policy.NO_LOCAL_PORT)


def choose_by_name(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process that asked for the name. The system's DNS client asks for others, so it is never the one."""
    return nearest(
        distinct([match for match in matches if match.evidence != "resolver"], registry), policy.RESOLVED_NAME
    )


def choose_by_server(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process that used this server, if it did before and after."""
    known, unknown = distinct(matches, registry)
    if len(known) == 1 and unknown is None and known[0].evidence == "before and after":
        return Choice(winner=known[0], confidence=policy.OTHER_CONNECTION)
    every = (*known, unknown) if unknown is not None else tuple(known)
    return Choice(others=every if len(every) > 1 else ())


def choose_by_command(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process of the strongest evidence; a shell gives way to the child it started for the lookup."""
    for rank, confidence in _RANKS.items():
        ranked = [match for match in matches if match.evidence == rank]
        if ranked:
            known = _leaves(distinct(ranked, registry)[0], registry)
            return nearest((known, None), confidence)
    return Choice()


def nearest(found: tuple[list[Match], Match | None], confidence: float) -> Choice:
    """Take the only process, or of several the one that alone is very near."""
    known, unknown = found
    if not known:
        return Choice(unknown=unknown)
    first, *others = known
    if not others:
        return Choice(winner=first, confidence=confidence)
    if _distance(first) <= policy.NEAR < _distance(others[0]):
        return Choice(winner=first, confidence=confidence * policy.SEVERAL_NEAR, others=tuple(others))
    return Choice(others=tuple(known))


def _same_connection(lookup: LookupRow, apart: Micros | None) -> bool:
    if apart is None:
        return False
    if lookup.src_port == lookup.dst_port:
        return abs(apart) <= policy.TELLS_APART
    if lookup.protocol == "udp":
        return abs(apart) <= policy.SAME_CONNECTION["udp"]
    later = policy.KEPT_ALIVE if lookup.clear_http else policy.TOO_SOON
    return -policy.SAME_CONNECTION["tcp"] <= apart <= later


def _distance(match: Match) -> Micros:
    return abs(match.apart) if match.apart is not None else policy.KEPT_ALIVE


def distinct(matches: Iterable[Match], registry: Registry) -> tuple[list[Match], Match | None]:
    """Keep each process's nearest match, in order of distance, and one match that has no process in it.

    Two products on one host number a process differently; a pid and name they agree on at one time are one process.
    """
    known: dict[int, Match] = {}
    unknown: Match | None = None
    for match in sorted(matches, key=lambda one: (_distance(one), one.process)):
        if is_unknown(registry.processes[match.process]):
            unknown = unknown or match
            continue
        twin = next((other for other in known.values() if _one_process(match, other, registry)), None)
        if twin is None:
            known[match.process] = match
        elif _knowledge(match, registry) > _knowledge(twin, registry):
            known = {n: other for n, other in known.items() if other is not twin} | {match.process: match}
    return sorted(known.values(), key=_distance), unknown


def _knowledge(match: Match, registry: Registry) -> int:
    process = registry.processes[match.process]
    return sum(field is not None for field in (process.pid, process.user, process.command_line, process.started))


def _one_process(match: Match, other: Match, registry: Registry) -> bool:
    if match.process == other.process:
        return True
    if match.timeline == other.timeline:
        return False
    ours, theirs = registry.processes[match.process], registry.processes[other.process]
    # Without pids, what two products recorded on one exact tuple at one time is one process if it is one program.
    exact = match.evidence == other.evidence and match.evidence in EXACT
    on_one_tuple = exact and None in {ours.pid, theirs.pid}
    return (
        ((ours.pid is not None and ours.pid == theirs.pid) or on_one_tuple)
        and registry.host(ours.host) == registry.host(theirs.host)
        and ours.name.casefold() == theirs.name.casefold()
    )


def _leaves(matches: Sequence[Match], registry: Registry) -> list[Match]:
    """Leave out processes that started another of the candidates: ``sh -c "whois x"`` gives way to ``whois x``."""
    ancestors = set()
    for match in matches:
        parent = registry.processes[match.process].parent
        while parent is not None:
            ancestors.add((registry.host(parent.host), parent.key))
            parent = parent.parent
    return [match for match in matches if _key(match, registry) not in ancestors]


def _key(match: Match, registry: Registry) -> tuple[int, str]:
    process = registry.processes[match.process]
    return registry.host(process.host), process.key


MOST_MATCHES = 16
BY_TUPLE = Rung(
    method="5-tuple",
    sql="tuple",
    parameters={"reach": policy.KEPT_ALIVE, "most": MOST_MATCHES},
    what="same 5-tuple",
    label="5-tuple",
    choose=choose_by_tuple,
)
BY_COMMUNITY_ID = msgspec.structs.replace(
    BY_TUPLE, method="community id", sql="community_id", what="same community id", label="community id"
)
WITHOUT_PORT = Rung(
    method="3-tuple",
    sql="no_local_port",
    parameters={"reach": policy.FEW_SECONDS, "jitter": policy.NOT_TOLD_APART, "most": MOST_MATCHES},
    what="same server and port, the endpoint records no local port",
    label="server and port",
    choose=choose_without_port,
)
BY_NAME = Rung(
    method="dns event",
    sql="name_query",
    parameters={"reach": policy.FEW_SECONDS, "near": policy.NEAR, "jitter": policy.EARLY},
    what="the process resolved the server's name before",
    label="resolved name",
    choose=choose_by_name,
)
BY_COMMAND = Rung(
    method="command line",
    sql="command_line",
    parameters={
        "jitter": policy.EARLY,
        "server_life": policy.SERVER_LIFE,
        "short_life": policy.SHORT_LIFE,
        "shortest": policy.SHORTEST_OBJECT,
    },
    what="running then",
    label="command line",
    complete=False,
    choose=choose_by_command,
)
SAME_SERVER = Rung(
    method="3-tuple",
    sql="same_server",
    parameters={"reach": policy.SAME_SERVER},
    what="this connection was not recorded, but others to the server and port before and after, all by one process",
    label="other connections to the server and port",
    complete=False,
    choose=choose_by_server,
)
