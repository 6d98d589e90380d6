"""Velociraptor: rows of ``Windows.Network.NetstatEnriched`` and ``Windows.Network.Netstat``, JSON lines or CSV.

A snapshot of the sockets that were open when the artifact ran, each with its process. ``Timestamp`` is when the socket
was made; the artifacts of Linux and macOS have none, and without a time their sockets say nothing. Who opened a
connection is not recorded. Rows of one client's collection do not name the client: then the sockets' own local address
stands for the host. Columns: the artifacts' definitions, whose names of the two ends changed twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.endpoints.interface import Facts
from whosasking.endpoints.places import get
from whosasking.endpoints.reading import At, BadRecordError, End, Fields, socket
from whosasking.endpoints.values import basename, epoch, tells_network, transport

if TYPE_CHECKING:
    from collections.abc import Collection

    from whosasking.endpoints.glance import Glance
    from whosasking.endpoints.interface import Collector, Noted
    from whosasking.endpoints.places import Table
    from whosasking.endpoints.reading import Row
    from whosasking.model import SourceRef

KIND = "velociraptor netstat"
PRODUCT = "Velociraptor"
GLANCE: Glance | None = None
"""None: every row of this artifact is of the same kind."""

TABLE: Table = {
    "host": ("Fqdn", "Hostname", "ClientName", "ClientId"),
    "ts": ("Timestamp",),
    "pid": ("Pid",),
    "name": ("Name",),
    "path": ("Path", "ProcPath"),
    "command_line": ("CommandLine",),
    "user": ("Username",),
    "type": ("Type",),
    "status": ("Status", "State"),
    "local_ip": ("SrcIP", "Laddr.IP", "LocalAddr", "Laddr"),
    "local_port": ("SrcPort", "Laddr.Port", "LocalPort", "Lport"),
    "remote_ip": ("DestIP", "Raddr.IP", "RemoteAddr", "Raddr"),
    "remote_port": ("DestPort", "Raddr.Port", "RemotePort", "Rport"),
}
_ENDS = (
    ("SrcIP", "SrcPort", "DestIP", "DestPort"),
    ("Laddr.IP", "Laddr.Port", "Raddr.IP", "Raddr.Port"),
    ("Laddr", "Lport", "Raddr", "Rport"),
    ("LocalAddr", "LocalPort", "RemoteAddr", "RemotePort"),
)
_PROCESS_INSIDE = frozenset({"ProcInfo", "ProcessInfo"})
"""Where the artifacts of Linux and macOS keep the process."""
_NO_CONNECTION = frozenset({"LISTEN", "LISTENING", "BOUND", "CLOSED", "DELETE_TCB", "DELETE"})


def is_ours(row: Row) -> bool:
    """Tell a row of a netstat artifact."""
    columns = row.keys()
    return has_columns(columns) or {"Pid", "Laddr", "Raddr", "Status"} <= columns


def has_columns(columns: Collection[str]) -> bool:
    """Tell the header of the artifact's CSV."""
    owned = "Pid" in columns or "ProcessInfo" in columns
    return owned and any(all(name in columns for name in ends) for ends in _ENDS)


def take(row: Row, source: SourceRef, collector: Collector, noted: Noted) -> bool:
    """Hand one socket to the collector."""
    fields = Fields(row, TABLE)
    status = (fields.text("status") or "").upper().removeprefix("TCP_")
    local, remote = End.of(fields, "local_ip", "local_port"), End.of(fields, "remote_ip", "remote_port")
    if status in _NO_CONNECTION or remote.ip is None or remote.port is None:
        noted.add("sockets that are no connection", (status or fields.text("type") or "no status")[:40])
        return False
    ts = fields.instant("ts") or epoch(get(row, TABLE["ts"]))
    if ts is None and "Timestamp" not in row and not _PROCESS_INSIDE.isdisjoint(row):
        noted.add("sockets without a Timestamp (the artifacts of Linux and macOS record none): nothing to join them by")
        return False
    if ts is None:
        raise BadRecordError("no Timestamp that can be read")
    at = At(collector.host(_host(fields, local), ts), ts, source, PRODUCT)
    seen = socket(at, local, remote, transport(fields.raw("type")))
    collector.socket(_process(fields, at, collector), seen, fields.pid("pid"))
    return True


def _host(fields: Fields, local: End) -> str:
    named = fields.text("host")
    if named is not None:
        return named
    if local.ip is None or not tells_network(local.ip):
        raise BadRecordError("neither Fqdn nor a local address that could stand for the host")
    return f"host at {local.ip}"


def _process(fields: Fields, at: At, collector: Collector) -> str | None:
    pid, path = fields.pid("pid"), fields.text("path")
    name = fields.text("name") or basename(path)
    if name is None:
        return None
    facts = Facts(
        host=at.host,
        name=name,
        pid=pid,
        path=path,
        command_line=fields.verbatim("command_line"),
        user=fields.text("user"),
    )
    return collector.process(f"{at.host}/{pid or '?'}/{(path or name).lower()}", facts)
