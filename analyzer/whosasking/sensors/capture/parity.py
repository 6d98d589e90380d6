"""The same capture through several sensors: every lookup once, who saw it, and why another did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from whosasking.model import SECOND, Detection, ParityRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whosasking.model import Lookup

_SAME: int = 5 * SECOND
"""Sensors put a session's begin at different packets of it, never this far apart."""


class Compared(NamedTuple):
    """A lookup as the best sensor that saw it tells it, and as each sensor does."""

    lookup: Lookup
    by_sensor: dict[str, Lookup]


def compare(readings: Mapping[str, Sequence[Lookup]]) -> list[Compared]:
    """Match the sensors' lookups by session, and clear requests by path too; ``readings`` come best sensor first."""
    table: list[Compared] = []
    places: dict[tuple[object, ...], list[Compared]] = {}
    for sensor, lookups in readings.items():
        for lookup in lookups:
            near = [
                row
                for row in places.get(_key(lookup), [])
                if sensor not in row.by_sensor and abs(row.lookup.ts - lookup.ts) <= _SAME
            ]
            if near:
                min(near, key=lambda row: abs(row.lookup.ts - lookup.ts)).by_sensor[sensor] = lookup
                continue
            row = Compared(lookup, {sensor: lookup})
            table.append(row)
            places.setdefault(_key(lookup), []).append(row)
    return sorted(table, key=lambda row: (row.lookup.ts, row.lookup.src_port or 0))


def rows(table: Sequence[Compared], sensors: Sequence[str]) -> list[ParityRow]:
    """Return the table as records, each absent sensor with the reason."""
    return [
        ParityRow(
            ts=row.lookup.ts,
            src_ip=row.lookup.src_ip or "",
            src_port=row.lookup.src_port,
            server=row.lookup.server or row.lookup.dst_ip or "",
            asked=row.lookup.query.text if row.lookup.query else "",
            sensors=tuple(name for name in sensors if name in row.by_sensor),
            missed={name: _why(name, row) for name in sensors if name not in row.by_sensor},
            differences=tuple(_differences(row)),
        )
        for row in table
    ]


def _key(lookup: Lookup) -> tuple[object, ...]:
    path = lookup.query.text if lookup.transport == "http" and lookup.query else None
    return (lookup.src_ip, lookup.src_port, lookup.dst_ip, lookup.dst_port, path)


def _differences(row: Compared) -> list[str]:
    """Say where sensors that saw a lookup tell different things of it."""
    told: dict[str, dict[object, list[str]]] = {}
    for sensor, lookup in row.by_sensor.items():
        asked = lookup.query.text if lookup.query else "no query"
        for what, value in (("query", asked), ("server", lookup.server or "none"), ("client", str(lookup.client.cls))):
            told.setdefault(what, {}).setdefault(value, []).append(sensor)
    return [
        f"{what}: " + "; ".join(f"{', '.join(names)} {value}" for value, names in values.items())
        for what, values in told.items()
        if len(values) > 1
    ]


def _why(sensor: str, row: Compared) -> str:
    """Return why a sensor does not have a lookup that another one has."""
    lookup = row.lookup
    if lookup.transport == "quic" and sensor == "suricata":
        return "Suricata 7 does not put a ClientHello together that is split over QUIC frames"
    if lookup.transport == "quic" and sensor == "tshark":
        return "this tshark does not put a ClientHello together that is split over QUIC packets"
    if lookup.detection is Detection.PORT43 and lookup.dst_port != 43:  # noqa: PLR2004 - the port of WHOIS
        return "away from port 43 it is known by the shape of the answer only, which this sensor did not recognise"
    if lookup.server_source == "dns":
        return "the session hides its server's name, and this sensor did not tie it to a DNS answer"
    if lookup.established is False:
        return "the session was never established, and this sensor does not log such"
    return "the sensor did not recognise the session: it may lack packets that the others could do without"
