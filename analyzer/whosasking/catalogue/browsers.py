"""Browsers by process: which names are browsers, where they are installed, and what marks one that a program drives."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING, Final

from whosasking.catalogue import behind
from whosasking.catalogue.commands import MAX_LINE, program_name, words
from whosasking.catalogue.records import Browser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.catalogue.records import AutomationFacts, BrowserFact
    from whosasking.model import Process

_ANCESTORS: Final = 8
_MAX_PATH: Final = 4096
_HELPER: Final = re.compile(r"(.+?) helper(?: \([^)]*\))?")
_DEVICE: Final = re.compile(
    r"(?:\\\\\?\\|\\\?\?\\)?(?:[a-z]:|\\device\\harddiskvolume\d+|\\\\[.?]\\[^\\]+)(?=\\)", re.IGNORECASE
)
_HOST_PROGRAM: Final = re.compile(r"--webview-exe-name=\"?([^\s\"]+)", re.IGNORECASE)


class Browsers:
    """Knows browsers. Names are compared without regard to case."""

    def __init__(self, facts: Iterable[BrowserFact], automation: AutomationFacts) -> None:
        """Index ``facts``."""
        self._by_name: dict[str, list[BrowserFact]] = {}
        for fact in facts:
            for name in fact.names:
                self._by_name.setdefault(name.lower(), []).append(fact)
        self._flags = frozenset(automation.flags)
        self._drivers = frozenset(automation.drivers)
        self._runtimes = frozenset(automation.runtimes)
        self._frameworks = re.compile("|".join(map(re.escape, automation.frameworks)), re.IGNORECASE)

    def browser(self, process_name: str) -> Browser | None:
        """Return the browser a process is by its name, helpers of macOS among them; None for anything else.

        An engine inside another program (WebView2) is no browser: nobody browses there.
        """
        facts = [fact for fact in self._facts(process_name) if fact.role != "embedded"]
        if not facts:
            return None
        fact = facts[0]
        return Browser(
            product=fact.product,
            engine=fact.engine,
            process_name=process_name,
            os=fact.os,
            automation=fact.role == "automation",
            seed=any(fact.seed for fact in facts),
        )

    def embedding(self, process: Process) -> str | None:
        """Name the program that a browser engine works for: WebView2's host by its own flag, else by its parent.

        None when the process is no embedded engine.
        """
        if not any(fact.role == "embedded" for fact in self._facts(process.name)):
            return None
        named = _HOST_PROGRAM.search(process.command_line or "")
        if named:
            return named[1]
        above = (one.name for one in _chain(process) if not self._facts(one.name))
        return next(above, "an unknown program")

    def application(self, process: Process) -> Process | None:
        """Return what a browser's helper or an embedded engine works for; None where it is neither or not recorded."""
        facts = self._facts(process.name)
        embedded = any(fact.role == "embedded" for fact in facts)
        return behind.application(process, lambda name: bool(self._facts(name)), embedded=embedded)

    def is_automated(self, process: Process) -> str | None:
        """Say why a browser is driven by a program, or None.

        Looks at its own flags and, above it, at the flags of the same browser (network service and renderers are
        children) and at WebDrivers and frameworks.
        """
        own = self.browser(process.name)
        if own is not None and own.automation:
            return f"{process.name} is a build that no person drives"
        still_browser = True
        for above in _chain(process):
            still_browser = still_browser and (above is process or bool(self._facts(above.name)))
            why = self._flagged(above) if still_browser else self._driving(above)
            if why:
                return why
        return None

    def install_path_ok(self, process: Process) -> bool | None:
        """Tell whether a browser's program lies where it is installed; None where path or places are not known."""
        facts = self._facts(process.name)
        folder = _folder(process.path)
        if not facts or folder is None or not all(fact.folders for fact in facts):
            return None
        places = {place for fact in facts for place in fact.folders}
        return any(_place(place).match(folder) for place in places)

    def _facts(self, process_name: str) -> list[BrowserFact]:
        name = process_name.lower()
        known = self._by_name.get(name)
        if known is None:
            helper = _HELPER.fullmatch(name)
            known = self._by_name.get(helper[1]) if helper else None
        return known or []

    def _flagged(self, process: Process) -> str | None:
        for word in words(process.command_line or "")[1:]:
            if word == "--":
                return None
            if word.startswith("-"):
                flag = word.lstrip("-").lower()
                if flag in self._flags or flag.partition("=")[0] in self._flags:
                    return f"started with {word[:80]}"
        return self._driving(process)

    def _driving(self, process: Process) -> str | None:
        """Say that a process above a browser is a WebDriver, or runs an automation framework."""
        name = program_name(process.name)
        if name in self._drivers:
            return f"driven by {process.name}"
        if name.rstrip("0123456789.") in self._runtimes:
            found = self._frameworks.search((process.command_line or "")[:MAX_LINE])
            return f"driven by {process.name} running {found[0].lower()}" if found else None
        return None


@cache
def _place(pattern: str) -> re.Pattern[str]:
    """Compile a folder of the facts when it is first asked for: most runs ask for few of them."""
    return re.compile(translate(pattern.lower()))


def _chain(process: Process) -> Iterator[Process]:
    """Give a process and those above it, a bounded number of them."""
    one: Process | None = process
    for _ in range(_ANCESTORS):
        if one is None:
            return
        yield one
        one = one.parent


def _folder(path: str | None) -> str | None:
    """Return the folder of a path in the spelling of the facts; None for a bare name."""
    if not path or len(path) > _MAX_PATH or not re.search(r"[\\/]", path):
        return None
    plain = _DEVICE.sub("", path, count=1).replace("\\", "/").lower()
    return plain.rpartition("/")[0] or "/"
