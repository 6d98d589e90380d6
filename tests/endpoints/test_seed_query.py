"""The floor: every row that the seed's Defender query returns is among our lookups, row for row.

The query is written here a second time, in plain Python over the same CSV rows and with KQL's own semantics, and shares
nothing with the code it is held against: no catalogue, no reader. Rows are told apart by their ReportId.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints.exports import csv_text, read
from whosasking import catalogue
from whosasking.endpoints import detections
from whosasking.model import Attributed, Detection, Lookup

TABLES = Path(__file__).parent / "defender"
PROCESSES, CONNECTIONS = TABLES / "DeviceProcessEvents.csv", TABLES / "DeviceNetworkEvents.csv"

WEB_DOMAINS = (
    "who.is",
    "whois.domaintools.com",
    "arin.net",
    "ripe.net",
    "apnic.net",
    "lacnic.net",
    "afrinic.net",
    "whois.verisign-grs.com",
    "rdap.arin.net",
    "rdap.ripe.net",
    "lookup.icann.org",
    "centralops.net",
    "viewdns.info",
    "whoisology.com",
    "whois.icann.org",
)
TOOLS = ("whois.exe", "whois64.exe")
INTERPRETERS = ("powershell.exe", "pwsh.exe", "cmd.exe", "bash", "sh", "python.exe", "python3", "python3.exe")
TERMS = ("whois", "rdap.arin", "rdap.ripe", "whois.iana.org", "whois.verisign")
BROWSERS = ("msedge.exe", "chrome.exe", "firefox.exe", "iexplore.exe", "opera.exe", "brave.exe", "safari.exe")


class Hit(NamedTuple):
    """A row of the query's result, and the rows of the table it stands for."""

    detection: str
    host: str
    user: str
    process: str
    command_line: str
    target: str
    report: str


def has(text: str, term: str) -> bool:
    """KQL's ``has``: the term stands between characters that are neither letter nor digit, in any case."""
    text, term = text.lower(), term.lower()
    for found in re.finditer(re.escape(term), text):
        before, after = text[: found.start()][-1:], text[found.end() :][:1]
        if not before.isalnum() and not after.isalnum():
            return True
    return False


def is_one_of(text: str, names: tuple[str, ...]) -> bool:
    """KQL's ``in~``: equal in any case."""
    return text.lower() in names


def seed_tool_executions(rows: list[dict[str, str]]) -> list[Hit]:
    return [
        Hit(
            "WHOISToolExecution",
            row["DeviceName"],
            row["AccountName"],
            row["FileName"],
            row["ProcessCommandLine"],
            row["ProcessCommandLine"],
            row["ReportId"],
        )
        for row in rows
        if is_one_of(row["FileName"], TOOLS)
        or (is_one_of(row["FileName"], INTERPRETERS) and any(has(row["ProcessCommandLine"], term) for term in TERMS))
    ]


def connection_hit(row: dict[str, str], detection: str, target: str) -> Hit:
    return Hit(
        detection,
        row["DeviceName"],
        row["InitiatingProcessAccountName"],
        row["InitiatingProcessFileName"],
        row["InitiatingProcessCommandLine"],
        target,
        row["ReportId"],
    )


def seed_port_43(rows: list[dict[str, str]]) -> list[Hit]:
    return [
        connection_hit(row, "WHOISProtocolPort43", f"{row['RemoteIP']}:{row['RemotePort']}")
        for row in rows
        if row["RemotePort"] == "43" and row["RemoteIPType"] == "Public"
    ]


def seed_web(rows: list[dict[str, str]]) -> list[Hit]:
    return [
        connection_hit(row, "WHOISWebAPIAccess", row["RemoteUrl"])
        for row in rows
        if any(has(row["RemoteUrl"], domain) for domain in WEB_DOMAINS)
        and not is_one_of(row["InitiatingProcessFileName"], BROWSERS)
    ]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def ours(lookup: Lookup, who: Attributed, reports: dict[tuple[str, int], dict[str, str]]) -> Hit:
    """The lookup in the seed's columns (DESIGN.md's mapping); the row it was read from gives only its id and URL."""
    assert lookup.source is not None
    row = reports[lookup.source.path, lookup.source.line]
    process = who.process
    target = {
        Detection.TOOL: process.command_line or "",
        Detection.PORT43: f"{lookup.dst_ip}:{lookup.dst_port}",
        Detection.WEB: row.get("RemoteUrl", ""),
    }[lookup.detection]
    if lookup.detection is Detection.WEB and target:
        assert (lookup.server or "") in target.lower()
    return Hit(
        str(lookup.detection),
        process.host,
        process.user or "",
        process.name,
        process.command_line or "",
        target,
        row["ReportId"],
    )


@pytest.fixture(scope="module")
def found() -> list[Hit]:
    reading, reports = read(PROCESSES, CONNECTIONS)
    assert not [skip for report in reports for skip in report.skipped if skip.line is not None]
    by_line = {}
    for path in (PROCESSES, CONNECTIONS):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            assert reader.fieldnames
            line = reader.line_num
            for row in reader:
                by_line[str(path), line + 1] = row
                line = reader.line_num
    return [ours(lookup, who, by_line) for lookup, who in detections.lookups(reading, catalogue.load())]


SEED = {
    Detection.TOOL: seed_tool_executions(table(PROCESSES)),
    Detection.PORT43: seed_port_43(table(CONNECTIONS)),
    Detection.WEB: seed_web(table(CONNECTIONS)),
}

SAME_CONNECTION = {"2010": "2009", "2073": "2072"}
"""Rows that tell of a connection another row told of (attempt and success): one lookup, under the first row's id."""

