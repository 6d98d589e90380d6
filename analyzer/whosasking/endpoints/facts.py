"""What is known of one process so far, from one record or all of them."""

from __future__ import annotations

import msgspec

from whosasking.model import Micros, Process

UNKNOWN_PROCESS = Process(host="", key="", name="")
_COMPLETED = ("name", "pid", "path", "command_line", "user", "started", "ended", "parent", "parent_pid")


class Facts(msgspec.Struct):
    """What is known of one process so far; readers fill what their record holds."""

    host: str
    name: str | None = None
    pid: int | None = None
    path: str | None = None
    command_line: str | None = None
    user: str | None = None
    started: Micros | None = None
    ended: Micros | None = None
    parent: str | None = None
    parent_pid: int | None = None
    """Where the product tells a parent by its pid alone."""
    clock: str | None = None
    """The product, where it numbers processes by pid alone: a record without a start is then of the pid's latest."""

    def contradicts(self, other: Facts) -> bool:
        """Tell whether two records under one key describe different programs: exec after fork, a sloppy export."""
        return (
            differ(self.name, other.name, fold=True)
            or differ(self.command_line, other.command_line, fold=False)
            or differ(self.user, other.user, fold=True)
        )

    def complete(self, other: Facts) -> None:
        """Take over what only ``other`` knows."""
        for field in _COMPLETED:
            if getattr(self, field) is None:
                setattr(self, field, getattr(other, field))


def differ(one: str | None, other: str | None, *, fold: bool) -> bool:
    """Tell two known values apart; ``fold`` ignores case."""
    if one is None or other is None or one == other:
        return False
    return one.casefold() != other.casefold() if fold else one != other
