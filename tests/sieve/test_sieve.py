"""The sieve lets every line with a match through, once, in order, and no other."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosasking import catalogue
from whosasking.sieve import HEADER, NO_OBJECT, NOT_CLOSED, Sieve


def passed(sieve: Sieve, data: bytes) -> list[bytes]:
    return [data[start:stop] for start, stop in sieve.lines(bytearray(data), len(data))]


@given(
    st.lists(
        st.sampled_from([b"who.is", b"WHO.IS", b"whois", b"x", b"", b"#", b"\t", b"rdap rdap", b"C1"]), max_size=25
    ),
    st.booleans(),
)
def test_the_sieve_is_a_slow_search(parts: list[bytes], ended: bool) -> None:
    data = b"\n".join(parts) + (b"\n" if ended else b"")
    sieve = Sieve([b"who.is", b"rdap"], [HEADER], [b"C1"])
    expected = [
        line
        for line in data.split(b"\n")
        if b"who.is" in line.lower() or b"rdap" in line or line[:1] == b"#" or b"C1" in line
    ]
    assert passed(sieve, data) == expected


def test_exact_literals_mind_case_and_bytes_that_mean_something_in_a_regex() -> None:
    assert passed(Sieve(exact=[b"Ca.b"]), b"CA.b\nCaxb\nCa.b\n") == [b"Ca.b"]
    assert passed(Sieve([b"a.b"]), b"axb\nA.B\n") == [b"A.B"]


def test_lines_that_can_be_no_json_objects_pass() -> None:
    data = b'{"a":1}\n{"b":2\n{"c":3}\r\n"d":4}\n\n{"e":5} \n'
    assert passed(Sieve((), [NO_OBJECT, NOT_CLOSED]), data) == [b'{"b":2', b'"d":4}', b'{"e":5} ']


def test_nothing_to_look_for_lets_nothing_through() -> None:
    assert passed(Sieve(), b"whois\n") == []


def test_only_the_bytes_that_count_are_scanned() -> None:
    data = bytearray(b"one whois\ntwo whois\n")
    assert Sieve([b"whois"]).lines(data, 10) == [(0, 9)]


def test_a_bad_pattern_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match="pattern refused"):
        Sieve((), [b"(unclosed"])


def test_one_sieve_serves_many_threads() -> None:
    sieve = Sieve([b"whois"])
    data = bytearray(b"nothing here\nwhois here\n" * 20_000)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(sieve.lines(data, len(data))))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20_000] * 8


@given(
    st.sampled_from(["whois.iana.org", "rdap.arin.net", "who.is", "viewdns.info", "lookup.icann.org"]),
    st.binary(max_size=30),
)
def test_the_catalogues_literals_find_its_hosts(host: str, before: bytes) -> None:
    line = before.replace(b"\n", b" ") + b"\t" + host.upper().encode() + b"\tx"
    assert passed(Sieve(catalogue.load().sieve_literals()), b"first\n" + line + b"\nlast")[-1:] == [line]