BEYOND = {
    Detection.TOOL: {
        "1013": "pwsh.exe: pwsh -c irm https://rdap.db.ripe.net/ip/193.0.6.139",  # RIPE's own is not rdap.ripe.net
        "1014": "pwsh.exe: pwsh -c irm https://xrdap.arin.net/ip/1.1.1.1",  # below arin.net
        "1015": "pwsh.exe: pwsh -c irm https://rdap.arinx.net/ip/1.1.1.1",  # an rdap label
        "1023": "python3.11: python3.11 -m whois example.com",
        "1025": "whois: whois example.com",
        "1029": 'zsh: zsh -c "whois example.com"',
        "1030": "curl: curl -s https://rdap.org/domain/example.com",
        "1033": "nmap.exe: nmap --script whois-domain example.com",
    },
    Detection.PORT43: {
        "2003": "whois.exe: 10.9.9.9:43",  # private: the verdict says out of scope
        "2004": "whois.exe: 127.0.0.1:43",
        "2005": "whois.exe: 193.0.6.135:43",  # FourToSixMapping hides a public address
        "2079": "whois.exe: None:43",  # RemoteIP "-"
    },
    Detection.WEB: {
        **{f"20{53 + n}": f"{name}: https://who.is/" for n, name in enumerate(BROWSERS)},  # the verdict drops them
        "2060": "MSEDGE.EXE: https://who.is/",
        "2061": "Chrome.exe: https://who.is/",
        "2062": "FireFox.EXE: https://who.is/",
        "2063": "chrome.exe: who.is",  # headless: the verdict reports it
        "2067": "curl.exe: https://rdap.verisign.com/com/v1/domain/example.com",
        "2075": "curl.exe: ",  # no RemoteUrl, but an HttpConnectionInspected row of the tuple names whois.arin.net
    },
}


def one_a_connection(detection: Detection) -> Counter[Hit]:
    """The query's rows, those of one connection as one: nothing else may be folded."""
    hits = SEED[detection]
    reports = {hit.report: hit for hit in hits}
    for later, first in SAME_CONNECTION.items():
        assert later not in reports or reports[later].process == reports[first].process
    return Counter(hit for hit in hits if hit.report not in SAME_CONNECTION)


def test_the_seed_query_returns_what_a_reader_of_kql_expects() -> None:
    """Anchors for the second implementation itself."""
    assert has("mywhois.py", "whois") is has("whoisx", "whois") is has("who-is", "whois") is False
    assert has("my.whois.py", "whois") is has("WHOIS", "whois") is has('"whois"', "whois") is True
    assert has("https://rdap.db.ripe.net/", "rdap.ripe") is False
    assert has("arin.net.evil.com", "arin.net") is has("my-arin.net", "arin.net") is True
    assert has("notarin.net", "arin.net") is has("arin.network", "arin.net") is False
    assert [len(SEED[detection]) for detection in (Detection.TOOL, Detection.PORT43, Detection.WEB)] == [23, 13, 40]


@pytest.mark.parametrize("detection", list(Detection))
def test_every_row_of_the_seed_query_is_a_lookup(detection: Detection, found: list[Hit]) -> None:
    wanted = one_a_connection(detection)
    got = Counter(hit for hit in found if hit.detection == detection)
    assert wanted - got == Counter()


@pytest.mark.parametrize("detection", list(Detection))
def test_what_goes_beyond_the_floor_is_known(detection: Detection, found: list[Hit]) -> None:
    extra = Counter(hit for hit in found if hit.detection == detection) - one_a_connection(detection)
    assert {hit.report: f"{hit.process}: {hit.target}" for hit in extra} == BEYOND[detection]


PIECES = st.sampled_from(
    [
        *TERMS,
        *WEB_DOMAINS,
        "WHOIS",
        "who-is",
        "x",
        "7",
        "é",
        " ",
        ".",
        "-",
        "_",
        "/",
        ":",
        '"',
        "https://",
        "@",
        "?",
        "\n",
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)
NAMES = st.sampled_from([*TOOLS, *INTERPRETERS, *BROWSERS, "Whois.EXE", "curl", "whois.exe.txt"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, TEXTS, TEXTS, st.sampled_from(["43", "443", "53", "0"])), min_size=1, max_size=12))
def test_the_floor_holds_for_any_text(rows: list[tuple[str, str, str, str]]) -> None:
    processes, connections = [], []
    for number, (name, command_line, url, port) in enumerate(rows):
        started = table(PROCESSES)[0] | {"FileName": name, "ProcessCommandLine": command_line}
        processes.append(started | {"ProcessId": str(100 + number), "ReportId": str(number)})
        opened = table(CONNECTIONS)[0] | {"InitiatingProcessFileName": name, "RemoteUrl": url, "RemotePort": port}
        connections.append(opened | {"LocalPort": str(100 + number), "ReportId": str(number)})
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "p.csv", Path(folder) / "n.csv"
        for path, content in zip(paths, (processes, connections), strict=True):
            path.write_text(csv_text(content), "utf-8", newline="")
        reading, _ = read(*paths)
    found = detections.lookups(reading, catalogue.load())
    tools = Counter(who.process.command_line or "" for x, who in found if x.detection is Detection.TOOL)
    assert Counter(hit.command_line for hit in seed_tool_executions(processes)) - tools == Counter()
    for detection, seed in ((Detection.PORT43, seed_port_43), (Detection.WEB, seed_web)):
        ports = {x.src_port for x, _ in found if x.detection is detection}
        assert {100 + int(hit.report) for hit in seed(connections)} <= ports
