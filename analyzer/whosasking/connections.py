"""Every connection of a run with the process behind it: what ``whosasking attribute`` renders."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from whosasking.model import Attributed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whosasking.model import Attribution, Connection, Coverage, InputReport, Micros


class ConnectionReport(msgspec.Struct, kw_only=True):
    """One run over all connections. ``connections`` can be gone through once, in order of time.

    ``methods`` and ``reasons`` count, while that goes on, how connections were attributed and why some were not.
    """

    version: str
    generated_at: Micros
    inputs: tuple[InputReport, ...]
    coverage: Coverage
    connections: Iterable[tuple[Connection, Attribution]]
    notes: tuple[str, ...] = ()
    methods: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)

    def counted(self) -> Iterator[tuple[Connection, Attribution]]:
        """Give the connections and count them."""
        for connection, attribution in self.connections:
            if isinstance(attribution, Attributed):
                self.methods[attribution.method] += 1
            else:
                self.methods["none"] += 1
                self.reasons[attribution.kind or attribution.reason] += 1
            yield connection, attribution
