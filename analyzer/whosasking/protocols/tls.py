"""What a TLS ClientHello says about who sent it: a browser's stack, or a library's.

Browsers send extensions that no common library sends (recorded from real clients: curl, wget, Python, Node, Ruby, Perl,
PHP, Java, Go and openssl send none of them, Chromium and Firefox several). A program can copy a browser's ClientHello
whole, so the answer is "browser-like", never "a browser".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from whosasking.model import Client, ClientClass
from whosasking.protocols import client

if TYPE_CHECKING:
    from collections.abc import Collection

BROWSER_EXTENSIONS: Final = {
    27: "compress_certificate",
    34: "delegated_credentials",
    17513: "application_settings",
    17613: "application_settings",
    65037: "encrypted_client_hello",
}
_RECORD_SIZE_LIMIT: Final = 28
_ENCRYPT_THEN_MAC: Final = 22
_SIGNED_CERTIFICATE_TIMESTAMP: Final = 18
_POST_HANDSHAKE_AUTH: Final = 49
_FIELDS: Final = 5
_MAX_JA3: Final = 4096
_MAX_EXTENSIONS: Final = 256

# Parts a and b of JA4 (the TLS client fingerprint, BSD licence). Part c is left out: Chromium shuffles what is in it.
_JA4_BROWSERS: Final = {
    "8daaf6152771": "Chromium",
    "55b375c5d22e": "Chromium over QUIC",
    "5b57614c22b0": "Firefox",
    "a09f3c656075": "Safari",
}
_JA4_TOOLS: Final = {
    "e8f1e7e78f70": "OpenSSL",
    "85036bcba153": "Python",
    "f57a46bbacb6": "Go",
    "d83cc789557e": "WinINET",
}


def extensions(ja3_string: str) -> tuple[int, ...] | None:
    """Read the extension ids of a JA3 string ``version,ciphers,extensions,curves,formats``; None when it is none."""
    parts = ja3_string[:_MAX_JA3].strip().split(",")
    if len(parts) != _FIELDS or len(ja3_string) > _MAX_JA3:
        return None
    ids = [part for part in parts[2].split("-") if part]
    if len(ids) > _MAX_EXTENSIONS or not all(
        part.isascii() and part.isdigit() and len(part) <= _FIELDS for part in ids
    ):
        return None
    return tuple(int(part) for part in ids)


def classify(
    ja3_string: str | None = None,
    *,
    extension_ids: Collection[int] | None = None,
    ja3: str | None = None,
    ja4: str | None = None,
    user_agent: str | None = None,
) -> Client:
    """Tell the class of a client from the extensions of its ClientHello, or from JA4 where only that is known.

    ``extension_ids`` may come straight from the handshake; else they are read from ``ja3_string``. GREASE does not
    matter. ``user_agent``, where another product recorded it for this session, is held against the stack: a browser's
    name over a library's stack is a masquerade. With no evidence the class is ``unknown``.
    """
    ids = extension_ids if extension_ids is not None else extensions(ja3_string) if ja3_string else None
    cls, evidence = _by_extensions(ids) if ids is not None else _by_ja4(ja4) if ja4 else (ClientClass.UNKNOWN, ())
    if ids is None and not ja4 and ja3:
        evidence = ("only the JA3 hash is known, which does not tell the extensions",)
    found = Client(cls=cls, evidence=evidence, ja3=ja3)
    return client.combine(found, user_agent) if user_agent else found


def _by_extensions(ids: Collection[int]) -> tuple[ClientClass, tuple[str, ...]]:
    browsers = [number for number in BROWSER_EXTENSIONS if number in ids]
    if browsers:
        told = tuple(f"ClientHello has extension {number} ({BROWSER_EXTENSIONS[number]})" for number in browsers)
        return ClientClass.BROWSER, told
    if not ids:
        return ClientClass.UNKNOWN, ("ClientHello without extensions",)
    if _RECORD_SIZE_LIMIT in ids and _SIGNED_CERTIFICATE_TIMESTAMP in ids and _ENCRYPT_THEN_MAC not in ids:
        # NSS, Firefox's library, in its plainest ClientHello; other programs are built with it, too. GnuTLS (wget)
        # sends 28 without 22 as well where its policy turns encrypt-then-MAC off, but never 18.
        return ClientClass.UNKNOWN, ("ClientHello has extensions 18 and 28 without 22: plain NSS, in Firefox or not",)
    return ClientClass.TOOL, ("ClientHello has no extension that browsers send", *_library(ids))


def _library(ids: Collection[int]) -> tuple[str, ...]:
    """Name the libraries whose habit the extensions are; several share one."""
    if _ENCRYPT_THEN_MAC in ids and _POST_HANDSHAKE_AUTH in ids:
        return ("ClientHello is like OpenSSL's (22, 49)",)
    if _ENCRYPT_THEN_MAC in ids and _RECORD_SIZE_LIMIT in ids:
        return ("ClientHello is like GnuTLS's (22, 28)",)
    if 17 in ids and 50 in ids:  # noqa: PLR2004 - status_request_v2 and signature_algorithms_cert
        return ("ClientHello is like Java's (17, 50)",)
    return ()


def _by_ja4(ja4: str) -> tuple[ClientClass, tuple[str, ...]]:
    parts = ja4.strip().lower().split("_")
    ciphers = parts[1] if len(parts) > 1 else ""
    if ciphers in _JA4_BROWSERS:
        return ClientClass.BROWSER, (f"JA4 has the ciphers of {_JA4_BROWSERS[ciphers]}",)
    if ciphers in _JA4_TOOLS:
        return ClientClass.TOOL, (f"JA4 has the ciphers of {_JA4_TOOLS[ciphers]}",)
    return ClientClass.UNKNOWN, ("JA4 is of no known client",)
