"""What is particular to a product: its spellings, its traps, and what its events do not say.

Shapes beyond the stories' are retold, with values of our own, from SEKOIA-IO/intake-formats (CrowdStrike telemetry,
Cloud Funnel 2), panther-labs/panther-analysis (FDR as a lake types it), osquery's table specifications and event
subscribers, and Velociraptor's artifact definitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from endpoints.exports import csv_text, ndjson, read, reasons
from endpoints.products import STORIES, velociraptor
from endpoints.story import COMMAND, HOST, SECOND, Row, Story, check

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.model import EndpointReading


def one(story: Story, tmp_path: Path, **more: Any) -> EndpointReading:
    return read(ndjson(tmp_path / "one", [story.rows[0] | more, *story.rows[1:]]))[0]


def test_falcon_numbers_with_the_consoles_suffix(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    plain = {"event_simpleName", "aid", "cid", "aip", "ComputerName", "AgentVersion", "MachineDomain"}
    numbers = {key for row in story.rows for key, value in row.items() if str(value).replace(".", "").isdigit()} - plain
    numbers -= {"LocalAddressIP4", "RemoteAddressIP4"}
    rows = [{f"{key}_decimal" if key in numbers else key: value for key, value in row.items()} for row in story.rows]
    check(read(ndjson(tmp_path / "x", rows))[0], story)


def test_falcon_names_come_from_another_file_and_in_any_order(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    events, master = ndjson(tmp_path / "e", story.rows[:-1]), ndjson(tmp_path / "m", story.rows[-1:])
    check(read(events, master)[0], story)
    check(read(master, events)[0], story)
    assert read(events)[0].sockets[0].host == "0a1b2c"


def test_falcon_on_macos_has_no_local_side(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    (socket,) = one(story, tmp_path, LocalAddressIP4="0.0.0.0", LocalPort="0").sockets  # noqa: S104 - in a log
    assert (socket.local_ip, socket.local_port) == (None, None)


def test_falcon_accepted_connections_and_addresses(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    (socket,) = one(story, tmp_path, event_simpleName="NetworkReceiveAcceptIP4", ConnectionDirection="1").sockets
    assert socket.initiated is False
    address = {
        "aid": "0a1b2c",
        "event_simpleName": "LocalIpAddressIP4",
        "LocalAddressIP4": "10.9.9.9",
        "timestamp": "1",
    }
    assert read(ndjson(tmp_path / "x", [address]))[0].addresses == {"0a1b2c": ["10.9.9.9"]}


def test_falcon_synthetic_rollups_are_processes_but_no_starts(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    rows = [
        row | {"event_simpleName": "SyntheticProcessRollup2"} if "CommandLine" in row else row for row in story.rows
    ]
    reading = read(ndjson(tmp_path / "x", rows))[0]
    assert (reading.starts, reading.sockets[0].process.command_line) == ([], COMMAND)


def test_falcon_events_as_logscale_writes_them(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    names = {"event_simpleName": "#event_simpleName", "timestamp": "@timestamp"}
    rows = [{names.get(name, name): value for name, value in row.items()} for row in story.rows]
    check(read(ndjson(tmp_path / "x", rows))[0], story)


def test_falcon_times_that_a_lake_has_typed(tmp_path: Path) -> None:
    """The time it was received then has a date and, so that it can be read, a zone."""
    story = STORIES["crowdstrike fdr"]()
    (socket,) = one(story, tmp_path, ContextTimeStamp="2024-05-01 10", timestamp="2024-05-01 10:00:03.5Z").sockets
    assert socket.ts == (SECOND + 3) * 1_000_000 + 500_000


def test_falcon_over_ipv6_has_the_hosts_ipv4_address_beside_it(tmp_path: Path) -> None:
    story = STORIES["crowdstrike fdr"]()
    six = {"LocalAddressIP6": "2001:db8::5", "RemoteAddressIP6": "2001:db8::9", "OriginatingURL": "rdap.example"}
    (socket,) = one(story, tmp_path, event_simpleName="NetworkConnectIP6", **six).sockets
    assert (socket.local_ip, socket.remote_ip, socket.remote_name) == ("2001:db8::5", "2001:db8::9", "rdap.example")


def test_falcon_files_beside_the_events(tmp_path: Path) -> None:
    """Managed assets have a host's addresses; assets nobody manages have no agent and say nothing."""
    asset = {
        "aid": "0a1b2c",
        "LocalAddressIP4": "10.9.9.9 10.9.9.8",
        "MAC": "02-00-00-00-00-01",
        "_time": "1714557600.5",
    }
    other = {"ComputerName": "nobody", "aip": "203.0.113.7", "cid": "77", "LocalAddressIP4": "10.9.9.7", "MAC": "x"}
    reading, (report,) = read(ndjson(tmp_path / "x", [asset, other]))
    assert reading.addresses == {"0a1b2c": ["10.9.9.9", "10.9.9.8"]}
    assert reasons(report) == ["None: 1 events not used: no event_simpleName (1)"]


