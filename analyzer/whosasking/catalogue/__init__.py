"""The one place that knows WHOIS and RDAP hosts, their clients, browsers and benign software.

``load()`` gives the :class:`Catalogue`, the matcher every stage asks. The facts are the YAML files beside this module;
``build`` makes the copies that Zeek, Suricata and ``load`` read.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from whosasking.catalogue import compiled, seed_terms
from whosasking.catalogue.agents import UserAgents
from whosasking.catalogue.benign import BenignSoftware
from whosasking.catalogue.browsers import Browsers
from whosasking.catalogue.hosts import Hosts
from whosasking.catalogue.records import Browser, ClientTool, Facts, HostMatch
from whosasking.catalogue.sieve_literals import minimal
from whosasking.catalogue.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.model import Process

__all__ = ["Browser", "Catalogue", "ClientTool", "HostMatch", "load"]


class Catalogue:
    """Answers what names, paths, User-Agents, command lines and processes mean. Pure: no I/O, every input bounded."""

    def __init__(self, facts: Facts, own_hosts: Sequence[str] = ()) -> None:
        """Index ``facts``; ``own_hosts`` are a site's (exact names, or ``.name`` for a domain and everything below)."""
        self._hosts = Hosts(facts.hosts, own_hosts)
        self._agents = UserAgents(facts.agents)
        self._tools = Tools(facts, self._hosts)
        self._browsers = Browsers(facts.browsers, facts.automation)
        self._benign = BenignSoftware(facts.benign)
        self._seed_hosts = tuple(fact.name for fact in facts.hosts if fact.seed)

    def host(self, name: str) -> HostMatch | None:
        """Return why a host name is a WHOIS or RDAP host; case, port and a trailing dot do not matter."""
        return self._hosts.match(name)

    def web_path(self, host: str, path: str) -> HostMatch | None:
        """Return why a URL is a lookup by the shape of its path (with query string): see :meth:`Hosts.path`."""
        return self._hosts.path(host, path)

    def user_agent(self, ua: str) -> ClientTool | None:
        """Return the tool that sends ``ua``. Kinds ``whois`` and ``rdap`` do nothing but look things up."""
        return self._agents.tool(ua)

    def claims_browser(self, ua: str) -> bool:
        """Tell whether a User-Agent says it is a browser, truly or not."""
        return self._agents.claims_browser(ua)

    def tool(self, process_name: str, command_line: str | None) -> ClientTool | None:
        """Return the lookup tool a process is by its name and command line: the seed query's floor, and beyond."""
        return self._tools.tool(process_name, command_line)

    def seed_tool(self, process_name: str, command_line: str | None) -> bool:
        """Tell whether the seed query's first branch takes a process start (FileName, ProcessCommandLine)."""
        return self._tools.seed(process_name, command_line) is not None

    def seed_host(self, text: str) -> bool:
        """Tell whether the seed query's third branch takes a RemoteUrl (URL or bare name): KQL ``has_any``."""
        return seed_terms.has_any(text, self._seed_hosts) is not None

    def browser(self, process_name: str) -> Browser | None:
        """Return the browser a process is by its name; None for others and for engines inside other programs."""
        return self._browsers.browser(process_name)

    def is_automated(self, process: Process) -> str | None:
        """Say why a browser process is driven by a program (flags, WebDriver above it), or None."""
        return self._browsers.is_automated(process)

    def install_path_ok(self, process: Process) -> bool | None:
        """Tell whether a browser lies where it is installed; None where its path or the places are not known."""
        return self._browsers.install_path_ok(process)

    def embedding(self, process: Process) -> str | None:
        """Name the program a browser engine (WebView2) works for; None when the process is no such engine."""
        return self._browsers.embedding(process)

    def application(self, process: Process) -> Process | None:
        """Return what a helper of a browser or of an engine inside another program works for, None for no helper."""
        return self._browsers.application(process)

    def script(self, process: Process) -> str | None:
        """Name the script, module or archive that an interpreter runs."""
        return self._tools.script(process)

    def benign(self, process: Process) -> str | None:
        """Return the benign software a process belongs to, by itself or what stands above it; a hint, no excuse."""
        return self._benign.hint(process)

    def sieve_literals(self) -> tuple[bytes, ...]:
        """Give lower-case literals of which any line with a catalogue host, lookup path or lookup User-Agent holds one.

        To be searched without regard to case. Names must be in their ASCII form, as they are on the wire.
        """
        names = (fact.name for fact in self._hosts.facts())
        return minimal((*names, *self._agents.literals(), "whois", "rdap"))

    def program_names(self) -> frozenset[str]:
        """Give the lower-case names by which :meth:`tool` knows programs and modules."""
        return self._tools.names()


@functools.lru_cache(maxsize=8)
def load(own_hosts: tuple[str, ...] = ()) -> Catalogue:
    """Return the catalogue with a site's own hosts, cached. Raises ConfigError when the compiled copy is unreadable."""
    return Catalogue(compiled.read(), own_hosts)
