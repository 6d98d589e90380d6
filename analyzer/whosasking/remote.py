"""Files of object stores and other file systems, by URL, through fsspec (whatever protocol it has a package for).

Credentials and endpoints are the packages' own business: they read their environment variables and configuration
files (https://filesystem-spec.readthedocs.io). Here every error of theirs becomes one line without secrets, every wait
ends, and memory is bounded: a file reads little ahead, a listing is one folder long.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fsspec.config import conf
from fsspec.registry import get_filesystem_class
from fsspec.spec import AbstractFileSystem

from whosasking import storage
from whosasking.storage import NotRead, StoreError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

AHEAD: Final = 4 << 20
"""Bytes asked of a store beyond what is read now."""
DEEPEST: Final = 64
"""Folders in folders: a link that leads back up ends there."""
_RETRIES: Final = 2
"""Times a package asks again on top of what the client below it does: s3fs' five are six minutes with a dead store."""
_SILENT: Final = 2
"""Files a store may leave without an answer one after another before it is asked no more."""
_PATIENCE: Final = 30.0
"""Seconds a web server may take to accept a connection, and then between two of its bytes."""
_SKIP: Final = 1 << 20
_LONGEST: Final = 200
_AS: Final = {"s3n": "s3", "abfss": "abfs"}
_PACKAGES: Final = {
    "s3": "'whosasking[lake]'", "s3a": "'whosasking[lake]'", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs",
    "az": "adlfs", "hdfs": "pyarrow", "http": "aiohttp", "https": "aiohttp", "webhdfs": "requests", "sftp": "paramiko",
    "ssh": "paramiko", "smb": "smbprotocol", "oss": "ossfs", "webdav": "webdav4",
}  # fmt: skip
_WEB_PROTOCOLS: Final = ("http", "https")
_WEB: Final = ("http://", "https://")

_instances: dict[tuple[Hashable, ...], Any] = {}
_making = threading.Lock()
_sizes: dict[str, int] = {}
_unanswered: dict[str, int] = {}


class Place(NamedTuple):
    """A file system of fsspec's and what it calls a file."""

    system: Any
    name: str
    identity: tuple[Hashable, ...]


def size(url: str) -> int:
    """Return a file's bytes, 0 where the store does not tell. Raises StoreError."""
    if url not in _sizes:
        with told(url):
            place = _place(url)
            _sizes[url] = _bytes(url, place.system.info(place.name))
    return _sizes[url]


def _bytes(url: str, info: Mapping[str, Any]) -> int:
    """Return a file's size, 0 where it can only be read from its first byte on: there is nothing to cut."""
    if url.startswith(_WEB) and not info.get("partial"):
        return 0
    return int(info.get("size") or 0)


def exists(url: str) -> bool:
    """Whether there is a file or folder. Raises StoreError."""
    with told(url):
        place = _place(url)
        return bool(place.system.exists(place.name))


def is_folder(url: str) -> bool:
    """Whether there is a folder. Raises StoreError."""
    with told(url):
        place = _place(url)
        return bool(place.system.isdir(place.name))


def files(url: str, seen: set[Hashable]) -> Iterator[str | NotRead]:
    """Yield ``url``, or the URLs of the files below it in name order, and what is not read. Raises StoreError."""
    with told(url):
        place = _place(url)
        info = place.system.info(place.name)
    if info["type"] == "directory":
        yield from _below(url.rstrip("/"), place, seen, 0)
    else:
        yield from _file(url, place, _bytes(url, info), seen)


def _file(url: str, place: Place, size: int, seen: set[Hashable]) -> Iterator[str | NotRead]:
    identity = (*place.identity, place.name)
    if identity not in seen:
        seen.add(identity)
        _sizes[url] = size
        yield storage.hadoops(_last(place.name), url) or url


