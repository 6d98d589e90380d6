"""The ruleset as a text: the sid block, the table, the linter, and Suricata's own opinion of it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "suricata_rules"
RULE_FILES = sorted(ROOT.glob("*.rules"))
CONFIG = Path("/etc/suricata/suricata.yaml")
EXPLAINED = {"S000", "S020", "S021", "S120", "S121", "S123", "S600"}
"""suricata-check findings that stay; SIDS.md gives the reason for each."""


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
    real = {
        int(option(rule, "sid")): (
            option(rule, "msg").strip('"').removeprefix("WHOSASKING "),
            option(rule, "classtype"),
        )
        for path in RULE_FILES
        for rule in rules(path)
    }
    assert table_sids() == real


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.name)
def test_rules_carry_what_an_analyst_needs(path: Path) -> None:
    for rule in rules(path):
        assert re.fullmatch(r'"WHOSASKING (WHOIS|RDAP|HOST|CLIENT) .+"', option(rule, "msg"))
        assert int(option(rule, "rev")) >= 1
        assert "attack.mitre.org/techniques/T1596/002/" in option(rule, "reference")
        metadata = option(rule, "metadata")
        for key in ("mitre_technique_id T1596.002", "created_at ", "confidence ", "performance_impact "):
            assert key in metadata


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
    command = ["suricata-check", "-r", str(path), "-o", str(tmp_path), "--issue-severity", "INFO"]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    report = (tmp_path / "suricata-check.jsonl").read_text("utf-8").splitlines()
    assert len(report) == len(rules(path)), "suricata-check did not understand every rule"
    findings = {issue["code"]: issue["message"] for line in report for issue in json.loads(line)["issues"]}
    assert not {code: text for code, text in findings.items() if code not in EXPLAINED}


def test_every_explained_finding_is_in_the_table() -> None:
    text = (ROOT / "SIDS.md").read_text("utf-8")
    assert all(code in text for code in EXPLAINED)
