"""Small lookups, processes and a catalogue of a few names, for the tests of verdicts and findings."""

from __future__ import annotations

from types import SimpleNamespace

from whosasking.model import Attributed, Client, ClientClass, Detection, Lookup, Process, Unattributed

NOW = 1_782_864_000_000_000  # 2026-07-01T00:00:00Z
NOBODY = Unattributed(reason="no EDR for this host")


HOSTS = {
    "rdap.registry.example": SimpleNamespace(how="exact", operator="Registry", noise="low"),
    "www.rir.example": SimpleNamespace(how="suffix", operator="RIR", noise="high"),
    "whois.corp.example": SimpleNamespace(how="label", operator=None, noise="low"),
}


class FakeCatalogue:
    """Stands for the real catalogue where a test needs its answers fixed."""

    def host(self, name):
        return HOSTS.get(name.lower())

    def browser(self, process_name):
        return SimpleNamespace() if process_name.lower() in {"firefox", "chrome.exe"} else None

    def claims_browser(self, ua):
        return ua.startswith("Mozilla/5.0 (")

    def is_automated(self, process):
        return "started with --headless" if "--headless" in (process.command_line or "") else None

    def install_path_ok(self, process):
        return None if process.path is None else process.path.startswith(("/usr/lib/", "C:\\Program Files\\"))

    def benign(self, process):
        return "fail2ban" if process.parent and process.parent.name == "fail2ban-server" else None


CATALOGUE = FakeCatalogue()


def lookup(detection=Detection.WEB, **changes):
    """Build an RDAP session to a listed server, or a WHOIS session, or a tool start."""
    fields = {"id": "L1", "ts": NOW, "detection": detection, "sensor": "zeek", "src_ip": "10.1.1.1"}
    if detection is Detection.WEB:
        fields |= {"dst_ip": "9.9.9.9", "dst_port": 443, "transport": "tls", "server": "rdap.registry.example"}
    elif detection is Detection.PORT43:
        fields |= {"dst_ip": "9.9.9.9", "dst_port": 43, "transport": "tcp"}
    else:
        fields |= {"src_ip": None}
    return Lookup(**fields | changes)


def process(name="curl", **changes):
    return Process(**{"host": "WS-1.corp.example", "key": f"key-{name}", "name": name, "pid": 7} | changes)


def made_by(name="curl", confidence=1.0, **changes):
    return Attributed(process=process(name, **changes), method="5-tuple", confidence=confidence, reason="exact")


FIREFOX = {"name": "firefox", "path": "/usr/lib/firefox/firefox"}
LIKE_BROWSER = Client(cls=ClientClass.BROWSER, evidence=("compress_certificate (27)",))
LIKE_TOOL = Client(cls=ClientClass.TOOL, evidence=("no browser extension",))
FALSE_CLAIM = Client(cls=ClientClass.TOOL, masquerade="User-Agent says Firefox, the stack is OpenSSL")
