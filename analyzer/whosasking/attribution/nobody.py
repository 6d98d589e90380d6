"""Why a lookup was given to nobody: the first reason that holds, from what was nearly known to what was not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whosasking.attribution import words
from whosasking.attribution.addresses import canonical, has_many_receivers
from whosasking.attribution.clock import seconds
from whosasking.attribution.tenancy import covers
from whosasking.model import Unattributed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.ladder import Ladder
    from whosasking.model import Candidate, Lookup


def because(number: int, ladder: Ladder) -> Unattributed:
    """Give the reason for one open lookup, with the candidates there were."""
    return msgspec.structs.replace(_because(number, ladder), ladder=ladder.steps(number))


def _because(number: int, ladder: Ladder) -> Unattributed:
    lookup = ladder.lookups[number]
    if number in ladder.ambiguous:
        rung, others = ladder.ambiguous[number]
        found = ladder.candidates(others, lookup)
        return Unattributed(reason=words.several(len(others), rung.label), kind=words.SEVERAL, candidates=found)
    if number in ladder.no_process:
        return Unattributed(reason=words.NO_PROCESS)
    hosts = ladder.hosts[number]
    if number in ladder.leased:
        reason = words.leased(lookup.src_ip or "", ladder.leased[number] or "")
        return Unattributed(reason=reason, kind=words.NO_RECORDS)
    if len(hosts) != 1:
        return _no_single_host(lookup, [ladder.registry.hosts[host] for host in hosts])
    far = ladder.far.get(number)
    candidates = () if far is None else ladder.candidates([far], lookup)
    silent = covers(ladder.silences.get(hosts[0], ()), lookup.ts)
    if silent is not None and not _is_seldom_recorded(lookup):
        reason = words.silent(ladder.registry.hosts[hosts[0]], *silent)
        return Unattributed(reason=reason, kind=words.SILENT, candidates=candidates)
    return _of_host(lookup, ladder.clocks_of(hosts[0]), None if far is None else far.apart, candidates)


def _is_seldom_recorded(lookup: Lookup) -> bool:
    return has_many_receivers(canonical(lookup.dst_ip)) or lookup.established is False


def without_records(lookup: Lookup) -> Unattributed:
    """Give the reason where no endpoint records exist at all."""
    return _no_single_host(lookup, [])


def _no_single_host(lookup: Lookup, hosts: Sequence[str]) -> Unattributed:
    if not lookup.src_ip:
        return Unattributed(reason=words.NO_ADDRESS)
    if hosts:
        return Unattributed(reason=words.shared_address(lookup.src_ip, hosts), kind=words.SHARED)
    return Unattributed(reason=words.no_records(lookup.src_ip), kind=words.NO_RECORDS)


def _of_host(
    lookup: Lookup, clocks: Sequence[Clock], far: int | None, candidates: tuple[Candidate, ...]
) -> Unattributed:
    refused = [clock for clock in clocks if clock.network is None]
    if refused and all(clock.network is None or not clock.has_network for clock in clocks):
        return Unattributed(reason=words.not_aligned(refused), kind=words.NOT_ALIGNED, candidates=candidates)
    spans = [(clock.host, clock.span) for clock in clocks if clock.span is not None]
    if not spans:
        return Unattributed(reason=f"{words.NO_EVENT}: the host has no records with a time", candidates=candidates)
    if not any(first <= lookup.ts <= last for _, (first, last) in spans):
        return Unattributed(reason=words.not_covered(spans, lookup), kind=words.NOT_COVERED, candidates=candidates)
    if has_many_receivers(canonical(lookup.dst_ip)):
        return Unattributed(reason=words.MANY_RECEIVERS, candidates=candidates)
    if lookup.established is False:
        return Unattributed(reason=words.NOT_ESTABLISHED, candidates=candidates)
    if far is not None:
        reason, kind = f"{words.NO_EVENT}: same tuple, but {seconds(abs(far))} apart", words.FAR
    else:
        reason, kind = f"{words.NO_EVENT} in the records of {clocks[0].host}", words.NO_EVENT
    return Unattributed(reason=reason, kind=kind, candidates=candidates)
