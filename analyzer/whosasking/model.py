"""The records that pass between stages: frozen, typed, UTC, microseconds.

Every instant is an ``int``: microseconds since the Unix epoch, UTC (``Micros``), which compares and joins exactly where
a float does not. Text of a log is attacker-chosen: records carry it as it was read, each renderer escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - msgspec reads annotations at run time
from enum import StrEnum
from typing import Literal

import msgspec

from whosasking.accounts import ClockOffset as ClockOffset  # noqa: PLC0414 - a part of the model
from whosasking.accounts import Coverage as Coverage  # noqa: PLC0414, TC001 - a part of the model
from whosasking.accounts import InputReport as InputReport  # noqa: PLC0414, TC001 - a part of the model
from whosasking.accounts import Skipped as Skipped  # noqa: PLC0414 - a part of the model
from whosasking.leases import Lease  # noqa: TC001 - msgspec reads annotations at run time

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""

SECOND: Micros = 1_000_000


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every record: immutable, built by keyword."""


class Detection(StrEnum):
    """The three detections; their names come from the seed query and are fixed."""

    PORT43 = "WHOISProtocolPort43"
    WEB = "WHOISWebAPIAccess"
    TOOL = "WHOISToolExecution"


class QueryKind(StrEnum):
    """What a query asks about."""

    DOMAIN = "domain"
    IP = "ip"
    CIDR = "cidr"
    ASN = "asn"
    HANDLE = "handle"
    PERSON = "person"
    ORGANISATION = "organisation"
    BULK = "bulk"


class Query(Record, frozen=True, kw_only=True):
    """What was asked. ``text`` is the request as sent (whois line, URL path), ``object`` the bare object in it."""

    text: str
    object: str | None = None
    kind: QueryKind | None = None
    count: int = 1
    """How many objects the session asked for (bulk); 1 for a plain lookup."""


class ClientClass(StrEnum):
    """Who spoke, from the wire alone."""

    BROWSER = "browser"
    TOOL = "tool"
    UNKNOWN = "unknown"


class Client(Record, frozen=True, kw_only=True):
    """The client as the wire shows it. ``evidence`` holds short sentences, strongest first."""

    cls: ClientClass = msgspec.field(default=ClientClass.UNKNOWN, name="class")
    evidence: tuple[str, ...] = ()
    user_agent: str | None = None
    ja3: str | None = None
    masquerade: str | None = None
    """Why the client claims to be what its stack says it is not, or None."""


class SourceRef(Record, frozen=True, kw_only=True):
    """Where a record was read: the file and its 1-based line (record number for binary formats)."""

    path: str
    line: int


class Lookup(Record, frozen=True, kw_only=True):
    """One lookup seen: a port-43, TLS or QUIC session, one clear HTTP request, or one tool start.

    ``transport`` is ``tcp`` (WHOIS), ``http``, ``tls``, ``quic`` or None (a tool start). ``server_source`` says how
    ``server`` is known: ``sni``, ``host``, ``dns`` (an answer led the same client to the address), ``whois`` (the
    sensor named it), ``url`` or ``command line``. ``id`` is empty until the pipeline has ordered all lookups.
    """

    id: str = ""
    ts: Micros
    detection: Detection
    sensor: str
    uid: str | None = None
    community_id: str | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dst_ip: str | None = None
    dst_port: int | None = None
    transport: str | None = None
    server: str | None = None
    server_source: str | None = None
    server_kind: str | None = None
    """The catalogue's kind of the server: whois43, rdap, web, api, irr or bulk."""
    noise: str | None = None
    """How much unrelated traffic the server also carries: low, medium, high; None when it is not in the catalogue."""
    query: Query | None = None
    client: Client = Client()
    established: bool | None = None
    """False when the handshake never finished (Zeek S0, REJ; Suricata state new); None when the input cannot tell."""
    service: str | None = None
    """The application protocol the sensor recognised (Zeek ``service``, Suricata ``app_proto``), lower case."""
    duration: Micros | None = None
    src_bytes: int | None = None
    dst_bytes: int | None = None
    source: SourceRef | None = None


