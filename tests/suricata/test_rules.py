"""The ruleset as a text: the sid block, the table, the linter, and Suricata's own opinion of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "suricata_rules"
GENERATED = "whosasking-domains.rules"
RULE_FILES = sorted(ROOT.glob("*.rules"))
CONFIG = Path("/etc/suricata/suricata.yaml")
EXPLAINED = {"C000", "S000", "S020", "S021", "S120", "S121", "S123", "S406", "S600"}
"""suricata-check findings that stay; SIDS.md gives the reason for each."""

TECHNIQUES = {"T1596.002": "TA0043", "T1048.003": "TA0010"}
"""ATT&CK: WHOIS as a source, and WHOIS as a carrier for data that leaves; with their tactics."""
REVISIONS = Path(__file__).parent / "revisions.tsv"
"""sid, rev and a digest of the rule's text without its rev, for every sid there ever was."""


def rules(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line.startswith(("alert ", "drop ", "pass "))]


def option(rule: str, name: str) -> str:
    found = re.search(rf"[ (;]{name}:(.*?);", rule)
    assert found, f"no {name} in {rule}"
    return found[1]


def sids(path: Path) -> list[int]:
    return [int(option(rule, "sid")) for rule in rules(path)]


def table_ranges() -> dict[str, tuple[int, int]]:
    found = re.findall(r"^\| (\d+)-(\d+) \| `(.*?)` \|$", (ROOT / "SIDS.md").read_text("utf-8"), re.MULTILINE)
    return {name: (int(first), int(last)) for first, last, name in found}


def table_sids() -> dict[int, tuple[str, str]]:
    found = re.findall(r"^\| (\d{7}) \| (.*?) \| ([\w-]+) \|$", (ROOT / "SIDS.md").read_text("utf-8"), re.MULTILINE)
    return {int(sid): (what.removesuffix(" (no alert)"), classtype) for sid, what, classtype in found}


def test_every_line_is_a_rule_a_comment_or_blank() -> None:
    for path in RULE_FILES:
        lines = path.read_text("utf-8").splitlines()
        assert all(not line or line.startswith(("#", "alert ")) for line in lines), path.name


def test_a_sid_is_used_once() -> None:
    used = [sid for path in RULE_FILES for sid in sids(path)]
    assert len(used) == len(set(used))


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.name)
def test_a_file_stays_in_its_sub_range(path: Path) -> None:
    first, last = table_ranges()[path.name]
    assert 1_596_000 <= first <= last <= 1_596_999
    assert all(first <= sid <= last for sid in sids(path))


def test_sub_ranges_do_not_overlap() -> None:
    ranges = sorted(table_ranges().values())
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_the_table_is_the_rules() -> None:
    """The generated rules, one for each domain and channel, stand in it as ranges."""
    real = {
        int(option(rule, "sid")): (
            option(rule, "msg").strip('"').removeprefix("WHOSASKING "),
            option(rule, "classtype"),
        )
        for path in RULE_FILES
        if path.name != GENERATED
        for rule in rules(path)
    }
    assert table_sids() == real


def test_a_domain_has_one_place_in_the_ranges_of_its_channels() -> None:
    ranges = re.findall(r"^\| (\d+)-(\d+) \| DOMAIN over (\w+),", (ROOT / "SIDS.md").read_text("utf-8"), re.MULTILINE)
    first = {channel: int(start) for start, _, channel in ranges}
    last = {channel: int(end) for _, end, channel in ranges}
    places: dict[str, set[int]] = {}
    for rule in rules(ROOT / GENERATED):
        domain, channel = re.findall(r'"WHOSASKING DOMAIN (\S+) over (\w+)"', rule)[0]
        assert "; noalert; " in rule
        sid = int(option(rule, "sid"))
        assert first[channel] <= sid <= last[channel]
        places.setdefault(domain, set()).add(sid - first[channel])
    assert all(len(place) == 1 for place in places.values())
    assert len({min(place) for place in places.values()}) == len(places)


def digests() -> dict[int, tuple[int, str]]:
    found = {}
    for path in RULE_FILES:
        for rule in rules(path):
            text = re.sub(r" rev:\d+;", "", rule)
            sid, rev = int(option(rule, "sid")), int(option(rule, "rev"))
            found[sid] = (rev, hashlib.sha256(text.encode()).hexdigest()[:16])
    return found


def recorded() -> dict[int, tuple[int, str]]:
    rows = (line.split("\t") for line in REVISIONS.read_text("ascii").splitlines())
    return {int(sid): (int(rev), digest) for sid, rev, digest in rows}


def unraised(now: dict[int, tuple[int, str]], then: dict[int, tuple[int, str]]) -> list[int]:
    """Sids whose rule was edited without a higher rev, or whose rev fell."""
    both = now.keys() & then.keys()
    return sorted(
        sid for sid in both if now[sid] != then[sid] and (now[sid][0] <= then[sid][0] or now[sid][1] == then[sid][1])
    )


