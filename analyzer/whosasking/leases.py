"""DHCP leases: which machine had an address, and when. A part of the model, in a file of its own."""

from __future__ import annotations

import msgspec


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A lease that a sensor saw: from ``ts`` to ``until`` (microseconds UTC) ``ip`` was that of ``mac``.

    ``host`` is what the machine calls itself, its host name or FQDN.
    """

    ts: int
    until: int
    ip: str
    mac: str | None = None
    host: str | None = None
