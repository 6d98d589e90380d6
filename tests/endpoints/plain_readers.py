"""Rows of each product at random, and slow plain readers of them: the mapping written a second time, by hand."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from endpoints import windows

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from endpoints.story import Row

Seen = tuple[Any, ...]
BEGIN = 1_714_557_600


def made(rng: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """Facts of connections at random; tuples and instants are each other's own, so that none is joined to another."""
    for number in range(count):
        yield {
            "host": f"WS{rng.randrange(3)}",
            "second": BEGIN + number * 61,
            "millis": rng.randrange(1000),
            "pid": rng.randrange(4, 9000),
            "uid": f"{rng.getrandbits(48):012x}",
            "path": rng.choice(
                ["C:\\Windows\\System32\\svchost.exe", "C:\\x y\\whois.exe", "/usr/bin/whois", "System"]
            ),
            "local": (rng.choice(["10.0.0.5", "fe80::1", "2001:DB8::5", "::ffff:10.0.0.6"]), 1024 + number),
            "remote": (rng.choice(["192.0.2.9", "2001:db8:0::9", "0.0.0.0", "-"]), rng.choice([43, 443, 0])),  # noqa: S104
            "udp": rng.random() < 0.2,
            "out": rng.random() < 0.8,
            "used": rng.random() < 0.7,
        }


def ip(text: str | None) -> str | None:
    if not text or text == "-":
        return None
    parsed = ipaddress.ip_address(text)
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return None if parsed == ipaddress.ip_address(0) or int(parsed) == 0 else str(parsed)


def seen(  # noqa: PLR0917 - a row of a table
    host: str, micros: int, udp: bool, local: Seen, remote: Seen, out: bool | None, path: str, pid: int | None
) -> Seen | None:
    if ip(remote[0]) is None:
        return None
    name = path.replace("\\", "/").rpartition("/")[2]
    ends = (ip(local[0]), int(local[1]) or None, ip(remote[0]), int(remote[1]) or None)
    return (host, micros, "udp" if udp else "tcp", *ends, out, name, path, pid)


def iso(fact: Row, fraction: str = "") -> str:
    moment = datetime.fromtimestamp(fact["second"], UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fact['millis']:03d}{fraction}Z"


def ends(fact: Row) -> tuple[Seen, Seen]:
    """Source and destination: of an accepted connection the destination is the host."""
    return (fact["local"], fact["remote"]) if fact["out"] else (fact["remote"], fact["local"])


def elastic_row(fact: Row) -> Row:
    source, destination = ends(fact)
    return {
        "@timestamp": iso(fact, "4567"),
        "agent": {"type": "endpoint"},
        "event": {
            "action": ("connection_attempted" if fact["out"] else "connection_accepted") if fact["used"] else "x"
        },
        "host": {"hostname": fact["host"]},
        "process": {"entity_id": fact["uid"], "pid": fact["pid"], "executable": fact["path"]},
        "source": {"ip": source[0], "port": source[1]},
        "destination": {"ip": destination[0], "port": destination[1]},
        "network": {"transport": "udp" if fact["udp"] else "tcp", "direction": "egress" if fact["out"] else "ingress"},
    }


def elastic_plain(row: Row) -> Seen | None:
    if row["event"]["action"] == "x":
        return None
    micros = int(datetime.fromisoformat(row["@timestamp"][:26] + "+00:00").timestamp() * 1_000_000 + 0.5)
    source = (row["source"]["ip"], row["source"]["port"])
    destination = (row["destination"]["ip"], row["destination"]["port"])
    out = row["network"]["direction"] == "egress"
    here, there = (source, destination) if out else (destination, source)
    process = row["process"]
    udp = row["network"]["transport"] == "udp"
    return seen(row["host"]["hostname"], micros, udp, here, there, out, process["executable"], process["pid"])


def carbon_black_row(fact: Row) -> Row:
    return {
        "type": f"ingress.event.{'netconn' if fact['used'] else 'filemod'}",
        "timestamp": fact["second"],
        "computer_name": fact["host"],
        "pid": fact["pid"],
        "process_guid": f"0-0-0-0-{fact['uid']}",
        "process_path": fact["path"],
        "local_ip": fact["local"][0],
        "local_port": fact["local"][1],
        "remote_ip": fact["remote"][0],
        "remote_port": fact["remote"][1],
        "protocol": 17 if fact["udp"] else 6,
        "direction": "outbound" if fact["out"] else "inbound",
    }


