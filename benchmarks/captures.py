"""Times `whosasking report` on a capture with each sensor next to the sensor's own run.

Usage: python benchmarks/captures.py FILE [REPEATS [SENSOR...]]. CPU seconds (user and system, of all processes), wall
seconds, the largest process; runs alternate, the median counts. Bare runs: Zeek with its own scripts and ours, Suricata
with our rules and include over the packaged configuration, one `tshark -Y` with our filter.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from whosasking.sensors.capture.stream import PREFERENCES
from whosasking.sensors.pcap import DISPLAY_FILTER

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "suricata_rules"


def bare(name: str, capture: str) -> list[str]:
    """Return the sensor's own command."""
    if name == "zeek":
        return [
            "zeek",
            "-D",
            "-C",
            "-r",
            capture,
            str(ROOT / "zeek_scripts"),
            "policy/protocols/conn/community-id-logging",
        ]
    if name == "suricata":
        config = [
            "-c",
            "/etc/suricata/suricata.yaml",
            "--include",
            str(RULES / "whosasking.yaml"),
            "-S",
            f"{RULES}/*.rules",
        ]
        return ["suricata", *config, "-l", ".", "-k", "none", "--runmode", "single", "-r", capture]
    preferences = [part for key, value in PREFERENCES.items() for part in ("-o", f"{key}:{value}")]
    return ["tshark", "-n", "-r", capture, "-Y", DISPLAY_FILTER, "-d", "tcp.port==43,data", *preferences]


def ours(name: str, capture: str) -> list[str]:
    """Return the analyzer's command."""
    return [sys.executable, "-m", "whosasking", "report", "--sensor", name, "--format", "json", capture]


def measured(command: list[str]) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and the KiB of the largest process of one run, with its children."""
    with tempfile.TemporaryDirectory() as folder:
        line = ["/usr/bin/time", "-f", "%U %S %M", "-o", f"{folder}/time", *command]
        start = time.monotonic()
        subprocess.run(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        wall = time.monotonic() - start
        user, system, size = Path(folder, "time").read_text("ascii").split()[-3:]
        return float(user) + float(system), wall, int(size)


def main() -> None:
    """Measure and print."""
    capture = str(Path(sys.argv[1]).resolve())
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004
    print(f"{capture}: {os.stat(capture).st_size / 1e6:,.0f} MB, median of {repeats}")  # noqa: PTH116
    for name in sys.argv[3:] or [name for name in ("zeek", "suricata", "tshark") if shutil.which(name)]:
        runs: dict[str, list[tuple[float, float, int]]] = {"bare": [], "ours": []}
        for _ in range(repeats):
            runs["bare"].append(measured(bare(name, capture)))
            runs["ours"].append(measured(ours(name, capture)))
        told = {
            which: [statistics.median(column) for column in zip(*every, strict=True)] for which, every in runs.items()
        }
        for which, (cpu, wall, size) in told.items():
            print(f"  {name:9} {which}: {cpu:7.2f} s CPU, {wall:7.2f} s, {size / 1024:6.0f} MiB")
        cpu, wall = (told["ours"][column] / told["bare"][column] for column in (0, 1))
        print(f"  {name:9} ours / bare: {cpu:.2f} CPU, {wall:.2f} wall")


if __name__ == "__main__":
    main()
