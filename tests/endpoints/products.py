"""One story in each product's own shape: cmd.exe (or sh) starts whois, which resolves and asks whois.iana.org.

The rows have the fields, nesting and spellings of the products' exports; names, addresses and ids are made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endpoints.story import COMMAND, HOST, IMAGE, SECOND, SHELL, Row, Story

if TYPE_CHECKING:
    from collections.abc import Callable


def elastic() -> Story:
    base: Row = {
        "agent": {"type": "endpoint", "version": "8.15.0"},
        "host": {"hostname": HOST, "name": HOST.lower(), "ip": ["10.1.2.3", "127.0.0.1", "::1"]},
        "user": {"name": "ann", "domain": "CORP"},
    }
    process: Row = {"entity_id": "NzEx", "pid": 4711, "name": "whois.exe", "executable": IMAGE}
    start = base | {
        "@timestamp": "2024-05-01T10:00:00.2500000Z",
        "data_stream": {"dataset": "endpoint.events.process"},
        "event": {"action": "start", "category": ["process"]},
        "process": process
        | {
            "command_line": COMMAND,
            "parent": {"entity_id": "cGFy", "pid": 300, "name": "cmd.exe", "executable": SHELL, "command_line": "cmd"},
        },
    }
    lookup = base | {
        "@timestamp": "2024-05-01T10:00:00.9Z",
        "data_stream": {"dataset": "endpoint.events.network"},
        "event": {"action": "lookup_result"},
        "process": process,
        "dns": {"question": {"name": "whois.iana.org"}, "resolved_ip": ["::ffff:192.0.47.59", "192.0.47.59"]},
    }
    connect = base | {
        "@timestamp": "2024-05-01T10:00:01.2500000Z",
        "data_stream": {"dataset": "endpoint.events.network"},
        "event": {"action": "connection_attempted"},
        "process": process,
        "source": {"ip": "10.1.2.3", "port": 50123},
        "destination": {"ip": "192.0.47.59", "port": 43},
        "network": {"transport": "tcp", "direction": "egress", "type": "ipv4"},
    }
    end = start | {"@timestamp": "2024-05-01T10:00:02.25Z", "event": {"action": "end"}}
    return Story(
        "elastic defend", [connect, lookup, end, start], "Elastic Defend", query=True, ended=True, fraction=250_000
    )


def crowdstrike() -> Story:
    base = {"aid": "0a1b2c", "cid": "77", "aip": "203.0.113.7", "timestamp": f"{SECOND + 9}000"}
    start = base | {
        "event_simpleName": "ProcessRollup2",
        "TargetProcessId": "991",
        "RawProcessId": "4711",
        "ImageFileName": "\\Device\\HarddiskVolume3\\Tools\\whois.exe",
        "CommandLine": COMMAND,
        "ParentProcessId": "990",
        "ParentBaseFileName": "cmd.exe",
        "ProcessStartTime": f"{SECOND}.125",
        "UserName": "CORP\\ann",
        "UserSid": "S-1-5-21-1",
    }
    connect = base | {
        "event_simpleName": "NetworkConnectIP4",
        "ContextProcessId": "991",
        "LocalAddressIP4": "10.1.2.3",
        "LocalPort": "50123",
        "RemoteAddressIP4": "192.0.47.59",
        "RemotePort": "43",
        "Protocol": "6",
        "ConnectionDirection": "0",
        "ContextTimeStamp": f"{SECOND + 1}.125",
    }
    query = base | {
        "event_simpleName": "DnsRequest",
        "ContextProcessId": "991",
        "ContextTimeStamp": f"{SECOND}.9",
        "ContextBaseFileName": "whois.exe",
        "DomainName": "whois.iana.org",
        "IP4Records": "192.0.47.59;",
        "IP6Records": "",
    }
    end = base | {"event_simpleName": "EndOfProcess", "TargetProcessId": "991", "ContextTimeStamp": f"{SECOND + 2}.125"}
    master = {"aid": "0a1b2c", "cid": "77", "ComputerName": HOST, "AgentVersion": "7.1", "MachineDomain": "corp"}
    return Story(
        "crowdstrike fdr",
        [connect, query, end, start, master],
        "CrowdStrike Falcon",
        query=True,
        ended=True,
        fraction=125_000,
    )


def carbon_black() -> Story:
    base = {
        "cb_server": "cb",
        "computer_name": HOST,
        "sensor_id": 7,
        "pid": 4711,
        "process_guid": "00000007-0000-1267-01DA-9B000000AAAA",
        "process_path": IMAGE,
    }
    start = base | {
        "type": "ingress.event.procstart",
        "event_type": "proc",
        "timestamp": SECOND,
        "path": IMAGE,
        "command_line": COMMAND,
        "username": "CORP\\ann",
        "parent_guid": -7312049164013535113,
        "parent_process_guid": "00000007-0000-012c-01da-9b000000bbbb",
        "parent_pid": 300,
        "parent_path": SHELL,
    }
    connect = base | {
        "type": "ingress.event.netconn",
        "event_type": "netconn",
        "timestamp": SECOND + 1,
        "process_guid": "00000007-0000-1267-01da-9b000000aaaa",
        "local_ip": "10.1.2.3",
        "local_port": 50123,
        "remote_ip": "192.0.47.59",
        "remote_port": 43,
        "protocol": 6,
        "direction": "outbound",
        "domain": "whois.iana.org",
        "proxy": False,
    }
    end = base | {"type": "ingress.event.procend", "timestamp": SECOND + 2}
    return Story(
        "carbon black edr", [connect, end, start], "Carbon Black EDR", ended=True, remote_name="whois.iana.org"
    )


def carbon_black_cloud() -> Story:
    shell = {
        "process_guid": "ABCD-1-12c",
        "process_pid": 300,
        "process_path": SHELL,
        "process_cmdline": "cmd.exe",
        "process_username": "CORP\\ann",
        "parent_guid": "ABCD-1-1",
        "parent_pid": 200,
        "parent_path": "C:\\Windows\\explorer.exe",
        "parent_cmdline": "explorer",
    }
    whois = {
        "process_guid": "ABCD-1-1267",
        "process_pid": 4711,
        "process_path": IMAGE,
        "process_cmdline": COMMAND,
        "process_username": "CORP\\ann",
        "parent_guid": "ABCD-1-12c",
        "parent_pid": 300,
        "parent_path": SHELL,
        "parent_cmdline": "cmd.exe",
    }
    base = {"device_name": f"CORP\\{HOST}", "device_os": "WINDOWS", "schema": 1, "org_key": "ABCD"}
    start = (
        base
        | shell
        | {
            "type": "endpoint.event.procstart",
            "device_timestamp": "2024-05-01 10:00:00.2785426 +0000 UTC",
            "childproc_guid": "ABCD-1-1267",
            "childproc_pid": 4711,
            "childproc_name": IMAGE,
            "childproc_username": "CORP\\ann",
            "target_cmdline": COMMAND,
        }
    )
    connect = (
        base
        | whois
        | {
            "type": "endpoint.event.netconn",
            "action": "ACTION_CONNECTION_CREATE",
            "device_timestamp": "2024-05-01 10:00:01.2785426 +0000 UTC",
            "local_ip": "10.1.2.3",
            "local_port": 50123,
            "remote_ip": "192.0.47.59",
            "remote_port": 43,
            "netconn_protocol": "PROTO_TCP",
            "netconn_inbound": False,
            "netconn_domain": "whois.iana.org",
        }
    )
    end = base | whois | {"type": "endpoint.event.procend", "device_timestamp": "2024-05-01 10:00:02.2785426 +0000 UTC"}
    return Story(
        "carbon black cloud",
        [connect, end, start],
        "Carbon Black Cloud",
        ended=True,
        remote_name="whois.iana.org",
        fraction=278_542,
    )


def _s1(  # noqa: PLR0917 - one line a field
    prefix: str, uid: str, pid: int, path: str, command: str, at: int
) -> Row:
    return {
        f"{prefix}.uid": uid,
        f"{prefix}.pid": pid,
        f"{prefix}.name": path.rpartition("\\")[2],
        f"{prefix}.image.path": path,
        f"{prefix}.cmdline": command,
        f"{prefix}.user": "CORP\\ann",
        f"{prefix}.startTime": at,
    }


def sentinelone() -> Story:
    millis = SECOND * 1000 + 466
    base = {
        "timestamp": "10:00:00.466",
        "endpoint.name": HOST,
        "dataSource.name": "SentinelOne",
        "mgmt.url": "x.sentinelone.net",
    }
    shell = _s1("src.process", "AA12C", 300, SHELL, "cmd.exe", millis - 90_000)
    whois = _s1("src.process", "AA4711", 4711, IMAGE, COMMAND, millis) | _s1(
        "src.process.parent", "AA12C", 300, SHELL, "cmd.exe", millis - 90_000
    )
    start = (
        base
        | shell
        | _s1("tgt.process", "AA4711", 4711, IMAGE, COMMAND, millis)
        | {"event.type": "ProcessCreation", "event.time": millis}
    )
    connect = (
        base
        | whois
        | {
            "event.type": "IPConnect",
            "event.time": millis + 1000,
            "meta.event.name": "TCPV4",
            "event.network.protocolName": "whois",
            "event.network.direction": "OUTGOING",
            "event.network.connectionStatus": "SUCCESS",
            "event.repetitionCount": 2,
            "src.ip.address": "10.1.2.3",
            "src.port.number": 50123,
            "dst.ip.address": "192.0.47.59",
            "dst.port.number": 43,
        }
    )
    query = (
        base
        | whois
        | {
            "event.type": "DNSResolved",
            "event.time": millis + 500,
            "event.dns.request": "whois.iana.org",
            "event.dns.response": "type:  5 ianawhois.vip.icann.org;192.0.47.59;",
        }
    )
    return Story("sentinelone cloud funnel", [connect, query, start], "SentinelOne", query=True, fraction=466_000)


def osquery() -> Story:
    base = {"hostIdentifier": HOST, "calendarTime": "x", "unixTime": SECOND + 60, "epoch": 0, "action": "added"}
    start = base | {
        "name": "pack_edr_procs",
        "columns": {
            "pid": "4711",
            "path": "/usr/bin/whois",
            "cmdline": COMMAND,
            "parent": "300",
            "uid": "1000",
            "time": str(SECOND),
        },
    }
    shell = base | {
        "name": "pack_edr_procs",
        "columns": {
            "pid": "300",
            "path": "/usr/bin/cmd.exe",
            "cmdline": "sh",
            "parent": "1",
            "uid": "1000",
            "time": str(SECOND - 9),
        },
    }
    connect = base | {
        "name": "pack_edr_sockets",
        "columns": {
            "action": "connect",
            "pid": "4711",
            "path": "/usr/bin/whois",
            "status": "succeeded",
            "family": "2",
            "protocol": "0",
            "local_address": "",
            "local_port": "0",
            "remote_address": "192.0.47.59",
            "remote_port": "43",
            "time": str(SECOND + 1),
        },
    }
    return Story("osquery", [connect, start, shell], "osquery", user="1000", local_port=None)


def velociraptor() -> Story:
    row = {
        "Pid": 4711,
        "Ppid": 300,
        "Name": "whois.exe",
        "Path": IMAGE,
        "CommandLine": COMMAND,
        "Username": "CORP\\ann",
        "Type": "TCP",
        "Status": "ESTAB",
        "SrcIP": "10.1.2.3",
        "SrcPort": 50123,
        "DestIP": "192.0.47.59",
        "DestPort": 43,
        "Timestamp": "2024-05-01T10:00:01Z",
        "Fqdn": HOST,
    }
    return Story("velociraptor netstat", [row], "Velociraptor", parent=None, start=False, initiated=None)


STORIES: dict[str, Callable[[], Story]] = {
    "elastic defend": elastic,
    "crowdstrike fdr": crowdstrike,
    "carbon black edr": carbon_black,
    "carbon black cloud": carbon_black_cloud,
    "sentinelone cloud funnel": sentinelone,
    "osquery": osquery,
    "velociraptor netstat": velociraptor,
}
