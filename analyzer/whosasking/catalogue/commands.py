"""Which programs a command line runs: also inside ``sh -c "..."``, behind sudo, in pipes and one-liners.

A reader, not a shell: it never fails, takes quotes away, and stops at bounds. What it yields are candidates; the tool
facts say which of them matter.
"""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.catalogue.records import CommandFacts

MAX_LINE: Final = 32_768
"""Windows' own limit for a command line."""
_MAX_WORDS: Final = 2048
_MAX_DEPTH: Final = 4
_MAX_COMMANDS: Final = 256
_SUFFIX: Final = re.compile(r"\.(?:exe|com|ex64|py|pyw|pl|rb|sh|bash|js|mjs|cjs|ts|php|ps1|cmd|bat|go|jar)\Z")
_VERSION: Final = re.compile(r"[-.]?\d+(?:\.\d+)*\Z")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?[smhd]?\Z")
_SEPARATORS: Final = frozenset(";|&()`\n")
_INLINE: Final = re.compile(r"-[a-z]*[cer]|--eval|--print|-command|/c|/k|/r", re.IGNORECASE)
_ENCODED: Final = re.compile(r"-e(?:c|nc|nco|ncod|ncode|ncoded\w*)?", re.IGNORECASE)
_IMPORT: Final = re.compile(r"\b(?:import|from|require|use|load)\b[\s('\"]*([\w:./@-]+)", re.IGNORECASE)
_IMPORTS: Final = 32


class Command(NamedTuple):
    """A program (name without folder and suffix, lower case) and its arguments. ``module``: a package, not a file."""

    program: str
    arguments: tuple[str, ...]
    module: bool = False


def program_name(path: str) -> str:
    """Return the name of a program from its path: no folder, no ``.exe`` or script suffix, lower case."""
    name = re.split(r"[\\/]", path.strip().strip("\"'"))[-1].lower()
    return _SUFFIX.sub("", name) or name


def words(line: str) -> list[str]:
    """Split a command line into words and separators (``; | & ( )``, backtick, newline), quotes removed."""
    found: list[str] = []
    word: list[str] = []
    quote, quoted = "", False
    for char in line[:MAX_LINE]:
        if quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "\"'":
            quote, quoted = char, True
        elif char.isspace() or char in _SEPARATORS:
            if word or quoted:
                found.append("".join(word))
            word, quoted = [], False
            if char in _SEPARATORS:
                found.append(char)
        else:
            word.append(char)
        if len(found) > _MAX_WORDS:
            return found
    if word or quoted:
        found.append("".join(word))
    return found


