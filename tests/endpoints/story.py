"""What a product's rows of one story should come to: cmd.exe (or sh) starts whois, which asks whois.iana.org."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from whosasking.model import EndpointReading

Row = dict[str, Any]

HOST = "WS1"
SECOND = 1_714_557_600
"""2024-05-01T10:00:00Z: the start; the connection comes a second later."""
IMAGE, SHELL = "C:\\Tools\\whois.exe", "C:\\Windows\\System32\\cmd.exe"
COMMAND = "whois  example.com"


class Story(NamedTuple):
    """What a product's rows should come to."""

    kind: str
    rows: list[Row]
    product: str
    command_line: str | None = COMMAND
    user: str | None = "CORP\\ann"
    parent: str | None = "cmd.exe"
    start: bool = True
    query: bool = False
    ended: bool = False
    local_port: int | None = 50123
    initiated: bool | None = True
    remote_name: str | None = None
    host: str = HOST
    fraction: int = 0
    """Microseconds the product's times carry beyond the second."""


def check(reading: EndpointReading, story: Story) -> None:
    (socket,) = reading.sockets
    begin = SECOND * 1_000_000 + story.fraction
    local_ip = "10.1.2.3" if story.local_port else None
    assert (socket.local_ip, socket.local_port, socket.remote_ip, socket.remote_port) == (
        local_ip,
        story.local_port,
        "192.0.47.59",
        43,
    )
    assert (socket.host, socket.ts, socket.protocol, socket.product) == (
        story.host,
        begin + 1_000_000,
        "tcp",
        story.product,
    )
    assert (socket.initiated, socket.remote_name) == (story.initiated, story.remote_name)
    process = socket.process
    assert (process.host, process.command_line, process.user) == (story.host, story.command_line, story.user)
    assert process.name in {"whois.exe", "whois"}
    assert process.path is not None
    assert (process.parent.name if process.parent else None) == story.parent
    assert (process.ended == begin + 2_000_000) is story.ended
    assert process.pid == 4711
    starts = [start for start in reading.starts if start.process.name == process.name]
    assert [(start.ts, start.process) for start in starts] == ([(begin, process)] if story.start else [])
    assert process.started == (begin if story.start else None)
    assert [(query.name, query.addresses, query.process) for query in reading.name_queries] == (
        [("whois.iana.org", ("192.0.47.59",), process)] if story.query else []
    )
    assert reading.addresses == ({story.host: ["10.1.2.3"]} if local_ip else {})
    assert list(reading.spans) == [story.host]


def nested(row: Row) -> Row:
    """The same row with objects instead of dotted keys."""
    out: Row = {}
    for name, value in row.items():
        inner = out
        *above, last = name.split(".")
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return out


def lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
