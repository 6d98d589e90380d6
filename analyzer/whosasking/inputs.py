"""Paths in, told apart by content; bytes out, line by line, whatever the compression.

Nothing here knows what a line means: `sensors.sniff` and `endpoints.sniff` recognise formats from the first bytes.
Whatever cannot be read is kept in the file's `Tally` with line and reason, and the rest goes on.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from whosasking import storage
from whosasking.bytestream import BLOCK, MAX_LINE, PARQUET, BadStream, compression_of, whole_lines
from whosasking.bytestream import open_stream as _open_stream
from whosasking.model import InputReport, Skipped
from whosasking.progress import SILENT
from whosasking.storage import open_raw, reason_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from whosasking.bytestream import Source, Stream
    from whosasking.progress import Progress

UNKNOWN: Final = "unknown"
KEPT_SKIPS: Final = 100
_GLANCE: Final = 16 << 10
_HEAD: Final = 256 << 10
_PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
_PCAP_MAGIC: Final = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    _PCAPNG_MAGIC,
)
LONG_LINE_REASON: Final = f"line longer than {MAX_LINE >> 20} MiB"


class Input(msgspec.Struct, frozen=True):
    """One file.

    ``kind`` names its format: ``zeek conn tsv``, ``zeek ssl json``, ``eve json``, ``sysmon flat``, ...; ``compression``
    is ``gz``, ``zst``, ``parquet`` (a table that is read as the JSON lines Zeek would have written) or None.
    """

    path: str
    kind: str
    compression: str | None = None


class Tally:
    """The account of one input while it is read. Every method may be called from any thread.

    ``bytes`` are bytes on disk that were read, ``records`` the log entries among them, ``candidates`` those that were
    looked into: of a sensor's log, what the sieve let through. Skips are all counted and the first ``KEPT_SKIPS`` kept.
    """

    def __init__(self, path: str, kind: str = UNKNOWN) -> None:
        """Nothing read yet."""
        self.path = path
        self.kind = kind
        self.bytes = 0
        self.records = 0
        self.candidates = 0
        self.skipped: list[Skipped] = []
        self.skipped_total = 0
        self.unreadable = False
        self.fields_not_read: dict[str, int] = {}
        self._lock = threading.Lock()

    def took(self, count: int) -> None:
        """Count bytes read from disk."""
        with self._lock:
            self.bytes += count

    def skip(self, line: int | None, reason: str) -> None:
        """Note that ``line`` (1-based; None: the whole file) was not read."""
        with self._lock:
            self.skipped_total += 1
            if len(self.skipped) < KEPT_SKIPS:
                self.skipped.append(Skipped(line=line, reason=reason))

    def skip_file(self, reason: str) -> None:
        """Note that the file was not read, though nothing is wrong with it."""
        self.skip(None, reason)

    def fail(self, reason: str) -> None:
        """Note that nothing came of this input."""
        self.unreadable = True
        self.skip(None, reason)

    def report(self) -> InputReport:
        """Return what was read, skips in order of line."""
        return InputReport(
            path=self.path,
            kind=self.kind,
            bytes=self.bytes,
            records=self.records,
            candidates=self.candidates,
            skipped=tuple(sorted(self.skipped, key=lambda skip: skip.line or 0)),
            skipped_total=self.skipped_total,
            unreadable=self.unreadable,
            fields_not_read=self.fields_not_read,
        )


class Inputs:
    """The files of one run: ``sensors`` logs, ``endpoints`` exports and packet ``captures`` are to be read.

    ``tallies`` (by path) has every file met.
    """

    def __init__(self) -> None:
        """No files yet."""
        self.sensors: list[Input] = []
        self.endpoints: list[Input] = []
        self.captures: list[Input] = []
        self.tallies: dict[str, Tally] = {}

    def tally(self, path: str, kind: str = UNKNOWN) -> Tally:
        """Return the account of ``path``, opened when it is new."""
        tally = self.tallies.setdefault(path, Tally(path, kind))
        if kind != UNKNOWN:
            tally.kind = kind
        return tally


class Head(NamedTuple):
    """The first bytes of a file, inflated. ``complete`` when that is all there is."""

    data: bytes
    compression: str | None
    complete: bool


def discover(paths: Sequence[str | Path]) -> Inputs:
    """Find and recognise every file in ``paths`` (files or folders, walked in name order, symbolic loops cut).

    Never raises for a bad path: it gets a tally that says why it was not read.
    """
    inputs = Inputs()
    seen: set[Hashable] = set()
    for given in paths:
        path = storage.named(os.fspath(given))
        found = False
        for file in storage.files(path, seen):
            if isinstance(file, storage.NotRead):
                tally = inputs.tally(file.path)
                (tally.skip_file if file.harmless else tally.fail)(file.reason)
            else:
                found = _recognise(file, inputs) or found
        told = storage.is_url(path) and path in inputs.tallies  # a store that fails is not asked once more
        if not found and not told and storage.is_folder(path):
            inputs.tally(path).fail("no Zeek log, EVE file or endpoint export found in this folder")
    return inputs


def _recognise(path: str, inputs: Inputs) -> bool:
    """Put ``path`` where it belongs; True when its format is known."""
    from whosasking import sensors  # noqa: PLC0415 - stages import inputs

    try:
        head = read_head(path, _GLANCE)
        kind = sensors.sniff(head.data)
        if kind is None and not head.complete:
            head = read_head(path, _HEAD)
            kind = sensors.sniff(head.data)
        endpoint = _sniff_endpoint(head.data) if kind is None and not _is_pcap(head.data) else None
    except OSError as error:
        inputs.tally(path).fail(reason_of(error))
        return False
    except BadStream as error:
        inputs.tally(path).fail(str(error))
        return False
    tally = inputs.tally(path, kind or endpoint or UNKNOWN)
    if _is_pcap(head.data):
        tally.kind = "pcapng" if head.data.startswith(_PCAPNG_MAGIC) else "pcap"
        if storage.is_url(path):
            tally.fail("packet captures are read by sensors that need a local file: copy it here first")
            return True
        inputs.captures.append(Input(path, tally.kind, head.compression))
    elif endpoint is not None:
        inputs.endpoints.append(Input(path, endpoint, head.compression))
    elif kind is None:
        _reject(tally, head)
    elif (why := sensors.unused(kind)) is not None:
        (tally.fail if kind.endswith("without header") else tally.skip_file)(why)
    else:
        inputs.sensors.append(Input(path, kind, head.compression))
        if head.compression == PARQUET:
            tally.kind = kind.removesuffix("json") + PARQUET
    return tally.kind != UNKNOWN


def _sniff_endpoint(head: bytes) -> str | None:
    from whosasking import endpoints  # noqa: PLC0415 - a dozen products' readers: only where they may be needed

    return endpoints.sniff(head)


def _is_pcap(data: bytes) -> bool:
    return data.startswith(_PCAP_MAGIC)


def _reject(tally: Tally, head: Head) -> None:
    if not head.data:
        tally.fail("empty file")
    elif b"\0" in head.data:
        tally.fail("a binary file of no known format")
    else:
        start = head.data.lstrip()[:60].split(b"\n")[0].decode("utf-8", "replace")
        tally.fail(f"format not recognised; it begins with {start!r}")


def read_head(path: str, size: int) -> Head:
    """Return the first ``size`` inflated bytes of ``path``. Raises OSError, or BadStream when nothing inflates."""
    with open_raw(path, size) as file:
        compression = compression_of(file.read(4))
        file.seek(0)
        stream = _rows(path) if compression == PARQUET else _open_stream(file, compression)
        data = bytearray()
        try:
            while len(data) < size and (chunk := stream.read(size - len(data))):
                data += chunk
        except BadStream:
            if not data:
                raise
        return Head(bytes(data), compression, len(data) < size)


class Metered:
    """A file that counts what is read from it into a tally and the progress."""

    def __init__(self, file: Source, tally: Tally, progress: Progress) -> None:
        """Count the bytes of ``file``."""
        self._file = file
        self._tally = tally
        self._progress = progress

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes."""
        data = self._file.read(size)
        self._tally.took(len(data))
        self._progress.advance(len(data))
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer``; the number of bytes, 0 at the end."""
        count = self._file.readinto(buffer)
        self._tally.took(count)
        self._progress.advance(count)
        return count


def inflated(file: Source, inp: Input, tally: Tally, progress: Progress) -> Stream:
    """Return the text of ``inp``, opened as ``file``, metered. Raises BadStream."""
    if inp.compression != PARQUET:
        return _open_stream(Metered(file, tally, progress), inp.compression)
    size = storage.size(inp.path)
    tally.took(size)
    progress.advance(size)
    return _rows(inp.path)


def _rows(path: str) -> Stream:
    from whosasking.parquet import Rows  # noqa: PLC0415 - DuckDB, which it needs, takes its time to load

    return Rows(path)


def open_lines(inp: Input, tally: Tally, progress: Progress = SILENT) -> Iterator[tuple[int, bytes]]:
    r"""Yield every line of ``inp`` with its 1-based number, without its line end (``\n`` or ``\r\n``).

    A line over 8 MiB, a damaged or truncated archive and an error of the disk are noted in ``tally``; what could be
    read before is yielded. Never raises for bad input.
    """
    number = 0
    try:
        with open_raw(inp.path) as file:
            for block in whole_lines(inflated(file, inp, tally, progress), BLOCK):
                if block.overlong:
                    number += 1
                    tally.skip(number, LONG_LINE_REASON)
                    continue
                lines = bytes(block.view).split(b"\n")
                if not lines[-1]:
                    lines.pop()
                for number, line in enumerate(lines, number + 1):  # noqa: B020 - one running number
                    yield number, line.removesuffix(b"\r")
    except OSError as error:
        tally.skip(number or None, reason_of(error))
    except BadStream as error:
        tally.skip(number or None, str(error))
