"""The ways a site adds the rules and the include, as README has them: suricata-update, and a line in suricata.yaml."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from suricata import replaying
from whosasking import pipeline
from whosasking.model import Detection

if TYPE_CHECKING:
    from pathlib import Path

INCLUDE = replaying.RULES / "whosasking.yaml"
SIDS = re.compile(r"^alert .*\bsid:(1596\d{3});", re.MULTILINE)
MODIFY = re.compile(r"^#   (re:\S+ .*)$", re.MULTILINE)
SESSIONS = [
    {"port": 43, "say": ["example.org\r\n", "% nothing\r\n"]},
    {"port": 4343, "say": ["example.net\r\n", "Domain Name: EXAMPLE.NET\r\n"]},
    {"tls": "rdap.arin.net"},
    {"quic": "rdap.arin.net"},
    {"get": "/", "host": "whois.arin.net"},
    {"dns": "whois.arin.net"},
]
SHIPPED = replaying.PROJECT / "pcaps" / "workstation"
NOW = 1_800_000_000_000_000

pytestmark = [
    pytest.mark.skipif(shutil.which("suricata") is None, reason="Suricata is not installed"),
    pytest.mark.skipif(not replaying.CONFIG.exists(), reason="no /etc/suricata/suricata.yaml"),
]
needs_update = pytest.mark.skipif(shutil.which("suricata-update") is None, reason="suricata-update is not installed")


def site(folder: Path, *, ports: str = "43") -> Path:
    """The packaged suricata.yaml with the include at its end; in the include, WHOIS servers at ``ports``."""
    include = folder / "whosasking.yaml"
    include.write_text(INCLUDE.read_text("utf-8").replace('WHOIS_PORTS: "43"', f'WHOIS_PORTS: "{ports}"'), "utf-8")
    config = folder / "suricata.yaml"
    config.write_text(f"{replaying.CONFIG.read_text('utf-8')}\ninclude: {include}\n", "utf-8")
    return config


def update(folder: Path, config: Path, *options: str) -> Path:
    """Run suricata-update without network: the site's other source is an archive on disk."""
    rule = folder / "site.rules"
    rule.write_text('alert ip any any -> any any (msg:"SITE"; ip_proto:199; sid:1000001; rev:1;)\n', "ascii")
    with tarfile.open(folder / "site.tar.gz", "w:gz") as archive:
        archive.add(rule, "rules/site.rules")
    command = ["suricata-update", "--url", f"file://{folder}/site.tar.gz", "--local", str(replaying.RULES)]
    command += ["-D", str(folder / "data"), "-o", str(folder / "rules"), "--suricata-conf", str(config), "--no-reload"]
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=120)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert not re.search("<Warning>|<Error>", said), said
    return folder / "rules" / "suricata.rules"


def replayed(folder: Path, rules: str | None = None, config: Path | None = None) -> list[dict[str, Any]]:
    replaying.capture(SESSIONS).write(folder / "trace.pcap")
    return replaying.replay(folder / "trace.pcap", folder, *[rules] if rules else [], config=config)


def sids(events: list[dict[str, Any]]) -> Counter[int]:
    return Counter(event["alert"]["signature_id"] for event in events if event["event_type"] == "alert")


def test_the_include_gives_the_analyzer_what_it_wants_in_the_packaged_configuration(tmp_path: Path) -> None:
    events = replaying.replay(SHIPPED / "capture.pcap", tmp_path, config=site(tmp_path))
    assert {event["event_type"] for event in events} == {"alert", "flow", "tls", "http", "dns", "quic"}
    assert all("community_id" in event for event in events)
    assert all(event["payload"] for event in events if event["event_type"] == "alert" and event["proto"] == "TCP")
    records = [event.get(event["event_type"]) for event in events if event["event_type"] in ("tls", "quic")]
    hellos = [record for record in records if record.get("sni")]
    assert {record.get("version") for record in hellos} >= {"TLS 1.3", "1"}
    assert all(record["ja3"]["string"] for record in hellos)
    built = subprocess.run(["suricata", "--build-info"], capture_output=True, text=True, check=True).stdout
    assert all(hello.get("ja4") for hello in hellos) == ("HAVE_JA4" in built)
    assert (tmp_path / "eve.json").stat().st_size, "the site's own log goes on"


@needs_update
def test_suricata_update_takes_the_rules_and_their_datasets(tmp_path: Path) -> None:
    rules = update(tmp_path, replaying.CONFIG)
    ours = "".join(path.read_text("utf-8") for path in replaying.RULES.glob("*.rules"))
    assert sorted(SIDS.findall(rules.read_text("utf-8"))) == sorted(SIDS.findall(ours))
    (tmp_path / "plain").mkdir()
    found = sids(replayed(tmp_path, str(rules)))
    assert found == sids(replayed(tmp_path / "plain"))
    assert found >= Counter([1596001, 1596010, 1596201, 1596211, 1596221, 1596231])


@needs_update
def test_a_site_with_more_whois_ports_names_them_in_the_include(tmp_path: Path) -> None:
    config = site(tmp_path, ports="[43,4343]")
    (tmp_path / "modify.conf").write_text("\n".join(MODIFY.findall(INCLUDE.read_text("utf-8"))), "utf-8")
    rules = update(tmp_path, config, "--modify-conf", str(tmp_path / "modify.conf"))
    found = sids(replayed(tmp_path, str(rules), config))
    assert (found[1596001], found[1596010]) == (2, 0)
    lookups = [judged.lookup for judged in pipeline.run([tmp_path / "whosasking.json"], now=NOW).lookups]
    asked = {(one.dst_port, one.query and one.query.object) for one in lookups if one.detection is Detection.PORT43}
    assert asked == {(43, "example.org"), (4343, "example.net")}
