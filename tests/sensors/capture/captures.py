"""Capture files for tests, written byte by byte: pcap and pcapng in every form that occurs."""

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from whosasking.inputs import Input, Tally, discover
from whosasking.progress import SILENT
from whosasking.sensors.capture.pcapfile import Damaged, Packet, packets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from whosasking.inputs import Inputs

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D
SECOND = 1_000_000_000


class Interface(NamedTuple):
    """An interface block. ``resolution`` is the option's byte, ``offset`` seconds."""

    link: int = 1
    snaplen: int = 0
    resolution: int | None = None
    offset: int | None = None


def sensor(name: str) -> Any:
    """A mark for tests that need a program."""
    absent = shutil.which(name) is None
    return pytest.mark.skipif(absent, reason=f"no {name} on PATH")


def pcap(every: Iterable[Packet], *, order: str = "<", magic: int = NANO, link: int = 1) -> bytes:
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link)]
    for one in every:
        seconds, rest = divmod(one.ts, SECOND)
        ticks = rest if magic == NANO else rest // 1000
        parts += [struct.pack(f"{order}IIII", seconds, ticks, len(one.data), one.size), one.data]
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def section(interfaces: Sequence[Interface], order: str = "<") -> bytes:
    made = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    for one in interfaces:
        body = struct.pack(f"{order}HHI", one.link, 0, one.snaplen)
        if one.resolution is not None:
            body += struct.pack(f"{order}HHB3x", 9, 1, one.resolution)
        if one.offset is not None:
            body += struct.pack(f"{order}HHq", 14, 8, one.offset)
        made += block(1, body + bytes(4), order)
    return made


def enhanced(number: int, ticks: int, data: bytes, *, order: str = "<", size: int | None = None) -> bytes:
    wire = len(data) if size is None else size
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), wire)
    return block(6, head + data, order)


def pcapng(every: Iterable[Packet]) -> bytes:
    """One section, one nanosecond interface."""
    made = section([Interface(resolution=9)])
    return made + b"".join(enhanced(0, one.ts, one.data, size=one.size) for one in every)


def packet(ts: int, data: bytes, link: int = 1) -> Packet:
    return Packet(ts, link, len(data), data)


def of(made: Any) -> list[Packet]:
    """The packets of a ``make_traces.Capture``."""
    return [packet(ts * 1000, frame) for ts, frame in made.packets]


def read(path: Path) -> tuple[list[Packet], str | None]:
    """Every packet of a file, and why it ended early."""
    (inp,) = discover([path]).captures or [Input(str(path), "pcap")]
    found: list[Packet] = []
    try:
        found.extend(packets(inp, Tally(str(path)), SILENT))
    except Damaged as error:
        return found, str(error)
    return found, None


def read_bytes(data: bytes, folder: Path) -> tuple[list[Packet], str | None]:
    path = folder / "capture"
    path.write_bytes(data)
    found: list[Packet] = []
    try:
        for one in packets(Input(str(path), "pcap"), Tally(str(path)), SILENT):
            found.append(one)  # noqa: PERF402 - what came before the damage is wanted
    except Damaged as error:
        return found, str(error)
    return found, None


def inputs(*paths: Path) -> Inputs:
    return discover(list(paths))