def carbon_black_plain(row: Row) -> Seen | None:
    if row["type"] != "ingress.event.netconn":
        return None
    here, there = (row["local_ip"], row["local_port"]), (row["remote_ip"], row["remote_port"])
    out, micros = row["direction"] == "outbound", row["timestamp"] * 1_000_000
    return seen(row["computer_name"], micros, row["protocol"] == 17, here, there, out, row["process_path"], row["pid"])


def cloud_row(fact: Row) -> Row:
    moment = datetime.fromtimestamp(fact["second"], UTC)
    return {
        "type": f"endpoint.event.{'netconn' if fact['used'] else 'regmod'}",
        "device_timestamp": f"{moment:%Y-%m-%d %H:%M:%S}.{fact['millis']:03d}4567 +0000 UTC",
        "device_name": f"CORP\\{fact['host']}",
        "process_guid": f"X-{fact['uid']}",
        "process_pid": fact["pid"],
        "process_path": fact["path"],
        "local_ip": fact["local"][0],
        "local_port": fact["local"][1],
        "remote_ip": fact["remote"][0],
        "remote_port": fact["remote"][1],
        "netconn_protocol": "PROTO_UDP" if fact["udp"] else "PROTO_TCP",
        "netconn_inbound": not fact["out"],
    }


def cloud_plain(row: Row) -> Seen | None:
    if row["type"] != "endpoint.event.netconn":
        return None
    day, clock, *_ = row["device_timestamp"].split(" ")
    whole = datetime.fromisoformat(f"{day}T{clock[:8]}+00:00")
    micros = int(whole.timestamp()) * 1_000_000 + int(clock[9:15])
    here, there = (row["local_ip"], row["local_port"]), (row["remote_ip"], row["remote_port"])
    host, udp = row["device_name"].split("\\")[1], row["netconn_protocol"] == "PROTO_UDP"
    out = not row["netconn_inbound"]
    return seen(host, micros, udp, here, there, out, row["process_path"], row["process_pid"])


def sentinelone_row(fact: Row) -> Row:
    source, destination = ends(fact)
    return {
        "event.type": "IPConnect" if fact["used"] else "FileCreation",
        "event.time": fact["second"] * 1000 + fact["millis"],
        "timestamp": "10:00:00.000",
        "endpoint.name": fact["host"],
        "dataSource.name": "SentinelOne",
        "meta.event.name": "UDPV4" if fact["udp"] else "TCPV4",
        "event.network.direction": "OUTGOING" if fact["out"] else "INCOMING",
        "src.ip.address": source[0],
        "src.port.number": source[1],
        "dst.ip.address": destination[0],
        "dst.port.number": destination[1],
        "src.process.uid": fact["uid"],
        "src.process.pid": fact["pid"],
        "src.process.image.path": fact["path"],
    }


def sentinelone_plain(row: Row) -> Seen | None:
    if row["event.type"] != "IPConnect":
        return None
    source, destination = [(row[f"{end}.ip.address"], row[f"{end}.port.number"]) for end in ("src", "dst")]
    out = row["event.network.direction"] == "OUTGOING"
    here, there = (source, destination) if out else (destination, source)
    micros, udp = row["event.time"] * 1000, row["meta.event.name"] == "UDPV4"
    path, pid = row["src.process.image.path"], row["src.process.pid"]
    return seen(row["endpoint.name"], micros, udp, here, there, out, path, pid)


def falcon_row(fact: Row) -> Row:
    version = "6" if ":" in fact["local"][0] else "4"
    return {
        "event_simpleName": f"NetworkConnectIP{version}" if fact["used"] else "DirectoryCreate",
        "aid": fact["host"],
        "ContextProcessId": str(int(fact["uid"], 16)),
        "ContextBaseFileName": fact["path"].replace("\\", "/").rpartition("/")[2],
        "ContextTimeStamp": f"{fact['second']}.{fact['millis']:03d}",
        "timestamp": "1",
        f"LocalAddressIP{version}": fact["local"][0],
        "LocalPort": str(fact["local"][1]),
        f"RemoteAddressIP{version}": fact["remote"][0],
        "RemotePort": str(fact["remote"][1]),
        "Protocol": "17" if fact["udp"] else "6",
        "ConnectionDirection": "0" if fact["out"] else "1",
    }


