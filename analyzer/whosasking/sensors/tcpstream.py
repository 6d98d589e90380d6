"""One TCP session put together from the headers of its packets, and the start of what a WHOIS client sent in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.model import Connection

if TYPE_CHECKING:
    from whosasking.model import Micros

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
WHOIS_PORT: Final = 43
KEPT: Final = 64 << 10
"""Bytes of a client's requests that are kept: 4,000 addresses of a bulk query."""
_MOST_PIECES: Final = 16
"""Segments kept that came before the ones they follow."""


class Stream:
    """A session, client first. Sequence numbers are relative to the session's begin (Wireshark's default)."""

    __slots__ = (
        "_ahead",
        "_at",
        "_fins",
        "_next",
        "_over",
        "answered",
        "began",
        "dst_ip",
        "dst_port",
        "first",
        "last",
        "number",
        "sent",
        "service",
        "src_ip",
        "src_port",
        "whois",
    )

    def __init__(self, number: str, client: tuple[str, int], server: tuple[str, int], ts: Micros) -> None:
        """Begin at ``ts``."""
        self.number = number
        self.src_ip, self.src_port = client
        self.dst_ip, self.dst_port = server
        self.first = self.last = ts
        self.began = self.answered = self.whois = False
        self.sent = b""
        self.service: str | None = None
        self._next = [0, 0]
        self._fins = 0
        self._over = False
        self._at = 1
        self._ahead: dict[int, tuple[int, bytes]] = {}

    @classmethod
    def opened(cls, number: str, ends: tuple[str, int, str, int], flags: int, ts: Micros) -> Stream:
        """Begin with a packet: the SYN says who is the client, in its absence port 43 and then the ports' order."""
        sender, receiver = ends[:2], ends[2:]
        if flags & SYN:
            from_client = not flags & ACK
        elif WHOIS_PORT in (sender[1], receiver[1]):
            from_client = receiver[1] == WHOIS_PORT
        else:
            from_client = receiver[1] <= sender[1]
        return cls(number, sender, receiver, ts) if from_client else cls(number, receiver, sender, ts)

    def packet(self, sender: tuple[str, int], sequence: int, length: int, flags: int, ts: Micros, data: bytes) -> None:  # noqa: PLR0913, PLR0917
        """Note one packet."""
        from_client = sender == (self.src_ip, self.src_port)
        self.first, self.last = min(self.first, ts), max(self.last, ts)
        self.began = self.began or bool(from_client and flags & SYN and not flags & ACK)
        self.answered = self.answered or (not from_client and not flags & RST)
        if flags & RST:
            self._over = True
            return
        end = sequence + length + bool(flags & SYN)
        self._next[not from_client] = max(self._next[not from_client], end)
        if flags & FIN:
            self._fins |= 1 << from_client
        if from_client and data and self.dst_port == WHOIS_PORT:
            self._client_said(sequence + bool(flags & SYN), length, data)

    def _client_said(self, sequence: int, length: int, data: bytes) -> None:
        """Put a segment where it belongs; what came twice counts once.

        ``data`` may be less than the segment's ``length``: tshark shows about its first two thousand characters.
        """
        if sequence > self._at:
            if len(self._ahead) < _MOST_PIECES:
                self._ahead[sequence] = (length, data)
            return
        if sequence + length <= self._at:
            return
        if self.service is None and not self.sent:
            self.service = _foreign(data)
        self.sent = (self.sent + data[self._at - sequence :])[:KEPT]
        self._at = sequence + length
        following = self._ahead.pop(self._at, None)
        if following is not None:
            self._client_said(self._at, *following)

    @property
    def is_over(self) -> bool:
        """Whether both sides have ended it, or one broke it off."""
        return self._over or self._fins == 0b11  # noqa: PLR2004 - both bits

    def connection(self, uid: str) -> Connection:
        """Return the session as every sensor gives one: payload bytes by sequence numbers."""
        return Connection(
            ts=self.first,
            protocol="tcp",
            src_ip=self.src_ip,
            src_port=self.src_port,
            dst_ip=self.dst_ip,
            dst_port=self.dst_port,
            uid=uid,
            established=self.answered or not self.began,
            service=self.service,
            duration=self.last - self.first,
            src_bytes=max(self._next[0] - 1, 0),
            dst_bytes=max(self._next[1] - 1, 0),
        )


def _foreign(data: bytes) -> str | None:
    """Name the protocol a client begins with on port 43 when it is not WHOIS."""
    if data.startswith(b"SSH-"):
        return "ssh"
    if data.startswith(b"\x16\x03"):
        return "ssl"
    if b" HTTP/1." in data[:1024]:
        return "http"
    if data[:5].upper() in (b"EHLO ", b"HELO "):
        return "smtp"
    return None
