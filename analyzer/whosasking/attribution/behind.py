"""What stands behind the process of an attribution: the application it works for, the script it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from whosasking.model import Attributed
from whosasking.recent import Recent

if TYPE_CHECKING:
    from whosasking.model import Attribution, Process

_Found = tuple["Process | None", str | None]
_REMEMBERED = 1 << 14


class _Tool(Protocol):
    @property
    def kind(self) -> str:
        """Kind of client, as the catalogue says."""


class KnowsTools(Protocol):
    """The part of the catalogue that attribution asks: is this process a known client."""

    def tool(self, process_name: str, command_line: str | None) -> _Tool | None:
        """Give the known client a process is."""


class KnowsPrograms(KnowsTools, Protocol):
    """The part of the catalogue that knows helpers of applications, and interpreters."""

    def application(self, process: Process) -> Process | None:
        """Return what a helper of a browser or of an engine inside another program works for."""

    def script(self, process: Process) -> str | None:
        """Name the script an interpreter runs."""


class Behind:
    """Looks behind processes; remembers what it found of the latest ones, for most connections are of few."""

    def __init__(self, known: KnowsPrograms) -> None:
        """Nothing looked at yet."""
        self._known = known
        self._found = Recent[_Found](_REMEMBERED)

    def of(self, process: Process) -> _Found:
        """Return the application a process works for and the script it runs, each None where there is none."""
        found = self._found.get(process)
        if found is None:
            found = self._known.application(process), self._known.script(process)
            self._found.keep(process, found, _size(process))
        return found

    def explain(self, given: Attribution) -> Attribution:
        """Add what stands behind the process, where there is one."""
        if not isinstance(given, Attributed):
            return given
        application, script = self.of(given.process)
        if application is None and script is None:
            return given
        return msgspec.structs.replace(given, application=application, script=script)


def _size(process: Process | None) -> int:
    """Return about how many characters a process and its ancestors have."""
    size = 0
    while process is not None:
        size += len(process.path or "") + len(process.command_line or "")
        process = process.parent
    return size
