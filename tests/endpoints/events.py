"""Sysmon events of one little story, in every shape: cmd starts whois, which resolves and asks whois.iana.org."""

from __future__ import annotations

from typing import Any

HOST = "WS1.corp.example"
SHELL = "{11111111-0000-0000-0000-000000000001}"
WHOIS = "{11111111-0000-0000-0000-0000000000AB}"
MICROS = 1_714_557_600_000_000  # 2024-05-01T10:00:00Z
UTC = "2024-05-01 10:00:00.123"
TS = MICROS + 123_000

Fields = dict[str, str]


def start(**more: str) -> Fields:
    return {
        "UtcTime": UTC,
        "ProcessGuid": WHOIS,
        "ProcessId": "4711",
        "Image": "C:\\Tools\\whois.exe",
        "CommandLine": "whois  example.com",
        "User": "CORP\\ann",
        "ParentProcessGuid": SHELL,
        "ParentProcessId": "300",
        "ParentImage": "C:\\Windows\\System32\\cmd.exe",
        "ParentCommandLine": "cmd.exe",
        **more,
    }


def connection(**more: str) -> Fields:
    return {
        "UtcTime": "2024-05-01 10:00:01.500",
        "ProcessGuid": WHOIS.lower().strip("{}"),
        "ProcessId": "4711",
        "Image": "C:\\Tools\\whois.exe",
        "User": "CORP\\ann",
        "Protocol": "tcp",
        "Initiated": "true",
        "SourceIp": "10.1.2.3",
        "SourcePort": "50123",
        "SourceHostname": "-",
        "DestinationIp": "192.0.47.59",
        "DestinationPort": "43",
        "DestinationHostname": "-",
        **more,
    }


def end(**more: str) -> Fields:
    return {"UtcTime": "2024-05-01 10:00:02.000", "ProcessGuid": WHOIS, "ProcessId": "4711", **more}


def query(**more: str) -> Fields:
    return {
        "UtcTime": "2024-05-01 10:00:01.200",
        "ProcessGuid": WHOIS,
        "ProcessId": "4711",
        "Image": "C:\\Tools\\whois.exe",
        "QueryName": "whois.iana.org",
        "QueryStatus": "0",
        "QueryResults": "type:  5 ianawhois.vip.icann.org;::ffff:192.0.47.59;2620:0:2D0:0200::59;",
        **more,
    }


def flat(event_id: int, fields: Fields, **more: Any) -> dict[str, Any]:
    """One row as a flat NDJSON export has it; the time of logging is hours off, as in real exports."""
    return {
        "SourceName": "Microsoft-Windows-Sysmon",
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": HOST,
        "@timestamp": "2024-05-01T03:00:21.000Z",
        "EventID": event_id,
        "Message": "ProcessId: 1\r\nImage: C:\\not\\this.exe",
        **fields,
        **more,
    }


def ecs(event_id: int, fields: Fields) -> dict[str, Any]:
    """One row as winlogbeat's Sysmon module writes it."""
    inbound = fields.get("Initiated") == "false"
    domain, _, name = fields.get("User", "").rpartition("\\")
    row: dict[str, Any] = {
        "@timestamp": fields["UtcTime"].replace(" ", "T") + "Z",
        "event": {"code": str(event_id), "provider": "Microsoft-Windows-Sysmon", "created": "2024-05-01T10:00:30Z"},
        "host": {"name": "forwarder"},
        "winlog": {
            "computer_name": HOST,
            "process": {"pid": 2345},
            "user": {"name": "SYSTEM"},
            "event_data": {"RuleName": "-"},
        },
        "process": {
            "executable": fields.get("Image"),
            "command_line": fields.get("CommandLine"),
            "pid": int(fields["ProcessId"]),
            "entity_id": fields["ProcessGuid"],
            "parent": {
                "executable": fields.get("ParentImage"),
                "pid": fields.get("ParentProcessId"),
                "entity_id": fields.get("ParentProcessGuid"),
                "command_line": fields.get("ParentCommandLine"),
            },
        },
        "user": {"domain": domain or None, "name": name or None},
    }
    if "SourceIp" in fields:
        row["source"] = {"ip": fields["SourceIp"], "port": int(fields["SourcePort"])}
        row["destination"] = {"ip": fields["DestinationIp"], "port": int(fields["DestinationPort"])}
        row["network"] = {"transport": fields["Protocol"], "direction": "ingress" if inbound else "egress"}
    if "QueryName" in fields:
        row["dns"] = {"question": {"name": fields["QueryName"]}, "resolved_ip": ["192.0.47.59", "2620:0:2d0:200::59"]}
    return row


def dotted(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The same row with dotted keys instead of nested objects."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            out |= dotted(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = value
    return out


STORY = [(3, connection()), (22, query()), (5, end()), (1, start())]
"""In no order of time: a process start may stand behind what the process did."""
