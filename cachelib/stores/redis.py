"""Redis or Valkey as L2, through redis-py."""

from __future__ import annotations

import json
import secrets
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import Closing, RejectedError, Stored

try:
    import redis
except ImportError as error:
    raise ImportError("RedisStore needs the extra: redis") from error

MAX_BYTES = 512 * 1024 * 1024  # of a key or a value: Redis's own limit
_EXPIRY = struct.Struct("<d")

# The token is the server's time in microseconds: later than that of any lease before it.
ACQUIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local now = redis.call('TIME')
local token = now[1] * 1000000 + now[2]
redis.call('SET', KEYS[1], string.format('%.0f', token), 'PX', ARGV[1])
return token
"""
SET_FENCED = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] == '' then redis.call('SET', KEYS[2], ARGV[2])
else redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
return 1
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class RedisStore(Closing):
    """`url`: redis://, rediss://, unix://, or redis+cluster:// for a cluster.

    `prefix` keeps several caches on one server apart. With `announce`, each write tells the other
    processes which keys it changed, so that their `heed_changes` can drop them. `clock` must be
    the cache's. Further options go to redis-py.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "cachelib:",
        announce: bool = False,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        scheme, _, rest = url.partition("://")
        if scheme in ("redis+cluster", "rediss+cluster"):
            plain = f"{scheme.removesuffix('+cluster')}://{rest}"
            self._client: Any = redis.RedisCluster.from_url(plain, **options)
            self._mget = self._client.mget_nonatomic
        elif scheme in ("redis", "rediss", "unix"):
            self._client = redis.Redis.from_url(url, **options)
            self._mget = self._client.mget
        else:
            raise ValueError(
                f"not a Redis URL: it begins with {scheme!r}, not with redis://, rediss://, "
                "unix:// or redis+cluster://"
            )
        self._prefix, self._clock, self._announce = prefix, clock, announce
        self._channel, self._writer = f"{prefix}changes", secrets.token_hex(8)
        self._acquire = self._client.register_script(ACQUIRE)
        self._set_fenced = self._client.register_script(SET_FENCED)
        self._release = self._client.register_script(RELEASE)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        self._feed: Any = None
        self._heard = False

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        return _unpack(self._client.get(self._name(key)), now)

    def set(self, key: str, stored: Stored) -> None:
        self.set_many({key: stored})

    def delete(self, key: str) -> None:
        self.delete_many((key,))

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        if not keys:
            return {}
        values = self._mget([self._name(key) for key in keys])
        found = {key: _unpack(value, now) for key, value in zip(keys, values, strict=True)}
        return {key: stored for key, stored in found.items() if stored is not None}

    def set_many(self, items: Mapping[str, Stored]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for key, stored in items.items():
                pipe.set(self._name(key), _pack(key, stored), px=self._life(stored))
            self._send(pipe, items)

    def delete_many(self, keys: Iterable[str]) -> None:
        names = list(keys)
        with self._client.pipeline(transaction=False) as pipe:
            for key in names:
                pipe.delete(self._name(key))
            self._send(pipe, names)

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        token = self._acquire([self._lease(key)], [max(1, round(seconds * 1000))])
        return None if token is None else int(token)

    def set_fenced(self, key: str, stored: Stored, token: int) -> bool:
        life = self._life(stored)
        keys = [self._lease(key), self._name(key)]
        kept = self._set_fenced(keys, [token, _pack(key, stored), "" if life is None else life])
        if kept and self._announce:
            self._client.publish(self._channel, self._news([key]))
        return bool(kept)

    def release(self, key: str, token: int) -> None:
        self._release([self._lease(key)], [token])

    # What other processes changed

    def changes(self, timeout: float) -> Sequence[str] | None:
        if self._feed is None:
            self._feed, self._heard = self._client.pubsub(), False
            self._feed.subscribe(self._channel)
        changed: list[str] = []
        give_up = time.monotonic() + timeout
        while True:
            left = 0.0 if changed else max(0.0, give_up - time.monotonic())
            message = self._feed.get_message(timeout=left)
            if message is None:  # which may be before its time, so look at the clock
                if left == 0.0:
                    return changed if self._heard else None
            elif message["type"] == "subscribe":  # at first, and after each lost connection
                self._heard = True
                return None
            else:
                writer, *keys = json.loads(message["data"])
                if writer != self._writer:
                    changed += keys

    def close(self) -> None:
        """Close the connections."""
        if self._feed is not None:
            self._feed.close()
        self._client.close()

    def _name(self, key: str) -> str:
        return f"{self._prefix}{{{key}}}"  # the braces put key and lease on one node of a cluster

    def _lease(self, key: str) -> str:
        return f"{self._name(key)}:lease"

    def _life(self, stored: Stored) -> int | None:
        """Milliseconds after which the server may forget it; `get` knows the exact time."""
        if stored.expires_at is None:
            return None
        return max(1, round((stored.expires_at - self._clock()) * 1000))

    def _news(self, keys: Iterable[str]) -> str:
        return json.dumps([self._writer, *keys])

    def _send(self, pipe: Any, keys: Iterable[str]) -> None:
        if self._announce and not isinstance(self._client, redis.RedisCluster):
            pipe.publish(self._channel, self._news(keys))
            pipe.execute()
            return
        pipe.execute()
        if self._announce:
            self._client.publish(self._channel, self._news(keys))


def _pack(key: str, stored: Stored) -> bytes:
    if len(stored.data) + _EXPIRY.size > MAX_BYTES or len(key) > MAX_BYTES // 4:
        raise RejectedError(f"{key[:80]!r} is too large for Redis: at most {MAX_BYTES:,} bytes")
    return _EXPIRY.pack(inf if stored.expires_at is None else stored.expires_at) + stored.data


def _unpack(value: bytes | None, now: float) -> Stored | None:
    if value is None or len(value) < _EXPIRY.size:
        return None
    [expires_at] = _EXPIRY.unpack_from(value)
    if not now < expires_at:
        return None
    return Stored(value[_EXPIRY.size :], None if expires_at == inf else expires_at)