def test_elastic_accepted_connections_have_the_local_side_first(tmp_path: Path) -> None:
    story = STORIES["elastic defend"]()
    row = story.rows[0] | {
        "event": {"action": "connection_accepted"},
        "network": {"transport": "tcp", "direction": "ingress"},
        "source": {"ip": "203.0.113.9", "port": 7},
        "destination": {"ip": "10.1.2.3", "port": 22},
    }
    (socket,) = read(ndjson(tmp_path / "x", [row]))[0].sockets
    assert (socket.local_port, socket.remote_ip, socket.initiated) == (22, "203.0.113.9", False)


def test_elastic_disconnects_and_file_events_are_counted(tmp_path: Path) -> None:
    story = STORIES["elastic defend"]()
    gone = story.rows[0] | {"event": {"action": "disconnect_received"}}
    other = story.rows[0] | {"event": {"action": "creation"}, "data_stream": {"dataset": "endpoint.events.file"}}
    reading, (report,) = read(ndjson(tmp_path / "x", [*story.rows, gone, other, other]))
    check(reading, story)
    assert report.records == len(story.rows) + 3
    assert reasons(report) == ["None: 3 events not used: creation (2), disconnect_received (1)"]


def test_carbon_black_finds_the_parents_own_start(tmp_path: Path) -> None:
    """As the forwarder's source writes them: parent_guid is the sensor's number, parent_process_guid what tells it."""
    story = STORIES["carbon black edr"]()
    start = story.rows[2]
    guid = start["parent_process_guid"].upper()
    shell = start | {
        "process_guid": guid,
        "path": "C:\\Windows\\System32\\cmd.exe",
        "command_line": "cmd /c x",
        "pid": 300,
    }
    shell |= {"timestamp": SECOND - 9, "parent_process_guid": "00000007-0000-0001-01da-9b000000cccc"}
    (socket,) = read(ndjson(tmp_path / "x", [*story.rows, shell]))[0].sockets
    assert socket.process.parent is not None
    assert socket.process.parent.command_line == "cmd /c x"


def test_carbon_black_with_fractions_of_seconds(tmp_path: Path) -> None:
    """Its configuration may ask for them (``use_time_float``)."""
    (socket,) = one(STORIES["carbon black edr"](), tmp_path, timestamp=SECOND + 1.25).sockets
    assert socket.ts == (SECOND + 1) * 1_000_000 + 250_000


def test_carbon_black_shows_the_proxy_a_connection_went_to(tmp_path: Path) -> None:
    edr = STORIES["carbon black edr"]()
    (socket,) = one(edr, tmp_path, proxy=True, proxy_ip="10.1.1.1", proxy_port=3128).sockets
    assert (socket.remote_ip, socket.remote_port, socket.remote_name) == ("10.1.1.1", 3128, "whois.iana.org")
    cloud = STORIES["carbon black cloud"]()
    more = {"type": "endpoint.event.netconn_proxy", "netconn_proxy_ip": "10.1.1.1", "netconn_proxy_port": 3128}
    (socket,) = one(cloud, tmp_path, **more).sockets
    assert (socket.remote_ip, socket.remote_port, socket.remote_name) == ("10.1.1.1", 3128, "whois.iana.org")


