"""Microsoft Defender exports: DeviceProcessEvents and DeviceNetworkEvents, CSV and streaming JSON."""

from __future__ import annotations

import csv
import ipaddress
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder.export_common import Host
    from recorder.truth import Process, Socket
    from recorder.wire import Seen

TENANT = "6f1f4d9a-2b7e-4c57-9a0e-5d2c8b7a1e44"
DNS_PORT = 53


def write(host: Host, folder: Path) -> None:
    """Write `defender-csv/*.csv` and `defender-json/*.json`."""
    tables = {"DeviceProcessEvents": list(_processes(host)), "DeviceNetworkEvents": list(_connections(host))}
    for form in ("csv", "json"):
        (folder / f"defender-{form}").mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        rows.sort(key=lambda row: row["Timestamp"])
        for number, row in enumerate(rows, 1):
            row["ReportId"] = number
        with (folder / "defender-csv" / f"{table}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)
        streamed = [_streamed(table, row) for row in rows]
        target = folder / "defender-json" / f"{table}.json"
        target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in streamed))


def _streamed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    envelope = {"time": row["Timestamp"], "tenantId": TENANT, "operationName": "Publish",
                "category": f"AdvancedHunting-{table}"}  # fmt: skip
    return {**envelope, "properties": {key: None if value == "" else value for key, value in row.items()}}


def _stamp(host: Host, micros: int) -> str:
    return host.clock(micros).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _common(host: Host, micros: int, action: str) -> dict[str, Any]:
    return {"Timestamp": _stamp(host, micros), "DeviceId": host.identity, "DeviceName": host.name, "ActionType": action}


def _initiating(host: Host, process: Process | None) -> dict[str, Any]:
    parent = host.truth.process(process.parent) if process and process.parent is not None else None
    domain = host.plan.client.host.lower()
    return {
        "InitiatingProcessAccountDomain": domain if process else "",
        "InitiatingProcessAccountName": process.user if process else "",
        "InitiatingProcessSHA1": "",
        "InitiatingProcessFileName": process.name if process else "",
        "InitiatingProcessFolderPath": process.exe if process else "",
        "InitiatingProcessId": process.pid if process else 0,
        "InitiatingProcessCommandLine": process.command_line if process else "",
        "InitiatingProcessCreationTime": _stamp(host, process.start) if process else "",
        "InitiatingProcessParentId": parent.pid if parent else 0,
        "InitiatingProcessParentFileName": parent.name if parent else "",
        "InitiatingProcessParentCreationTime": _stamp(host, parent.start) if parent else "",
    }


def _processes(host: Host) -> Iterator[dict[str, Any]]:
    for process in host.truth.processes:
        if not process.execed:
            continue
        parent = host.truth.process(process.parent) if process.parent is not None else None
        yield {
            **_common(host, process.start, "ProcessCreated"),
            "FileName": process.name,
            "FolderPath": process.exe,
            "SHA1": "",
            "ProcessId": process.pid,
            "ProcessCommandLine": process.command_line,
            "ProcessCreationTime": _stamp(host, process.start),
            "AccountDomain": host.plan.client.host.lower(),
            "AccountName": process.user,
            **_initiating(host, parent),
            "ReportId": 0,
            "AdditionalFields": "",
        }


def _connections(host: Host) -> Iterator[dict[str, Any]]:
    wire = {seen.session.key: seen for seen in host.wire}
    for socket in host.truth.sockets:
        if socket.remote_port == DNS_PORT:
            continue  # Defender records name lookups elsewhere
        process = host.truth.process(socket.process)
        yield {
            **_common(host, socket.ts, "ConnectionSuccess" if socket.established else "ConnectionFailed"),
            "RemoteIP": socket.remote_ip,
            "RemotePort": socket.remote_port,
            "RemoteUrl": _url(socket, wire.get(socket.key)),
            "LocalIP": socket.local_ip,
            "LocalPort": socket.local_port,
            "Protocol": socket.protocol.capitalize(),
            "LocalIPType": _kind(socket.local_ip),
            "RemoteIPType": _kind(socket.remote_ip),
            **_initiating(host, process),
            "ReportId": 0,
            "AdditionalFields": "",
        }


def _url(socket: Socket, seen: Seen | None) -> str:
    """Give a bare host for TLS, a URL for clear HTTP, nothing where no name is seen (WHOIS, hidden name, QUIC)."""
    if seen is None or socket.protocol == "udp":
        return ""
    if seen.requests:
        return f"http://{seen.requests[0].host}{seen.requests[0].uri}"
    return seen.sni or ""


def _kind(address: str) -> str:
    return "Public" if ipaddress.ip_address(address).is_global else "Private"
