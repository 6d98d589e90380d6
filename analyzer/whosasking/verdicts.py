"""One outcome with one reason for every lookup: reported, dropped or allowed.

The order is fixed, and the first that applies decides:

1. the destination is private or reserved: out of scope (a listed name over the web is kept: that is a proxy);
2. port 43 carried another protocol;
3. an allow rule in force covers the lookup;
4. a tool was started;
5. the process: a browser a person drives is dropped; an automated or misplaced one, or any other program, is reported;
6. the wire alone: a false User-Agent, a browser-like client, a tool, or nothing to tell them apart.

A process that attribution only guessed (confidence below ``allowlist.CONFIDENT``) may raise a lookup, never hide one.
The port-43 branch is never dropped for a browser: browsers do not speak WHOIS.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from whosasking import allowlist
from whosasking.model import Attributed, Attribution, ClientClass, Detection, Lookup, Micros, Outcome, Process, Verdict
from whosasking.reasons import (
    ALLOWED_BY,
    AUTOMATED_BROWSER,
    BROWSER_LIKE,
    BROWSER_ON_PORT_43,
    BROWSER_PROCESS,
    MASQUERADE,
    MISPLACED_BROWSER,
    NOT_WHOIS,
    PRIVATE_DESTINATION,
    TOOL_EXECUTION,
    TOOL_LOOKUP,
    UNKNOWN_CLIENT,
)

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from whosasking.catalogue import Catalogue
    from whosasking.config import Settings

__all__ = [
    "ALLOWED_BY",
    "AUTOMATED_BROWSER",
    "BROWSER_LIKE",
    "BROWSER_ON_PORT_43",
    "BROWSER_PROCESS",
    "MASQUERADE",
    "MISPLACED_BROWSER",
    "NOT_WHOIS",
    "PRIVATE_DESTINATION",
    "TOOL_EXECUTION",
    "TOOL_LOOKUP",
    "UNKNOWN_CLIENT",
    "judge",
]

_SHOWN = 200
_WHOIS_SERVICES = frozenset({"finger", "nicname", "das"})
_NO_SERVICE = frozenset({"", "-", "unknown", "failed", "none"})


def judge(lookup: Lookup, attribution: Attribution, catalogue: Catalogue, settings: Settings, now: Micros) -> Verdict:
    """Give a lookup its verdict; ``now`` decides which allow rules are in force."""
    proxy = ""
    if _inside(lookup, settings):
        proxy = _through_proxy(lookup, catalogue)
        if not proxy:
            return _dropped(PRIVATE_DESTINATION, _why_inside(lookup, settings))
    other = _other_protocol(lookup)
    if other:
        return _dropped(NOT_WHOIS, f"the session on port {lookup.dst_port} is {other}")
    allowed, lapsed = _allowed(lookup, attribution, settings, now)
    if allowed:
        return allowed
    verdict = _by_client(lookup, attribution, catalogue, settings)
    notes = "; ".join(note for note in (verdict.detail, proxy, lapsed) if note)
    return Verdict(outcome=verdict.outcome, reason=verdict.reason, detail=notes)


def _by_client(lookup: Lookup, attribution: Attribution, catalogue: Catalogue, settings: Settings) -> Verdict:
    if isinstance(attribution, Attributed) and not attribution.process.name and lookup.detection is not Detection.TOOL:
        nameless = f"{attribution.process.host} recorded the connection but not its process"
        return _by_wire(lookup, settings, nameless)
    if isinstance(attribution, Attributed):
        verdict = _by_process(lookup, attribution, catalogue)
        if verdict:
            return verdict
        weak = f"{_who(attribution.process)} is only a guess (confidence {attribution.confidence:.2f}) and was not used"
        return _by_wire(lookup, settings, weak)
    if lookup.detection is Detection.TOOL:
        return _reported(TOOL_EXECUTION, attribution.reason)
    return _by_wire(lookup, settings, "")


def _by_process(lookup: Lookup, attribution: Attributed, catalogue: Catalogue) -> Verdict | None:
    """Judge by the process; None when it is a browser by too weak a guess to drop the lookup for it."""
    process = attribution.process
    if lookup.detection is Detection.TOOL:
        return _reported(TOOL_EXECUTION, _with_hint(_who(process), process, catalogue))
    if catalogue.browser(process.name) is None:
        return _by_program(lookup, attribution, catalogue)
    verdict = _by_browser(lookup, process, catalogue)
    if verdict or attribution.confidence < allowlist.CONFIDENT:
        return verdict
    where = "" if catalogue.install_path_ok(process) else ", its path is not known"
    return _dropped(BROWSER_PROCESS, f"{_who(process)}{where} (by {attribution.method})")


def _by_browser(lookup: Lookup, process: Process, catalogue: Catalogue) -> Verdict | None:
    """Report a process that has a browser's name but no person behind it; None when it is a browser like any."""
    if lookup.detection is Detection.PORT43:
        return _reported(BROWSER_ON_PORT_43, f"{_who(process)} spoke WHOIS, which no browser does")
    automated, in_place = catalogue.is_automated(process), catalogue.install_path_ok(process)
    misplaced = f"{process.path} is not where this browser is installed" if in_place is False else ""
    if automated:
        return _reported(AUTOMATED_BROWSER, "; ".join(filter(None, (f"{_who(process)}: {automated}", misplaced))))
    if misplaced:
        return _reported(MISPLACED_BROWSER, f"{_who(process)}: {misplaced}")
    if in_place is None:
        return _contradicted(lookup, f"{_who(process)} has a browser's name and no known path")
    return None


