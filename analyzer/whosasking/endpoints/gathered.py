"""What collectors gathered, each of some batches of the lines: put together as one collector of all of them would have.

Batches are numbered in the order of their lines, and each is read by one collector from its first line to its last.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, NamedTuple

from whosasking.endpoints.assembly import Assembly
from whosasking.endpoints.packing import SHARES
from whosasking.spool import Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whosasking.model import EndpointReading, Micros

Json = dict[str, Any]


class Gathered(NamedTuple):
    """What one collector holds, hosts by what they are known by; each number beside a text is that of its batch.

    ``spelt`` has hosts' names as they came first, ``called`` the names they are shown under as they came last, both
    with the batch; ``addresses`` the batch in which each address of a host came first.
    """

    streams: Streams
    words: list[str]
    used: Mapping[int, bytes]
    spelt: Mapping[str, tuple[int, str]]
    called: Mapping[str, tuple[int, str]]
    spans: Mapping[str, tuple[Micros, Micros]]
    addresses: Mapping[str, Mapping[str, int]]


def together(gathered: Sequence[Gathered], in_memory: int) -> EndpointReading:
    """Build the records of all. Raises OSError when the disk is full."""
    spelt: dict[str, tuple[int, str]] = {}
    called: dict[str, tuple[int, str]] = {}
    for one in gathered:
        for host, first in one.spelt.items():
            spelt[host] = min(spelt.get(host, first), first)
        for host, last in one.called.items():
            called[host] = max(called.get(host, last), last)
    names = {host: name for host, (_, name) in spelt.items()}
    shown = names | {host: names[name] for host, (_, name) in called.items()}
    put = Assembly(names, shown, in_memory)
    for part in sorted({stream // SHARES for one in gathered for stream in one.streams.numbers()}):
        put.add(gathered, part)
    return put.reading(_addresses(gathered, shown), _spans(gathered, shown))


def _addresses(gathered: Sequence[Gathered], shown: Mapping[str, str]) -> dict[str, list[str]]:
    """Return each host's addresses in the order they came."""
    hosts = [(min(found.values()), host) for one in gathered for host, found in one.addresses.items()]
    told: dict[str, dict[str, None]] = {}
    for _, host in sorted(hosts, key=_batch):
        every = [(batch, ip) for one in gathered for ip, batch in one.addresses.get(host, {}).items()]
        told.setdefault(shown[host], {}).update(dict.fromkeys(ip for _, ip in sorted(every, key=_batch)))
    return {host: list(found) for host, found in told.items()}


def _batch(numbered: tuple[int, str]) -> int:
    return numbered[0]


def _spans(gathered: Sequence[Gathered], shown: Mapping[str, str]) -> dict[str, tuple[Micros, Micros]]:
    spans: dict[str, tuple[Micros, Micros]] = {}
    for one in gathered:
        for host, (first, last) in one.spans.items():
            known = spans.get(shown[host], (first, last))
            spans[shown[host]] = (min(known[0], first), max(known[1], last))
    return spans


def told(gathered: Gathered) -> Json:
    """Return what another process needs to know, beside the file with the rows, as JSON's types."""
    return {
        **gathered._asdict(),
        "streams": gathered.streams.written(),
        "used": {part: flags.hex() for part, flags in gathered.used.items()},
    }


def heard(said: Json, file: IO[bytes]) -> Gathered:
    """Return what another process gathered and told as JSON, its rows in ``file``."""
    streams = {int(number): [(begin, size) for begin, size in chunks] for number, chunks in said["streams"].items()}
    return Gathered(
        streams=Streams.found(file, streams),
        words=said["words"],
        used={int(part): bytes.fromhex(flags) for part, flags in said["used"].items()},
        spelt={host: (batch, name) for host, (batch, name) in said["spelt"].items()},
        called={host: (batch, name) for host, (batch, name) in said["called"].items()},
        spans={host: (first, last) for host, (first, last) in said["spans"].items()},
        addresses=said["addresses"],
    )
