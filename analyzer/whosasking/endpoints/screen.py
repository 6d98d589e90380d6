"""One Hyperscan pass over raw blocks of JSON lines: which of them have to be decoded, and what the others are.

Most lines of an export are events of a kind that is never used; they are counted by that kind, as decoding would have
counted them. Given what is looked for, lines about anything else are passed over as well. What a screen cannot judge is
decoded; a line that is no whole object (it does not begin and end with a brace) is decoded too, to be told.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Final

import stringzilla

from whosasking.endpoints.hosts_named import HostsNamed
from whosasking.endpoints.kinds import (
    COMMAND_FIELDS,
    fields,
    literal,
    number,
    other_number,
    other_texts,
    text_field,
    unjudged,
)
from whosasking.endpoints.labels import Labels
from whosasking.sieve import CASELESS, LINES, NO_OBJECT, NOT_CLOSED, ONCE, Scanner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.endpoints.kinds import Kind
    from whosasking.sieve import Span

_MUST, _WANTED, _OTHER, _COMMAND, _KEY = range(5)
_NUMBERED: Final = 16
_BITS: Final = 8
_MASK: Final = (1 << _BITS) - 1
_FREQUENT: Final = (
    *(*range(2, 30), 255),
    *(4624, 4625, 4627, 4634, 4648, 4656, 4657, 4658, 4660, 4661, 4662, 4663, 4670, 4672, 4673, 4690, 4702, 4703),
    *(4768, 4769, 4776, 4798, 4799, 5140, 5142, 5145, 5152, 5154, 5157, 5158, 5379, 5447),
)
"""Sysmon's and Security's usual event ids: each has an expression of its own, so that most need no second look."""


class Screen:
    """A compiled screen for the files of one kind, one after another. ``lines`` may be called from any thread.

    ``wanted`` are expressions (in any case) for lines to decode; None: every line that is not of an unused kind.
    ``in_commands`` are more of them, which are looked for only where some line has a command line.
    ``hosts``: some lines of every host as well, so that none remains unknown.
    """

    def __init__(
        self,
        kind: Kind,
        wanted: Iterable[bytes] | None = None,
        in_commands: Iterable[bytes] = (),
        *,
        hosts: bool = False,
    ) -> None:
        """Compile. Raises ValueError for an expression Hyperscan refuses."""
        self._everything = wanted is None
        self._numbers = [one for one in _FREQUENT if one not in kind.used] if kind.used else []
        self._labels = Labels(kind)
        patterns = [(NO_OBJECT, _MUST, LINES), (NOT_CLOSED, _MUST, LINES)]
        patterns += [(literal(one), _MUST, CASELESS) for one in unjudged(kind)]
        patterns += self._unused(kind)
        if wanted is not None:
            patterns += [(literal(one), _WANTED, 0) for one in kind.always]
            patterns += [(one, _WANTED, CASELESS) for one in sorted(set(wanted))]
        commands = [(one, _WANTED, CASELESS) for one in in_commands]
        self._commands = Scanner(commands) if commands else None
        if commands:
            patterns += [(literal(one), _COMMAND, CASELESS | ONCE) for one in COMMAND_FIELDS]
        self._hosts = HostsNamed(kind.hosts) if hosts else None
        self._scanner = Scanner(patterns)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._troubled = False

    def _unused(self, kind: Kind) -> list[tuple[bytes, int, int]]:
        if kind.judge is not None:
            others = other_texts(text_field(kind.event), (f'{word}"'.encode() for word in kind.words))
            return [(one, _OTHER, 0) for one in others]
        found = [(number(kind.event, b"%d" % one), _NUMBERED + place, 0) for place, one in enumerate(self._numbers)]
        if kind.event:
            found.append((number(kind.event, other_number({*kind.used, *self._numbers})), _OTHER, 0))
        for place, name in enumerate(kind.event):
            found += [(literal(one), _KEY + place, ONCE) for one in fields([name])]
        return found

    def take(self) -> tuple[dict[str, int], bool]:
        """Return how many lines were of each unused kind since the last call, and whether one could not be judged."""
        counts, troubled = self._counts, self._troubled
        self._counts, self._troubled = Counter(), False
        return counts, troubled

    def may_name(self, hosts: Iterable[str]) -> bool:
        """Tell whether some line so far may have been of one of ``hosts``, which are in lower case."""
        return self._hosts is None or self._hosts.may_name(hosts)

    def lines(self, data: bytearray, size: int) -> list[Span]:
        """Return where the lines of ``data[:size]`` that have to be decoded begin and end, in order, each once."""
        codes: list[int] = []
        add = codes.append
        self._scanner.scan(data, size, lambda kind, _start, end, _flags, _context: add(end << _BITS | kind))
        codes.sort()
        telling: list[int] = []
        unused: list[int] = []
        keys, must, commands = set(), False, False
        for code in codes:
            kind = code & _MASK
            if kind == _OTHER or kind >= _NUMBERED:
                unused.append(code)
            elif kind >= _KEY:
                keys.add(kind - _KEY)
            elif kind == _COMMAND:
                commands = True
            else:
                telling.append(code)
                must = must or kind == _MUST
        self._troubled = self._troubled or must
        lines = self._lines_told_by_one(data, size, keys) if not must else 0
        if not lines or lines != len(unused):
            more = self._hosts.unknown(data, size) if self._hosts is not None else []
            if commands and self._commands is not None:
                self._commands.scan(data, size, lambda _id, _start, end, _flags, _context: more.append(end))
            if more:
                telling = sorted([*telling, *(end << _BITS | _WANTED for end in more)])
        return self._judged(data, size, telling, unused, single=lines > 0)

    def _lines_told_by_one(self, data: bytearray, size: int, keys: set[int]) -> int:
        """Return a block's number of lines where one field alone tells kinds, as often as there are lines; else 0."""
        if len(keys) != 1:
            return 0
        view = memoryview(data)[:size]
        lines = int(stringzilla.count(view, b"\n")) + (data[size - 1] != ord("\n"))
        return lines if int(stringzilla.count(view, self._labels.keys[keys.pop()])) == lines else 0

    def _judged(self, data: bytearray, size: int, telling: list[int], unused: list[int], *, single: bool) -> list[Span]:
        if not unused:
            return _lines(data, 0, size) if self._everything else _spans(data, size, telling)
        if single and not self._everything and self._labels.holds_throughout(memoryview(data)[:size]):
            counts: Counter[str] = Counter()
            for kind, times in Counter(code & _MASK for code in unused if code & _MASK != _OTHER).items():
                counts[self._labels.of(self._numbers[kind - _NUMBERED])] += times
            rest = [code for code in unused if code & _MASK == _OTHER]
            if not rest:
                self._count(counts)
                return [span for span in _spans(data, size, telling) if not _within(span, unused)]
        return self._by_line(data, size, sorted([*telling, *unused]), single=single)

    def _by_line(self, data: bytearray, size: int, codes: list[int], *, single: bool) -> list[Span]:
        """Put matches together by line, and count the lines of an unused kind."""
        spans: list[Span] = []
        counts: Counter[str] = Counter()
        at, count, done = 0, len(codes), 0
        while at < count:
            start, stop = _line(data, size, codes[at] >> _BITS)
            told, must = 0, False
            while at < count and codes[at] >> _BITS <= stop + 1:
                kind = codes[at] & _MASK
                must = must or kind == _MUST
                told = codes[at] >> _BITS if kind == _OTHER or kind >= _NUMBERED else told
                at += 1
            label = self._labels.read(data, (start, stop), told, single=single) if told and not must else None
            if label is not None:
                counts[label] += 1
            if self._everything and start > done:
                spans += _lines(data, done, start)
            if label is None:
                spans.append((start, stop))
            done = stop + 1
        if self._everything and done < size:
            spans += _lines(data, done, size)
        self._count(counts)
        return spans

    def _count(self, counts: Counter[str]) -> None:
        with self._lock:
            self._counts.update(counts)


def _within(span: Span, codes: list[int]) -> bool:
    """Tell whether a line holds one of the matches."""
    at = bisect_left(codes, (span[0] + 1) << _BITS)
    return at < len(codes) and codes[at] >> _BITS <= span[1] + 1


def _line(data: bytearray, size: int, end: int) -> Span:
    """Return the line that a match ends in."""
    stop = data.find(b"\n", end - 1, size)
    return data.rfind(b"\n", 0, end - 1) + 1, size if stop < 0 else stop


def _spans(data: bytearray, size: int, codes: list[int]) -> list[Span]:
    spans: list[Span] = []
    covered = 0
    for code in codes:
        end = code >> _BITS
        if end > covered:
            spans.append(_line(data, size, end))
            covered = spans[-1][1] + 1
    return spans


def _lines(data: bytearray, start: int, stop: int) -> list[Span]:
    found = []
    while start < stop:
        end = data.find(b"\n", start, stop)
        end = stop if end < 0 else end
        found.append((start, end))
        start = end + 1
    return found
