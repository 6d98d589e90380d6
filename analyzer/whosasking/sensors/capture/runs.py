"""Zeek and Suricata over a capture, with our scripts and rules and none of the site's configuration."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from whosasking.errors import InputError
from whosasking.sensors.capture import assets, process

if TYPE_CHECKING:
    from collections.abc import Callable

    from whosasking.sensors.capture.feed import Feed
    from whosasking.sensors.capture.process import Ended, Limits

MESSAGES: Final = "messages.txt"
_ONLY_OURS: Final = """\
# Logs that say nothing about lookups are not written: a capture of other traffic would fill the disk with them.
const needed = set("conn", "dhcp", "dns", "http", "ssl", "quic", "ssh", "whois", "notice");

event zeek_init() &priority=-10
	{
	local others: set[Log::ID];

	for ( id, stream in Log::active_streams )
		if ( stream?$path && stream$path !in needed )
			add others[id];

	for ( id in others )
		Log::disable_stream(id);
	}
"""
_SURICATA: Final = """\
%YAML 1.1
---
# Made by whosasking for one capture. Nothing of /etc/suricata is read.
vars:
  address-groups:
    HOME_NET: "any"
    EXTERNAL_NET: "any"
classification-file: classification.config
reference-config-file: reference.config
threshold-file: threshold.config
stats:
  enabled: no
unix-command:
  enabled: no
logging:
  default-log-level: warning
  outputs:
    - console:
        enabled: yes
flow:
  memcap: 1gb
  hash-size: 262144
stream:
  memcap: 1gb
  checksum-validation: no
  reassembly:
    memcap: 1gb
    depth: 1mb
"""
_CLASSES: Final = """\
config classification: not-suspicious,Not Suspicious Traffic,3
config classification: misc-activity,Misc activity,3
config classification: attempted-recon,Attempted Information Leak,2
config classification: bad-unknown,Potentially Bad Traffic,2
config classification: policy-violation,Potential Corporate Privacy Violation,1
"""
_LIMIT: Final = re.compile(r" threshold:\s*type limit,[^;]*;")
_REFERENCES: Final = "config reference: url http://\n"


def zeek(feed: Feed, folder: Path, limits: Limits) -> None:
    """Run Zeek; its logs are in ``folder`` afterwards. Raises InputError when it fails, with its own message."""
    (folder / "only-ours.zeek").write_text(_ONLY_OURS, "utf-8")
    scripts = [str(assets.zeek_scripts()), "policy/protocols/conn/community-id-logging", "./only-ours.zeek"]
    program = _program("zeek")
    # -D: the same uids in every run, so that two reports of one capture can be compared. -C: host captures hold packets
    # whose checksums the network card was to fill in.
    _run("Zeek", lambda source: [program, "-D", "-C", "-r", source, *scripts], "-", feed, folder, limits)


def suricata(feed: Feed, folder: Path, limits: Limits) -> None:
    """Run Suricata; its EVE log is in ``folder`` afterwards. Raises InputError when it fails, with its own message."""
    rules = assets.suricata_rules()
    _unlimited(rules, folder / "rules")
    (folder / "suricata.yaml").write_text(_SURICATA, "utf-8")
    (folder / "classification.config").write_text(_CLASSES, "utf-8")
    (folder / "reference.config").write_text(_REFERENCES, "utf-8")
    (folder / "threshold.config").touch()
    settings = ["-c", "suricata.yaml", "--include", str(rules / "whosasking.yaml"), "-S", "rules/*.rules"]
    command = [_program("suricata"), *settings, "-l", ".", "-k", "none", "--init-errors-fatal", "--runmode", "single"]
    _run("Suricata", lambda source: [*command, "-r", source], "/dev/stdin", feed, folder, limits)


def _unlimited(rules: Path, folder: Path) -> None:
    """Copy the rules without what keeps a busy sensor's log small: of a capture, every session's query is wanted."""
    folder.mkdir()
    shutil.copytree(rules / "datasets", folder / "datasets")
    for path in rules.glob("*.rules"):
        (folder / path.name).write_text(_LIMIT.sub("", path.read_text("utf-8")), "utf-8")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise InputError(f"{name} is not on PATH")
    return str(Path(found).resolve() if name == "zeek" else found)


def _run(  # noqa: PLR0913, PLR0917 - one run, wholly described
    name: str, command: Callable[[str], list[str]], standard_input: str, feed: Feed, folder: Path, limits: Limits
) -> None:
    """Run a sensor on the file itself where that is whole and plain, else on a stream made of all captures."""
    direct = feed.direct()
    if direct is not None:
        whole: list[bool] = []
        source = str(Path(direct).resolve())
        ended = process.run(command(source), folder, limits, meanwhile=lambda: whole.append(feed.check()))
        if whole[0]:
            _judge(name, ended, limits)
            return
        for log in (*folder.glob("*.log"), *folder.glob("*.json")):
            log.unlink()  # of a capture that ends mid-packet a sensor drops more than the last packet
    pipe = process.Piped(feed.write)
    pipe.start()
    try:
        ended = process.run(command(standard_input), folder, limits, stdin=pipe.fd, meanwhile=pipe.started)
    finally:
        pipe.join()
    _judge(name, ended, limits)


def _judge(name: str, ended: Ended, limits: Limits) -> None:
    if ended.late:
        raise InputError(f"{name} was stopped after {limits.seconds:,.0f} seconds; its last words: {ended.said}")
    if ended.status:
        how = f"was ended by signal {-ended.status}" if ended.status < 0 else f"failed with status {ended.status}"
        raise InputError(f"{name} {how}: {ended.said or 'it said nothing'}")
