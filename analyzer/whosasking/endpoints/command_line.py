"""What a command line asks: the WHOIS or RDAP server and the query in it. Pure, bounded, never raises.

A small reader, not a shell: quotes fall away, so that ``bash -c "whois x"`` reads like ``whois x``, and a separator
ends the command. What it cannot read stays None; the command line itself is in the report.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from whosasking.endpoints.urls import split
from whosasking.endpoints.values import basename
from whosasking.protocols import rdap, whois

if TYPE_CHECKING:
    from whosasking.catalogue import Catalogue
    from whosasking.model import Query

_LONGEST = 32_768
_MOST_WORDS = 512
_WORD = re.compile(r"[;|&<>()`]+|[^\s;|&<>()`\"']+")
_SEPARATOR = re.compile(r"[;|&<>()`]+")
_URL = re.compile(r"https?://[^\s\"'<>|`]+", re.IGNORECASE)
_WHOIS = frozenset({"whois", "whois64", "jwhois", "mwhois", "gwhois", "pwhois"})
_SYSINTERNALS = frozenset({"whois.exe", "whois64.exe"})
_RDAP = frozenset({"rdap", "nicinfo", "rdapper", "openrdap"})
_WITH_VALUE = frozenset({"-h", "--host", "-p", "--port", "-c", "-i", "--inverse", "-s", "--source", "-T", "--type"})
_SERVER_OPTIONS = ("-h", "--host")
_SERVER_NAME = re.compile(r"[A-Za-z0-9._-]+\.[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+){3}")


class Asked(NamedTuple):
    """Server and query of a command line, each None where it does not say."""

    server: str | None = None
    query: Query | None = None


def asked(command_line: str | None, process_name: str, catalogue: Catalogue) -> Asked:
    """Return what a command line asks, looking for a whois command, a URL, an RDAP command and a known host name."""
    if not command_line:
        return Asked()
    text = command_line[:_LONGEST]
    words = _words(text)
    return _whois(words, process_name) or _url(text, catalogue) or _rdap(words) or _known_host(words, catalogue)


def _words(text: str) -> list[str]:
    return [found[0] for found in _WORD.finditer(text)][:_MOST_WORDS]


def _command(words: list[str], names: frozenset[str]) -> tuple[str, list[str]] | None:
    """Return the first of ``names`` that stands as a command, and its arguments up to a separator."""
    for index, word in enumerate(words):
        name = (basename(word) or "").lower()
        if name.removesuffix(".exe") in names:
            arguments = []
            for argument in words[index + 1 :]:
                if _SEPARATOR.fullmatch(argument):
                    break
                arguments.append(argument)
            return name, arguments
    return None


def _whois(words: list[str], process_name: str) -> Asked | None:
    found = _command(words, _WHOIS)
    if found is None:
        return None
    name, arguments = found
    server, operands = _options(arguments)
    if not operands:
        return Asked(server) if server else None
    sysinternals = name in _SYSINTERNALS or process_name.lower() in _SYSINTERNALS
    if sysinternals and server is None and len(operands) > 1 and _SERVER_NAME.fullmatch(operands[-1]):
        # Sysinternals: whois domain [server]
        server = operands.pop()
    return Asked(_lower(server), whois.parse_query(" ".join(operands), _lower(server)))


def _options(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Split arguments into the server an option names and what is asked; other options fall away."""
    server: str | None = None
    operands: list[str] = []
    queue = iter(arguments)
    for word in queue:
        if word in _WITH_VALUE:
            value = next(queue, None)
            server = value if word in _SERVER_OPTIONS else server
        elif word.startswith("--host="):
            server = word.partition("=")[2]
        elif word.startswith("-h") and len(word) > len("-h") and "." in word:
            server = word[2:]
        elif word == "--":
            operands.extend(queue)
        elif not word.startswith(("-", "/")):
            operands.append(word)
    return server or None, operands


def _url(text: str, catalogue: Catalogue) -> Asked | None:
    """Return the first URL of a lookup service; other URLs may have nothing to do with it."""
    for found in _URL.finditer(text):
        host, path = split(found[0].rstrip(").,;"))
        if catalogue.host(host) is not None or catalogue.web_path(host, path) is not None:
            return Asked(host, rdap.parse_listed(path))
    return None


def _rdap(words: list[str]) -> Asked | None:
    found = _command(words, _RDAP)
    if found is None:
        return None
    _, operands = _options(found[1])
    return Asked(None, whois.parse_query(operands[-1], None)) if operands else None


def _known_host(words: list[str], catalogue: Catalogue) -> Asked:
    for word in words:
        host, path = split(word)
        if "." in host and catalogue.host(host) is not None:
            return Asked(host, rdap.parse_listed(path) if path else None)
    return Asked()


def _lower(server: str | None) -> str | None:
    return server.rstrip(".").lower() if server else None
