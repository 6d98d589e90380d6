"""Case folders -> captures, and captures -> EVE records of the installed Suricata."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

from suricata import quic
from zeek import make_traces as traces

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "suricata_rules"
CONFIG = Path("/etc/suricata/suricata.yaml")
HERE = Path(__file__).parent

Event = dict[str, Any]


STACKS = {"openssl": traces.OPENSSL, "chromium": traces.CHROMIUM, "firefox": traces.FIREFOX}
SERVER = "198.51.100.80"
"""Where a session goes that does not say where; documentation addresses count as public."""
BROWSER = {
    "User-Agent": traces.BROWSER_AGENT,
    "Accept": "text/html,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}


def capture(sessions: list[dict[str, Any]]) -> Any:
    """Make the capture that a case's ``sessions`` describe, one after another."""
    made = traces.Capture()
    for session in sessions:
        start = len(made.packets)
        for _ in range(session.get("times", 1)):
            _add(made, session)
        if session.get("ipv6"):
            made.packets[start:] = [(ts, _in_ipv6(frame)) for ts, frame in made.packets[start:]]
    return made


def _in_ipv6(frame: bytes) -> bytes:
    """The same segment between IPv6 addresses; 10.0.0.0/8 becomes a network of fd00::/8. The checksum is left wrong."""
    ends = [frame[26:30], frame[30:34]]
    addresses = b"".join((b"\xfd" if end[0] == 10 else b"\x20\x01\x0d\xb8").ljust(12, b"\0") + end for end in ends)
    segment = frame[34:]
    head = struct.pack("!IHBB", 6 << 28, len(segment), frame[23], 64)
    return frame[:12] + b"\x86\xdd" + head + addresses + segment


def _add(made: Any, session: dict[str, Any]) -> None:
    server, client = session.get("server", SERVER), session.get("client", traces.CLIENT)
    if "wait" in session:
        made.wait(session["wait"])
    elif "say" in session:
        made.tcp(server, session["port"], *map(_said, session["say"]), client=client)
    elif "tls" in session:
        hello = traces.client_hello(session["tls"], STACKS[session.get("stack", "openssl")])
        made.tcp(server, session.get("port", 443), hello, traces.server_hello(), client=client)
    elif "quic" in session:
        hello = traces.client_hello(session["quic"], (*traces.OPENSSL, 57))[5:]  # without the TLS record around it
        made.next_port += 1
        made.udp(client, made.next_port, server, 443, quic.initial(hello, made.next_port.to_bytes(8, "big")))
    elif "dns" in session:
        made.dns(session["dns"], *session.get("answer", [SERVER]), client=client)
    else:
        _http(made, session, server, client)


def _said(part: str | list[str]) -> bytes | tuple[bytes, ...]:
    """A turn of a conversation; a list is sent as one segment each. ``\\xff`` in a case file is the byte 255."""
    return part.encode("latin-1") if isinstance(part, str) else tuple(one.encode("latin-1") for one in part)


def _http(made: Any, session: dict[str, Any], server: str, client: str) -> None:
    headers = BROWSER if session.get("browser") else session.get("headers", {"User-Agent": "curl/8.5.0"})
    request = traces.http_request("GET", session["get"], session["host"], *(f"{k}: {v}" for k, v in headers.items()))
    answer = traces.http_answer(session.get("type", "text/html"), b"{}")
    made.tcp(server, session.get("port", 80), request, answer, client=client)


def replay(
    pcap: Path, folder: Path, rules: str = f"{RULES}/*.rules", *, include: bool = True, config: Path | None = None
) -> list[Event]:
    """Return the EVE records of our include's own log, or of the packaged configuration's without ``include``.

    A ``config`` includes it by itself.
    """
    command = ["suricata", "-c", str(config or CONFIG), "-S", rules, "-r", str(pcap), "-l", str(folder)]
    command += ["--include", str(RULES / "whosasking.yaml")] if include and config is None else []
    command += ["-k", "none", "--runmode", "single", "--init-errors-fatal"]
    log = folder / ("whosasking.json" if include else "eve.json")
    for patience in (20, 20, 60):  # a busy 7.0.10 may hang when all is read, with any rules: once more then
        log.unlink(missing_ok=True)
        status, said = ended(command, patience)
        if status is not None:
            assert status == 0, said
            return [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    raise AssertionError(f"Suricata did not end: {command}")


def ended(command: list[str], patience: float) -> tuple[int | None, str]:
    """Exit status and words of a command; None when it was still running after ``patience`` seconds and was killed.

    One that ended while the tests themselves were stopped (Ctrl-Z, a benchmark) has ended, however late that is seen.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        try:
            said = run.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            if run.poll() is None:
                run.kill()
                return None, ""
            said = run.communicate()[0]
        return run.returncode, said


def audible(folder: Path) -> str:
    """Copy the rules with ``noalert`` taken out, so that what they do in silence can be counted too."""
    for path in RULES.glob("*.rules"):
        (folder / path.name).write_text(path.read_text("utf-8").replace(" noalert;", ""), "utf-8")
    shutil.copytree(RULES / "datasets", folder / "datasets", dirs_exist_ok=True)
    return f"{folder}/*.rules"
