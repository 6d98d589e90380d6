"""What tshark is given of a capture: nothing a lookup could be in is lost, in order, and the bulk is not there."""

from __future__ import annotations

import random
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sensors.capture import captures
from suricata import quic
from whosasking.sensors.capture.thin import MOST_WAITING, Thinner
from zeek import make_traces as traces

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.sensors.capture.pcapfile import Packet

SERVER = "198.51.100.80"
MADE = ("port43", "bulk", "hostile", "foreign_on_43", "odd_port", "tls")


def thinned(every: list[Packet]) -> list[Packet]:
    return list(Thinner().packets(every))


def payloads(every: list[Packet], sport: int | None = None) -> list[bytes]:
    """The TCP payloads, of one sender's port where it is given."""
    found = []
    for one in every:
        if one.data[12:14] == b"\x08\x00" and one.data[23] == 6:
            start = 34 + 4 * (one.data[46] >> 4)
            if one.data[start:] and sport in (None, int.from_bytes(one.data[34:36], "big")):
                found.append(one.data[start:])
    return found


def request(path: str, *headers: str) -> bytes:
    return traces.http_request("GET", path, "rdap.arin.net", *traces.CURL_HEADERS, *headers)


def test_the_middle_of_a_download_does_not_pass() -> None:
    made = traces.Capture().tcp(SERVER, 443, traces.client_hello("www.example.com", traces.CHROMIUM), bytes(2_000_000))
    every = captures.of(made)
    assert len(every) > 2_000
    assert len(thinned(every)) < 15


@pytest.mark.parametrize("size", [1, 700, 4_000])
def test_every_request_of_a_kept_connection_passes_whatever_is_between(size: int) -> None:
    turns = [part for i in range(8) for part in (request(f"/ip/192.0.2.{i}"), traces.http_answer("x/y", bytes(size)))]
    every = captures.of(traces.Capture().tcp(SERVER, 80, *turns))
    kept = b"".join(payloads(thinned(every), 40_001))
    assert kept == b"".join(turns[::2])


def test_a_long_header_passes_whole_after_a_long_upload() -> None:
    upload = traces.http_request("POST", "/upload", SERVER, "Content-Length: 90000") + bytes(90_000)
    long = request("/domain/" + "a" * 3_000, "Cookie: " + "c" * 4_000)
    every = captures.of(
        traces.Capture().tcp(SERVER, 80, upload, b"HTTP/1.1 200 OK\r\n\r\n", long, b"HTTP/1.1 200 OK\r\n")
    )
    kept = b"".join(payloads(thinned(every), 40_001))
    assert kept.endswith(long)
    assert len(kept) < 20_000


def test_a_hello_of_three_segments_after_a_proxy_s_connect_passes() -> None:
    connect = traces.http_request("CONNECT", "rdap.arin.net:443", "rdap.arin.net:443")
    hello = traces.client_hello("rdap.arin.net" + ".x" * 1_400, traces.CHROMIUM)
    made = traces.Capture().tcp(SERVER, 3128, connect, b"HTTP/1.1 200 OK\r\n\r\n", hello, bytes(9_000), bytes(9_000))
    kept = b"".join(payloads(thinned(captures.of(made)), 40_001))
    assert connect + hello in kept
    assert len(kept) < len(connect + hello) + 5_000


def test_whois_passes_whole_on_port_43_with_its_acknowledgements() -> None:
    made = traces.Capture().tcp(SERVER, 43, b"example.com\r\n", b"x" * 50_000)
    assert thinned(captures.of(made)) == captures.of(made)


def test_dns_answers_quic_handshakes_and_tunnels_pass_and_other_datagrams_do_not() -> None:
    made = traces.Capture()
    made.dns("rdap.arin.net", SERVER)
    hello = traces.client_hello("rdap.arin.net", (*traces.OPENSSL, 57))[5:]
    made.udp(traces.CLIENT, 50_000, SERVER, 443, quic.initial(hello, b"12345678"))
    made.udp(traces.CLIENT, 50_001, SERVER, 4789, b"\x08" + bytes(60))
    wanted = len(made.packets)
    for number in range(50):
        made.udp(traces.CLIENT, 50_001, SERVER, 4789, b"\x08" + bytes(60))
        made.udp(traces.CLIENT, 50_000, SERVER, 443, bytes([0x40 | number % 32]) + bytes(900))
        made.udp(traces.CLIENT, 50_002, SERVER, 3478, b"\x80" + bytes(160))
    kept = thinned(captures.of(made))
    assert len(kept) == wanted + 50 + 1  # and the first packet of a stream, which counts in streams' numbers


