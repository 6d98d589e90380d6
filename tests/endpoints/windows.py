"""The story of ``events`` as Windows, syslog and Sentinel write events; and the same story in the Security log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from endpoints.events import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endpoints.events import Fields

Row = dict[str, Any]

SYSMON, SECURITY = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing"
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
LOGGED = "2024-05-01T10:00:30.1234567Z"
VERSIONS = {5: 3, 4688: 2, 4689: 0, 5156: 1}
"""What Sysmon 15 and Windows 11 write where it is not 5."""


def xml(number: int, fields: Fields, *, provider: str = SYSMON, logged: str = LOGGED, between: str = "") -> str:
    """One event as wevtutil and Sysmon for Linux write it."""
    channel = "Security" if provider == SECURITY else f"{provider}/Operational"
    data = between.join(f'<Data Name="{name}">{escape(value)}</Data>' for name, value in fields.items())
    return (
        f"<Event xmlns='{NAMESPACE}'><System><Provider Name='{provider}' Guid='{{5770385f}}'/>{between}"
        f"<EventID>{number}</EventID><Version>{VERSIONS.get(number, 5)}</Version><TimeCreated SystemTime='{logged}'/>"
        f"<Execution ProcessID='2345' ThreadID='7'/><Channel>{channel}</Channel><Computer>{HOST}</Computer>"
        f"<Security UserID='S-1-5-18'/></System>{between}<EventData>{data}</EventData></Event>"
    )


def event_data(fields: Fields) -> str:
    """EventData as Log Analytics' Event table keeps it."""
    data = "".join(f'<Data Name="{name}">{escape(value)}</Data>' for name, value in fields.items())
    return (
        f'<DataItem type="System.XmlData" time="2024-05-01T10:00:30Z" sourceHealthServiceId="x">'
        f'<EventData xmlns="{NAMESPACE}">{data}</EventData></DataItem>'
    )


def event_table(number: int, fields: Fields) -> Row:
    return {
        "TenantId": "t",
        "TimeGenerated": "2024-05-01T10:00:30.123Z",
        "Source": SYSMON,
        "EventLog": f"{SYSMON}/Operational",
        "Computer": HOST,
        "EventID": number,
        "EventData": event_data(fields),
        "RenderedDescription": "ProcessId: 1",
        "Type": "Event",
    }


def windows_event_table(number: int, fields: Fields, *, as_text: bool = True) -> Row:
    return {
        "TimeGenerated": "2024-05-01T10:00:30.123Z",
        "Provider": SYSMON,
        "Channel": f"{SYSMON}/Operational",
        "Computer": HOST,
        "EventID": number,
        "EventData": json.dumps(fields) if as_text else fields,
        "SystemProcessId": 2345,
        "Type": "WindowsEvent",
    }


def syslog_table(number: int, fields: Fields) -> Row:
    return {
        "TimeGenerated": "2024-05-01T10:00:30.123Z",
        "Computer": "collector",
        "HostName": HOST,
        "Facility": "user",
        "ProcessName": "sysmon",
        "SyslogMessage": xml(number, fields, provider="Linux-Sysmon"),
        "Type": "Syslog",
    }


def evtxecmd(number: int, fields: Fields, *, zone: str = "+00:00", payload: str | None = None) -> Row:
    """A row of Eric Zimmerman's EvtxECmd; ``ProcessId`` is the logging service's."""
    data = [{"@Name": name, "#text": value} for name, value in fields.items()]
    return {
        "RecordNumber": 1,
        "TimeCreated": f"2024-05-01T10:00:30.1234567{zone}",
        "EventId": number,
        "Provider": SYSMON,
        "Channel": f"{SYSMON}/Operational",
        "ProcessId": 2345,
        "Computer": HOST,
        "PayloadData1": "ProcessID: 1, ProcessGUID: x",
        "Payload": payload or json.dumps({"EventData": {"Data": data}}),
    }


