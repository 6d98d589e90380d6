"""Why a name is, or is not, a WHOIS or RDAP host: for ``whosasking catalogue check``."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from whosasking import catalogue
from whosasking.catalogue import compiled
from whosasking.catalogue.names import domains, normalise, to_ascii
from whosasking.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.catalogue import Catalogue, HostMatch

_URL: Final = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/?#@]*@)?([^/?#]*)([^#]*)", re.DOTALL)
_SHOWN: Final = 100
_MAX_ASKED: Final = 4096
_HOW: Final = {
    "exact": "listed by this name",
    "suffix": "below a listed domain",
    "label": "not listed, but a label says it",
    "path": "not listed, but the path is a lookup's",
}
_NOISE: Final = {
    "low": "low: it serves lookups",
    "medium": "medium: it serves other things, too",
    "high": "high: it serves mostly other things, so a visit alone is weak evidence",
}


class Explanation(Record, frozen=True, kw_only=True):
    """What the catalogue says of one name or URL. ``near`` are sentences about what almost matched."""

    asked: str
    name: str
    path: str = ""
    match: HostMatch | None = None
    seed: bool = False
    """Whether the seed query takes it, listed or not."""
    near: tuple[str, ...] = ()


def explain(asked: str, known: Catalogue | None = None) -> Explanation:
    """Explain a host name or URL."""
    known = known or catalogue.load()
    asked = asked.strip()[:_MAX_ASKED]
    found = _URL.match(asked)
    name, path = normalise(to_ascii(found[1] if found else asked)), found[2] if found else ""
    match = (known.web_path(name, path) if path.strip("/") else None) or known.host(name)
    near = () if match else tuple(_near(name))
    return Explanation(asked=asked, name=name, path=path, match=match, seed=known.seed_host(asked), near=near)


def lines(asked: Iterable[str]) -> Iterator[str]:
    """Give the explanations of names and URLs as text: a line with the answer, then indented ones with the reasons."""
    known = catalogue.load()
    for text in asked:
        yield from _lines(explain(text, known))


def _lines(told: Explanation) -> Iterator[str]:
    shown = _plain(told.name or told.asked)
    if told.match is None:
        yield f"{shown}: no lookup host"
        if told.seed:
            yield "  seed      the seed query takes it nevertheless: one of its names stands in it as whole terms"
        for sentence in told.near or ("nothing in the catalogue is like it",):
            yield f"  near      {sentence}"
        return
    match = told.match
    yield f"{shown}: {match.kind} ({_HOW[match.how]})"
    yield f"  pattern   {match.pattern}"
    if match.operator:
        yield f"  operator  {_plain(match.operator)}"
    if len(match.kinds) > 1:
        yield f"  kinds     {', '.join(match.kinds)}"
    if match.covers:
        yield f"  covers    {_cut(match.covers)}"
    yield f"  noise     {_NOISE[match.noise] if match.operator else f'{match.noise}: nobody has listed what it serves'}"
    if told.seed:
        yield "  seed      yes: the query this project grew from takes it"
    if match.note:
        yield f"  note      {match.note}"


def _near(name: str) -> Iterator[str]:
    """Say what is almost a match: a label inside a word, a sibling or parent of a listed name, a slip of the pen."""
    for label in ("whois", "rdap"):
        if label in name:
            yield f"contains {label!r}, but not as a label of its own (between dots, hyphens and the ends)"
    hosts = compiled.read().hosts
    exact = {fact.name for fact in hosts if not fact.suffix}
    for domain in sorted(fact.name for fact in hosts if fact.suffix and name.endswith(fact.name)):
        yield f"ends with {domain}, but is not below it"
    below = sorted(fact for fact in exact if name and fact.endswith(f".{name}"))
    if below:
        yield f"listed below it: {', '.join(below[:3])}{' and more' if len(below) > 3 else ''}"  # noqa: PLR2004
    above = next((domain for domain in list(domains(name))[1:] if domain in exact), None)
    if above:
        yield f"{above} is listed, but only by that name, not with what is below it"
    alike = difflib.get_close_matches(name[:64], [fact.name for fact in hosts], n=2, cutoff=0.88)
    if alike:
        yield f"spelt almost like {' and '.join(alike)}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN].rsplit(' ', 1)[0]} ... ({len(text.split())} in all)"


def _plain(text: str) -> str:
    """Make a text safe for a terminal: what is not printable becomes an escape."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[:_MAX_ASKED])
