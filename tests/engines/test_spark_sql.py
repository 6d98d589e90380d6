"""One SQL text, two engines: on tables full of ties and gaps every statement gives the same rows in the same order."""

from __future__ import annotations

import random
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from whosasking.attribution import clocks, communityids, indirect, joining, policy, rungs, sql, tables, tenancy
from whosasking.engines.duckdb import DuckDB
from whosasking.engines.spark import Spark

pytestmark = pytest.mark.xdist_group("spark")

ROWS = 120
SEED = 7
SHAPES = {
    "flow": tables.FlowRow,
    "socket": tables.SocketRow,
    "host_address": tables.AddressRow,
    "name_query": tables.NameRow,
    "answer": tables.AnswerRow,
    "clock_piece": tables.ClockPieceRow,
    "process": tables.ProcessRow,
    "lookup": tables.LookupRow,
    "lookup_host": tables.HostRow,
    "lookup_id": communityids.LookupIdRow,
    "socket_id": communityids.SocketIdRow,
    "lookup_nowhere": tables.NowhereRow,
    "contested": tenancy.ContestedRow,
    "hello": indirect.HelloRow,
    "program": indirect.ProgramRow,
}
NUMBERED = {
    "flow",
    "socket",
    "name_query",
    "process",
    "lookup",
    "lookup_host",
    "lookup_id",
    "socket_id",
    "lookup_nowhere",
    "program",
}
"""Tables whose first column has each number once."""
VIEWS = ("views", "socket_all", "name_query_all", "socket_at", "name_query_at", "witnessed", "process_at")
CLOCKS = [
    tables.ClockPieceRow(0, True, 0, tables.LATEST, 0, 0, 0.0),
    tables.ClockPieceRow(0, False, 0, tables.LATEST, 0, 0, 0.0),
    tables.ClockPieceRow(1, True, 0, 600_000, 0, 500_000, 3e-6),
    tables.ClockPieceRow(1, True, 400_000, tables.LATEST, 7, -250_001, -0.0000035),
    tables.ClockPieceRow(2, False, 0, tables.LATEST, 11, 1, 0.5),
]
NAMES = ["whois.iana.org", "Ω.example", "a.b", r"a\Eb", "a+b", "x"]
LINES = [
    "curl whois.iana.org a.b x a+b",
    None,
    "",
    "whois whois.iana.org",
    "WHOIS a.b",
    r"dig 'a\Eb' @x",
    "curl https://a.b./",
    "aa.b a.bc",
    "a+b\n",
    "\0 Ω.example",
]
STATEMENTS = {
    "clock_pairs": {"most_per_tuple": policy.MOST_PER_TUPLE, "ephemeral": 1},
    "clock_pairs_no_port": {"most_per_tuple": policy.MOST_PER_TUPLE},
    "same_tuple_far": {"unknown": tables.LATEST},
    "silences": {"least": 0, "times": 0},
    "stays": None,
} | {rung.sql: rung.parameters for rung in (rungs.BY_TUPLE, rungs.BY_COMMUNITY_ID, *joining.BELOW)}


FEW = {
    "command": LINES,
    **dict.fromkeys(("server", "object", "name", "remote_name"), NAMES),
    **dict.fromkeys(("ts", "started", "ended"), (0, 500_000, 1_000_000)),
    **dict.fromkeys(("src_port", "dst_port", "local_port"), (3, 4, 5)),
    "remote_port": [3, 4, 5, 53],
    "tool": ["whois", "rdap", "recon"],
    "protocol": ["tcp", "udp"],
    "ja3": ["e", "f"],
    "src_ip": ["192.0.2.1", "b", "c", "d", "e"],
    "program": ["curl"],
}
BY_TYPE = {bool: [True, False], float: [0.0], int: [0, 1, 2], str: ["192.0.2.1", "b"]}


def cell(name: str, hint: Any, draw: random.Random) -> Any:
    """Draw from few values, so that rows meet and tie."""
    if type(None) in get_args(hint) and draw.random() < 0.2:
        return None
    kind = next(one for one in get_args(hint) or (hint,) if one is not type(None))
    return draw.choice(FEW.get(name) or BY_TYPE[kind])


def drawn(table: str, shape: type[msgspec.Struct], draw: random.Random) -> list[msgspec.Struct]:
    hints = get_type_hints(shape)
    rows = []
    for number in range(ROWS):
        values = {name: cell(name, hint, draw) for name, hint in hints.items()}
        if table in NUMBERED:
            values[next(iter(hints))] = number
        rows.append(shape(**values))
    if table == "flow":  # the last are anchors, no lookup's
        rows += [msgspec.structs.replace(row, n=None) for row in rows[-20:]]
    if table == "host_address":  # few, so that not every event has a connection of its host's beside it
        return rows[:2]
    return list(CLOCKS) if table == "clock_piece" else rows


def answers(engine: Any) -> dict[str, list[tuple[Any, ...]]]:
    draw = random.Random(SEED)  # noqa: S311 - no secret
    with engine:
        for table, shape in SHAPES.items():
            engine.load(table, shape, drawn(table, shape, draw))
        for view in VIEWS:
            engine.query(sql.read(view))
        found = {name: engine.query(sql.read(name), parameters) for name, parameters in STATEMENTS.items()}
        return found | {"lives": engine.query(clocks._LIVES)}


def test_every_statement_gives_the_same_rows_in_the_same_order(spark: Any) -> None:
    embedded = answers(DuckDB())
    assert all(embedded.values()), f"a statement without rows shows nothing: {embedded}"
    assert {row[5] for row in embedded["command_line"]} == {"server and object", "object", "server", "client"}
    assert answers(Spark(spark)) == embedded


def test_two_runs_do_not_see_each_others_tables(spark: Any) -> None:
    with Spark(spark) as one, Spark(spark) as other:
        one.load("host_address", tables.AddressRow, [tables.AddressRow(1, "a")])
        other.load("host_address", tables.AddressRow, [])
        assert one.query("SELECT host, ip FROM host_address WHERE ip = $ip", {"ip": "a"}) == [(1, "a")]
        assert other.query("SELECT host, ip FROM host_address") == []