def _contradicted(lookup: Lookup, who: str) -> Verdict | None:
    """Where only the name says browser, the wire may say otherwise: then the name is not believed."""
    if lookup.client.masquerade:
        return _reported(MASQUERADE, f"{who}; {lookup.client.masquerade}")
    if lookup.client.cls is ClientClass.TOOL:
        return _reported(TOOL_LOOKUP, f"{who}; the wire shows a tool{_evidence(lookup)}")
    return None


def _by_program(lookup: Lookup, attribution: Attributed, catalogue: Catalogue) -> Verdict:
    """Report a program that is no browser, and say so when the wire claims it is one."""
    process = attribution.process
    who = _with_hint(_who(process), process, catalogue)
    if attribution.confidence < allowlist.CONFIDENT:
        who = f"{who}, a guess (confidence {attribution.confidence:.2f})"
    claim = lookup.client.masquerade or _browser_claim(lookup, catalogue)
    if claim:
        return _reported(MASQUERADE, f"{who} is no browser; {claim}")
    return _reported(TOOL_LOOKUP, f"{who}{_evidence(lookup)}")


def _browser_claim(lookup: Lookup, catalogue: Catalogue) -> str | None:
    client = lookup.client
    if client.user_agent and catalogue.claims_browser(client.user_agent):
        return f"its User-Agent claims one: {client.user_agent[:_SHOWN]}"
    if client.cls is ClientClass.BROWSER:
        return "its ClientHello is browser-like: an impersonating client or an embedded browser"
    return None


def _by_wire(lookup: Lookup, settings: Settings, note: str) -> Verdict:
    """Judge by the client's traffic alone; ``note`` says why no process was used."""
    client = lookup.client
    if client.masquerade:
        return _reported(MASQUERADE, _joined(client.masquerade, note))
    if client.cls is ClientClass.TOOL:
        return _reported(TOOL_LOOKUP, _joined(f"no process{_evidence(lookup)}", note))
    if client.cls is ClientClass.UNKNOWN or lookup.detection is not Detection.WEB:
        return _reported(UNKNOWN_CLIENT, _joined(f"no process{_evidence(lookup)}", note))
    if settings.report_browser_like:
        told = f"browser-like, reported because report_browser_like is set{_evidence(lookup)}"
        return _reported(UNKNOWN_CLIENT, _joined(told, note))
    return _dropped(BROWSER_LIKE, _joined(f"browser-like{_evidence(lookup)}", note))


