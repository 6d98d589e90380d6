"""What Defender's kinds of rows say of direction and names; a stream that carries other tables than the device's.

Shapes retold from test rows of elastic/integrations (``m365_defender``, data stream ``event``, ``test-device.log``) and
of SEKOIA-IO/intake-formats (``microsoft-365-defender``); values are our own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.exports import csv_text, ndjson, read, reasons
from endpoints.test_defender import inspected, network

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.model import Socket

SNIFFED = {"Source Mac": "02:00:00:00:00:01", "Destination Mac": "02:00:00:00:00:02", "Tcp Flags": 2, "Packet Size": 66}


def streamed(row: dict[str, Any], table: str = "DeviceNetworkEvents") -> dict[str, Any]:
    """One row of the streaming API, as an event hub or a storage account holds it."""
    return {
        "time": "2024-05-01T10:09:00.5Z",
        "tenantId": "t",
        "operationName": "Publish",
        "category": f"AdvancedHunting-{table}",
        "properties": row,
        "Tenant": "DefaultTenant",
    }


def one(tmp_path: Path, row: dict[str, Any]) -> Socket:
    reading, (report,) = read(ndjson(tmp_path / "x", [streamed(row)]))
    (socket,) = [*reading.sockets, *reading.unowned_sockets]
    assert report.skipped == ()
    return socket


@pytest.mark.parametrize("category", ["edr", "Network-events", "AdvancedHunting"])
def test_another_products_category_is_no_table(category: str, tmp_path: Path) -> None:
    """Whoever passes rows on may call them what they like: what a row did tells its table."""
    rows = [network() | {"category": category}, {"category": category, "properties": network()}]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert (len(reading.sockets), report.candidates, report.skipped) == (1, 2, ())


@pytest.mark.parametrize(
    ("action", "extra", "initiated"),
    [
        ("ConnectionAttempt", SNIFFED | {"direction": "In"}, False),
        ("ConnectionAttempt", SNIFFED, True),
        ("InboundConnectionAttempt", SNIFFED, False),
        ("ConnectionAcknowledged", SNIFFED | {"Tcp Flags": 18}, None),
        ("InboundConnectionAcknowledged", SNIFFED | {"Tcp Flags": 18}, None),
        ("NtlmAuthenticationInspected", {"direction": "Out", "server_dns_computer_name": "dc.corp.example"}, True),
    ],
)
def test_a_row_may_say_its_direction_itself(
    action: str, extra: dict[str, Any], tmp_path: Path, *, initiated: bool | None
) -> None:
    for fields in (extra, json.dumps(extra)):
        socket = one(tmp_path, inspected(action) | {"AdditionalFields": fields})
        assert (socket.initiated, socket.remote_ip, socket.remote_name) == (initiated, "192.0.47.59", None)


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({"method": "CONNECT", "host": "rdap.arin.net", "uri": "rdap.arin.net:443"}, "rdap.arin.net"),
        (
            {"host": "whois.arin.net", "uri": "http://whois.arin.net/rest/ip/192.0.2.1"},
            "http://whois.arin.net/rest/ip/192.0.2.1",
        ),
        (
            {"method": "GET", "host": "whois.arin.net", "uri": "/rest/ip/192.0.2.1"},
            "http://whois.arin.net/rest/ip/192.0.2.1",
        ),
    ],
)
def test_what_an_http_request_asked_for_through_a_proxy_too(extra: dict[str, str], name: str, tmp_path: Path) -> None:
    row = inspected("HttpConnectionInspected", {"direction": "Out"} | extra, RemotePort="8080")
    assert one(tmp_path, row).remote_name == name


def test_an_inspected_name_is_only_read_where_something_was_inspected(tmp_path: Path) -> None:
    row: dict[str, Any] = {**network(), "AdditionalFields": {"host": "elsewhere.example", "server_name": "x.example"}}
    assert one(tmp_path, row).remote_name is None


def test_a_scan_from_outside_and_icmp_are_no_connections_of_the_device(tmp_path: Path) -> None:
    """In the first, RemoteIP is the device's public address and LocalIP the scanner's."""
    scan = inspected("InboundInternetScanInspected", {"PublicScannedIp": "203.0.113.5"}, LocalIP="198.51.100.9")
    ping = inspected("IcmpConnectionInspected", {"direction": "In"}, Protocol="Icmp", RemotePort="", LocalPort="")
    for path in (
        ndjson(tmp_path / "x", [streamed(scan), streamed(ping), streamed(network())]),
        _csv(tmp_path, [scan, ping, network()]),
    ):
        reading, (report,) = read(path)
        assert (len(reading.sockets), reading.unowned_sockets) == (1, [])
        assert reading.addresses == {"ws1.corp.example": ["10.1.2.3"]}
        assert reasons(report) == [
            "None: 1 ICMP messages: no connection",
            "None: 1 InboundInternetScanInspected rows: a scan from outside is no connection of the device",
        ]


def _csv(tmp_path: Path, rows: list[dict[str, str]]) -> Path:
    path = tmp_path / "x.csv"
    path.write_text(csv_text(rows), "utf-8", newline="")
    return path


def test_other_tables_of_a_stream_are_counted_and_nothing_is_read_of_them(tmp_path: Path) -> None:
    mail = {"Timestamp": "2024-05-01T10:00:00Z", "NetworkMessageId": "m", "SenderFromAddress": "a@corp.example"}
    evidence = {
        "Timestamp": "2024-05-01T10:00:00Z",
        "AlertId": "a",
        "EntityType": "Process",
        "DeviceName": "ws1.corp.example",
        "FileName": "whois.exe",
        "ProcessCommandLine": "whois example.com",
        "RemoteIP": "192.0.47.59",
    }
    rows = [streamed(mail, "EmailEvents"), streamed(evidence, "AlertEvidence"), streamed(network())]
    reading, (report,) = read(ndjson(tmp_path / "x", rows))
    assert (len(reading.sockets), reading.starts) == (1, [])
    assert reasons(report) == ["None: 2 rows not used: table alertevidence (1), table emailevents (1)"]
    only_mail, (report,) = read(ndjson(tmp_path / "y", rows[:1]))
    assert (only_mail.sockets, report.kind) == ([], "defender json")
