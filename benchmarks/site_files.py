"""Writes what sensors and endpoint products logged of a made site: Zeek's conn.log and dhcp.log, exports, the truth.

Text is built by DuckDB from numbers, a piece of the day at a time, so that a site of any size fits into memory.
"""

# ruff: noqa: S608 - its SQL is made of its own numbers and names

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
from made_site import (
    DAY,
    DEFENDER,
    EPOCHS,
    FDR,
    PROGRAMS,
    PROXY,
    PROXY_PORT,
    RESOLVED,
    RESOLVER,
    SAMPLED,
    START,
    SYSMON,
    Site,
    named_server,
)

if TYPE_CHECKING:
    from pathlib import Path

PIECE: Final = 1_000_000
CONN_FIELDS: Final = """
ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum service:string
duration:interval orig_bytes:count resp_bytes:count conn_state:string local_orig:bool local_resp:bool
missed_bytes:count history:string orig_pkts:count orig_ip_bytes:count resp_pkts:count resp_ip_bytes:count
tunnel_parents:set[string] ip_proto:count
""".split()  # noqa: SIM905 - reads better
SSL_FIELDS: Final = """
ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port version:string cipher:string
curve:string server_name:string resumed:bool last_alert:string next_protocol:string established:bool
ssl_history:string cert_chain_fps:vector[string] client_cert_chain_fps:vector[string] sni_matches_cert:bool ja3:string
""".split()  # noqa: SIM905 - reads better
DHCP_FIELDS: Final = """
ts:time uids:set[string] client_addr:addr server_addr:addr mac:string host_name:string client_fqdn:string
domain:string requested_addr:addr assigned_addr:addr lease_time:interval client_message:string
server_message:string msg_types:vector[string] duration:interval
""".split()  # noqa: SIM905 - reads better
MACROS: Final = f"""
CREATE MACRO dotted(n) AS (n >> 24) || '.' || ((n >> 16) & 255) || '.' || ((n >> 8) & 255) || '.' || (n & 255);
CREATE MACRO seconds(us) AS (us // 1000000) || '.' || lpad((us % 1000000)::VARCHAR, 6, '0');
CREATE MACRO plain(us) AS strftime(make_timestamp(us), '%Y-%m-%d %H:%M:%S.%g');
CREATE MACRO iso(us) AS strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%S.%fZ');
CREATE MACRO guid(n) AS '{{5770385f-' || lpad(to_hex(n & 65535), 4, '0') || '-64d4-' || lpad(to_hex(n >> 16), 4, '0')
  || '-000000000800}}';
CREATE MACRO uid(n) AS 'C' || to_base(n * 7919 + 1, 36, 17);
CREATE MACRO host_name(n) AS 'h' || n || '.service.example';
CREATE MACRO there(udp, port, server) AS CASE WHEN udp AND port = 53 THEN '{RESOLVER}' ELSE dotted(server) END;
"""
SYSMON_HEAD: Final = """'SourceName': 'Microsoft-Windows-Sysmon',
  'ProviderGuid': '{5770385f-c22a-43e0-bf4c-06f5698ffbd9}', 'Level': '4', 'Keywords': '0x8000000000000000',
  'Channel': 'Microsoft-Windows-Sysmon/Operational', 'Hostname': name,
  'TimeCreated': iso(told), '@timestamp': iso(told),
  'EventID': %d, 'Task': '%d', 'RuleName': '-', 'UtcTime': plain(told), 'ProcessGuid': guid(process),
  'ProcessId': pid::VARCHAR, 'Image': path, 'User': 'SITE\\user' || host"""
