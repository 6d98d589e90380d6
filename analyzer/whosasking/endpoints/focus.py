"""Large exports beside sensors' logs: all records of the hosts that matter, and of the others only that they are there.

Every file is gone through twice. The first time, lines that can tell whose records matter are decoded (``interest``);
the second time those of the hosts that do. Files of other forms (CSV, XML, arrays) are read whole, once, in the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from whosasking.bytestream import BadStream
from whosasking.endpoints.containers import is_document, is_table_document
from whosasking.endpoints.interest import Focused, Scout
from whosasking.endpoints.interface import Noted
from whosasking.endpoints.kinds import KINDS, literal
from whosasking.endpoints.lines import head_of, is_wide
from whosasking.endpoints.products import take_lines
from whosasking.endpoints.reading import NOT_USED, OTHER_HOST
from whosasking.endpoints.screen import Screen
from whosasking.inputs import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.endpoints.containers import Line
    from whosasking.endpoints.crew import Crew
    from whosasking.endpoints.interest import Interest
    from whosasking.inputs import Input

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]*(?![Ee])[A-Za-z_][A-Za-z0-9._-]*", re.ASCII)


class Sift(Protocol):
    """Reads a file's lines through a screen, on as many cores as there are."""

    def __call__(self, inp: Input, tally: Tally, screen: Screen) -> Iterator[Line]:
        """Yield the lines that pass, with their numbers; bytes, lines (as records) and damage go into ``tally``."""


class _Scouted(NamedTuple):
    """A file after its first pass: its lines, those of unused kinds, and whether one could not be judged."""

    inp: Input
    tally: Tally
    lines: int
    unused: dict[str, int]
    troubled: bool


def is_screened(inp: Input) -> bool:
    """Tell whether a file's lines can be screened: one object a line, of a known kind."""
    if inp.kind not in KINDS:
        return False
    try:
        head = head_of(inp)
        return not (is_wide(inp) or is_table_document(head) or is_document(head))
    except (OSError, BadStream):
        return False


class Focus:
    """Reads files of JSON lines for the hosts that matter: ``scout`` each once, then ``read`` what was scouted."""

    def __init__(self, interest: Interest, collector: Focused, crew: Crew, sift: Sift) -> None:
        """Nothing scouted yet."""
        self._interest = interest
        self._collector = collector
        self._crew = crew
        self._sift = sift
        self._screens: dict[str, Screen] = {}
        self._scouted: list[_Scouted] = []

    def scout(self, inp: Input, tally: Tally) -> None:
        """Find out from a file whose records matter, and which hosts there are."""
        interest, kind = self._interest, inp.kind
        if kind not in self._screens:
            self._screens[kind] = Screen(KINDS[kind], interest.expressions(), interest.in_commands(), hosts=True)
        screen, scout = self._screens[kind], Scout(interest)
        take_lines(kind, self._sift(inp, tally, screen), scout, Tally(inp.path), Noted())
        self._collector.meet(scout)
        lines, tally.records = tally.records, 0
        self._scouted.append(_Scouted(inp, tally, lines, *screen.take()))

    def read(self) -> None:
        """Read the records of the hosts that matter into the collector."""
        hosts = self._interest.settle()
        self._collector.only(hosts)
        wanted = named([self._collector.spelling(host) for host in hosts])
        lowered = {name.casefold() for name in hosts}
        second: dict[str, Screen] = {}
        for file in self._scouted:
            kind = file.inp.kind
            noted = Noted()
            _add(noted, file.unused)
            lines: Iterator[Line] = iter(())
            if file.troubled or wanted is None or self._screens[kind].may_name(lowered):
                if kind not in second:
                    second[kind] = Screen(KINDS[kind], wanted)
                lines = self._sift(file.inp, Tally(file.inp.path), second[kind])
            self._crew.take(kind, _accounted(lines, file, noted), file.tally, noted)


def named(hosts: Iterable[str]) -> list[bytes] | None:
    """Return expressions, in any case, of which a record of one of ``hosts`` holds one.

    None where a name can stand in JSON in other characters than its own: escaped, with small and
    capital letters that are not ASCII's, or as a number.
    """
    if not all(_PLAIN.fullmatch(host) for host in hosts):
        return None
    return [literal(host.encode()) for host in hosts]


def read_whole(inp: Input, tally: Tally, crew: Crew, sift: Sift, screens: dict[str, Screen]) -> None:
    """Read all records of a file, but those of unused kinds, which are only counted.

    ``screens``, by kind, are those of the files before: to compile one takes as long as to read some megabytes.
    """
    if inp.kind not in screens:
        screens[inp.kind] = Screen(KINDS[inp.kind])
    screen, noted = screens[inp.kind], Noted()

    def lines() -> Iterator[Line]:
        handed = 0
        for line in sift(inp, tally, screen):
            handed += 1
            yield line
        tally.records -= handed  # they are counted as they are read
        _add(noted, screen.take()[0])

    crew.take(inp.kind, lines(), tally, noted)


def _add(noted: Noted, unused: dict[str, int]) -> None:
    for label, count in sorted(unused.items()):
        noted.add(NOT_USED, label, count)


def _accounted(lines: Iterable[Line], file: _Scouted, noted: Noted) -> Iterator[Line]:
    """Yield the lines; when there are no more, count those that were not among them."""
    handed = 0
    for line in lines:
        handed += 1
        yield line
    file.tally.records += file.lines - handed
    if passed := file.lines - handed - sum(file.unused.values()):
        noted.add(OTHER_HOST, count=passed)
