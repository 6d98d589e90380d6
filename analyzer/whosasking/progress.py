"""How long work reports how far it got, without knowing who draws it (rich lives in reports, never in logic)."""

from __future__ import annotations

from typing import Final, Protocol


class Progress(Protocol):
    """A progress bar as the stages see it. Every method may be called from any thread."""

    def start(self, total_bytes: int) -> None:
        """Add ``total_bytes`` (bytes on disk) to the work that lies ahead."""

    def advance(self, n: int) -> None:
        """``n`` more bytes on disk are done."""

    def describe(self, text: str) -> None:
        """Say what is being done now, in a few words."""

    def close(self) -> None:
        """End the work; may be called more than once."""


class _Silent:
    """Progress that nobody watches."""

    def start(self, total_bytes: int) -> None:
        pass

    def advance(self, n: int) -> None:
        pass

    def describe(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


SILENT: Final[Progress] = _Silent()
