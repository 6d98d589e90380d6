"""How a line of JSON tells what kind of event it is, product by product: what a screen judges without decoding.

Between quotes that are not escaped, a name with a colon behind it can only be a field, at whatever depth. A line with
two fields that tell its kind, or one in which another shape of event may hide, is never judged: it is decoded.
"""

from __future__ import annotations

import re
import string
from itertools import product as every
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from whosasking.endpoints import carbon_black, carbon_black_cloud, carried, crowdstrike, sentinelone, sysmon
from whosasking.endpoints.containers import WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.endpoints.glance import Judge
    from whosasking.endpoints.reading import Events

_LONGEST_NUMBER: Final = 5
_LONGEST_EXPRESSION: Final = 8_000
"""Hyperscan takes twice as much."""
_SHAPES: Final = ("Event", "System", "winlog", "event", "EventData", "SyslogMessage")
_SPELT: Final = string.ascii_letters + string.digits + "-./:_"
"""What names and addresses are made of: written as JSON's ``\\u0041``, nothing that is looked for would be found."""


COMMAND_FIELDS: Final = (b"commandline", b"command_line", b"command line", b"cmdline")
"""Parts of the names of all fields that hold a command line, in any case."""


class Product(Protocol):
    """A module whose events are told apart by a word."""

    @property
    def EVENTS(self) -> Events:  # noqa: N802 - a module's constant
        """The words."""


class Kind(NamedTuple):
    """One product's lines.

    ``event`` are the fields that hold an event's kind: whole numbers, of which those in ``used`` are read, or words of
    ``words``, of which ``judge`` says what they are. None of them: no line is judged. ``hosts`` may name the host.
    """

    hosts: tuple[str, ...]
    event: tuple[str, ...] = ()
    used: frozenset[int] = frozenset()
    words: frozenset[str] = frozenset()
    judge: Judge | None = None
    never: tuple[bytes, ...] = ()
    """What marks a line that is not judged."""
    always: tuple[bytes, ...] = ()
    """What marks a line that is read whatever it is about."""


def fields(names: Iterable[str]) -> list[bytes]:
    """Return fields as they stand before their value."""
    return [f'"{name}"{colon}'.encode() for name in names for colon in (":", " :")]


def text_field(names: Iterable[str]) -> bytes:
    """Return an expression for a field up to the quote that its text begins with."""
    return b'"(?:' + b"|".join(map(literal, map(str.encode, names))) + b')"[ \t]*:[ \t]*"'


def number(names: Iterable[str], expression: bytes) -> bytes:
    """Return an expression for a field with a whole number, in quotes or not."""
    return b'"(?:' + "|".join(names).encode() + b')": ?(?:"' + expression + b'"|' + expression + b"[ \t]*[,}])"


def other_number(known: Iterable[int]) -> bytes:
    """Return an expression for any whole number but ``known``."""
    return b"(?:" + b"|".join(sorted(_other_than({str(one) for one in known}))) + b")"


def _other_than(known: set[str], before: str = "") -> Iterator[bytes]:
    """Yield expressions for the whole numbers that begin with ``before`` and are not in ``known``."""
    for digit in string.digits if before else string.digits[1:]:
        begun = before + digit
        longer = {one for one in known if one.startswith(begun) and one != begun}
        if longer:
            if begun not in known:
                yield begun.encode()
            yield from _other_than(longer, begun)
        else:
            yield begun.encode() + b"[0-9]{%d,%d}" % (begun in known, _LONGEST_NUMBER - len(begun))


def other_texts(before: bytes, known: Iterable[bytes]) -> list[bytes]:
    """Return expressions that match behind ``before``, an opening quote, where what follows is none of ``known``.

    None of ``known`` may begin with another.
    """
    tree: dict[int, Any] = {}
    for word in known:
        branch = tree
        for char in word:
            branch = branch.setdefault(char, {})
    return list(_leaving(tree, before))


def _leaving(tree: dict[int, Any], before: bytes) -> Iterator[bytes]:
    """Yield expressions for leaving a tree of characters, whose leaves are known."""
    whole = _expression(tree)
    if len(before) + len(whole) <= _LONGEST_EXPRESSION:
        yield before + whole
        return
    yield before + _outside(tree)
    for char, branch in sorted(tree.items()):
        if branch:
            yield from _leaving(branch, before + re.escape(bytes([char])))


def _expression(tree: dict[int, Any]) -> bytes:
    inside = [re.escape(bytes([char])) + _expression(branch) for char, branch in sorted(tree.items()) if branch]
    return b"(?:" + b"|".join([_outside(tree), *inside]) + b")" if inside else _outside(tree)


def _outside(tree: dict[int, Any]) -> bytes:
    return b"[^" + b"".join(b"\\x%02x" % char for char in (*sorted(tree), ord("\n"))) + b"]"


def unjudged(kind: Kind) -> list[bytes]:
    """Return what marks the lines of a product that must be decoded: looked for in any case."""
    arrays = [f'"{name}":{space}{bracket}' for name, space, bracket in every((*WRAPPERS, "tables"), ("", " "), "[{")]
    escaped = [f"\\u{ord(char):04x}" for char in _SPELT]
    # The Kelvin sign is a k in lower case.
    marks = [text.encode() for text in (*arrays, '"hits":', "\\u212a", "\N{KELVIN SIGN}", *escaped)]
    return [*marks, *carried.MARKS, *kind.never]


def literal(text: bytes) -> bytes:
    """Return the expression that finds ``text``."""
    return re.escape(text)


def _worded(product: Product, hosts: tuple[str, ...], always: tuple[bytes, ...] = ()) -> Kind:
    events = product.EVENTS
    return Kind(hosts, (events.field,), words=events.usual, judge=events.judge, never=carried.ORIGINAL, always=always)


KINDS: Final[dict[str, Kind]] = {
    "sysmon flat": Kind(
        ("Hostname", "Computer", "ComputerName", "MachineName"),
        ("EventID", "EventId", "event_id", "EventCode"),
        sysmon.ALL_USED,
        never=(*fields(_SHAPES), b'"winlog.', *carried.ORIGINAL),
    ),
    "sysmon ecs": Kind(("computer_name", "name", "hostname", "winlog.computer_name", "host.name", "host.hostname")),
    "sysmon evtx json": Kind(
        ("Computer", "Hostname", "ComputerName", "MachineName"),
        never=(
            b'"SyslogMessage"',
            *carried.ORIGINAL,
        ),  # an event as XML, which names the host: Computer is what passed it on
    ),
    "defender json": Kind(
        ("DeviceName", "Device Name", "ComputerName", "Computer Name"),
        never=carried.ORIGINAL,
    ),
    "elastic defend": Kind(("hostname", "name", "host.hostname", "host.name")),
    crowdstrike.KIND: _worded(crowdstrike, ("aid",), (b'"ComputerName"',)),
    carbon_black.KIND: _worded(carbon_black, ("computer_name", "hostname")),
    carbon_black_cloud.KIND: _worded(carbon_black_cloud, ("device_name",)),
    sentinelone.KIND: _worded(sentinelone, ("endpoint.name", "name")),
}
"""By the kind of input, those whose lines can be looked through without decoding."""
