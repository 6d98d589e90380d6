"""Bytes of an export, as UTF-8 whatever it was written in: lines, or pieces of any cut.

PowerShell and Windows consoles write UTF-16 with a byte order mark; it is turned into UTF-8 as it streams by. Anything
else is passed on as it is.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from whosasking.bytestream import BadStream, whole_lines
from whosasking.endpoints.containers import LONGEST_ROW, Line
from whosasking.inputs import LONG_LINE_REASON, inflated, open_lines, read_head
from whosasking.storage import open_raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whosasking.endpoints.screen import Screen
    from whosasking.inputs import Input, Tally
    from whosasking.progress import Progress

_PIECE = 1 << 20
_HEAD = 256 << 10
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def utf16(head: bytes) -> str | None:
    """Return the codec of a UTF-16 byte order mark, None without one."""
    return _UTF16.get(head[:2])


def is_wide(inp: Input) -> bool:
    """Tell a file in UTF-16. Raises OSError, BadStream."""
    return utf16(read_head(inp.path, 2).data) is not None


def as_utf8(head: bytes) -> bytes:
    """Return the first bytes of a file as UTF-8, without a UTF-16 byte order mark."""
    codec = utf16(head)
    return head[2:].decode(codec, "replace").encode("utf-8", "replace") if codec else head


def head_of(inp: Input) -> bytes:
    """Return the first 256 KiB, inflated, as UTF-8. Raises OSError, BadStream."""
    return as_utf8(read_head(inp.path, _HEAD).data)


def blocks(inp: Input, tally: Tally, progress: Progress) -> Iterator[Line]:
    """Yield the file in pieces of any cut, each with the line it begins in: a document may be one endless line."""
    line = 1
    decoder: codecs.IncrementalDecoder | None = None
    try:
        with open_raw(inp.path) as file:
            stream = inflated(file, inp, tally, progress)
            piece = stream.read(_PIECE)
            codec = utf16(piece)
            if codec:
                decoder, piece = codecs.getincrementaldecoder(codec)("replace"), piece[2:]
            while piece:
                text = decoder.decode(piece).encode("utf-8", "replace") if decoder else piece
                yield line, text
                line += text.count(b"\n")
                piece = stream.read(_PIECE)
    except (OSError, BadStream) as error:
        tally.skip(line, str(error))


def lines(inp: Input, tally: Tally, progress: Progress) -> Iterator[Line]:
    """Yield every line with its 1-based number, as ``inputs.open_lines`` does, UTF-16 as UTF-8."""
    try:
        wide = is_wide(inp)
    except (OSError, BadStream) as error:
        tally.fail(str(error))
        return
    if wide:
        yield from _cut(blocks(inp, tally, progress), tally)
    else:
        yield from open_lines(inp, tally, progress)


def screened_lines(inp: Input, tally: Tally, progress: Progress, screen: Screen) -> Iterator[Line]:
    """Yield the lines of a file that pass ``screen``; ``tally`` counts all of them as records."""
    done = 0
    try:
        with open_raw(inp.path) as file:
            for block in whole_lines(inflated(file, inp, tally, progress), _PIECE):
                if block.overlong:
                    done += 1
                    tally.skip(done, LONG_LINE_REASON)
                    continue
                data, size, counted, number = block.data, block.size, 0, done
                spans = screen.lines(data, size)
                if data[size - 1] != ord("\n") and (not spans or spans[-1][1] != size):
                    spans.append((data.rfind(b"\n", 0, size) + 1, size))  # it may be half a record
                for start, stop in spans:
                    number += data.count(b"\n", counted, start)
                    counted = start
                    yield number + 1, bytes(data[start:stop]).removesuffix(b"\r")
                done = number + data.count(b"\n", counted, size) + (data[size - 1] != ord("\n"))
    except (OSError, BadStream) as error:
        tally.skip(done or None, str(error))
    tally.records += done


def _cut(pieces: Iterator[Line], tally: Tally) -> Iterator[Line]:
    number, kept = 1, b""
    too_long = False
    for _, piece in pieces:
        whole = (kept + piece).split(b"\n")
        kept = whole.pop()
        for line in whole:
            if too_long or len(line) > LONGEST_ROW:
                tally.skip(number, f"line longer than {LONGEST_ROW >> 20} MiB")
            else:
                yield number, line.removesuffix(b"\r")
            number, too_long = number + 1, False
        if len(kept) > LONGEST_ROW:
            kept, too_long = b"", True
    if too_long:
        tally.skip(number, f"line longer than {LONGEST_ROW >> 20} MiB")
    elif kept:
        yield number, kept.removesuffix(b"\r")
