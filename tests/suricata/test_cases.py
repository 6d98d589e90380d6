"""Every sid: where it fires, how often, and where it is silent. A folder in cases/ for a rule or a group of rules."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from suricata import replaying

HERE = Path(__file__).parent
CASES = {path.parent.name: path for path in sorted((HERE / "cases").glob("*/case.yaml"))}


LISTED = re.compile(r"\bsid:(\d+);")
DOMAIN = re.compile(r'^alert (\w+) .*"WHOSASKING DOMAIN (\S+) over .*\bsid:(\d+);', re.MULTILINE)
DOMAINS = DOMAIN.findall((replaying.RULES / "whosasking-domains.rules").read_text("utf-8"))

needs_suricata = pytest.mark.skipif(
    shutil.which("suricata") is None or not replaying.CONFIG.exists(), reason="Suricata is not installed"
)


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CASES[name].read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    found: str = replaying.audible(tmp_path_factory.mktemp("rules"))
    return found


def counted(sessions: list[dict[str, Any]], folder: Path, rules: str) -> dict[int, int]:
    replaying.capture(sessions).write(folder / "trace.pcap")
    events = replaying.replay(folder / "trace.pcap", folder, rules)
    return dict(Counter(e["alert"]["signature_id"] for e in events if e["event_type"] == "alert"))


@needs_suricata
@pytest.mark.parametrize("name", CASES)
def test_a_case_raises_exactly_these_alerts(name: str, tmp_path: Path, rules: str) -> None:
    wanted = case(name)
    found = counted(wanted["sessions"], tmp_path, rules)
    assert found == {sid: count for sid, count in wanted["counts"].items() if count}


@needs_suricata
@pytest.mark.parametrize("protocol", ["tls", "quic", "http"])
def test_every_domain_is_known_by_itself_and_what_is_below_it_only(protocol: str, tmp_path: Path, rules: str) -> None:
    sids = {domain: int(sid) for channel, domain, sid in DOMAINS if channel == protocol}

    def sessions(names: list[str]) -> list[dict[str, Any]]:
        return [{"get": "/", "host": name} if protocol == "http" else {protocol: name} for name in names]

    for name in ("is", "is-not"):
        (tmp_path / name).mkdir()
    found = counted(sessions([*sids, *(f"a.b.{domain}" for domain in sids)]), tmp_path / "is", rules)
    assert {sid: found.get(sid, 0) for sid in sids.values()} == dict.fromkeys(sids.values(), 2)
    near = [f"x{domain}" for domain in sids] + [f"{domain}.example" for domain in sids]
    assert not set(counted(sessions(near), tmp_path / "is-not", rules)) & set(sids.values())


def test_every_sid_has_a_case_that_fires_and_one_in_which_it_is_silent() -> None:
    domains = {int(sid) for _, _, sid in DOMAINS}  # the test above
    rules = [path.read_text("utf-8") for path in replaying.RULES.glob("*.rules")]
    everything = {int(sid) for text in rules for sid in LISTED.findall(text)} - domains
    every = [case(name)["counts"] for name in CASES]
    assert {sid for counts in every for sid, count in counts.items() if count} - domains == everything
    assert {sid for counts in every for sid, count in counts.items() if count == 0} == everything


@pytest.mark.parametrize("name", CASES)
def test_a_case_says_what_it_shows_and_where_its_capture_comes_from(name: str) -> None:
    assert {"shows", "from", "sessions", "counts"} == set(case(name))
    assert case(name)["shows"]
    assert case(name)["from"]
