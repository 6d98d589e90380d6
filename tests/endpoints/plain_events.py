"""Process starts and DNS queries of each product at random, and slow plain readers of them, for ``test_differential``.

As in ``plain_readers``, the mapping is written a second time, by hand: nothing of the package is used.
A start comes to (host, instant, name, path, pid, command line, user, parent's name), a query to (host, instant, asked
name, addresses, program).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from endpoints import windows
from endpoints.plain_readers import BEGIN, ip, iso

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from endpoints.story import Row

Plain = "tuple[str, Seen] | None"
START, QUERY = "start", "query"
PATHS = ["C:\\Tools\\whois.exe", "C:\\x y\\pwsh.exe", "/usr/bin/dig"]
PARENTS = ["C:\\Windows\\System32\\cmd.exe", "C:\\Windows\\explorer.exe", "/bin/bash"]
COMMANDS = ['whois  "a b"', "whois exämple.com <x> & y", "curl -s https://rdap.example/ip/192.0.2.1", "x " * 200]
ANSWERS = ["192.0.2.7", "::ffff:192.0.2.8", "2001:DB8::7", "type:  5 cdn.example", "0.0.0.0", "-"]  # noqa: S104


def made(rng: random.Random, count: int) -> Iterator[Row]:
    """Facts at random; pids, ids and instants are each event's own, so that none is told by another."""
    for number in range(count):
        yield {
            "kind": rng.choice([START, START, QUERY]),
            "used": rng.random() < 0.8,
            "host": f"WS{rng.randrange(3)}",
            "second": BEGIN + number * 61,
            "millis": rng.randrange(1000),
            "pid": 100 + number,
            "parent_pid": 50_000 + number,
            "uid": f"{rng.getrandbits(40):010x}{number:04x}",
            "path": rng.choice(PATHS),
            "parent": rng.choice(PARENTS),
            "command": rng.choice(COMMANDS),
            "user": rng.choice(["ann", "SYSTEM", "bob.x"]),
            "domain": rng.choice(["CORP", "NT AUTHORITY"]),
            "asked": rng.choice(["whois.iana.org", "rdap.example", "exämple.com"]),
            "answers": rng.sample(ANSWERS, rng.randrange(len(ANSWERS))),
        }


def last(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]


def addresses(parts: list[str]) -> tuple[str, ...]:
    found = []
    for part in parts:
        try:
            one = ip(part)
        except ValueError:
            continue
        if one and one not in found:
            found.append(one)
    return tuple(found)


def micros(text: str) -> int:
    """An instant as its text spells it, to the microsecond."""
    bare, _, fraction = text.rstrip("Z").partition(".")
    return int(datetime.fromisoformat(bare + "+00:00").timestamp()) * 1_000_000 + int((fraction + "000000")[:6])


def elastic_row(fact: Row) -> Row:
    start = fact["kind"] == START
    return {
        "@timestamp": iso(fact, "4567"),
        "agent": {"type": "endpoint"},
        "event": {"action": ("exec" if start else "lookup_result") if fact["used"] else "x"},
        "host": {"hostname": fact["host"]},
        "user": {"name": fact["user"], "domain": fact["domain"]},
        "process": {
            "entity_id": fact["uid"],
            "pid": fact["pid"],
            "executable": fact["path"],
            "command_line": fact["command"],
            "parent": {"entity_id": f"p{fact['uid']}", "pid": fact["parent_pid"], "executable": fact["parent"]},
        },
        "dns": {"question": {"name": fact["asked"]}, "resolved_ip": fact["answers"]},
    }


def elastic_plain(row: Row) -> Plain:
    action, process, at = row["event"]["action"], row["process"], micros(row["@timestamp"])
    host, path = row["host"]["hostname"], process["executable"]
    if action == "exec":
        user = row["user"]["name"]
        user = f"{row['user']['domain']}\\{user}" if "\\" in path else user
        above = last(process["parent"]["executable"])
        return START, (host, at, last(path), path, process["pid"], process["command_line"], user, above)
    if action == "lookup_result":
        return QUERY, (host, at, row["dns"]["question"]["name"], addresses(row["dns"]["resolved_ip"]), last(path))
    return None


