"""Reported lookups to findings: who did it, in one episode, with a score whose parts are shown.

Lookups belong together when one process made them or, where no process is known, one client as the wire shows it. A
process and the reported processes it started are one (a shell and its ``whois``), and so are children of one parent
with one name and user (a loop that starts ``whois`` a hundred times). An episode ends when nothing came for
``Settings.episode_gap``.

The result does not depend on the order of the input. Severity thresholds and points: see ``scoring``.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from whosasking import scoring
from whosasking.allowlist import address, host_name
from whosasking.model import (
    Attributed,
    Client,
    ClientClass,
    Finding,
    JudgedLookup,
    Lookup,
    Micros,
    Outcome,
    Process,
    Severity,
)
from whosasking.records import Records, picked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whosasking.catalogue import Catalogue
    from whosasking.config import Settings

MAX_TARGETS = 50
MAX_TARGET = 200
_RANK = {grade: rank for rank, grade in enumerate(reversed(Severity))}
_JA3_PARTS = 5
_VARYING = frozenset({"0", "21", "41"})
"""Extensions one client sends or not by the connection: server_name (not to an address), padding, pre_shared_key."""

_LATEST = 1 << 62
_PROCESS = "process"
Key = tuple[str, ...]


def gather(judged: Sequence[JudgedLookup], catalogue: Catalogue, settings: Settings) -> tuple[Finding, ...]:
    """Group the reported lookups into findings F1, F2, ... by severity, then time. Lookups need distinct ids."""
    if not isinstance(judged, Records):  # those come from the pipeline, in order
        judged = sorted(judged, key=_order)
    times = _Times()
    found = [
        _finding(picked(judged, episode), catalogue, settings)
        for group in _groups(judged, times)
        for episode in _episodes(group, times, settings.episode_gap)
    ]
    found.sort(key=lambda item: (_RANK[item.severity], item.first_seen, -item.score, _natural(item.lookups[0])))
    return tuple(msgspec.structs.replace(item, id=f"F{number}") for number, item in enumerate(found, start=1))


class _Times:
    """When each lookup began and ended, by its number in the input."""

    def __init__(self) -> None:
        self.begun = array("q")
        self.ended = array("q")

    def add(self, lookup: Lookup) -> None:
        for times, at in ((self.begun, lookup.ts), (self.ended, lookup.ts + max(lookup.duration or 0, 0))):
            times.append(min(max(at, -_LATEST), _LATEST))


def _order(item: JudgedLookup) -> tuple[Micros, int, str]:
    return (item.lookup.ts, *_natural(item.lookup.id))


def _natural(lookup_id: str) -> tuple[int, str]:
    """Order L9 before L10."""
    return (len(lookup_id), lookup_id)


def _groups(judged: Sequence[JudgedLookup], times: _Times) -> Iterator[Sequence[int]]:
    """Yield the groups of reported lookups as their numbers, in order of time; ``times`` learns all lookups'."""
    joined = _Joined()
    by_pid: dict[tuple[str, int, str], set[Key]] = defaultdict(set)
    kept: dict[Key, array[int]] = {}
    for number, item in enumerate(judged):
        times.add(item.lookup)
        if item.verdict.outcome is Outcome.REPORTED:
            key = _key(item)
            joined.add(key)
            kept.setdefault(key, array("q")).append(number)
            if isinstance(item.attribution, Attributed) and item.attribution.process.pid is not None:
                process = item.attribution.process
                by_pid[_pid_key(process, process.pid or 0)].add(key)
    if any(key[0] == _PROCESS for key in kept):
        for item in judged:
            if item.verdict.outcome is Outcome.REPORTED and isinstance(item.attribution, Attributed):
                for relative in _relatives(item.attribution.process, joined, by_pid):
                    joined.join(_key(item), relative)
    groups: dict[Key, list[array[int]]] = defaultdict(list)
    for key, numbers in kept.items():
        groups[joined.root(key)].append(numbers)
    for several in groups.values():
        yield several[0] if len(several) == 1 else sorted(chain.from_iterable(several))


def _key(item: JudgedLookup) -> Key:
    if isinstance(item.attribution, Attributed):
        return _process_key(item.attribution.process)
    return ("wire", item.lookup.src_ip or "", *_fingerprint(item.lookup))


def _process_key(process: Process) -> Key:
    identity = process.key or f"{process.pid} {process.name}".casefold()
    return (_PROCESS, process.host.casefold(), identity)


def _pid_key(process: Process, pid: int) -> tuple[str, int, str]:
    return (process.host.casefold(), pid, process.name.casefold())


def _fingerprint(lookup: Lookup) -> Key:
    """Tell clients of one address apart by what one client keeps: class, User-Agent, TLS stack."""
    client = lookup.client
    return (client.cls.value, lookup.transport or "", client.user_agent or "", _stack(client))


def _stack(client: Client) -> str:
    """Bring a JA3 string to what one client keeps from connection to connection; a browser shuffles all of it."""
    if client.ja3 is None or client.cls is ClientClass.BROWSER:
        return ""
    parts = client.ja3.split(",")
    if len(parts) != _JA3_PARTS:
        return client.ja3  # the hash: nothing to normalise
    parts[2] = "-".join(sorted(set(parts[2].split("-")) - _VARYING))
    return ",".join(parts)


