"""User-Agents: which tools they name, and which claim to be a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.catalogue.records import ClientTool
from whosasking.protocols import client

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whosasking.catalogue.records import AgentFact

LOOKUP_KINDS: Final = frozenset({"whois", "rdap"})
"""Kinds of client that do nothing but look things up: their User-Agent alone marks a lookup."""


class UserAgents:
    """Knows User-Agents."""

    def __init__(self, facts: Iterable[AgentFact]) -> None:
        """Compile ``facts``, the most telling first."""
        self._facts = [(fact, re.compile(fact.pattern) if fact.pattern else None) for fact in facts]

    def tool(self, ua: str) -> ClientTool | None:
        """Return the tool that sends ``ua``, also where it claims to be a browser; None when none is known to."""
        fact = self._find(ua)
        return ClientTool(name=fact.name, kind=fact.kind, how="user agent", pattern=fact.contains) if fact else None

    def claims_browser(self, ua: str) -> bool:
        """Tell whether ``ua`` says it is a browser, truly or not; a tool that names itself in it does not."""
        fact = self._find(ua)
        return (fact is None or fact.claims_browser) and client.claimed_browser(ua) is not None

    def _find(self, ua: str) -> AgentFact | None:
        ua = ua[: client.MAX_AGENT]
        folded = ua.lower()
        for fact, pattern in self._facts:
            if fact.contains in folded and (pattern is None or pattern.search(ua)):
                return fact
        return None

    def literals(self) -> Iterable[str]:
        """Give lower-case texts of which any User-Agent of a lookup client holds one."""
        return (fact.contains for fact, _ in self._facts if fact.kind in LOOKUP_KINDS)