def falcon_row(fact: Row) -> Row:
    name = ("ProcessRollup2" if fact["kind"] == START else "DnsRequest") if fact["used"] else "EndOfProcess"
    at = f"{fact['second']}.{fact['millis']:03d}"
    return {
        "event_simpleName": name,
        "aid": fact["host"],
        "timestamp": "1",
        "ContextTimeStamp": at,
        "ProcessStartTime": at,
        "TargetProcessId": str(int(fact["uid"], 16)),
        "ContextProcessId": str(int(fact["uid"], 16)),
        "ContextBaseFileName": last(fact["path"]),
        "RawProcessId": str(fact["pid"]),
        "ImageFileName": fact["path"],
        "CommandLine": fact["command"],
        "ParentProcessId": f"{fact['parent_pid']}000",
        "ParentBaseFileName": last(fact["parent"]),
        "UserName": fact["user"],
        "DomainName": fact["asked"],
        "IP4Records": "".join(f"{one};" for one in fact["answers"] if "2001" not in one),
        "IP6Records": "".join(f"{one};" for one in fact["answers"] if "2001" in one),
    }


def falcon_plain(row: Row) -> Plain:
    whole, fraction = row["ContextTimeStamp"].split(".")
    at, path = int(whole) * 1_000_000 + int(fraction) * 1000, row["ImageFileName"]
    if row["event_simpleName"] == "ProcessRollup2":
        said = (int(row["RawProcessId"]), row["CommandLine"], row["UserName"], row["ParentBaseFileName"])
        return START, (row["aid"], at, last(path), path, *said)
    if row["event_simpleName"] == "DnsRequest":
        answers = [*row["IP4Records"].split(";"), *row["IP6Records"].split(";")]
        return QUERY, (row["aid"], at, row["DomainName"], addresses(answers), row["ContextBaseFileName"])
    return None


def carbon_black_row(fact: Row) -> Row:
    return {
        "type": f"ingress.event.{'procstart' if fact['used'] else 'filemod'}",
        "timestamp": fact["second"],
        "computer_name": fact["host"],
        "pid": fact["pid"],
        "process_guid": f"0-0-0-0-{fact['uid']}",
        "path": fact["path"],
        "process_path": "c:\\elsewhere.exe",
        "command_line": fact["command"],
        "username": f"{fact['domain']}\\{fact['user']}",
        "parent_guid": fact["millis"] - 7_000_000,
        "parent_process_guid": f"0-0-0-1-{fact['uid']}",
        "parent_path": fact["parent"],
    }


def carbon_black_plain(row: Row) -> Plain:
    if row["type"] != "ingress.event.procstart":
        return None
    said = (row["pid"], row["command_line"], row["username"], last(row["parent_path"]))
    return START, (row["computer_name"], row["timestamp"] * 1_000_000, last(row["path"]), row["path"], *said)


def cloud_row(fact: Row) -> Row:
    return {
        "type": f"endpoint.event.{'procstart' if fact['used'] else 'regmod'}",
        "device_timestamp": f"{iso(fact, '4567')[:-1].replace('T', ' ')} +0000 UTC",
        "device_name": f"CORP\\{fact['host']}",
        "process_guid": f"P-{fact['uid']}",
        "process_pid": fact["parent_pid"],
        "process_path": fact["parent"],
        "process_cmdline": "x",
        "childproc_guid": f"C-{fact['uid']}",
        "childproc_pid": fact["pid"],
        "childproc_name": fact["path"],
        "childproc_username": f"{fact['domain']}\\{fact['user']}",
        "target_cmdline": fact["command"],
    }


def cloud_plain(row: Row) -> Plain:
    if row["type"] != "endpoint.event.procstart":
        return None
    day, clock, *_ = row["device_timestamp"].split(" ")
    host, path = row["device_name"].split("\\")[1], row["childproc_name"]
    said = (row["childproc_pid"], row["target_cmdline"], row["childproc_username"], last(row["process_path"]))
    return START, (host, micros(f"{day}T{clock}"), last(path), path, *said)


