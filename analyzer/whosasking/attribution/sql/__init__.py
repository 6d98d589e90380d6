"""The ladder's questions, one SQL file each. ``read`` gives a file's text.

Every engine runs the same text: no QUALIFY, no backslash in a literal, an ORDER BY that is total over columns that are
never NULL, parameters as ``$name``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read(name: str) -> str:
    """Give the statement in ``name``.sql. Raises FileNotFoundError for a name that is none of ours."""
    return files(__name__).joinpath(f"{name}.sql").read_text("utf-8")
