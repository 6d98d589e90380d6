"""Microsoft Defender's tables as they are exported: which column is which, which table a row is of.

Sources: the advanced hunting schema reference (DeviceProcessEvents, DeviceNetworkEvents, DeviceNetworkInfo,
DeviceEvents), Log Analytics' CSV headers (``TimeGenerated [UTC]``), the device timeline's (``Event Time``), streaming
API rows (``category``, ``properties``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

PROCESS, NETWORK, NETWORK_INFO, OTHER = (
    "deviceprocessevents",
    "devicenetworkevents",
    "devicenetworkinfo",
    "deviceevents",
)
Columns = dict[str, Any]
"""A row by canonical column name: lower case, without spaces (``initiatingprocessid``)."""

_ALIASES = {"eventtime": "timestamp", "computername": "devicename", "machineid": "deviceid"}
_TIMES = frozenset({"timestamp", "timegenerated"})
_HOSTS = frozenset({"devicename", "deviceid"})
_CONTENT = frozenset({"actiontype", "remoteip", "remoteport", "remoteurl", "processcommandline", "ipaddresses"})
_OF_A_PROCESS = ("filename", "folderpath", "id", "commandline", "creationtime", "accountname")
READ = frozenset(
    {
        *(_TIMES | _HOSTS | _CONTENT),
        *("localip", "localport", "protocol", "remoteiptype", "reportid", "additionalfields"),
        *("$table", "type", "tablename", "sourcetable", "filename", "folderpath", "accountname"),
        *("processid", "processcreationtime"),
        *(f"initiatingprocess{above}{name}" for above in ("", "parent") for name in _OF_A_PROCESS),
    }
)
"""The columns that are read."""
_TABLE_COLUMNS = ("$table", "type", "tablename", "sourcetable")
_NETWORK_ACTION = re.compile(
    r"(connection|inboundconnection|inboundinternetscan|listeningconnection|networksignature).*"
    r"|\w+(connection|authentication)inspected"
)
_CATEGORY = "AdvancedHunting-"
_DELIMITERS = (",", ";", "\t")
LOCAL_TIME = (
    "times are '[Local Time]' of a zone the export does not name: read as UTC, so they may be hours off "
    "(export in UTC, or let the clock offset to a sensor's log correct them)"
)


@lru_cache(maxsize=1 << 12)
def column(name: str) -> str:
    """Return the canonical name of a column: ``TimeGenerated [UTC]`` is ``timegenerated``, ``Event Time`` timestamp."""
    bare = re.sub(r"\[(?:UTC|Local Time)\]", "", name.replace("\ufeff", ""), flags=re.IGNORECASE)
    squashed = re.sub(r"\s+", "", bare).strip("\"'").casefold()
    return _ALIASES.get(squashed, squashed)


def is_ours(columns: set[str]) -> bool:
    """Tell whether these canonical columns are of a Defender table: a time, a device and something it did."""
    return bool(columns & _TIMES) and bool(columns & _HOSTS) and bool(columns & _CONTENT)


def csv_header(line: str) -> tuple[list[str], str] | None:
    """Return a Defender CSV's columns as written and its delimiter; None for any other header."""
    for delimiter in _DELIMITERS:
        names = [name.strip().strip('"') for name in line.lstrip("\ufeff").rstrip("\r\n").split(delimiter)]
        if is_ours({column(name) for name in names}):
            return names, delimiter
    return None


def local_time(names: list[str]) -> bool:
    """Tell whether the header says its times are in the exporting browser's zone, which it does not name."""
    return any("[local time]" in name.lower() for name in names)


def row_of_json(row: dict[str, Any]) -> Columns | None:
    """Return a JSON row by canonical columns; None when it is none of Defender's."""
    inner = row.get("properties")
    columns = {column(name): value for name, value in (inner if isinstance(inner, dict) else row).items()}
    category = row.get("category")
    if isinstance(category, str):
        table = category.rpartition("-")[2]
        if category.startswith(_CATEGORY) or table.casefold().startswith("device"):
            columns["$table"] = table  # any other word is whoever's who passed the row on
        # One stream carries mail, identity and alert tables too: they are Defender's, though nothing is read of them.
        if isinstance(inner, dict) and category.startswith(_CATEGORY):
            return columns
    return columns if is_ours(set(columns)) else None


def table_of(row: Columns) -> str | None:
    """Return the table a row is of: by its own word, its action, or the columns that have a value."""
    for name in _TABLE_COLUMNS:
        said = str(row.get(name) or "").casefold()
        if said.startswith("device") or (said and name == _TABLE_COLUMNS[0]):
            return said
    action = str(row.get("actiontype") or "").casefold()
    if action == "processcreated":
        return PROCESS
    if _NETWORK_ACTION.fullmatch(action):
        return NETWORK
    if row.get("ipaddresses"):
        return NETWORK_INFO
    return OTHER if action else _table_by_content(row)


def _table_by_content(row: Columns) -> str | None:
    """Return the table of a row from a query that projected ActionType away."""
    if row.get("remoteip") or row.get("remoteurl") or row.get("remoteport"):
        return NETWORK
    return PROCESS if row.get("processcommandline") or row.get("processid") or row.get("filename") else None
