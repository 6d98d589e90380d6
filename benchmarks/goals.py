"""What was aimed at, against what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measure import Measured

Row = tuple[str, str, str]

LARGE: Final = 5_000_000_000
RESIDENT: Final = 300
HALF_RESIDENT: Final = 1000
HALF_SPEED: Final = 60
START: Final = 0.4
OURS: Final = "whosasking report"


def table(done: dict[str, Measured]) -> list[Row]:
    """Return goal, figure and yes or no, for every goal whose runs were made."""
    rows = [*_plain(done), *_gz(done), *_eve(done), *_half(done)]
    starts = [name for name in ("whosasking --help", "whosasking report on an empty folder") if name in done]
    return rows + [_row(f"`{name}` under {START} s", done[name].seconds, "s", low=START) for name in starts]


def _row(goal: str, figure: float, unit: str, *, high: float | None = None, low: float | None = None) -> Row:
    met = figure >= high if high is not None else low is not None and figure < low
    return goal, f"{figure:.2f} {unit}" if figure < 100 else f"{figure:,.0f} {unit}", "yes" if met else "no"  # noqa: PLR2004


def _times(done: dict[str, Measured], mine: str, goal: float, text: str, *names: str) -> Iterator[Row]:
    """Compare with the fastest of ``names``, per byte of log text."""
    speeds = [done[name].speed for name in names if name in done]
    if mine in done and speeds:
        yield _row(text, done[mine].speed / max(speeds), "times", high=goal)


def _plain(done: dict[str, Measured]) -> Iterator[Row]:
    if OURS not in done:
        return
    large = done[OURS].size > LARGE
    yield from _times(done, OURS, 15, "15 times zat into pandas", "zat into pandas, ssl.log")
    best = 3 if large else 2
    yield from _times(done, OURS, best, f"{best} times the best of DuckDB and Polars", "DuckDB query", "Polars query")
    yield from _times(done, OURS, 1, "faster than `grep -F -f names`", "grep -F -f names (only counts)")
    yield from _times(done, OURS, 1, "faster than `rg -F -f names`", "rg -F -f names (only counts)")
    yield from _times(done, OURS, 1.7, "two cores 1.7 times one", f"{OURS}, one core")
    yield _row(f"under {RESIDENT} MB", done[OURS].resident, "MB", low=RESIDENT)


def _gz(done: dict[str, Measured]) -> Iterator[Row]:
    gz = f"{OURS}, .gz"
    if gz not in done:
        return
    yield from _times(done, gz, 0.5, ".gz half as fast as plain", OURS)
    yield from _times(done, gz, 3, ".gz 3 times DuckDB", "DuckDB query, .gz")
    yield from _times(done, gz, 3, ".gz 3 times `zcat \\| grep -F -f names`", "zcat | grep -F -f names (only counts)")
    yield _row(f".gz under {RESIDENT} MB", done[gz].resident, "MB", low=RESIDENT)


def _eve(done: dict[str, Measured]) -> Iterator[Row]:
    yield from _times(done, f"{OURS}, EVE", 10, "EVE 10 times jq", "jq")


def _half(done: dict[str, Measured]) -> Iterator[Row]:
    half = f"{OURS}, half the lines match"
    if half in done:
        yield _row(f"half-matching input {HALF_SPEED} MB/s", done[half].speed, "MB/s", high=HALF_SPEED)
        yield _row(f"half-matching input under {HALF_RESIDENT:,} MB", done[half].resident, "MB", low=HALF_RESIDENT)