def _below(url: str, folder: Place, seen: set[Hashable], depth: int) -> Iterator[str | NotRead]:
    identity = (*folder.identity, folder.name)
    if identity in seen:
        return
    seen.add(identity)
    if depth > DEEPEST:
        yield NotRead(url, f"folders in folders, more than {DEEPEST} deep")
        return
    try:
        with told(url):
            entries = sorted(_entry(info, folder.system) for info in folder.system.ls(folder.name, detail=True))
    except StoreError as error:
        yield NotRead(url, storage.reason_of(error))
        return
    for entry in entries:
        here, below = folder._replace(name=entry.whole), f"{url}/{entry.name}"
        if entry.whole.rstrip("/") == folder.name.rstrip("/"):
            if entry.is_folder:
                yield NotRead(f"{url}//", "not read: a folder without a name (two slashes in the keys of its files)")
        elif entry.is_folder:
            if entry.is_link:
                yield NotRead(below, "not read: a link to a folder", harmless=True)
            else:
                yield from _below(below, here, seen, depth + 1)
        elif not entry.whole.endswith("/"):  # that is how some stores note a folder: an object of no bytes
            yield from _file(below, here, entry.size, seen)


class _Entry(NamedTuple):
    """What is needed of a listing, no more: a folder may have a million names. ``whole`` is fsspec's name."""

    name: str
    whole: str
    is_folder: bool
    is_link: bool
    size: int


def _entry(info: Mapping[str, Any], system: Any) -> _Entry:  # noqa: ANN401 - fsspec is untyped
    whole: str = info["name"]
    is_link = info["type"] not in ("file", "directory") or bool(info.get("islink"))
    is_folder = system.isdir(whole) if is_link else info["type"] == "directory"
    return _Entry(_last(whole), whole, is_folder, is_link, int(info.get("size") or 0))


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


class RemoteFile(io.RawIOBase):
    """A file to read by its URL: from any byte where the store can do that, else from the first on."""

    def __init__(self, url: str, ahead: int | None = None) -> None:
        """Open it; ``ahead`` bytes are asked for beyond what is read. Raises StoreError."""
        super().__init__()
        self._url = url
        self._ahead = ahead or AHEAD
        self._at = 0
        self._file = _opened(url, self._ahead)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, none at the end. Raises StoreError."""
        with told(self._url):
            data: bytes = self._file.read(size)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Fill the front of ``buffer``; the number of bytes, 0 at the end. Raises StoreError."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte; where the store cannot, read up to it. Raises StoreError."""
        if whence == io.SEEK_SET and offset == self._at:
            return offset
        with suppress(ValueError, OSError):  # what a file raises that is but streamed
            self._at = int(self._file.seek(offset, whence))
            return self._at
        if whence != io.SEEK_SET:
            raise StoreError(errno.ESPIPE, "the store gives files from their first byte on alone")
        if offset < self._at:
            self._file.close()
            self._file, self._at = _opened(self._url, self._ahead), 0
        while self._at < offset and self.read(min(offset - self._at, _SKIP)):
            pass
        return self._at

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._at

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            with suppress(Exception):  # nothing was written
                self._file.close()
        super().close()


