"""Every connection of the logs, attributed: millions of them in bounded memory.

Connections and endpoint events lie in the engine. They are gone through in stretches of time: what the exact tuple
decides beyond doubt is decided by one statement for the whole stretch, and only what is left goes down the ladder.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from whosasking.attribution import clocks, indirect, nobody, policy, rungs, sql, tables, words
from whosasking.attribution.addresses import canonical
from whosasking.attribution.behind import Behind
from whosasking.attribution.flowrows import AssumedRow, DecidedRow, NobodyRow, SpellingRow, ToldRow, row_of
from whosasking.attribution.joining import BELOW, load_events, load_processes, on_one_clock, quiet
from whosasking.attribution.ladder import Ladder
from whosasking.attribution.registry import Registry, is_unknown
from whosasking.attribution.tenancy import Tenancy
from whosasking.model import Attributed, Sighting, Unattributed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import BinaryIO

    from whosasking.attribution.behind import KnowsPrograms
    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.flowrows import Exact, Row
    from whosasking.attribution.tenancy import Tenant
    from whosasking.leases import Lease
    from whosasking.model import Attribution, ClockOffset, Connection, EndpointReading, Lookup, Micros

MEMORY, MEMORY_PER_THREAD = 100, 150
"""MB the engine may hold; more spills."""
STRETCH = 50_000
"""Connections gone through at once: what is held in Python's memory."""
PART = 500_000
"""Sessions whose names are put together at once: what the engine holds."""
SORTED = 32 << 20
"""Characters of command lines that are sorted at once."""
_CONNECTION = "wire_connection"
_NAME = "wire_name"
_CONNECTION_KINDS = {
    "ts": "BIGINT",
    "protocol": "VARCHAR",
    "src_ip": "VARCHAR",
    "src_port": "BIGINT",
    "dst_ip": "VARCHAR",
    "dst_port": "BIGINT",
    "uid": "VARCHAR",
    "community_id": "VARCHAR",
    "established": "BIGINT",
}
_NAME_KINDS = {"uid": "VARCHAR", "server": "VARCHAR", "ja3": "VARCHAR"}
_COLUMNS = "ts, protocol, src_ip, src_port, dst_ip, dst_port, uid, community_id, established"


