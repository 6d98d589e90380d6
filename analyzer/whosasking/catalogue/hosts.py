"""Names and URL paths held against the catalogue's hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from whosasking.catalogue.names import LABEL_TEXT, label_kind, normalise
from whosasking.catalogue.records import HostFact, HostMatch
from whosasking.protocols import rdap, web

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_REMEMBERED: Final = 65_536
_OWN: Final = "listed in the site's configuration"


class Hosts:
    """All hosts, by name. A site's own (exact names, or ``.name`` with everything below) outrank the catalogue's."""

    def __init__(self, facts: Iterable[HostFact], own: Sequence[str] = ()) -> None:
        """Index ``facts``, then ``own``."""
        self._exact: dict[str, HostFact] = {}
        self._suffix: dict[str, HostFact] = {}
        self._seen: dict[str, HostMatch | None] = {}
        for fact in facts:
            (self._suffix if fact.suffix else self._exact)[fact.name] = fact
        for text in own:
            name = normalise(text.removeprefix("."))
            known = self._exact.get(name) or self._suffix.get(name)
            suffix = text.startswith(".")
            kind = (label_kind(name) or "web",)
            fact = HostFact(name, suffix, known.kinds if known else kind, known.operator if known else None, note=_OWN)
            (self._suffix if suffix else self._exact)[name] = fact

    def match(self, name: str) -> HostMatch | None:
        """Return why ``name`` (with port, trailing dot, any case) is a lookup host, or None.

        The order: the name itself, the longest listed domain above it, a label that says it.
        """
        try:
            return self._seen[name]
        except KeyError:
            found = self._find(normalise(name))
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()  # names in logs are attacker-chosen: what is remembered is bounded
        self._seen[name] = found
        return found

    def path(self, host: str, path: str) -> HostMatch | None:
        """Return why a URL is a lookup by the shape of its path (with query string), or None.

        At a listed host the lookup's shape, or a path known to hold lookups, makes the host's noise low. At any other
        host only shapes that nothing else has count: an ``rdap`` segment before an RFC 9082 path, RDAP's bootstrap
        files, or a ``whois`` segment with a domain, address or AS number to look up.
        """
        listed = self.match(host)
        shape = self._shape(path, listed)
        if shape is None:
            return None
        kind, pattern = shape
        if listed is None:
            return HostMatch(
                host=normalise(host), pattern=pattern, how="path", kind=kind, noise="medium", kinds=(kind,)
            )
        return msgspec.structs.replace(listed, noise="low")

    def facts(self) -> Iterable[HostFact]:
        """Give every host, a site's own among them."""
        yield from self._exact.values()
        yield from self._suffix.values()

    def _find(self, name: str) -> HostMatch | None:
        fact = self._exact.get(name)
        if fact is not None:
            return _matched(name, fact)
        domain = name
        while domain:  # names.domains, spelt out: names that nobody saw before come by the million
            fact = self._suffix.get(domain)
            if fact is not None:
                return _matched(name, fact)
            domain = domain.partition(".")[2]
        kind = label_kind(name)
        if kind is None:
            return None
        return HostMatch(host=name, pattern=LABEL_TEXT, how="label", kind=kind, noise="medium", kinds=(kind,))

    def _shape(self, path: str, listed: HostMatch | None) -> tuple[str, str] | None:
        if rdap.is_unmistakable(path):
            return "rdap", "/rdap/<type>/<object>"
        if web.parse_path(path) is not None:
            return "web", "/whois/<object>"
        if listed is None:
            return None
        if rdap.parse_path(path) is not None or self._known_path(listed, path):
            return listed.kind, "a lookup's path"
        return None

    def _known_path(self, listed: HostMatch, path: str) -> bool:
        fact = self._exact.get(listed.pattern) or self._suffix.get(listed.pattern.removeprefix("."))
        return fact is not None and any(path.lower().startswith(prefix.lower()) for prefix in fact.paths)


def _matched(name: str, fact: HostFact) -> HostMatch:
    return HostMatch(
        host=name,
        pattern=f".{fact.name}" if fact.suffix else fact.name,
        how="suffix" if fact.suffix else "exact",
        kind=fact.kinds[0],
        noise=fact.noise,
        operator=fact.operator,
        seed=fact.seed,
        kinds=fact.kinds,
        covers=fact.covers,
        note=fact.note,
    )
