"""Every transport session of the sensors' logs, as rows a database loads: for ``whosasking attribute``.

Rows are tab-separated UTF-8 without quoting; an empty cell is NULL. Cells come from a sensor's own escaped text, or are
escaped here, so a row never holds a tab or line end that is not a separator.

* connections: ts, protocol, src_ip, src_port, dst_ip, dst_port, uid, community_id, established (``1``, ``0``). Times in
  microseconds UTC. Ports of ICMP are its type and code, as the sensors write them.
* names: uid, server, ja3: what TLS, QUIC and HTTP logs say about a session; for DNS the name that was asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from whosasking import storage
from whosasking.inputs import open_lines
from whosasking.leases import Lease  # noqa: TC001 - msgspec reads annotations at run time
from whosasking.model import Micros  # noqa: TC001 - see above
from whosasking.sensors import eve_events
from whosasking.sensors.eve import connection_of
from whosasking.sensors.recognise import log_of
from whosasking.sensors.tsv import BadRow, Header
from whosasking.sensors.values import decimal_micros
from whosasking.sensors.zeek import ESTABLISHED, NOT_ESTABLISHED, connection_of_row, lease_of_row
from whosasking.sensors.zeek_json import decode, missing, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.inputs import Input, Inputs, Tally
    from whosasking.model import Connection
    from whosasking.progress import Progress
    from whosasking.sensors.tsv import Row

CONNECTION_COLUMNS: Final = (
    "ts",
    "protocol",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "uid",
    "community_id",
    "established",
)
NAME_COLUMNS: Final = ("uid", "server", "ja3")
_CONN_FIELDS: Final = (
    "ts",
    "proto",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "uid",
    "community_id",
    "conn_state",
)
_MICROS_DIGITS: Final = 6
_SECONDS_DIGITS: Final = 11
_BREAKS: Final = re.compile(rb"[\r\0]")
_NAMING: Final = {"ssl": "server_name", "quic": "server_name", "http": "host", "dns": "query"}
_USED: Final = frozenset({"conn", "dhcp", *_NAMING})
_STATES: Final = {
    **{state.encode(): b"1" for state in ESTABLISHED},
    **{state.encode(): b"0" for state in NOT_ESTABLISHED},
}
_PORT: Final = re.compile(rb"\d{1,5}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NOT_PLAIN: Final = re.compile(rb"[^\t -\[\]-~]")
"""A byte that is no printable ASCII character, or the backslash that an escape begins with."""
_LONGEST: Final = 1024


class FlowReading(msgspec.Struct, kw_only=True):
    """What was read beside the rows. ``span`` is the first and last time of any connection."""

    connections: int = 0
    span: tuple[Micros, Micros] | None = None
    leases: list[Lease] = []
    notes: list[str] = []

    def saw(self, first: Micros, last: Micros) -> None:
        """Widen the span."""
        known = self.span or (first, last)
        self.span = (min(known[0], first), max(known[1], last))


def read(inputs: Inputs, connections: BinaryIO, names: BinaryIO, progress: Progress) -> FlowReading:
    """Write the rows of every Zeek conn, ssl, quic, http and dns log and EVE file; DHCP leases are returned.

    Lines that cannot be read go into the tallies, with line and reason. Raises OSError when a row cannot be written.
    """
    reading = FlowReading()
    wanted = [inp for inp in inputs.sensors if _is_used(inp)]
    progress.start(sum(storage.size(inp.path) for inp in wanted))
    for inp in inputs.sensors:
        tally = inputs.tally(inp.path)
        if inp not in wanted:
            tally.skip_file(f"not read: {' '.join(inp.kind.split()[:2])} tells nothing about connections")
            continue
        progress.describe(f"reading {Path(inp.path).name}")
        one = _Rows(reading, tally, connections, names)
        if inp.kind == "eve json":
            one.eve(inp, progress)
        elif inp.kind.endswith("tsv"):
            one.tsv(inp, progress)
        else:
            one.json(inp, progress)
    if not reading.connections:
        reading.notes.append("no connection in any log: attribution starts from conn.log or EVE flow events")
    return reading


def _is_used(inp: Input) -> bool:
    words = inp.kind.split()
    return inp.kind in ("eve json", "zeek json") or (len(words) > 1 and words[1] in _USED)


class _Rows:
    """The rows of one file."""

    def __init__(self, reading: FlowReading, tally: Tally, connections: BinaryIO, names: BinaryIO) -> None:
        self._reading = reading
        self._tally = tally
        self._connections = connections
        self._names = names

    def tsv(self, inp: Input, progress: Progress) -> None:
        """Read a Zeek log in TSV. Its columns are cut out as they stand: nothing is decoded that is only passed on."""
        header, log = Header(), inp.kind.split()[1]
        layout: _Layout | None = None
        for number, line in open_lines(inp, self._tally, progress):
            if line.startswith(b"#"):
                header.take(line)
                if line.startswith((b"#fields", b"#types", b"#path")):
                    log = log_of(header.path) if header.path else log
                    layout = None
                continue
            if not line:
                continue
            self._tally.records += 1
            if layout is None:
                layout = _Layout(header)
            try:
                self._tsv_line(line, log, header, layout)
            except BadRow as error:
                self._tally.skip(number, str(error))
            else:
                self._tally.candidates += 1

    def _tsv_line(self, line: bytes, log: str, header: Header, layout: _Layout) -> None:
        if log == "conn":
            self._conn_line(line, header, layout)
        elif log in _NAMING:
            self._name_line(line, log, header, layout)
        elif log == "dhcp":
            self._dhcp_row(header.row(line))

    def _conn_line(self, line: bytes, header: Header, layout: _Layout) -> None:
        cells = line.split(header.separator)
        if not header.fields or len(cells) != len(header.fields) or not layout.complete:
            header.typed(cells)  # says what is wrong, where anything is
            raise BadRow("no ts, uid, proto or address column in this conn.log")
        ts, protocol, src, src_port, dst, dst_port, uid, community, state = layout.cells(cells)
        seconds, _, rest = ts.partition(b".")
        plain = seconds.isdigit() and len(seconds) <= _SECONDS_DIGITS
        if not (plain and len(rest) <= _MICROS_DIGITS and (not rest or rest.isdigit())):
            micros = decimal_micros(ts.decode("utf-8", "replace"))
            if micros is None:
                raise BadRow(f"ts is no time: {ts[:40].decode('utf-8', 'backslashreplace')!r}")
            ts = b"%d" % micros
        else:
            ts = seconds + rest.ljust(_MICROS_DIGITS, b"0")
        if not (_PORT.match(src_port) and _PORT.match(dst_port)):
            raise BadRow(f"no port: {(src_port + b' ' + dst_port)[:40].decode('utf-8', 'backslashreplace')!r}")
        if b"" in (protocol, src, dst, uid):
            raise BadRow("a connection without uid, proto or address")
        row = (ts, protocol, src, src_port, dst, dst_port, uid, community, _STATES.get(state, b""))
        self._write_connection(b"\t".join(row), int(ts))

    def _write_connection(self, row: bytes, ts: Micros) -> None:
        if not row.isascii():
            row = row.decode("utf-8", "backslashreplace").encode()
        if _BREAKS.search(row):
            row = _BREAKS.sub(b"?", row)
        self._connections.write(row + b"\n")
        reading = self._reading
        reading.connections += 1
        if reading.span is None or not reading.span[0] <= ts <= reading.span[1]:
            reading.saw(ts, ts)

    def json(self, inp: Input, progress: Progress) -> None:
        """Read a Zeek log in JSON; records of several logs may be mixed in it."""
        words = inp.kind.split()
        default = words[1] if len(words) > 2 else None  # noqa: PLR2004 - zeek LOG FORM
        for number, line in open_lines(inp, self._tally, progress):
            if not line.strip():
                continue
            self._tally.records += 1
            try:
                used = self._json_row(decode(line), default)
            except BadRow as error:
                self._tally.skip(number, str(error))
            else:
                self._tally.candidates += used

    def _json_row(self, row: Row, default: str | None) -> bool:
        said = path_of(row)
        log = log_of(said) if said else default
        if log not in _USED:
            return False
        lacking = missing(log, row)
        if lacking:
            raise BadRow(f"a {log} record without {lacking}: what it says cannot be used")
        if log == "conn":
            found = connection_of_row(row)
            if found is None:
                raise BadRow("a conn record without addresses or ports that can be read")
            self._connection(found)
        elif log == "dhcp":
            self._dhcp_row(row)
        else:
            self._name_row(row, log)
        return True

    def eve(self, inp: Input, progress: Progress) -> None:
        """Read Suricata's flow, tls, quic, http and dns events."""
        for number, line in open_lines(inp, self._tally, progress):
            if not line.strip():
                continue
            self._tally.records += 1
            try:
                self._tally.candidates += self._event(eve_events.decode(line))
            except BadRow as error:
                self._tally.skip(number, str(error))

    def _event(self, event: eve_events.Event) -> bool:
        uid = None if event.flow_id is None else str(event.flow_id)
        if event.event_type == "flow" and event.flow is not None:
            found = connection_of(event)
            if found is None:
                return False  # a flow without ports: ARP and the like
            self._connection(found)
        elif event.event_type == "tls" and event.tls is not None and uid:
            self._name(uid, event.tls.sni, event.tls.ja3.hash if event.tls.ja3 else None)
        elif event.event_type == "quic" and event.quic is not None and uid:
            self._name(uid, event.quic.sni, event.quic.ja3.hash if event.quic.ja3 else None)
        elif event.event_type == "http" and event.http is not None and uid:
            self._name(uid, event.http.hostname, None)
        elif event.event_type == "dns" and event.dns is not None and uid:
            self._name(uid, event.dns.name(), None)
        else:
            return False
        return True

    def _connection(self, one: Connection) -> None:
        established = "" if one.established is None else str(int(one.established))
        ends = (one.src_ip, str(one.src_port), one.dst_ip, str(one.dst_port))
        cells = (str(one.ts), one.protocol, *ends, one.uid or "", one.community_id or "", established)
        self._write_connection(_row(cells), one.ts)

    def _name_line(self, line: bytes, log: str, header: Header, layout: _Layout) -> None:
        """Cut out what is wanted of a plain line; one with escapes or without its columns is read as a whole."""
        cells = line.split(header.separator)
        if len(cells) != len(header.fields) or _NOT_PLAIN.search(line):
            self._name_row(header.row(line), log)
            return
        uid, server, ja3 = layout.named(cells, _NAMING[log])
        if uid and (server or ja3):
            self._names.write(b"%b\t%b\t%b\n" % (uid, server[:_LONGEST], ja3[:_LONGEST]))

    def _name_row(self, row: Row, log: str) -> None:
        uid, server, ja3 = row.get("uid"), row.get(_NAMING[log]), row.get("ja3")
        if isinstance(uid, str):
            self._name(uid, server if isinstance(server, str) else None, ja3 if isinstance(ja3, str) else None)

    def _name(self, uid: str, server: str | None, ja3: str | None) -> None:
        if server or ja3:
            self._names.write(_row((uid, (server or "")[:_LONGEST], (ja3 or "")[:_LONGEST])) + b"\n")

    def _dhcp_row(self, row: Row) -> None:
        lease = lease_of_row(row)
        if lease is not None:
            self._reading.leases.append(lease)


