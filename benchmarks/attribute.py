"""`whosasking attribute` at scale: a conn.log of N connections and twice as many endpoint events, made here.

    python benchmarks/attribute.py [CONNECTIONS] [HOSTS]

The endpoint records are made as they are gone through, so that this measures the attribution and the reading of
conn.log, not an export's reader. Nine of ten connections were recorded; the rest goes down the ladder.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from whosasking import attribution, catalogue
from whosasking.inputs import discover
from whosasking.model import Attributed, EndpointReading, Process, ProcessStart, Socket, SourceRef
from whosasking.progress import SILENT
from whosasking.sensors import flows

START = 1_795_435_200
PROCESSES = 200
"""Per host."""
SPAN = 86_400


class Made(Sequence[Socket]):
    """Sockets, made whenever they are asked for: each connection that was recorded, then as many others."""

    def __init__(self, connections: int, hosts: int) -> None:
        """Make ``connections`` of ``hosts``."""
        self.connections, self.hosts = connections, hosts
        self.processes = [[process(host, pid) for pid in range(PROCESSES)] for host in range(hosts)]

    def __len__(self) -> int:
        """Count them."""
        return 2 * self.connections

    def __iter__(self) -> Iterator[Socket]:
        """Make one after another, but for those that were not recorded."""
        for number in range(len(self)):
            if number >= self.connections or number % 10:
                yield self[number]

    @overload
    def __getitem__(self, index: int) -> Socket: ...
    @overload
    def __getitem__(self, index: slice) -> list[Socket]: ...
    def __getitem__(self, index: int | slice) -> Socket | list[Socket]:
        """Make one, or some."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        host, pid, port, server = ends(index, self.hosts)
        ts = instant(index % self.connections, self.connections) - host * 1_000_000 + (index >= self.connections) * 7
        return Socket(
            id=f"edr.ndjson:{index}",
            ts=ts,
            host=f"WS{host:05}",
            process=self.processes[host][pid],
            protocol="tcp",
            local_ip=f"10.{host >> 8 & 255}.{host & 255}.5",
            local_port=port,
            remote_ip=server if index < self.connections else "203.0.113.9",
            remote_port=443,
            initiated=True,
            product="Sysmon",
            source=SourceRef(path="edr.ndjson", line=index),
        )


def process(host: int, pid: int) -> Process:
    """One process of a host."""
    return Process(
        host=f"WS{host:05}", key=f"WS{host:05}/{pid}", name=f"app{pid % 40}.exe", pid=pid, command_line="app"
    )


def ends(number: int, hosts: int) -> tuple[int, int, int, str]:
    """Host, process, client port and server of a connection."""
    host = number % hosts
    return host, number // hosts % PROCESSES, 20_000 + number // hosts % 40_000, f"198.51.{number % 200}.{number % 250}"


def instant(number: int, connections: int) -> int:
    """When a connection began, microseconds."""
    return START * 1_000_000 + number * SPAN * 1_000_000 // connections


def conn_log(path: Path, connections: int, hosts: int) -> None:
    """Write the log."""
    fields = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "conn_state"]
    types = ["time", "string", "addr", "port", "addr", "port", "enum", "string", "string"]
    with path.open("w") as out:
        out.write(
            "#separator \\x09\n#path\tconn\n#fields\t" + "\t".join(fields) + "\n#types\t" + "\t".join(types) + "\n"
        )
        for number in range(connections):
            host, _, port, server = ends(number, hosts)
            ts = instant(number, connections)
            out.write(
                f"{ts // 1_000_000}.{ts % 1_000_000:06}\tC{number}\t10.{host >> 8 & 255}.{host & 255}.5\t{port}\t"
                f"{server}\t443\ttcp\tssl\tSF\n"
            )


def main() -> None:
    """Run it."""
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    hosts = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000  # noqa: PLR2004
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "conn.log"
        conn_log(log, connections, hosts)
        made = Made(connections, hosts)
        starts = [
            ProcessStart(ts=START * 1_000_000, process=one, product="Sysmon", source=SourceRef(path="x", line=1))
            for one in made.processes[0]
        ]
        inputs, began = discover([log]), time.process_time()
        with attribution.Connections(EndpointReading(sockets=made, starts=starts), {}, catalogue.load()) as every:
            with every.spool() as (rows, names):
                flows.read(inputs, rows, names, SILENT)
            said("conn.log read", began)
            every.align()
            said("events loaded, clocks aligned", began)
            right = wrong = lower = 0
            for connection, one in every.attributed():
                number = int((connection.uid or "C0")[1:])
                if isinstance(one, Attributed):
                    lower += one.method != "5-tuple"
                    right += one.process.pid == ends(number, hosts)[1]
                    wrong += one.process.pid != ends(number, hosts)[1]
            said("attributed", began)
    print(f"{connections:,} connections: {right:,} right, {wrong:,} wrong, {lower:,} of them by lower rungs")


def said(what: str, began: float) -> None:
    """Print what was used so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.process_time() - began:8.1f} CPU s  {peak:7.0f} MiB peak  {what}")


if __name__ == "__main__":
    main()
