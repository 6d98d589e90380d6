"""Why a lookup was given to nobody: the first reason that holds, from what was nearly known to what was not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.attribution import words
from whosasking.attribution.clock import seconds
from whosasking.model import Unattributed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whosasking.attribution.clocks import Clock
    from whosasking.attribution.ladder import Ladder
    from whosasking.model import Lookup


def because(number: int, ladder: Ladder) -> Unattributed:
    """Give the reason for one open lookup, with the candidates there were."""
    lookup = ladder.lookups[number]
    if number in ladder.ambiguous:
        rung, others = ladder.ambiguous[number]
        reason = words.several(len(others), rung.label)
        return Unattributed(reason=reason, candidates=ladder.candidates(others, lookup))
    if number in ladder.no_process:
        return Unattributed(reason=words.NO_PROCESS)
    hosts = ladder.hosts[number]
    if len(hosts) != 1:
        return Unattributed(reason=_no_single_host(lookup, [ladder.registry.hosts[host] for host in hosts]))
    far = ladder.far.get(number)
    return Unattributed(
        reason=_of_host(lookup, ladder.clocks_of(hosts[0]), None if far is None else far.apart),
        candidates=() if far is None else ladder.candidates([far], lookup),
    )


def without_records(lookup: Lookup) -> Unattributed:
    """Give the reason where no endpoint records exist at all."""
    return Unattributed(reason=_no_single_host(lookup, []))


def _no_single_host(lookup: Lookup, hosts: Sequence[str]) -> str:
    if not lookup.src_ip:
        return words.NO_ADDRESS
    return words.shared_address(lookup.src_ip, hosts) if hosts else words.no_records(lookup.src_ip)


def _of_host(lookup: Lookup, clocks: Sequence[Clock], far: int | None) -> str:
    refused = [clock for clock in clocks if clock.network is None]
    if refused and all(clock.network is None or not clock.has_network for clock in clocks):
        return words.not_aligned(refused)
    spans = [(clock.host, clock.span) for clock in clocks if clock.span is not None]
    if not any(first <= lookup.ts <= last for _, (first, last) in spans):
        return words.not_covered(spans, lookup) if spans else f"{words.NO_EVENT}: the host has no records with a time"
    if lookup.established is False:
        return words.NOT_ESTABLISHED
    if far is not None:
        return f"{words.NO_EVENT}: same tuple, but {seconds(abs(far))} apart"
    return f"{words.NO_EVENT} in the records of {clocks[0].host}"
