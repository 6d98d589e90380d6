"""The packets of each finding as a capture of their own, with a manifest: evidence that can be handed over.

A packet belongs to a finding when it has the addresses, ports and protocol of one of its lookups, at its time; later
fragments follow their first. Frames and times are as in the input, to the nanosecond.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import struct
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from whosasking import __version__
from whosasking.errors import InputError
from whosasking.inputs import Tally
from whosasking.model import SECOND, Detection
from whosasking.progress import SILENT
from whosasking.sensors.capture import frames
from whosasking.sensors.capture.pcapfile import Damaged, packets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whosasking.inputs import Input
    from whosasking.model import Finding, JudgedLookup, Lookup, Micros
    from whosasking.sensors.capture.pcapfile import Packet

BEFORE: Final = 5 * SECOND
AFTER: Final = 60 * SECOND
UNKNOWN_LENGTH: Final = 3600 * SECOND
"""How long before and after a lookup's session its packets are looked for; ports are used again later."""
MANIFEST: Final = "manifest.json"
_MOST_FRAGMENTS: Final = 10_000
_SNAPLEN: Final = 256 << 10

Side = tuple[bytes, int]
Key = tuple[int, Side, Side]


class _Session(NamedTuple):
    """A lookup's session: from and until when (microseconds), and which finding it belongs to."""

    start: Micros
    end: Micros
    finding: str


class Carved(msgspec.Struct):
    """One finding's part of the manifest."""

    finding: str
    lookups: tuple[str, ...]
    filter: str
    files: list[dict[str, object]] = []


def carve(
    findings: Iterable[Finding], lookups: Mapping[str, JudgedLookup], captures: Sequence[Input], folder: Path
) -> list[Carved]:
    """Write ``folder``: a pcap for each finding (and link type) and the manifest. Returns what was written.

    Raises InputError when the folder cannot be written or has something in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty: evidence of two runs would mix")
        carved, sessions = _plan(findings, lookups)
        with ExitStack() as stack:
            outputs = _Outputs(folder, stack)
            digests = [_read(inp, sessions, outputs) for inp in captures]
        for one in carved.values():
            one.files = [_described(folder, path, count) for path, count in outputs.of(one.finding)]
        _write_manifest(folder, digests, list(carved.values()))
    except OSError as error:
        raise InputError(f"cannot carve into {folder}: {error.strerror or error}") from None
    return list(carved.values())


def _plan(
    findings: Iterable[Finding], lookups: Mapping[str, JudgedLookup]
) -> tuple[dict[str, Carved], dict[Key, list[_Session]]]:
    """Return what to carve for each finding, and the sessions to look for by their ends in either direction."""
    carved: dict[str, Carved] = {}
    sessions: dict[Key, list[_Session]] = {}
    for finding in findings:
        seen = [lookups[name].lookup for name in finding.lookups if name in lookups]
        on_the_wire = [one for one in seen if one.detection is not Detection.TOOL and _key(one) is not None]
        if not on_the_wire:
            continue
        told = dict.fromkeys(display_filter(one) for one in on_the_wire)
        carved[finding.id] = Carved(finding.id, tuple(one.id for one in on_the_wire), " || ".join(told))
        for one in on_the_wire:
            key = _key(one)
            if key is not None:
                end = one.ts + (UNKNOWN_LENGTH if one.duration is None else one.duration) + AFTER
                sessions.setdefault(key, []).append(_Session(one.ts - BEFORE, end, finding.id))
    return carved, sessions


def display_filter(lookup: Lookup) -> str:
    """Return the Wireshark display filter for a lookup's session."""
    layer = "ipv6" if ":" in (lookup.dst_ip or "") else "ip"
    transport = "udp" if lookup.transport == "quic" else "tcp"
    return (
        f"({layer}.addr == {lookup.src_ip} && {layer}.addr == {lookup.dst_ip}"
        f" && {transport}.port == {lookup.src_port} && {transport}.port == {lookup.dst_port})"
    )


