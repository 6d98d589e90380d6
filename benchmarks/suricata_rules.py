"""What the Suricata rules cost: user CPU of ``suricata -r`` over one capture, with and without them.

    python benchmarks/suricata_rules.py CAPTURE [--runs N]

The cases take turns, so that a machine whose speed drifts slows all of them. Both the medians and the least of each
are compared: what else runs on a machine only ever adds. Suricata reads the packaged configuration; its logs go to a
temporary directory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CONFIG: Final = Path("/etc/suricata/suricata.yaml")
PACKAGED: Final = Path("/etc/suricata/rules")
OURS: Final = Path(__file__).parents[1] / "suricata_rules"
NEVER: Final = (
    'alert tls any any -> any any (msg:"never"; tls.sni; content:"qzjx.invalid"; sid:1;)\n'
    'alert dns any any -> any any (msg:"never"; dns.query; content:"qzjx.invalid"; sid:2;)\n'
)
"""Two rules that never match: what it costs that there are rules at all, over TCP and over UDP."""


def rules(folder: Path) -> str:
    """Return a folder's rules, their datasets by absolute paths."""
    texts = (path.read_text("utf-8") for path in sorted(folder.glob("*.rules")))
    return "\n".join(texts).replace("load datasets/", f"load {folder}/datasets/")


def user_seconds(capture: Path, text: str) -> float:
    """Return the user CPU seconds of one run. Raises SystemExit when Suricata fails."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "all.rules"
        listed.write_text(text, "utf-8")
        command = ["suricata", "-c", str(CONFIG), "-S", str(listed), "-r", str(capture), "-l", folder]
        command += ["-k", "none", "--runmode", "single"]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
    if status:
        raise SystemExit(f"suricata failed: {' '.join(command)}")
    return usage.ru_utime


def main() -> None:
    """Print the medians and the least, and their ratios to the case each is held against."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    ours, packaged = rules(OURS), rules(PACKAGED)
    cases = {"none": "", "never": NEVER, "ours": ours, "packaged": packaged, "packaged and ours": packaged + ours}
    against = {"never": "none", "ours": "none", "packaged and ours": "packaged"}
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.runs):
        for name, text in cases.items():
            took[name].append(user_seconds(options.capture, text))
            print(name, took[name][-1], file=sys.stderr, flush=True)
    for name, seconds in took.items():
        line = f"{name:18} median {statistics.median(seconds):6.2f} s  least {min(seconds):6.2f} s"
        if name in against:
            base = took[against[name]]
            middle, least = statistics.median(seconds) / statistics.median(base), min(seconds) / min(base)
            line += f"  {middle - 1:+.1%} and {least - 1:+.1%} against {against[name]}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