class Connections:
    """One run over all connections. Use it as a context manager; leaving it deletes everything it holds.

    Write the connections and their names into the ``spool``, then call ``align`` once, then go through ``attributed``.
    """

    def __init__(
        self,
        endpoint: EndpointReading,
        host_addresses: Mapping[str, Sequence[str]],
        known: KnowsPrograms,
    ) -> None:
        """Take what the endpoints recorded; the other arguments are those of ``attribute``."""
        from whosasking.engines.duckdb import DuckDB  # noqa: PLC0415 - an engine costs a tenth of a second

        self._engine = DuckDB(_memory_limit(), on_disk=True)
        self._known = known
        self._registry = Registry(endpoint, host_addresses)
        self._clocks: list[Clock] = []
        self._first = self._last = 0
        self._parts = 1
        self._behind = Behind(known)
        self._silences: dict[int, list[tuple[Micros, Micros]]] = {}
        self._tenancy: Tenancy

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete what was spooled and loaded."""
        self._engine.__exit__(kind, error, trace)

    @contextmanager
    def spool(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Open the files for connections and for names, in the columns of ``sensors.flows``."""
        with self._engine.spool(_CONNECTION) as connections, self._engine.spool(_NAME) as names:
            yield connections, names

    def align(self, leases: Sequence[Lease] = (), since: Micros | None = None, until: Micros | None = None) -> None:
        """Load everything and align the clocks. The spool is written and closed.

        Clocks are aligned on all connections; those from ``since`` on and before ``until`` are attributed.
        """
        engine = self._engine
        engine.load_spooled(_CONNECTION, _CONNECTION_KINDS, _CONNECTION)
        engine.load_spooled(_NAME, _NAME_KINDS, _NAME)
        written = [str(spelling) for (spelling,) in engine.query(sql.read("spellings"))]
        spellings = (SpellingRow(spelling, canonical(spelling) or spelling) for spelling in written)
        engine.load("spelling", SpellingRow, spellings)
        engine.query(sql.read("connections"))
        self._name()
        engine.query(_FLOWS_OF_ALL)
        load_events(engine, self._registry)
        self._clocks = on_one_clock(engine, self._registry, sampled=True)
        for events in ("socket", "name_query"):
            self._in_order(events)
        engine.query("DROP VIEW flow")
        engine.load("flow", tables.FlowRow, ())
        engine.query(sql.read("views"))
        nobodies = (n for n, process in enumerate(self._registry.processes) if is_unknown(process))
        engine.load("nobody", NobodyRow, (NobodyRow(n) for n in nobodies))
        assumed = (timeline for timeline, clock in enumerate(self._clocks) if clock.assumed)
        engine.load("assumed", AssumedRow, (AssumedRow(timeline) for timeline in assumed))
        load_processes(engine, self._registry, self._known)
        self._silences = quiet(engine)
        self._processes_in_order()
        engine.query("CREATE TABLE witness AS SELECT * FROM witnessed")
        engine.query("CREATE OR REPLACE TEMPORARY VIEW witnessed AS SELECT * FROM witness")
        self._tenancy = Tenancy(engine, self._registry, leases)
        low, high = -tables.LATEST if since is None else since, tables.LATEST if until is None else until
        ((self._first, self._last),) = engine.query(_RANGE, {"since": low, "until": high})
        self._decide()

    def _name(self) -> None:
        """Say what is known of each connection's session, in order of the connections."""
        engine = self._engine
        ((names,),) = engine.query(f"SELECT count(*) FROM {_NAME}")  # noqa: S608 - our own name
        self._parts = 1 + names // PART
        engine.load("told", ToldRow, ())
        for part in range(self._parts):
            engine.query(sql.read("told"), {"parts": self._parts, "part": part})
        engine.query("CREATE OR REPLACE TABLE told AS SELECT * FROM told ORDER BY n")
        for table in (_CONNECTION, _NAME):
            engine.query(f"DROP TABLE {table}")

    def _decide(self) -> None:
        """Climb the first rung, and learn the site's ClientHellos from what it decided before the first one is used."""
        engine = self._engine
        ((begin, end, hellos),) = engine.query(_ALL)
        if not hellos:
            begin, end = self._first, self._last
        engine.load("decided", DecidedRow, ())
        for first in range(begin, end, STRETCH):
            stretch = {"first": first, "last": min(first + STRETCH, end)}
            ((low, high),) = engine.query(_TIMES, stretch)
            self._narrow(low, high)
            engine.query(sql.read("stretch"), stretch)
            engine.query(f"INSERT INTO decided {sql.read('exact')}", _WINDOWS)
        engine.load("hello", indirect.HelloRow, ())
        for part in range(self._parts):
            engine.query(sql.read("hello_taught"), {"hellos": policy.HELLOS, "parts": self._parts, "part": part})

    @property
    def offsets(self) -> tuple[ClockOffset, ...]:
        """The clocks, for the coverage."""
        return clocks.offsets(self._clocks)

    def gaps(self) -> tuple[str, ...]:
        """Say what the endpoint records could not show."""
        ((clients, bare, some),) = self._engine.query(_CLIENTS)
        if not bare:
            return ()
        listed = ", ".join(words.names(some))
        return (f"no endpoint records for {bare:,} of {clients:,} clients that made connections: {listed}",)

    def attributed(self) -> Iterator[tuple[Connection, Attribution]]:
        """Give every connection with its attribution, in order of time."""
        for first in range(self._first, self._last, STRETCH):
            yield from self._stretch(first, min(first + STRETCH, self._last))

    def _stretch(self, first: int, last: int) -> Iterator[tuple[Connection, Attribution]]:
        engine, stretch = self._engine, {"first": first, "last": last}
        rows = [row_of(row) for row in engine.query(_ROWS, stretch)]
        if not rows:
            return
        since, until = rows[0].ts, rows[-1].ts
        self._narrow(since, until)
        around = {"since": since - policy.TOO_SOON, "until": until + policy.TOO_SOON}
        engine.query(sql.read("undecided"), stretch | around)
        asked: dict[int, int] = dict(engine.query(sql.read("asked"), stretch | _ASKED))
        left = self._climbed([row for row in rows if row.exact is None])
        for row in rows:
            given = left[row.n] if row.exact is None else self._by_tuple(row, row.exact)
            yield row.connection(), self._asked_by(given, asked[row.n]) if row.n in asked else given

    def _processes_in_order(self) -> None:
        """Put processes in order of their start, some megabytes at once: a sort holds their command lines in memory."""
        query = self._engine.query
        query(_PROCESS_SIZES)
        part = f"CAST(sum(size) OVER (ORDER BY started_at, n) // {SORTED} AS BIGINT) AS part"
        query(f"CREATE TABLE process_part AS SELECT n, {part} FROM process_size")  # noqa: S608 - our own number
        query("CREATE TABLE process_sorted AS SELECT * FROM process_at LIMIT 0")
        for (number,) in query("SELECT DISTINCT part FROM process_part ORDER BY part"):
            query(_PROCESSES_OF_PART, {"part": number})
        for table in ("process_size", "process_part"):
            query(f"DROP TABLE {table}")

    def _in_order(self, events: str) -> None:
        """Put events in order of time, so that the rungs read some minutes and not everything."""
        query = self._engine.query
        query(f"CREATE TABLE {events}_sorted AS SELECT * FROM {events}_all ORDER BY seen_at")  # noqa: S608 - our own name
        query(f"CREATE OR REPLACE TEMPORARY VIEW {events}_all AS SELECT * FROM {events}_sorted")  # noqa: S608 - see above
        query(f"DROP TABLE {events}")

    def _narrow(self, first: Micros, last: Micros) -> None:
        """Let the rungs read the events around a stretch of time alone, and the processes that lived in it."""
        low, high = first - policy.TOO_SOON, last + policy.TOO_SOON
        for view in ("socket", "name_query"):
            around = f"SELECT * FROM {view}_all WHERE seen_at BETWEEN {low} AND {high}"  # noqa: S608 - two numbers
            self._engine.query(f"CREATE OR REPLACE TEMPORARY VIEW {view}_at AS {around}")
        around = f"started_at <= {high} AND (ended IS NULL OR ended_at >= {low})"
        living = f"SELECT * FROM process_sorted WHERE {around}"  # noqa: S608 - see above
        self._engine.query(f"CREATE OR REPLACE TEMPORARY VIEW process_at AS {living}")

    def _by_tuple(self, row: Row, one: Exact) -> Attributed:
        clock = self._clocks[one.timeline]
        process = self._registry.processes[one.process]
        application, script = self._behind.of(process)
        at_once = row.protocol == "udp" or abs(one.apart) <= policy.SAME_CONNECTION["tcp"]
        ends = f"{words.endpoint(row.src_ip, row.src_port)} -> {words.endpoint(row.dst_ip, row.dst_port)}"
        what = "same 5-tuple" if one.originator else "same 5-tuple, seen by the host that answered"
        return Attributed(
            process=process,
            method="5-tuple",
            confidence=round((policy.TUPLE_SURE if at_once else policy.TUPLE_LATER) * clock.factor, 3),
            reason=words.matched(f"{what} {ends}", row.ts, one.apart, one.own, clock),
            record=one.record,
            seen=Sighting(ts=row.ts - one.apart, own=one.own, apart=one.apart),
            application=application,
            script=script,
        )

    def _asked_by(self, given: Attribution, number: int) -> Attribution:
        """Name who asked, where a system's own DNS client spoke for it."""
        if not isinstance(given, Attributed) or not self._registry.is_resolver(given.process):
            return given
        process = self._registry.processes[number]
        reason = f"{given.reason}; via DNS client, for {words.who(process)}"
        return msgspec.structs.replace(given, application=process, reason=reason)

    def _climbed(self, rows: Sequence[Row]) -> dict[int, Attribution]:
        """Send what is left down the ladder."""
        found: dict[int, Attribution] = {}
        asked: dict[int, Lookup] = {}
        tenants: dict[int, Tenant] = {}
        for row in rows:
            if row.protocol not in {"tcp", "udp"}:
                found[row.n] = Unattributed(reason=words.without_ports(row.protocol), kind=words.NO_PORTS)
            else:
                asked[row.n], tenants[row.n] = row.lookup(), self._tenant(row)
        if asked:
            found |= self._ladder(asked, tenants)
        return found

    def _tenant(self, row: Row) -> Tenant:
        """Give the hosts of the side that opened the connection; where it has none, of the side that answered."""
        ours = self._tenancy.at(row.src_ip, row.ts)
        if ours.hosts or ours.leased:
            return ours
        theirs = self._tenancy.at(row.dst_ip, row.ts)
        return theirs if theirs.hosts else ours

    def _ladder(self, lookups: Mapping[int, Lookup], tenants: Mapping[int, Tenant]) -> dict[int, Attribution]:
        ladder = Ladder(self._engine, self._registry, self._clocks, lookups, tenants, telling=False)
        ladder.silences = self._silences
        ladder.climb(rungs.BY_TUPLE)
        if ladder.open():
            ladder.climb_by_host(BELOW)
        return {n: self._behind.explain(ladder.found.get(n) or nobody.because(n, ladder)) for n in lookups}


