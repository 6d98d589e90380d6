"""Where each shape of a Sysmon export keeps each field: one table a shape, one reader for all.

Field sources: the names in `EventData` of Sysmon's event schema, Elastic Common Schema with winlogbeat's module, the
JSON the ``evtx`` package makes of an event. A new shape is a new table here.
"""

from __future__ import annotations

from typing import Any

Table = dict[str, tuple[str, ...]]
"""Our field name to the places to look for it, best first; a dot descends into an object."""

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
    "provider": ("SourceName", "ProviderName", "Provider", "Channel"),
    "channel": ("Channel", "channel"),
    "event": ("EventID", "EventId", "event_id", "EventCode"),
    "host": ("Hostname", "Computer", "ComputerName", "MachineName"),
    "logged": ("@timestamp", "TimeCreated"),
    **{ours: (theirs,) for ours, theirs in _EVENT_DATA.items()},
}

_ECS: Table = {
    "provider": ("winlog.provider_name", "event.provider", "winlog.channel"),
    "channel": ("winlog.channel",),
    "event": ("event.code", "winlog.event_id"),
    # computer_name is the machine's own name; host.name may be a forwarder's.
    "host": ("winlog.computer_name", "host.name", "host.hostname"),
    "logged": ("@timestamp",),
    "direction": ("network.direction",),
    # winlog.user is the account of the Sysmon service, never the process's.
    "user_name": ("user.name",),
    "user_domain": ("user.domain",),
    **{ours: (*_ECS_NAMES.get(ours, ()), f"winlog.event_data.{theirs}") for ours, theirs in _EVENT_DATA.items()},
}

_EVENT: Table = {
    "provider": ("System.Provider.#attributes.Name", "System.Provider.Name", "System.Channel"),
    "channel": ("System.Channel",),
    "event": ("System.EventID.#text", "System.EventID"),
    "host": ("System.Computer",),
    "logged": ("System.TimeCreated.#attributes.SystemTime", "System.TimeCreated.SystemTime"),
    **{ours: (f"EventData.{theirs}",) for ours, theirs in _EVENT_DATA.items()},
}

TABLES: dict[str, Table] = {"sysmon flat": _FLAT, "sysmon ecs": _ECS, "sysmon evtx": _EVENT}


def shape_of(row: dict[str, Any]) -> str | None:
    """Return the kind of a row of Windows events, Sysmon's or another channel's; None for anything else."""
    if isinstance(row.get("Event"), dict) or (isinstance(row.get("System"), dict) and "EventData" in row):
        return "sysmon evtx"
    if "winlog" in row or any(key.startswith("winlog.") for key in row):
        return "sysmon ecs"
    windows = get(row, ("Hostname", "Computer", "ComputerName", "MachineName")) is not None
    if windows and get(row, _FLAT["event"]) is not None and get(row, ("Channel", "SourceName", "UtcTime", "Provider")):
        return "sysmon flat"
    return "sysmon ecs" if "sysmon" in str(get(row, ("event.provider", "event.module"))).lower() else None


def get(row: dict[str, Any], places: tuple[str, ...]) -> Any:  # noqa: ANN401 - a JSON value is anything
    """Return the first value that is present in ``places``, None without one; dotted names may also be keys as such."""
    for place in places:
        value = row.get(place)
        if value is None and "." in place:
            value = _descend(row, place)
        if value is not None and value not in ("", "-"):
            return value
    return None


def _descend(row: dict[str, Any], place: str) -> Any:  # noqa: ANN401 - a JSON value is anything
    value: Any = row
    for name in place.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
