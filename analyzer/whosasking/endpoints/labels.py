"""How a line of an unused kind is counted, read from its bytes: as decoding it would have told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
import stringzilla

from whosasking.endpoints.places import NOTHING

if TYPE_CHECKING:
    from whosasking.endpoints.kinds import Kind
    from whosasking.sieve import Span

_REMEMBERED: Final = 1 << 14
_TAIL: Final = 24
_BACKSLASH: Final = 0x5C
_TOLD: Final = re.compile(rb'": ?"?(\d+)"?[ \t]*[,}]?\Z')
_CHANNEL: Final = b'"Channel":"'
_CHANNELS: Final = tuple(
    re.compile(rb'(?<!\\)"' + name + rb'"[ \t]*:[ \t]*("(?:[^"\\]|\\.)*"|[^" \t])')
    for name in (b"Channel", b"channel", b"EventLog")
)


class Labels:
    """Reads labels of one kind of input."""

    def __init__(self, kind: Kind) -> None:
        """Remember nothing yet."""
        self._kind = kind
        self.keys = [f'"{name}"'.encode() for name in kind.event]
        self._words: dict[bytes, str | None] = {}
        self._known: dict[tuple[bytes, bytes], str | None] = {}
        self._channel = b""

    def holds_throughout(self, view: memoryview) -> bool:
        """Tell whether every line of a block is of the channel of the last label that was read."""
        if not self._channel:
            return False
        lines = int(stringzilla.count(view, b"\n")) + (view[-1] != ord("\n"))
        return int(stringzilla.count(view, b'"Channel":')) == int(stringzilla.count(view, self._channel)) == lines

    def of(self, number: int) -> str:
        """Return the label of an event id in that channel."""
        return _named(self._channel.removeprefix(b'"Channel":'), b"%d" % number)

    def read(self, data: bytearray, line: Span, end: int, *, single: bool) -> str | None:
        """Return the label of a line whose kind, at ``end``, is not used; None where that is not certain.

        ``single``: no line around has two fields that tell its kind.
        """
        start, stop = line
        view = memoryview(data)
        if not single and sum(data.count(key, start, stop) for key in self.keys) != 1:
            return None
        if self._kind.judge is not None:
            return self._word(data, line, end)
        tail = bytes(view[max(start, end - _TAIL) : end])
        place = data.find(_CHANNEL, start, stop)
        text = place + len(_CHANNEL) - 1
        channel = bytes(view[text : data.find(b'"', text + 1, stop) + 1]) if place > 0 else b""
        if b"\\" in channel or data[place - 1] == _BACKSLASH or channel in {b"", b'""', b'"-"'}:
            return self._slow(bytes(view[start:stop]), tail)
        self._channel = b'"Channel":' + channel
        try:
            return self._known[tail, channel]
        except KeyError:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            label = self._known[tail, channel] = self._numbered(channel, tail)
            return label

    def _word(self, data: bytearray, line: Span, end: int) -> str | None:
        start, stop = line
        key = data.rfind(self.keys[0], start, end)
        begin = data.find(b'"', key + len(self.keys[0]), stop)
        token = bytes(memoryview(data)[begin : data.find(b'"', begin + 1, stop) + 1])
        if key < 1 or data[key - 1] == _BACKSLASH or token.endswith(b'\\"'):
            return None
        try:
            return self._words[token]
        except KeyError:
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            word = _text(token)
            assert self._kind.judge is not None  # noqa: S101 - the caller looked
            label = self._kind.judge({self._kind.event[0]: word}) if word not in NOTHING else None
            self._words[token] = label
            return label

    def _slow(self, line: bytes, tail: bytes) -> str | None:
        for channel in _CHANNELS:
            found = channel.findall(line)
            if len(found) > 1:
                return None
            if found and found[0] not in {b'""', b'"-"'}:
                return self._numbered(found[0], tail) if found[0].startswith(b'"') else None
        return self._numbered(b"", tail)

    def _numbered(self, channel: bytes, tail: bytes) -> str | None:
        key = max(tail.rfind(key) for key in self.keys)
        number = _TOLD.search(tail)
        return None if number is None or key < 1 or tail[key - 1] == _BACKSLASH else _named(channel, number[1])


def _named(channel: bytes, number: bytes) -> str:
    """Return channel and number of a Windows event, as ``sysmon.Event.label`` does."""
    text = _text(channel).strip() if channel else ""
    name = ("" if text in NOTHING else text) or "other channel"
    return f"{name.partition('/')[0].rpartition('-')[2][:40]} {int(number)}"


def _text(quoted: bytes) -> str:
    try:
        return msgspec.json.decode(quoted, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
