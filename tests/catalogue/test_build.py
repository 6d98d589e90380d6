"""Every generated copy is current, and is what its reader expects."""

from __future__ import annotations

import base64
import shutil
import time

import msgspec
import pytest

from whosasking import catalogue
from whosasking.catalogue import build, compiled, sources
from whosasking.errors import ConfigError

FACTS = sources.read()
SUFFIXES = "suricata_rules/whosasking-suffixes.rules"
CLIENTS = "suricata_rules/whosasking-clients.rules"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "suricata_rules").mkdir()
    for name in (SUFFIXES, CLIENTS):
        shutil.copy(build.ROOT / name, tmp_path / name)
    build.build(tmp_path)
    return tmp_path


def test_every_copy_is_current():
    assert build.build(check=True) == [], "run `whosasking catalogue build`"


def test_a_stale_copy_is_named_and_only_then_written(checkout):
    zeek = checkout / "zeek_scripts/hosts-data.zeek"
    zeek.write_bytes(zeek.read_bytes() + b"# edited\n")
    assert [str(path) for path in build.build(checkout, check=True)] == ["zeek_scripts/hosts-data.zeek"]
    assert zeek.read_bytes().endswith(b"# edited\n")
    build.build(checkout)
    assert build.build(checkout, check=True) == []


def test_the_compiled_copy_holds_every_fact(tmp_path):
    path = tmp_path / "compiled.json"
    path.write_bytes(compiled.encode(FACTS))
    assert compiled.read(path) == FACTS


def test_the_datasets_hold_every_exact_host_once(checkout):
    names = [
        base64.b64decode(line, validate=True).decode()
        for name in ("hosts", "hosts-noisy")
        for line in (checkout / f"suricata_rules/datasets/{name}.lst").read_bytes().split()
    ]
    assert sorted(names) == sorted(fact.name for fact in FACTS.hosts if not fact.suffix)


def test_a_rule_that_changes_gets_its_next_revision(checkout):
    rules = checkout / SUFFIXES
    before = rules.read_text()
    rules.write_text(before.replace("|who\\.is|", "|", 2))
    build.build(checkout)
    revisions = [
        line.partition("rev:")[2].partition(";")[0] for line in rules.read_text().splitlines() if "rev:" in line
    ]
    first = [line.partition("rev:")[2].partition(";")[0] for line in before.splitlines() if "rev:" in line]
    assert [int(new) - int(old) for new, old in zip(revisions, first, strict=True)] == [1, 1, 0, 0]
    assert rules.read_text().count("who\\.is|") == before.count("who\\.is|")


def test_a_rule_without_the_names_is_an_error(checkout):
    (checkout / SUFFIXES).write_text('alert tls any any -> any any (msg:"x"; sid:1; rev:1;)\n')
    with pytest.raises(ConfigError, match="alternation"):
        build.copies(checkout)


def test_zeek_gets_each_name_once(checkout):
    lines = [
        line for line in (checkout / "zeek_scripts/hosts-data.zeek").read_text().splitlines() if line.startswith("\t[")
    ]
    assert len(lines) == len(set(lines)) == len(FACTS.hosts)
    assert '\t["who.is"] = [$kind="web", $noise="low"],' in lines


def test_zeek_s_list_holds_what_its_tables_do(checkout):
    head, *lines = (checkout / "zeek_scripts/hosts.tsv").read_text().splitlines()
    assert head.split("\t") == ["#fields", "name", "match", "kind", "noise"]
    rows = [line.split("\t") for line in lines]
    assert sorted(rows) == sorted(
        [fact.name, "suffix" if fact.suffix else "exact", fact.kinds[0], fact.noise] for fact in FACTS.hosts
    )
    assert all(all(row) for row in rows)


def test_an_installed_package_has_only_its_own_copy(tmp_path):
    assert [path.name for path in build.copies(tmp_path, FACTS)] == ["compiled.json"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"hosts": 1}', b"\xff", msgspec.json.encode({"hosts": []})])
def test_a_broken_compiled_copy_is_one_clear_line(tmp_path, content):
    path = tmp_path / "compiled.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="catalogue build"):
        compiled.read(path)
    with pytest.raises(ConfigError, match="catalogue build"):
        compiled.read(tmp_path / "absent.json")


def test_loading_is_fast():
    def once() -> float:
        catalogue.load.cache_clear()
        start = time.perf_counter()
        catalogue.load()
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.06
