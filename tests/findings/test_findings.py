"""Which lookups make one finding, what it says, and that the order of the input does not matter."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verdicts.judging import CATALOGUE, FALSE_CLAIM, LIKE_BROWSER, LIKE_TOOL, NOBODY, NOW, lookup, made_by, process
from whosasking import config, findings, verdicts
from whosasking.model import (
    SECOND,
    Client,
    ClientClass,
    Detection,
    JudgedLookup,
    Outcome,
    Query,
    QueryKind,
    Severity,
    Verdict,
)

MINUTE = 60 * SECOND
PORT43, WEB, TOOL = Detection.PORT43, Detection.WEB, Detection.TOOL
BASH = process("bash", key="G-bash", pid=100, user="CORP\\alice", command_line="bash -c 'whois example.com'")
INIT = process("systemd", key="G-init", pid=1)


def judged(number, item, attribution=NOBODY):
    numbered = msgspec.structs.replace(item, id=f"L{number}")
    verdict = verdicts.judge(numbered, attribution, CATALOGUE, config.DEFAULTS, NOW)
    return JudgedLookup(lookup=numbered, attribution=attribution, verdict=verdict)


def at(minutes, detection=PORT43, **changes):
    return lookup(detection, ts=NOW + int(minutes * MINUTE), **changes)


def whois(key, parent=BASH, **changes):
    return made_by("whois", key=key, pid=int(key[1:]), user="CORP\\alice", parent=parent, **changes)


def gather(items, site=config.DEFAULTS):
    return findings.gather(items, CATALOGUE, site)


def members(items):
    return sorted(finding.lookups for finding in gather(items))


def asks(name):
    return Query(text=name, object=name)


# Grouping


def test_nothing_reported_nothing_found():
    assert gather([]) == ()
    assert gather([judged(1, lookup(client=LIKE_BROWSER))]) == ()
    allowed = Verdict(outcome=Outcome.ALLOWED, reason="allowed by analyst")
    assert gather([JudgedLookup(lookup=lookup(), attribution=NOBODY, verdict=allowed)]) == ()


def test_a_tool_start_and_its_sessions_are_one_finding():
    items = [
        judged(1, at(0, TOOL), whois("G7")),
        judged(2, at(0.01), whois("G7")),
        judged(3, at(0.02), whois("G7", command_line="whois example.com")),
    ]
    (finding,) = gather(items)
    assert finding.lookups == ("L1", "L2", "L3")
    assert finding.process.command_line == "whois example.com"  # the record that knows most
    assert (finding.host, finding.user) == ("WS-1.corp.example", "CORP\\alice")
    assert (finding.first_seen, finding.last_seen) == (NOW, items[2].lookup.ts)


def test_a_reported_shell_and_its_child_are_one_finding_named_for_the_shell():
    shell = made_by("bash", key="G-bash", pid=100, user="CORP\\alice", parent=INIT)
    items = [judged(1, at(0), whois("G7")), judged(2, at(1, TOOL), shell), judged(3, at(2), whois("G8", None))]
    first, second = sorted(gather(items), key=lambda finding: finding.lookups)
    assert (first.lookups, first.process.name) == (("L1", "L2"), "bash")
    assert second.lookups == ("L3",)


def test_a_parent_known_by_pid_only_is_found_unless_the_pid_was_used_twice():
    by_pid = process("bash", key="", pid=100)
    shell = made_by("bash", key="G-bash", pid=100)
    items = [judged(1, at(0), whois("G7", by_pid)), judged(2, at(1, TOOL), shell)]
    assert members(items) == [("L1", "L2")]
    again = judged(3, at(2, TOOL), made_by("bash", key="G-other", pid=100))
    assert members([*items, again]) == [("L1",), ("L2",), ("L3",)]
    elsewhere = judged(4, at(1, TOOL), made_by("bash", key="G-bash", pid=100, host="WS-2"))
    assert members([items[0], elsewhere]) == [("L1",), ("L4",)]


def test_a_grandparent_counts_too():
    shell = process("sh", key="G-sh", pid=101, parent=BASH)
    items = [judged(1, at(0, TOOL), made_by("bash", key="G-bash", pid=100)), judged(2, at(1), whois("G7", shell))]
    assert members(items) == [("L1", "L2")]


def test_children_of_one_parent_with_one_name_and_user_are_one_finding():
    loop = [judged(number, at(number / 10), whois(f"G{number}")) for number in range(1, 8)]
    curl = judged(8, at(0.5, WEB), made_by("curl", key="G8", parent=BASH, user="CORP\\alice"))
    other_user = judged(9, at(0.5), made_by("whois", key="G9", parent=BASH, user="root"))
    assert members([*loop, curl, other_user]) == [("L1", "L2", "L3", "L4", "L5", "L6", "L7"), ("L8",), ("L9",)]


def test_processes_of_unknown_parents_or_other_hosts_stay_apart():
    items = [
        judged(1, at(0), whois("G1", None)),
        judged(2, at(0), whois("G2", None)),
        judged(3, at(0), made_by("whois", key="G1", host="WS-2")),
        judged(4, at(0), whois("G4", process("", key="", pid=None))),
        judged(5, at(0), whois("G5", process("", key="", pid=None))),
    ]
    assert len(gather(items)) == 5


def test_host_names_differ_in_case_only():
    items = [judged(1, at(0), whois("G1", None)), judged(2, at(0), whois("G1", None, host="ws-1.CORP.example"))]
    assert members(items) == [("L1", "L2")]


def test_without_a_process_the_client_of_one_address_is_one_finding():
    curl = Client(cls=ClientClass.TOOL, ja3="771,1-2,0-10-11-43,29,0")
    by_address = Client(cls=ClientClass.TOOL, ja3="771,1-2,43-21-11-10-41,29,0")  # no name, resumed, padded
    other = Client(cls=ClientClass.TOOL, ja3="771,1-2,0-10-11-50,29,0")
    items = [
        judged(1, at(0, WEB, client=curl)),
        judged(2, at(1, WEB, client=by_address)),
        judged(3, at(1, WEB, client=other)),
        judged(4, at(1, WEB, client=curl, src_ip="10.1.1.2")),
        judged(5, at(1, PORT43)),
        judged(6, at(2, PORT43)),
    ]
    assert members(items) == [("L1", "L2"), ("L3",), ("L4",), ("L5", "L6")]


def test_a_hash_of_ja3_is_taken_as_it_is():
    one = Client(cls=ClientClass.TOOL, ja3="0123")
    items = [judged(1, at(0, WEB, client=one)), judged(2, at(0, WEB, client=msgspec.structs.replace(one, ja3="4567")))]
    assert len(gather(items)) == 2


# Episodes


def test_an_episode_ends_after_the_gap_and_not_at_it():
    items = [judged(1, at(0)), judged(2, at(15)), judged(3, at(30.001))]
    assert members(items) == [("L1", "L2"), ("L3",)]
    assert members(items[:2]) == [("L1", "L2")]
    assert len(gather(items, config.Settings(episode_gap=14 * MINUTE))) == 3


def test_a_long_session_keeps_an_episode_open():
    items = [judged(1, at(0, duration=60 * MINUTE)), judged(2, at(5)), judged(3, at(70))]
    assert members(items) == [("L1", "L2", "L3")]
    assert len(gather([judged(1, at(0, duration=-(10**15))), judged(2, at(15))])) == 1


# What a finding says


def test_findings_are_numbered_by_severity_then_time():
    items = [
        judged(1, at(0), made_by("whois", key="G1")),
        judged(2, at(50, WEB, client=FALSE_CLAIM), made_by("python3", key="G2")),
        judged(3, at(40, WEB, client=FALSE_CLAIM), made_by("python3", key="G3")),
        judged(4, at(1, WEB, server="www.rir.example", noise="high", src_ip="10.9.9.9")),
    ]
    found = gather(items)
    assert [finding.id for finding in found] == ["F1", "F2", "F3", "F4"]
    assert [finding.lookups[0] for finding in found] == ["L3", "L2", "L1", "L4"]
    assert [finding.severity for finding in found] == [Severity.HIGH, Severity.HIGH, Severity.LOW, Severity.INFO]


def test_targets_are_objects_or_else_servers_or_else_addresses_each_once():
    items = [
        judged(1, at(0, query=asks("Example.com"))),
        judged(2, at(1, query=asks("example.com."))),
        judged(3, at(2, server="whois.nic.example", query=Query(text="-h"))),
        judged(4, at(3, server="whois.nic.example")),
        judged(5, at(4)),
    ]
    (finding,) = gather(items)
    assert finding.targets == ("Example.com", "whois.nic.example", "9.9.9.9:43")


def test_a_tool_start_that_cannot_be_read_shows_its_command_line():
    (finding,) = gather([judged(1, at(0, TOOL), made_by("whois", command_line="whois $TARGET"))])
    assert finding.targets == ("whois $TARGET",)


def test_targets_are_bounded():
    items = [judged(number, at(0, query=asks(f"d{number}.example"))) for number in range(137)]
    items.append(judged(999, at(-1, query=asks("x" * 5000))))
    (finding,) = gather(items)
    assert len(finding.targets) == findings.MAX_TARGETS + 1
    assert len(finding.targets[0]) == findings.MAX_TARGET + 1
    assert finding.targets[-1] == "and 88 more"
    assert len(finding.lookups) == 138


@pytest.mark.parametrize(
    ("hosts", "name"),
    [({"ws-9": ("10.1.1.1",)}, "ws-9"), ({"a": ("10.1.1.1",), "b": ("10.1.1.1",)}, "10.1.1.1"), ({}, "10.1.1.1")],
)
def test_the_host_of_a_wire_only_finding(hosts, name):
    (finding,) = gather([judged(1, at(0))], config.Settings(host_addresses=hosts))
    assert (finding.host, finding.user, finding.process) == (name, None, None)
    assert gather([judged(1, at(0, src_ip=None))])[0].host == "unknown host"


def test_a_connection_without_its_process_keeps_its_host():
    (finding,) = gather([judged(1, at(0, WEB), made_by("", key="WS-1/unknown", pid=None))])
    assert (finding.host, finding.process, finding.score) == ("WS-1.corp.example", None, 5)


# Order


PARENTS = [None, BASH, INIT, process("bash", key="", pid=100), process("sh", key="G5", pid=5, parent=BASH)]
ATTRIBUTIONS = st.one_of(
    st.just(NOBODY),
    st.builds(
        lambda number, name, parent, host, user, line: made_by(
            name, key=f"G{number}", pid=number, parent=parent, host=host, user=user, command_line=line
        ),
        st.integers(1, 6),
        st.sampled_from(["whois", "bash", "python3"]),
        st.sampled_from(PARENTS),
        st.sampled_from(["WS-1", "ws-1", "WS-2"]),
        st.sampled_from([None, "root", "CORP\\alice"]),
        st.sampled_from([None, "whois a", "whois b"]),
    ),
    st.just(made_by("bash", key="G-bash", pid=100)),
)
LOOKUPS = st.builds(
    at,
    st.sampled_from([0, 0, 1, 14, 15, 16, 40, 400]),
    st.sampled_from(Detection),
    client=st.sampled_from([Client(), LIKE_TOOL, FALSE_CLAIM]),
    query=st.sampled_from([None, asks("a.example"), asks("A.example"), asks("b.example")]),
    src_ip=st.sampled_from(["10.1.1.1", "10.1.1.2", None]),
    duration=st.sampled_from([None, 0, 20 * MINUTE]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(LOOKUPS, ATTRIBUTIONS), max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(pairs, random):
    items = [judged(number, item, attribution) for number, (item, attribution) in enumerate(pairs, start=1)]
    shuffled = list(items)
    random.shuffle(shuffled)
    found = gather(items)
    assert gather(shuffled) == found
    reported = [item.lookup.id for item in items if item.verdict.outcome is Outcome.REPORTED]
    assert sorted(number for finding in found for number in finding.lookups) == sorted(reported)
    for finding in found:
        assert finding.score == sum(part.points for part in finding.score_parts) >= 0
        assert finding.first_seen <= finding.last_seen


def test_a_small_case_word_for_word():
    """One evening on WS-1: a document starts PowerShell, which asks; somewhere else a cron job of fail2ban does."""
    word = process("WINWORD.EXE", key="G-word", pid=50)
    shell = made_by("powershell.exe", key="G-ps", pid=51, user="CORP\\bob", parent=word, command_line="-c irm rdap...")
    ban = process("fail2ban-server", key="G-f2b", pid=60, host="gw")
    banned = made_by("whois", 0.8, key="G-w", pid=61, host="gw", user="root", parent=ban)
    claim = {"client": FALSE_CLAIM, "server": "rdap.registry.example"}
    items = [
        judged(1, at(0, TOOL), shell),
        judged(2, at(0.1, WEB, **claim, query=Query(text="/entity/X", object="X", kind=QueryKind.HANDLE)), shell),
        judged(3, at(9, query=asks("45.9.148.3"), established=False), banned),
    ]
    assert msgspec.to_builtins([_summary(finding) for finding in gather(items)]) == [
        {
            "title": "F1 critical 120 WS-1.corp.example CORP\\bob powershell.exe",
            "parts": [
                "+20 WHOIS tool started (1)",
                "+5 also RDAP or WHOIS over the web (1)",
                "+40 claims to be a browser and is none",
                "+20 searched for contact handles",
                "+30 started by an Office program (winword)",
                "+5 the process is certain",
            ],
            "lookups": ["L1", "L2"],
            "targets": ["X"],
        },
        {
            "title": "F2 info 5 gw root whois",
            "parts": [
                "+20 WHOIS session (1)",
                "+10 run as the system account root",
                "-10 no session was established",
                "-15 looks like fail2ban",
            ],
            "lookups": ["L3"],
            "targets": ["45.9.148.3"],
        },
    ]


def test_a_chain_of_parents_of_any_length_does_no_harm():
    chain = None
    for number in range(3000):
        chain = process(f"p{number}", key=f"P{number}", parent=chain)
    items = [judged(1, at(0), whois("G1", chain)), judged(2, at(0), whois("G1", chain, command_line="whois a"))]
    assert members(items) == [("L1", "L2")]


def _summary(finding):
    return {
        "title": f"{finding.id} {finding.severity.value} {finding.score} {finding.host} {finding.user} "
        f"{finding.process.name}",
        "parts": [f"{part.points:+} {part.reason}" for part in finding.score_parts],
        "lookups": list(finding.lookups),
        "targets": list(finding.targets),
    }
