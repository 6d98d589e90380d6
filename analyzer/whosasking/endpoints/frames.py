"""What goes through the pipes between this process and those that decode for it: frames of a length and so many bytes.

A frame of lines is MessagePack, for lines are bytes; all other frames are JSON, for texts from logs and paths may hold
what UTF-8 has no bytes for. Nothing in a frame is ever more than data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from typing import IO

Json = dict[str, Any]
_LENGTH: Final = 8
END: Final = bytes(_LENGTH)
"""The empty frame: nothing more comes."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, str, bytes, list[int], list[bytes]]).decode


class Batch(NamedTuple):
    """Some lines of a file, with their numbers in it; ``file`` counts files, ``path`` is UTF-8, surrogates and all."""

    number: int
    file: int
    kind: str
    path: bytes
    lines: list[int]
    texts: list[bytes]


def framed(body: bytes) -> bytes:
    """Return a frame."""
    return len(body).to_bytes(_LENGTH, "little") + body


def of_batch(batch: Batch) -> bytes:
    """Return the frame of a batch."""
    return framed(_encode(batch))


def batch_of(body: bytes) -> Batch:
    """Return the batch in a frame."""
    return Batch(*_decode(body))


def of_data(data: Json) -> bytes:
    """Return the frame of anything else."""
    return framed(json.dumps(data).encode())


def data_of(body: bytes) -> Json:
    """Return what ``of_data`` put into a frame; what were tuples are lists, keys are texts."""
    data: Json = json.loads(body)
    return data


def read(pipe: IO[bytes]) -> bytes:
    """Return the next frame's content, nothing at the end. Raises EOFError when the other process is gone."""
    length = _exactly(pipe, _LENGTH)
    return b"" if length == END else _exactly(pipe, int.from_bytes(length, "little"))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
