from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from whosasking import doctor

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but what a test puts into this folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "ELSEWHERE", (str(tmp_path / "opt"),))
    monkeypatch.setattr(doctor, "PATIENCE", 0.5)
    return tmp_path


def found(name: str) -> doctor.Check:
    return next(check for check in doctor.examine() if check.name == name)


def test_versions_of_the_sensors(here: Path) -> None:
    program(here, "zeek", "echo zeek version 8.0.10")
    program(here, "suricata", "echo This is Suricata version 7.0.10 RELEASE")
    program(here, "tshark", 'echo "TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged)"; echo Copyright')
    versions = {check.name: check.version for check in doctor.examine()}
    assert (versions["zeek"], versions["suricata"], versions["tshark"]) == ("8.0.10", "7.0.10", "4.0.17")


def test_zeek_tells_whether_our_package_is_loaded(here: Path) -> None:
    site = here / "site"
    (site / "packages").mkdir(parents=True)
    program(here, "zeek", "echo zeek version 8.0.10")
    program(here, "zeek-config", f"echo {site}")
    assert "not installed" in found("zeek").note
    (site / "packages" / "whosasking").mkdir()
    (site / "local.zeek").write_text("# @load packages\n", "utf-8")
    assert "installed, not loaded" in found("zeek").note
    (site / "local.zeek").write_text("@load packages\n", "utf-8")
    assert "installed, loaded" in found("zeek").note


def test_suricata_tells_whether_our_rules_are_loaded(here: Path) -> None:
    rules = here / "whosasking.rules"
    rules.write_text('alert tcp any any -> any 43 (msg:"x"; sid:1596001; rev:1;)\n', "utf-8")  # fmt: skip
    listed = f"%YAML 1.1\n---\ndefault-rule-path: {here}\nrule-files:\n  # ours\n  - whosasking.rules\n\nnext: 1\n"
    assert [path.name for path in doctor._rule_files(listed.encode())] == ["whosasking.rules"]
    assert doctor._OUR_SIDS.search(rules.read_bytes())
    assert list(doctor._rule_files(b"\xff nonsense")) == []


def test_a_sensor_off_the_path_is_found_and_said(here: Path) -> None:
    (here / "opt").mkdir()
    program(here / "opt", "zeek", "echo zeek version 7.0.1")
    check = found("zeek")
    assert (check.state, check.version) == ("ok", "7.0.1")
    assert "not on PATH" in check.note


def test_a_sensor_that_hangs_or_babbles_is_not_waited_for(here: Path) -> None:
    program(here, "zeek", "exec /bin/sleep 60")
    program(here, "suricata", "echo no idea; exit 3")
    assert found("zeek").state == "attention"
    assert found("suricata").state == "attention"


def test_nothing_here_is_no_failure(here: Path) -> None:
    assert here.is_dir()
    states = {check.name: check.state for check in doctor.examine()}
    assert (states["zeek"], states["suricata"], states["tshark"]) == ("missing", "missing", "missing")
    assert states["hyperscan"] == "ok"


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda _name: "")
    assert doctor._extra("evtx", "evtx", "reads").note == "pip install 'whosasking[evtx]'"


def test_the_table_fits_and_escapes() -> None:
    out = io.StringIO()
    checks = [doctor.Check("Sensors", "zeek", "attention", "8.0", "logs", "broken \x1b[2J [red]" * 9)]
    doctor.render(checks, out)
    assert "\x1b" not in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert "[red]" in out.getvalue()