def test_an_edited_rule_has_a_higher_revision(*, update_golden: bool) -> None:
    """After an edit: raise rev, then `pytest tests/suricata/test_rules.py --update-golden`."""
    now, then = digests(), recorded()
    assert unraised(now, then) == []
    if update_golden:
        lines = (f"{sid}\t{rev}\t{digest}\n" for sid, (rev, digest) in sorted((then | now).items()))
        REVISIONS.write_text("".join(lines), "ascii")
    else:
        assert now == {sid: then.get(sid) for sid in now}, "record the new revisions with --update-golden"


def test_what_counts_as_an_edit_without_a_revision() -> None:
    assert unraised({1: (1, "b")}, {1: (1, "a")}) == [1]
    assert unraised({1: (2, "b")}, {1: (1, "a")}) == []
    assert unraised({1: (1, "a")}, {1: (2, "a")}) == [1]
    assert unraised({2: (1, "a")}, {1: (1, "a")}) == []


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.name)
def test_rules_carry_what_an_analyst_needs(path: Path) -> None:
    for rule in rules(path):
        assert re.fullmatch(r'"WHOSASKING (WHOIS|RDAP|HOST|CLIENT|DOMAIN) .+"', option(rule, "msg"))
        assert int(option(rule, "rev")) >= 1
        metadata = dict(pair.strip().split(" ", 1) for pair in option(rule, "metadata").split(","))
        assert metadata["mitre_technique_id"] in TECHNIQUES
        assert metadata["mitre_tactic_id"] == TECHNIQUES[metadata["mitre_technique_id"]]
        link = metadata["mitre_technique_id"].replace(".", "/")
        assert option(rule, "reference") == f"url,attack.mitre.org/techniques/{link}/"
        assert re.fullmatch(r"\d{4}_\d\d_\d\d", metadata["created_at"])
        assert ("updated_at" in metadata) == (int(option(rule, "rev")) > 1)
        assert metadata["confidence"] in {"Low", "Medium", "High"}
        assert metadata["performance_impact"] in {"Low", "Moderate", "Significant"}
        assert metadata["signature_severity"] in {"Informational", "Minor", "Major", "Critical"}
        assert "noalert;" in rule or "target:" in rule


def test_datasets_hold_lower_case_names_once() -> None:
    seen: set[str] = set()
    for path in sorted((ROOT / "datasets").glob("*.lst")):
        names = [base64.b64decode(line, validate=True).decode("ascii") for line in path.read_text("ascii").splitlines()]
        assert names
        assert all(name == name.lower() and not name.endswith(".") for name in names)
        assert len(set(names)) == len(names)
        assert not seen & set(names)
        seen |= set(names)


def test_every_dataset_a_rule_loads_is_shipped() -> None:
    loaded = {name for path in RULE_FILES for name in re.findall(r"load (datasets/\S+?);", path.read_text("utf-8"))}
    assert loaded == {f"datasets/{path.name}" for path in (ROOT / "datasets").glob("*.lst")}


@pytest.mark.skipif(shutil.which("suricata") is None, reason="Suricata is not installed")
@pytest.mark.skipif(not CONFIG.exists(), reason="no /etc/suricata/suricata.yaml")
@pytest.mark.parametrize("include", [True, False], ids=["with our include", "rules alone"])
def test_suricata_loads_it_without_a_word(tmp_path: Path, *, include: bool) -> None:
    command = ["suricata", "-T", "-c", str(CONFIG), "-S", f"{ROOT}/*.rules", "-l", str(tmp_path), "--init-errors-fatal"]
    if include:
        command += ["--include", str(ROOT / "whosasking.yaml")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert not re.search(r"^(W|E): |Warning|Error", said, re.MULTILINE), said


@pytest.mark.skipif(shutil.which("suricata-check") is None, reason="suricata-check is not installed")
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.name)
def test_the_linter_finds_nothing_unexplained(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_text(re.sub(r",[0-9a-f]*::\d*/\d+", "", path.read_text("utf-8")), "utf-8")  # it knows no IPv6 networks
    command = ["suricata-check", "-r", str(copy), "-o", str(tmp_path), "--issue-severity", "INFO"]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    report = (tmp_path / "suricata-check.jsonl").read_text("utf-8").splitlines()
    assert len(report) == len(rules(path)), "suricata-check did not understand every rule"
    findings = {issue["code"]: issue["message"] for line in report for issue in json.loads(line)["issues"]}
    assert not {code: text for code, text in findings.items() if code not in EXPLAINED}


def test_every_explained_finding_is_in_the_table() -> None:
    text = (ROOT / "SIDS.md").read_text("utf-8")
    assert all(code in text for code in EXPLAINED)
