#!/usr/bin/env python3
"""Write one day of a site's sensor logs and endpoint exports, the same bytes for the same options.

The mix follows what campus and office sensors log: 40 % of connections are DNS, 32 % TLS, 8 % clear HTTP, the rest
scans, mail and the like; few clients make most connections (``--skew``). One connection in ``--one-in`` is a WHOIS or
RDAP lookup. About 300 bytes of Zeek TSV per connection: 5,000,000 connections are 1.5 GB. Zeek rotates its logs every
hour; ``--files 1`` writes the day as one file a log.
"""

# ruff: noqa: S608 - SQL over its own numbers and files

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import formats

if TYPE_CHECKING:
    from collections.abc import Iterator

START: Final = 1_790_812_800  # 2026-10-01T00:00:00Z
FORMS: Final = ("tsv", "json", "eve")
CLIENTS: Final = 4000
SERVERS: Final = 20_000
TRAP: Final = "www.whoiselijah.com.au"
_CHUNK: Final = 250_000
_SYLLABLES: Final = tuple(
    "ar bo cen da el fi gra ho il ju ka lo mer na or pi qua ro sta tri un ver wal xi yor zen".split()  # noqa: SIM905 - reads better
)
_RAW: Final = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
_WATCHED_CLIENTS: Final = 40
_WITNESSED: Final = 200


