"""tshark through pyshark: rows of a few fields for the packets that pass a display filter, as they come.

pyshark's own event-loop set-up uses child watchers, which Python 3.14 removed: it is given a loop of its own. Its
packets hold every field, and any output of fields makes tshark build the whole tree of every packet, filtered out or
not (measured: eight times the CPU). So its packet summaries are used (``only_summaries``, PSML) with columns of our
choice: tshark then looks at the fields of the filter and the columns alone.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from pyshark.capture.capture import Capture, TSharkCrashException
from pyshark.tshark.output_parser.base_parser import BaseTsharkOutputParser

from whosasking.errors import InputError
from whosasking.sensors.capture import process

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from whosasking.sensors.capture.process import Ended, Limits

Row = dict[str, str]
"""Field (Wireshark's name) -> its value in the packet; several are joined by commas. Absent fields are left out."""


class Column(NamedTuple):
    """A field to show, and which of its occurrences in a packet: 0 all, 1 the first, -1 the last (the innermost)."""

    field: str
    occurrence: int = -1


PREFERENCES: Final = {
    "data.show_as_text": "TRUE",
    "http.desegment_body": "FALSE",  # an upload of gigabytes is no reason to hold it
    "tcp.reassemble_out_of_order": "FALSE",  # the feed orders segments; told to, tshark waits forever for lost ones
}
MESSAGES: Final = "messages.txt"
_BATCH: Final = 1 << 18
_LONGEST_ROW: Final = 16 << 20
_LATE: Final = 5.0
_PACKET_END: Final = b"</packet>"
_SECTION: Final = re.compile(rb"<section>(.*?)</section>", re.DOTALL)


class _Rows(BaseTsharkOutputParser):  # type: ignore[misc]  # pyshark has no types
    """tshark's PSML -> a list of rows for each piece read."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._fields = [column.field for column in columns]

    async def get_packets_from_stream(
        self,
        stream: asyncio.StreamReader,
        existing_data: bytes,
        got_first_packet: bool = True,  # noqa: ARG002, FBT001, FBT002 - pyshark's signature
    ) -> tuple[list[Row], bytes]:
        """Return the rows of what can be read now, and the start of the next. Raises EOFError at the end."""
        data = await stream.read(_BATCH)
        if not data:
            raise EOFError
        pieces = (existing_data + data).split(_PACKET_END)
        rest = pieces.pop()
        if len(rest) > _LONGEST_ROW:
            raise InputError("tshark wrote a row of more than 16 MiB")
        return [self._row(piece) for piece in pieces], rest

    def _row(self, piece: bytes) -> Row:
        """Read one packet's columns; before the first packet stand their titles."""
        values = _SECTION.findall(piece)[-len(self._fields) :]
        return {
            field: html.unescape(value.decode("utf-8", "replace"))
            for field, value in zip(self._fields, values, strict=False)
            if value
        }


class Rows(Capture):  # type: ignore[misc]  # pyshark has no types
    """A capture on standard input, read by a guarded tshark."""

    def __init__(
        self, stdin: int, display_filter: str, columns: Sequence[Column], folder: Path, limits: Limits
    ) -> None:
        """Prepare; nothing runs yet. ``stdin`` is a file descriptor, ``folder`` a private folder for its messages."""
        shown = ",".join(f'"{number}","%Cus:{c.field}:{c.occurrence}:U"' for number, c in enumerate(columns))
        super().__init__(
            # Not display_filter: pyshark would ask tshark for its version first, twice, to know the name of the option.
            custom_parameters=["-Y", display_filter],
            only_summaries=True,
            override_prefs=PREFERENCES | {"gui.column.format": shown},
            # Not whois, which would hold back whole answers; nor what a client's port happens to be registered for.
            decode_as={"tcp.port==43": "data"},
            tshark_path=shutil.which("tshark"),
            eventloop=asyncio.new_event_loop(),
        )
        self._columns = columns
        self._stdin = stdin
        self._folder = folder
        self._limits = limits
        self.process: Process | None = None
        self._started: Callable[[], None] = lambda: None

    def _setup_tshark_output_parser(self) -> _Rows:
        return _Rows(self._columns)

    async def _get_tshark_process(self, packet_count: int | None = None, stdin: object = None) -> Process:  # noqa: ARG002
        """Start tshark, guarded, on our standard input, with none of the user's Wireshark preferences."""
        command = [self._get_tshark_path(), "-l", "-n", "-T", "psml", *self.get_parameters(), "-r", "-"]
        profile = self._folder / "wireshark"
        profile.mkdir(exist_ok=True)
        with (self._folder / MESSAGES).open("wb") as messages:
            self.process = await asyncio.create_subprocess_exec(
                *process.guarded(command, self._limits),
                stdin=self._stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=messages,
                cwd=self._folder,
                env=os.environ | {"WIRESHARK_CONFIG_DIR": str(profile), "XDG_CONFIG_HOME": str(profile)},
                start_new_session=True,
            )
        self._created_new_process(command, self.process)
        self._started()
        return self.process

    def each(self, take: Callable[[list[Row]], None], started: Callable[[], None]) -> Ended:
        """Give ``take`` every batch of rows; ``started`` is called when tshark runs. The child is gone afterwards."""
        self._started = started
        late = False
        try:
            self.eventloop.run_until_complete(asyncio.wait_for(self._all(take), self._limits.seconds))
        except TimeoutError:
            late = True
        finally:
            self._end()
        status = self.process.returncode if self.process else None
        return process.Ended(0 if status is None else status, late, process.last_words(self._folder / MESSAGES))

    async def _all(self, take: Callable[[list[Row]], None]) -> None:
        await self.packets_from_tshark(take, close_tshark=False)
        if self.process is not None:
            await asyncio.wait_for(self.process.wait(), _LATE)

    def _end(self) -> None:
        """Leave no child and no task behind, whatever happened."""
        if self.process is not None and self.process.returncode is None:
            process.end_group(self.process.pid)
        for task in asyncio.all_tasks(self.eventloop):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                self.eventloop.run_until_complete(task)
        if self.process is not None:  # asyncio warns of a child that it did not see end
            with suppress(TimeoutError):
                self.eventloop.run_until_complete(asyncio.wait_for(self.process.wait(), _LATE))
        with suppress(TSharkCrashException):
            self.close()
        self._running_processes.clear()  # else pyshark closes again when it is collected, on a loop that is gone
        self.eventloop.close()
