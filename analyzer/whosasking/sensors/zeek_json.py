"""Zeek's JSON logs: one object a line, as the JSON writer or a log shipper of Zeek writes them.

Numbers with a fraction arrive as their decimal text, so that an instant is never rounded through a float.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.sensors.tsv import BadRow
from whosasking.sensors.values import decimal_micros, instant

if TYPE_CHECKING:
    from whosasking.sensors.tsv import Row

_DECODER: Final = msgspec.json.Decoder(dict[str, object], float_hook=str)
_ENDS: Final = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
_WANTED: Final = ("uid", *_ENDS)
_PORT: Final = re.compile(r"\d{1,5}\Z", re.ASCII)
_INTERVALS: Final = ("duration", "rtt", "lease_time")

SHAPES: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("whois", frozenset({"channel", "server_source", "client_class"})),
    ("conn", frozenset({"conn_state", "proto"})),
    ("quic", frozenset({"client_initial_dcid", "history"})),
    ("dns", frozenset({"trans_id", "proto"})),
    ("http", frozenset({"trans_depth"})),
    ("ssl", frozenset({"ssl_history"})),
    ("ssl", frozenset({"established", "resumed"})),
    ("dhcp", frozenset({"uids", "msg_types"})),
    ("ssh", frozenset({"auth_attempts"})),
    ("ssh", frozenset({"client", "server", "version"})),
)
"""Fields that tell a log without ``_path`` apart; the first shape that is wholly there wins."""


def decode(line: bytes) -> Row:
    """Return the fields of ``line``. Raises BadRow."""
    return typed(untyped(line))


def untyped(line: bytes) -> Row:
    """Return the fields of ``line``, its times as they are written. Raises BadRow."""
    try:
        row: Row = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRow(f"not a JSON object: {error}") from None
    _name_ends(row)
    return row


def typed(row: Row) -> Row:
    """Return a record with its times in microseconds. Raises BadRow."""
    ts = instant(row.get("ts"))
    if ts is None:
        raise BadRow("no readable time in ts")
    row["ts"] = ts
    for name in _INTERVALS:
        value = row.get(name)
        if value is not None:
            row[name] = decimal_micros(str(value))
    ttls = row.get("TTLs")
    if isinstance(ttls, list):
        row["TTLs"] = [decimal_micros(str(ttl)) or 0 for ttl in ttls]
    return row


def _name_ends(row: Row) -> None:
    """Give the ends of a connection Zeek's names: shippers nest them in ``id``, or write ``id_orig_h``."""
    nested = row.get("id")
    if isinstance(nested, dict):
        row.update({f"id.{name}": value for name, value in nested.items()})
    if "id.orig_h" in row and "id.resp_h" in row and type(row.get("id.orig_p")) is type(row.get("id.resp_p")) is int:
        return  # as Zeek writes them
    for zeeks in _ENDS:
        value = row.get(zeeks, row.get(zeeks.replace(".", "_")))
        if isinstance(value, str) and zeeks.endswith("_p") and _PORT.match(value):
            value = int(value)  # a shipper that makes text of every number
        if value is not None:
            row[zeeks] = value


def missing(log: str, row: Row) -> str | None:
    """Return what a record of ``log`` cannot do without and lacks: a shipper may have renamed or dropped it."""
    if log != "dhcp":
        for name in _WANTED:
            if row.get(name) is None:
                return name
    return None


def path_of(row: Row) -> str | None:
    """Return the log a JSON record belongs to: ``conn``, ``ssl``, ...; None when it cannot be told."""
    path = row.get("_path")
    if isinstance(path, str):
        return path
    keys = row.keys()
    for name, shape in SHAPES:
        if shape <= keys:
            return name
    return None
