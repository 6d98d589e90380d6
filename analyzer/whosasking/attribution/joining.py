"""One attribution run: load the record tables, align the clocks, climb the ladder, say why the rest is open."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from whosasking.attribution import clocks, communityids, indirect, nobody, policy, rungs, sql, tables, words
from whosasking.attribution.addresses import canonical
from whosasking.attribution.ladder import Ladder
from whosasking.attribution.registry import Registry
from whosasking.attribution.result import Result
from whosasking.attribution.tenancy import Tenancy, silences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from whosasking.attribution.behind import KnowsTools
    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.result import HostProduct
    from whosasking.engines.interface import Engine
    from whosasking.leases import Lease
    from whosasking.model import Attribution, Connection, EndpointReading, Lookup, Micros

_KNOWN_LINES = 1 << 14
"""Command lines whose kind of client is kept: most come again."""
NO_ADDRESSES: Mapping[str, Sequence[str]] = MappingProxyType({})
BELOW = (
    rungs.WITHOUT_PORT,
    rungs.BY_NAME,
    indirect.VIA_RESOLVER,
    rungs.BY_COMMAND,
    rungs.SAME_SERVER,
    indirect.THROUGH_PROXY,
    indirect.BEHIND_NAT,
    indirect.BY_HELLO,
)


def attribute(  # noqa: PLR0913, PLR0917 - the last four have defaults
    lookups: Sequence[Lookup],
    endpoint: EndpointReading,
    anchors: Sequence[Connection],
    host_addresses: Mapping[str, Sequence[str]] = NO_ADDRESSES,
    known: KnowsTools | None = None,
    leases: Sequence[Lease] = (),
    engine: Callable[[], Engine] | None = None,
) -> Result:
    """Say for every lookup which process made it, or why that cannot be said.

    ``anchors`` are connections whose tuples ``wanted`` asked for; ``host_addresses`` maps a host's name to addresses
    its records do not show; ``known`` is the catalogue (the shipped one when None); ``leases`` are DHCP's; ``engine``
    opens the database of the joins (the embedded one when None), when there is something to join.
    """
    # Where records of hosts without a part in any lookup were passed over, what remains of them is their time.
    recorded = (
        endpoint.starts or endpoint.sockets or endpoint.unowned_sockets or endpoint.name_queries or endpoint.spans
    )
    if not recorded or not (lookups or anchors):
        said: dict[str | None, Attribution] = {}
        return Result(attributions=[said.setdefault(one.src_ip, nobody.without_records(one)) for one in lookups])
    registry = Registry(endpoint, host_addresses)
    with (engine or _embedded)() as database:
        database.load("flow", tables.FlowRow, tables.flows(lookups, anchors))
        load_events(database, registry)
        aligned = on_one_clock(database, registry)
        tenancy = Tenancy(database, registry, leases)
        tenants = {n: tenancy.at(lookup.src_ip, lookup.ts) for n, lookup in enumerate(lookups)}
        ladder = Ladder(database, registry, aligned, dict(enumerate(lookups)), tenants)
        _climb(database, registry, ladder, lookups, known)
    attributions: list[Attribution] = [ladder.result(n) or nobody.because(n, ladder) for n in range(len(lookups))]
    return Result(
        attributions=attributions,
        offsets=clocks.offsets(aligned),
        gaps=_gaps(registry, lookups, list(ladder.hosts.values())),
        pieces={
            (clock.host.casefold(), clock.product.casefold()): clock.estimate.pieces
            for clock in aligned
            if clock.estimate.pieces
        },
        network_clocks=_by_product(aligned, [clock.network for clock in aligned]),
        process_clocks=_by_product(aligned, [clock.process for clock in aligned]),
    )


def _embedded() -> Engine:
    from whosasking.engines.duckdb import DuckDB  # noqa: PLC0415 - only here is it worth its start

    return DuckDB()


def load_events(engine: Engine, registry: Registry) -> None:
    """Load what the endpoints recorded of the network; the ``flow`` table is there already."""
    engine.load("socket", tables.SocketRow, tables.sockets(registry))
    engine.load("host_address", tables.AddressRow, tables.addresses(registry))
    engine.load("name_query", tables.NameRow, tables.names(registry))
    engine.query(sql.read("views"))


def on_one_clock(engine: Engine, registry: Registry, *, sampled: bool = False) -> list[Clock]:
    """Align every timeline's clock, and move its network events to the sensor's."""
    aligned = clocks.align(engine, registry, sampled=sampled)
    engine.load("clock_piece", tables.ClockPieceRow, clocks.rows(aligned))
    for view in ("socket_all", "name_query_all", "socket_at", "name_query_at", "witnessed"):
        engine.query(sql.read(view))
    return aligned


def _climb(
    engine: Engine, registry: Registry, ladder: Ladder, lookups: Sequence[Lookup], known: KnowsTools | None
) -> None:
    ladder.climb(rungs.BY_TUPLE)
    by_id = communityids.without_tuple(lookups)
    if by_id:
        servers = frozenset(filter(None, (canonical(lookups[row.lookup].dst_ip) for row in by_id)))
        engine.load("lookup_id", communityids.LookupIdRow, by_id)
        engine.load("socket_id", communityids.SocketIdRow, communityids.of_sockets(registry, servers))
        ladder.climb(rungs.BY_COMMUNITY_ID)
    if ladder.open():
        load_processes(engine, registry, known)
        ladder.silences = quiet(engine)
        engine.load("hello", indirect.HelloRow, indirect.learned(lookups, ladder.found, registry))
        ladder.climb_by_host(BELOW)


def quiet(engine: Engine) -> dict[int, list[tuple[Micros, Micros]]]:
    """Map hosts to the stretches in which they recorded nothing; processes are loaded."""
    return silences(engine.query(sql.read("silences"), {"least": policy.SILENCE, "times": policy.SILENCE_TIMES}))


def load_processes(engine: Engine, registry: Registry, known: KnowsTools | None) -> None:
    """Load what the rungs below the first need; the clocks are aligned."""
    engine.load("answer", tables.AnswerRow, tables.answers(registry))
    engine.load("process", tables.ProcessRow, tables.processes(registry, _tool_kinds(registry, known)))
    engine.query(sql.read("process_at"))
    engine.load("program", indirect.ProgramRow, indirect.programs(registry))


def _tool_kinds(registry: Registry, known: KnowsTools | None) -> dict[int, str]:
    """Ask the catalogue about every started process, once for each name and command line."""
    if known is None:
        from whosasking import catalogue  # noqa: PLC0415 -- a caller that brings its own needs none loaded

        known = catalogue.load()
    tool = lru_cache(_KNOWN_LINES)(known.tool)
    found = ((n, tool(process.name, process.command_line)) for n, _, process in registry.started())
    return {n: one.kind for n, one in found if one is not None}


def _by_product(aligned: Sequence[Clock], offsets: Iterable[Micros | None]) -> dict[HostProduct, Micros]:
    return {
        (clock.host.casefold(), clock.product.casefold()): offset
        for clock, offset in zip(aligned, offsets, strict=True)
        if offset is not None
    }


def _gaps(registry: Registry, lookups: Sequence[Lookup], hosts: Sequence[Sequence[int]]) -> tuple[str, ...]:
    clients = {lookup.src_ip for lookup in lookups if lookup.src_ip}
    bare = {lookup.src_ip for lookup, ours in zip(lookups, hosts, strict=True) if lookup.src_ip and not ours}
    shared = {
        words.shared_address(lookup.src_ip, [registry.hosts[host] for host in ours])
        for lookup, ours in zip(lookups, hosts, strict=True)
        if lookup.src_ip and len(ours) > 1
    }
    damaged = sum(not tables.usable(socket.ts) for socket in registry.sockets)
    damaged += sum(not tables.usable(query.ts) for query in registry.reading.name_queries)
    gaps = sorted(shared)
    if bare:
        listed = ", ".join(words.names(bare))
        gaps.insert(0, f"no endpoint records for {len(bare)} of {len(clients)} clients that made lookups: {listed}")
    if damaged:
        gaps.append(f"{damaged} endpoint records with an impossible time were left out")
    return tuple(gaps)
