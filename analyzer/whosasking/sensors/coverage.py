"""What the sensors' logs of a run could not have shown, in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from whosasking.model import ClientClass, Detection
from whosasking.sensors import eve_coverage

if TYPE_CHECKING:
    from whosasking.inputs import Inputs
    from whosasking.model import Lookup, Micros
    from whosasking.sensors.scan import Scan

UNCLASSED: Final = (
    "no ClientHello details for some TLS or QUIC sessions (Zeek: load whosasking's package; "
    "Suricata: ja3-fingerprints): their clients cannot be told from browsers"
)


def kinds(inputs: Inputs) -> dict[str, int]:
    """Count records by kind of log: ``zeek conn``, ``zeek`` (logs mixed in one file), ``eve``."""
    counted: dict[str, int] = {}
    for inp in inputs.sensors:
        kind = inp.kind.rpartition(" ")[0]
        counted[kind] = counted.get(kind, 0) + inputs.tally(inp.path).records
    return dict(sorted(counted.items()))


class Told:
    """What the lookups themselves tell, counted as they come: there may be too many to hold."""

    def __init__(self) -> None:
        """Know of none."""
        self.times: list[Micros] = []
        """The first and the last one's."""
        self._sessions: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self.has_unclassed = False
        self.http = 0
        self.unnamed_quic = 0

    def note(self, lookup: Lookup) -> None:
        """Count a lookup; they come in order of time."""
        self.times[1:] = [lookup.ts]
        if lookup.detection is Detection.PORT43 and lookup.established is not False:
            self._sessions[lookup.sensor] += 1
            self._requests[lookup.sensor] += lookup.query is not None
        self.has_unclassed = self.has_unclassed or _unclassed(lookup)
        if lookup.sensor == "suricata":
            self.http += lookup.transport == "http"
            self.unnamed_quic += lookup.transport == "quic" and lookup.server_source != "sni"

    def none_read(self, sensor: str) -> bool:
        """Whether there are port-43 sessions and the request of none is known."""
        return self._sessions[sensor] > 0 and not self._requests[sensor]


def notes(scan: Scan, inputs: Inputs, told: Told) -> list[str]:
    """Return what these inputs could not show."""
    eve = scan.holds("eve")
    zeek = any(inp.kind.startswith("zeek") for inp in inputs.sensors)
    found = []
    if zeek and not eve:
        found += _zeek(scan, told)
    if eve:
        files = [inp.path for inp in inputs.sensors if inp.kind.startswith("eve")]
        unread = told.none_read("suricata")
        found += eve_coverage.notes(files, none_read=unread, http=told.http, unnamed_quic=told.unnamed_quic)
    return [*found, UNCLASSED] if told.has_unclassed else found


def unclassed_note(lookups: list[Lookup]) -> list[str]:
    """Return a note where the sensor said nothing of some ClientHellos."""
    return [UNCLASSED] if any(_unclassed(lookup) for lookup in lookups) else []


def _zeek(scan: Scan, told: Told) -> list[str]:
    found = []
    if not scan.holds("conn") and not scan.holds("whois"):
        found.append("no conn.log: port-43 sessions cannot be seen")
    if not scan.holds("ssl") and not scan.holds("whois"):
        found.append("no ssl.log: TLS server names cannot be seen")
    if not scan.holds("http") and not scan.holds("whois"):
        found.append("no http.log: clear HTTP lookups cannot be seen")
    if not scan.holds("dns"):
        found.append("no dns.log: sessions that hide their server's name cannot be told, port-43 servers have no names")
    if not scan.holds("whois") and told.none_read("zeek"):
        found.append("no whois.log (whosasking's Zeek package): what port-43 sessions asked is unknown")
    return found


def _unclassed(lookup: Lookup) -> bool:
    """Whether the log said nothing at all of a ClientHello."""
    client = lookup.client
    return lookup.transport in ("tls", "quic") and client.cls is ClientClass.UNKNOWN and not client.evidence
