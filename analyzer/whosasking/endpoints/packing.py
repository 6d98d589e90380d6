"""Records as rows of a spool and back: host, product and file as numbers, the process as one, too."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from whosasking.model import NameQuery, Process, ProcessStart, Socket, SourceRef

if TYPE_CHECKING:
    from whosasking.spool import Row, Words

PARTS = 32
"""Parts that hosts are spread over; what lies in one is put together at once."""
SHARES = 17
"""Streams of a part: one for processes, starts, ends and DNS, the rest for connections, all of a tuple in one."""
PROCESS, START, EXIT, QUERY = range(4)

_REFERENCE = re.compile(r"\0(\d+)\.(\d+)")

Packed = tuple[Any, ...]


def reference(part: int, number: int) -> str:
    """Return what stands for a process that was described: no key can be spelt like it, for keys have a slash."""
    return f"\0{part}.{number}"


@lru_cache(maxsize=1 << 14)
def referred(key: str) -> tuple[int, int]:
    """Return part and number of a reference."""
    part, _, number = key[1:].partition(".")
    return int(part), int(number)


def is_reference(value: object) -> bool:
    """Tell a reference from a key."""
    return isinstance(value, str) and value.startswith("\0") and _REFERENCE.fullmatch(value) is not None


def share_of(socket: Socket) -> int:
    """Return the share that all connections of a tuple, from either end, fall into."""
    local, remote = _spread(socket.local_ip), _spread(socket.remote_ip)
    return (local + (socket.local_port or 0) + remote + (socket.remote_port or 0)) % (SHARES - 1)


@lru_cache(maxsize=1 << 14)
def _spread(ip: str | None) -> int:
    return zlib.crc32((ip or "").encode())


def socket_row(socket: Socket, words: Words) -> Packed:
    """Return a connection without its process."""
    source = socket.source
    usual = f"{source.path}:{source.line}"
    return (
        socket.ts,
        words.number(socket.host),
        socket.protocol,
        socket.local_ip,
        socket.local_port,
        socket.remote_ip,
        socket.remote_port,
        socket.remote_name,
        socket.remote_is_public,
        socket.initiated,
        socket.succeeded,
        words.number(socket.product),
        words.number(source.path),
        source.line,
        None if socket.id == usual else socket.id,
    )


def socket_of(row: Row, words: list[str], process: Process) -> Socket:
    """Return the connection of a row that ``socket_row`` made; the row may have more behind it."""
    path, line = words[row[12]], row[13]
    return Socket(
        id=row[14] or f"{path}:{line}",
        ts=row[0],
        host=words[row[1]],
        process=process,
        protocol=row[2],
        local_ip=row[3],
        local_port=row[4],
        remote_ip=row[5],
        remote_port=row[6],
        remote_name=row[7],
        remote_is_public=row[8],
        initiated=row[9],
        succeeded=row[10],
        product=words[row[11]],
        source=SourceRef(path=path, line=line),
    )


SOCKET_WIDTH = 15
"""Fields of a connection's row."""


def query_row(query: NameQuery, words: Words) -> Packed:
    """Return a DNS query without its process."""
    return (
        query.ts,
        words.number(query.host),
        query.name,
        query.addresses,
        words.number(query.product),
        words.number(query.source.path),
        query.source.line,
    )


def query_of(row: Row, words: list[str], process: Process) -> NameQuery:
    """Return the DNS query of a row that ``query_row`` made."""
    return NameQuery(
        ts=row[0],
        host=words[row[1]],
        process=process,
        name=row[2],
        addresses=tuple(row[3]),
        product=words[row[4]],
        source=SourceRef(path=words[row[5]], line=row[6]),
    )


def start_row(start: ProcessStart, words: Words) -> Packed:
    """Return a process start without its process."""
    return (start.ts, words.number(start.product), words.number(start.source.path), start.source.line)


def start_of(row: Row, words: list[str], process: Process) -> ProcessStart:
    """Return the process start of a row that ``start_row`` made."""
    return ProcessStart(
        ts=row[0], process=process, product=words[row[1]], source=SourceRef(path=words[row[2]], line=row[3])
    )
