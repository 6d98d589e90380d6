"""What the generator does to rules over time: sids stay, revisions rise, nothing is forgotten."""

from __future__ import annotations

import re

import pytest

from whosasking.catalogue import sources, suricata
from whosasking.catalogue.agents import UserAgents
from whosasking.catalogue.records import AgentFact
from whosasking.errors import ConfigError

RULE = (
    'alert http any any -> any any (msg:"x"; http.user_agent; {content}pcre:"/x/"; classtype:y; sid:{sid}; rev:3; '
    "metadata:created_at 2026_11_23, confidence High;)\n"
)


def sids(text: bytes) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for domain, sid in re.findall(r"^alert .*DOMAIN (\S+) over .* sid:(\d+);", text.decode(), re.MULTILINE):
        found.setdefault(domain, []).append(int(sid))
    return found


def test_a_domain_keeps_its_sids_and_a_new_one_gets_the_next():
    first = suricata.domain_rules("", ["b.example", "d.example"])
    assert sids(first) == {"b.example": [1596500, 1596660, 1596820], "d.example": [1596501, 1596661, 1596821]}
    second = suricata.domain_rules(first.decode(), ["a.example", "b.example", "d.example"])
    assert sids(second) == sids(first) | {"a.example": [1596502, 1596662, 1596822]}
    assert suricata.domain_rules(second.decode(), ["a.example", "b.example", "d.example"]) == second


def test_the_sids_of_a_domain_that_left_are_never_used_again():
    gone = suricata.domain_rules(suricata.domain_rules("", ["a.example", "b.example"]).decode(), ["a.example"])
    assert list(sids(gone)) == ["a.example"]
    more = suricata.domain_rules(gone.decode(), ["a.example", "c.example"])
    assert sids(more)["c.example"] == [1596502, 1596662, 1596822]
    back = suricata.domain_rules(more.decode(), ["a.example", "b.example", "c.example"])
    assert sids(back)["b.example"] == [1596501, 1596661, 1596821]


def test_a_domain_rule_written_anew_gets_its_next_revision_once():
    text = suricata.domain_rules("", ["a.example"]).decode().replace("confidence Low", "confidence High")
    again = suricata.domain_rules(text, ["a.example"]).decode()
    assert re.findall(r"rev:(\d+);", again) == ["2", "2", "2"]
    assert len(re.findall(r"updated_at \d{4}_\d\d_\d\d, confidence Low", again)) == 3
    assert suricata.domain_rules(again, ["a.example"]).decode() == again


def test_there_are_only_so_many_sids():
    suricata.domain_rules("", [f"d{n}.example" for n in range(suricata.SLOTS)])
    with pytest.raises(ConfigError, match="no sid left"):
        suricata.domain_rules("", [f"d{n}.example" for n in range(suricata.SLOTS + 1)])


def test_user_agents_go_to_the_rule_of_their_kind_and_content():
    text = RULE.format(content='content:"whois"; nocase; ', sid=1596310) + RULE.format(content="", sid=1596314)
    facts = [
        AgentFact("A", "whois", "whois-a/"),
        AgentFact("B", "http", "b", pattern="^b/ \\(x; y\\)"),
        AgentFact("C", "library", "c", pattern='(?i)^c"'),
    ]
    found = suricata.agent_rules(text, facts).decode()
    assert re.findall(r'pcre:"(.*?)";', found) == [
        r"/(?i:whois-a\/)/",
        r"/(?:^b\/ \(x\x3b y\))|(?i:^c\x22)/",
    ]
    assert re.findall(r"rev:(\d+);", found) == ["4", "4"]
    assert found.count("updated_at") == 2
    assert suricata.agent_rules(found, facts).decode() == found


def test_a_user_agent_that_no_rule_has_is_an_error():
    text = RULE.format(content='content:"whois"; nocase; ', sid=1596310)
    with pytest.raises(ConfigError, match="no rule has the User-Agent of New"):
        suricata.agent_rules(text, [AgentFact("A", "whois", "whois"), AgentFact("New", "rdap", "newclient")])
    with pytest.raises(ConfigError, match="no User-Agent belongs to"):
        suricata.agent_rules(text, [AgentFact("A", "rdap", "rdap")])


def test_a_pattern_says_all_that_the_analyzer_asks_for():
    """Rules have the pattern alone, the analyzer also wants ``contains``: the one must imply the other."""
    facts = sources.read().agents
    assert UserAgents(facts)
    for fact in facts:
        if fact.pattern is not None:
            plain = re.sub(r"\\(.)", r"\1", fact.pattern).lower()
            assert fact.contains.split("/")[0] in plain, fact.name
