"""What attribution gives back, and what of the endpoint's own view it makes redundant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution import policy
from whosasking.attribution.addresses import canonical
from whosasking.attribution.tables import protocol_of
from whosasking.attribution.tracks import Piece  # noqa: TC001 - msgspec reads annotations at run time
from whosasking.model import Attributed, Attribution, ClockOffset, Detection, Micros, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import Lookup

HostProduct = tuple[str, str]
_Ends = frozenset[tuple[str | None, int | None]]


class Result(Record, frozen=True, kw_only=True):
    """``attributions`` stand in the order of the lookups. ``gaps`` are coverage sentences.

    ``network_clocks`` and ``process_clocks`` map a host and product, case-folded, to sensor minus host for network
    events and for process events, which need not share a clock (Sysmon's do not always).
    """

    attributions: list[Attribution]
    offsets: tuple[ClockOffset, ...] = ()
    gaps: tuple[str, ...] = ()
    network_clocks: dict[HostProduct, Micros] = msgspec.field(default_factory=dict)
    pieces: dict[HostProduct, tuple[Piece, ...]] = msgspec.field(default_factory=dict)
    """The clocks of network events that drifted or were set."""
    process_clocks: dict[HostProduct, Micros] = msgspec.field(default_factory=dict)


def matched_records(result: Result) -> frozenset[str]:
    """Give the ids of the Sockets that decided an attribution."""
    return frozenset(
        one.record for one in result.attributions if isinstance(one, Attributed) and one.record is not None
    )


def on_sensor_clock(lookup: Lookup, process: Attributed, result: Result) -> Lookup:
    """Move a lookup that only an endpoint saw from the host's clock to the sensor's, where the offset is known.

    Its ``sensor`` is the product. A tool start is a process event, anything else a network event.
    """
    clocks = result.process_clocks if lookup.detection is Detection.TOOL else result.network_clocks
    key = process.process.host.casefold(), lookup.sensor.casefold()
    offset = clocks.get(key, 0)
    if key in result.pieces and offset == result.network_clocks.get(key):
        piece = next(one for one in result.pieces[key] if lookup.ts <= one.until)
        offset = piece.on_wire(lookup.ts) - lookup.ts
    return msgspec.structs.replace(lookup, ts=lookup.ts + offset) if offset else lookup


def duplicates(
    wire: Sequence[Lookup], endpoint_only: Sequence[tuple[Lookup, Attributed]], result: Result
) -> frozenset[int]:
    """Give the indexes of ``endpoint_only`` that are the same connection as a lookup on the wire.

    Same means: the socket that decided a wire lookup's attribution, or the same tuple (either orientation) at the same
    time on the sensor's clock. Products log one connection more than once (request, success), hence the second test.
    """
    if not endpoint_only:
        return frozenset()
    decided = matched_records(result)
    seen: dict[_Ends, list[Lookup]] = {}
    for lookup in wire:
        ends = _ends(lookup)
        if ends:
            seen.setdefault(ends, []).append(lookup)
    return frozenset(
        index
        for index, (lookup, process) in enumerate(endpoint_only)
        if lookup.detection is not Detection.TOOL
        and (process.record in decided or _is_seen(on_sensor_clock(lookup, process, result), seen))
    )


def _is_seen(lookup: Lookup, seen: dict[_Ends, list[Lookup]]) -> bool:
    ends = _ends(lookup)
    return bool(ends) and any(_one_connection(other, lookup) for other in seen.get(ends, ()))


def _one_connection(wire: Lookup, endpoint: Lookup) -> bool:
    protocol, other = protocol_of(wire), protocol_of(endpoint)
    reach = policy.SAME_CONNECTION["udp" if protocol == "udp" else "tcp"]
    later = {"http": policy.KEPT_ALIVE, "quic": reach}.get(wire.transport or "", policy.TOO_SOON)
    return (protocol == other or None in (protocol, other)) and -reach <= wire.ts - endpoint.ts <= later


def _ends(lookup: Lookup) -> _Ends:
    """Both ends of a connection, in no order; empty when one is not whole."""
    source, destination = canonical(lookup.src_ip), canonical(lookup.dst_ip)
    if not (source and destination and lookup.src_port and lookup.dst_port):
        return frozenset()
    return frozenset({(source, lookup.src_port), (destination, lookup.dst_port)})
