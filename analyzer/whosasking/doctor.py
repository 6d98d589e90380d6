"""What is on this machine: sensors and their versions, packages and extras, and whether catalogue copies are current.

Nothing is changed and nothing goes through a shell. Every program gets a few seconds, every file is read up to a bound.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from whosasking import __version__
from whosasking.reports.page import Page, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

State = Literal["ok", "missing", "attention"]

PATIENCE = 5.0
"""Seconds a program may take to tell its version."""
LONGEST_FILE = 64 << 20
ELSEWHERE = ("/opt/zeek/bin", "/usr/local/zeek/bin", "/opt/suricata/bin", "/usr/local/bin")
"""Where sensors are often installed without being on PATH."""

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+~.\w]*)")
_OUR_SIDS = re.compile(rb"sid:\s*1596\d{3};")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the examination. ``adds`` says what the thing is good for, ``note`` what to do about it."""

    group: str
    name: str
    state: State
    version: str = ""
    adds: str = ""
    note: str = ""


PACKAGES = (
    ("hyperscan", "the sieve: scans raw logs for candidate lines"),
    ("isal", "reads .gz logs about three times as fast as zlib"),
    ("zstandard", "reads .zst logs"),
    ("duckdb", "joins lookups with endpoint records"),
    ("communityid", "computes Community IDs where a log has none"),
)
EXTRAS = (
    ("pyshark", "pcap", "reads packet captures through tshark"),
    ("evtx", "evtx", "reads Sysmon .evtx files"),
    ("zat", "zat", "the reference reader behind report --exact"),
    ("s3fs", "lake", "reads s3:// and s3a:// URLs, https:// too; other stores want a package of their own"),
    ("pyspark", "spark", "scans and joins on a Spark cluster (report --engine spark; needs Java 17)"),
)


def examine() -> list[Check]:
    """Look at everything. Never raises for what is missing or broken here: that is what it reports."""
    return [
        *_sensors(),
        Check("Python", "whosasking", "ok", __version__, f"Python {platform.python_version()}"),
        *(_package(name, adds) for name, adds in PACKAGES),
        *(_extra(name, extra, adds) for name, extra, adds in EXTRAS),
        _catalogue(),
    ]


def render(checks: Sequence[Check], out: TextIO) -> None:
    """Write the table to ``out``. Raises OSError when the stream does."""
    page = Page(out)
    signs = {"ok": Text("ok", "green"), "missing": Text("missing", "dim"), "attention": Text("look", "bold yellow")}
    for group in dict.fromkeys(check.group for check in checks):
        page.heading(group)
        rows = table(("", "left"), ("", "left"), ("version", "left"), ("what it adds", "left"))
        for check in checks:
            if check.group == group:
                about = Text("\n").join(page.text(text) for text in (check.adds, check.note) if text)
                rows.add_row(
                    signs[check.state], page.text(check.name, "bold"), page.text(check.version, width=24), about
                )
        page.print(rows)


def _sensors() -> Iterator[Check]:
    yield _program(
        "zeek",
        ("--version",),
        "logs every connection and reads captures; our script adds the WHOIS query and the TLS client",
        _zeek_note,
    )
    yield _program(
        "suricata",
        ("-V",),
        "the same from an IDS, captures too: EVE JSON, our rules for WHOIS and RDAP",
        _suricata_note,
    )
    yield _program(
        "tshark", ("--version",), "reads captures where neither Zeek nor Suricata is installed", _tshark_note
    )


def _program(name: str, arguments: tuple[str, ...], adds: str, note: Callable[[Path], str]) -> Check:
    found = shutil.which(name)
    path = Path(found) if found else _elsewhere(name)
    if path is None:
        return Check("Sensors", name, "missing", adds=adds, note="not needed to report on logs made elsewhere")
    answer = _answer([str(path), *arguments])
    version = _VERSION.search(answer or "")
    if version is None:
        return Check("Sensors", name, "attention", adds=adds, note=f"{path} does not tell its version")
    hint = "" if found else f"in {path.parent}, which is not on PATH; "
    return Check("Sensors", name, "ok", version.group(), adds, f"{hint}{note(path)}".removesuffix("; "))


def _elsewhere(name: str) -> Path | None:
    candidates = (Path(folder) / name for folder in ELSEWHERE)
    return next((path for path in candidates if os.access(path, os.X_OK) and path.is_file()), None)


