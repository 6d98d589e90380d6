"""One QUIC version 1 Initial packet of a client (RFC 9000, keys of RFC 9001 section 5.2), standard library only.

Initial packets are encrypted with keys that anybody can derive from the packet: that is how a sensor reads the server's
name. AES here is plain and slow, which is enough for a few hundred packets.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from functools import cache

_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_SIZE = 1_200
"""Bytes of a client's first datagram, at least."""


def initial(client_hello: bytes, connection: bytes) -> bytes:
    """The datagram that carries ``client_hello`` (a handshake message) to the server; ``connection`` is 8 bytes."""
    secret = _expand(hmac.digest(_SALT, connection, "sha256"), b"client in", 32)
    key, iv, protection = (
        _expand(secret, what, n) for what, n in ((b"quic key", 16), (b"quic iv", 12), (b"quic hp", 16))
    )
    frame = b"\x06\x00" + struct.pack("!H", 0x4000 | len(client_hello)) + client_hello
    start = b"\xc3" + struct.pack("!I", 1) + bytes([len(connection)]) + connection + b"\x00\x00"
    number = bytes(4)
    body = frame.ljust(_SIZE - len(start) - 2 - len(number) - 16, b"\0")
    header = start + struct.pack("!H", 0x4000 | (len(number) + len(body) + 16)) + number
    sealed = _seal(key, iv, body, header)
    mask = _encrypt(_schedule(protection), sealed[:16])
    first = bytes([header[0] ^ (mask[0] & 0x0F)])
    hidden = bytes(a ^ b for a, b in zip(number, mask[1:5], strict=True))
    return first + header[1:-4] + hidden + sealed


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3 with SHA-256, for sizes up to one block."""
    name = b"tls13 " + label
    info = struct.pack("!HB", size, len(name)) + name + b"\0" + b"\x01"
    return hmac.digest(secret, info, hashlib.sha256)[:size]


def _seal(key: bytes, nonce: bytes, text: bytes, extra: bytes) -> bytes:
    """AES-128-GCM with a nonce of 12 bytes: ciphertext and tag."""
    rounds = _schedule(key)
    blocks = (len(text) + 15) // 16
    stream = b"".join(_encrypt(rounds, nonce + struct.pack("!I", 2 + n)) for n in range(blocks))
    sealed = bytes(a ^ b for a, b in zip(text, stream, strict=False))
    padded = extra + bytes(-len(extra) % 16) + sealed + bytes(-len(sealed) % 16)
    lengths = struct.pack("!QQ", 8 * len(extra), 8 * len(sealed))
    check = _ghash(_encrypt(rounds, bytes(16)), padded + lengths)
    return sealed + bytes(a ^ b for a, b in zip(check, _encrypt(rounds, nonce + b"\0\0\0\x01"), strict=True))


def _ghash(key: bytes, data: bytes) -> bytes:
    factor, total = int.from_bytes(key, "big"), 0
    for at in range(0, len(data), 16):
        total ^= int.from_bytes(data[at : at + 16], "big")
        product, shifted = 0, factor
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= shifted
            shifted = shifted >> 1 ^ (0xE1 << 120 if shifted & 1 else 0)
        total = product
    return total.to_bytes(16, "big")


def _double(byte: int) -> int:
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


@cache
def _sbox() -> bytes:
    """AES's substitution: the inverse in GF(2^8), then an affine map."""
    box, power, inverse = bytearray(256), 1, 1
    while True:
        power ^= _double(power)
        for shift in (1, 2, 4):
            inverse = (inverse ^ inverse << shift) & 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse
        for shift in range(1, 5):
            turned ^= (inverse << shift | inverse >> (8 - shift)) & 0xFF
        box[power] = turned ^ 0x63
        if power == 1:
            break
    box[0] = 0x63
    return bytes(box)


def _schedule(key: bytes) -> list[bytes]:
    """The eleven round keys of AES-128."""
    words, constant = [key[at : at + 4] for at in range(0, 16, 4)], 1
    for at in range(4, 44):
        word = words[-1]
        if at % 4 == 0:
            turned = bytes(_sbox()[byte] for byte in word[1:] + word[:1])
            word = bytes([turned[0] ^ constant]) + turned[1:]
            constant = _double(constant)
        words.append(bytes(a ^ b for a, b in zip(words[-4], word, strict=True)))
    return [b"".join(words[at : at + 4]) for at in range(0, 44, 4)]


def _encrypt(rounds: list[bytes], block: bytes) -> bytes:
    box = _sbox()
    state = bytes(a ^ b for a, b in zip(block, rounds[0], strict=True))
    for turn, key in enumerate(rounds[1:], 1):
        moved = [box[state[(at + 4 * (at % 4)) % 16]] for at in range(16)]
        if turn < 10:
            moved = [byte for at in range(0, 16, 4) for byte in _mixed(moved[at : at + 4])]
        state = bytes(a ^ b for a, b in zip(moved, key, strict=True))
    return state


def _mixed(column: list[int]) -> list[int]:
    every = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[at] ^ every ^ _double(column[at] ^ column[(at + 1) % 4]) for at in range(4)]
