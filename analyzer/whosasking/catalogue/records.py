"""What the catalogue answers with, and the facts it is built from."""

from __future__ import annotations

from typing import Literal

import msgspec

from whosasking.model import Record

KINDS = ("rdap", "whois43", "irr", "api", "web", "bulk")
"""Kinds of host; of a host that has several, the first of this order is told."""
NOISES = ("low", "medium", "high")
"""How much unrelated traffic a host also carries."""


class HostMatch(Record, frozen=True, kw_only=True):
    """Why a name, or the path of a URL, is a lookup service.

    ``how``: ``exact`` and ``suffix`` are listed names; ``label`` is a name that only has ``whois`` or ``rdap`` as a
    label; ``path`` a URL shaped like a lookup at a host nobody listed. ``pattern`` is what matched.
    """

    host: str
    pattern: str
    how: Literal["exact", "suffix", "label", "path"]
    kind: str
    noise: str
    operator: str | None = None
    seed: bool = False
    kinds: tuple[str, ...] = ()
    covers: str = ""
    """Zones or kinds of object it answers for, as words; empty where that is not known."""
    note: str = ""


class ClientTool(Record, frozen=True, kw_only=True):
    """A program or User-Agent that is known.

    Kinds ``whois`` and ``rdap`` do nothing but look things up; ``recon`` suites do it among other things; ``http`` and
    ``library`` say only that no browser is speaking. ``how`` is ``name`` (of the executable), ``command`` (within a
    shell or interpreter), ``module``, ``host`` (a lookup host in the command line), ``seed term`` or ``user agent``.
    """

    name: str
    kind: str
    how: str
    pattern: str = ""
    benign: str | None = None
    """The honest use it is known for, where it is mostly that."""


class Browser(Record, frozen=True, kw_only=True):
    """A browser by the name of its process. ``automation`` marks builds that no person drives."""

    product: str
    engine: str
    process_name: str
    os: str
    automation: bool = False
    seed: bool = False


class HostFact(msgspec.Struct, frozen=True, array_like=True):
    """A host of hosts.yaml; ``suffix`` means it and everything below it."""

    name: str
    suffix: bool
    kinds: tuple[str, ...]
    operator: str | None
    covers: str = ""
    noise: str = "low"
    seed: bool = False
    paths: tuple[str, ...] = ()
    note: str = ""


class ProgramFact(msgspec.Struct, frozen=True):
    """A program of clients.yaml. ``needs`` is a regular expression its arguments must match, None for any."""

    name: str
    kind: str
    executables: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    needs: str | None = None
    benign: str | None = None


class AgentFact(msgspec.Struct, frozen=True):
    """A User-Agent: the lower-case text it contains, and a regular expression where that does not suffice."""

    name: str
    kind: str
    contains: str
    pattern: str | None = None
    claims_browser: bool = False


class CommandFacts(msgspec.Struct, frozen=True):
    """Programs that run others, or fetch what their command line names; lower case, without ``.exe``."""

    shells: tuple[str, ...]
    interpreters: tuple[str, ...]
    wrappers: tuple[str, ...]
    launchers: tuple[str, ...]
    network_clients: tuple[str, ...]
    file_suffixes: tuple[str, ...]


class SeedFacts(msgspec.Struct, frozen=True):
    """The seed query's names and terms, word for word."""

    executables: tuple[str, ...]
    interpreters: tuple[str, ...]
    terms: tuple[str, ...]


class BrowserFact(msgspec.Struct, frozen=True):
    """A browser of browsers.yaml on one system.

    ``folders`` are where it is installed (globs, ``/`` for any separator, without a drive). ``role``: ``browser``,
    ``automation`` (a build no person drives) or ``embedded`` (a browser engine inside another program).
    """

    product: str
    engine: str
    os: str
    names: tuple[str, ...]
    folders: tuple[str, ...] = ()
    role: str = "browser"
    seed: bool = False


class AutomationFacts(msgspec.Struct, frozen=True):
    """What marks an automated browser: its flags, a driver above it, or a runtime that runs a framework."""

    flags: tuple[str, ...]
    drivers: tuple[str, ...]
    frameworks: tuple[str, ...]
    runtimes: tuple[str, ...]


class BenignFact(msgspec.Struct, frozen=True):
    """Software that looks things up for good reasons: by name of the process or an ancestor, or its command line."""

    software: str
    processes: tuple[str, ...] = ()
    command: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """Everything the YAML files say."""

    hosts: tuple[HostFact, ...]
    programs: tuple[ProgramFact, ...]
    agents: tuple[AgentFact, ...]
    commands: CommandFacts
    seed: SeedFacts
    browsers: tuple[BrowserFact, ...]
    automation: AutomationFacts
    benign: tuple[BenignFact, ...]
