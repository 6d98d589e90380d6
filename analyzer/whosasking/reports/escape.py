"""Attacker-chosen text made fit to show: every byte that could steer a terminal, hide or reorder text becomes visible.

Logs hold what the other side chose to send: command lines, server names, User-Agents. Every renderer passes such text
through here: ``visible`` for rich (a ``Text``, never markup), ``plain`` for formats that are strings.
"""

# ruff: noqa: PLC0415 - rich is loaded by the formats that draw: JSON and CSV need none of it

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

ESCAPE_STYLE = "magenta"
"""Escapes look different from the text around them, so that ``\\x1b`` typed by an attacker is not mistaken for one."""

MAX_CHARACTERS = 4096
"""Longer text is cut in its middle before anything else is done with it."""

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MAX_MARKS = 2
"""Combining marks kept on one character; more of them climb over the neighbouring lines."""
_SURROGATE_BYTES = range(0xDC80, 0xDD00)


def visible(text: str, style: str = "", *, width: int | None = None, ascii_only: bool = False) -> Text:
    """Turn ``text`` into rich Text that shows every control, format and invisible character as an escape.

    ``width`` is the most terminal cells it may take: longer text loses its middle to an ellipsis. ``ascii_only`` is for
    outputs that cannot encode anything else: all other characters become escapes too.
    """
    from rich.text import Text

    shown = Text(style=style, end="")
    for piece, escaped in _pieces(_bounded(text), ascii_only=ascii_only):
        shown.append(piece, ESCAPE_STYLE if escaped else None)
    return shown if width is None else _without_middle(shown, width, "..." if ascii_only else "\N{HORIZONTAL ELLIPSIS}")


def plain(text: str) -> str:
    """Return ``text`` in full as a string, with the same characters escaped as by ``visible``: always encodable."""
    if text.isascii() and text.isprintable():  # nearly all: millions of cells pass here
        return text
    return "".join(piece for piece, _ in _pieces(text, ascii_only=False))


def encodable(text: str) -> str:
    """Return ``text`` unchanged but for lone surrogates (bytes that were no UTF-8), which become escapes: for JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(_escape(c) if unicodedata.category(c) == "Cs" else c for c in text)
    return text


def _pieces(text: str, *, ascii_only: bool) -> list[tuple[str, bool]]:
    """Cut ``text`` into runs that are shown as they are or (True) as escapes."""
    if text.isascii() and text.isprintable():
        return [(text, False)] if text else []
    pieces: list[tuple[str, bool]] = []
    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        escaped = _is_unsafe(character) or marks > _MAX_MARKS or (ascii_only and not character.isascii())
        shown = _escape(character) if escaped else character
        if pieces and pieces[-1][1] == escaped:
            pieces[-1] = (pieces[-1][0] + shown, escaped)
        else:
            pieces.append((shown, escaped))
    return pieces


@lru_cache(maxsize=4096)
def _is_unsafe(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _INVISIBLE_LETTERS


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me"}


def _escape(character: str) -> str:
    r"""Write ``\n``, ``\x1b``, ``\u202e``, ``\U000e0041``; a byte that was no UTF-8 (surrogateescape) as that byte."""
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code in _SURROGATE_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("ascii", "backslashreplace").decode() if code > ord("\x7f") else f"\\x{code:02x}"


def _bounded(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]}[{len(text) - 2 * half:,} characters cut]{text[-half:]}"


def _without_middle(text: Text, width: int, ellipsis: str) -> Text:
    """Keep ``width`` cells of ``text``: the head, which says what it is, and a tail, which tells twins apart."""
    from rich.cells import cell_len
    from rich.text import Text

    if cell_len(text.plain) <= width:
        return text
    room = width - len(ellipsis)
    if room < 2:  # noqa: PLR2004 - a head and a tail need a cell each
        return text[: _fitting(text.plain, max(width, 0))]
    tail = text[len(text) - count :] if (count := _fitting(text.plain[::-1], room * 2 // 5)) else Text(end="")
    head = text[: _fitting(text.plain, room - cell_len(tail.plain))]
    return Text.assemble(head, ellipsis, tail, style=text.style, end="")


def _fitting(characters: str, width: int) -> int:
    """Count the leading characters that fit into ``width`` cells.

    A character may be wider beside its neighbour than alone (an emoji and its variation selector): the sum is checked.
    """
    from rich.cells import cell_len

    used = count = 0
    for character in characters:
        used += cell_len(character)
        if used > width:
            break
        count += 1
    while count and cell_len(characters[:count]) > width:
        count -= 1
    return count
