"""Where a field stands in a row: a table names the places, best first; a dot descends into an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Table = dict[str, tuple[str, ...]]
"""Our field name to the places to look for it, best first; a dot descends into an object."""

_NOWHERE = "\0no field"
NOTHING = ("", "-")
"""What products write where they have nothing to say."""


def get(row: dict[str, Any], places: tuple[str, ...]) -> Any:  # noqa: ANN401 - a JSON value is anything
    """Return the first value that is present in ``places``, None without one; dotted names may also be keys as such."""
    for place in places:
        value = row.get(place)
        if value is None and "." in place:
            value = descend(row, place)
        if value is not None and value not in NOTHING:
            return value
    return None


def descend(row: dict[str, Any], place: str) -> Any:  # noqa: ANN401 - a JSON value is anything
    """Return the value at a dotted place in nested objects, None without one."""
    value: Any = row
    for name in place.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def picker(table: Table, fields: tuple[str, ...]) -> Callable[[dict[str, Any]], list[Any]]:
    """Return what takes the raw values of ``fields`` out of a row at once, much faster than one by one.

    Values that say nothing (empty, ``-``) may come as they are.
    """
    places = [table.get(field, ()) for field in fields]
    if all(len(where) <= 1 and "." not in "".join(where) for where in places):
        names = [where[0] if where else _NOWHERE for where in places]
        return lambda row: [row.get(name) for name in names]
    slow = _one_by_one(places)
    prefixes = {where[0].partition(".")[0] for where in places if where}
    if len(prefixes) == 1 and all(len(where) <= 1 for where in places):
        return _under(prefixes.pop(), [where[0].partition(".")[2] if where else _NOWHERE for where in places], slow)
    return slow


def _one_by_one(places: list[tuple[str, ...]]) -> Callable[[dict[str, Any]], list[Any]]:
    return lambda row: [get(row, where) for where in places]


def _under(
    prefix: str, names: list[str], slow: Callable[[dict[str, Any]], list[Any]]
) -> Callable[[dict[str, Any]], list[Any]]:
    def pick(row: dict[str, Any]) -> list[Any]:
        inner = row.get(prefix)
        return [inner.get(name) for name in names] if isinstance(inner, dict) else slow(row)

    return pick