def falcon_plain(row: Row) -> Seen | None:
    if not row["event_simpleName"].startswith("NetworkConnect"):
        return None
    version = row["event_simpleName"][-1]
    here, there = [(row[f"{end}AddressIP{version}"], row[f"{end}Port"]) for end in ("Local", "Remote")]
    whole, fraction = row["ContextTimeStamp"].split(".")
    micros, out = int(whole) * 1_000_000 + int(fraction) * 1000, row["ConnectionDirection"] == "0"
    found = seen(row["aid"], micros, row["Protocol"] == "17", here, there, out, row["ContextBaseFileName"], None)
    return found and (*found[:-2], None, None)


def osquery_row(fact: Row) -> Row:
    columns = {
        "action": ("connect" if fact["out"] else "accept") if fact["used"] else "bind",
        "pid": str(fact["pid"]),
        "path": fact["path"],
        "family": "2",
        "protocol": "17" if fact["udp"] else "0",
        "local_address": fact["local"][0],
        "local_port": str(fact["local"][1]),
        "remote_address": fact["remote"][0],
        "remote_port": str(fact["remote"][1]),
        "time": str(fact["second"]),
    }
    return {
        "hostIdentifier": fact["host"],
        "unixTime": fact["second"] + 9,
        "name": "p",
        "action": "added",
        "columns": columns,
    }


def osquery_plain(row: Row) -> Seen | None:
    columns = row["columns"]
    if columns["action"] == "bind" or columns["remote_port"] == "0":
        return None
    here, there = [(columns[f"{end}_address"], columns[f"{end}_port"]) for end in ("local", "remote")]
    udp, out = columns["protocol"] == "17", columns["action"] == "connect"
    micros = int(columns["time"]) * 1_000_000
    return seen(row["hostIdentifier"], micros, udp, here, there, out, columns["path"], int(columns["pid"]))


def velociraptor_row(fact: Row) -> Row:
    return {
        "Fqdn": fact["host"],
        "Pid": fact["pid"],
        "Name": fact["path"].replace("\\", "/").rpartition("/")[2],
        "Path": fact["path"],
        "Type": "UDP" if fact["udp"] else "TCP",
        "Status": "ESTAB" if fact["used"] else "LISTEN",
        "SrcIP": fact["local"][0],
        "SrcPort": fact["local"][1],
        "DestIP": fact["remote"][0],
        "DestPort": fact["remote"][1],
        "Timestamp": iso(fact),
    }


def velociraptor_plain(row: Row) -> Seen | None:
    if row["Status"] == "LISTEN" or not row["DestPort"]:
        return None
    micros = int(datetime.fromisoformat(row["Timestamp"]).timestamp() * 1000 + 0.5) * 1000
    here, there = (row["SrcIP"], row["SrcPort"]), (row["DestIP"], row["DestPort"])
    return seen(row["Fqdn"], micros, row["Type"] == "UDP", here, there, None, row["Path"], row["Pid"])


def security_row(fact: Row) -> Row:
    fields = windows.connection_allowed(
        ProcessID=str(fact["pid"]),
        Application=fact["path"],
        Direction="%%14593" if fact["out"] else "%%14592",
        SourceAddress=fact["local"][0],
        SourcePort=str(fact["local"][1]),
        DestAddress=fact["remote"][0],
        DestPort=str(fact["remote"][1]),
        Protocol="17" if fact["udp"] else "6",
    )
    return windows.security(5156 if fact["used"] else 5158, fields) | {
        "@timestamp": iso(fact),
        "Hostname": fact["host"],
    }


def security_plain(row: Row) -> Seen | None:
    if row["EventID"] != 5156:
        return None
    micros = int(datetime.fromisoformat(row["@timestamp"]).timestamp() * 1000 + 0.5) * 1000
    here, there = (row["SourceAddress"], row["SourcePort"]), (row["DestAddress"], row["DestPort"])
    udp, out = row["Protocol"] == "17", row["Direction"] == "%%14593"
    return seen(row["Hostname"], micros, udp, here, there, out, row["Application"], int(row["ProcessID"]))


PAIRS: dict[str, tuple[Callable[[Row], Row], Callable[[Row], Seen | None]]] = {
    "elastic defend": (elastic_row, elastic_plain),
    "carbon black edr": (carbon_black_row, carbon_black_plain),
    "carbon black cloud": (cloud_row, cloud_plain),
    "sentinelone": (sentinelone_row, sentinelone_plain),
    "crowdstrike": (falcon_row, falcon_plain),
    "osquery": (osquery_row, osquery_plain),
    "velociraptor": (velociraptor_row, velociraptor_plain),
    "windows security": (security_row, security_plain),
}