class _Layout:
    """Where a conn.log's header puts the columns of a row."""

    def __init__(self, header: Header) -> None:
        places = {name: place for place, name in enumerate(header.fields)}
        self._at = [places.get(name, -1) for name in _CONN_FIELDS]
        self._places = places
        self._nothing = frozenset({header.unset, header.empty})
        self._unset = header.unset
        self.complete = all(name in places for name in _CONN_FIELDS[:7])

    def cells(self, cells: Sequence[bytes]) -> list[bytes]:
        """Return the row's cells in the order of ``_CONN_FIELDS``; what is unset or has no column is empty."""
        unset = self._unset
        return [b"" if at < 0 or cells[at] == unset else cells[at] for at in self._at]

    def named(self, cells: Sequence[bytes], server: str) -> list[bytes]:
        """Return uid, the column ``server`` and JA3 of a row; what is unset, empty or has no column is empty."""
        at, nothing = self._places, self._nothing
        found = (cells[at[name]] if name in at else b"" for name in ("uid", server, "ja3"))
        return [b"" if cell in nothing else cell for cell in found]


def _row(cells: Iterable[str]) -> bytes:
    text = "\t".join(_CONTROL.sub(_escaped, cell) for cell in cells)
    return text.encode("utf-8", "backslashreplace")


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"
