"""What all endpoint exports share: the host's own clock and stable identities."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.addresses import Plan
    from recorder.truth import NameQuery, Process, Socket, Truth
    from recorder.wire import Seen


@dataclass(frozen=True)
class Host:
    """The workstation as its products see it. ``offset`` is sensor minus host clock, in microseconds."""

    plan: Plan
    truth: Truth
    wire: list[Seen]
    offset: int

    @property
    def name(self) -> str:
        """Fully qualified, lower case."""
        return self.plan.client.fqdn

    @property
    def identity(self) -> str:
        """A stable 40-digit id of the machine."""
        return hashlib.sha1(self.name.encode(), usedforsecurity=False).hexdigest()

    def clock(self, micros: int) -> dt.datetime:
        """Tell what the host's clock showed at an instant of the capture's clock."""
        value = micros - self.offset
        return dt.datetime.fromtimestamp(value // 1_000_000, dt.UTC).replace(microsecond=value % 1_000_000)

    def guid(self, process: Process) -> str:
        """Make a Sysmon ProcessGuid: machine, start time, pid."""
        start = (process.start - self.offset) // 1_000_000
        tail = f"{process.pid:06x}{process.id:06x}"
        return (
            f"{{{self.identity[:8]}-{start & 0xFFFF:04x}-{start >> 16 & 0xFFFF:04x}-{process.pid & 0xFFFF:04x}-{tail}}}"
        )

    def resolved(self) -> list[tuple[NameQuery, list[str], int]]:
        """One entry per process and name: A and AAAA answers together, as a resolver call returns them."""
        merged: dict[tuple[int, str, int], tuple[NameQuery, list[str], int]] = {}
        for query in self.truth.names:
            if query.qtype in {"A", "AAAA"}:
                key = (query.process, query.name, query.ts // 1_000_000)
                entry = merged.setdefault(key, (query, [], query.code))
                entry[1].extend(query.addresses)
        return list(merged.values())


def community_id(socket: Socket) -> str:
    """Community ID v1, seed 0."""
    ends = [(ipaddress.ip_address(ip).packed, struct.pack("!H", port))
            for ip, port in ((socket.local_ip, socket.local_port), (socket.remote_ip, socket.remote_port))]  # fmt: skip
    ends.sort()
    protocol = 6 if socket.protocol == "tcp" else 17
    data = b"\0\0" + ends[0][0] + ends[1][0] + bytes([protocol, 0]) + ends[0][1] + ends[1][1]
    return "1:" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
