"""The installed wheel, far from any checkout: it carries the Zeek scripts, the rules and the datasets."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from whosasking.sensors.capture.choose import missing

ROOT = Path(__file__).parent.parent
CAPTURE = ROOT / "pcaps" / "workstation" / "capture.pcap"
SENSORS = [
    pytest.param(name, marks=pytest.mark.skipif(missing(name) is not None, reason=missing(name) or ""))
    for name in ("zeek", "suricata", "tshark")
]
needs_hatchling = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed: the wheel cannot be built"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*build, "-w", folder, ROOT], check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("whosasking-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@needs_hatchling
def test_the_wheel_carries_every_script_rule_and_dataset(installed: Path) -> None:
    for name in ("zeek_scripts", "suricata_rules"):
        ours = {path.relative_to(ROOT / name) for path in (ROOT / name).rglob("*") if path.is_file()}
        there = installed / "whosasking" / "_sensors" / name
        assert {path.relative_to(there) for path in there.rglob("*") if path.is_file()} == ours


@needs_hatchling
@pytest.mark.parametrize("sensor", SENSORS)
def test_the_wheel_reads_a_capture_far_from_the_checkout(sensor: str, installed: Path, tmp_path: Path) -> None:
    shutil.copy(CAPTURE, tmp_path / "case.pcap")
    line = [sys.executable, "-P", "-m", "whosasking", "report", "--sensor", sensor, "--format", "json", "case.pcap"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=120)
    told = json.loads(done.stdout)
    assert done.stderr == b""
    assert len(told["lookups"]) >= 40
    where = [sys.executable, "-P", "-c", "from whosasking.sensors.capture import assets; print(assets.zeek_scripts())"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, check=True, text=True).stdout
    assert found.strip() == str(installed / "whosasking" / "_sensors" / "zeek_scripts")
