"""One log while it is read: lines -> records -> the reader of its format, whatever cannot be read into the tally."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from whosasking.model import SourceRef
from whosasking.sensors import glance
from whosasking.sensors.patterns import is_standard
from whosasking.sensors.recognise import READ, log_of
from whosasking.sensors.tsv import BadRow, Header
from whosasking.sensors.zeek_json import decode, missing, path_of, typed, untyped

if TYPE_CHECKING:
    from whosasking.inputs import Tally
    from whosasking.model import Micros
    from whosasking.sensors.detect import Detector
    from whosasking.sensors.eve import Eve
    from whosasking.sensors.reading import Line
    from whosasking.sensors.zeek import Zeek


class Log(Protocol):
    """A log of one format."""

    logs: set[str]
    """The logs met in the file: ``conn``, ``ssl``, ..., ``eve``."""
    odd: bool
    """Whether the file is laid out so that the sieve's patterns do not hold for it."""

    def take(self, line: Line) -> None:
        """Read one line."""

    def time_of(self, text: bytes) -> Micros | None:
        """Return the time of a record, None when it has none."""


class TsvLog:
    """A Zeek log in TSV."""

    def __init__(self, log: str, zeek: Zeek, tally: Tally, detector: Detector | None = None) -> None:
        """Read a file whose first header says ``log``.

        With a ``detector``, rows are glanced at before they are typed.
        """
        self._log = log
        self._detector = detector
        self._is_dull: glance.Dull | None = None
        self._zeek = zeek
        self._tally = tally
        self.header = Header()
        self.logs = {log}
        self.odd = False

    def take(self, line: Line) -> None:
        """Read a header line or a row."""
        if line.text.startswith(b"#"):
            self._tally.records -= 1
            self.header.take(line.text)
            if line.text.startswith(b"#fields"):
                self._new_columns()
            if self._detector is not None:
                self._is_dull = glance.columns(self._detector, self._log, self.header)
            return
        self._tally.candidates += 1
        cells = line.text.split(self.header.separator)
        if self._is_dull is not None and self._is_dull(cells):
            return
        try:
            row = self.header.typed(cells)
        except BadRow as error:
            self._tally.skip(line.number, f"cut short: {error}" if line.cut else str(error))
            return
        self._zeek.take(self._log, row, SourceRef(path=self._tally.path, line=line.number))

    def _new_columns(self) -> None:
        self._log = log_of(self.header.path) if self.header.path else self._log
        self.logs.add(self._log)
        self.odd = self.odd or not is_standard(self.header.separator, self.header.fields)

    def time_of(self, text: bytes) -> Micros | None:
        """Return the time of a row."""
        try:
            ts = self.header.row(text.removesuffix(b"\r")).get("ts")
        except BadRow:
            return None
        return ts if isinstance(ts, int) else None


class JsonLog:
    """A Zeek log in JSON; records of several logs may be mixed in it."""

    odd = False

    def __init__(self, log: str | None, zeek: Zeek, tally: Tally, detector: Detector | None = None) -> None:
        """Read a file of ``log`` records, or where it is None of records that say themselves what they are.

        With a ``detector``, records are glanced at before their times are read.
        """
        self._log = log
        self._detector = detector
        self._zeek = zeek
        self._tally = tally
        self.logs = {log} if log else set()

    def take(self, line: Line) -> None:
        """Read a record."""
        self._tally.candidates += 1
        try:
            row = untyped(line.text)
            said = path_of(row)
            log = log_of(said) if said else self._log
            if self._detector is not None and log in READ and glance.record(self._detector, log, row):
                self.logs.add(log)
                return
            row = typed(row)
        except BadRow as error:
            self._tally.skip(line.number, f"cut short: {error}" if line.cut else str(error))
            return
        if log is None:
            self._tally.skip(line.number, "a Zeek record of no known log")
            return
        if log in READ and (lacking := missing(log, row)):
            self._tally.skip(line.number, f"a {log} record without {lacking}: what it says cannot be used")
            return
        if log in READ:
            self.logs.add(log)
        self._zeek.take(log, row, SourceRef(path=self._tally.path, line=line.number))

    def time_of(self, text: bytes) -> Micros | None:
        """Return the time of a record."""
        try:
            ts = decode(text).get("ts")
        except BadRow:
            return None
        return ts if isinstance(ts, int) else None


class EveLog:
    """Suricata's EVE."""

    odd = False

    def __init__(self, eve: Eve, tally: Tally) -> None:
        """Read a file of events."""
        self._eve = eve
        self._tally = tally
        self.logs = {"eve"}

    def take(self, line: Line) -> None:
        """Read an event."""
        self._tally.candidates += 1
        try:
            self._eve.take(line.text, SourceRef(path=self._tally.path, line=line.number))
        except BadRow as error:
            self._tally.skip(line.number, f"cut short: {error}" if line.cut else str(error))

    def time_of(self, text: bytes) -> Micros | None:
        """Return the time of an event."""
        try:
            return self._eve.time_of(text)
        except BadRow:
            return None
