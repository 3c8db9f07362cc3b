"""Cloudflare Workers KV as L2, through its REST API and the official SDK.

Limits, and where they are stated: developers.cloudflare.com/kv/platform/limits and
/kv/api/write-key-value-pairs, as of 2026-11-23.
"""

from __future__ import annotations

import base64
import math
import random
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from cachelib.stores.protocol import RejectedError, Stored

try:
    import cloudflare
except ImportError as error:
    raise ImportError("CloudflareKVStore needs the extra: cloudflare") from error

MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 25 * 1024 * 1024
MIN_TTL = 60.0  # seconds
WRITE_PAUSE = 1.0  # seconds between two writes of one key
BULK_READ, BULK_WRITE = 100, 10_000  # keys
BULK_BYTES = 90 * 1024 * 1024  # of a bulk write; the limit is 100 MB with everything around
MAX_BACK_OFF = 30.0  # seconds
_EXPIRY = struct.Struct("<d")
T = TypeVar("T")


class CloudflareKVStore:
    """A KV namespace. Eventually consistent: others may read an older value for a minute or more.

    A life under 60 s is kept exactly, as the time of expiry is stored with the value; KV itself
    forgets it after 60 s. What is refused for its rate (429) or fails in KV (5xx) is tried again
    up to `retries` times, after a growing pause. `clock` must be the cache's.
    """

    def __init__(
        self,
        account_id: str,
        namespace_id: str,
        *,
        client: cloudflare.Cloudflare | None = None,
        retries: int = 5,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        client = client or cloudflare.Cloudflare()
        self._kv: Any = client.with_options(max_retries=0).kv.namespaces
        self._ids = {"account_id": account_id, "namespace_id": namespace_id}
        self._retries, self._clock, self._sleep = retries, clock, sleep
        self._written: dict[str, float] = {}  # keys, in the order of their last write

    def get(self, key: str, now: float) -> Stored | None:
        _check_key(key)
        try:
            answer = self._try(self._kv.values.get, key)
        except cloudflare.NotFoundError:
            return None
        return _unpack(answer.read(), now)

    def set(self, key: str, stored: Stored) -> None:
        _check_key(key)
        value = _pack(key, stored).encode()  # the SDK takes no text here, whatever its types say
        self._pace([key])
        self._try(self._kv.values.update, key, value=value, **self._ttl(stored))

    def delete(self, key: str) -> None:
        _check_key(key)
        self._pace([key])
        self._try(self._kv.values.delete, key)

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        for key in keys:
            _check_key(key)
        found = {}
        for some in _batches(keys, BULK_READ):
            answer = self._try(self._kv.bulk_get, keys=some, type="text")
            for key, value in answer.values.items():
                if value is not None and (stored := _unpack(value, now)) is not None:
                    found[key] = stored
        return found

    def set_many(self, items: Mapping[str, Stored]) -> None:
        pairs = []
        for key, stored in items.items():
            _check_key(key)
            pairs.append({"key": key, "value": _pack(key, stored), **self._ttl(stored)})
        for some in _portions(pairs):
            self._pace([pair["key"] for pair in some])
            self._bulk(self._kv.bulk_update, some, lambda pair: pair["key"])

    def delete_many(self, keys: Iterable[str]) -> None:
        for some in _batches(keys, BULK_WRITE):
            for key in some:
                _check_key(key)
            self._pace(some)
            self._bulk(self._kv.bulk_delete, some, lambda key: key)

    def _bulk(self, write: Callable[..., Any], body: list[T], key: Callable[[T], str]) -> None:
        """All of `body`; what KV reports as not done is tried again."""
        for attempt in range(self._retries + 1):
            failed = set(self._try(write, body=body).unsuccessful_keys or ())
            body = [item for item in body if key(item) in failed]
            if not body:
                return
            self._back_off(attempt, None)
        raise OSError(f"KV did not write {len(body)} keys, such as {key(body[0])!r}")

    def _try(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        for attempt in range(self._retries):
            try:
                return call(*args, **options, **self._ids)
            except cloudflare.APIStatusError as error:
                if error.status_code != 429 and error.status_code < 500:
                    raise
                self._back_off(attempt, error.response.headers.get("retry-after"))
            except cloudflare.APIConnectionError:
                self._back_off(attempt, None)
        return call(*args, **options, **self._ids)

    def _back_off(self, attempt: int, asked: str | None) -> None:
        pause = min(2.0**attempt / 2, MAX_BACK_OFF) * random.uniform(0.5, 1)  # noqa: S311
        if asked is not None and asked.isdigit():
            pause = max(pause, min(float(asked), MAX_BACK_OFF))
        self._sleep(pause)

    def _pace(self, keys: list[str]) -> None:
        """Wait until KV takes another write of each of `keys`."""
        now = self._clock()
        last = max((self._written.get(key, -math.inf) for key in keys), default=-math.inf)
        if 0 <= now - last < WRITE_PAUSE:
            self._sleep(last + WRITE_PAUSE - now)
            now = last + WRITE_PAUSE
        for key in keys:
            self._written.pop(key, None)
            self._written[key] = now
        for key in list(islice(self._written, 1000)):
            if now - self._written[key] >= WRITE_PAUSE:
                del self._written[key]

    def _ttl(self, stored: Stored) -> dict[str, Any]:
        if stored.expires_at is None:
            return {}
        return {"expiration_ttl": math.ceil(max(MIN_TTL, stored.expires_at - self._clock()))}


def _check_key(key: str) -> None:
    if len(key.encode()) > MAX_KEY_BYTES or key in (".", ".."):
        raise RejectedError(f"KV takes keys of at most {MAX_KEY_BYTES} bytes, not {key[:80]!r}")


def _pack(key: str, stored: Stored) -> str:
    """Text, as KV reads many keys at once only as text."""
    expires_at = math.inf if stored.expires_at is None else stored.expires_at
    value = base64.b64encode(_EXPIRY.pack(expires_at) + stored.data)
    if len(value) > MAX_VALUE_BYTES:
        raise RejectedError(
            f"the value of {key!r} is too large: KV takes 25 MiB, with a third for base64"
        )
    return value.decode()


def _unpack(value: str | bytes, now: float) -> Stored | None:
    """ValueError if it is damaged."""
    data = base64.b64decode(value, validate=True)
    if len(data) < _EXPIRY.size:
        raise ValueError("not a value that cachelib wrote")
    [expires_at] = _EXPIRY.unpack_from(data)
    if not now < expires_at:
        return None
    return Stored(data[_EXPIRY.size :], None if expires_at == math.inf else expires_at)


def _batches(keys: Iterable[str], most: int) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(islice(left, most)):
        yield some


def _portions(pairs: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Bulk writes within KV's limits of keys and bytes."""
    some: list[dict[str, Any]] = []
    size = 0
    for pair in pairs:
        if some and (len(some) == BULK_WRITE or size + len(pair["value"]) > BULK_BYTES):
            yield some
            some, size = [], 0
        some.append(pair)
        size += len(pair["value"])
    if some:
        yield some