class Process(Record, frozen=True, kw_only=True):
    """One process as an endpoint product records it.

    ``key`` is unique in one input set: ProcessGuid, entity id, or host, pid and creation time joined. ``parent`` is one
    level deep unless the product gives more.
    """

    host: str
    key: str
    name: str
    pid: int | None = None
    path: str | None = None
    command_line: str | None = None
    user: str | None = None
    started: Micros | None = None
    """Start on the host's own clock, None when it began before the export."""
    ended: Micros | None = None
    parent: Process | None = None


class ProcessStart(Record, frozen=True, kw_only=True):
    """A process start the product recorded (Sysmon 1, DeviceProcessEvents). ``ts`` is on the host's clock."""

    ts: Micros
    process: Process
    product: str
    source: SourceRef


class Socket(Record, frozen=True, kw_only=True):
    """A connection as the endpoint saw it, local side first whoever opened it. ``ts`` is on the host's clock."""

    id: str
    ts: Micros
    host: str
    process: Process
    protocol: str
    """``tcp`` or ``udp``."""
    local_ip: str | None
    local_port: int | None
    remote_ip: str | None
    remote_port: int | None
    remote_name: str | None = None
    """Host name or URL the product recorded for the remote side (RemoteUrl, DestinationHostname)."""
    remote_is_public: bool | None = None
    """The product's own word (RemoteIPType); None when it gives none."""
    initiated: bool | None = None
    succeeded: bool | None = None
    product: str
    source: SourceRef


class NameQuery(Record, frozen=True, kw_only=True):
    """A DNS query an endpoint product ascribes to a process (Sysmon 22). ``addresses`` are the answers."""

    ts: Micros
    host: str
    process: Process
    name: str
    addresses: tuple[str, ...] = ()
    product: str
    source: SourceRef


class EndpointReading(Record, frozen=True, kw_only=True):
    """All that the endpoint exports of one run hold. Many records lie on disk and are built whenever gone through."""

    processes: Sequence[Process] = ()
    """The processes of the records that lie on disk, which refer to them by number; empty where none does."""
    starts: Sequence[ProcessStart] = ()
    sockets: Sequence[Socket] = ()
    unowned_sockets: Sequence[Socket] = ()
    """Connections a product recorded without naming the process (pid 0); their ``process.name`` is empty."""
    name_queries: Sequence[NameQuery] = ()
    addresses: dict[str, list[str]] = {}
    spans: dict[str, tuple[Micros, Micros]] = {}
    """Host to the addresses its records name, and host to its first and last instant, on its own clock."""


class Connection(Record, frozen=True, kw_only=True):
    """A transport session from conn.log or an EVE flow; used as a clock anchor and to enrich lookups."""

    ts: Micros
    protocol: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    uid: str | None = None
    community_id: str | None = None
    established: bool | None = None
    service: str | None = None
    duration: Micros | None = None
    src_bytes: int | None = None
    dst_bytes: int | None = None


class ParityRow(Record, frozen=True, kw_only=True):
    """One lookup of a capture that several sensors read: who saw it, why others did not, what they tell differently."""

    ts: Micros
    src_ip: str
    src_port: int | None
    server: str
    asked: str
    sensors: tuple[str, ...]
    missed: dict[str, str] = {}
    differences: tuple[str, ...] = ()


class WireReading(Record, frozen=True, kw_only=True):
    """All that the sensors' logs of one run hold about lookups.

    ``lookups`` stand in order of time; many of them lie on disk and are built whenever gone through.
    ``anchors``: connections whose tuple an endpoint recorded, too; ``kinds``: records read per log kind;
    ``span``: first and last instant of the records parsed; ``notes``: sentences on what these inputs could not show.
    """

    lookups: Sequence[Lookup] = []
    anchors: list[Connection] = []
    kinds: dict[str, int] = {}
    span: tuple[Micros, Micros] | None = None
    notes: list[str] = []
    parity: list[ParityRow] = []
    """The sensors side by side, where several read the same capture."""
    leases: list[Lease] = []


