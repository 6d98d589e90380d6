"""One session out of its packets, whatever way they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosasking.sensors.tcpstream import ACK, FIN, KEPT, RST, SYN, Stream

CLIENT, SERVER = ("10.20.0.5", 40_001), ("199.7.48.74", 43)


def opened() -> Stream:
    stream = Stream.opened("0", (*CLIENT, *SERVER), SYN, 10)
    stream.packet(CLIENT, 0, 0, SYN, 10, b"")
    stream.packet(SERVER, 0, 0, SYN | ACK, 20, b"")
    return stream


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_request_is_whole_in_any_cut_any_near_order_and_with_repetitions(text: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    pieces = [(at, text[at:end]) for at, end in pairwise(cuts)]
    pieces += data.draw(st.lists(st.sampled_from(pieces), max_size=3))
    stream = opened()
    for at, piece in data.draw(st.permutations(pieces)):
        stream.packet(CLIENT, 1 + at, len(piece), ACK, 30, piece)
    assert stream.sent == text
    assert stream.connection("u").src_bytes == len(text)


def test_a_request_is_kept_up_to_a_bound() -> None:
    stream = opened()
    for at in range(0, 4 * KEPT, 1_000):
        stream.packet(CLIENT, 1 + at, 1_000, ACK, 30, b"x" * 1_000)
    assert len(stream.sent) == KEPT


@pytest.mark.parametrize(
    ("begin", "service"),
    [(b"SSH-2.0-x\r\n", "ssh"), (b"\x16\x03\x01\x00", "ssl"), (b"GET / HTTP/1.1\r\n", "http"), (b"EHLO x\r\n", "smtp"),
     (b"example.com\r\n", None)],
)  # fmt: skip
def test_other_protocols_on_port_43_are_named(begin: bytes, service: str | None) -> None:
    stream = opened()
    stream.packet(CLIENT, 1, len(begin), ACK, 30, begin)
    assert stream.service == service


@pytest.mark.parametrize(
    ("ends", "flags", "client"),
    [
        ((*CLIENT, *SERVER), SYN, CLIENT),
        ((*SERVER, *CLIENT), SYN | ACK, CLIENT),
        ((*SERVER, *CLIENT), ACK, CLIENT),
        ((*CLIENT, *SERVER), ACK, CLIENT),
        (("1.1.1.1", 443, "2.2.2.2", 5000), ACK, ("2.2.2.2", 5000)),
        (("1.1.1.1", 5000, "2.2.2.2", 43), SYN | ACK, ("2.2.2.2", 43)),
    ],
)
def test_who_is_the_client(ends: tuple[str, int, str, int], flags: int, client: tuple[str, int]) -> None:
    stream = Stream.opened("0", ends, flags, 10)
    assert (stream.src_ip, stream.src_port) == client


def test_bytes_duration_and_end() -> None:
    stream = opened()
    stream.packet(CLIENT, 1, 13, ACK, 30, b"example.com\r\n")
    stream.packet(SERVER, 1, 1_000, ACK, 40, b"")
    stream.packet(SERVER, 1_001, 0, FIN | ACK, 50, b"")
    assert not stream.is_over
    stream.packet(CLIENT, 14, 0, FIN | ACK, 60, b"")
    assert stream.is_over
    made = stream.connection("u")
    assert (made.ts, made.duration, made.src_bytes, made.dst_bytes, made.established) == (10, 50, 13, 1_000, True)


def test_a_refused_and_an_unanswered_session_are_not_established() -> None:
    refused = Stream.opened("0", (*CLIENT, *SERVER), SYN, 10)
    refused.packet(CLIENT, 0, 0, SYN, 10, b"")
    assert refused.connection("u").established is False
    refused.packet(SERVER, 1, 0, RST | ACK, 20, b"")
    assert refused.is_over
    assert refused.connection("u").established is False
