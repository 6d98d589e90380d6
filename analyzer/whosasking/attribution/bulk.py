"""Every connection of the logs, attributed: millions of them in bounded memory.

Connections and endpoint events lie in the engine. They are gone through in stretches of time: what the exact tuple
decides beyond doubt is decided by one statement for the whole stretch, and only what is left goes down the ladder.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from whosasking.attribution import clocks, indirect, nobody, policy, rungs, sql, tables, words
from whosasking.attribution.addresses import canonical
from whosasking.attribution.behind import explained
from whosasking.attribution.joining import BELOW, load_events, load_processes, on_one_clock, quiet
from whosasking.attribution.ladder import Ladder
from whosasking.attribution.registry import Registry, is_unknown
from whosasking.attribution.tenancy import Tenancy
from whosasking.model import Attributed, Client, ClientClass, Connection, Detection, Lookup, Sighting, Unattributed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import BinaryIO

    from whosasking.attribution.behind import KnowsPrograms
    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.tenancy import Tenant
    from whosasking.leases import Lease
    from whosasking.model import Attribution, ClockOffset, EndpointReading, Micros, Process

MEMORY = "400MB"
"""What the engine may hold; more spills. Processes of the endpoints lie in Python's memory beside it."""
STRETCH = 100_000
"""Connections gone through at once: what is held in Python's memory."""
_WHOIS = 43
_DNS = 53
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
_ROW = "rowid, ts, protocol, src_ip, src_port, dst_ip, dst_port, uid, community_id, established, server, ja3"
# A program that is a known WHOIS or RDAP client makes other connections, too: only port 43 speaks for one.
_ANY_CLIENT = Client(cls=ClientClass.BROWSER)