def velociraptor(number: int, fields: Fields) -> Row:
    """A row of Velociraptor's parse_evtx()."""
    return {
        "Timestamp": "2024-05-01T10:00:30.123456789Z",
        "System": {
            "Provider": {"Name": SYSMON, "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9"},
            "EventID": {"Value": number},
            "TimeCreated": {"SystemTime": 1714557630.1234567},
            "Execution": {"ProcessID": 2345, "ThreadID": 7},
            "Channel": f"{SYSMON}/Operational",
            "Computer": HOST,
        },
        "EventData": fields,
        "Message": "ProcessId: 1",
    }


def syslog(events: Iterable[str]) -> str:
    return "".join(f"May  1 10:00:30 {HOST} sysmon: {event}\n" for event in events)


def process_created(**more: str) -> Fields:
    return {
        "SubjectUserSid": "S-1-5-21-1",
        "SubjectUserName": "ann",
        "SubjectDomainName": "CORP",
        "NewProcessId": "0x1267",
        "NewProcessName": "C:\\Tools\\whois.exe",
        "ProcessId": "0x12c",
        "CommandLine": "whois  example.com",
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "ParentProcessName": "C:\\Windows\\System32\\cmd.exe",
        **more,
    }


def process_exited(**more: str) -> Fields:
    return {"SubjectUserName": "ann", "ProcessId": "0x1267", "ProcessName": "C:\\Tools\\whois.exe", **more}


def connection_allowed(**more: str) -> Fields:
    return {
        "ProcessID": "4711",
        "Application": "\\device\\harddiskvolume2\\tools\\whois.exe",
        "Direction": "%%14593",
        "SourceAddress": "10.1.2.3",
        "SourcePort": "50123",
        "DestAddress": "192.0.47.59",
        "DestPort": "43",
        "Protocol": "6",
        "LayerName": "%%14611",
        **more,
    }


def security(number: int, fields: Fields, second: int = 0, **more: Any) -> Row:
    """A flat row of the Security channel; ``second`` after 10:00."""
    at = f"2024-05-01T10:{second // 60:02d}:{second % 60:02d}.123Z"
    return {
        "SourceName": SECURITY,
        "Channel": "Security",
        "Hostname": HOST,
        "TimeCreated": at,
        "@timestamp": at,
        "EventID": number,
        "Message": "Process ID: 1",
        **fields,
        **more,
    }


def security_ecs(row: Row) -> Row:
    names = {"SourceName", "Channel", "Hostname", "TimeCreated", "@timestamp", "EventID", "Message"}
    return {
        "@timestamp": row["@timestamp"],
        "event": {"code": str(row["EventID"]), "provider": SECURITY, "module": "security"},
        "host": {"name": "forwarder"},
        "winlog": {
            "channel": "Security",
            "computer_name": HOST,
            "provider_name": SECURITY,
            "event_data": {name: value for name, value in row.items() if name not in names},
        },
    }


def security_event(row: Row) -> Row:
    """The ``evtx`` package's object, or an XML event parsed."""
    names = {"SourceName", "Channel", "Hostname", "TimeCreated", "@timestamp", "EventID", "Message"}
    return {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": SECURITY}},
                "EventID": row["EventID"],
                "Channel": "Security",
                "Computer": HOST,
                "TimeCreated": {"#attributes": {"SystemTime": row["@timestamp"]}},
            },
            "EventData": {name: value for name, value in row.items() if name not in names},
        }
    }


def security_table(row: Row) -> Row:
    """Sentinel's SecurityEvent: columns for 4688 and 4689, XML for what has none (5156)."""
    names = {"SourceName", "Channel", "Hostname", "TimeCreated", "@timestamp", "EventID", "Message"}
    fields = {name: value for name, value in row.items() if name not in names}
    base = {
        "TimeGenerated": row["@timestamp"],
        "EventSourceName": SECURITY,
        "Channel": "Security",
        "Computer": HOST,
        "EventID": row["EventID"],
        "Type": "SecurityEvent",
    }
    return base | ({"EventData": event_data(fields)} if row["EventID"] == 5156 else fields)