class Site:
    """A generator of one site's days."""

    def __init__(
        self, total: int, *, one_in: int = 50_000, skew: float = 3.0, seed: int = 1, traps: float = 0.0
    ) -> None:
        """Set the site up; nothing is written yet. ``traps``: share of names that only look like a lookup service's."""
        self.total = total
        self.sql = duckdb.connect(config={"preserve_insertion_order": True})
        settings = {"seed": seed, "total": total, "begin_at": START, "one_in": one_in, "skew": skew}
        for name, value in (settings | {"clients": CLIENTS, "servers": SERVERS}).items():
            self.sql.execute(f"SET VARIABLE {name} = {value}::{'DOUBLE' if isinstance(value, float) else 'BIGINT'}")
        self.sql.execute((Path(__file__).parent / "site.sql").read_text("utf-8"))
        syllable = f"{list(_SYLLABLES)!r}[1 + dice(n, {{}}) % {len(_SYLLABLES)}]"
        word = ", ".join(syllable.format(number) for number in (31, 32, 33))
        self.sql.execute(
            f"CREATE TABLE names AS SELECT n, CASE WHEN chance(n, 36) < {traps}::DOUBLE THEN '{TRAP}' ELSE "
            "concat(['www', 'api', 'cdn', 'img', 'static', 'login', 'telemetry', 'edge'][1 + dice(n, 34) % 8], '.', "
            f"{word}, '.', ['com', 'net', 'org', 'io', 'de'][1 + dice(n, 35) % 5]) END AS name "
            f"FROM range({SERVERS}) numbers(n)"
        )

    def chunks(self, first: int, past: int) -> Iterator[None]:
        """Make the table ``chunk`` of the connections from ``first`` on, piece by piece."""
        for begin in range(first, past, _CHUNK):
            self.sql.execute(
                "CREATE OR REPLACE TEMP TABLE chunk AS SELECT made.*, name "
                f"FROM connections({begin}, {min(begin + _CHUNK, past)}) AS made "
                "JOIN names ON n = name_number ORDER BY i"
            )
            yield

    def append(self, line: str, where: str, target: Path) -> None:
        """Add the SQL expression ``line`` of each connection of the chunk to ``target``."""
        part = target.with_name(f".{target.name}.part")
        self.sql.execute(f"COPY (SELECT {line} FROM chunk WHERE {where} ORDER BY i) TO '{part}' {_RAW}")
        with part.open("rb") as source, target.open("ab") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        part.unlink()

    def write(self, folder: Path, form: str, files: int = 24) -> None:
        """Write the day's logs: ``form`` is ``tsv``, ``json`` or ``eve``; ``files`` files of each log."""
        for number in range(files):
            first, past = self.total * number // files, self.total * (number + 1) // files
            place = folder if files == 1 else folder / "2026-10-01"
            place.mkdir(parents=True, exist_ok=True)
            hours = "" if files == 1 else f".{_clock(number, files)}-{_clock(number + 1, files)}"
            targets = {log: place / f"{log}{hours}.log" for log in formats.LOGS}
            if form == "eve":
                targets = {"eve": place / f"eve{hours}.json"}
            for log, target in targets.items():
                target.write_text(formats.zeek_header(log) if form == "tsv" else "", "utf-8")
            for _ in self.chunks(first, past):
                for log, target in targets.items():
                    if log == "eve":
                        self.append(formats.eve(), "TRUE", target)
                    else:
                        line = formats.tsv(log) if form == "tsv" else formats.json(log)
                        self.append(line, formats.WHERE[log], target)
            for target in targets.values() if form == "tsv" else ():
                with target.open("a", encoding="utf-8") as out:
                    out.write(formats.ZEEK_FOOTER)

    def write_sysmon(self, path: Path) -> None:
        """Write what Sysmon on the busiest clients saw: their lookups, and some of their other connections."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as out:
            clients = f"SELECT client_address(n) FROM range({_WATCHED_CLIENTS}) numbers(n)"
            for _ in self.chunks(0, self.total):
                rows = self.sql.execute(
                    f"SELECT i, micros, client, port, lookup_server, on_port43, is_lookup, server FROM chunk WHERE "
                    f"(is_lookup OR (kind BETWEEN 40 AND 71 AND i % {_WITNESSED} = 0)) AND client IN ({clients}) "
                    "ORDER BY i"
                )
                for row in rows.fetchall():
                    out.writelines(json.dumps(event) + "\n" for event in _events(*row))


def _events(
    number: int,
    micros: int,
    client: str,
    port: int,
    lookup_server: str,
    on_port43: bool,
    is_lookup: bool,
    server: str,
) -> Iterator[dict[str, object]]:
    """Yield a process start (of a lookup) and a connection as Sysmon records them, winlogbeat's fields laid flat."""
    image = ("/usr/bin/whois" if on_port43 else "/usr/bin/curl") if is_lookup else "/usr/lib/firefox-esr/firefox-esr"
    command = f"{Path(image).name} example{number % 977}.com"
    common = {
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": f"ws-{client.replace('.', '-')}.example.net",
        "ProcessGuid": f"{{{number:08x}-0000-4000-8000-000000000000}}",
        "ProcessId": str(1000 + number % 60_000),
        "Image": image,
        "User": f"user{number % 97}",
    }
    if is_lookup:
        at = _sysmon_time(micros - 20_000)
        yield {**common, "EventID": 1, "UtcTime": at, "CommandLine": command, "ParentImage": "/usr/bin/bash",
               "ParentCommandLine": "bash", "ParentProcessId": "900"}  # fmt: skip
    port_there, there = (43 if on_port43 else 443, lookup_server) if is_lookup else (443, server)
    yield {**common, "EventID": 3, "UtcTime": _sysmon_time(micros), "Protocol": "tcp", "Initiated": "true",
           "SourceIp": client, "SourcePort": str(port), "DestinationIp": there,
           "DestinationPort": str(port_there)}  # fmt: skip


def _sysmon_time(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _clock(number: int, files: int) -> str:
    seconds = 86_400 * number // files
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def main() -> None:
    """Read the options and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--connections", type=int, default=5_000_000)
    parser.add_argument("--one-in", type=int, default=50_000, help="connections per lookup")
    parser.add_argument("--skew", type=float, default=3.0, help="1: all clients alike; the higher, the fewer make most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=24, help="files a log is rotated into")
    parser.add_argument("--form", choices=FORMS, default="tsv")
    parser.add_argument(
        "--traps", type=float, default=0.0, help="share of names that look like a lookup's and are none"
    )
    parser.add_argument("--sysmon", action="store_true", help="write sysmon.ndjson as well")
    options = parser.parse_args()
    choices = {"one_in": options.one_in, "skew": options.skew, "seed": options.seed, "traps": options.traps}
    site = Site(options.connections, **choices)
    site.write(options.folder, options.form, options.files)
    if options.sysmon:
        site.write_sysmon(options.folder / "sysmon.ndjson")


if __name__ == "__main__":
    main()
