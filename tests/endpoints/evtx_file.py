"""Writes a small Windows event log file (MS-EVEN6 BinXml, no templates), so that no binary sample need be shipped."""

from __future__ import annotations

import struct
import zlib

_CHUNK = 65_536
_FIRST_RECORD = 512
Node = tuple[str, dict[str, str], "list[Node] | str"]


def sysmon(event_id: int, computer: str, data: dict[str, str], channel: str = "Sysmon/Operational") -> Node:
    """Return the XML tree of one event as Windows renders it."""
    provider = {"Name": "Microsoft-Windows-Sysmon", "Guid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"}
    system: list[Node] = [
        ("Provider", provider, ""),
        ("EventID", {}, str(event_id)),
        ("TimeCreated", {"SystemTime": "2024-05-01T10:00:30.1234567Z"}, ""),
        ("Execution", {"ProcessID": "2345", "ThreadID": "7"}, ""),
        ("Channel", {}, f"Microsoft-Windows-{channel}"),
        ("Computer", {}, computer),
    ]
    fields: list[Node] = [("Data", {"Name": name}, value) for name, value in data.items()]
    return ("Event", {}, [("System", {}, system), ("EventData", {}, fields)])


def log_file(events: list[Node]) -> bytes:
    """Return a file of one chunk holding ``events`` as records 1, 2, ..."""
    body = bytearray(_FIRST_RECORD)
    last = _FIRST_RECORD
    for number, event in enumerate(events, 1):
        last = len(body)
        xml = b"\x0f\x01\x01\x00" + _element(event, last + 24 + 4) + b"\x00"
        size = 24 + len(xml) + 4
        size += -size % 8
        record = struct.pack("<4sIQQ", b"\x2a\x2a\0\0", size, number, 133_590_024_301_234_567) + xml
        body += record.ljust(size - 4, b"\0") + struct.pack("<I", size)
    return _file_header(len(events)) + _chunk(body, last, len(events))


def _element(node: Node, offset: int) -> bytes:
    """Return an element at chunk offset ``offset``; names stand in line, once more each time."""
    name, attributes, content = node
    head = 1 + 4  # token and size; outside of templates there is no dependency id
    out = bytearray(_name(name))
    if attributes:
        listed = bytearray()
        start = offset + head + 4 + len(out) + 4
        for index, (key, value) in enumerate(attributes.items()):
            more = 0x40 if index + 1 < len(attributes) else 0
            at = start + len(listed)
            listed += bytes([0x06 | more]) + struct.pack("<I", at + 5) + _name(key) + _text(value)
        out += struct.pack("<I", len(listed)) + listed
    out += b"\x02"
    if isinstance(content, str):
        out += _text(content) if content else b""
    else:
        for child in content:
            out += _element(child, offset + head + 4 + len(out))
    out += b"\x04"
    token = 0x41 if attributes else 0x01
    return struct.pack("<BII", token, len(out) + 4, offset + head + 4) + bytes(out)


def _name(name: str) -> bytes:
    encoded = name.encode("utf-16-le")
    value = 0
    for char in name:
        value = (value * 65_599 + ord(char)) & 0xFFFFFFFF
    return struct.pack("<IHH", 0, value & 0xFFFF, len(name)) + encoded + b"\0\0"


def _text(value: str) -> bytes:
    encoded = value.encode("utf-16-le")
    return struct.pack("<BBH", 0x05, 0x01, len(encoded) // 2) + encoded


def _file_header(records: int) -> bytes:
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, 0, records + 1, 128, 1, 3, 4096, 1).ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(4096, b"\0")


def _chunk(body: bytearray, last: int, records: int) -> bytes:
    free = len(body)
    head = struct.pack("<8sQQQQIII", b"ElfChnk\0", 1, records, 1, records, 128, last, free)
    head += struct.pack("<I", zlib.crc32(bytes(body[_FIRST_RECORD:])))
    body[: len(head)] = head
    body[124:128] = struct.pack("<I", zlib.crc32(bytes(body[:120]) + bytes(body[128:512])))
    return bytes(body).ljust(_CHUNK, b"\0")
