"""Processes that are lookup tools: by name, by what their command line runs, or by the lookup host it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.catalogue import behind, seed_terms
from whosasking.catalogue.commands import MAX_LINE, Command, Commands, program_name
from whosasking.catalogue.records import ClientTool, ProgramFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whosasking.catalogue.hosts import Hosts
    from whosasking.catalogue.records import Facts, HostMatch
    from whosasking.model import Process

_MAX_HOSTS: Final = 64
_HOST: Final = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]{1,15}://)(?:[^\s/@'\"]{0,256}@)?|(?<![\w./\\@:=-])|(?P<dev>/dev/tcp/)|(?<=[=:@'\"]))"
    r"(?P<host>[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63}){1,16})\.?"
    r"(?P<end>(?::\d{1,5})?(?P<path>/[^\s'\"|;<>)]*)?)(?=[\s'\"|;&<>),\]?#]|$)",
    re.IGNORECASE | re.ASCII,
)


class Tools:
    """Knows lookup tools. ``tool`` answers for a process start, ``seed`` is the seed query's own rule."""

    def __init__(self, facts: Facts, hosts: Hosts) -> None:
        """Index the programs of ``facts``."""
        self._hosts = hosts
        self._commands = Commands(facts.commands)
        self._clients = frozenset(facts.commands.network_clients)
        self._browsers = frozenset(program_name(name) for fact in facts.browsers for name in fact.names)
        self._files = frozenset(facts.commands.file_suffixes)
        self._executables = _index(facts.programs, "executables")
        self._modules = _index(facts.programs, "modules")
        self._needs = {fact.needs: re.compile(fact.needs, re.IGNORECASE) for fact in facts.programs if fact.needs}
        self._seed_executables = frozenset(facts.seed.executables)
        self._seed_interpreters = frozenset(facts.seed.interpreters)
        self._seed_terms = facts.seed.terms

    def names(self) -> frozenset[str]:
        """Give the names of all programs and modules."""
        return frozenset({*self._executables, *self._modules, *self._seed_executables, *self._seed_terms})

    def seed(self, process_name: str, command_line: str | None) -> str | None:
        """Return what the seed query's first branch finds in a process start (executable or term), or None."""
        name = process_name.lower()
        if name in self._seed_executables:
            return name
        if name in self._seed_interpreters and command_line:
            return seed_terms.has_any(command_line, self._seed_terms)
        return None

    def tool(self, process_name: str, command_line: str | None) -> ClientTool | None:
        """Return the lookup tool a process is, by the strongest reason: a program, a host, a seed term. Or None."""
        line = (command_line or "")[:MAX_LINE]
        commands = self._commands.of(process_name, line)
        found = self._program(commands) or self._host(commands, line)
        if found:
            return found
        term = self.seed(process_name, line)
        if term is None:
            return None
        return ClientTool(name=f"{program_name(process_name)} with {term}", kind="whois", how="seed term", pattern=term)

    def script(self, process: Process) -> str | None:
        """Name the script, module or archive that an interpreter runs."""
        return behind.script(process, self._commands.runs_scripts)

    def _program(self, commands: Sequence[Command]) -> ClientTool | None:
        for index, command in enumerate(commands):
            facts = (self._modules if command.module else self._executables).get(command.program, ())
            for fact in facts:
                if self._wanted(fact, command):
                    how = "name" if index == 0 else "module" if command.module else "command"
                    return ClientTool(
                        name=fact.name, kind=fact.kind, how=how, pattern=command.program, benign=fact.benign
                    )
        return None

    def _wanted(self, fact: ProgramFact, command: Command) -> bool:
        return fact.needs is None or self._needs[fact.needs].search(" ".join(command.arguments)) is not None

    def _host(self, commands: Sequence[Command], line: str) -> ClientTool | None:
        """Tell a network client, interpreter or shell whose command line names a lookup host.

        A shell that only launches a browser (``/bin/sh /usr/bin/chromium URL``) is no tool: the browser is judged.
        """
        if any(command.program in self._browsers for command in commands):
            return None
        speaking = next((command.program for command in commands if self._speaks(command)), None)
        if speaking is None:
            return None
        match = next((match for text in self._commands.texts(line) for match in self._matches(text)), None)
        if match is None:
            return None
        return ClientTool(name=f"{speaking} to {match.host}", kind="http", how="host", pattern=match.pattern)

    def _speaks(self, command: Command) -> bool:
        program = command.program
        return not command.module and (
            program in self._clients or self._commands.is_shell(program) or self._commands.is_interpreter(program)
        )

    def _matches(self, line: str) -> Iterator[HostMatch]:
        for count, found in enumerate(_HOST.finditer(line)):
            if count >= _MAX_HOSTS:
                return
            match = self._of(found)
            if match is not None:
                yield match

    def _of(self, found: re.Match[str]) -> HostMatch | None:
        """Judge one name in a command line; one that could be a file needs a scheme, a port or a path to be a host."""
        name, path = found["host"].lower(), found["path"] or ""
        bare = not (found["scheme"] or found["dev"] or found["end"])
        if bare and name.rpartition(".")[2] in self._files:
            return None
        match = self._hosts.match(name)
        if match is None or match.noise == "low" or (match.noise == "medium" and match.how != "label"):
            return match
        if match.how == "label":
            return match if not bare or name.count(".") > 1 else None
        return self._hosts.path(name, path)


def _index(programs: Sequence[ProgramFact], field: str) -> dict[str, list[ProgramFact]]:
    index: dict[str, list[ProgramFact]] = {}
    for fact in programs:
        for name in getattr(fact, field):
            index.setdefault(name, []).append(fact)
    return index
