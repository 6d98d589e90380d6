"""Half of all lines look like lookups and are none: dismissed at a glance, and nothing else is dismissed with them."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sensors.making import (
    CLIENT,
    COLUMNS,
    T,
    conn,
    dns,
    ends,
    header,
    http,
    read,
    read_both,
    ssl,
    tsv_row,
    write,
    write_json,
)
from whosasking.protocols import rdap, web
from whosasking.sensors import glance
from whosasking.sensors.tsv import Header

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from whosasking.sensors.tsv import Row

LOOKALIKES = ["www.whoiselijah.com.au", "ghost.io", "cardapio.example", "www.gtbank.com", "whoisthis3.cdn.example"]
NAMES = [*LOOKALIKES * 4, "rdap.arin.net", "whois.benign.example", "WHO.IS", "who.is.", "who.is:443", "a\\x2dwhois.net"]
HIDING = [None, "-.", "cloudflare-ech.com", "199.5.26.22", "2001:db8::2"]
HOSTS = ["199.5.26.22", "104.26.6.33", "2001:67c:2e8:22::c100:687", "198.51.100.7"]
PATHS = [
    *["/", "/news/whois-the-boss", "/cardapio/rdap", "/a?q=whois", "/whois/about", "/wiki/Rdap", "/%77hois/example.com"]
    * 2,
    *["/rdap/domain/example.com", "/whois/example.com", "/x/rdap/ip/8.8.8.8", "http://who.is/whois/example.com"],
    *[
        "who.is:443",
        "//whois",
        "/\\x77hois/example.com",
        "/whois#example.com",
        "/whois?domain=example.com",
        "/rdap/dns.json",
    ],
]
AGENTS = [None, "curl/8", "whois-the-band/1.0", "OpenRDAP v0.9.1", "Mozilla/5.0 (X11; Linux x86_64) whoisit/3"]


def half_matching(seed: int) -> dict[str, list[dict[str, object]]]:
    dice = random.Random(seed)  # noqa: S311 - a seeded generator is the point
    logs: dict[str, list[dict[str, object]]] = {"dns": [], "ssl": [], "http": [], "conn": []}
    for number in range(0, 1200, 4):
        second, server = round(dice.random() * 2000, 6), dice.choice(HOSTS)
        client = dice.choice([CLIENT, "10.1.2.4", "2001:db8::17"])
        name = dice.choice(NAMES)
        logs["dns"].append(dns(number, name, dice.sample(HOSTS, 2), second=second, client=client))
        shown = dice.choice([name, name, *HIDING])
        logs["ssl"].append(ssl(number + 1, server, shown, second=second + 0.5, client=client))
        logs["conn"].append(conn(number + 1, server, 443, second=second + 0.4, client=client))
        request = (dice.choice([*NAMES, None]), dice.choice(PATHS), dice.choice(AGENTS))
        logs["http"].append(http(number + 2, server, *request, second=second + 0.6))
        if number % 3 == 0:  # the same session told twice: once with a name, once without
            logs["ssl"].append(ssl(number + 1, server, dice.choice(HIDING), second=second + 0.7, client=client))
    return logs


@pytest.mark.parametrize("form", [write, write_json])
@pytest.mark.parametrize("seed", range(3))
def test_a_glance_dismisses_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Callable[..., Path], seed: int
) -> None:
    folder = form(tmp_path, **half_matching(seed))
    inputs, sieved = read_both(folder)
    monkeypatch.setattr(glance, "columns", lambda *_: None)
    monkeypatch.setattr(glance, "record", lambda *_: False)
    typed_inputs, typed = read_both(folder)
    assert len(sieved.lookups) > 150
    assert sieved == typed
    accounts = [[tally.report() for tally in one.tallies.values()] for one in (inputs, typed_inputs)]
    assert accounts[0] == accounts[1]


@pytest.mark.parametrize("form", [write, write_json])
def test_the_exact_path_agrees(tmp_path: Path, form: Callable[..., Path]) -> None:
    if form is write:
        pytest.importorskip("zat")
    folder = form(tmp_path, **half_matching(9))
    assert read(folder) == read(folder, exact=True)


def eve_events(seed: int) -> list[dict[str, object]]:
    dice = random.Random(seed)  # noqa: S311 - a seeded generator is the point
    found: list[dict[str, object]] = []
    for number in range(600):
        name, server = dice.choice([*NAMES, *HIDING]), dice.choice(HOSTS)
        base: dict[str, object] = {
            "timestamp": f"2026-10-01T00:{number // 60:02}:{number % 60:02}.000000+0000",
            "flow_id": number + dice.choice([0, 1]),
            "src_ip": CLIENT,
            "src_port": 40_000 + number,
            "dest_ip": server,
            "dest_port": dice.choice([443, 53, 80]),
            "proto": "TCP",
        }
        kind = dice.choice(["tls", "quic", "http", "dns", "fileinfo", "alert"])
        told: dict[str, object] = {
            "tls": {"sni": name},
            "quic": {"sni": name},
            "http": {
                "hostname": name,
                "url": dice.choice(PATHS),
                "http_user_agent": dice.choice(AGENTS),
                "http_content_type": dice.choice(["text/html", "text/html", "application/rdap+json"]),
            },
            "dns": {
                "type": dice.choice(["answer", "query"]),
                "rrname": name,
                "answers": [{"rrname": name, "rrtype": "A", "ttl": 60, "rdata": one} for one in HOSTS[:2]],
            },
            "fileinfo": {"filename": "/whois"},
            "alert": {"signature_id": dice.choice([1_596_010, 1_596_301, 7])},
        }
        more = {"tls": {"sni": name}} if kind == "alert" else {}
        found.append(base | {"event_type": kind, kind: told[kind]} | more)
    return found


def test_events_of_eve_alike(tmp_path: Path) -> None:
    lines = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in eve_events(5))
    (tmp_path / "eve.json").write_text(lines, "utf-8")
    sieved, exact = read(tmp_path), read(tmp_path, exact=True)
    assert len(sieved.lookups) > 100
    assert sieved == exact


def test_rows_of_lookalikes_are_not_typed_but_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [dns(number, LOOKALIKES[number % 5], HOSTS[:2]) for number in range(500)]
    rows[250] = dns(250, "rdap.arin.net", HOSTS[:2])
    folder = write(tmp_path, dns=rows)
    typed: list[str] = []
    monkeypatch.setattr(Header, "typed", _noting(Header.typed, typed))
    inputs, _ = read_both(folder)
    tally = inputs.tally(str(folder / "dns.log"))
    assert (tally.records, tally.candidates) == (500, 500)
    assert set(typed) == {"C00000", "C00250", "C00499"}  # the first and the last tell the log's span


def _noting(whole: Callable[[Header, list[bytes]], Row], typed: list[str]) -> Callable[[Header, list[bytes]], Row]:
    def noted(header: Header, values: list[bytes]) -> Row:
        row = whole(header, values)
        typed.append(str(row["uid"]))
        return row

    return noted


def test_bad_rows_among_lookalikes_are_told(tmp_path: Path) -> None:
    rows = [tsv_row("dns", dns(number, LOOKALIKES[0], HOSTS[:1])) for number in range(6)]
    rows[2] = rows[2].rpartition("\t")[0]
    (tmp_path / "dns.log").write_text(header("dns") + "\n".join(rows) + "\nwhois", "utf-8")
    records = [
        json.dumps(ends(number, HOSTS[0], 443) | {"ts": T, "server_name": "whoisx.example"}) for number in range(4)
    ]
    records = [one.replace('"uid"', '"established": true, "resumed": false, "uid"') for one in records]
    records[1] = records[1].replace('"uid"', '"session"')
    (tmp_path / "ssl.log").write_text("\n".join(records) + '\n{"whois"\n', "utf-8")
    inputs, _ = read_both(tmp_path)
    told = {
        tally.path[-7:]: [(one.line, one.reason) for one in tally.report().skipped] for tally in inputs.tallies.values()
    }
    assert told["dns.log"] == [
        (11, "10 columns where the header names 11"),
        (15, "cut short: 1 columns where the header names 11"),
    ]
    assert told["ssl.log"][0] == (2, "a ssl record without uid: what it says cannot be used")
    assert told["ssl.log"][1][1].startswith("not a JSON object")
    assert len(told["ssl.log"]) == 2


def test_a_header_in_the_middle_moves_the_columns_that_are_looked_at(tmp_path: Path) -> None:
    moved = [*COLUMNS["dns"][-3:], *COLUMNS["dns"][:-3]]
    first = tsv_row("dns", dns(1, "rdap.arin.net", HOSTS[:1], second=1))
    second = tsv_row("dns", dns(2, "rdap.arin.net", HOSTS[1:2], second=1), moved)
    hidden = [ssl(number, server, None, second=2) for number, server in enumerate(HOSTS[:2])]
    text = header("dns") + first + "\n" + header("dns", moved) + second + "\n"
    (tmp_path / "dns.log").write_text(text, "utf-8")
    assert len(read(write(tmp_path, ssl=hidden)).lookups) == 2


def test_of_two_columns_of_one_name_the_one_that_is_set_counts(tmp_path: Path) -> None:
    columns = [*COLUMNS["http"], "host:string"]
    row = tsv_row("http", http(1, HOSTS[0], "rdap.arin.net", "/")) + "\t-\n"
    (tmp_path / "http.log").write_text(header("http", columns) + row, "utf-8")
    assert [lookup.server for lookup in read(tmp_path).lookups] == ["rdap.arin.net"]


SEGMENTS = ["whois", "WhoisLookup.php", "xwhois", "whois-the-boss", "rdap", "rdap.v1", "wrdap", "%72dap", "domain"]
OBJECTS = ["example.com", "8.8.8.8", "AS64500", "dns.json", "", "about"]


@example(["example.com", "whois"], "#top")
@example(["%77hois", "example.com", "whois-the-boss"], "")
@example(["%72dap", "domain", "rdap.example"], "")
@given(
    st.lists(st.sampled_from([*SEGMENTS, *OBJECTS]), max_size=5),
    st.sampled_from(["", "?q=whois", "#/rdap/ip/::1", "?domain=a.example"]),
)
def test_the_quick_look_at_a_path_hides_no_lookup(segments: list[str], end: str) -> None:
    path = "/" + "/".join(segments) + end
    quick = (web.parse_path(path), rdap.is_unmistakable(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "may_have_segment", lambda *_: True)
        assert (web.parse_path(path), rdap.is_unmistakable(path)) == quick
