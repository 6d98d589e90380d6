"""The application behind a helper, the script in an interpreter."""

from __future__ import annotations

import pytest

from whosasking import catalogue
from whosasking.model import Process

KNOWN = catalogue.load()
NETWORK = "--type=utility --utility-sub-type=network.mojom.NetworkService --lang=en"


def process(name: str, line: str | None = None, parent: Process | None = None) -> Process:
    return Process(host="WS01", key=name, name=name, command_line=line, parent=parent)


def name_behind(one: Process) -> str | None:
    found = KNOWN.application(one)
    return found.command_line or found.name if found else None


def test_a_network_service_works_for_the_browser_itself() -> None:
    shell = process("explorer.exe")
    top = process("chrome.exe", "chrome.exe --profile", shell)
    assert name_behind(process("chrome.exe", f"chrome.exe {NETWORK}", top)) == "chrome.exe --profile"
    assert name_behind(top) is None


def test_a_webview_works_for_what_embeds_it() -> None:
    teams = process("ms-teams.exe", "ms-teams.exe --x", process("explorer.exe"))
    engine = process("msedgewebview2.exe", "msedgewebview2.exe --embedded-browser-webview=1", teams)
    helper = process("msedgewebview2.exe", f"msedgewebview2.exe {NETWORK}", engine)
    assert name_behind(helper) == "ms-teams.exe --x"


def test_a_webview_names_its_host_where_the_parents_are_not_recorded() -> None:
    one = process("msedgewebview2.exe", f"msedgewebview2.exe {NETWORK} --webview-exe-name=Recon.exe")
    assert name_behind(one) == "Recon.exe"


def test_an_electron_helper_works_for_the_program_of_its_name() -> None:
    app = process("Slack.exe", "Slack.exe", process("explorer.exe"))
    assert name_behind(process("Slack.exe", f"Slack.exe {NETWORK}", app)) == "Slack.exe"


def test_a_circle_of_parents_ends() -> None:
    one = process("chrome.exe", f"chrome.exe {NETWORK}")
    for _ in range(50):
        one = process("chrome.exe", f"chrome.exe {NETWORK}", one)
    assert KNOWN.application(one) is not None


@pytest.mark.parametrize(
    ("name", "line", "script"),
    [
        ("python3.11", "python3.11 -u /opt/recon/asn.py AS64500", "/opt/recon/asn.py"),
        ("python.exe", 'python.exe "C:\\My Tools\\rdap.py" x', "C:\\My Tools\\rdap.py"),
        ("python3", "python3 -m whoisit example.com", "-m whoisit"),
        ("python3", "python3 -c 'import socket'", "code in its command line"),
        ("java", "java -cp a.jar -jar recon.jar x", "-jar recon.jar"),
        ("node", "node --require ./hook.js app.js", "app.js"),
        ("bash", "bash -x ./sweep.sh 10.0.0.0/8", "./sweep.sh"),
        ("bash", "bash -l", None),
        ("bash", "bash -c 'whois x'", "code in its command line"),
        ("powershell.exe", "powershell.exe -ExecutionPolicy Bypass -File C:\\t\\w.ps1 -x", "C:\\t\\w.ps1"),
        ("pwsh", "pwsh -NoProfile -enc SQBFAFgA", "code in its command line"),
        ("whois", "whois example.com", None),
        ("python3", None, None),
    ],
)
def test_the_script_of_an_interpreter(name: str, line: str | None, script: str | None) -> None:
    assert KNOWN.script(process(name, line)) == script
