"""The class of a client from its User-Agent and whatever the wire shows beside it.

A User-Agent is only a claim. That of a tool is believed: nobody pretends to be curl. That of a browser needs proof: a
browser-like ClientHello, or in clear HTTP the Accept-Language header that every browser sends and few tools do. A
browser's User-Agent over a stack that is none is a *masquerade*, and so is one that no real browser sends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from whosasking.model import Client, ClientClass

if TYPE_CHECKING:
    from collections.abc import Collection

    from whosasking.catalogue.records import ClientTool

MAX_AGENT: Final = 1024
_BROWSER: Final = re.compile(
    r"\b(Firefox|Edg|OPR|Vivaldi|Chrome|CriOS|FxiOS|EdgiOS|EdgA|Chromium|Version|MSIE|Trident)[/ ](\d{1,4})", re.ASCII
)
_NAMES: Final = {"Edg": "Edge", "EdgA": "Edge", "EdgiOS": "Edge", "OPR": "Opera", "CriOS": "Chrome", "FxiOS": "Firefox",
                 "Version": "Safari", "MSIE": "Internet Explorer", "Trident": "Internet Explorer"}  # fmt: skip
_ORDER: Final = (
    "Edg",
    "EdgA",
    "EdgiOS",
    "OPR",
    "Vivaldi",
    "Firefox",
    "FxiOS",
    "CriOS",
    "Chromium",
    "Chrome",
    "MSIE",
    "Trident",
    "Version",
)
_HONEST: Final = re.compile(r"compatible; (?!MSIE)|\bbot\b|spider|crawler|\(\+?https?://|; \+?https?://", re.IGNORECASE)
_FIREFOX: Final = re.compile(r"; rv:(\d{1,4})\.\d[^)]*\) Gecko/\S+ Firefox/(\d{1,4})\.", re.ASCII)
_FROZEN_RV: Final = 109
"""Firefox 110 to 119 said rv:109.0: sites took rv:110 for Internet Explorer 11."""


class Agents(Protocol):
    """The part of the catalogue that knows User-Agents."""

    def user_agent(self, ua: str, /) -> ClientTool | None:
        """Return the tool a User-Agent is known for."""

    def claims_browser(self, ua: str, /) -> bool:
        """Tell whether a User-Agent says it is a browser."""


def claimed_browser(ua: str) -> str | None:
    """Name the browser a User-Agent says it is (``Chrome 156``; ``a browser`` for a bare ``Mozilla/5.0``), or None.

    Bots and tools that begin with ``Mozilla/5.0 (compatible; ...`` say what they are and claim nothing.
    """
    ua = ua[:MAX_AGENT].strip()
    if not ua.startswith(("Mozilla/", "Opera/")) or _HONEST.search(ua) or "PowerShell/" in ua:
        return None
    if ua.startswith("Opera/"):
        return "Opera"
    found = dict(reversed(_BROWSER.findall(ua)))
    for name in _ORDER:
        if name in found:
            version = "" if name == "Trident" else f" {found[name]}"
            return f"{_NAMES.get(name, name)}{version}"
    return "a browser"


def flaw(ua: str) -> str | None:
    """Say why no real browser sends a User-Agent that claims one; None when it may be real."""
    ua = ua[:MAX_AGENT].strip()
    if re.fullmatch(r"Mozilla/\d\.\d(?: \((?![^)]*MSIE)[^)]*\)?)?", ua):
        return "User-Agent is only the beginning of a browser's"
    if "Chrome/" in ua and "Safari/537.36" not in ua:
        return "User-Agent names Chrome without Safari/537.36, which every Chrome sends"
    if "Firefox/" in ua and "Seamonkey" not in ua.title():
        found = _FIREFOX.search(ua)
        if found is None:
            return "User-Agent names Firefox without the rv: and Gecko of every Firefox"
        stated, version = int(found[1]), int(found[2])
        if stated not in {version, _FROZEN_RV if 110 <= version <= 119 else version}:  # noqa: PLR2004
            return f"User-Agent is Firefox {version} with rv:{stated}"
    return None


def from_user_agent(ua: str | None, agents: Agents) -> Client:
    """Judge by the User-Agent alone: a tool's is believed, a browser's proves nothing, a false one is a masquerade."""
    return judge_http(ua, agents)


def judge_http(
    ua: str | None,
    agents: Agents,
    *,
    stacks_seen: Collection[ClientClass] = (),
    accept_language: bool | None = None,
) -> Client:
    """Judge one clear HTTP request.

    ``stacks_seen``: the classes of all ClientHellos of the same client address to the same server, or to anywhere
    within 60 seconds. ``accept_language``: whether the request had that header, None where the log does not say.

    The rule, first that applies:

    1. no User-Agent: a tool (browsers always send one); but only where the log would have had it, so ``None`` with
       ``accept_language`` unknown stays unknown, and ``""`` is a tool;
    2. the User-Agent of a known tool that does not claim to be a browser, or of none at all: a tool;
    3. one that claims a browser but that no browser sends (``flaw``): masquerade;
    4. no Accept-Language: masquerade;
    5. only tools' ClientHellos were seen: masquerade;
    6. Accept-Language, or only browsers' ClientHellos: browser-like;
    7. one that a tool is known to send (an old browser's, fixed in its source): masquerade;
    8. else unknown: a claim that nothing supports.
    """
    if not ua:
        missing = ua == "" or accept_language is not None
        cls = ClientClass.TOOL if missing else ClientClass.UNKNOWN
        return Client(cls=cls, evidence=("request has no User-Agent",) if missing else ())
    ua = ua[:MAX_AGENT]
    tool = agents.user_agent(ua)
    if not agents.claims_browser(ua):
        told = f"User-Agent of {tool.name}" if tool else "User-Agent names no browser"
        return Client(cls=ClientClass.TOOL, evidence=(told,), user_agent=ua)
    claim = claimed_browser(ua) or "a browser"
    lie = _lie(ua, claim, stacks_seen, accept_language=accept_language)
    proof = None if lie else _proof(claim, stacks_seen, accept_language=accept_language)
    if proof:
        return Client(cls=ClientClass.BROWSER, evidence=(proof,), user_agent=ua)
    if tool and not lie:
        lie = f"User-Agent claims {claim} and is the fixed one of {tool.name}"
    if lie:
        return Client(cls=ClientClass.TOOL, evidence=(lie,), user_agent=ua, masquerade=lie)
    return Client(evidence=(f"User-Agent claims {claim}; no ClientHello to check",), user_agent=ua)


def combine(tls: Client, ua: str | None, agents: Agents | None = None) -> Client:
    """Hold a User-Agent recorded for a TLS session against the class its ClientHello gave.

    A browser's User-Agent over a tool's stack is a masquerade, and so is one that no browser sends. A tool's User-Agent
    makes the class ``tool`` whatever the stack: an impersonating client that is honest about its name.
    """
    if not ua:
        return tls
    ua = ua[:MAX_AGENT]
    claim = claimed_browser(ua)
    tool = agents.user_agent(ua) if agents else None
    if claim is None or (agents and not agents.claims_browser(ua)):
        told = f"User-Agent of {tool.name}" if tool else "User-Agent names no browser"
        return msgspec.structs.replace(tls, cls=ClientClass.TOOL, evidence=(told, *tls.evidence), user_agent=ua)
    lie: str | None
    if tls.cls is ClientClass.TOOL:
        lie = (
            f"User-Agent claims {claim}, but {_lowered(tls.evidence[0]) if tls.evidence else 'the stack is no browser'}"
        )
    elif tool and tls.cls is ClientClass.UNKNOWN:
        lie = f"User-Agent claims {claim} and is the fixed one of {tool.name}"
    else:
        lie = flaw(ua)
    if lie:
        return msgspec.structs.replace(
            tls, cls=ClientClass.TOOL, evidence=(lie, *tls.evidence), user_agent=ua, masquerade=lie
        )
    return msgspec.structs.replace(tls, user_agent=ua)


def _lie(ua: str, claim: str, stacks: Collection[ClientClass], *, accept_language: bool | None) -> str | None:
    false = flaw(ua)
    if false:
        return false
    if accept_language is False:
        return f"User-Agent claims {claim} but no Accept-Language comes with it"
    if ClientClass.TOOL in stacks and ClientClass.BROWSER not in stacks:
        return f"User-Agent claims {claim} but no ClientHello of this client is a browser's"
    return None


def _proof(claim: str, stacks: Collection[ClientClass], *, accept_language: bool | None) -> str | None:
    if accept_language:
        return f"User-Agent of {claim} and Accept-Language"
    if ClientClass.BROWSER in stacks and ClientClass.TOOL not in stacks:
        return f"User-Agent of {claim}, and this client's ClientHellos are a browser's"
    return None


def _lowered(sentence: str) -> str:
    return sentence if sentence.startswith(("ClientHello", "JA")) else sentence[:1].lower() + sentence[1:]
