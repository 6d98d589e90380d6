"""The parts of each session -> one lookup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from whosasking.model import Detection, Lookup
from whosasking.records import Runs
from whosasking.sensors.clients import Stacks, of_request, of_session
from whosasking.sensors.detect import is_authority
from whosasking.sensors.ledger import Clues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.catalogue import Catalogue
    from whosasking.model import Connection, Micros
    from whosasking.sensors.book import Book, Key, Session
    from whosasking.sensors.ledger import Part


def resolve_hidden(book: Book, catalogue: Catalogue) -> frozenset[tuple[str, str]]:
    """Make lookups of the sessions without a name whose client had just resolved a listed host to their address.

    Never on the address alone, and never where another log shows a real name. Returns the sessions that became lookups.
    """
    became: set[tuple[str, str]] = set()
    for chapter in book.chapters() if book.has_hidden else ():
        for session, part in list(_resolved(chapter, catalogue)):
            book.add(session, part)
            became.add(session)
    return frozenset(became)


def _resolved(book: Book, catalogue: Catalogue) -> Iterator[tuple[Session, Part]]:
    for key, part in book.hidden.items():
        session, seen = (key[0], key[1]), part.lookup
        if key in book.parts or session in book.named or seen.src_ip is None or seen.dst_ip is None:
            continue
        name = book.all_names.name_of(seen.src_ip, seen.dst_ip, seen.ts)
        match = catalogue.host(name) if name else None
        if match is not None:
            found = msgspec.structs.replace(
                seen, server=name, server_source="dns", server_kind=match.kind, noise=match.noise
            )
            yield session, part._replace(lookup=found)


def lookups(book: Book, catalogue: Catalogue) -> Iterator[Lookup]:
    """Yield every lookup in the book, in order of time."""
    stacks, sorted_runs = Stacks(), Runs(Lookup, _order)
    for chapter in book.chapters():
        sessions = [_session(chapter, key, parts, catalogue) for key, parts in chapter.parts.items() if not key[2]]
        if book.has_requests:
            stacks.learn(sessions)
        sorted_runs.add(sessions)
    for chapter in book.chapters() if book.has_requests else ():
        requests = [_request(chapter, key, parts, catalogue, stacks) for key, parts in chapter.parts.items() if key[2]]
        # A CONNECT whose tunnel the sensor looked into is told by the session in it.
        sorted_runs.add([one for one in requests if one.query or (one.sensor, one.uid or "", 0) not in chapter.parts])
    return sorted_runs.merged()


def _order(one: Lookup) -> tuple[Micros, str, str, int]:
    return (one.ts, one.sensor, one.uid or "", one.source.line if one.source else 0)


def _session(book: Book, key: Key, parts: dict[int, Part], catalogue: Catalogue) -> Lookup:
    """Return the lookup that a WHOIS, TLS or QUIC session is; it began when its connection did."""
    ranked = [parts[rank] for rank in sorted(parts, reverse=True)]
    seen = [part.lookup for part in ranked]
    connection = book.connections.get((key[0], key[1]))
    found = _merged(seen, connection, book, catalogue)
    ends: list[Lookup | Connection] = [*seen, connection] if connection else [*seen]
    port43 = any(one.detection is Detection.PORT43 for one in seen)
    found = msgspec.structs.replace(
        found,
        ts=min(one.ts for one in ends),
        detection=Detection.PORT43 if port43 else found.detection,
        transport="tcp" if port43 else _transport(found, connection),
        service=found.service or book.services.get((key[0], key[1])),
        duration=_first("duration", ends),
        src_bytes=_first("src_bytes", ends),
        dst_bytes=_first("dst_bytes", ends),
    )
    client = of_session(found, [part.clues for part in ranked], catalogue)
    return msgspec.structs.replace(found, client=client)


def _request(book: Book, key: Key, parts: dict[int, Part], catalogue: Catalogue, stacks: Stacks) -> Lookup:
    """Return the lookup that one clear HTTP request is: times and bytes are its own, not its connection's."""
    ranked = [parts[rank] for rank in sorted(parts, reverse=True)]
    session = (key[0], key[1])
    found = _merged([part.lookup for part in ranked], book.connections.get(session), book, catalogue)
    if found.query and is_authority(found.query.text):
        found = msgspec.structs.replace(found, query=None)
    clues = [part.clues for part in ranked]
    if session in book.not_browsers:
        clues.append(Clues(accept_language=False))
    return msgspec.structs.replace(found, client=of_request(found, clues, catalogue, stacks))


def _merged(seen: list[Lookup], connection: Connection | None, book: Book, catalogue: Catalogue) -> Lookup:
    """Return one lookup: of each field the word of the best log that has one."""
    ends: list[Lookup | Connection] = [connection, *seen] if connection else [*seen]
    merged = msgspec.structs.replace(
        seen[0],
        server=_first("server", seen),
        server_source=_first("server_source", seen),
        query=_first("query", seen),
        community_id=_first("community_id", ends),
        established=_first("established", ends),
        service=_first("service", ends),
    )
    return _graded(_with_resolved_name(merged, book), seen, catalogue)


def _with_resolved_name(lookup: Lookup, book: Book) -> Lookup:
    """Name the server of a session without a name after the DNS answer by which its client came to it."""
    if lookup.server or lookup.src_ip is None or lookup.dst_ip is None:
        return lookup
    ends = (lookup.src_ip, lookup.dst_ip, lookup.ts)
    name = book.listed.name_of(*ends) or book.all_names.name_of(*ends)
    return msgspec.structs.replace(lookup, server=name, server_source="dns" if name else None)


def _graded(lookup: Lookup, seen: list[Lookup], catalogue: Catalogue) -> Lookup:
    """Add what the catalogue knows of the server, where the sensor did not say."""
    match = catalogue.host(lookup.server) if lookup.server else None
    return msgspec.structs.replace(
        lookup,
        server_kind=match.kind if match else _first("server_kind", seen),
        noise=match.noise if match else _first("noise", seen),
    )


def _transport(lookup: Lookup, connection: Connection | None) -> str | None:
    over_udp = connection is not None and connection.protocol == "udp"
    return "quic" if over_udp and lookup.transport == "tls" else lookup.transport


def _first(field: str, records: Iterable[Lookup | Connection]) -> Any:  # noqa: ANN401 - whatever the field holds
    """Return the first value of a field that is known."""
    for record in records:
        value = getattr(record, field)
        if value is not None:
            return value
    return None