SYSMON_CONNECTION: Final = (
    SYSMON_HEAD % (3, 3)
    + """, 'Protocol': IF(udp, 'udp', 'tcp'), 'Initiated': 'true', 'SourceIsIpv6': 'false', 'SourceIp': dotted(src),
  'SourceHostname': '-', 'SourcePort': port::VARCHAR, 'SourcePortName': '-', 'DestinationIsIpv6': 'false',
  'DestinationIp': there(udp, dst_port, address), 'DestinationHostname': '-', 'DestinationPort': dst_port::VARCHAR,
  'DestinationPortName': '-'"""
)
SYSMON_QUERY: Final = (
    SYSMON_HEAD % (22, 22)
    + """, 'QueryName': host_name(server), 'QueryStatus': '0',
  'QueryResults': '::ffff:' || dotted(address) || ';'"""
)
SYSMON_START: Final = (
    SYSMON_HEAD % (1, 1)
    + """, 'FileVersion': '10.0.1.2', 'Description': '-', 'Product': '-', 'Company': '-', 'OriginalFileName': '-',
  'CommandLine': command, 'CurrentDirectory': 'C:\\Windows\\system32\\', 'LogonId': '0x3e7', 'IntegrityLevel': 'System',
  'Hashes': 'SHA256=' || sha256(path), 'ParentProcessGuid': guid(host + 900000000), 'ParentProcessId': '712',
  'ParentImage': 'C:\\Windows\\explorer.exe', 'ParentCommandLine': 'C:\\Windows\\explorer.exe'"""
)
SYSMON_END: Final = SYSMON_HEAD % (5, 5)
SYSMON_NOISE: Final = """'SourceName': 'Microsoft-Windows-Sysmon',
  'Channel': 'Microsoft-Windows-Sysmon/Operational', 'Hostname': name,
  'TimeCreated': iso(told), '@timestamp': iso(told),
  'EventID': CASE n % 4 WHEN 0 THEN 7 WHEN 1 THEN 11 WHEN 2 THEN 13 ELSE 10 END, 'RuleName': '-',
  'UtcTime': plain(told), 'ProcessGuid': guid(process), 'ProcessId': pid::VARCHAR, 'Image': path,
  'TargetObject': 'HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\' || guid(n),
  'TargetFilename': 'C:\\Users\\user' || host || '\\AppData\\Local\\Temp\\' || sha256(n::VARCHAR) || '.tmp',
  'Details': 'DWORD (0x00000001)', 'Hashes': 'SHA256=' || sha256((n + 1)::VARCHAR), 'EventType': 'SetValue',
  'CallTrace': repeat('C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\KERNELBASE.dll+2c13e|', 3)"""
DEFENDER_PROCESS: Final = """'InitiatingProcessFileName': base, 'InitiatingProcessFolderPath': path,
  'InitiatingProcessId': pid, 'InitiatingProcessCommandLine': command,
  'InitiatingProcessCreationTime': iso(started), 'InitiatingProcessAccountName': 'user' || host,
  'InitiatingProcessAccountDomain': 'SITE'"""
DEFENDER_CONNECTION: Final = f"""'Timestamp': iso(told), 'DeviceId': sha1(name), 'DeviceName': name,
  'ActionType': 'ConnectionSuccess', 'LocalIP': dotted(src), 'LocalPort': port,
  'RemoteIP': there(udp, dst_port, address), 'RemotePort': dst_port, 'Protocol': IF(udp, 'Udp', 'Tcp'),
  'RemoteUrl': IF(via, host_name(server), ''), 'RemoteIPType': 'Public', 'ReportId': n, {DEFENDER_PROCESS}"""
DEFENDER_START: Final = """'Timestamp': iso(told), 'DeviceId': sha1(name), 'DeviceName': name,
  'ActionType': 'ProcessCreated', 'FileName': base, 'FolderPath': path, 'ProcessId': pid,
  'ProcessCommandLine': command, 'ProcessCreationTime': iso(told), 'AccountName': 'user' || host, 'ReportId': process,
  'InitiatingProcessFileName': 'explorer.exe', 'InitiatingProcessId': 712,
  'InitiatingProcessCreationTime': '2026-09-20T00:00:00Z'"""
FDR_HEAD: Final = """'event_simpleName': '%s', 'aid': md5(name), 'timestamp': (told // 1000)::VARCHAR,
  'ContextTimeStamp': format('{:.3f}', told / 1e6), 'event_platform': 'Mac'"""