def _inside(lookup: Lookup, settings: Settings) -> bool:
    """Tell whether the destination is no public address; an unknown one is not inside, so nothing hides behind it.

    A tool start has no destination of its own: the address in its command line may never have been asked.
    """
    destination = allowlist.address(lookup.dst_ip)
    if destination is None or lookup.detection is Detection.TOOL:
        return False
    return _is_reserved(destination) or any(destination in prefix for prefix in settings.own_networks)


@lru_cache(maxsize=1 << 14)
def _is_reserved(address: IPv4Address | IPv6Address) -> bool:
    # is_global counts multicast as global, and the site-local block of IPv6 too.
    return not address.is_global or address.is_multicast or getattr(address, "is_site_local", False)


def _why_inside(lookup: Lookup, settings: Settings) -> str:
    """Say whose word it is that a destination is inside."""
    destination = allowlist.address(lookup.dst_ip)
    own = next((prefix for prefix in settings.own_networks if destination and destination in prefix), None)
    return f"{lookup.dst_ip} is in own_networks ({own})" if own else f"{lookup.dst_ip} is not a public address"


def _through_proxy(lookup: Lookup, catalogue: Catalogue) -> str:
    """Say why a lookup at an inside address is still one: its name is a listed host's, not merely shaped like one."""
    if lookup.detection is not Detection.WEB or not lookup.server:
        return ""
    match = catalogue.host(lookup.server)
    if match is None or match.how == "label":
        return ""
    return f"{lookup.server} at the inside address {lookup.dst_ip}: a forward proxy or split DNS"


def _other_protocol(lookup: Lookup) -> str | None:
    """Name the protocol that is not WHOIS. Zeek lists several with commas, and failed ones with a leading minus."""
    if lookup.detection is not Detection.PORT43 or not lookup.service:
        return None
    names = [name.strip().lower() for name in lookup.service.split(",")]
    seen = [name for name in names if name not in _NO_SERVICE and not name.startswith("-")]
    if not seen or any("whois" in name or name in _WHOIS_SERVICES for name in seen):
        return None
    return ", ".join(seen)


def _allowed(lookup: Lookup, attribution: Attribution, settings: Settings, now: Micros) -> tuple[Verdict | None, str]:
    """Return the verdict of the first rule in force, or None and a note about an expired one that covered it."""
    lapsed = ""
    for rule in allowlist.matching(settings.allow, lookup, attribution, settings.host_addresses):
        until = allowlist.expiry(rule.until)
        if not rule.expired(now):
            owner = f", owner {rule.owner}" if rule.owner else ""
            detail = f"{rule.reason} (until {until}{owner}, line {rule.line})"
            return Verdict(outcome=Outcome.ALLOWED, reason=f"{ALLOWED_BY} {rule.role}", detail=detail), ""
        lapsed = lapsed or f"the allow rule for {rule.role} that covered it expired {until}"
    return None, lapsed


def _who(process: Process) -> str:
    pid = "" if process.pid is None else f" (pid {process.pid})"
    return f"{process.name}{pid} on {process.host}"


def _with_hint(text: str, process: Process, catalogue: Catalogue) -> str:
    """Add what legitimate software this looks like: shown to the reader, never a reason to hide."""
    hint = catalogue.benign(process)
    return f"{text}, possibly {hint}" if hint else text


def _evidence(lookup: Lookup) -> str:
    return f": {'; '.join(lookup.client.evidence[:3])}" if lookup.client.evidence else ""


def _joined(text: str, note: str) -> str:
    return f"{text}; {note}" if note else text


def _reported(reason: str, detail: str) -> Verdict:
    return Verdict(outcome=Outcome.REPORTED, reason=reason, detail=detail)


def _dropped(reason: str, detail: str) -> Verdict:
    return Verdict(outcome=Outcome.DROPPED, reason=reason, detail=detail)
