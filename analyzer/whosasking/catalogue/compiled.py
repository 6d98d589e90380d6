"""The catalogue's compiled copy: the YAML facts as JSON that msgspec reads in a few milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from whosasking.catalogue.records import Facts
from whosasking.errors import ConfigError

PATH: Final = Path(__file__).parent / "compiled.json"
_BUILD: Final = "run `whosasking catalogue build`"


def encode(facts: Facts) -> bytes:
    """Return the copy's bytes: one value a line, so that a change is a small diff."""
    hosts = b",\n".join(msgspec.json.encode(fact) for fact in facts.hosts)
    rest = msgspec.to_builtins(facts)
    del rest["hosts"]
    parts = [msgspec.json.encode(name) + b":" + msgspec.json.encode(value) for name, value in rest.items()]
    return b'{"hosts":[\n' + hosts + b"\n],\n" + b",\n".join(parts) + b"}\n"


def read(path: Path = PATH) -> Facts:
    """Read the copy. Raises ConfigError when it is missing or not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Facts)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; {_BUILD}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: is no compiled catalogue ({error}); {_BUILD}") from error