FDR_CONNECTION: Final = (
    FDR_HEAD % "NetworkConnectIP4"
    + """, 'ContextProcessId': (process + 1)::VARCHAR, 'LocalAddressIP4': '0.0.0.0', 'LocalPort': '0',
  'RemoteAddressIP4': there(udp, dst_port, address), 'RemotePort': dst_port::VARCHAR,
  'Protocol': IF(udp, '17', '6'), 'ConnectionDirection': '0'"""
)
FDR_QUERY: Final = (
    FDR_HEAD % "DnsRequest"
    + """, 'ContextProcessId': (asking + 1)::VARCHAR, 'DomainName': host_name(server),
  'IP4Records': dotted(address) || ';'"""
)
FDR_TO_STUB: Final = (
    FDR_HEAD % "NetworkConnectIP4"
    + """, 'ContextProcessId': (process + 1)::VARCHAR, 'LocalAddressIP4': '127.0.0.1', 'LocalPort': '0',
  'RemoteAddressIP4': '127.0.0.53', 'RemotePort': '53', 'Protocol': '17', 'ConnectionDirection': '0'"""
)
FDR_START: Final = (
    FDR_HEAD % "ProcessRollup2"
    + """, 'TargetProcessId': (process + 1)::VARCHAR, 'RawProcessId': pid::VARCHAR, 'ImageFileName': path,
  'CommandLine': command, 'ProcessStartTime': format('{:.3f}', told / 1e6), 'UserName': 'user' || host"""
)
FDR_RUNNING: Final = (
    FDR_HEAD % "SyntheticProcessRollup2"
    + """, 'TargetProcessId': (process + 1)::VARCHAR, 'RawProcessId': pid::VARCHAR, 'ImageFileName': path,
  'CommandLine': command, 'ProcessStartTime': format('{:.3f}', (started - offset_) / 1e6), 'UserName': 'user' || host"""
)
FDR_END: Final = (
    FDR_HEAD % "EndOfProcess" + """, 'TargetProcessId': (process + 1)::VARCHAR, 'RawProcessId': pid::VARCHAR"""
)
FDR_ADDRESS: Final = FDR_HEAD % "LocalIpAddressIP4" + ", 'LocalAddressIP4': dotted(src)"
CONN: Final = """seconds(ts) || chr(9) || uid(n) || chr(9) || dotted(wire_src) || chr(9) || wire_port || chr(9)
  || there(udp, dst_port, address) || chr(9) || dst_port || chr(9) || IF(udp, 'udp', 'tcp') || chr(9)
  || CASE WHEN failed THEN '-' WHEN dst_port = 53 THEN 'dns' WHEN dst_port = 443 AND udp THEN 'quic,ssl'
     WHEN dst_port IN (443, 8443) THEN 'ssl' WHEN dst_port = 80 THEN 'http' ELSE '-' END || chr(9)
  || IF(failed, '-', seconds(ts % 90000000)) || chr(9) || IF(failed, '-', (ts % 5003)::VARCHAR) || chr(9)
  || IF(failed, '-', (ts % 90007)::VARCHAR) || chr(9) || IF(failed, 'S0', 'SF') || chr(9) || 'T' || chr(9)
  || IF(dst_port = 53, 'T', 'F') || chr(9) || '0' || chr(9) || CASE WHEN failed THEN 'S' WHEN udp THEN 'Dd'
     ELSE 'ShADadFf' END || chr(9) || (ts % 40) || chr(9) || (ts % 9001) || chr(9) || IF(failed, 0, ts % 60) || chr(9)
  || IF(failed, 0, ts % 90407) || chr(9) || '-' || chr(9) || IF(udp, 17, 6)"""
SSL: Final = """seconds(ts + 20000) || chr(9) || uid(n) || chr(9) || dotted(wire_src) || chr(9) || wire_port || chr(9)
  || dotted(address) || chr(9) || dst_port || chr(9)
  || 'TLSv13' || chr(9) || 'TLS_AES_128_GCM_SHA256' || chr(9) || 'x25519' || chr(9)
  || IF(n % 10 = 3, '-', host_name(server)) || chr(9) || 'F' || chr(9) || '-' || chr(9) || 'h2' || chr(9) || 'T'
  || chr(9) || 'CsiI' || chr(9) || '-' || chr(9) || '-' || chr(9) || '-' || chr(9)
  || md5(IF(hello = 'new', n::VARCHAR, hello))"""
