"""Which sensor log a file is, from its first bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from whosasking.sensors.tsv import Header
from whosasking.sensors.zeek_json import path_of

READ: Final = frozenset({"conn", "ssl", "http", "dns", "quic", "whois", "ssh", "dhcp"})
"""The Zeek logs that say something about lookups."""

HEADERLESS: Final = "zeek tsv without header"
_HEADERLESS_ROW: Final = re.compile(rb"\d{9,10}\.\d{1,9}\t(?:[^\t\r\n]*\t){5}")
_LINES_LOOKED_AT: Final = 50
_KEY: Final = re.compile(rb'[{,]\s*"([A-Za-z_][A-Za-z0-9_.]{0,40})"\s*:')
_EVE: Final = frozenset({"timestamp", "event_type"})
_NUMBERED: Final = re.compile(r"(conn|ssl|http|dns|quic|whois|ssh|dhcp)[_-].+", re.ASCII)


def sniff(head: bytes) -> str | None:
    """Return the kind of a sensor log (``zeek conn tsv``, ``zeek ssl json``, ``zeek json``, ``eve json``), or None.

    ``head`` holds the first bytes of the file, inflated; its last line may be cut.
    """
    lines = head.split(b"\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]
    first = next((line for line in lines if line.strip()), b"")
    if first.startswith(b"#"):
        return _sniff_tsv(lines)
    if first.startswith(b"{"):
        return _sniff_json(lines) if len(lines) > 1 else _sniff_json(lines) or _sniff_cut(first)
    return HEADERLESS if _HEADERLESS_ROW.match(first) else None


def unused(kind: str) -> str | None:
    """Return why a log of this kind is not read, or None when it is."""
    if kind == HEADERLESS:
        return "a Zeek log without its header: with no #fields line its columns have no names"
    words = kind.split()
    if words[0] == "zeek" and len(words) > 2 and words[1] not in READ:  # noqa: PLR2004 - zeek PATH FORMAT
        name = "this Zeek log" if words[1] in ("other", "unknown") else f"Zeek's {words[1]} log"
        return f"not read: {name} says nothing about lookups"
    return None


@lru_cache(maxsize=256)
def log_of(path: str) -> str:
    """Return the standard log a path belongs to: a split stream (``conn_internal``, ``http-dmz``) is its base log."""
    match = _NUMBERED.match(path)
    return match[1] if match and path != "conn_summary" else path


def _sniff_tsv(lines: list[bytes]) -> str | None:
    header = Header()
    for line in lines:
        if line.startswith(b"#"):
            header.take(line.rstrip(b"\r"))
    if not header.fields:
        return None
    return f"zeek {log_of(header.path or _path_by_fields(header.fields))} tsv"


def _path_by_fields(fields: tuple[str, ...]) -> str:
    return path_of(dict.fromkeys(fields, "")) or "unknown"


def _sniff_cut(line: bytes) -> str | None:
    """Recognise a file whose first line is longer than the head (one huge User-Agent) by the fields seen so far."""
    keys = dict.fromkeys((match[1].decode() for match in _KEY.finditer(line)), "")
    if keys.keys() >= _EVE:
        return "eve json"
    log = path_of({key: value for key, value in keys.items() if key != "_path"})
    return f"zeek {log} json" if log and "ts" in keys else None


def _sniff_json(lines: list[bytes]) -> str | None:
    paths: set[str] = set()
    for line in lines:
        try:
            row = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if row.keys() >= _EVE and isinstance(row["event_type"], str):
            return "eve json"
        if "ts" in row and ("_path" in row or "uid" in row or "id.orig_h" in row or "uids" in row):
            paths.add(log_of(path_of(row) or "other"))
    if not paths:
        return None
    return f"zeek {paths.pop()} json" if len(paths) == 1 else "zeek json"
