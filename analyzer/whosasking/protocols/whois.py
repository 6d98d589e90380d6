r"""WHOIS requests (RFC 3912): what a line, or a session of many lines, asks about.

The protocol is one line, ended by CRLF, by LF or by nothing. What stands on it is each server's own dialect: RIPE's
flags, ARIN's letters, Verisign's keywords, IRRd's ``!`` commands, JPRS's ``/e``. Sources: RFC 3912, the RIPE Database
documentation, ARIN's "Using Whois", Merit IRRd's user guide, Team Cymru's "IP to ASN mapping".

Bytes are read as UTF-8; what is not becomes a backslash escape, so nothing a client sent is lost or misread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from whosasking.model import Query, QueryKind
from whosasking.protocols import objects

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINE: Final = 1024
MAX_SESSION: Final = 1 << 20
"""Bytes of a session that are looked at: more than 20,000 addresses."""
_MAX_WORDS: Final = 64


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_VALUE_FLAGS: Final = frozenset("VTistqvcCogF")
_LONG_VALUE_FLAGS: Final = _set(
    "--charset --types --select-types --inverse --sources --source --client --template --verbose --query --type"
)
_META_FLAGS: Final = frozenset({"-t", "-q", "--template", "--version", "--list-sources"})
"""Flags that ask about the database itself; ``-v`` does too at RIPE, but asks for detail at Cymru."""
_TYPES: Final = {
    "person": QueryKind.PERSON,
    "role": QueryKind.PERSON,
    "organisation": QueryKind.ORGANISATION,
    "organization": QueryKind.ORGANISATION,
    "dn": QueryKind.DOMAIN,
    "domain": QueryKind.DOMAIN,
    "mntner": QueryKind.HANDLE,
}
_INVERSE_OF_PEOPLE: Final = _set(
    "person pn admin-c ac tech-c tc zone-c zc author e-mail notify ny abuse-mailbox ping-hdl pc"
)
_ARIN_LETTERS: Final = {
    "a": QueryKind.ASN,
    "p": QueryKind.PERSON,
    "o": QueryKind.ORGANISATION,
    "c": QueryKind.ORGANISATION,
    "n": None,
    "r": None,
    "d": None,
    "z": None,
    "s": None,
    "g": None,
    "e": QueryKind.PERSON,
    "v": None,
    "h": QueryKind.HANDLE,
    "b": None,
}
_ARIN_MARKS: Final = frozenset("+=!@.*><~/-%#^")
_KEYWORDS: Final = {
    "domain": QueryKind.DOMAIN,
    "dom": QueryKind.DOMAIN,
    "nameserver": QueryKind.DOMAIN,
    "host": QueryKind.DOMAIN,
    "registrar": QueryKind.ORGANISATION,
    "organisation": QueryKind.ORGANISATION,
    "organization": QueryKind.ORGANISATION,
    "contact": QueryKind.HANDLE,
    "handle": QueryKind.HANDLE,
    "person": QueryKind.PERSON,
    "full": None,
    "partial": None,
    "expand": None,
    "prefix": None,
    "origin": None,
    "peer": None,
}
_STEERING: Final = _set(
    "begin end verbose noverbose header noheader prefix noprefix countrycode nocountrycode registry noregistry"
    " allocdate noallocdate truncate notruncate asname noasname asnumber noasnumber exit quit -k"
)
_IRRD: Final = re.compile(r"!(?:[!qvenstmjJN].*|[gia6rohuf][^\s].*)?", re.ASCII | re.DOTALL)
_IRRD_STEERING: Final = re.compile(r"!(?:[!qven].*|[st].*|[jJ].*)?", re.ASCII | re.DOTALL)
_FOREIGN: Final = re.compile(
    rb"SSH-\d|[\x16\x15\x14]\x03[\x00-\x04]|[A-Z]{3,8} \S{1,2048} HTTP/\d|EHLO |HELO |USER |\x00|\x03\x00|"
    rb"\xfeSMB|\xffSMB|(?:GET|POST|HEAD|CONNECT|OPTIONS) /|PROXY TCP|\x05[\x01\x02]\x00|JDWP|RFB 00|AMQP|\x80.\x01\x03",
    re.DOTALL,
)


def parse_query(line: bytes | str, server: str | None = None) -> Query:
    """Read one request line. ``server`` (its name, where it is known) settles what two dialects write alike.

    Always gives a Query: its ``text`` is the line without its end, cut at MAX_LINE characters; object and kind are None
    where the line does not tell them.
    """
    text = _text(line)
    asked, kind = _object(text, (server or "").lower())
    return Query(text=text, object=asked, kind=kind)


def parse_session(payload: bytes, server: str | None = None) -> Query:
    """Read all that a client sent in one session: a line, or many (``begin``..``end``, ``-k``, ``!!``, or just lines).

    A session of several objects has kind ``bulk``, the first line as ``text``, the first object, and their ``count``.
    The last line counts whether or not a line end came.
    """
    lines = [text for raw in payload[:MAX_SESSION].split(b"\n") if (text := _text(raw))]
    if not lines:
        return Query(text="", count=0)
    name = (server or "").lower()
    asking = [line for line in lines if not _steers(line)]
    first, kind = _object(asking[0], name) if asking else (None, None)
    if len(asking) <= 1 and not _opens(lines[0]):
        return Query(text=lines[0], object=first, kind=kind)
    return Query(text=lines[0], object=first, kind=QueryKind.BULK, count=len(asking))


def looks_like_whois(payload: bytes) -> bool:
    """Tell whether a client's first bytes can be a WHOIS request: one line of text, and no other protocol's greeting.

    A request cannot prove that it is WHOIS (``example.com`` may be anything); this only rules out what is not.
    """
    start = payload[: MAX_LINE + 2]
    line = start.split(b"\n", 1)[0].rstrip(b"\r")
    if not line.strip() or len(line) > MAX_LINE or _FOREIGN.match(start):
        return False
    return _CONTROL.search(line.replace(b"\t", b" ").decode("utf-8", "backslashreplace")) is None


def _text(line: bytes | str) -> str:
    """Return a line as text, without its end and surrounding blanks, bounded. Escapes what is no UTF-8."""
    if isinstance(line, str):
        return line.strip()[:MAX_LINE]
    return line[: 4 * MAX_LINE].decode("utf-8", "backslashreplace").strip()[:MAX_LINE]


def _steers(line: str) -> bool:
    """Tell a line that opens, steers or ends a session instead of asking."""
    folded = line.lower()
    return folded in _STEERING or folded.startswith("begin ") or _IRRD_STEERING.fullmatch(line) is not None


def _opens(line: str) -> bool:
    """Tell a line after which many requests come, however many did."""
    return line.lower().split(" ", 1)[0] == "begin"


def _object(text: str, server: str) -> tuple[str | None, QueryKind | None]:
    """Take a server's dialect off a line, and classify what is left."""
    if not text or _CONTROL.search(text) or _steers(text) or text.lower() in {"help", "?"}:
        return None, None
    if text.startswith("!"):
        return _exclaimed(text, server)
    words = text.split(None, _MAX_WORDS)
    rest, wanted, meta = _without_flags(words)
    if meta:
        return None, None
    rest, by_letter = _without_letters(rest)
    rest, by_keyword = _without_keyword(rest)
    return _classified(rest, wanted or by_letter or by_keyword, server)