_FIELD: Final = re.compile(r"(?:^|,\s*)'(@?\w+)': ")
_NO_QUOTES: Final = r"(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\x1f')"


def write(site: Site, folder: Path, noise: int = 0, most: int | None = None) -> None:
    """Write ``site`` below ``folder``: ``zeek/``, ``edr/`` (``noise`` Sysmon events no lookup needs) and the truth.

    ``most`` ends the day after that many connections, a whole number of ``PIECE``.
    """
    until = int(site.connections.ts[most]) if most and most < len(site.connections.ts) else START + DAY
    for name in ("zeek", "edr"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"temp_directory": str(folder), "memory_limit": "2GB"}) as engine:
        engine.execute(MACROS)
        _known(engine, site)
        _dhcp(engine, site, folder)
        with (folder / "zeek" / "conn.log").open("wb") as log, (folder / "zeek" / "ssl.log").open("wb") as tls:
            log.write(_header("conn", CONN_FIELDS))
            tls.write(_header("ssl", SSL_FIELDS))
            for first in range(0, most or len(site.connections.ts), PIECE):
                _connections(engine, site, folder, first)
                log.write((folder / "piece").read_bytes())
                tls.write((folder / "tls").read_bytes())
        (folder / "tls").unlink(missing_ok=True)
        (folder / "piece").unlink(missing_ok=True)
        for first in range(0, len(site.processes.pid), PIECE):
            _lives(engine, site, folder, first, until)
        for first in range(0, noise, PIECE):
            _noise(engine, site, folder, (first, min(noise, first + PIECE)), until)
        engine.execute(f"COPY process TO '{folder}/processes.parquet' (FORMAT parquet)")


def _table(engine: Any, name: str, **columns: Any) -> None:  # noqa: ANN401 - arrays
    engine.register("handed", {key: np.ascontiguousarray(value) for key, value in columns.items()})
    engine.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM handed")
    engine.unregister("handed")


def _known(engine: Any, site: Site) -> None:  # noqa: ANN401 - a DuckDB connection
    """Make the tables that rows are put together from: programs, processes with their hosts, servers."""
    programs = ", ".join(
        f"({number}, '{one.path}', '{one.command}', '{one.hello}')" for number, one in enumerate(PROGRAMS)
    )
    engine.execute(f"CREATE TABLE program AS SELECT * FROM (VALUES {programs}) v(program, path, command, hello)")
    table = site.processes
    numbers = np.arange(len(table.pid))
    _table(
        engine, "p", process=numbers, host=table.host, program=table.program, pid=table.pid,
        started=table.started, ended=table.ended, product=site.product[table.host],
        offset_=site.clocks.at(table.host, table.started), named=named_server(numbers),
        proxied=site.proxied[table.host], stub=site.stub[table.host],
    )  # fmt: skip
    engine.execute("""CREATE TABLE process AS SELECT p.*, path, hello,
      parse_filename(path, false, 'both_slash') AS base,
      replace(command, 'updates.example', host_name(named)) || ' /id:' || process AS command,
      printf('H%05d', host) AS name FROM p JOIN program USING (program) ORDER BY process""")
    engine.execute(f"CREATE TABLE resolving AS SELECT host, process AS asking FROM process WHERE program = {RESOLVED}")
    _table(engine, "server", server=np.arange(len(site.servers)), address=site.servers)


def _header(log: str, fields: list[str]) -> bytes:
    names, types = zip(*(field.split(":", 1) for field in fields), strict=True)
    lines = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{log}"]
    return "\n".join([*lines, "\t".join(["#fields", *names]), "\t".join(["#types", *types]), ""]).encode()


