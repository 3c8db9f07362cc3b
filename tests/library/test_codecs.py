"""Values as bytes."""

from __future__ import annotations

import sys
from math import inf
from typing import Any

import pytest

from cachelib import Compressed, JsonCodec, MessagePackCodec, RawCodec
from cachelib.stores.codecs import NEGATIVE, seal, unseal


@pytest.mark.parametrize(
    "codec", [JsonCodec(), MessagePackCodec(), Compressed(JsonCodec(), over=20)]
)
@pytest.mark.parametrize(
    "value", [None, 0, 1.5, "ключ", [1, ["x"]], {"a": {"b": True}}, "x" * 5000]
)
def test_a_value_comes_back_as_it_was(codec: Any, value: Any) -> None:
    assert codec.decode(codec.encode(value)) == value


def test_raw_bytes_pass_unchanged_and_nothing_else_passes() -> None:
    assert RawCodec().decode(RawCodec().encode(bytearray(b"\0x"))) == b"\0x"
    for value in (5, "text", None):
        with pytest.raises(TypeError, match="takes bytes"):
            RawCodec().encode(value)


def test_messagepack_keeps_bytes_and_is_shorter_than_json() -> None:
    assert MessagePackCodec().decode(MessagePackCodec().encode({"b": b"\xff"})) == {"b": b"\xff"}
    value = [{"price": 1, "open": True}] * 10
    assert len(MessagePackCodec().encode(value)) < len(JsonCodec().encode(value))


def test_only_values_over_a_size_are_compressed() -> None:
    codec = Compressed(RawCodec(), over=100)
    assert len(codec.encode(b"x" * 99)) == 100
    assert len(codec.encode(b"x" * 10_000)) < 100
    with pytest.raises(ValueError, match="Compressed"):
        codec.decode(b"{}")


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(ImportError, match="extra: msgpack"):
        MessagePackCodec()
    for name, package in (("redis", "redis"), ("cloudflare", "cloudflare")):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.delitem(sys.modules, f"cachelib.stores.{name}", raising=False)
        with pytest.raises(ImportError, match=f"extra: {name}"):
            __import__(f"cachelib.stores.{name}")


def test_an_envelope_carries_what_it_was_given() -> None:
    assert unseal(seal(b"v", 1.5, inf, 9.25)) == (0x10, 1.5, inf, 9.25, (), b"v")
    assert unseal(seal(b"", 1, 2, 3, ("é", "b"), NEGATIVE))[4:] == (("é", "b"), b"")


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 100, seal(b"v", 1, 2, 3)[:-1]])
def test_bytes_that_are_no_envelope_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cachelib"):
        unseal(data)