def test_carbon_black_cloud_listening_failed_and_dns(tmp_path: Path) -> None:
    cloud = STORIES["carbon black cloud"]()
    assert one(cloud, tmp_path, action="ACTION_CONNECTION_LISTEN").sockets == []
    both = one(cloud, tmp_path, action="ACTION_CONNECTION_CREATE | ACTION_CONNECTION_ESTABLISHED")
    assert [socket.succeeded for socket in both.sockets] == [True]
    assert one(cloud, tmp_path, action="ACTION_CONNECTION_CREATE_FAILED").sockets[0].succeeded is False
    (query,) = one(
        cloud, tmp_path, netconn_dns_query="whois.iana.org", netconn_dns_answers=[{"data": "192.0.47.59"}]
    ).name_queries
    assert (query.name, query.addresses) == ("whois.iana.org", ("192.0.47.59",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("elastic defend", {"network": {"transport": "icmp", "direction": "egress"}}),
        ("crowdstrike fdr", {"Protocol": "1"}),
        ("carbon black edr", {"protocol": 1}),
        ("carbon black cloud", {"netconn_protocol": "PROTO_ICMP"}),
        ("osquery", {"protocol": "1", "remote_port": "8"}),
    ],
)
def test_icmp_is_no_connection(name: str, said: Row, tmp_path: Path) -> None:
    row = STORIES[name]().rows[0]
    reading, (report,) = read(ndjson(tmp_path / "x", [columns(row, **said) if "columns" in row else row | said]))
    assert reading.sockets == []
    assert reasons(report) == ["None: 1 ICMP messages: no connection"]


def test_sentinelone_incoming_and_udp(tmp_path: Path) -> None:
    story = STORIES["sentinelone cloud funnel"]()
    more = {"event.network.direction": "INCOMING", "meta.event.name": "UDPV4", "event.type": "IP Connect"}
    (socket,) = one(story, tmp_path, **more).sockets
    assert (socket.local_port, socket.remote_port, socket.protocol, socket.initiated) == (43, 50123, "udp", False)


def test_sentinelone_names_with_their_type_and_whole_timestamps(tmp_path: Path) -> None:
    """Agents of macOS write ``type:  28`` in front of the name; newer exports have a date in ``timestamp``."""
    story = STORIES["sentinelone cloud funnel"]()
    asked = {"event.dns.request": "type:  28 whois.iana.org", "timestamp": "2024-05-01T10:00:00.966Z"}
    rows = [{**row, **asked} if "event.dns.request" in row else row for row in story.rows]
    rows[1].pop("event.time")
    check(read(ndjson(tmp_path / "x", rows))[0], story)


def columns(row: Row, **more: str) -> Row:
    return row | {"columns": row["columns"] | more}


def test_osquery_envelopes(tmp_path: Path) -> None:
    story = STORIES["osquery"]()
    base = {"hostIdentifier": HOST, "unixTime": str(SECOND + 60), "name": "q"}
    inner = [row["columns"] for row in story.rows]
    check(read(ndjson(tmp_path / "s", [base | {"action": "snapshot", "snapshot": inner}]))[0], story)
    check(read(ndjson(tmp_path / "d", [base | {"diffResults": {"added": inner, "removed": []}}]))[0], story)


def test_osquery_rows_of_one_snapshot_have_ids_of_their_own(tmp_path: Path) -> None:
    inner = [
        {
            "pid": "1",
            "local_address": "10.0.0.1",
            "local_port": str(port),
            "remote_address": "192.0.2.1",
            "remote_port": "43",
            "protocol": "6",
        }
        for port in range(1000, 1020)
    ]
    row = {"hostIdentifier": HOST, "unixTime": SECOND, "name": "sockets", "action": "snapshot", "snapshot": inner}
    sockets = read(ndjson(tmp_path / "x", [row]))[0].sockets
    assert len({socket.id for socket in sockets}) == len(inner)
    assert {(socket.ts, socket.process.name, socket.process.pid) for socket in sockets} == {(SECOND * 1_000_000, "", 1)}