class Row(NamedTuple):
    """A connection as it lies in the engine."""

    n: int
    ts: Micros
    protocol: str
    src_ip: str
    src_port: int | None
    dst_ip: str
    dst_port: int | None
    uid: str | None
    community_id: str | None
    established: int | None
    server: str | None
    ja3: str | None

    def connection(self) -> Connection:
        """Give the record of the model."""
        return Connection(
            ts=self.ts,
            protocol=self.protocol,
            src_ip=self.src_ip,
            src_port=self.src_port or 0,
            dst_ip=self.dst_ip,
            dst_port=self.dst_port or 0,
            uid=self.uid,
            community_id=self.community_id,
            established=None if self.established is None else bool(self.established),
        )

    def lookup(self) -> Lookup:
        """Give the connection in the shape in which the ladder asks."""
        whois = self.dst_port == _WHOIS
        return Lookup(
            ts=self.ts,
            detection=Detection.PORT43 if whois else Detection.WEB,
            sensor="",
            uid=self.uid,
            community_id=self.community_id,
            src_ip=self.src_ip,
            src_port=self.src_port,
            dst_ip=self.dst_ip,
            dst_port=self.dst_port,
            transport=self.protocol,
            server=None if self.dst_port == _DNS else self.server,
            client=Client(ja3=self.ja3) if whois else msgspec.structs.replace(_ANY_CLIENT, ja3=self.ja3),
            established=None if self.established is None else bool(self.established),
        )


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

        self._engine = DuckDB(MEMORY, on_disk=True)
        self._known = known
        self._registry = Registry(endpoint, host_addresses)
        self._clocks: list[Clock] = []
        self._first = self._last = 0
        self._behind: dict[int, tuple[Process | None, str | None]] = {}
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
        load_processes(engine, self._registry, self._known)
        self._silences = quiet(engine)
        self._tenancy = Tenancy(engine, self._registry, leases)
        self._learn()
        low, high = -tables.LATEST if since is None else since, tables.LATEST if until is None else until
        ((self._first, self._last),) = engine.query(_RANGE, {"since": low, "until": high})

    def _learn(self) -> None:
        """Learn the site's ClientHellos from all exact matches, before the first one is used."""
        engine = self._engine
        seen: dict[tuple[str, int, str], int] = {}
        ((first, last),) = engine.query(_WITH_HELLO)
        for start in range(first, last, STRETCH):
            stretch = {"first": start, "last": min(start + STRETCH, last)}
            ((low, high),) = engine.query(_TIMES, stretch)
            self._narrow(low, high)
            engine.query(sql.read("stretch"), stretch)
            engine.query(_ONLY_WITH_HELLO, stretch)
            for ja3, number, times in engine.query(_HELLOS, _WINDOWS):
                process = self._registry.processes[number]
                key = ja3, self._registry.host(process.host), indirect.program_of(process.name)
                seen[key] = seen.get(key, 0) + times
        engine.load("hello", indirect.HelloRow, indirect.unanimous((*key, times) for key, times in seen.items()))

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
        engine = self._engine
        rows = [Row(*row) for row in engine.query(_ROWS, {"first": first, "last": last})]
        if not rows:
            return
        self._narrow(rows[0].ts, rows[-1].ts)
        engine.query(sql.read("stretch"), {"first": first, "last": last})
        decided = {n: Exact(*rest) for n, *rest in engine.query(sql.read("exact"), _WINDOWS)}
        exact = {n: one for n, one in decided.items() if self._is_beyond_doubt(one)}
        asked: dict[int, int] = dict(engine.query(sql.read("asked"), {"first": first, "last": last} | _ASKED))
        left = self._climbed([row for row in rows if row.n not in exact])
        for row in rows:
            one = exact.get(row.n)
            given = self._by_tuple(row, one) if one is not None else left[row.n]
            yield row.connection(), self._asked_by(given, asked[row.n]) if row.n in asked else given

    def _in_order(self, events: str) -> None:
        """Put events in order of time, so that the rungs read some minutes and not everything."""
        query = self._engine.query
        query(f"CREATE TABLE {events}_sorted AS SELECT * FROM {events}_all ORDER BY seen_at")  # noqa: S608 - our own name
        query(f"CREATE OR REPLACE TEMPORARY VIEW {events}_all AS SELECT * FROM {events}_sorted")  # noqa: S608 - see above
        query(f"DROP TABLE {events}")

    def _narrow(self, first: Micros, last: Micros) -> None:
        """Let the rungs read the events around a stretch of time alone."""
        low, high = first - policy.FARTHEST, last + policy.FARTHEST
        for view in ("socket", "name_query"):
            around = f"SELECT * FROM {view}_all WHERE seen_at BETWEEN {low} AND {high}"  # noqa: S608 - two numbers
            self._engine.query(f"CREATE OR REPLACE TEMPORARY VIEW {view}_at AS {around}")

    def _is_beyond_doubt(self, one: Exact) -> bool:
        return not (self._clocks[one.timeline].assumed and abs(one.apart) > policy.ASSUMED_REACH)

    def _by_tuple(self, row: Row, one: Exact) -> Attributed:
        clock = self._clocks[one.timeline]
        behind = self._behind_of(one.process)
        at_once = row.protocol == "udp" or abs(one.apart) <= policy.SAME_CONNECTION["tcp"]
        ends = f"{words.endpoint(row.src_ip, row.src_port)} -> {words.endpoint(row.dst_ip, row.dst_port)}"
        what = "same 5-tuple" if one.originator else "same 5-tuple, seen by the host that answered"
        return Attributed(
            process=self._registry.processes[one.process],
            method="5-tuple",
            confidence=round((policy.TUPLE_SURE if at_once else policy.TUPLE_LATER) * clock.factor, 3),
            reason=words.matched(f"{what} {ends}", row.ts, one.apart, one.own, clock),
            record=one.record,
            seen=Sighting(ts=row.ts - one.apart, own=one.own, apart=one.apart),
            application=behind[0],
            script=behind[1],
        )

    def _asked_by(self, given: Attribution, number: int) -> Attribution:
        """Name who asked, where a system's own DNS client spoke for it."""
        if not isinstance(given, Attributed) or not self._registry.is_resolver(given.process):
            return given
        process = self._registry.processes[number]
        reason = f"{given.reason}; via DNS client, for {words.who(process)}"
        return msgspec.structs.replace(given, application=process, reason=reason)

    def _behind_of(self, number: int) -> tuple[Process | None, str | None]:
        found = self._behind.get(number)
        if found is None:
            process = self._registry.processes[number]
            found = self._behind[number] = (self._known.application(process), self._known.script(process))
        return found

    def _climbed(self, rows: Sequence[Row]) -> dict[int, Attribution]:
        """Send what is left down the ladder."""
        found: dict[int, Attribution] = {}
        asked: list[Row] = []
        tenants: list[Tenant] = []
        for row in rows:
            if row.protocol not in {"tcp", "udp"}:
                found[row.n] = Unattributed(reason=words.without_ports(row.protocol), kind=words.NO_PORTS)
                continue
            asked.append(row)
            tenants.append(self._tenant(row))
        if asked:
            found.update(zip((row.n for row in asked), self._ladder(asked, tenants), strict=True))
        return found

    def _tenant(self, row: Row) -> Tenant:
        """Give the hosts of the side that opened the connection; where it has none, of the side that answered."""
        ours = self._tenancy.at(row.src_ip, row.ts)
        if ours.hosts or ours.leased:
            return ours
        theirs = self._tenancy.at(row.dst_ip, row.ts)
        return theirs if theirs.hosts else ours

    def _ladder(self, rows: Sequence[Row], tenants: Sequence[Tenant]) -> list[Attribution]:
        lookups = [row.lookup() for row in rows]
        self._engine.load("flow", tables.FlowRow, tables.flows(lookups, ()))
        ladder = Ladder(self._engine, self._registry, self._clocks, lookups, tenants, telling=False)
        ladder.silences = self._silences
        ladder.climb(rungs.BY_TUPLE)
        if ladder.open():
            ladder.climb_by_host(BELOW)
        return [explained(ladder.result(n) or nobody.because(n, ladder), self._known) for n in range(len(lookups))]


