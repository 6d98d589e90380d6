"""Software that looks things up for good reasons: a hint for the reader, never a reason to hide anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.catalogue.commands import MAX_LINE, program_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.catalogue.records import BenignFact
    from whosasking.model import Process

_ANCESTORS: Final = 16


class BenignSoftware:
    """Knows benign software by process and by what stands above it."""

    def __init__(self, facts: Iterable[BenignFact]) -> None:
        """Index ``facts``."""
        facts = tuple(facts)
        self._by_name = {name: fact.software for fact in facts for name in fact.processes}
        self._commands = [(re.compile(fact.command, re.IGNORECASE), fact.software) for fact in facts if fact.command]

    def hint(self, process: Process) -> str | None:
        """Return what software a process belongs to, nearest first; None for nothing known."""
        above: Process | None = process
        for _ in range(_ANCESTORS):
            if above is None:
                return None
            found = self._by_name.get(program_name(above.name)) or self._by_command(above.command_line)
            if found:
                return found
            above = above.parent
        return None

    def _by_command(self, command_line: str | None) -> str | None:
        if not command_line:
            return None
        line = command_line[:MAX_LINE]
        return next((software for pattern, software in self._commands if pattern.search(line)), None)