def test_osquery_removed_rows_binds_and_unix_sockets_are_no_connections(tmp_path: Path) -> None:
    story = STORIES["osquery"]()
    rows = [
        story.rows[0] | {"action": "removed"},
        columns(story.rows[0], action="bind"),
        columns(story.rows[0], family="1"),
        columns(story.rows[0], remote_port="0"),
    ]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert (reading.sockets, report.skipped_total) == ([], 4)


def test_osquery_gives_a_reused_pid_to_the_process_of_its_time(tmp_path: Path) -> None:
    story = STORIES["osquery"]()
    late = str(SECOND + 500)
    rows = [
        *story.rows,
        columns(story.rows[1], cmdline="whois other.example", time=late),
        columns(story.rows[0], time=str(SECOND + 501), remote_address="192.0.2.9"),
    ]
    sockets = read(ndjson(tmp_path / "x", rows))[0].sockets
    assert [(socket.remote_ip, socket.process.command_line) for socket in sockets] == [
        ("192.0.47.59", COMMAND),
        ("192.0.2.9", "whois other.example"),
    ]


def test_osquery_a_pid_that_was_another_program_since_owns_nothing_of_it(tmp_path: Path) -> None:
    story = STORIES["osquery"]()
    other = columns(story.rows[1], path="/usr/bin/curl", cmdline="curl x", time=str(SECOND + 5))
    (socket,) = read(ndjson(tmp_path / "x", [columns(story.rows[0], time=str(SECOND + 9)), other]))[0].sockets
    assert (socket.process.name, socket.process.command_line) == ("whois", None)


def osquery_row(**values: str) -> Row:
    return {"hostIdentifier": HOST, "unixTime": SECOND + 60, "name": "q", "action": "added", "columns": values}


def test_osquery_endpoint_security_tells_exec_fork_and_exit(tmp_path: Path) -> None:
    """es_process_events of macOS: all three have a command line, one of them is a start."""
    shell = {"pid": "300", "path": "/bin/sh", "cmdline": "sh", "parent": "1", "username": "ann"}
    whois = {"pid": "4711", "path": "/usr/bin/whois", "cmdline": COMMAND, "parent": "300", "username": "ann"}
    rows = [
        osquery_row(**shell, event_type="exec", time=str(SECOND - 9)),
        osquery_row(**shell, event_type="fork", child_pid="4711", time=str(SECOND)),
        osquery_row(**whois, event_type="exec", time=str(SECOND)),
        osquery_row(**whois, event_type="exit", exit_code="0", time=str(SECOND + 5)),
    ]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert [(start.process.name, start.process.ended) for start in reading.starts] == [
        ("sh", None),
        ("whois", (SECOND + 5) * 1_000_000),
    ]
    assert reading.starts[1].process.parent == reading.starts[0].process
    assert reasons(report) == ["None: 1 forks: the child is still its parent's program"]


def test_osquery_on_windows_has_starts_stops_and_dns(tmp_path: Path) -> None:
    """process_etw_events and dns_lookup_events: epoch seconds in ``datetime``, answers spelt as Sysmon's."""
    whois = {"pid": "4711", "path": "C:\\Tools\\whois.exe", "cmdline": COMMAND, "username": "CORP\\ann"}
    asked = {"name": "whois.iana.org", "type": "A", "type_id": "1", "status": "0"}
    rows = [
        osquery_row(**whois, type="ProcessStart", ppid="300", datetime=str(SECOND)),
        osquery_row(
            **asked, pid="4711", path=whois["path"], response="type:  5 x;::ffff:192.0.47.59;", datetime=str(SECOND + 1)
        ),
        osquery_row(**whois, type="ProcessStop", exit_code="0", datetime=str(SECOND + 2)),
    ]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    (start,), (query,) = reading.starts, reading.name_queries
    assert (start.process.command_line, start.process.ended) == (COMMAND, (SECOND + 2) * 1_000_000)
    assert (query.name, query.addresses, query.ts) == ("whois.iana.org", ("192.0.47.59",), (SECOND + 1) * 1_000_000)
    assert query.process == start.process
    assert report.skipped == ()