def sentinelone_row(fact: Row) -> Row:
    start = fact["kind"] == START
    event = ("ProcessCreation" if start else "DNSResolved") if fact["used"] else "FileCreation"
    at = fact["second"] * 1000 + fact["millis"]
    new = {
        "uid": fact["uid"],
        "pid": fact["pid"],
        "image.path": fact["path"],
        "cmdline": fact["command"],
        "user": f"{fact['domain']}\\{fact['user']}",
        "startTime": at,
    }
    acting = {"uid": f"p{fact['uid']}", "pid": fact["parent_pid"], "image.path": fact["parent"]} if start else new
    return {
        "event.type": event,
        "event.time": at,
        "endpoint.name": fact["host"],
        "dataSource.name": "SentinelOne",
        **{f"src.process.{name}": value for name, value in acting.items()},
        **{f"tgt.process.{name}": value for name, value in new.items()},
        "event.dns.request": f"{'type:  28 ' if fact['millis'] % 2 else ''}{fact['asked']}",
        "event.dns.response": "".join(f"{answer};" for answer in fact["answers"]),
    }


def sentinelone_plain(row: Row) -> Plain:
    at, host = row["event.time"] * 1000, row["endpoint.name"]
    if row["event.type"] == "ProcessCreation":
        path, parent = row["tgt.process.image.path"], row["src.process.image.path"]
        said = (row["tgt.process.pid"], row["tgt.process.cmdline"], row["tgt.process.user"], last(parent))
        return START, (host, at, last(path), path, *said)
    if row["event.type"] == "DNSResolved":
        asked, answers = row["event.dns.request"].split(" ")[-1], row["event.dns.response"].split(";")
        return QUERY, (host, at, asked, addresses(answers), last(row["src.process.image.path"]))
    return None


def osquery_row(fact: Row) -> Row:
    columns = {"pid": str(fact["pid"]), "path": fact["path"], "username": fact["user"]}
    if fact["kind"] == START:
        columns |= {"cmdline": fact["command"], "parent": str(fact["parent_pid"]), "time": str(fact["second"])}
        columns |= {"event_type": "exec" if fact["used"] else "fork"}
    else:
        response = ";".join(fact["answers"])
        columns |= {
            "name": fact["asked"] if fact["used"] else "",
            "response": response,
            "datetime": str(fact["second"]),
        }
    return {"hostIdentifier": fact["host"], "unixTime": 1, "name": "q", "action": "added", "columns": columns}


def osquery_plain(row: Row) -> Plain:
    columns, host = row["columns"], row["hostIdentifier"]
    path, pid = columns["path"], int(columns["pid"])
    if columns.get("event_type") == "exec":
        said = (pid, columns["cmdline"], columns["username"], None)
        return START, (host, int(columns["time"]) * 1_000_000, last(path), path, *said)
    if columns.get("name"):
        at = int(columns["datetime"]) * 1_000_000
        return QUERY, (host, at, columns["name"], addresses(columns["response"].split(";")), last(path))
    return None


def sysmon_fields(fact: Row) -> dict[str, str]:
    common = {
        "UtcTime": iso(fact)[:-1].replace("T", " "),
        "ProcessGuid": f"{{{fact['uid'].upper()}}}",
        "ProcessId": str(fact["pid"]),
        "Image": fact["path"],
        "User": f"{fact['domain']}\\{fact['user']}",
    }
    if fact["kind"] == QUERY:
        return common | {"QueryName": fact["asked"], "QueryResults": "".join(f"{one};" for one in fact["answers"])}
    parent = {"ParentProcessGuid": f"{{F{fact['uid']}}}", "ParentProcessId": str(fact["parent_pid"])}
    return common | parent | {"CommandLine": fact["command"], "ParentImage": fact["parent"]}


def sysmon_number(fact: Row) -> int:
    return {START: 1, QUERY: 22}[fact["kind"]] if fact["used"] else 7


def sysmon_plain_fields(host: str, number: int, fields: dict[str, Any]) -> Plain:
    at, path = micros(fields["UtcTime"].replace(" ", "T")), fields["Image"]
    if number == 1:
        said = (int(fields["ProcessId"]), fields["CommandLine"], fields["User"], last(fields["ParentImage"]))
        return START, (host, at, last(path), path, *said)
    if number == 22:
        return QUERY, (host, at, fields["QueryName"], addresses(fields["QueryResults"].split(";")), last(path))
    return None


def sysmon_row(fact: Row) -> Row:
    base = {"SourceName": windows.SYSMON, "Channel": f"{windows.SYSMON}/Operational", "Hostname": fact["host"]}
    return {**base, "EventID": sysmon_number(fact), **sysmon_fields(fact)}


