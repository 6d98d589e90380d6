"""Writes a scenario's README: every command as typed, every version as the programs themselves say it."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from recorder import addresses

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.workstation import StepRun

VERSIONS = {
    "whois": ["whois", "--version"],
    "nc (OpenBSD)": ["dpkg-query", "-W", "-f", "${Version}", "netcat-openbsd"],
    "nmap": ["nmap", "--version"],
    "bash": ["bash", "--version"],
    "curl": ["curl", "--version"],
    "wget": ["wget", "--version"],
    "Python": ["/usr/bin/python3", "--version"],
    "Node.js": ["node", "--version"],
    "Java": ["java", "--version"],
    "Go": ["go", "version"],
    "Ruby": ["ruby", "--version"],
    "Perl": ["perl", "-e", "print $^V"],
    "LWP": ["perl", "-MLWP", "-e", "print LWP->VERSION"],
    "OpenSSL": ["openssl", "version"],
    "OpenSSH": ["ssh", "-V"],
    "Firefox ESR": ["firefox-esr", "--version"],
    "Chromium": ["chromium", "--version"],
    "strace": ["strace", "--version"],
    "tcpdump": ["tcpdump", "--version"],
    "tcprewrite": ["dpkg-query", "-W", "-f", "${Version}", "tcpreplay"],
    "tshark": ["tshark", "--version"],
    "Linux": ["sh", "-c", "uname -r | cut -d- -f1"],
}

TEMPLATE = addresses.HERE / "scenario.md"


def write(target: Path, runs: list[StepRun], offset: float, packages: list[str]) -> None:
    """Write the README of a scenario."""
    steps = "\n".join(f"| {run.name} | `{run.command.replace('|', chr(92) + '|')}` | {run.status} |" for run in runs)
    versions = "\n".join(f"- {name}: {_version(command)}" for name, command in VERSIONS.items())
    listed = "\n".join(f"- {package} (PyPI)" for package in packages)
    text = TEMPLATE.read_text().format(offset=offset)
    text += f"\n## Commands, as typed\n| step | command | exit status |\n|---|---|---|\n{steps}\n"
    text += "\nWindowed browsers ran under Xvfb and were told to end (SIGTERM) once their pages had loaded.\n"
    target.write_text(f"{text}\n## Versions\n{versions}\n{listed}\n")


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if re.search(r"\d", line) and "Running as" not in line
    ]
    return lines[0].strip() if lines else "not known"
