"""Errors a user can cause. Each carries one clear line; the CLI prints it and exits 2, never a traceback."""

from __future__ import annotations


class WhosaskingError(Exception):
    """Base class: ``str()`` is one line fit for a terminal."""


class ConfigError(WhosaskingError):
    """A whosasking.yaml or catalogue file is wrong; the message names file and line."""


class InputError(WhosaskingError):
    """An input cannot be read at all; the message names the file and the reason."""
