"""The YAML facts are checked: a mistake names file and line, and the facts hold together."""

from __future__ import annotations

import shutil

import pytest

from whosasking.catalogue import sources
from whosasking.catalogue.commands import program_name
from whosasking.errors import ConfigError

FACTS = sources.read()


@pytest.fixture
def folder(tmp_path):
    for name in ("hosts.yaml", "clients.yaml", "browsers.yaml", "benign.yaml"):
        shutil.copy(sources.FOLDER / name, tmp_path)
    (tmp_path / "hosts.yaml").write_text("rdap:\n  A:\n    rdap.a.example: com\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("rdap:\n  A:\n    Rdap.a.example: com\n", 3, "no host name in lower case"),
        ("rdap:\n  A:\n    b.example: {noise: loud}\n", 3, "expected one of low, medium, high"),
        ("rdap:\n  A:\n    b.example: {covrs: com}\n", 3, "did you mean 'covers'?"),
        ("rdap:\n  A:\n    b.example: com\n    b.example: net\n", 4, "given twice"),
        ("rdap:\n  A:\n    b.example: com\n  B:\n    b.example: net\n", 5, "stands twice under rdap"),
        ("ardp:\n  A:\n    b.example: com\n", 1, "did you mean 'rdap'?"),
        ("rdap:\n  A:\n    b.example: {seed: maybe}\n", 3, "true or false"),
        ("rdap:\n  A: [x\n", 3, "not valid YAML"),
        ("rdap:\n  A:\n    bücher.example: de\n", 3, "xn--"),
    ],
)
def test_a_mistake_names_file_and_line(folder, text, line, says):
    (folder / "hosts.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        sources.read(folder)
    assert str(caught.value).startswith(f"{folder / 'hosts.yaml'}:{line}: ")
    assert says in str(caught.value)


def test_a_broken_pattern_is_a_mistake(folder):
    text = (folder / "benign.yaml").read_text().replace("'uptime-kuma'", "'(uptime'")
    (folder / "benign.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"benign\.yaml:\d+: not a regular expression"):
        sources.read(folder)


def test_a_missing_or_empty_file_is_one_clear_line(folder):
    (folder / "hosts.yaml").write_text("# nothing\n")
    with pytest.raises(ConfigError, match="holds nothing"):
        sources.read(folder)
    (folder / "hosts.yaml").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        sources.read(folder)


def test_a_long_list_of_zones_is_read_whole():
    zones = next(fact for fact in FACTS.hosts if fact.name == "rdap.identitydigital.services").covers.split()
    assert len(zones) > 450
    assert not [zone for zone in zones if zone.endswith("-") or zone.startswith("-")]


def test_kinds_of_a_host_listed_twice_are_joined():
    whois_arin = next(fact for fact in FACTS.hosts if fact.name == "whois.arin.net" and not fact.suffix)
    assert whois_arin.kinds == ("whois43", "api")


def test_the_catalogue_is_as_large_as_its_facts():
    assert len(FACTS.hosts) > 2_780
    assert sum(fact.suffix for fact in FACTS.hosts) == 78
    assert sum(fact.seed for fact in FACTS.hosts) == 15


def test_names_of_programs_are_written_as_they_are_compared():
    written = [name for fact in FACTS.programs for name in fact.executables]
    written += [name for names in (FACTS.commands.shells, FACTS.commands.network_clients) for name in names]
    written += [name for fact in FACTS.benign for name in fact.processes]
    assert [name for name in written if program_name(name) != name] == []
    assert [name for fact in FACTS.programs for name in fact.modules if name != name.lower()] == []
