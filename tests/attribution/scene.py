"""A small site to attribute on: build processes, sockets, DNS queries and lookups in seconds since one noon."""

from __future__ import annotations

from typing import Any

from whosasking import attribution
from whosasking.model import (
    Attributed,
    Connection,
    Detection,
    EndpointReading,
    Lookup,
    NameQuery,
    Process,
    ProcessStart,
    Socket,
    SourceRef,
    Unattributed,
)

NOON = 1_700_049_600_000_000
HERE = "10.0.0.5"
SERVER = "199.7.59.74"
HOST = "WS01.corp.example"


def at(seconds: float) -> int:
    """Microseconds since the epoch, ``seconds`` after noon."""
    return NOON + round(seconds * 1_000_000)


class NoTools:
    """A catalogue that knows no client."""

    def tool(self, process_name: str, command_line: str | None) -> None:
        """Know nothing."""


class Tool:
    """A known client."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


class WhoisIsKnown:
    """A catalogue that knows whois.exe."""

    def tool(self, process_name: str, command_line: str | None) -> Tool | None:  # noqa: ARG002 - the catalogue's signature
        """Know a client by its name."""
        return Tool("whois") if process_name.lower() in {"whois", "whois.exe"} else None


def process(name: str = "whois.exe", pid: int = 100, **more: Any) -> Process:
    """One process; its key holds name and pid unless given."""
    more.setdefault("host", HOST)
    more.setdefault("key", f"{more['host']}/{pid}/{name}")
    return Process(name=name, pid=pid, **more)


def lookup(seconds: float = 0.0, port: int | None = 50000, **more: Any) -> Lookup:
    """One WHOIS session on the wire."""
    values: dict[str, Any] = {
        "ts": at(seconds),
        "detection": Detection.PORT43,
        "sensor": "zeek",
        "src_ip": HERE,
        "src_port": port,
        "dst_ip": SERVER,
        "dst_port": 43,
        "transport": "tcp",
    }
    return Lookup(**values | more)


class Site:
    """Collects endpoint records; ``clock`` is added to every time of a host's events (host minus sensor), seconds."""

    def __init__(self, clock: float = 0.0, host: str = HOST, product: str = "Sysmon") -> None:
        self.clock = clock
        self.host = host
        self.product = product
        self.starts: list[ProcessStart] = []
        self.sockets: list[Socket] = []
        self.queries: list[NameQuery] = []
        self.anchors: list[Connection] = []

    def source(self) -> SourceRef:
        return SourceRef(path="edr.ndjson", line=len(self.starts) + len(self.sockets) + len(self.queries) + 1)

    def start(self, who: Process, seconds: float) -> None:
        """Record a process start."""
        self.starts.append(
            ProcessStart(ts=at(seconds + self.clock), process=who, product=self.product, source=self.source())
        )

    def socket(self, who: Process, seconds: float, port: int | None = 50000, **more: Any) -> str:
        """Record a connection to the WHOIS server; gives its id."""
        values: dict[str, Any] = {
            "id": f"s{self.host}{self.product}{len(self.sockets)}",
            "ts": at(seconds + self.clock),
            "host": self.host,
            "process": who,
            "protocol": "tcp",
            "local_ip": HERE,
            "local_port": port,
            "remote_ip": SERVER,
            "remote_port": 43,
            "initiated": True,
            "product": self.product,
            "source": self.source(),
        }
        found = Socket(**values | more)
        self.sockets.append(found)
        return found.id

    def query(self, who: Process, seconds: float, name: str, *addresses: str) -> None:
        """Record a DNS query."""
        self.queries.append(
            NameQuery(
                ts=at(seconds + self.clock),
                host=self.host,
                process=who,
                name=name,
                addresses=addresses,
                product=self.product,
                source=self.source(),
            )
        )

    def traffic(self, *ports: int, every: float = 10.0, local: str = HERE) -> None:
        """Connections both sides saw, one from each port, that align the clock."""
        browser = process("browser.exe", 7, host=self.host)
        for index, port in enumerate(ports):
            seconds = -300 + index * every
            self.socket(browser, seconds, port, local_ip=local, remote_ip="93.184.216.34", remote_port=443)
            self.anchors.append(
                Connection(
                    ts=at(seconds) + 900 * (index % 3 - 1),
                    protocol="tcp",
                    src_ip=local,
                    src_port=port,
                    dst_ip="93.184.216.34",
                    dst_port=443,
                )
            )

    def reading(self, *others: Site) -> EndpointReading:
        """Everything recorded here and on other sites."""
        sites = [self, *others]
        return EndpointReading(
            starts=[start for site in sites for start in site.starts],
            sockets=[socket for site in sites for socket in site.sockets],
            name_queries=[query for site in sites for query in site.queries],
        )

    def attribute(self, *lookups: Lookup, known: Any = None, others: tuple[Site, ...] = ()) -> attribution.Result:
        """Attribute lookups with what this and other sites recorded."""
        anchors = [anchor for site in (self, *others) for anchor in site.anchors]
        return attribution.attribute(lookups, self.reading(*others), anchors, known=known or NoTools())


def aligned(clock: float = 0.0, **more: Any) -> Site:
    """A site whose clock five connections set."""
    site = Site(clock, **more)
    site.traffic(51001, 51002, 51003, 51004, 51005, every=100.0)
    return site


def only(result: attribution.Result) -> Attributed | Unattributed:
    """Give the one attribution."""
    (one,) = result.attributions
    return one


def named(result: attribution.Result) -> Attributed:
    """Give the one attribution, which must name a process."""
    one = only(result)
    assert isinstance(one, Attributed), one.reason
    return one


def nobody(result: attribution.Result) -> Unattributed:
    """Give the one attribution, which must name nobody."""
    one = only(result)
    assert isinstance(one, Unattributed), one.reason
    return one