def sysmon_plain(row: Row) -> Plain:
    return sysmon_plain_fields(row["Hostname"], row["EventID"], row)


def winlogbeat_row(fact: Row) -> Row:
    inner = {"channel": f"{windows.SYSMON}/Operational", "computer_name": fact["host"], "provider_name": windows.SYSMON}
    return {"event": {"code": str(sysmon_number(fact))}, "winlog": {**inner, "event_data": sysmon_fields(fact)}}


def winlogbeat_plain(row: Row) -> Plain:
    inner = row["winlog"]
    return sysmon_plain_fields(inner["computer_name"], int(row["event"]["code"]), inner["event_data"])


def security_row(fact: Row) -> Row:
    fields = windows.process_created(
        NewProcessId=hex(fact["pid"]),
        NewProcessName=fact["path"],
        ProcessId=hex(fact["parent_pid"]),
        ParentProcessName=fact["parent"],
        CommandLine=fact["command"],
        SubjectUserName=fact["user"],
        SubjectDomainName=fact["domain"],
    )
    return windows.security(4688 if fact["used"] else 4624, fields) | {
        "@timestamp": iso(fact),
        "Hostname": fact["host"],
    }


def security_plain(row: Row) -> Plain:
    if row["EventID"] != 4688:
        return None
    path, user = row["NewProcessName"], f"{row['SubjectDomainName']}\\{row['SubjectUserName']}"
    said = (int(row["NewProcessId"], 16), row["CommandLine"], user, last(row["ParentProcessName"]))
    return START, (row["Hostname"], micros(row["@timestamp"]), last(path), path, *said)


def defender_row(fact: Row) -> Row:
    at = iso(fact, "4567")
    base = {"Timestamp": at, "DeviceId": "d", "DeviceName": fact["host"]}
    if fact["kind"] == QUERY:
        found = [{"Result": answer} for answer in fact["answers"]]
        extra = {"DnsQueryString": fact["asked"], "DnsQueryResult": json.dumps(found) if fact["millis"] % 2 else found}
        action = "DnsQueryResponse" if fact["used"] else "LdapSearch"
        process = {"InitiatingProcessFileName": last(fact["path"]), "InitiatingProcessFolderPath": fact["path"]}
        return base | process | {"ActionType": action, "AdditionalFields": json.dumps(extra)}
    return base | {
        "ActionType": "ProcessCreated" if fact["used"] else "FileCreated",
        "FileName": last(fact["path"]),
        "FolderPath": fact["path"],
        "ProcessId": fact["pid"],
        "ProcessCommandLine": fact["command"],
        "ProcessCreationTime": at,
        "AccountName": fact["user"],
        "InitiatingProcessFileName": last(fact["parent"]),
        "InitiatingProcessId": fact["parent_pid"],
    }


def defender_plain(row: Row) -> Plain:
    at, host = micros(row["Timestamp"]), row["DeviceName"]
    if row["ActionType"] == "ProcessCreated":
        said = (row["ProcessId"], row["ProcessCommandLine"], row["AccountName"], row["InitiatingProcessFileName"])
        return START, (host, at, row["FileName"], row["FolderPath"], *said)
    if row["ActionType"] != "DnsQueryResponse":
        return None
    extra = json.loads(row["AdditionalFields"])
    found = extra["DnsQueryResult"]
    answers = [one["Result"] for one in (json.loads(found) if isinstance(found, str) else found)]
    return QUERY, (host, at, extra["DnsQueryString"], addresses(answers), row["InitiatingProcessFileName"])


EVENT_PAIRS: dict[str, tuple[Callable[[Row], Row], Callable[[Row], Plain]]] = {
    "elastic defend": (elastic_row, elastic_plain),
    "crowdstrike": (falcon_row, falcon_plain),
    "carbon black edr": (carbon_black_row, carbon_black_plain),
    "carbon black cloud": (cloud_row, cloud_plain),
    "sentinelone": (sentinelone_row, sentinelone_plain),
    "osquery": (osquery_row, osquery_plain),
    "sysmon flat": (sysmon_row, sysmon_plain),
    "sysmon ecs": (winlogbeat_row, winlogbeat_plain),
    "windows security": (security_row, security_plain),
    "defender": (defender_row, defender_plain),
}
"""Velociraptor's netstat has neither; Carbon Black and Security have no queries."""
