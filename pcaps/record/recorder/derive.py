"""Makes everything of a scenario that follows from its capture and truth: exports, expected.yaml, Zeek logs, EVE."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from recorder import addresses, checks, expected, export_defender, export_sysmon, truth, wire
from recorder.export_common import Host
from recorder.workstation import StepRun

ROOT = addresses.HERE.parent.parent
ZEEK = Path("/opt/zeek/bin/zeek")
CLOCKS = {"workstation": 73.412}
"""Seconds the sensor's clock is ahead of the host's, by scenario: one host has one clock, whatever product reads it."""
STATS = (
    "stats.log",
    "packet_filter.log",
    "loaded_scripts.log",
    "reporter.log",
    "analyzer.log",
    "weird.log",
    "telemetry.log",
)


def derive(scenario: Path) -> list[str]:
    """Make all products of one scenario folder; returns the faults found."""
    plan = addresses.load()
    capture = scenario / "capture.pcap"
    known, seen = truth.load(scenario / "truth.ndjson"), wire.read(capture, plan)
    runs = [StepRun(**json.loads(line)) for line in (scenario / "steps.ndjson").read_text().splitlines()]
    offset = CLOCKS[scenario.name]
    exports = scenario / "exports"
    shutil.rmtree(exports, ignore_errors=True)
    host = Host(plan, known, seen, round(offset * 1_000_000))
    export_sysmon.write(host, exports)
    export_defender.write(host, exports)
    document = expected.write(expected.Oracle(plan, known, seen, runs), scenario / "expected.yaml", offset)
    _list(scenario, [*_zeek(scenario), *_suricata(scenario)])
    return checks.faults(plan, capture, known, seen, document)


def _list(scenario: Path, made: list[dict[str, Any]]) -> None:
    """Write down how each folder was made; one that could not be made here keeps what was said of it."""
    manifest = scenario / "MANIFEST.json"
    before = json.loads(manifest.read_text())["derived"] if manifest.exists() else []
    every = {entry["folder"]: entry for entry in (*before, *made)}
    manifest.write_text(json.dumps({"derived": list(every.values())}, indent=2) + "\n")


def _zeek(scenario: Path) -> list[dict[str, Any]]:
    zeek = str(ZEEK) if ZEEK.exists() else shutil.which("zeek")
    if not zeek:
        print(f"{scenario.name}: no zeek here, its logs were not made", file=sys.stderr)
        return []
    package = ROOT / "zeek_scripts"
    scripts = ["zeek_scripts"] if (package / "__load__.zeek").exists() else []
    made = []
    for name, options in (("zeek-tsv", []), ("zeek-json", ["LogAscii::use_json=T"])):
        folder = _fresh(scenario / name)
        command = [zeek, "-D", "-C", "-r", "../capture.pcap", *(str(ROOT / script) for script in scripts), *options]
        _run(command, folder)
        for log in STATS:
            (folder / log).unlink(missing_ok=True)
        shutil.rmtree(folder / ".state", ignore_errors=True)
        shown = ["zeek", *command[1:5], *(f"../../../{script}" for script in scripts), *options]
        made.append({"folder": name, "command": " ".join(shown), "version": _version([zeek, "--version"])})
    return made


def _suricata(scenario: Path) -> list[dict[str, Any]]:
    suricata = shutil.which("suricata")
    if not suricata:
        print(f"{scenario.name}: no suricata here, its EVE log was not made", file=sys.stderr)
        return []
    folder, rules = _fresh(scenario / "eve"), ROOT / "suricata_rules"
    options = ["-k", "none", "--runmode", "single", "--set", "outputs.0.fast.enabled=no"]
    command = [suricata, "-r", "../capture.pcap", "-l", ".", *options]
    shown = ["suricata", *command[1:]]
    if (rules / "whosasking.yaml").exists():
        command += ["--include", str(rules / "whosasking.yaml")]
        shown += ["--include", '"$PWD"/../../../suricata_rules/whosasking.yaml']
    if list(rules.glob("*.rules")):
        command += ["-S", str(rules / "*.rules")]
        shown += ["-S", "'../../../suricata_rules/*.rules'"]
    _run(command, folder)
    logs = [path for path in (folder / "whosasking.json", folder / "eve.json") if path.exists() and path.stat().st_size]
    lines = [line for line in logs[0].read_text().splitlines() if '"event_type":"stats"' not in line]
    for path in folder.iterdir():
        path.unlink()
    (folder / "eve.json").write_text("\n".join(lines) + "\n")
    return [{"folder": "eve", "command": " ".join(shown), "version": _version([suricata, "-V"])}]


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0].rsplit("/", 1)[-1]


def main() -> int:
    """Derive the scenarios named on the command line, or all."""
    names = sys.argv[1:] or sorted(CLOCKS)
    status = 0
    for name in names:
        found = derive(ROOT / "pcaps" / name)
        for fault in found:
            print(f"{name}: {fault}", file=sys.stderr)
        status |= bool(found)
    return status


if __name__ == "__main__":
    sys.exit(main())