def _exclaimed(text: str, server: str) -> tuple[str | None, QueryKind | None]:
    """Read ``!``: IRRd's commands (``!gAS64496``, ``!iAS-X,1``, ``!r192.0.2.0/24,o``), or a handle at ARIN."""
    handle = "arin" in server or text[1:2].isupper() or text[1:2] in {"", " "}
    if handle or not _IRRD.fullmatch(text):
        name = text[1:].strip()
        return (name, QueryKind.HANDLE) if name else (None, None)
    name = text[2:].split(",", 1)[0].strip()
    return objects.classify(name)


def _without_flags(words: Sequence[str]) -> tuple[list[str], QueryKind | None, bool]:
    """Take RIPE-like flags off the front, with their values; a flag never takes the last word, which is the object."""
    rest, wanted, meta = list(words), None, False
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        flag = rest.pop(0)
        meta = meta or flag in _META_FLAGS
        takes = flag in _LONG_VALUE_FLAGS or (not flag.startswith("--") and flag[-1] in _VALUE_FLAGS)
        if takes and len(rest) > 1 and not (flag == "-v" and objects.classify(rest[0])[1] in _ADDRESSES):
            wanted = _wanted(flag, rest.pop(0)) or wanted
    return rest, wanted, meta


_ADDRESSES: Final = frozenset({QueryKind.IP, QueryKind.CIDR, QueryKind.ASN})


def _wanted(flag: str, value: str) -> QueryKind | None:
    """Tell what ``-T person`` or ``-i admin-c`` looks for."""
    if flag.endswith("T") or flag in {"--types", "--select-types", "--type"}:
        return _TYPES.get(value.lower().split(",", 1)[0])
    if flag.endswith("i") or flag == "--inverse":
        return QueryKind.PERSON if set(value.lower().split(",")) & _INVERSE_OF_PEOPLE else None
    return None


def _without_letters(words: list[str]) -> tuple[list[str], QueryKind | None]:
    """Take ARIN's letters and marks (``n +``, ``a``, ``r + =``) off the front; a lone letter is an object."""
    kind, rest = None, words
    while len(rest) > 1 and (rest[0] in _ARIN_LETTERS or (len(rest[0]) == 1 and rest[0] in _ARIN_MARKS)):
        kind = _ARIN_LETTERS.get(rest[0]) or kind
        rest = rest[1:]
    return rest, kind


def _without_keyword(words: list[str]) -> tuple[list[str], QueryKind | None]:
    """Take ``domain``, ``nameserver`` and the like off the front."""
    kind, rest = None, words
    while len(rest) > 1 and rest[0].lower() in _KEYWORDS:
        kind = _KEYWORDS[rest[0].lower()] or kind
        rest = rest[1:]
    return rest, kind


def _classified(words: list[str], wanted: QueryKind | None, server: str) -> tuple[str | None, QueryKind | None]:
    """Name the object in the words that are left; ``wanted`` is the kind that flags or letters asked for."""
    text = _bare(" ".join(words))
    if not text:
        return None, None
    if wanted is QueryKind.ASN:
        return objects.asn(text, bare=True) or text, wanted
    name, kind = objects.classify(text)
    if kind in _ADDRESSES:
        return name, kind
    last, last_kind = objects.classify(words[-1]) if len(words) > 1 else (None, None)
    if wanted is None and last_kind in {*_ADDRESSES, QueryKind.DOMAIN}:
        return last, last_kind  # words before it are options no list has: `app="x" 192.0.2.1`
    if wanted is None and kind is QueryKind.HANDLE and "iana" in server and text.isalpha():
        return text, QueryKind.DOMAIN
    return name, wanted or kind


def _bare(text: str) -> str:
    """Take off Verisign's ``=`` and JPRS's ``/e``."""
    text = text.lstrip("=").strip()
    return text[:-2] if text.lower().endswith("/e") else text
