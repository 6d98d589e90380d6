"""What stands behind the process of an attribution: the application it works for, the script it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from whosasking.model import Attributed

if TYPE_CHECKING:
    from whosasking.model import Attribution, Process


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


def explained(given: Attribution, known: KnowsPrograms) -> Attribution:
    """Add what stands behind the process, where there is one."""
    if not isinstance(given, Attributed):
        return given
    application, script = known.application(given.process), known.script(given.process)
    if application is None and script is None:
        return given
    return msgspec.structs.replace(given, application=application, script=script)