def test_fragments_unknown_layers_and_short_packets_pass() -> None:
    whole = captures.of(traces.Capture().tcp(SERVER, 5000, b"x"))[0]
    fragment = bytearray(whole.data)
    fragment[20:22] = struct.pack("!H", 0x2000)
    gre = bytearray(whole.data)
    gre[23] = 47
    odd = [
        bytes(fragment),
        bytes(gre),
        whole.data[:40],
        whole.data[:12] + b"\x88\x47" + whole.data[14:],
        b"",
        b"\0" * 13,
    ]
    every = [captures.packet(1, data) for data in odd] * 2 + [captures.packet(1, b"\x08\x00" + bytes(40), link=105)]
    assert thinned(every) == every


def test_arp_and_icmp_do_not_pass() -> None:
    data = captures.of(traces.Capture().tcp(SERVER, 5000, b"x"))[0].data
    icmp = data[:23] + b"\x01" + data[24:]
    assert not thinned([captures.packet(1, data[:12] + b"\x08\x06" + bytes(28)), captures.packet(1, icmp)])


def segments(hello: bytes, count: int) -> tuple[list[Packet], list[Packet], list[Packet]]:
    """A session's begin, its hello in ``count`` segments, and its end."""
    size = -(-len(hello) // count)
    parts = tuple(hello[i : i + size] for i in range(0, len(hello), size))
    every = captures.of(traces.Capture().tcp(SERVER, 443, parts, traces.server_hello()))
    data = [one for one in every if payloads([one], 40_001)]
    acks = [one for one in every[3:] if not payloads([one]) and one.data[47] == traces.ACK]
    return every[:2], data, [one for one in every[3:] if one not in data and one not in acks]


@pytest.mark.parametrize("seed", range(6))
def test_segments_in_any_order_come_in_the_right_one(seed: int) -> None:
    hello = traces.client_hello("rdap.arin.net" + ".x" * 900, traces.CHROMIUM)
    begin, data, end = segments(hello, 6)
    shuffled = random.Random(seed).sample(data, len(data))  # noqa: S311 - not for secrets
    kept = thinned([*begin, *shuffled, *end])
    assert b"".join(payloads(kept, 40_001)) == hello
    assert sorted(kept) == sorted([*begin, *data, *end])


def test_what_waits_for_a_segment_that_never_comes_goes_on_when_the_server_has_it() -> None:
    every = captures.of(traces.Capture().tcp(SERVER, 80, *(request("/a"), b"HTTP/1.1 200 OK\r\n\r\n") * 3))
    lost = [one for one in every if payloads([one], 40_001)][1]
    without = [one for one in every if one is not lost]
    kept = thinned(without)
    assert len(payloads(kept, 40_001)) == 2
    place = kept.index([one for one in without if payloads([one], 40_001)][1])
    assert place < len(kept) - 3  # not only at the end of the capture


def test_no_more_than_a_few_segments_wait() -> None:
    begin, data, _ = segments(traces.client_hello("rdap.arin.net" + ".x" * 1_500, traces.CHROMIUM), 40)
    kept = thinned([*begin, *data[1:]])
    assert sorted(kept) == sorted([*begin, *data[1:]])
    flow = Thinner()
    passed = [list(flow.packets([one])) for one in (*begin, *data[1 : MOST_WAITING + 3])]
    assert all(passed[-1:])


def test_the_end_of_the_capture_loses_nothing_that_waits() -> None:
    begin, data, _ = segments(traces.client_hello("rdap.arin.net", traces.CHROMIUM), 4)
    assert sorted(thinned([*begin, *data[2:]])) == sorted([*begin, *data[2:]])


def fields(path: Path, wanted: str, *names: str) -> list[str]:
    command = ["tshark", "-n", "-r", str(path), "-Y", wanted, "-T", "fields"]
    command += [part for name in names for part in ("-e", name)]
    return sorted(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


@captures.sensor("tshark")
def test_tshark_sees_the_same_and_numbers_sessions_the_same(tmp_path: Path) -> None:
    """All made captures at once, with noise between: what the reader asks for is the same as of the whole capture."""
    made: Any = traces.Capture()
    for name in MADE:
        made.packets += [(made.now + ts - traces.START, frame) for ts, frame in getattr(traces, name)().packets]
        made.now = made.packets[-1][0] + traces.GAP
        made.tcp(SERVER, 443, traces.client_hello("cdn.example", traces.FIREFOX), bytes(60_000), client="10.20.0.77")
        made.packets.append((made.now, captures.of(traces.Capture().tcp(SERVER, 9, b"midstream"))[3].data))
    every = captures.of(made)
    whole, thin = tmp_path / "whole.pcap", tmp_path / "thin.pcap"
    kept = thinned(every)
    whole.write_bytes(captures.pcap(every))
    thin.write_bytes(captures.pcap(kept))
    assert len(kept) < len(every)
    wanted = (
        "tls.handshake.type == 1 || http.request || dns.flags.response == 1 || tcp.port == 43 || tcp.flags.fin == 1"
    )
    names = (
        "frame.time_epoch",
        "tcp.stream",
        "tcp.seq",
        "tls.handshake.extensions_server_name",
        "http.request.uri",
        "dns.a",
    )
    assert fields(thin, wanted, *names) == fields(whole, wanted, *names)
