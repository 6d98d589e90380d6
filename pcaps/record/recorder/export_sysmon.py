"""Sysmon exports: flat JSON (one event a line) and winlogbeat's ECS. Events 1, 3, 5 and 22."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from recorder.export_common import Host, community_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder.truth import NameQuery, Process, Socket

PROVIDER, CHANNEL = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"
NXDOMAIN_STATUS = "9003"
LATE = dt.timedelta(milliseconds=31)
"""TimeCreated comes a little after UtcTime: the service writes the event when it gets to it."""
CREATE, CONNECT, END, QUERY = 1, 3, 5, 22


def write(host: Host, folder: Path) -> None:
    """Write `sysmon-flat/sysmon.ndjson` and `sysmon-ecs/winlogbeat.ndjson`."""
    flat = sorted(_flat(host), key=lambda event: (event["UtcTime"], event["EventID"]))
    for name, events in (("sysmon-flat/sysmon.ndjson", flat), ("sysmon-ecs/winlogbeat.ndjson", list(_ecs(host, flat)))):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events))


def _flat(host: Host) -> Iterator[dict[str, Any]]:
    for process in host.truth.processes:
        if process.execed:
            yield _create(host, process)
            if process.end and process.id == _last_image(host, process.pid):
                yield _event(host, END, process.end, process, {"Image": process.exe})
    for socket in host.truth.sockets:
        yield _connect(host, socket)
    for query, addresses, code in host.resolved():
        yield _query(host, query, addresses, code)


def _last_image(host: Host, pid: int) -> int:
    return max(process.id for process in host.truth.processes if process.pid == pid)


def _event(host: Host, code: int, ts: int, process: Process, fields: dict[str, Any]) -> dict[str, Any]:
    at = host.clock(ts)
    created = (at + LATE).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "SourceName": PROVIDER,
        "Channel": CHANNEL,
        "Hostname": host.name,
        "TimeCreated": created,
        "@timestamp": created,
        "EventID": code,
        "Task": str(code),
        "RuleName": "-",
        "UtcTime": at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}",
        "ProcessGuid": host.guid(process),
        "ProcessId": str(process.pid),
        **fields,
        "User": process.user,
    }


def _create(host: Host, process: Process) -> dict[str, Any]:
    parent = host.truth.process(process.parent) if process.parent is not None else None
    fields = {
        "Image": process.exe,
        "CommandLine": process.command_line,
        "CurrentDirectory": f"/home/{process.user}",
        "LogonId": "0x2",
        "TerminalSessionId": "2",
        "IntegrityLevel": "no level",
        "Hashes": "-",
        "ParentProcessGuid": host.guid(parent) if parent else "{00000000-0000-0000-0000-000000000000}",
        "ParentProcessId": str(parent.pid) if parent else "0",
        "ParentImage": parent.exe if parent else "-",
        "ParentCommandLine": parent.command_line if parent else "-",
        "ParentUser": parent.user if parent else "-",
    }
    return _event(host, CREATE, process.start, process, fields)


def _connect(host: Host, socket: Socket) -> dict[str, Any]:
    process = host.truth.process(socket.process)
    six = str(":" in socket.local_ip).lower()
    fields = {
        "Image": process.exe,
        "Protocol": socket.protocol,
        "Initiated": "true",
        "SourceIsIpv6": six,
        "SourceIp": socket.local_ip,
        "SourceHostname": "-",
        "SourcePort": str(socket.local_port),
        "SourcePortName": "-",
        "DestinationIsIpv6": six,
        "DestinationIp": socket.remote_ip,
        "DestinationHostname": "-",
        "DestinationPort": str(socket.remote_port),
        "DestinationPortName": "-",
    }
    return _event(host, CONNECT, socket.ts, process, fields)


def _query(host: Host, query: NameQuery, addresses: list[str], code: int) -> dict[str, Any]:
    process = host.truth.process(query.process)
    shown = [address if ":" in address else f"::ffff:{address}" for address in addresses]
    fields = {
        "QueryName": query.name,
        "QueryStatus": NXDOMAIN_STATUS if code else "0",
        "QueryResults": "".join(f"{address};" for address in shown) or "-",
        "Image": process.exe,
    }
    return _event(host, QUERY, query.ts, process, fields)


def _ecs(host: Host, flat: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Shape as Winlogbeat's Sysmon module does: `@timestamp` is UtcTime, TimeCreated is `event.created`."""
    keys = {socket.key: community_id(socket) for socket in host.truth.sockets}
    for number, event in enumerate(flat, 1):
        code = event["EventID"]
        base: dict[str, Any] = {
            "@timestamp": event["UtcTime"].replace(" ", "T") + "Z",
            "event": {"code": str(code), "kind": "event", "provider": PROVIDER, "module": "sysmon",
                      "created": event["TimeCreated"]},
            "host": {"name": host.name},
            "winlog": {"channel": CHANNEL, "provider_name": PROVIDER, "event_id": str(code), "record_id": number,
                       "computer_name": host.name, "process": {"pid": 812, "thread": {"id": 1440}}},
            "process": _ecs_process(event, ""),
            "user": {"name": event["User"]},
        }  # fmt: skip
        match code:
            case 1:
                base["process"] |= {
                    "working_directory": event["CurrentDirectory"],
                    "parent": _ecs_process(event, "Parent"),
                }
                base["event"] |= {"category": ["process"], "type": ["start"]}
            case 3:
                base |= _ecs_network(event, keys)
                base["event"] |= {"category": ["network"], "type": ["start", "connection", "protocol"]}
            case 5:
                base["event"] |= {"category": ["process"], "type": ["end"]}
            case _:
                base |= _ecs_dns(event)
                base["event"] |= {"category": ["network"], "type": ["connection", "protocol", "info"]}
        yield base


def _ecs_process(event: dict[str, Any], who: str) -> dict[str, Any]:
    image = event[f"{who}Image"]
    guid, pid = event[f"{who}ProcessGuid"], event[f"{who}ProcessId"]
    result = {"entity_id": guid, "pid": int(pid), "executable": image, "name": image.rsplit("/", 1)[-1]}
    if command := event.get(f"{who}CommandLine"):
        result |= {"command_line": command, "args": command.split(" ")}
    return result


def _ecs_network(event: dict[str, Any], keys: dict[tuple[str, str, int, str, int], str]) -> dict[str, Any]:
    source, target = (
        (event["SourceIp"], int(event["SourcePort"])),
        (event["DestinationIp"], int(event["DestinationPort"])),
    )
    kind = "ipv6" if event["SourceIsIpv6"] == "true" else "ipv4"
    return {
        "source": {"ip": source[0], "port": source[1]},
        "destination": {"ip": target[0], "port": target[1]},
        "network": {"transport": event["Protocol"], "direction": "egress", "type": kind,
                    "community_id": keys[event["Protocol"], *source, *target]},
    }  # fmt: skip


def _ecs_dns(event: dict[str, Any]) -> dict[str, Any]:
    found = [
        address.removeprefix("::ffff:") for address in event["QueryResults"].split(";") if address not in {"", "-"}
    ]
    status = "SUCCESS" if event["QueryStatus"] == "0" else "DNS_ERROR_RCODE_NAME_ERROR"
    answers = [{"data": address, "type": "AAAA" if ":" in address else "A"} for address in found]
    return {
        "dns": {"question": {"name": event["QueryName"]}, "answers": answers, "resolved_ip": found},
        "network": {"protocol": "dns"},
        "sysmon": {"dns": {"status": status}},
    }
