"""How a value crosses to L2: a codec makes it bytes, an envelope carries what the tiers must know.

Envelope: CRC-32 of the rest (4 bytes, little-endian), flags (1), created_at, refresh_at and
expires_at (8 each, IEEE 754, infinity for never); if flagged, the tags as a JSON list behind its
length (2); then the encoded value.
"""

from __future__ import annotations

import json
from math import inf
from struct import Struct
from typing import Any, Protocol
from zlib import compress, crc32, decompress

from cachelib.stores.protocol import RejectedError, Stored
from cachelib.stores.shapes import JSON_SCALARS, MARK, Given, Shapes

JSON_MARK = f'"{MARK}"'  # without it, nothing needs to be put together
PACKED_MARK = bytes([0xA0 + len(MARK)]) + MARK.encode()
VERSION, TAGGED, NEGATIVE = 0x10, 1, 2
_BODY = Struct("<Bddd")
_WHOLE = Struct("<IBddd")
_HEADER = _WHOLE.size


class Codec(Protocol):
    """Values to bytes and back. `decode` raises an error for bytes it did not make."""

    def encode(self, value: Any) -> bytes: ...
    def decode(self, data: bytes) -> Any: ...


class JsonCodec:
    """JSON text in UTF-8 that gives every value back as the type that it had.

    Besides JSON's own: tuples, bytes, dictionaries with other keys than strings, dates and times,
    Decimal, UUID and the like. Sets, dataclasses, enumerations, named tuples, pydantic models,
    msgspec structs and attrs classes are kept if they are named: `JsonCodec(User, Order)`; any
    other class with the ways there and back: `JsonCodec((Path, str, Path))`. What is left is
    refused with a TypeError, rather than changed.
    """

    _text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
    # `json.loads` first looks for other encodings, and for spaces
    _scan: Any = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

    def __init__(self, *types: Given) -> None:
        self._shapes = Shapes(types)

    def encode(self, value: Any) -> bytes:
        return self._text(self._shapes.lower(value)).encode()

    def decode(self, data: bytes) -> Any:
        text = data.decode()
        try:
            tree, end = self._scan(text, 0)
        except StopIteration:
            raise ValueError("this is not JSON") from None
        if end != len(text):
            raise ValueError("there is more than one JSON value")
        return self._shapes.lift(tree) if JSON_MARK in text else tree


class RawCodec:
    """Values that are bytes already."""

    def encode(self, value: Any) -> bytes:
        if type(value) is not bytes and not isinstance(value, bytearray | memoryview):
            raise TypeError(f"RawCodec takes bytes, not {type(value).__name__}")
        return bytes(value)

    def decode(self, data: bytes) -> Any:
        return data


class MessagePackCodec:
    """MessagePack, by msgspec: smaller and faster than JSON; the same types come back."""

    def __init__(self, *types: Given) -> None:
        try:
            from msgspec import msgpack
        except ImportError as error:
            raise ImportError("MessagePackCodec needs the extra: msgpack") from error
        self._shapes = Shapes(types, JSON_SCALARS | {bytes})
        self._pack, self._unpack = msgpack.Encoder().encode, msgpack.Decoder().decode

    def encode(self, value: Any) -> bytes:
        return self._pack(self._shapes.lower(value))

    def decode(self, data: bytes) -> Any:
        tree = self._unpack(data)
        return self._shapes.lift(tree) if data.find(PACKED_MARK) >= 0 else tree  # `in` is slow


class Compressed:
    """Another codec, deflated where the encoded value is at least `over` bytes."""

    def __init__(self, codec: Codec, over: int = 1024, level: int = 6) -> None:
        self._codec, self._over, self._level = codec, over, level

    def encode(self, value: Any) -> bytes:
        data = self._codec.encode(value)
        if len(data) < self._over:
            return b"=" + data
        return b"z" + compress(data, self._level)

    def decode(self, data: bytes) -> Any:
        kind, body = data[:1], data[1:]
        if kind not in (b"=", b"z"):
            raise ValueError(f"not a value of the Compressed codec: it begins with {kind!r}")
        return self._codec.decode(decompress(body) if kind == b"z" else body)


class UnencodableError(RejectedError, TypeError):
    """The codec has no bytes for a value."""


def encode(codec: Codec, key: str, value: Any) -> bytes:
    """The value of `key` as bytes; UnencodableError, a TypeError, if it has none."""
    try:
        return codec.encode(value)
    except Exception as error:
        name = type(codec).__name__
        raise UnencodableError(f"{name} cannot encode the value of {key!r}: {error}") from error


def seal(
    payload: bytes,
    created_at: float,
    refresh_at: float,
    expires_at: float,
    tags: tuple[str, ...] = (),
    flags: int = 0,
) -> bytes:
    """The bytes of an envelope."""
    if tags:
        names = json.dumps(tags).encode()
        payload = len(names).to_bytes(2, "little") + names + payload
        flags |= TAGGED
    body = _BODY.pack(VERSION | flags, created_at, refresh_at, expires_at) + payload
    return crc32(body).to_bytes(4, "little") + body


def unseal(data: bytes) -> tuple[int, float, float, float, tuple[str, ...], bytes]:
    """Flags, created_at, refresh_at, expires_at, tags and payload.

    ValueError if `data` is damaged or another program's.
    """
    if len(data) < _HEADER:
        raise ValueError("too short for an envelope of cachelib")
    checksum, flags, created_at, refresh_at, expires_at = _WHOLE.unpack_from(data)
    if crc32(data[4:]) != checksum or flags & 0xF0 != VERSION:
        raise ValueError("damaged, or not written by this version of cachelib")
    if not flags & TAGGED:
        return flags, created_at, refresh_at, expires_at, (), data[_HEADER:]
    start = _HEADER + 2
    end = start + int.from_bytes(data[start - 2 : start], "little")
    tags = tuple(json.loads(data[start:end]))
    return flags, created_at, refresh_at, expires_at, tags, data[end:]


def unseal_plain(data: bytes, now: float) -> bytes | None:
    """The payload of the commonest envelope: whole, without tags, of a value that lives at `now`.

    None for any other, whose reader needs to know more: see `unseal`.
    """
    if len(data) < _HEADER:
        return None
    checksum, flags, created_at, _, expires_at = _WHOLE.unpack_from(data)
    if flags != VERSION or not created_at <= now < expires_at or crc32(data[4:]) != checksum:
        return None
    return data[_HEADER:]


def same_content(one: Stored, other: Stored | None) -> bool:
    """Two envelopes have the same value and tags, whatever their times."""
    return other is not None and (
        one.data[4:5] == other.data[4:5] and one.data[_HEADER:] == other.data[_HEADER:]
    )


def written_at(stored: Stored | None) -> float:
    """When the entry in `stored` was made; before all others if there is none in it."""
    try:
        return -inf if stored is None else unseal(stored.data)[1]
    except ValueError:
        return -inf
