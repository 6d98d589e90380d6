"""The reasons of verdicts: stable phrases that counts, scores and other programs are kept under."""

from __future__ import annotations

# reported
TOOL_LOOKUP = "lookup by a tool"
UNKNOWN_CLIENT = "lookup by an unknown client"
TOOL_EXECUTION = "tool execution"
MASQUERADE = "masquerading User-Agent"
AUTOMATED_BROWSER = "automated browser"
MISPLACED_BROWSER = "browser name outside its install path"
BROWSER_ON_PORT_43 = "browser speaking WHOIS"

# dropped
BROWSER_PROCESS = "browser process"
BROWSER_LIKE = "browser-like (wire only)"
PRIVATE_DESTINATION = "private destination"
NOT_WHOIS = "not WHOIS"

# allowed
ALLOWED_BY = "allowed by"
"""Followed by the rule's role."""