Method = Literal[
    "endpoint record",
    "5-tuple",
    "community id",
    "3-tuple",
    "dns event",
    "command line",
    "proxy",
    "nat",
    "client hello",
    "none",
]


class Sighting(Record, frozen=True, kw_only=True):
    """An endpoint's event beside a lookup: its time on the sensor's clock and on the host's own."""

    ts: Micros
    own: Micros
    apart: Micros
    """The lookup's time minus the event's, both on the sensor's clock."""


class Step(Record, frozen=True, kw_only=True):
    """What one rung of the evidence ladder said of a lookup."""

    rung: str
    outcome: str


class Candidate(Record, frozen=True, kw_only=True):
    """A process that could have made a lookup, and why it was kept or not chosen."""

    process: Process
    reason: str
    seen: Sighting | None = None


class Attributed(Record, tag="attributed", frozen=True, kw_only=True):
    """A lookup given to one process. ``confidence`` is in 0..1; ``record`` the id of the Socket used, if one was."""

    process: Process
    method: Method
    confidence: float
    reason: str
    candidates: tuple[Candidate, ...] = ()
    record: str | None = None
    seen: Sighting | None = None
    ladder: tuple[Step, ...] = ()
    application: Process | None = None
    """What ``process`` works for, where it is a helper of a browser or of an engine inside another program."""
    script: str | None = None
    """The script that ``process`` runs, where it is an interpreter."""


class Unattributed(Record, tag="unattributed", frozen=True, kw_only=True):
    """A lookup given to nobody, with the reason: no EDR for the host, EDR silent then, no event, several candidates."""

    reason: str
    kind: str = ""
    """The reason without names and times: what counts are kept under. Empty where ``reason`` is that already."""
    candidates: tuple[Candidate, ...] = ()
    ladder: tuple[Step, ...] = ()


Attribution = Attributed | Unattributed


class Outcome(StrEnum):
    """What became of a lookup."""

    REPORTED = "reported"
    DROPPED = "dropped"
    ALLOWED = "allowed"


class Verdict(Record, frozen=True, kw_only=True):
    """One outcome with one reason: ``reason`` is a stable phrase that counts are kept under, ``detail`` the rest."""

    outcome: Outcome
    reason: str
    detail: str = ""


class ScorePart(Record, frozen=True, kw_only=True):
    """Points a finding gets, and why."""

    points: int
    reason: str


class Severity(StrEnum):
    """Of a finding, from its score."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Finding(Record, frozen=True, kw_only=True):
    """Reported lookups of one host and process in one episode."""

    id: str
    severity: Severity
    score: int
    score_parts: tuple[ScorePart, ...]
    host: str
    user: str | None
    process: Process | None
    first_seen: Micros
    last_seen: Micros
    lookups: tuple[str, ...]
    targets: tuple[str, ...]
    """What was asked about: query objects, or servers where the query cannot be read."""


class JudgedLookup(Record, frozen=True, kw_only=True):
    """A lookup with its attribution and verdict."""

    lookup: Lookup
    attribution: Attribution
    verdict: Verdict


class Report(Record, frozen=True, kw_only=True):
    """Everything one run found: the only thing a renderer sees."""

    version: str
    generated_at: Micros
    inputs: tuple[InputReport, ...]
    coverage: Coverage
    findings: tuple[Finding, ...]
    lookups: Sequence[JudgedLookup]
    notes: tuple[str, ...] = ()
    """Messages about the run: expired allow rules, settings that had no effect."""
    parity: tuple[ParityRow, ...] = ()
    """Where several sensors read one capture: every lookup on the wire, and who saw it."""
