"""`record`: one recording of the workstation scenario, its products, and the check of all of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from recorder import addresses, derive, provenance, remap, truth
from recorder.network import remove
from recorder.session import Session
from recorder.steps import BROWSER_STEPS, STEPS
from recorder.workstation import StepRun

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = {
    "whois": "whois", "nc": "netcat-openbsd", "nmap": "nmap", "curl": "curl", "wget": "wget", "node": "nodejs",
    "java": "default-jdk-headless", "go": "golang", "ruby": "ruby", "perl": "perl", "openssl": "openssl",
    "ssh": "openssh-client", "firefox-esr": "firefox-esr", "chromium": "chromium", "Xvfb": "xvfb",
    "certutil": "libnss3-tools", "keytool": "default-jre-headless", "strace": "strace", "tcpdump": "tcpdump",
    "tcprewrite": "tcpreplay", "tshark": "tshark", "ip": "iproute2", "sysctl": "procps",
}  # fmt: skip


LIMIT_SECONDS = 290
"""A recording takes under a minute; whatever hangs, it is over and cleaned up after this."""


def _stop(number: int, _: object) -> None:
    """Leave through the finally blocks, which take everything down."""
    sys.exit(f"record: stopped by {signal.Signals(number).name}")


def missing() -> list[str]:
    """Debian packages that are needed and not here."""
    lacking = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if subprocess.run(["perl", "-MLWP::Protocol::https", "-e", "1"], capture_output=True, check=False).returncode:
        lacking.add("liblwp-protocol-https-perl")
    return sorted(lacking)


def main() -> int:
    """Record, map, derive, check. Exit status 2 when the machine lacks something, 1 when a check failed."""
    if os.geteuid() != 0:
        print("record: needs root (network namespaces, packet capture)", file=sys.stderr)
        return 2
    if lacking := missing():
        print(f"record: please install: {' '.join(lacking)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(LIMIT_SECONDS)
    session = Session()
    try:
        folder = session.record((*STEPS, *BROWSER_STEPS))
        scenario = addresses.HERE.parent / "workstation"
        runs = ship(session, folder, scenario)
        packages = _packages(folder)
    finally:
        session.close(keep="--keep" in sys.argv)
        remove()
        signal.alarm(0)
    faults = derive.derive(scenario)
    provenance.write(scenario / "README.md", runs, derive.CLOCKS[scenario.name], packages)
    for fault in faults:
        print(f"record: {fault}", file=sys.stderr)
    return int(bool(faults))


def ship(session: Session, folder: Path, scenario: Path) -> list[StepRun]:
    """Put capture, truth and steps into the scenario's folder."""
    scenario.mkdir(parents=True, exist_ok=True)
    remap.rewrite(folder / "raw.pcap", scenario / "capture.pcap", session.plan)
    found = truth.assemble(folder, scenario / "capture.pcap", session.plan)
    for orphan in found.orphans:
        print(f"record: no process is known for {orphan}", file=sys.stderr)
    truth.save(found, scenario / "truth.ndjson")
    shutil.copy(folder / "steps.ndjson", scenario / "steps.ndjson")
    return [StepRun(**json.loads(line)) for line in (folder / "steps.ndjson").read_text().splitlines()]


def _packages(folder: Path) -> list[str]:
    site = next((folder / "homes").glob("*/.local/lib/python3*/site-packages"))
    wanted = {"whoisit", "requests", "urllib3", "httpx", "certifi"}
    names = [path.name.removesuffix(".dist-info").split("-") for path in sorted(site.glob("*.dist-info"))]
    return [f"{name} {version}" for name, version in names if name in wanted]


if __name__ == "__main__":
    sys.exit(main())