class OneFile(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A file system with one file in it, called ``name``: whoever is given it reaches nothing else."""

    protocol = "onefile"
    name = "onefile://file"
    cachable = False

    def __init__(self, url: str) -> None:
        """Hold the file at ``url``; nothing is opened yet."""
        super().__init__()
        self._url = url

    def _open(self, path: str, mode: str = "rb", **_: Any) -> RemoteFile:  # noqa: ANN401 - fsspec's signature
        """Open it once more: each handle has a place of its own in the file."""
        self._check(path, mode)
        return RemoteFile(self._url, AHEAD)

    def info(self, path: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - fsspec's signature
        """Describe it."""
        self._check(path)
        return {"name": self.name, "size": size(self._url), "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:  # noqa: ANN401 - fsspec's signature
        """Find it, and it alone."""
        return [self.name] if path == self.name else []

    def modified(self, path: str) -> datetime:
        """Return one time for all: nothing is kept of one run for the next."""
        self._check(path)
        return datetime.fromtimestamp(0, UTC)

    def _check(self, path: str, mode: str = "rb") -> None:
        if self._strip_protocol(path) != self._strip_protocol(self.name) or mode != "rb":
            raise FileNotFoundError(path)


def _opened(url: str, ahead: int) -> Any:  # noqa: ANN401 - fsspec is untyped
    length = size(url) if url.startswith(_WEB) else 0
    with told(url):
        place = _place(url)
        if url.startswith(_WEB):
            return place.system.open(place.name, "rb", block_size=ahead if length else 0, size=length or None)
        return place.system.open(place.name, "rb", block_size=ahead, cache_type="readahead")


def _place(url: str) -> Place:
    """Return where a URL leads. Raises whatever the protocol's package does, told() around it.

    fsspec's own ``url_to_fs`` is not used: it takes ``::`` in a name for a chain of file systems, and an object may be
    called ``x::file:///etc/passwd``.
    """
    scheme, _, rest = storage.real(url).partition("://")
    if scheme == "file":
        raise StoreError(errno.EINVAL, "a file URL has three slashes: file:///folder/name")
    if _unanswered.get(_authority(url), 0) >= _SILENT:
        raise StoreError(errno.ETIMEDOUT, "not tried: the store has stopped answering")
    try:
        kind = get_filesystem_class(_AS.get(scheme, scheme))
    except ValueError:
        raise StoreError(errno.EPROTONOSUPPORT, f"no package is known that reads {scheme}:// URLs") from None
    whole = f"{_AS.get(scheme, scheme)}://{rest}"
    options = kind._get_kwargs_from_urls(whole)  # noqa: SLF001 - the class's part of url_to_fs
    identity = (kind.__qualname__, *sorted((name, str(value)) for name, value in options.items()))
    return Place(_system(kind, options, identity), kind._strip_protocol(whole), identity)  # noqa: SLF001 - as above


def _missing(url: str, error: BaseException) -> str:
    scheme = url.partition("://")[0]
    package = _PACKAGES.get(_AS.get(scheme, scheme))
    return storage.NEEDS + (f"pip install {package}" if package else _one_line(error))


def _system(kind: Any, options: dict[str, Any], identity: tuple[Hashable, ...]) -> Any:  # noqa: ANN401 - fsspec is untyped
    """Return the file system: one for all threads where its package allows that, as a client takes long to make."""
    if not getattr(kind, "async_impl", False):
        return kind(**options)  # fsspec keeps one a thread
    with _making:
        key = (os.getpid(), *identity)
        if key not in _instances:
            more = _web_options() if kind.protocol == _WEB_PROTOCOLS else {}
            made = _instances[key] = kind(**options, **more, use_listings_cache=False, skip_instance_cache=True)
            if getattr(made, "retries", 0) > _RETRIES:
                made.retries = _RETRIES
        return _instances[key]


def _web_options() -> dict[str, Any]:
    """Return what lets a download last as long as bytes come: the client's own limit is five minutes for a file."""
    from aiohttp import ClientTimeout  # noqa: PLC0415 - what reads web servers needs it, nothing else here

    options: dict[str, Any] = {"encoded": True}  # the user's URL stands as in a browser, signed perhaps
    if "client_kwargs" not in conf.get("http", {}) | conf.get("https", {}):
        options["client_kwargs"] = {"timeout": ClientTimeout(total=None, sock_connect=_PATIENCE, sock_read=_PATIENCE)}
    return options


def _authority(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turn whatever a package raises into StoreError, and remember a store that does not answer."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - each package has errors of its own
        cause = _cause(error)
        store = _authority(url)
        if _is_silence(cause):
            _unanswered[store] = _unanswered.get(store, 0) + 1
        raise StoreError(errno.EIO, _reason(cause, url)) from None
    else:
        _unanswered.pop(_authority(url), None)


def _cause(error: Exception) -> BaseException:
    """Return what is behind it: fsspec says of any web server's error that the file is not found."""
    behind = error.__cause__
    if isinstance(error, FileNotFoundError) and type(behind).__module__.startswith("aiohttp"):
        return error if getattr(behind, "status", None) == 404 else behind or error  # noqa: PLR2004 - HTTP's
    return error


def _is_silence(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    silent = {"ConnectTimeoutError", "ReadTimeoutError", "EndpointConnectionError", "ConnectionRefusedError"}
    return isinstance(error, TimeoutError | asyncio.TimeoutError) or bool(names & silent)


def _reason(error: BaseException, url: str) -> str:
    if isinstance(error, FileNotFoundError):
        return storage.GONE
    if isinstance(error, PermissionError) or getattr(error, "status", None) in (401, 403):
        return storage.DENIED
    if "credential" in type(error).__name__.lower():
        return storage.NO_CREDENTIALS
    if isinstance(error, ImportError):
        return _missing(url, error)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "the store does not answer in time"
    return f"the store fails: {_one_line(error)}"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return storage.masked(text)[:_LONGEST]