def _dhcp(engine: Any, site: Site, folder: Path) -> None:  # noqa: ANN401 - a DuckDB connection
    """Write a lease for each address drawn. Hosts behind NAT are not seen by the sensor."""
    epoch, host = (part.ravel() for part in np.indices(site.leases.shape))
    _table(engine, "lease", epoch=epoch, host=host, ip=site.leases.ravel(), nat=site.nat[host])
    mac = "printf('02:00:00:%02x:%02x:%02x', host // 65536, (host // 256) % 256, host % 256)"
    line = f"""seconds({START} + epoch * {DAY // EPOCHS} + 1000 * host) || chr(9) || 'CL' || epoch || 'h' || host
      || chr(9) || dotted(ip) || chr(9) || '10.9.9.1' || chr(9) || {mac} || chr(9) || printf('H%05d', host) || chr(9)
      || '-' || chr(9) || 'site.example' || chr(9) || dotted(ip) || chr(9) || dotted(ip) || chr(9)
      || '{DAY // EPOCHS // 1_000_000}.000000' || chr(9) || '-' || chr(9) || '-' || chr(9) || 'REQUEST,ACK' || chr(9)
      || '0.010000'"""
    engine.execute(
        f"COPY (SELECT {line} FROM lease WHERE nat < 0 ORDER BY epoch, host) TO '{folder}/piece' {_NO_QUOTES}"
    )
    text = _header("dhcp", DHCP_FIELDS) + (folder / "piece").read_bytes()
    (folder / "zeek" / "dhcp.log").write_bytes(text)


def _connections(engine: Any, site: Site, folder: Path, first: int) -> None:  # noqa: ANN401 - a DuckDB connection
    """Write a piece of conn.log, what the products recorded of it, and the truth."""
    part = type(site.connections)(*(column[first : first + PIECE] for column in site.connections))
    host = site.processes.host[part.process]
    _table(
        engine, "piece", n=np.arange(first, first + len(part.ts)), host_offset=site.clocks.at(host, part.ts),
        **part._asdict(),
    )  # fmt: skip
    engine.execute("""CREATE OR REPLACE TABLE c AS SELECT piece.*, address,
      process.* EXCLUDE (process), resolving.asking,
      ts - host_offset + lag AS told, ts - host_offset - 5000 - (n * 7919) % 290000 AS asked,
      proxied AND dst_port = 443 AND NOT udp AS via
      FROM piece JOIN process USING (process) JOIN server USING (server) JOIN resolving USING (host) ORDER BY n""")
    engine.execute(f"""CREATE OR REPLACE VIEW wire AS
      SELECT * REPLACE (IF(via, {PROXY}, address) AS address, IF(via, {PROXY_PORT}, dst_port) AS dst_port) FROM c
      UNION ALL
      SELECT * REPLACE (n + 1000000000 AS n, ts + 3000 AS ts, {PROXY} AS wire_src,
        2000 + (n * 7919) % 60000 AS wire_port) FROM c WHERE via AND NOT failed""")
    engine.execute(f"COPY (SELECT {CONN} FROM wire ORDER BY ts, n) TO '{folder}/piece' {_NO_QUOTES}")
    spoken = "SELECT * FROM wire WHERE dst_port IN (443, 8443) AND NOT failed"
    engine.execute(f"COPY (SELECT {SSL} FROM ({spoken}) ORDER BY ts, n) TO '{folder}/tls' {_NO_QUOTES}")
    number = f"{first // PIECE:03}"
    truth = "SELECT uid(n) AS uid, process, recorded, failed, via, wire_src <> src AS translated FROM wire"
    engine.execute(f"COPY ({truth}) TO '{folder}/truth-{number}.parquet' (FORMAT parquet)")
    engine.execute(f"""CREATE OR REPLACE VIEW events AS SELECT * REPLACE (IF(stub, asking, process) AS asking,
      IF(via, {PROXY}, address) AS address, IF(via, {PROXY_PORT}, dst_port) AS dst_port) FROM c""")
    windows = f"product IN ({SYSMON}, {SAMPLED})"
    for kind, fields, chosen, at in (
        ("sysmon", SYSMON_CONNECTION, f"recorded AND {windows}", "told"),
        ("sysmon-dns", SYSMON_QUERY, f"resolved AND {windows}", "asked AS told"),
        ("defender", DEFENDER_CONNECTION, f"recorded AND product = {DEFENDER}", "told"),
        ("fdr", FDR_CONNECTION, f"recorded AND product = {FDR}", "told"),
        ("fdr-dns", FDR_QUERY, f"resolved AND product = {FDR}", "asked AS told"),
        ("fdr-stub", FDR_TO_STUB, f"resolved AND stub AND product = {FDR}", "asked - 3000 AS told"),
    ):
        rows = f"SELECT * EXCLUDE (told, asked), {at} FROM events WHERE {chosen}"
        _export(engine, fields, rows, folder, f"{kind}-{number}")