class Exact(NamedTuple):
    """What the exact tuple decides; the columns of ``exact.sql``."""

    process: int
    timeline: int
    apart: Micros
    record: str
    own: Micros
    originator: bool


class SpellingRow(msgspec.Struct):
    """An address as a log writes it, and its one spelling."""

    written: str
    ip: str


class NobodyRow(msgspec.Struct):
    """The number of a process that stands for none."""

    nobody: int


_WINDOWS = {
    "tells_apart": policy.TELLS_APART,
    "tcp": policy.SAME_CONNECTION["tcp"],
    "udp": policy.SAME_CONNECTION["udp"],
    "too_soon": policy.TOO_SOON,
}
_ASKED = {"jitter": policy.EARLY, "reach": policy.SAME_CONNECTION["udp"]}
_ROWS = f"SELECT {_ROW} FROM conn WHERE rowid >= $first AND rowid < $last ORDER BY rowid"  # noqa: S608 - our own names
_RANGE = "SELECT coalesce(min(rowid), 0), coalesce(max(rowid) + 1, 0) FROM conn WHERE ts >= $since AND ts < $until"
_FLOWS_OF_ALL = """
CREATE VIEW flow AS
SELECT rowid AS n, ts, protocol, src_ip, src_port, dst_ip, dst_port
FROM conn
WHERE protocol IN ('tcp', 'udp') AND src_port > 0 AND dst_port > 0
"""
_WITH_HELLO = "SELECT coalesce(min(rowid), 0), coalesce(max(rowid) + 1, 0) FROM conn WHERE ja3 IS NOT NULL"
_TIMES = "SELECT min(ts), max(ts) FROM conn WHERE rowid >= $first AND rowid < $last"
_ONLY_WITH_HELLO = """
DELETE FROM flow
WHERE n NOT IN (SELECT rowid FROM conn WHERE rowid >= $first AND rowid < $last AND ja3 IS NOT NULL)
"""
_HELLOS = f"""
SELECT c.ja3, e.process, count(*)
FROM ({sql.read("exact")}) AS e
JOIN conn AS c ON c.rowid = e.n
GROUP BY c.ja3, e.process
"""  # noqa: S608 - our own statement
_CLIENTS = """
SELECT count(*), count(*) FILTER (bare), list_sort(list(ip) FILTER (bare))[:6]
FROM (
    SELECT c.ip, NOT EXISTS (SELECT 1 FROM host_address AS h WHERE h.ip = c.ip) AS bare
    FROM (SELECT DISTINCT src_ip AS ip FROM conn) AS c
)
"""
