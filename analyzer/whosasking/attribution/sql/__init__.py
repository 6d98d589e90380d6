"""The ladder's questions, one SQL file each. ``read`` gives a file's text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read(name: str) -> str:
    """Give the statement in ``name``.sql. Raises FileNotFoundError for a name that is none of ours."""
    return files(__name__).joinpath(f"{name}.sql").read_text("utf-8")