def _export(engine: Any, fields: str, rows: str, folder: Path, name: str) -> None:  # noqa: ANN401 - a connection
    """Write a JSON file of ``rows`` in order of the host's clock."""
    listed = _FIELD.split(fields)[1:]
    chosen = ", ".join(f'{value} AS "{key}"' for key, value in zip(listed[::2], listed[1::2], strict=True))
    target = folder / "edr" / f"{name}.json"
    engine.execute(f"COPY (SELECT {chosen} FROM ({rows}) ORDER BY told) TO '{target}' (FORMAT json)")
    if not target.stat().st_size:
        target.unlink()


def _lives(engine: Any, site: Site, folder: Path, first: int, until: int) -> None:  # noqa: ANN401 - a connection
    """Write starts and ends that fell into the day, and each agent's addresses."""
    number = f"{first // PIECE:03}"
    part = f"FROM process WHERE process BETWEEN {first} AND {first + PIECE - 1}"
    starts = f"SELECT *, started - offset_ AS told {part} AND started BETWEEN {START} AND {until}"
    running = f"SELECT *, {START} - offset_ AS told {part} AND started < {START}"
    ends = f"SELECT *, ended - offset_ AS told {part} AND ended < {until}"
    windows = f"product IN ({SYSMON}, {SAMPLED})"
    _export(engine, SYSMON_START, f"{starts} AND {windows}", folder, f"sysmon-starts-{number}")
    _export(engine, SYSMON_END, f"{ends} AND {windows}", folder, f"sysmon-ends-{number}")
    _export(engine, DEFENDER_START, f"{starts} AND product = {DEFENDER}", folder, f"defender-starts-{number}")
    _export(engine, FDR_START, f"{starts} AND product = {FDR}", folder, f"fdr-starts-{number}")
    _export(engine, FDR_RUNNING, f"{running} AND product = {FDR}", folder, f"fdr-running-{number}")
    _export(engine, FDR_END, f"{ends} AND product = {FDR}", folder, f"fdr-ends-{number}")
    if first == 0:
        epoch, host = (part.ravel() for part in np.indices(site.leases.shape))
        ts = START + epoch * (DAY // EPOCHS)
        at = ts - site.clocks.at(host, ts)
        _table(engine, "a", epoch=epoch, host=host, src=site.leases.ravel(), told=at, product=site.product[host])
        addresses = f"SELECT *, printf('H%05d', host) AS name FROM a WHERE product = {FDR}"
        _export(engine, FDR_ADDRESS, addresses, folder, "fdr-addresses")
        master = "'aid': md5(name), 'ComputerName': name, 'AgentVersion': '7.10', 'Time': (told // 1000000)::VARCHAR"
        _export(engine, master, f"{addresses} AND epoch = 0", folder, "aidmaster")


def _noise(engine: Any, site: Site, folder: Path, span: tuple[int, int], until: int) -> None:  # noqa: ANN401 - see above
    """Write Sysmon's file, registry and module events: most of what an export holds."""
    dice = np.random.default_rng((span[0], 7))
    windows = np.flatnonzero(np.isin(site.product[site.processes.host], (SYSMON, SAMPLED)))
    process = dice.choice(windows, span[1] - span[0])
    ts = START + (dice.random(len(process)) * (until - START)).astype(np.int64)
    at = ts - site.clocks.at(site.processes.host[process], ts)
    _table(engine, "noise", n=np.arange(*span), process=process, told=at)
    rows = "SELECT noise.n, noise.told, process.* FROM noise JOIN process USING (process)"
    _export(engine, SYSMON_NOISE, rows, folder, f"sysmon-noise-{span[0] // PIECE:03}")