def _key(lookup: Lookup) -> Key | None:
    if lookup.src_ip is None or lookup.dst_ip is None or lookup.src_port is None or lookup.dst_port is None:
        return None
    here = (ipaddress.ip_address(lookup.src_ip).packed, lookup.src_port)
    there = (ipaddress.ip_address(lookup.dst_ip).packed, lookup.dst_port)
    return _ordered(17 if lookup.transport == "quic" else 6, here, there)


def _ordered(protocol: int, here: Side, there: Side) -> Key:
    return (protocol, here, there) if here <= there else (protocol, there, here)


class _Outputs:
    """The captures being written, opened when their first packet comes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._files: dict[tuple[str, int], tuple[Path, BinaryIO]] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def write(self, finding: str, packet: Packet) -> None:
        key = (finding, packet.link)
        if key not in self._files:
            others = sum(name == finding for name, _ in self._files)
            path = self._folder / (f"{finding}-{others + 1}.pcap" if others else f"{finding}.pcap")
            file = self._stack.enter_context(path.open("xb"))
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _SNAPLEN, packet.link))
            self._files[key] = (path, file)
        seconds, rest = divmod(max(packet.ts, 0), 1_000_000_000)
        head = struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, len(packet.data), packet.size)
        self._files[key][1].write(head + packet.data)
        self._counts[key] = self._counts.get(key, 0) + 1

    def of(self, finding: str) -> list[tuple[Path, int]]:
        """Return a finding's files and how many packets each has."""
        return [(path, self._counts[key]) for key, (path, _) in self._files.items() if key[0] == finding]


def _read(inp: Input, sessions: Mapping[Key, list[_Session]], outputs: _Outputs) -> dict[str, object]:
    """Sort one capture's packets into the outputs; returns its line of the manifest."""
    fragments: dict[tuple[bytes, bytes, int], list[str]] = {}
    damage = None
    tally = Tally(inp.path, inp.kind)
    try:
        with closing(packets(inp, tally, SILENT)) as every:  # type: ignore[type-var]  # a generator
            for packet in every:
                for finding in _findings_of(packet, sessions, fragments):
                    outputs.write(finding, packet)
    except Damaged as error:
        damage = str(error)
    path = Path(inp.path)
    told: dict[str, object] = {"path": inp.path, "bytes": path.stat().st_size, "sha256": _sha256(path)}
    return told | ({"damage": damage} if damage else {})


def _findings_of(
    packet: Packet, sessions: Mapping[Key, list[_Session]], fragments: dict[tuple[bytes, bytes, int], list[str]]
) -> list[str]:
    ends = frames.ends(packet.link, packet.data)
    if ends is None:
        return []
    if ends.src_port is None or ends.dst_port is None:
        return fragments.get((ends.src, ends.dst, ends.fragment or 0), [])
    key = _ordered(ends.protocol, (ends.src, ends.src_port), (ends.dst, ends.dst_port))
    ts = packet.ts // 1000
    found = list(dict.fromkeys(one.finding for one in sessions.get(key, ()) if one.start <= ts <= one.end))
    if found and ends.fragment is not None and len(fragments) < _MOST_FRAGMENTS:
        fragments[(ends.src, ends.dst, ends.fragment)] = found
    return found


def _described(folder: Path, path: Path, count: int) -> dict[str, object]:
    name = str(path.relative_to(folder))
    return {"path": name, "packets": count, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(folder: Path, inputs: list[dict[str, object]], carved: list[Carved]) -> None:
    document = {
        "schema": "whosasking.carved/1",
        "version": __version__,
        "inputs": inputs,
        "findings": [msgspec.to_builtins(one) for one in carved],
    }
    text = json.dumps(document, indent=1, ensure_ascii=True)
    (folder / MANIFEST).write_text(f"{text}\n", "ascii")
