"""Redis or Valkey as L2, through redis-py."""

from __future__ import annotations

import json
import re
import secrets
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Any

from cachelib.stores.fork import renew_in_child
from cachelib.stores.lease_news import LeaseNews
from cachelib.stores.protocol import Closing, RejectedError, Stored

try:
    import redis
except ImportError as error:
    raise ImportError("RedisStore needs the extra: redis") from error

from cachelib.stores.redis_client import checked, connect, is_cluster

MAX_BYTES = 512 * 1024 * 1024  # of a key or a value: Redis's own limit
PORTION = 500  # commands sent at once: while they run, the server serves nobody else
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
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
return 1
"""
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
"""


class RedisStore(Closing):
    """`url`: redis://, rediss://, valkey://, unix://, redis+cluster:// for a cluster, or
    redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB; further options go to redis-py. Or `client`, a
    `redis.Redis` or `redis.RedisCluster` of your own, which stays open when this is closed.

    `prefix` keeps several caches on one server apart. With `announce`, each write tells the other
    processes which keys it changed, so that their `heed_changes` can drop them. `clock` must be
    the cache's.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Any = None,
        prefix: str = "cachelib:",
        announce: bool = False,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        if client is not None and (url is not None or options):
            raise TypeError("give a URL and its options, or a client=, not both")
        if "{}" in prefix:
            raise ValueError("a prefix must not contain {}, which says where a cluster keeps a key")
        self._is_mine = client is None
        self._client: Any = (
            connect("redis://localhost:6379/0" if url is None else url, options)
            if client is None
            else checked(client)
        )
        self._in_cluster = is_cluster(self._client)
        self._mget = self._client.mget_nonatomic if self._in_cluster else self._client.mget
        self._prefix, self._clock, self._announce = prefix, clock, announce
        self._channel, self._writer = f"{prefix}changes", secrets.token_hex(8)
        self._freed = f"{prefix}leases"  # the channel that tells of leases that have ended
        self._acquire = self._client.register_script(ACQUIRE)
        self._set_fenced = self._client.register_script(SET_FENCED)
        self._release = self._client.register_script(RELEASE)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        self._feed: Any = None
        self._heard = False
        self._news = LeaseNews(self._client, self._freed)

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        try:
            value = self._client.get(self._name(key))
        except redis.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            return Stored(b"", None)  # another program's list, say: nothing that can be decoded
        return _unpack(value, now)

    def set(self, key: str, stored: Stored) -> None:
        self.set_many({key: stored})

    def delete(self, key: str) -> None:
        self.delete_many((key,))

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        found = {}
        for some in _portions(keys):
            values = self._mget([self._name(key) for key in some])
            for key, value in zip(some, values, strict=True):
                if (stored := _unpack(value, now)) is not None:
                    found[key] = stored
        return found

    def set_many(self, items: Mapping[str, Stored]) -> None:
        packed = {key: _pack(key, stored) for key, stored in items.items()}  # refused before sent
        for some in _portions(items):
            with self._client.pipeline(transaction=False) as pipe:
                for key in some:
                    pipe.set(self._name(key), packed[key], px=self._life(items[key]))
                self._send(pipe, some)

    def delete_many(self, keys: Iterable[str]) -> None:
        for some in _portions(keys):
            with self._client.pipeline(transaction=False) as pipe:
                for key in some:
                    pipe.delete(self._name(key))
                self._send(pipe, some)

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        token = self._acquire([self._lease(key)], [max(1, round(seconds * 1000))])
        return None if token is None else int(token)

    def set_fenced(self, key: str, stored: Stored, token: int) -> bool:
        life = self._life(stored)
        keys = [self._lease(key), self._name(key)]
        packed, px = _pack(key, stored), "" if life is None else life
        kept = self._set_fenced(keys, [token, packed, px, self._freed, key])
        if kept and self._announce:
            self._client.publish(self._channel, self._told([key]))
        return bool(kept)

    def release(self, key: str, token: int) -> None:
        self._release([self._lease(key)], [token, self._freed, key])

    def watch_lease(self, key: str, freed: Callable[[], object]) -> Callable[[], None]:
        return self._news.watch(key, freed)

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

    def keys(self) -> Iterator[str]:
        """All keys on the server, each at least once; they may have expired or be damaged."""
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", self._prefix)
        for name in self._client.scan_iter(match=f"{pattern}{{*", count=1000):
            text = name.decode("utf-8", "replace").removeprefix(self._prefix)
            if text.startswith("{-}}") and text.endswith(":key"):
                yield text[3:-4]
            elif text.startswith("{") and text.endswith("}"):
                yield text[1:-1]

    def close(self) -> None:
        """Close the connections, but not those of a client that was given."""
        if self._feed is not None:
            self._feed.close()
        if self._is_mine:
            self._client.close()

    def _name(self, key: str) -> str:
        """The braces put a key and its lease on one node of a cluster, unless nothing is in them.

        No other key has the name of one that begins with }: theirs end with }, or with :lease.
        """
        if key.startswith("}"):
            return f"{self._prefix}{{-}}{key}:key"
        return f"{self._prefix}{{{key}}}"

    def _lease(self, key: str) -> str:
        return f"{self._name(key)}:lease"

    def _life(self, stored: Stored) -> int | None:
        """Milliseconds after which the server may forget it; `get` knows the exact time."""
        if stored.expires_at is None:
            return None
        return max(1, round((stored.expires_at - self._clock()) * 1000))

    def _told(self, keys: Iterable[str]) -> str:
        return json.dumps([self._writer, *keys])

    def _send(self, pipe: Any, keys: Iterable[str]) -> None:
        if self._announce and not self._in_cluster:
            pipe.publish(self._channel, self._told(keys))
            pipe.execute()
            return
        pipe.execute()
        if self._announce:
            self._client.publish(self._channel, self._told(keys))


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(islice(left, PORTION)):
        yield some


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
