"""What the sensors' logs of a run could not have shown, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.model import ClientClass, Detection
from whosasking.sensors import eve_coverage

if TYPE_CHECKING:
    from whosasking.inputs import Inputs
    from whosasking.model import Lookup
    from whosasking.sensors.scan import Scan


def kinds(inputs: Inputs) -> dict[str, int]:
    """Count records by kind of log: ``zeek conn``, ``zeek`` (logs mixed in one file), ``eve``."""
    counted: dict[str, int] = {}
    for inp in inputs.sensors:
        kind = inp.kind.rpartition(" ")[0]
        counted[kind] = counted.get(kind, 0) + inputs.tally(inp.path).records
    return dict(sorted(counted.items()))


def notes(scan: Scan, inputs: Inputs, lookups: list[Lookup]) -> list[str]:
    """Return what these inputs could not show."""
    eve = scan.holds("eve")
    zeek = any(inp.kind.startswith("zeek") for inp in inputs.sensors)
    found = []
    if zeek and not eve:
        found += _zeek(scan, lookups)
    if eve:
        files = [inp.path for inp in inputs.sensors if inp.kind.startswith("eve")]
        found += eve_coverage.notes(files, [lookup for lookup in lookups if lookup.sensor == "suricata"])
    found += unclassed_note(lookups)
    return found


def unclassed_note(lookups: list[Lookup]) -> list[str]:
    """Return a note where the sensor said nothing of some ClientHellos."""
    if not any(_unclassed(lookup) for lookup in lookups):
        return []
    note = (
        "no ClientHello details for some TLS or QUIC sessions (Zeek: load whosasking's package; "
        "Suricata: ja3-fingerprints): their clients cannot be told from browsers"
    )
    return [note]


def _zeek(scan: Scan, lookups: list[Lookup]) -> list[str]:
    found = []
    if not scan.holds("conn") and not scan.holds("whois"):
        found.append("no conn.log: port-43 sessions cannot be seen")
    if not scan.holds("ssl") and not scan.holds("whois"):
        found.append("no ssl.log: TLS server names cannot be seen")
    if not scan.holds("http") and not scan.holds("whois"):
        found.append("no http.log: clear HTTP lookups cannot be seen")
    if not scan.holds("dns"):
        found.append("no dns.log: sessions that hide their server's name cannot be told, port-43 servers have no names")
    if not scan.holds("whois") and _none_read(lookups):
        found.append("no whois.log (whosasking's Zeek package): what port-43 sessions asked is unknown")
    return found


def _none_read(lookups: list[Lookup]) -> bool:
    """Whether there are port-43 sessions and the request of none is known."""
    sessions = [one for one in lookups if one.detection is Detection.PORT43 and one.established is not False]
    return bool(sessions) and all(one.query is None for one in sessions)


def _unclassed(lookup: Lookup) -> bool:
    """Whether the log said nothing at all of a ClientHello."""
    client = lookup.client
    return lookup.transport in ("tls", "quic") and client.cls is ClientClass.UNKNOWN and not client.evidence
