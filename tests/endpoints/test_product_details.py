"""What is particular to a product: its spellings, its traps, and what its events do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def test_sentinelone_incoming_and_udp(tmp_path: Path) -> None:
    story = STORIES["sentinelone cloud funnel"]()
    more = {"event.network.direction": "INCOMING", "meta.event.name": "UDPV4", "event.type": "IP Connect"}
    (socket,) = one(story, tmp_path, **more).sockets
    assert (socket.local_port, socket.remote_port, socket.protocol, socket.initiated) == (43, 50123, "udp", False)


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
