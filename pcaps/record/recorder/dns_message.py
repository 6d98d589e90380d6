"""Walks DNS messages: what was asked, what was answered, where an address lies in the bytes."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

A, AAAA = 1, 28
POINTER = 0xC0
TYPES = {1: "A", 28: "AAAA", 33: "SRV", 65: "HTTPS", 12: "PTR"}


@dataclass(frozen=True)
class Message:
    """A DNS message. ``addresses`` are (offset of the address bytes, address) of all A and AAAA records."""

    ident: int
    response: bool
    code: int
    name: str
    qtype: int
    addresses: tuple[tuple[int, str], ...]


def parse(data: bytes) -> Message:
    """Read one message; raises ValueError when it is cut short."""
    try:
        ident, flags, questions, *counts = struct.unpack_from("!6H", data)
        at, name, qtype = 12, "", 0
        for _ in range(questions):
            name, at = _name(data, at)
            qtype = struct.unpack_from("!H", data, at)[0]
            at += 4
        return Message(ident, bool(flags & 0x8000), flags & 15, name, qtype, tuple(_addresses(data, at, sum(counts))))
    except (struct.error, IndexError) as error:
        raise ValueError("truncated DNS message") from error


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while data[at] and data[at] < POINTER:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    return ".".join(labels), at + (2 if data[at] else 1)


def _addresses(data: bytes, at: int, count: int) -> Iterator[tuple[int, str]]:
    for _ in range(count):
        _, at = _name(data, at)
        kind, _, _, size = struct.unpack_from("!HHIH", data, at)
        at += 10
        if kind in {A, AAAA}:
            yield at, str(ipaddress.ip_address(data[at : at + size]))
        at += size
