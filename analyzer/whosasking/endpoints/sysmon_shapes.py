"""Where each shape of a Sysmon export keeps each field: one table a shape, one reader for all.

Field sources: the names in `EventData` of Sysmon's event schema, Elastic Common Schema with winlogbeat's module, the
JSON the ``evtx`` package makes of an event. A new shape is a new table here.
"""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any

from whosasking.endpoints.census import names_of
from whosasking.endpoints.places import get
from whosasking.endpoints.sentinel import is_opened_by_us

if TYPE_CHECKING:
    from whosasking.endpoints.places import Table

_DOTTED_ECS = methodcaller("startswith", "winlog.")
_ECS_MARKS = frozenset({"winlog", "winlog.channel", "winlog.event_id", "winlog.provider_name", "winlog.computer_name"})
HOSTS = ("Hostname", "Computer", "ComputerName", "MachineName")

_EVENT_DATA = {
    "utc": "UtcTime",
    "guid": "ProcessGuid",
    "pid": "ProcessId",
    "image": "Image",
    "command_line": "CommandLine",
    "user": "User",
    "parent_guid": "ParentProcessGuid",
    "parent_pid": "ParentProcessId",
    "parent_image": "ParentImage",
    "parent_command_line": "ParentCommandLine",
    "parent_user": "ParentUser",
    "protocol": "Protocol",
    "initiated": "Initiated",
    "source_ip": "SourceIp",
    "source_port": "SourcePort",
    "source_name": "SourceHostname",
    "destination_ip": "DestinationIp",
    "destination_port": "DestinationPort",
    "destination_name": "DestinationHostname",
    "query_name": "QueryName",
    "query_results": "QueryResults",
}

_SECURITY_DATA = {
    "application": "Application",
    "owner_pid": "ProcessID",
    "from_ip": "SourceAddress",
    "from_port": "SourcePort",
    "to_ip": "DestAddress",
    "to_port": "DestPort",
    "wfp_direction": "Direction",
    "new_pid": "NewProcessId",
    "new_image": "NewProcessName",
    "creator_pid": "ProcessId",
    "creator_image": "ParentProcessName",
    "exited_pid": "ProcessId",
    "exited_image": "ProcessName",
    "subject_user": "SubjectUserName",
    "subject_domain": "SubjectDomainName",
    "target_user": "TargetUserName",
    "target_domain": "TargetDomainName",
}
"""Fields of Security's 5156, 4688 and 4689; 4688 calls its creator ProcessId, 4689 the process itself."""

_ECS_NAMES = {
    "utc": (),
    "guid": ("process.entity_id",),
    "pid": ("process.pid",),
    "image": ("process.executable",),
    "command_line": ("process.command_line",),
    "parent_guid": ("process.parent.entity_id",),
    "parent_pid": ("process.parent.pid",),
    "parent_image": ("process.parent.executable",),
    "parent_command_line": ("process.parent.command_line",),
    "protocol": ("network.transport",),
    "initiated": (),
    "source_ip": ("source.ip",),
    "source_port": ("source.port",),
    "source_name": ("source.domain",),
    "destination_ip": ("destination.ip",),
    "destination_port": ("destination.port",),
    "destination_name": ("destination.domain",),
    "query_name": ("dns.question.name",),
    "query_results": ("dns.resolved_ip",),
}

_FLAT: Table = {
    # The last two are the names of Log Analytics' SecurityEvent and Event tables.
    "provider": ("SourceName", "ProviderName", "Provider", "Channel", "EventSourceName", "Source"),
    "channel": ("Channel", "channel", "EventLog"),
    "version": ("Version",),
    "event": ("EventID", "EventId", "event_id", "EventCode"),
    "host": HOSTS,
    "logged": ("@timestamp", "TimeCreated", "TimeGenerated"),
    **{ours: (theirs,) for ours, theirs in (_EVENT_DATA | _SECURITY_DATA).items()},
}

_ECS: Table = {
    "provider": ("winlog.provider_name", "event.provider", "winlog.channel"),
    "channel": ("winlog.channel",),
    "version": ("winlog.version",),
    "event": ("event.code", "winlog.event_id"),
    # computer_name is the machine's own name; host.name may be a forwarder's.
    "host": ("winlog.computer_name", "host.name", "host.hostname"),
    "logged": ("@timestamp",),
    "direction": ("network.direction",),
    # winlog.user is the account of the Sysmon service, never the process's.
    "user_name": ("user.name",),
    "user_domain": ("user.domain",),
    **{ours: (*_ECS_NAMES.get(ours, ()), f"winlog.event_data.{theirs}") for ours, theirs in _EVENT_DATA.items()},
    **{ours: (f"winlog.event_data.{theirs}",) for ours, theirs in _SECURITY_DATA.items()},
}

_EVENT: Table = {
    "provider": ("System.Provider.#attributes.Name", "System.Provider.Name", "System.Channel"),
    "channel": ("System.Channel",),
    "version": ("System.Version.#text", "System.Version"),
    "event": ("System.EventID.#text", "System.EventID.Value", "System.EventID"),
    "host": ("System.Computer",),
    "logged": ("System.TimeCreated.#attributes.SystemTime", "System.TimeCreated.SystemTime"),
    **{ours: (f"EventData.{theirs}",) for ours, theirs in (_EVENT_DATA | _SECURITY_DATA).items()},
}

TABLES: dict[str, Table] = {"sysmon flat": _FLAT, "sysmon ecs": _ECS, "sysmon evtx": _EVENT}


KNOWN_DATA = frozenset({*_EVENT_DATA.values(), *_SECURITY_DATA.values(), *names_of(_FLAT)})
"""Names of events' own fields, and of flat rows."""

VERSIONS = {1: 5, 3: 5, 5: 3, 22: 5, 4688: 2, 4689: 0, 5156: 1}
"""The newest version of each event that this was written for: Sysmon 15, Windows 11."""

_ORIGINS = ("Channel", "SourceName", "UtcTime", "Provider", "EventLog", "EventSourceName")


def shape_of(row: dict[str, Any]) -> str | None:
    """Return the kind of a row of Windows events, Sysmon's or another channel's; None for anything else."""
    if is_opened_by_us(row):
        return _sentinel_shape(row)
    if isinstance(row.get("Event"), dict) or (isinstance(row.get("System"), dict) and "EventData" in row):
        return "sysmon evtx"
    if not row.keys().isdisjoint(_ECS_MARKS):
        return "sysmon ecs"
    windows = get(row, HOSTS) is not None
    if windows and get(row, _FLAT["event"]) is not None and get(row, _ORIGINS):
        return "sysmon flat"
    return (
        "sysmon ecs"
        if any(map(_DOTTED_ECS, row)) or "sysmon" in str(get(row, ("event.provider", "event.module"))).lower()
        else None
    )


def _sentinel_shape(row: dict[str, Any]) -> str | None:
    if "<Event" in str(row.get("SyslogMessage")):
        return "sysmon evtx"
    ours = get(row, HOSTS) is not None and get(row, _FLAT["event"]) is not None
    return "sysmon flat" if ours else None
