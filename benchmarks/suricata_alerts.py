"""What the Suricata rules raise over many captures, each replayed by itself: every alert of ours, and for how many.

    python benchmarks/suricata_alerts.py FOLDER...

One Suricata in unix-socket mode takes the captures one after another (starting it once for each would be most of the
time); it keeps no flow from one capture to the next. Every file below the folders is tried, those that are no capture
are counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from suricata_rules import CONFIG, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE: Final = 120.0
"""Seconds Suricata has to start, and for one capture."""
_MAGIC: Final = frozenset(bytes.fromhex(text) for text in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a"))


class Control:
    """Suricata's command socket (protocol 0.2: JSON, one object a line)."""

    def __init__(self, path: Path) -> None:
        """Connect to the socket at ``path``, waiting until it is there. Raises SystemExit when it does not come."""
        self._socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError):
                self._socket.connect(str(path))
                break
            if time.monotonic() > end:
                raise SystemExit("Suricata did not open its command socket")
            time.sleep(0.1)
        self._lines = self._socket.makefile("rb")
        self._send({"version": "0.2"})

    def _send(self, message: dict[str, Any]) -> object:
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        return json.loads(self._lines.readline()).get("message")

    def ask(self, command: str, **arguments: str) -> object:
        """Return the answer to ``command``."""
        return self._send({"command": command, "arguments": arguments} if arguments else {"command": command})

    def replay(self, capture: Path, folder: Path) -> bool:
        """Replay one capture, its logs into ``folder``; False when it took too long."""
        self.ask("pcap-file", filename=str(capture), **{"output-dir": str(folder)})
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self.ask("pcap-current") == "None" and self.ask("pcap-file-number") == 0:
                return True
            time.sleep(0.02)
        return False


def captures(folders: list[Path]) -> Iterator[Path]:
    """Yield every capture below the folders."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    if file.read(4) in _MAGIC:
                        yield path.resolve()


def alerts(log: Path) -> list[dict[str, Any]]:
    """Return the alerts of an EVE log; it may not be there when a capture held nothing."""
    if not log.exists():
        return []
    events = [json.loads(line) for line in log.read_text("utf-8", "replace").splitlines()]
    return [event for event in events if event["event_type"] == "alert"]


def main() -> None:
    """Print each alert, then how many captures and alerts there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        command = ["suricata", "-c", str(CONFIG), "--include", str(OURS / "whosasking.yaml"), "-l", name, "-k", "none"]
        command += ["-S", f"{OURS}/*.rules", f"--unix-socket={work}/control"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                control = Control(work / "control")
                for path in captures(options.folders):
                    tally["captures"] += 1
                    if not control.replay(path, work):
                        tally["not finished"] += 1
                        print(f"{path}: not finished after {_PATIENCE:.0f} s", flush=True)
                        break
                    for event in alerts(work / "whosasking.json"):
                        tally["alerts"] += 1
                        what = event["alert"]
                        ends = f"{event['src_ip']} {event.get('src_port')} {event['dest_ip']} {event.get('dest_port')}"
                        print(f"{path.name}: {what['signature_id']} {what['signature']} {ends}", flush=True)
                    (work / "whosasking.json").unlink(missing_ok=True)
                    if tally["captures"] % 100 == 0:
                        print(tally["captures"], file=sys.stderr, flush=True)
            finally:
                run.kill()
    print(", ".join(f"{count:,} {what}" for what, count in tally.items()))


if __name__ == "__main__":
    main()