def _answer(command: list[str]) -> str | None:
    """Return what a program prints, None when it fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program found on PATH, no shell, fixed arguments
            command, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout + done.stderr)[:10_000].decode(errors="replace")


def _tshark_note(_tshark: Path) -> str:
    return (
        ""
        if _installed("pyshark")
        else "report reads captures with it once its reader is here: pip install 'whosasking[pcap]'"
    )


def _zeek_note(zeek: Path) -> str:
    """Whether our package is installed for this Zeek and loaded by its local.zeek."""
    told = (_answer([str(zeek.with_name("zeek-config")), "--site_dir"]) or "").strip()
    site = Path(told) if told.startswith("/") else zeek.parent.parent / "share" / "zeek" / "site"
    places = [site / "packages" / "whosasking", site / "whosasking"]
    if not any(place.is_dir() for place in places):
        return "package whosasking: not installed for it"
    local = _read(site / "local.zeek").decode(errors="replace")
    loaded = re.search(r"^\s*@load\s+(\./)?(packages|whosasking)\b", local, re.MULTILINE)
    return f"package whosasking: installed, {'loaded' if loaded else 'not loaded'} by local.zeek"


def _suricata_note(_suricata: Path) -> str:
    """Whether our rules are among those its configuration loads, and the two EVE settings we profit from."""
    configuration = Path("/etc/suricata/suricata.yaml")
    text = _read(configuration)
    if not text:
        return f"{configuration} cannot be read: whether our rules are loaded is not known"
    loaded = any(_OUR_SIDS.search(_read(path)) for path in _rule_files(text))
    notes = [f"our rules: {'loaded' if loaded else 'not loaded'}"]
    notes += [f"{name} is not set to yes" for name in ("community-id", "ja3-fingerprints") if not _is_on(name, text)]
    return f"{'; '.join(notes)} ({configuration})"


def _is_on(setting: str, configuration: bytes) -> bool:
    pattern = rb"^\s*%s:\s*(yes|true|on)\b" % setting.encode()
    return re.search(pattern, configuration, re.MULTILINE | re.IGNORECASE) is not None


def _rule_files(configuration: bytes) -> Iterator[Path]:
    """Find the rule files a suricata.yaml names, by line: a file that is broken as YAML still says something."""
    text = configuration.decode(errors="replace")
    folder = re.search(r"^default-rule-path:\s*(\S+)", text, re.MULTILINE)
    section = re.search(r"^rule-files:\s*\n((?:[ \t]*(?:-.*|#.*)?\n)*)", text, re.MULTILINE)
    base = Path(folder.group(1) if folder else "/var/lib/suricata/rules")
    for name in re.findall(r"^\s*-\s*([^\s#]+)", section.group(1) if section else "", re.MULTILINE):
        if "*" not in name:
            yield base / name.strip("\"'")


def _read(path: Path) -> bytes:
    """Return the file's bytes, none when it cannot be read or is larger than any configuration."""
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_FILE:
            return b""
        return path.read_bytes()
    except OSError:
        return b""


def _package(name: str, adds: str) -> Check:
    """Check a package whosasking cannot do without: it must not only be there but load (hyperscan needs SSSE3)."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - a broken native module raises whatever it likes
        return Check(
            "Python", name, "attention", _installed(name), adds, f"does not load: {type(error).__name__}: {error}"
        )
    return Check("Python", name, "ok", _installed(name), adds)


def _extra(name: str, extra: str, adds: str) -> Check:
    version = _installed(name)
    if not version:
        return Check("Python", name, "missing", adds=adds, note=f"pip install 'whosasking[{extra}]'")
    return Check("Python", name, "ok", version, adds)


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _catalogue() -> Check:
    """Whether what the sensors use was generated from the catalogue as it is now."""
    adds = "names the WHOIS and RDAP hosts, clients and browsers"
    try:
        from whosasking.catalogue import build as generators  # noqa: PLC0415 - a broken catalogue must not break the examination

        stale = generators.build(check=True)
    except Exception as error:  # noqa: BLE001 - told as it is; a doctor does not fall ill
        return Check("Catalogue", "catalogue", "attention", __version__, adds, f"{type(error).__name__}: {error}")
    if stale:
        note = f"{len(stale)} copies are not current: whosasking catalogue build"
        return Check("Catalogue", "catalogue", "attention", __version__, adds, note)
    return Check("Catalogue", "catalogue", "ok", __version__, adds, "all copies are current")
