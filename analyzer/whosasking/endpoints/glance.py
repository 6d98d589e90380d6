"""A first look at a JSON line, to pass over it when it certainly holds no event that is used.

Most lines of an export are file, registry and module events. Decoding only the few fields that tell an event's kind,
and passing over the rest of the line, is several times faster than building every value. A glance may let a line
through that turns out to mean nothing; it never holds back one that does, and a line that is no JSON is never judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from whosasking.endpoints import carried
from whosasking.endpoints.containers import WRAPPERS

_ENVELOPES = frozenset({*WRAPPERS, "_source", "tables", "hits"})
_REMEMBERED = 4096
Row = dict[str, Any]
Judge = Callable[[Row], "str | None"]
"""Says why a row is not used, from the fields it is given; None when it may be."""


class Glance:
    """``fields`` are decoded and given to ``judge``: why the row is not used (to be counted), None when it may be.

    A dot in a field's name descends into an object, once. A judgement is remembered by the fields' values, so that
    there must be few of them: kinds and hosts, no times. ``unless`` are bytes that mark a line no glance can judge:
    names with a dot, which could be any field.
    """

    def __init__(self, fields: tuple[str, ...], judge: Judge, unless: tuple[bytes, ...] = ()) -> None:
        """Build the decoder of these fields."""
        self._names = tuple(dict.fromkeys((*fields, *_ENVELOPES)))
        self._decode = msgspec.json.Decoder(_struct(self._names)).decode
        self._values = attrgetter(*(_attribute(number, name) for number, name in enumerate(self._names)))
        self.judge = judge
        # Typed: an EventID of true must not be remembered as that of 1, or a hostile row would hide real ones.
        self._remembered = lru_cache(maxsize=_REMEMBERED, typed=True)(self._judged)
        # A row that carries an event may have a field of the same name (Logstash's "type"), which is not the event's.
        self._unless = (*unless, *carried.MARKS, *carried.ORIGINAL)

    def unused(self, line: bytes) -> str | None:
        """Return why the row in ``line`` is certainly not used; None when it must be looked at."""
        for mark in self._unless:
            if mark in line:
                return None
        try:
            return self._remembered(*self._values(self._decode(line)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, AttributeError):
            # The last two: a field holds an object, a list, or null for an object, which is for the full look.
            return None

    def _judged(self, *values: object) -> str | None:
        row = {name: value for name, value in zip(self._names, values, strict=True) if value is not None}
        return None if not _ENVELOPES.isdisjoint(row) else self.judge(row)


def _struct(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return a type whose fields are these names and nothing else, so that the rest of a row is passed over."""
    fields: list[tuple[str, Any, Any]] = []
    for number, name in enumerate(names):
        inner = name.partition(".")[2]
        if inner:
            kind = msgspec.defstruct("Inner", [("f", Any, None)], rename={"f": inner}, gc=False)
            fields.append((f"f{number}", kind | None, msgspec.field(default_factory=kind)))
        else:
            fields.append((f"f{number}", Any, None))
    rename = {f"f{number}": name.partition(".")[0] for number, name in enumerate(names)}
    return msgspec.defstruct("Seen", fields, rename=rename, gc=False)


def _attribute(number: int, name: str) -> str:
    return f"f{number}.f" if "." in name else f"f{number}"
