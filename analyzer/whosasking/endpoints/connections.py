"""Events of one connection -> one Socket: attempt and success, overlapping exports, and events that name no process."""

from __future__ import annotations

import msgspec

from whosasking.endpoints.urls import split
from whosasking.model import SECOND, Micros, Socket

SAME_CONNECTION: Micros = 60 * SECOND
"""Events of one tuple and process within this are one connection: no system reuses a local port sooner."""

SAME_TUPLE: Micros = 24 * 3600 * SECOND
"""An event without process belongs to the connection of its tuple nearest in time, up to this far: Defender reports
late what it inspected in a long connection."""

_COMPARED = 8
"""How many of a tuple's latest connections a further event is compared with: one per name at most, in practice one."""

Owned = tuple[str, Socket]
Tuple = tuple[object, ...]


def join(owned: list[Owned], unowned: list[Socket]) -> tuple[list[Owned], list[Socket]]:
    """Return one socket per connection, with its process key, and the ones that no event ties to a process."""
    merged = _merge(owned)
    left = _absorb(merged, sorted(unowned, key=lambda socket: socket.ts))
    return merged, [socket for _, socket in _merge([(str(socket.process.pid), socket) for socket in left])]


def _merge(events: list[Owned]) -> list[Owned]:
    merged: list[Owned] = []
    latest: dict[Tuple, list[int]] = {}
    for key, event in sorted(events, key=lambda pair: pair[1].ts):
        known = latest.setdefault((key, event.product, *_tuple(event)), [])
        for index in reversed(known[-_COMPARED:]):
            if _one_connection(merged[index][1], event):
                merged[index] = (key, _joined(merged[index][1], event))
                break
        else:
            known.append(len(merged))
            merged.append((key, event))
    return merged


def _absorb(merged: list[Owned], unowned: list[Socket]) -> list[Socket]:
    """Give events without process to the connection they tell of, adding to ``merged``; return those left over."""
    by_tuple: dict[Tuple, list[int]] = {}
    for index, (_, socket) in enumerate(merged):
        if socket.local_port:
            by_tuple.setdefault(_tuple(socket), []).append(index)
    left = []
    for event in unowned:
        known = by_tuple.get(_tuple(event), ())
        index = min(known, key=lambda i, ts=event.ts: abs(merged[i][1].ts - ts), default=-1)
        if index < 0 or abs(merged[index][1].ts - event.ts) > SAME_TUPLE:
            left.append(event)
            continue
        key, socket = merged[index]
        if _names_agree(socket.remote_name, event.remote_name):
            merged[index] = (key, _joined(socket, event))
        else:
            # Another request in the same connection: a lookup of its own, by the same process.
            merged.append((key, event))
    return left


def _tuple(socket: Socket) -> Tuple:
    return (
        socket.host,
        socket.protocol,
        socket.local_ip,
        socket.local_port,
        socket.remote_ip,
        socket.remote_port,
    )


def _one_connection(first: Socket, later: Socket) -> bool:
    if first.local_port is None or first.protocol != "tcp":
        # Nothing tells these apart (UDP services keep one port): only the same event read twice is one.
        return first.ts == later.ts and first.remote_name == later.remote_name
    return later.ts - first.ts <= SAME_CONNECTION and _names_agree(first.remote_name, later.remote_name)


def _names_agree(one: str | None, other: str | None) -> bool:
    """Tell whether two remote names can be of one request: same host, and one path at most."""
    if not one or not other:
        return True
    (host, path), (other_host, other_path) = split(one), split(other)
    return host == other_host and (not path.strip("/") or not other_path.strip("/") or path == other_path)


def _joined(first: Socket, later: Socket) -> Socket:
    """Keep the first event's identity and time (nearest to the SYN), and what only the other knows."""
    names = [name for name in (first.remote_name, later.remote_name) if name]
    outcomes = {first.succeeded, later.succeeded}
    return msgspec.structs.replace(
        first,
        remote_name=max(names, key=len, default=None),
        remote_is_public=later.remote_is_public if first.remote_is_public is None else first.remote_is_public,
        initiated=later.initiated if first.initiated is None else first.initiated,
        succeeded=True if True in outcomes else (False if False in outcomes else None),
    )