class Commands:
    """Finds the commands in a command line by what is known of shells, interpreters, wrappers and launchers."""

    def __init__(self, facts: CommandFacts) -> None:
        """Take the names from ``facts``."""
        self._shells = frozenset(facts.shells)
        self._interpreters = frozenset(facts.interpreters)
        self._wrappers = frozenset(facts.wrappers)
        self._launchers = frozenset(facts.launchers)

    def of(self, process_name: str, command_line: str | None) -> list[Command]:
        """Return the process's own command first, then those it runs. Bounded."""
        own = program_name(process_name)
        line = words(command_line or "")
        top = _segments(line)
        first = top[0][1:] if top else []
        found = [Command(own, tuple(first))]
        for command in self._run(own, first, 0):
            found.append(command)
            if len(found) >= _MAX_COMMANDS:
                return found
        if self.is_shell(own):  # cmd.exe /c a & b: what follows a separator is the shell's too
            for segment in top[1:]:
                found.extend(list(self._segment(segment, 1))[:_MAX_COMMANDS])
        return found[:_MAX_COMMANDS]

    def texts(self, command_line: str) -> list[str]:
        """Return the command line and what PowerShell's -EncodedCommand hides in it."""
        line = words(command_line)
        hidden = (_decoded(value) for flag, value in pairwise(line) if _ENCODED.fullmatch(flag))
        return [command_line, *(text for text in hidden if text)]

    def is_shell(self, program: str) -> bool:
        """Tell a shell."""
        return program in self._shells

    def is_interpreter(self, program: str) -> bool:
        """Tell an interpreter, ``python3.11`` like ``python``."""
        return program in self._interpreters or _VERSION.sub("", program) in self._interpreters

    def runs_scripts(self, program: str) -> bool:
        """Tell what runs scripts: shells and interpreters."""
        return self.is_shell(program) or self.is_interpreter(program)

    def _line(self, text: str, depth: int) -> Iterator[Command]:
        if depth < _MAX_DEPTH:
            for segment in _segments(words(text)):
                yield from self._segment(segment, depth)

    def _segment(self, segment: list[str], depth: int) -> Iterator[Command]:
        """Give the command of one pipeline part, and what it runs in turn."""
        rest = list(segment)
        while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] == "$"):
            rest = rest[1:]
        if not rest:
            return
        program = program_name(rest[0])
        yield Command(program, tuple(rest[1:]))
        yield from self._run(program, rest[1:], depth)

    def _run(self, program: str, arguments: list[str], depth: int) -> Iterator[Command]:
        """Give what ``program`` runs."""
        if depth >= _MAX_DEPTH:
            return
        if self.is_shell(program):
            yield from self._shell(arguments, depth + 1)
        if self.is_interpreter(program):
            yield from self._script(arguments, depth + 1)
        elif program in self._launchers:
            yield from self._package(arguments)
        if program in self._wrappers:
            yield from self._wrapped(arguments, depth + 1)
        for argument in arguments:
            if "$(" in argument or "`" in argument:
                yield from self._line(argument.replace("$(", ";"), depth + 1)

    def _shell(self, arguments: list[str], depth: int) -> Iterator[Command]:
        """Read ``-c "..."``, ``/c ...``, ``-Command ...``, ``-EncodedCommand ...`` or a script file."""
        for index, argument in enumerate(arguments):
            if _ENCODED.fullmatch(argument) and index + 1 < len(arguments):
                text = _decoded(arguments[index + 1])
                if text:
                    yield from self._line(text, depth)
                    return
            if _INLINE.fullmatch(argument):
                inline = arguments[index + 1 :]
                # One quoted word, or many where the product lost the quotes: both read the same when joined.
                yield from self._line(" ".join(inline), depth)
                return
            if not argument.startswith(("-", "/")) or "/" in argument[1:]:
                yield from self._segment(arguments[index:], depth)
                return

    def _script(self, arguments: list[str], depth: int) -> Iterator[Command]:
        """Read an interpreter's script file, ``-m module`` or the imports of a one-liner."""
        for index, argument in enumerate(arguments):
            rest = arguments[index + 1 :]
            if argument == "-m" and rest:
                yield Command(rest[0].lower(), tuple(rest[1:]), module=True)
                return
            if _INLINE.fullmatch(argument) and rest:
                for module in _IMPORT.findall(rest[0])[:_IMPORTS]:
                    yield from _modules(module, tuple(rest[1:]))
                return
            if argument.startswith("-M"):  # perl -MNet::Whois::Raw -e ...
                yield from _modules(argument[2:], tuple(rest))
            elif not argument.startswith("-") and argument not in self._launchers:
                script = program_name(re.sub(r"(?<=.)@[^/]*\Z", "", argument))
                yield Command(script, tuple(rest))
                if script in self._launchers:
                    yield from self._run(script, rest, depth)
                return

    def _package(self, arguments: list[str]) -> Iterator[Command]:
        """Read what npx, uvx, ``pipx run``, ``npm exec`` and the like start."""
        for index, argument in enumerate(arguments):
            if argument.startswith("-") or argument in self._launchers or argument == "exec":
                continue
            name = re.sub(r"(?<=.)(?:@|==).*\Z", "", argument).lower()
            yield Command(name, tuple(arguments[index + 1 :]), module=True)
            return

    def _wrapped(self, arguments: list[str], depth: int) -> Iterator[Command]:
        """Read the command behind sudo, timeout, xargs...: the first word that is no option, number or assignment.

        An option may take a value (``sudo -u root whois``), so the word after the first candidate counts as well.
        """
        tried = 0
        for index, argument in enumerate(arguments):
            if argument.startswith("-") or _NUMBER.match(argument) or _ASSIGNMENT.match(argument):
                continue
            yield from self._segment(arguments[index:], depth)
            tried += 1
            if tried == 2 or index == 0 or not arguments[index - 1].startswith("-"):  # noqa: PLR2004 - see above
                return


def _modules(name: str, arguments: tuple[str, ...]) -> Iterator[Command]:
    """Give a module by its full name and by its first part: ``whoisit.bootstrap`` is ``whoisit``."""
    full = name.lower().rstrip(";")
    yield Command(full, arguments, module=True)
    first = re.split(r"[./](?![/@])", full)[0]
    if first != full:
        yield Command(first, arguments, module=True)


def _segments(line: list[str]) -> list[list[str]]:
    """Cut words at separators."""
    found: list[list[str]] = [[]]
    for word in line:
        if word in _SEPARATORS:
            if found[-1]:
                found.append([])
        else:
            found[-1].append(word)
    return [segment for segment in found if segment]


def _decoded(text: str) -> str | None:
    """Decode PowerShell's -EncodedCommand: base64 of UTF-16."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (ValueError, UnicodeDecodeError):
        return None
