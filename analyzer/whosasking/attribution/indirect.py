"""Rungs of indirect evidence: through a resolver, a proxy, address translation, and by what ClientHellos taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution import policy
from whosasking.attribution.registry import is_unknown
from whosasking.attribution.rungs import MOST_MATCHES, Choice, Rung, distinct, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.attribution.registry import Registry
    from whosasking.attribution.rungs import Match
    from whosasking.attribution.tables import LookupRow
    from whosasking.model import Attributed, Lookup


def choose_via_resolver(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process that spoke to the resolver then; a resolver above it asks for others, too."""
    asking = [match for match in matches if not registry.is_resolver(registry.processes[match.process])]
    return nearest(distinct(asking, registry), policy.VIA_RESOLVER)


def choose_through_proxy(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process that wanted this server then."""
    return nearest(distinct(matches, registry), policy.THROUGH_PROXY)


def choose_translated(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process, of all hosts, that spoke to the server then; the client's own port says more."""
    kept = [match for match in matches if match.evidence == "port kept"]
    known, unknown = distinct(kept or matches, registry)
    if len(known) == 1 and unknown is None:
        return Choice(winner=known[0], confidence=policy.PORT_KEPT if kept else policy.TRANSLATED)
    every = (*known, unknown) if unknown is not None else tuple(known)
    return Choice(others=every if len(every) > 1 else ())


def choose_by_hello(_: LookupRow, matches: Sequence[Match], registry: Registry) -> Choice:
    """Take the one process of the program that was at work then."""
    known, _unknown = distinct(matches, registry)
    if len(known) == 1:
        own = known[0].evidence == "hello of the host"
        return Choice(winner=known[0], confidence=policy.HELLO_OF_HOST if own else policy.HELLO_OF_SITE)
    return Choice(others=tuple(known) if len(known) > 1 else ())


class HelloRow(msgspec.Struct):
    """A ClientHello that one program alone sends, on a host or (``host`` None) on the whole site."""

    ja3: str
    host: int | None
    program: str


class ProgramRow(msgspec.Struct):
    """The program a process runs, and where."""

    process: int
    host: int
    program: str


def program_of(name: str) -> str:
    """Give the name by which a program is known on every host."""
    return name.casefold().encode("utf-8", "replace").decode("utf-8")


def programs(registry: Registry) -> Iterable[ProgramRow]:
    """Give the program of every process."""
    for n, process in enumerate(registry.processes):
        if not is_unknown(process):
            yield ProgramRow(n, registry.host(process.host), program_of(process.name))


def learned(lookups: Sequence[Lookup], found: dict[int, Attributed], registry: Registry) -> list[HelloRow]:
    """Give the ClientHellos of exact matches that were one program's alone, often enough to believe."""
    programs_of: dict[tuple[str, int | None], dict[str, int]] = {}
    for n, given in found.items():
        ja3 = lookups[n].client.ja3
        if ja3 and given.method in {"5-tuple", "community id"}:
            program = program_of(given.process.name)
            for host in (registry.host(given.process.host), None):
                counts = programs_of.setdefault((ja3, host), {})
                counts[program] = counts.get(program, 0) + 1
    return [
        HelloRow(ja3, host, program)
        for (ja3, host), counts in sorted(programs_of.items(), key=lambda one: (one[0][0], one[0][1] or -1))
        if len(counts) == 1
        for program, times in counts.items()
        if times >= policy.HELLOS
    ]


VIA_RESOLVER = Rung(
    method="dns event",
    sql="via_resolver",
    parameters={"jitter": policy.EARLY, "near": policy.NEAR, "reach": policy.FEW_SECONDS},
    what="the process asked the host's resolver, which resolved the server's name (via DNS client)",
    label="question to the resolver",
    complete=False,
    choose=choose_via_resolver,
)
THROUGH_PROXY = Rung(
    method="proxy",
    sql="proxy",
    parameters={
        "jitter": policy.NEAR,
        "reach": policy.FEW_SECONDS,
        "told_apart": policy.NOT_TOLD_APART,
        "most": MOST_MATCHES,
    },
    what="through a proxy: the endpoint recorded a connection to the server's name by way of another address",
    label="server's name through a proxy",
    complete=False,
    choose=choose_through_proxy,
)
BEHIND_NAT = Rung(
    method="nat",
    sql="nat",
    parameters={
        "near": policy.NEAR,
        "reach": policy.SAME_CONNECTION["tcp"],
        "jitter": policy.NOT_TOLD_APART,
        "most": MOST_MATCHES,
    },
    what="behind address translation: of all endpoints one alone spoke to the server and port then",
    label="server, port and time behind address translation",
    any_clock=True,
    complete=False,
    choose=choose_translated,
)
BY_HELLO = Rung(
    method="client hello",
    sql="hello",
    parameters={"jitter": policy.EARLY, "reach": policy.SAME_SERVER},
    what="exact matches taught that this ClientHello is this program's",
    label="ClientHello",
    complete=False,
    choose=choose_by_hello,
)
