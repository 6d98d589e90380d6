"""Who appears in the sample report: processes, clients, and when their day begins."""

from __future__ import annotations

from whosasking.model import SECOND, Attributed, Candidate, Client, ClientClass, Process

MORNING = 1_773_478_800 * SECOND
"""2026-03-14 09:00:00 UTC."""
MINUTE = 60 * SECOND

BASH = Process(host="ws-042.corp.example", key="g-1", name="bash", pid=4100, path="/usr/bin/bash", command_line="-bash")


def whois_run(number: int, pid: int, command_line: str) -> Process:
    return Process(
        host="ws-042.corp.example",
        key=f"g-2{number}",
        name="whois",
        pid=pid,
        path="/usr/bin/whois",
        command_line=command_line,
        user="jdoe",
        started=MORNING + 12 * MINUTE,
        parent=BASH,
    )


WHOIS = whois_run(0, 4411, "whois -h whois.verisign-grs.com example.com")
WHOIS_RUNS = (WHOIS, whois_run(1, 4415, "whois example.net"), whois_run(2, 4420, "whois 203.0.113.0/24"))
PYTHON = Process(
    host="ws-042.corp.example",
    key="g-3",
    name="python3",
    pid=5120,
    path="/usr/bin/python3.11",
    command_line="python3 /home/jdoe/.cache/enum.py --rdap --targets /home/jdoe/.cache/supplier-domains.txt --sleep 1",
    user="jdoe",
    started=MORNING + 29 * MINUTE,
    parent=BASH,
)
FIREFOX = Process(
    host="ws-042.corp.example",
    key="g-4",
    name="firefox",
    pid=2210,
    path="/usr/lib/firefox/firefox",
    command_line="/usr/lib/firefox/firefox",
    user="jdoe",
)
CHROME = Process(
    host="ws-017.corp.example",
    key="g-5",
    name="chrome.exe",
    pid=8820,
    path=r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    command_line=r'"C:\Program Files\Google\Chrome\Application\chrome.exe"',
    user=r"CORP\asmith",
)
SCANNER = Process(
    host="scan-01.corp.example",
    key="g-6",
    name="nessusd",
    pid=901,
    path="/opt/nessus/sbin/nessusd",
    command_line="/opt/nessus/sbin/nessusd -q",
    user="root",
)
SPOOFED = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
OPENSSL_JA3 = "771,4866-4867-4865-49196-49200,0-11-10-35-22-23-13-43-45-51-21,29-23-30-25-24,0-1-2"

TOOL_CLIENT = Client(cls=ClientClass.TOOL, evidence=("no browser extension in the ClientHello",), ja3=OPENSSL_JA3)
BROWSER_CLIENT = Client(
    cls=ClientClass.BROWSER,
    evidence=("extension 27 (compress_certificate)", "extension 65037 (encrypted_client_hello)"),
)


def by_tuple(process: Process) -> Attributed:
    return Attributed(
        process=process,
        method="5-tuple",
        confidence=0.99,
        reason="exact 5-tuple, 0.003 s after the host's clock offset of +2.412 s",
        candidates=(Candidate(process=process, reason="the only socket with this tuple"),),
        record="s-7",
    )
