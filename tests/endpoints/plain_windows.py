"""Rows of Sysmon and Defender at random in their shapes, and slow plain readers of them, for ``plain_readers``."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from endpoints import windows
from endpoints.plain_readers import ends, ip, iso, seen

if TYPE_CHECKING:
    from endpoints.plain_readers import Seen
    from endpoints.story import Row


def sysmon_fields(fact: Row) -> dict[str, str]:
    """EventData of a connection."""
    source, destination = ends(fact)
    return {
        "RuleName": "-",
        "UtcTime": iso(fact)[:-1].replace("T", " "),
        "ProcessGuid": f"{{{fact['uid'].upper()}-0000}}",
        "ProcessId": str(fact["pid"]),
        "Image": fact["path"],
        "Protocol": "udp" if fact["udp"] else "tcp",
        "Initiated": "true" if fact["out"] else "false",
        "SourceIp": source[0],
        "SourcePort": str(source[1]),
        "DestinationIp": destination[0],
        "DestinationPort": str(destination[1]),
    }


def plain_fields(host: str, fields: dict[str, Any]) -> Seen | None:
    """EventData of a connection read by hand."""
    moment = datetime.strptime(fields["UtcTime"] + "000 +0000", "%Y-%m-%d %H:%M:%S.%f %z")
    micros = round(moment.timestamp() * 1000) * 1000
    source = (fields["SourceIp"], fields["SourcePort"])
    destination = (fields["DestinationIp"], fields["DestinationPort"])
    out = fields["Initiated"] == "true"
    here, there = (source, destination) if out else (destination, source)
    return seen(host, micros, fields["Protocol"] == "udp", here, there, out, fields["Image"], int(fields["ProcessId"]))


def sysmon_row(fact: Row) -> Row:
    return {
        "SourceName": windows.SYSMON,
        "Channel": f"{windows.SYSMON}/Operational",
        "Hostname": fact["host"],
        "EventID": 3 if fact["used"] else 11,
        "@timestamp": "2020-01-01T00:00:00Z",
        **sysmon_fields(fact),
    }


def sysmon_plain(row: Row) -> Seen | None:
    return plain_fields(row["Hostname"], row) if row["EventID"] == 3 else None


def winlogbeat_row(fact: Row) -> Row:
    return {
        "@timestamp": "2020-01-01T00:00:00Z",
        "event": {"code": "3" if fact["used"] else "11"},
        "host": {"name": "forwarder"},
        "winlog": {
            "channel": f"{windows.SYSMON}/Operational",
            "computer_name": fact["host"],
            "provider_name": windows.SYSMON,
            "process": {"pid": 1},
            "event_data": sysmon_fields(fact),
        },
    }


def winlogbeat_plain(row: Row) -> Seen | None:
    inner = row["winlog"]
    return plain_fields(inner["computer_name"], inner["event_data"]) if row["event"]["code"] == "3" else None


def evtxecmd_row(fact: Row) -> Row:
    return windows.evtxecmd(3 if fact["used"] else 11, sysmon_fields(fact)) | {"Computer": fact["host"]}


def evtxecmd_plain(row: Row) -> Seen | None:
    data = json.loads(row["Payload"])["EventData"]["Data"]
    fields = {part["@Name"]: part["#text"] for part in data}
    return plain_fields(row["Computer"], fields) if row["EventId"] == 3 else None


def defender_row(fact: Row) -> Row:
    return {
        "Timestamp": iso(fact, "4567"),
        "DeviceId": "d",
        "DeviceName": fact["host"],
        "ActionType": ("ConnectionSuccess" if fact["out"] else "InboundConnectionAccepted")
        if fact["used"]
        else "ListeningConnectionCreated",
        "LocalIP": fact["local"][0],
        "LocalPort": fact["local"][1],
        "RemoteIP": fact["remote"][0] if fact["used"] else "",
        "RemotePort": fact["remote"][1],
        "Protocol": "Udp" if fact["udp"] else "TcpV4",
        "InitiatingProcessFileName": fact["path"].replace("\\", "/").rpartition("/")[2],
        "InitiatingProcessFolderPath": fact["path"],
        "InitiatingProcessId": fact["pid"],
        "InitiatingProcessCreationTime": iso(fact),
    }


def defender_plain(row: Row) -> Seen | None:
    if not row["RemoteIP"]:
        return None
    micros = int(datetime.fromisoformat(row["Timestamp"][:26] + "+00:00").timestamp() * 1_000_000 + 0.5)
    here, there = (row["LocalIP"], row["LocalPort"]), (row["RemoteIP"], row["RemotePort"])
    out, udp = row["ActionType"] == "ConnectionSuccess", row["Protocol"] == "Udp"
    path, pid = row["InitiatingProcessFolderPath"], row["InitiatingProcessId"]
    if ip(there[0]) is None:
        # Kept: where the address is missing, RemoteUrl may still say whom it was to.
        found = seen(row["DeviceName"], micros, udp, here, ("192.0.2.1", there[1]), out, path, pid)
        return (*found[:5], None, *found[6:]) if found else None
    return seen(row["DeviceName"], micros, udp, here, there, out, path, pid)


WINDOWS_PAIRS = {
    "sysmon flat": (sysmon_row, sysmon_plain),
    "sysmon ecs": (winlogbeat_row, winlogbeat_plain),
    "evtxecmd": (evtxecmd_row, evtxecmd_plain),
    "defender": (defender_row, defender_plain),
}
