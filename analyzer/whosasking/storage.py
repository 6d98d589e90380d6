"""Where inputs are: the one place that lists, measures and opens them.

Local paths go straight to the system. A path with ``://`` in it is a URL of an object store or another file system that
``remote`` reads through fsspec, which is loaded for the first URL and not before.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from io import FileIO
    from types import ModuleType

    from whosasking.remote import RemoteFile

CONNECTIONS: Final = 8
"""Files or ranges of a store that are read at once, however few cores there are: each waits for the network mostly."""
NEEDS: Final = "needs a package that is not installed: "
DENIED: Final = "access denied by the store"
NO_CREDENTIALS: Final = "the store wants credentials, and its package finds none in the environment or its own files"
GONE: Final = os.strerror(2).lower()
_SEPARATOR: Final = "://"
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//|/(?!/))(.*)", re.DOTALL)
_ONE_SLASH: Final = frozenset({"file", "hdfs", "webhdfs"})
"""Schemes that Hadoop's users write ``file:/folder`` too."""
_PASSWORD: Final = re.compile(r"([^/:@]*):(?:[^/]*|(?!\d+/)[^@]*)@")
"""At the start of what follows ``//``; a ``/`` in a password should be written ``%2F``, and is not always."""
_USER: Final = re.compile(r"(//[^/\s:@]*):[^/\s]*@")
_SECRET: Final = re.compile(r"(?i)([?&][^=&#\s]*(?:sig|token|key|secret|pass|pwd|auth|cred)[^=&#\s]*=)[^&#\s]+")
_HADOOPS: Final = re.compile(r"_SUCCESS|_(?:started|committed)_\w+|\..+\.crc|.+_\$folder\$")

Keys = dict[str, str]
"""What a URL, or the beginning of several, is in truth, by how it is shown."""
_keys: Keys = {}


class StoreError(OSError):
    """A store or its package does not do what was asked. ``strerror`` and ``str()`` are the reason, in one line."""

    def __str__(self) -> str:
        """Return the reason alone."""
        return self.strerror or ""


class NotRead(NamedTuple):
    """A path that is not read; ``harmless`` when nothing is wrong with it."""

    path: str
    reason: str
    harmless: bool = False


def is_url(path: str) -> bool:
    """Tell a URL from a local path."""
    return _SEPARATOR in path


def named(text: str) -> str:
    """Return ``text``, an argument, as it is spelled from here on and in reports.

    A URL loses its password and the secret parts of its query: they are kept apart for this process. ``file:`` URLs
    become local paths. What exists here under the very name is no URL.
    """
    found = _URL.fullmatch(text)
    if found is None:
        return text
    if os.path.lexists(text):
        return str(Path(text))
    scheme, slashes, rest = found[1].lower(), found[2], found[3]
    if slashes == "/":
        if scheme not in _ONE_SLASH:
            return text
        rest = f"/{rest}"
    if scheme == "file" and rest.startswith(("/", "localhost/")):
        return str(Path(rest.removeprefix("localhost")))
    return _without_secrets(f"{scheme}{_SEPARATOR}", rest)


def argument(text: str) -> str:
    """Return a path or URL of the command line, spelled as ``named`` spells URLs and ``Path`` spells paths."""
    found = named(text)
    return found if is_url(found) else str(Path(found))


def _without_secrets(scheme: str, rest: str) -> str:
    secret = _PASSWORD.match(rest)
    shown = scheme + (rest if secret is None else f"{secret[1]}@{rest[secret.end() :]}")
    if secret is not None:
        host = rest[secret.end() :].split("/", 1)[0]
        _keys[f"{scheme}{secret[1]}@{host}"] = scheme + secret[0] + host
    if (clean := masked(shown)) != shown:
        _keys[clean] = scheme + rest
    return clean


def masked(text: str) -> str:
    """Return ``text``, a URL or a message with URLs in it, without passwords and secret parts of a query."""
    return _SECRET.sub(r"\1...", _USER.sub(r"\1@", text))


def keys() -> Keys:
    """Return what ``named`` has kept apart, for a worker elsewhere that is to read the same URLs."""
    return dict(_keys)


def learn(others: Keys) -> None:
    """Take what another process kept apart."""
    _keys.update(others)


def real(url: str) -> str:
    """Return a URL with what ``named`` took away."""
    whole = _keys.get(url)
    if whole is not None:
        return whole
    scheme, _, rest = url.partition(_SEPARATOR)
    host, slash, below = rest.partition("/")
    authority = f"{scheme}{_SEPARATOR}{host}"
    return _keys.get(authority, authority) + slash + below


def _remote() -> ModuleType:
    """Return the module that reads URLs. Raises StoreError when fsspec is not installed."""
    try:
        from whosasking import remote  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise StoreError(5, f"{NEEDS}pip install 'whosasking[lake]'") from None
    return remote


def open_raw(path: str, ahead: int | None = None) -> FileIO | RemoteFile:
    """Open a file to read bytes, without a buffer of Python's. Raises OSError.

    ``ahead``: bytes a store is asked for beyond what is read (default: a few MiB).
    """
    if _SEPARATOR in path:
        return _remote().RemoteFile(path, ahead)  # type: ignore[no-any-return]
    return Path(path).open("rb", buffering=0)


def size(path: str) -> int:
    """Return a file's bytes as they lie there, 0 where that cannot be told: why is told when it is read."""
    try:
        return int(_remote().size(path)) if _SEPARATOR in path else Path(path).stat().st_size
    except OSError:
        return 0


def exists(path: str) -> bool:
    """Whether there is a file or folder; False where that cannot be told."""
    try:
        return bool(_remote().exists(path)) if _SEPARATOR in path else Path(path).exists()
    except OSError:
        return False


def is_folder(path: str) -> bool:
    """Whether there is a folder; False where that cannot be told."""
    try:
        return bool(_remote().is_folder(path)) if _SEPARATOR in path else Path(path).is_dir()
    except OSError:
        return False


def is_setup(reason: str) -> bool:
    """Whether a file was not read because this process is not set up for its store: another one may well read it."""
    return reason in (DENIED, NO_CREDENTIALS) or reason.startswith(NEEDS)


def reason_of(error: OSError) -> str:
    """Return an error of the system or of a store in a few words."""
    return (error.strerror or str(error)).lower() if not isinstance(error, StoreError) else str(error)


def hadoops(name: str, path: str) -> NotRead | None:
    """Return why a file of this name is passed over, when Hadoop left it beside others."""
    return NotRead(path, "not read: Hadoop's note on the files beside it", True) if _HADOOPS.fullmatch(name) else None


def files(path: str, seen: set[Hashable]) -> Iterator[str | NotRead]:
    """Yield ``path``, or the files below it in name order; every file and folder once, by what is in ``seen``.

    Symbolic loops are cut. Never raises for what cannot be read.
    """
    if _SEPARATOR in path:
        try:
            yield from _remote().files(path, seen)
        except StoreError as error:
            yield NotRead(path, reason_of(error))
        return
    try:
        status = Path(path).stat()
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            return
        seen.add(identity)
        if stat.S_ISREG(status.st_mode):
            yield hadoops(os.path.basename(path), path) or path  # noqa: PTH119 - a string per file, see below
        elif stat.S_ISDIR(status.st_mode):
            names = sorted(os.listdir(path))  # noqa: PTH208 - a string per file: a rotated year has 100,000 of them
            for name in names:
                yield from files(os.path.join(path, name), seen)  # noqa: PTH118 - see above
        else:
            yield NotRead(path, "neither a file nor a folder")
    except OSError as error:
        yield NotRead(path, reason_of(error))
