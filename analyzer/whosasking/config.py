"""What a site configures: ``whosasking.yaml`` as frozen settings. Every mistake in it is one ConfigError.

``whosasking.example.yaml``, next to this file, shows every setting. Unknown and repeated keys are errors, because a
misspelt key in an allow-list would otherwise hide, or fail to hide, lookups without a word.
"""
# ruff: noqa: PLC0415 - the parser of YAML is loaded when there is a file to read

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking import allowlist
from whosasking.model import SECOND, Micros, Record

if TYPE_CHECKING:
    from pathlib import Path

    from whosasking.allowlist import AllowRule, Network


class Settings(Record, frozen=True, kw_only=True):
    """What a site configures.

    ``episode_gap`` is in microseconds; ``hosts`` are exact names, or ``.name`` for a domain and everything below it;
    ``host_addresses`` maps a host's name, as it is written in the file, to its addresses.
    """

    report_browser_like: bool = False
    own_networks: tuple[Network, ...] = ()
    host_addresses: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    episode_gap: Micros = 15 * 60 * SECOND
    hosts: tuple[str, ...] = ()
    allow: tuple[AllowRule, ...] = ()
    path: str | None = None
    """The file they were read from, None for the defaults."""


DEFAULTS = Settings()


def load(path: Path | None) -> Settings:
    """Read a configuration file, or give the defaults for None. Raises ConfigError naming the file and the line."""
    if path is None:
        return DEFAULTS
    from whosasking import configfile

    return configfile.read(path)


def parse(text: str, file: str = "whosasking.yaml") -> Settings:
    """Read a configuration from text; ``file`` is the name errors give. Raises ConfigError."""
    from whosasking import configfile

    return configfile.parse(text, file)


def expired_notes(settings: Settings, now: Micros) -> tuple[str, ...]:
    """Write a sentence for the report about every allow rule that no longer allows anything at ``now``."""
    return tuple(
        f"allow rule for {rule.role} ({settings.path or 'configuration'}, line {rule.line}) expired "
        f"{allowlist.expiry(rule.until)} and allows nothing"
        for rule in settings.allow
        if rule.expired(now)
    )
