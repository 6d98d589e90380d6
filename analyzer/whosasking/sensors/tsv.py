r"""Zeek's tab-separated logs (ASCII writer): headers that may change mid-stream, typed rows.

Format: https://docs.zeek.org/en/master/log-formats.html. Unset fields are left out of a row; strings come without their
``\xNN`` escapes; bytes that are no UTF-8 are shown as ``\xNN`` again, the way Zeek's JSON writer shows them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.model import SECOND
from whosasking.sensors.values import decimal_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, object]
"""Zeek field name -> value: int (count, port; microseconds for time, interval), float, bool, str or tuple of those."""

_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(\\))")
_FRACTION: Final = len(".123456")
_USUAL: Final = len("1700000000000.123456")
_CONTAINER: Final = re.compile(r"(?:set|vector)\[(\w+)\]\Z")


class BadRow(ValueError):  # noqa: N818 - reads as the reason it carries
    """A line that is no row of its log; ``str()`` says why."""


def unescape(raw: bytes) -> str:
    """Undo the writer's escapes."""
    return unescape_bytes(raw).decode("utf-8", "backslashreplace")


def text_of(raw: bytes) -> str:
    """Return the text in a cell that is set and not empty."""
    return unescape(raw) if b"\\" in raw else raw.decode("utf-8", "backslashreplace")


def unescape_bytes(raw: bytes) -> bytes:
    """Undo the writer's escapes, as bytes."""
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]) if match[1] else b"\\", raw)


def _time(raw: bytes) -> int:
    whole, fraction = raw[:-_FRACTION], raw[1 - _FRACTION :]
    if raw[-_FRACTION : 1 - _FRACTION] == b"." and len(raw) <= _USUAL and whole.isdigit() and fraction.isdigit():
        return int(whole) * SECOND + int(fraction)  # as Zeek writes every time: this is half of a row's cost
    micros = decimal_micros(raw.decode("ascii"))
    if micros is None:
        raise ValueError(raw)
    return micros


def _integer(raw: bytes) -> int:
    return int(raw)


def _bool(raw: bytes) -> bool:
    if raw not in (b"T", b"F"):
        raise ValueError(raw)
    return raw == b"T"


def _double(raw: bytes) -> float:
    return float(raw)


_SCALARS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "time": _time,
    "interval": _time,
    "count": _integer,
    "int": _integer,
    "port": _integer,
    "double": _double,
    "bool": _bool,
}


class Header:
    """What the ``#`` lines above a row said. A ``#fields`` line begins a new header where its columns differ."""

    def __init__(self) -> None:
        """Zeek's defaults, no columns."""
        self.separator = b"\t"
        self.set_separator = b","
        self.empty = b"(empty)"
        self.unset = b"-"
        self.path: str | None = None
        self.fields: tuple[str, ...] = ()
        self.types: tuple[str, ...] = ()
        self._converters: tuple[Callable[[bytes], object], ...] = ()

    def take(self, line: bytes) -> None:
        """Learn from one ``#`` line; lines of no meaning here (``#open``, ``#close``, comments) are passed over."""
        if line.startswith(b"#separator"):
            self.separator = _separator(line)
            return
        name, _, rest = line.partition(self.separator)
        if name == b"#set_separator":
            self.set_separator = rest or self.set_separator
        elif name == b"#empty_field":
            self.empty = rest
        elif name == b"#unset_field":
            self.unset = rest
        elif name == b"#path":
            self.path = unescape(rest)
        elif name == b"#fields":
            self.fields, self.types, self._converters = self._names(rest), (), ()
        elif name == b"#types":
            self.types = self._names(rest)
            self._converters = tuple(self._converter(kind) for kind in self.types)

    def _names(self, rest: bytes) -> tuple[str, ...]:
        return tuple(unescape(name) for name in rest.split(self.separator))

    def _converter(self, kind: str) -> Callable[[bytes], object]:
        container = _CONTAINER.match(kind)
        if container is None:
            return _SCALARS.get(kind, self._text)
        element = _SCALARS.get(container[1], unescape)
        return lambda raw: self._members(raw, element)

    def _text(self, raw: bytes) -> str:
        if b"\\" in raw:
            return unescape(raw)
        return "" if raw == self.empty else raw.decode("utf-8", "backslashreplace")

    def _members(self, raw: bytes, element: Callable[[bytes], object]) -> tuple[object, ...]:
        if raw == self.empty:
            return ()
        return tuple(element(member) for member in raw.split(self.set_separator) if member != self.unset)

    def row(self, line: bytes) -> Row:
        """Return the typed fields of ``line`` that are set. Raises BadRow."""
        return self.typed(line.split(self.separator))

    def typed(self, values: list[bytes]) -> Row:
        """Return the typed fields of a line already cut into columns. Raises BadRow."""
        if not self.fields:
            raise BadRow("no #fields line before it")
        if len(values) != len(self.fields) or len(self.types) != len(self.fields):
            raise BadRow(f"{len(values)} columns where the header names {len(self.fields)}")
        row: Row = {}
        unset, name, raw = self.unset, "", b""
        try:
            for name, convert, raw in zip(self.fields, self._converters, values, strict=True):
                if raw != unset:
                    row[name] = convert(raw)
        except ValueError:
            kind = self.types[self.fields.index(name)]
            raise BadRow(f"{name} is no {kind}: {raw[:40].decode('utf-8', 'backslashreplace')!r}") from None
        return row


def _separator(line: bytes) -> bytes:
    r"""``#separator \x09`` -> a tab."""
    return unescape_bytes(line[len(b"#separator") :].strip(b" ")) or b"\t"