_WINDOWS = {
    "tells_apart": policy.TELLS_APART,
    "tcp": policy.SAME_CONNECTION["tcp"],
    "udp": policy.SAME_CONNECTION["udp"],
    "too_soon": policy.TOO_SOON,
    "assumed_reach": policy.ASSUMED_REACH,
}
# A table of its own: within one statement the command lines would go through the window.
_PROCESS_SIZES = """
CREATE TABLE process_size AS
SELECT n, started_at, coalesce(strlen(command), 0) AS size FROM process_at
"""
_PROCESSES_OF_PART = """
INSERT INTO process_sorted
SELECT * FROM process_at WHERE n IN (SELECT n FROM process_part WHERE part = $part) ORDER BY started_at
"""
_ASKED = {"jitter": policy.EARLY, "reach": policy.SAME_CONNECTION["udp"]}
_ROWS = f"""
SELECT c.rowid, {_COLUMNS}, t.server, t.ja3, d.process, d.timeline, d.apart, d.record, d.own, d.originator
FROM conn AS c
LEFT JOIN (SELECT * FROM told WHERE n >= $first AND n < $last) AS t ON t.n = c.rowid
LEFT JOIN (SELECT * FROM decided WHERE n >= $first AND n < $last) AS d ON d.n = c.rowid
WHERE c.rowid >= $first AND c.rowid < $last
ORDER BY c.rowid
"""  # noqa: S608 - our own names
_RANGE = "SELECT coalesce(min(rowid), 0), coalesce(max(rowid) + 1, 0) FROM conn WHERE ts >= $since AND ts < $until"
_FLOWS_OF_ALL = """
CREATE VIEW flow AS
SELECT rowid AS n, ts, protocol, src_ip, src_port, dst_ip, dst_port
FROM conn
WHERE protocol IN ('tcp', 'udp') AND src_port > 0 AND dst_port > 0
"""
_ALL = "SELECT coalesce(min(rowid), 0), coalesce(max(rowid) + 1, 0), (SELECT count(ja3) > 0 FROM told) FROM conn"
_TIMES = "SELECT min(ts), max(ts) FROM conn WHERE rowid >= $first AND rowid < $last"
_CLIENTS = """
SELECT count(*), count(*) FILTER (bare), list_sort(list(ip) FILTER (bare))[:6]
FROM (
    SELECT c.ip, NOT EXISTS (SELECT 1 FROM host_address AS h WHERE h.ip = c.ip) AS bare
    FROM (SELECT DISTINCT src_ip AS ip FROM conn) AS c
)
"""


def _memory_limit() -> str:
    from whosasking.engines.duckdb import threads  # noqa: PLC0415 - see above

    return f"{MEMORY + MEMORY_PER_THREAD * threads()}MB"
