"""Two endpoint products on one host: the process both recorded is one process, the lookup both recorded one lookup.

Each product has keys of its own, so a process is known by what the system gave it: host, pid and name, and nearly the
same start. Where only one start with that pid and name is known, a record without one is of that process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution import policy
from whosasking.attribution.addresses import canonical
from whosasking.model import Attributed, Detection

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from whosasking.model import Attribution, Lookup, Process

    Pair = tuple[Lookup, Attribution]

ENDPOINT = "endpoint record"
"""The method of a lookup that only an endpoint saw."""


def united(pairs: Sequence[Pair]) -> list[Pair]:
    """Return ``pairs`` with one record for each process, and each lookup that only endpoints saw once.

    Products are told apart by ``Lookup.sensor``: two records of one product are two events, however near.
    """
    one_of = _one_of(given.process for _, given in pairs if isinstance(given, Attributed))
    kept: list[Pair] = []
    seen: dict[Hashable, list[Lookup]] = {}
    for lookup, given in pairs:
        if not isinstance(given, Attributed):
            kept.append((lookup, given))
            continue
        process = one_of.get(_key(given.process), given.process)
        if given.method == ENDPOINT and _is_twin(lookup, seen.setdefault(_what(lookup, process), [])):
            continue
        kept.append((lookup, msgspec.structs.replace(given, process=process)))
    return kept


def _one_of(processes: Iterable[Process]) -> dict[Hashable, Process]:
    """Map the key of each process that several products recorded to the record that knows most."""
    alike: dict[Hashable, dict[Hashable, Process]] = {}
    for process in processes:
        if process.pid is not None and process.name:
            which = (_short(process.host), process.pid, process.name.casefold())
            known = alike.setdefault(which, {})
            known[_key(process)] = max(known.get(_key(process), process), process, key=_knowledge)
    found: dict[Hashable, Process] = {}
    for records in alike.values():
        for cluster in _clusters(list(records.values())):
            best = max(cluster, key=_knowledge)
            found |= {_key(process): best for process in cluster}
    return found


def _clusters(records: list[Process]) -> list[list[Process]]:
    """Put records together that started at nearly the same time; those without a start where there is no choice."""
    clusters: list[list[Process]] = []
    dated = sorted((one for one in records if one.started is not None), key=lambda one: (one.started or 0, one.key))
    for process in dated:
        if clusters and (process.started or 0) - (clusters[-1][0].started or 0) <= policy.PROCESS_SLACK:
            clusters[-1].append(process)
        else:
            clusters.append([process])
    undated = [one for one in records if one.started is None]
    if len(clusters) == 1:
        clusters[0] += undated
    return clusters


def _is_twin(lookup: Lookup, others: list[Lookup]) -> bool:
    """Say whether another product's record of the lookup came before; a new one is added to ``others``."""
    near = policy.PROCESS_SLACK if lookup.detection is Detection.TOOL else policy.SAME_CONNECTION["tcp"]
    for index, other in enumerate(others):
        if other.sensor != lookup.sensor and abs(other.ts - lookup.ts) <= near:
            del others[index]  # it has its twin: a second event of the same product is another lookup
            return True
    others.append(lookup)
    return False


def _what(lookup: Lookup, process: Process) -> Hashable:
    """Return what two products' records of one lookup have in common."""
    if lookup.detection is Detection.TOOL:
        return _key(process)
    ends = (canonical(lookup.src_ip), lookup.src_port, canonical(lookup.dst_ip), lookup.dst_port)
    # Without the local port, connections of one process cannot be told apart: each counts.
    told_apart = None if lookup.src_port else (lookup.sensor, lookup.source)
    return lookup.detection, _short(process.host), ends, told_apart


def _key(process: Process) -> Hashable:
    return process.host.casefold(), process.key


def _short(host: str) -> str:
    """Give the host's own name: one product writes it alone, another with its domain."""
    return host.casefold().partition(".")[0]


def _knowledge(process: Process) -> tuple[int, str]:
    fields = (process.path, process.command_line, process.user, process.started, process.ended, process.parent)
    return sum(field is not None for field in fields), process.key
