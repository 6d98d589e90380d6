"""Small logs for tests: the same records as Zeek TSV, Zeek JSON and EVE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from whosasking import catalogue, sensors
from whosasking.inputs import discover
from whosasking.progress import SILENT
from whosasking.sensors.interface import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from whosasking.inputs import Inputs
    from whosasking.model import WireReading

ENDS = ["ts:time", "uid:string", "id.orig_h:addr", "id.orig_p:port", "id.resp_h:addr", "id.resp_p:port"]
COLUMNS = {
    "conn": [
        *ENDS,
        "proto:enum",
        "service:string",
        "duration:interval",
        "orig_bytes:count",
        "resp_bytes:count",
        "conn_state:string",
    ],
    "ssl": [
        *ENDS,
        "version:string",
        "server_name:string",
        "resumed:bool",
        "established:bool",
        "ja3:string",
        "ja4:string",
    ],
    "quic": [*ENDS, "version:string", "client_initial_dcid:string", "server_name:string", "history:string"],
    "http": [*ENDS, "trans_depth:count", "method:string", "host:string", "uri:string", "user_agent:string"],
    "dns": [*ENDS, "proto:enum", "trans_id:count", "query:string", "answers:vector[string]", "TTLs:vector[interval]"],
    "dhcp": [ENDS[0], "mac:string", "host_name:string", "assigned_addr:addr", "lease_time:interval"],
    "ssh": [*ENDS, "version:count", "auth_attempts:count", "client:string", "server:string"],
}
T = 1_790_812_800
CLIENT = "10.1.2.3"


def header(log: str, columns: list[str] | None = None, end: str = "\n") -> str:
    names, types = zip(*(column.rsplit(":", 1) for column in columns or COLUMNS[log]), strict=True)
    lines = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{log}",
        "#open\t2026-10-01-00-00-00",
        "\t".join(["#fields", *names]),
        "\t".join(["#types", *types]),
    ]
    return "".join(line + end for line in lines)


def tsv_row(log: str, record: dict[str, object], columns: list[str] | None = None) -> str:
    names = [column.rsplit(":", 1)[0] for column in columns or COLUMNS[log]]
    return "\t".join(_cell(record.get(name)) for name in names)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "(empty)"
    return str(value)


def tsv(log: str, records: Iterable[dict[str, object]], end: str = "\n") -> bytes:
    rows = "".join(tsv_row(log, record) + end for record in records)
    return (header(log, end=end) + rows + f"#close\t2026-10-02-00-00-00{end}").encode()


def ndjson(records: Iterable[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(_numbers(record), separators=(",", ":")).encode() + b"\n" for record in records)


def _numbers(record: dict[str, object]) -> dict[str, object]:
    times = {"ts", "duration"}
    return {
        name: float(str(value)) if name in times else [float(ttl) for ttl in value] if name == "TTLs" else value  # type: ignore[union-attr]
        for name, value in record.items()
        if value is not None
    }


def ends(number: int, server: str, port: int, *, second: float = 0, client: str = CLIENT) -> dict[str, object]:
    return {
        "ts": f"{T + second:.6f}",
        "uid": f"C{number:05d}",
        "id.orig_h": client,
        "id.orig_p": 40_000 + number,
        "id.resp_h": server,
        "id.resp_p": port,
    }


def conn(
    number: int, server: str, port: int, *, second: float = 0, proto: str = "tcp", client: str = CLIENT, **more: object
) -> dict[str, object]:
    rest = {"proto": proto, "duration": "0.250000", "orig_bytes": 20, "resp_bytes": 483, "conn_state": "SF"}
    return ends(number, server, port, second=second, client=client) | rest | more


def ssl(
    number: int, server: str, name: str | None, *, second: float = 0, port: int = 443, client: str = CLIENT
) -> dict[str, object]:
    rest = {"version": "TLSv13", "server_name": name, "resumed": False, "established": True}
    return ends(number, server, port, second=second, client=client) | rest


def dns(
    number: int, name: str, answers: list[str], *, second: float = 0, ttl: int = 300, client: str = CLIENT
) -> dict[str, object]:
    rest = {
        "proto": "udp",
        "trans_id": number,
        "query": name,
        "answers": answers,
        "TTLs": [f"{ttl}.000000" for _ in answers],
    }
    return ends(number, "10.0.0.53", 53, second=second, client=client) | rest


def http(
    number: int, server: str, host: str | None, uri: str, agent: str | None = None, *, second: float = 0, depth: int = 1
) -> dict[str, object]:
    rest = {"trans_depth": depth, "method": "GET", "host": host, "uri": uri, "user_agent": agent}
    return ends(number, server, 80, second=second) | rest


def write(folder: Path, **logs: list[dict[str, object]]) -> Path:
    """Write every log as TSV."""
    for log, records in logs.items():
        (folder / f"{log}.log").write_bytes(tsv(log, records))
    return folder


def write_json(folder: Path, **logs: list[dict[str, object]]) -> Path:
    """Write every log as JSON."""
    for log, records in logs.items():
        (folder / f"{log}.log").write_bytes(ndjson(records))
    return folder


def read(path: Path, *, wanted: Wanted | None = None, exact: bool = False) -> WireReading:
    return read_both(path, wanted=wanted, exact=exact)[1]


def read_both(path: Path, *, wanted: Wanted | None = None, exact: bool = False) -> tuple[Inputs, WireReading]:
    inputs = discover([path])
    return inputs, sensors.read(inputs, catalogue.load(), wanted or Wanted(), SILENT, exact=exact)