def _relatives(process: Process, joined: _Joined, by_pid: dict[tuple[str, int, str], set[Key]]) -> Iterator[Key]:
    """Name the groups a process belongs to: its reported ancestors, and what its parent started under the same name."""
    for ancestor in scoring.ancestors(process):
        key = _process_key(ancestor)
        if ancestor.key and joined.knows(key):
            yield key
        elif ancestor.pid is not None:
            # The product may name a parent by pid alone. A pid is used again: two owners of it decide nothing.
            owners = by_pid.get(_pid_key(ancestor, ancestor.pid), set())
            if len(owners) == 1:
                yield from owners
    if process.parent is not None and (process.parent.key or process.parent.pid is not None):
        yield ("children", *_process_key(process.parent), process.name.casefold(), (process.user or "").casefold())


class _Joined:
    """Sets of keys that grow together (union-find); the root of a set is its least key, whatever came first."""

    def __init__(self) -> None:
        self._up: dict[Key, Key] = {}

    def add(self, key: Key) -> None:
        self._up.setdefault(key, key)

    def knows(self, key: Key) -> bool:
        return key in self._up

    def root(self, key: Key) -> Key:
        while self._up[key] != key:
            self._up[key] = self._up[self._up[key]]
            key = self._up[key]
        return key

    def join(self, one: Key, other: Key) -> None:
        self.add(other)
        first, second = sorted((self.root(one), self.root(other)))
        self._up[second] = first


def _episodes(group: Sequence[int], times: _Times, gap: Micros) -> Iterator[Sequence[int]]:
    """Cut a group, in order of time, where nothing happened for longer than ``gap``; a session lasts its duration."""
    first, busy_until = 0, times.ended[group[0]]
    for place, number in enumerate(group):
        if times.begun[number] - busy_until > gap:
            yield group[first:place]
            first, busy_until = place, times.ended[number]
        busy_until = max(busy_until, times.ended[number])
    yield group[first:]


def _finding(episode: Sequence[JudgedLookup], catalogue: Catalogue, settings: Settings) -> Finding:
    processes = _processes(episode)
    leader = _leader(processes)
    parts = scoring.parts(episode, processes, catalogue)
    score = sum(part.points for part in parts)
    return Finding(
        id="",
        severity=scoring.severity(score),
        score=score,
        score_parts=parts,
        host=leader.host if leader else _host(episode[0], settings),
        user=next((process.user for process in ([leader] if leader else []) + processes if process.user), None),
        process=leader,
        first_seen=episode[0].lookup.ts,
        last_seen=episode[-1].lookup.ts,
        lookups=tuple(item.lookup.id for item in episode),
        targets=_targets(episode),
    )


def _processes(episode: Sequence[JudgedLookup]) -> list[Process]:
    """Return each process once, in order of its first lookup, by the record that knows most about it.

    An endpoint may have recorded a connection without its process: that one has no name and is left out.
    """
    best: dict[Key, Process] = {}
    for item in episode:
        if isinstance(item.attribution, Attributed) and item.attribution.process.name:
            process = item.attribution.process
            key = _process_key(process)
            best[key] = max(best.get(key, process), process, key=_knowledge)
    return list(best.values())


def _knowledge(process: Process) -> tuple[int, tuple[str, ...]]:
    fields = msgspec.structs.astuple(process)[:-1]  # the parent, last, may be a long chain
    known = sum(value is not None for value in fields) + (process.parent is not None)
    return known, tuple(map(str, fields))  # the fields only make ties independent of order


def _leader(processes: Sequence[Process]) -> Process | None:
    """Pick the process that stands for the episode: the first that no other one in it started."""
    keys = {_process_key(process) for process in processes}
    pids = {_pid_key(process, process.pid) for process in processes if process.pid is not None}
    for process in processes:
        above = list(scoring.ancestors(process))
        by_key = any(_process_key(ancestor) in keys for ancestor in above)
        by_pid = any(ancestor.pid is not None and _pid_key(ancestor, ancestor.pid) in pids for ancestor in above)
        if not by_key and not by_pid:
            return process
    return processes[0] if processes else None


def _host(item: JudgedLookup, settings: Settings) -> str:
    """Name the host of an unknown process; one that only the wire knows by configuration, when it is the only one."""
    if isinstance(item.attribution, Attributed):
        return item.attribution.process.host
    source = address(item.lookup.src_ip)
    names = [
        name
        for name, texts in settings.host_addresses.items()
        if source and source in {address(text) for text in texts}
    ]
    return names[0] if len(names) == 1 else item.lookup.src_ip or "unknown host"


def _targets(episode: Sequence[JudgedLookup]) -> tuple[str, ...]:
    """List what was asked about, in order, the first ``MAX_TARGETS`` and a count of the rest."""
    asked = _distinct(_target(item.lookup) for item in episode)
    if not asked:
        # A tool start whose object cannot be read: its command line is what the seed query shows as the target.
        asked = _distinct(process.command_line for process in _processes(episode))
    names = [name if len(name) <= MAX_TARGET else f"{name[:MAX_TARGET]}…" for name in asked]
    more = len(names) - MAX_TARGETS
    return (*names[:MAX_TARGETS], f"and {more:,} more") if more > 0 else tuple(names)


def _distinct(texts: Iterable[str | None]) -> list[str]:
    """Keep each text once, whatever its case, as it was first written."""
    kept: dict[str, str] = {}
    for text in texts:
        if text:
            kept.setdefault(host_name(text), text)
    return list(kept.values())


def _target(lookup: Lookup) -> str | None:
    if lookup.query and lookup.query.object:
        return lookup.query.object
    if lookup.server:
        return lookup.server
    return f"{lookup.dst_ip}:{lookup.dst_port}" if lookup.dst_ip else None