def test_osquery_tables_that_a_pack_has_joined(tmp_path: Path) -> None:
    """process_open_sockets with processes: the row's own words for its process count."""
    ends = {"local_address": "10.1.2.3", "local_port": "50123", "remote_address": "192.0.47.59", "remote_port": "43"}
    row = osquery_row(**ends, pid="4711", name="whois", cmdline=COMMAND, path="", protocol="6", family="2", uid="1000")
    (socket,) = read(ndjson(tmp_path / "x", [row]))[0].sockets
    assert (socket.process.name, socket.process.command_line, socket.process.pid) == ("whois", COMMAND, 4711)
    assert (socket.local_port, socket.process.user) == (50123, "1000")


def test_osquery_hosts_have_the_name_they_are_decorated_with(tmp_path: Path) -> None:
    story = STORIES["osquery"]()
    decorated = {"hostIdentifier": "72e1287b-d1bc", "decorations": {"host_uuid": "72e1287b-d1bc", "hostname": HOST}}
    check(read(ndjson(tmp_path / "x", [row | decorated for row in story.rows]))[0], story)


def test_velociraptor_of_today(tmp_path: Path) -> None:
    """NetstatEnriched calls the ends Laddr, Lport, Raddr and Rport, as JSON and as CSV."""
    story = velociraptor()
    names = {"SrcIP": "Laddr", "SrcPort": "Lport", "DestIP": "Raddr", "DestPort": "Rport"}
    row = {names.get(name, name): value for name, value in story.rows[0].items()}
    check(read(ndjson(tmp_path / "x", [row]))[0], story)
    path = tmp_path / "x.csv"
    path.write_text(csv_text([{key: str(value) for key, value in row.items()}]), "utf-8")
    check(read(path)[0], story)


def test_velociraptor_sockets_without_a_time_are_told_once(tmp_path: Path) -> None:
    """Linux.Network.Netstat, and NetstatEnriched of Linux and macOS, record none."""
    ends = {"Laddr": "10.1.2.3", "Lport": 50123, "Raddr": "192.0.47.59", "Rport": 43}
    mac = {**ends, "Pid": 4711, "Status": "ESTAB", "Type": "TCP", "ProcInfo": {"Name": "whois"}, "CallChain": "x"}
    plain = {"LocalAddr": "10.1.2.3", "LocalPort": 50123, "RemoteAddr": "192.0.47.59", "RemotePort": 43}
    linux = {**plain, "State": "Established", "uid": "0", "inode": "1", "ProcessInfo": {"Pid": 4711}}
    listening = linux | {"State": "Listening", "RemoteAddr": "0.0.0.0", "RemotePort": 0}  # noqa: S104 - in a log
    reading, (report,) = read(ndjson(tmp_path / "x", [mac, mac, linux, listening]))
    assert reading.sockets == []
    assert reasons(report) == [
        "None: 1 sockets that are no connection: LISTENING (1)",
        "None: 3 sockets without a Timestamp (the artifacts of Linux and macOS record none): nothing to join them by",
    ]


def test_velociraptor_as_csv_and_in_nested_form(tmp_path: Path) -> None:
    story = velociraptor()
    path = tmp_path / "x.csv"
    path.write_text(csv_text([{key: str(value) for key, value in story.rows[0].items()}]), "utf-8-sig")
    check(read(path)[0], story)
    row = story.rows[0]
    inner = {key: value for key, value in row.items() if not key.startswith(("Src", "Dest"))}
    inner |= {"Laddr": {"IP": "10.1.2.3", "Port": 50123}, "Raddr": {"IP": "192.0.47.59", "Port": 43}}
    check(read(ndjson(tmp_path / "n", [inner]))[0], story)


def test_velociraptor_without_a_host_is_known_by_its_address(tmp_path: Path) -> None:
    row = {key: value for key, value in velociraptor().rows[0].items() if key != "Fqdn"}
    check(read(ndjson(tmp_path / "x", [row]))[0], velociraptor()._replace(host="host at 10.1.2.3"))
    listening = row | {"Status": "LISTEN", "DestIP": "0.0.0.0", "DestPort": 0}  # noqa: S104 - in a log
    assert read(ndjson(tmp_path / "y", [row, listening]))[1][0].skipped_total == 1
