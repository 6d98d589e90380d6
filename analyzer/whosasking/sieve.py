"""Bytes in, the interesting lines out: one Hyperscan pass over raw blocks before anything is parsed.

The sieve may let a line through that means nothing; it must never hold back one that does. It knows bytes and line
ends, nothing else.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import hyperscan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Span = tuple[int, int]
"""Where a line begins and ends (without its ``\\n``) in a buffer."""

HEADER: Final = rb"^#"
"""A Zeek header line, wherever it stands."""
NO_OBJECT: Final = rb"^[^{\r\n]"
NOT_CLOSED: Final = rb"[^}\r\n]\r?\n"
"""Lines of a JSON log that cannot be whole objects: each is told, not passed over."""
CASELESS: Final = hyperscan.HS_FLAG_CASELESS
LINES: Final = hyperscan.HS_FLAG_MULTILINE
ONCE: Final = hyperscan.HS_FLAG_SINGLEMATCH
"""Flags of an expression: any case; ``^`` and ``$`` at lines; told once a block at most."""


class Scanner:
    """Compiled expressions, each with a number that a match is told by. One instance serves any number of threads."""

    def __init__(self, patterns: Iterable[tuple[bytes, int, int]]) -> None:
        """Compile expression, number and Hyperscan's flags of each. Raises ValueError for one Hyperscan refuses."""
        expressions, numbers, flags = zip(*patterns, strict=True)
        self._local = threading.local()
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            self._database.compile(
                expressions=list(expressions), ids=list(numbers), elements=len(numbers), flags=list(flags)
            )
        except hyperscan.HyperscanError as error:
            raise ValueError(f"pattern refused: {error}") from None
        self._scratch = hyperscan.Scratch(self._database)
        self._cloning = threading.Lock()

    def scan(self, data: bytearray, size: int, on_match: Callable[[int, int, int, int, object], bool | None]) -> None:
        """Call ``on_match`` with number, 0, where the match ends, 0, None for each match in ``data[:size]``."""
        self._database.scan(
            memoryview(data)[:size],  # type: ignore[type-var]  # any buffer will do
            match_event_handler=on_match,
            scratch=self._own_scratch(),
        )

    def _own_scratch(self) -> hyperscan.Scratch:
        """Return this thread's scratch space: a scratch serves one scan at a time."""
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            with self._cloning:
                scratch = self._local.scratch = self._scratch.clone()
        return scratch


class Sieve:
    """A compiled set of patterns. One instance serves any number of threads.

    ``literals`` match in any case; ``regexes`` are Hyperscan expressions in which ``^`` is a line start; ``exact``
    match byte for byte. With none of them at all, nothing passes.
    """

    def __init__(
        self, literals: Iterable[bytes] = (), regexes: Iterable[bytes] = (), exact: Iterable[bytes] = ()
    ) -> None:
        """Compile the patterns. Raises ValueError for a pattern Hyperscan refuses."""
        self._made_of = (frozenset(literals), frozenset(regexes), frozenset(exact))
        literals, regexes, exact = self._made_of
        patterns = [(re.escape(literal), CASELESS) for literal in sorted(literals)]
        patterns += [(regex, LINES) for regex in sorted(regexes)]
        patterns += [(re.escape(literal), 0) for literal in sorted(exact)]
        numbered = [(pattern, number, flags) for number, (pattern, flags) in enumerate(patterns)]
        self._scanner = Scanner(numbered) if numbered else None

    def lines(self, data: bytearray, size: int) -> list[Span]:
        """Return the lines of ``data[:size]`` that hold a match, in order, each once."""
        if self._scanner is None or not size:
            return []
        ends: list[int] = []
        self._scanner.scan(data, size, lambda _id, _start, end, _flags, _context: ends.append(end))
        ends.sort()
        spans: list[Span] = []
        covered = 0
        for end in ends:
            if end <= covered:
                continue
            start = data.rfind(b"\n", 0, end - 1) + 1
            stop = data.find(b"\n", end - 1, size)
            stop = size if stop < 0 else stop
            spans.append((start, stop))
            covered = stop + 1
        return spans

    def __reduce__(self) -> tuple[Callable[..., Sieve], tuple[frozenset[bytes], ...]]:
        """Travel to another process as patterns: a compiled database is bound to its processor."""
        return _again, self._made_of


@lru_cache(maxsize=4)
def _again(literals: frozenset[bytes], regexes: frozenset[bytes], exact: frozenset[bytes]) -> Sieve:
    """Compile a sieve that came from another process, once for all its tasks here."""
    return Sieve(literals, regexes, exact)
