"""Which tuples to ask the sensors for, so that each host's clock can be aligned from a handful of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whosasking.attribution import policy
from whosasking.attribution.addresses import canonical, is_public, names_a_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whosasking.model import EndpointReading, Micros, Socket

Tuple = tuple[str, int, str, int]
"""Local address and port, remote address and port; addresses canonical."""
_Dated = tuple["Micros", Tuple]
_STRETCHES = 4 * policy.MOST_ANCHORS
_MOST_HELD = 4 * _STRETCHES


def wanted(endpoint: EndpointReading) -> frozenset[Tuple]:
    """Pick at most 64 TCP tuples a host, spread over time, each with its own ephemeral port; local side first.

    Public remote sides come first for half of them: a sensor at the border sees those, one inside sees the others too.
    """
    by_host: dict[tuple[str, str], dict[int, _Dated]] = {}
    for socket in endpoint.sockets:
        found = _anchor(socket)
        if found:
            port, key = found
            ports = by_host.setdefault((socket.host.casefold(), socket.product), {})
            ports.setdefault(port, (socket.ts, key))
            if len(ports) > _MOST_HELD:
                _thin(ports)
    for ports in by_host.values():
        if len(ports) > _STRETCHES:
            _thin(ports)
    return frozenset(key for ports in by_host.values() for key in _pick(ports.values()))


def _thin(ports: dict[int, _Dated]) -> None:
    """Keep the first port of each of equal stretches of time: a busy host has thousands, of which few are picked."""
    begin, end = min(ports.values())[0], max(ports.values())[0]
    kept: dict[tuple[bool, int], int] = {}
    for port, (ts, key) in ports.items():
        kept.setdefault((is_public(key[2]), (ts - begin) * _STRETCHES // (end - begin + 1)), port)
    for port in ports.keys() - set(kept.values()):
        del ports[port]


def _anchor(socket: Socket) -> tuple[int, Tuple] | None:
    """Give the ephemeral port and the tuple of a socket that could tell about clocks."""
    if socket.protocol.lower() != "tcp" or not socket.local_port or not socket.remote_port:
        return None
    port = _client_port(socket.local_port, socket.remote_port, outbound=socket.initiated)
    if port < policy.EPHEMERAL or socket.local_port == socket.remote_port:
        return None
    local, remote = canonical(socket.local_ip), canonical(socket.remote_ip)
    if not (local and remote and names_a_host(local) and names_a_host(remote)) or local == remote:
        return None
    return port, (local, socket.local_port, remote, socket.remote_port)


def _client_port(local: int, remote: int, *, outbound: bool | None) -> int:
    if outbound is None:
        return max(local, remote)
    return local if outbound else remote


def _pick(dated: Iterable[_Dated]) -> list[Tuple]:
    in_order = sorted(dated)
    inside = [one for one in in_order if not is_public(one[1][2])]
    most = max(policy.MOST_ANCHORS // 2, policy.MOST_ANCHORS - len(inside))
    public = _spread([one for one in in_order if is_public(one[1][2])], most)
    return [key for _, key in [*public, *_spread(inside, policy.MOST_ANCHORS - len(public))]]


def _spread(in_order: Sequence[_Dated], most: int) -> Sequence[_Dated]:
    """Take ``most`` items at even distances, first and last among them."""
    if len(in_order) <= most:
        return in_order
    return [in_order[index * (len(in_order) - 1) // (most - 1)] for index in range(most)]
