"""What stands behind a process: the application of a browser's or WebView's helper, the script in an interpreter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.catalogue.commands import MAX_LINE, program_name, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whosasking.model import Process

_ANCESTORS: Final = 8
_LONGEST: Final = 200
_HELPER: Final = re.compile(r"(?:\s--(?:type|utility-sub-type)=|\s-contentproc\b|WebKit\.(?:Networking|WebContent))")
_HOST_PROGRAM: Final = re.compile(r"--webview-exe-name=\"?([^\s\"]+)", re.IGNORECASE)
_POWERSHELL: Final = frozenset({"powershell", "pwsh"})
_TAKES_VALUE: Final = frozenset(
    {"-W", "-X", "-I", "-r", "--require", "--import", "-cp", "-classpath", "--class-path", "-o", "-File", "-O"}
)
_INLINE: Final = re.compile(r"-[a-zA-Z]*[ceE]\Z|--eval\Z|/[ckCK]\Z")
_SEPARATORS: Final = frozenset({";", "|", "&", "(", ")", "`", "\n"})
_PS_FILE: Final = re.compile(r"[-/]f(?:i|il|ile)?\Z", re.IGNORECASE)
_PS_CODE: Final = re.compile(r"[-/](?:c(?:o\w*)?|e(?:c|n\w*)?)\Z", re.IGNORECASE)
_PS_VALUE: Final = re.compile(r"[-/](?:ex\w*|ep|w\w*|v\w*|in\w*|of?\w*|ps\w*|conf\w*)\Z", re.IGNORECASE)
INLINE: Final = "code in its command line"


def application(process: Process, is_engine: Callable[[str], bool], *, embedded: bool) -> Process | None:
    """Return the process that a helper works for; None where a process is no helper or its parents are not recorded.

    ``is_engine`` tells names of browsers and of engines inside other programs, ``embedded`` whether this is one of the
    latter: then it works for the first program above it that is none, which its own flag may name as well.
    """
    line = (process.command_line or "")[:MAX_LINE]
    if not embedded and not _HELPER.search(line):
        return None

    def is_same(one: Process) -> bool:
        return one.name.casefold() == process.name.casefold() or is_engine(one.name)

    if embedded:
        named = _HOST_PROGRAM.search(line)
        outside = next((one for one in _above(process) if not is_same(one)), None)
        if named and (outside is None or outside.name.casefold() != named[1].casefold()):
            return msgspec.structs.replace(
                process, key="", name=named[1], pid=None, path=None, command_line=None, started=None, parent=None
            )
        return outside
    found = None
    for one in _above(process):
        if not is_same(one):
            break
        found = one
    return found


def script(process: Process, is_interpreter: Callable[[str], bool]) -> str | None:
    """Name the script, module or archive that an interpreter runs; None where it is no interpreter or runs none."""
    program = program_name(process.name)
    if not process.command_line or not is_interpreter(program):
        return None
    arguments = words(process.command_line)[1:]
    found = _powershell(arguments) if program in _POWERSHELL else _first(arguments)
    return found[:_LONGEST] if found else None


def _first(arguments: list[str]) -> str | None:
    waiting = iter(arguments)
    for word in waiting:
        if word in _SEPARATORS:
            return None
        if word in {"-m", "-jar"}:
            return " ".join([word, next(waiting, "")]).strip()
        if _INLINE.match(word):
            return INLINE
        if word in _TAKES_VALUE:
            next(waiting, None)
        elif not word.startswith("-"):
            return word
    return None


def _powershell(arguments: list[str]) -> str | None:
    waiting = iter(arguments)
    for word in waiting:
        if _PS_FILE.match(word):
            return next(waiting, None)
        if _PS_CODE.match(word):
            return INLINE
        if _PS_VALUE.match(word):
            next(waiting, None)
        elif not word.startswith(("-", "/")):
            return word if word.lower().endswith(".ps1") else INLINE
    return None


def _above(process: Process) -> Iterator[Process]:
    one = process.parent
    for _ in range(_ANCESTORS):
        if one is None:
            return
        yield one
        one = one.parent
