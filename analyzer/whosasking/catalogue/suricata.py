"""What the catalogue puts into Suricata's rules: domains, and the User-Agents of clients.

The rules stay readable and are written by hand, but for ``whosasking-domains.rules``: one rule a domain and channel, so
that Suricata's multi-pattern matcher finds domains among all names at once. Such a rule raises no alert, it marks the
flow; the rules of ``whosasking-suffixes.rules`` look only at marked flows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from whosasking.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.catalogue.records import AgentFact

SLOTS: Final = 160
"""Sids set apart for the domains of one channel. A domain keeps its slot, and a slot is never used again."""
_CHANNELS: Final = (
    ("TLS", 1596500, "tls", "flow:established,to_server; tls.sni; to_lowercase; dotprefix;"),
    ("QUIC", 1596500 + SLOTS, "quic", "flow:to_server; quic.sni; to_lowercase; dotprefix;"),
    ("HTTP", 1596500 + 2 * SLOTS, "http", "flow:established,to_server; http.host; dotprefix;"),
)
_HEAD: Final = (
    "# Domains of lookup services, marked for whosasking-suffixes.rules; sids 1596500-1596979, the table is SIDS.md.",
    "# Generated from the catalogue's suffix entries by `whosasking catalogue build`. None raises an alert.",
)
_RULE: Final = (
    'alert {protocol} any any -> any any (msg:"WHOSASKING DOMAIN {domain} over {channel}"; {buffer} '
    'content:".{domain}"; endswith; flowbits:set,whosasking.domain; noalert; target:src_ip; '
    "reference:url,attack.mitre.org/techniques/T1596/002/; classtype:misc-activity; sid:{sid}; rev:{rev}; "
    "metadata:attack_target Client_Endpoint, deployment Perimeter, signature_severity Informational, "
    "mitre_tactic_id TA0043, mitre_technique_id T1596.002, created_at {created}, "
    "confidence Low, performance_impact Low;)"
)
_CREATED: Final = "2026_11_23"
_KNOWN: Final = re.compile(r'"WHOSASKING DOMAIN (\S+) over TLS".*; sid:(\d+);')
_RETIRED: Final = '# retired: (msg:"WHOSASKING DOMAIN {domain} over TLS"; sid:{sid};)'

AGENT_RULES: Final[dict[int, tuple[str, ...]]] = {
    1596310: ("whois", "rdap"),
    1596311: ("whois", "rdap"),
    1596312: ("whois", "rdap"),
    1596313: ("recon",),
    1596314: ("http", "library"),
}
"""Rules whose pattern holds the User-Agents of these kinds; where a rule has a fixed content, those that hold it."""
_SID: Final = re.compile(r"; sid:(\d+); rev:(\d+);")
_UPDATED: Final = re.compile(r" updated_at \d{4}_\d\d_\d\d,")
_CREATED_AT: Final = re.compile(r"(created_at \d{4}_\d\d_\d\d,)")
_PATTERN: Final = re.compile(r'(?<= pcre:"/)[^"]*(?=/";)')
_CONTENT: Final = re.compile(r'http\.user_agent; content:"([^"]+)"; nocase;')


def domain_rules(text: str, names: Iterable[str]) -> bytes:
    """Return the rules file for ``names``; ``text`` is the file as it is, which says who has which slot.

    Raises ConfigError when the slots are used up.
    """
    lines, wanted = text.splitlines(), sorted(names)
    slots = {found[1]: int(found[2]) - _CHANNELS[0][1] for found in map(_KNOWN.search, lines) if found}
    fresh = 1 + max(slots.values(), default=-1)
    slots |= {name: slot for slot, name in enumerate((name for name in wanted if name not in slots), fresh)}
    if max(slots.values(), default=0) >= SLOTS:
        raise ConfigError(f"more than {SLOTS} domains, with those that were: whosasking-domains.rules has no sid left")
    before = {int(found[1]): line for line in lines if (found := _SID.search(line))}
    made = [*_HEAD]
    for channel, first, protocol, buffer in _CHANNELS:
        made.append("")
        for domain, slot in sorted(slots.items(), key=lambda item: item[1]):
            values = {"protocol": protocol, "channel": channel, "buffer": buffer, "domain": domain, "sid": first + slot}
            if domain in wanted:
                made.append(_revised(_RULE.format(**values, created=_CREATED, rev="{rev}"), before.get(first + slot)))
            elif channel == "TLS":
                made.append(_RETIRED.format(**values))
    return "\n".join([*made, ""]).encode("ascii")


def _revised(rule: str, before: str | None) -> str:
    """Give a rule its revision: the one it had, or the next where anything else in it is new."""
    if before is None:
        return rule.format(rev=1)
    found = _SID.search(before)
    same = rule.format(rev=found[2] if found else 1)
    return before if same == _UPDATED.sub("", before) else revise(same)


def revise(rule: str) -> str:
    """Raise a rule's revision by one and date it today (UTC)."""
    rule = _SID.sub(lambda found: f"; sid:{found[1]}; rev:{int(found[2]) + 1};", rule, count=1)
    today = datetime.now(UTC).strftime("%Y_%m_%d")
    return _CREATED_AT.sub(rf"\1 updated_at {today},", _UPDATED.sub("", rule), count=1)


def agent_rules(text: str, facts: Sequence[AgentFact]) -> bytes:
    """Put the catalogue's User-Agents into the rules of ``AGENT_RULES``; a rule that changes gets its next revision.

    Raises ConfigError when a User-Agent of a lookup client stands in no rule, or a rule has no User-Agent left.
    """
    told: set[AgentFact] = set()
    lines = []
    for line in text.splitlines(keepends=True):
        sid = _SID.search(line)
        kinds = AGENT_RULES.get(int(sid[1])) if sid else None
        lines.append(_agents(line, facts, kinds, told) if kinds else line)
    left = sorted({fact.name for fact in facts} - {fact.name for fact in told})
    if left:
        raise ConfigError(f"whosasking-clients.rules: no rule has the User-Agent of {', '.join(left)}")
    return "".join(lines).encode()


def _agents(line: str, facts: Sequence[AgentFact], kinds: tuple[str, ...], told: set[AgentFact]) -> str:
    content = _CONTENT.search(line)
    chosen = [fact for fact in facts if fact.kind in kinds and (content is None or content[1] in fact.contains)]
    if not chosen:
        raise ConfigError(f"whosasking-clients.rules: a rule no User-Agent belongs to: {line[:80]!r}")
    told.update(chosen)
    pattern = "|".join(_expression(fact) for fact in chosen)
    changed = _PATTERN.sub(lambda _: pattern, line, count=1)
    if changed == line:
        return line
    return revise(changed)


def _expression(fact: AgentFact) -> str:
    """Write a fact as one branch of a PCRE, in the escapes of Suricata's rule language."""
    if fact.pattern is None:
        branch = f"(?i:{re.escape(fact.contains)})"
    elif fact.pattern.startswith("(?i)"):
        branch = f"(?i:{fact.pattern.removeprefix('(?i)')})"
    else:
        branch = f"(?:{fact.pattern})"
    branch = branch.replace("\\-", "-").replace("\\ ", " ")
    return re.sub(r"(?<!\\)/", r"\\/", branch).replace(";", r"\x3b").replace('"', r"\x22")
