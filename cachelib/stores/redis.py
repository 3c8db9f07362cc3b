"""Redis or Valkey as L2, through redis-py."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from cachelib.stores.counters import MARK, MOST, no_counter, too_large
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.lease_news import LeaseNews
from cachelib.stores.protocol import (
    TOMBSTONE_SECONDS,
    Closing,
    DamagedError,
    Stored,
)
from cachelib.stores.redis_versions import (
    INCR,
    SET_FENCED,
    VERSION,
    WRITE,
    pack,
    unpack,
    unpack_expiry,
)

try:
    import redis
except ImportError as error:
    raise ImportError("RedisStore needs the extra: redis") from error

from cachelib.stores.redis_client import checked, connect, guard, is_cluster, pipeline

PORTION = 500  # commands sent at once: while they run, the server serves nobody else
TOMBSTONE = Stored(b"", 0.0)

# The token is the server's time in microseconds: later than that of any lease before it.
ACQUIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local now = redis.call('TIME')
local token = now[1] * 1000000 + now[2]
redis.call('SET', KEYS[1], string.format('%.0f', token), 'PX', ARGV[1])
return token
"""
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
"""


class RedisStore(Forkable, Closing):
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
        guard(self._client)
        self._prefix, self._clock, self._announce = prefix, clock, announce
        self._channel, self._writer = f"{prefix}changes", secrets.token_hex(8)
        self._freed = f"{prefix}leases"  # the channel that tells of leases that have ended
        self._acquire = self._client.register_script(ACQUIRE)
        self._set_fenced = self._client.register_script(SET_FENCED)
        self._release = self._client.register_script(RELEASE)
        self._write = self._client.register_script(WRITE)
        self._version = self._client.register_script(VERSION)
        self._incr = self._client.register_script(INCR)
        self._known: tuple[int, float] | None = None  # a version, and when that was, by our clock
        self._pools: list[Any] = []  # whose locks are held, during a fork
        self._left: list[Any] = []  # feeds of the parent
        self.after_fork()
        mind_forks(self, Layer.STORE)

    def keep_time(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def before_fork(self) -> None:
        """A child whose copy of the pool's lock is held by a thread it does not have would hang."""
        lock = getattr(getattr(self._client, "connection_pool", None), "_lock", None)
        if lock is not None and lock.acquire(timeout=2):
            self._pools.append(lock)

    def after_fork_in_parent(self) -> None:
        while self._pools:
            self._pools.pop().release()

    def after_fork(self) -> None:
        """redis-py opens new connections in a child by itself, but a feed is a connection."""
        self.after_fork_in_parent()
        self._left.append(getattr(self, "_feed", None))  # not even to be closed here
        self._feed: Any = None
        self._heard = False
        self._news = LeaseNews(self._client, self._freed)

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        try:
            return unpack(self._client.get(self._name(key)), now)
        except redis.ResponseError as error:
            if "WRONGTYPE" in str(error):
                raise DamagedError(f"{key!r} holds another program's data: {error}") from error
            raise

    def set(self, key: str, stored: Stored) -> int:
        version = self._note(self._write([self._name(key)], self._packed(key, stored)))
        self._tell([key])
        return version

    def delete(self, key: str) -> int:
        return self.set(key, TOMBSTONE)

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        found = {}
        for some in _portions(keys):
            values = self._mget([self._name(key) for key in some])
            for key, value in zip(some, values, strict=True):
                if (stored := unpack(value, now)) is not None:
                    found[key] = stored
        return found

    def set_many(self, items: Mapping[str, Stored]) -> int:
        return max(self._write_all({key: (stored, None) for key, stored in items.items()}))

    def delete_many(self, keys: Iterable[str]) -> int:
        return max(self._write_all(dict.fromkeys(keys, (TOMBSTONE, None))))

    def incr(self, key: str, by: int, expires_at: float | None, since: int, now: float) -> Stored:
        new = Stored(b"", expires_at)
        expiry, _, life, _ = self._packed(key, new)
        answer = self._incr([self._name(key)], [by, expiry, life, since, repr(now), MOST])
        if isinstance(answer, bytes):
            raise too_large(key) if answer == b"too large" else no_counter(key)
        self._tell([key])
        number, expiry, version = answer
        return Stored(MARK + number, unpack_expiry(expiry), self._note(version))

    def _write_all(self, changes: Mapping[str, tuple[Stored, int | None]]) -> list[int]:
        """Their versions, 0 where there was a later one."""
        packed = {key: self._packed(key, *change) for key, change in changes.items()}  # or refused
        versions: list[int] = []
        for some in _portions(packed):
            with pipeline(self._client) as pipe:
                for key in some:
                    pipe.execute_command("EVAL", WRITE, 1, self._name(key), *packed[key])
                versions += map(self._note, self._send(pipe, some))
        return versions or [0]

    # Versions

    def version(self, key: str) -> int:
        return self._note(self._version([self._name(key)]))

    def estimate(self) -> int | None:
        if self._known is None:
            return None
        version, then = self._known
        return version + round((self._clock() - then) * 1e6)

    def write_since(self, changes: Mapping[str, tuple[Stored | None, int]]) -> Sequence[str]:
        if not changes:
            return ()
        since = {key: (stored or TOMBSTONE, began) for key, (stored, began) in changes.items()}
        done = self._write_all(since)
        return [key for key, version in zip(changes, done, strict=True) if not version]

    def _packed(
        self, key: str, stored: Stored, since: int | None = None
    ) -> tuple[bytes, bytes, int | str, int | str]:
        return pack(key, stored, self._life(stored), since)

    def _note(self, version: Any) -> int:
        number = int(version)
        if number and (self._known is None or number > self._known[0]):
            self._known = number, self._clock()
        return number

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        token = self._acquire([self._lease(key)], [max(1, round(seconds * 1000))])
        return None if token is None else int(token)

    def set_fenced(self, key: str, stored: Stored, token: int, since: int | None = None) -> bool:
        keys = [self._name(key), self._lease(key)]
        packed = self._packed(key, stored, since)
        done = self._note(self._set_fenced(keys, [*packed, token, self._freed, key]))
        if done:
            self._tell([key])
        return bool(done)

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
        if stored is TOMBSTONE:
            return round(TOMBSTONE_SECONDS * 1000)
        if stored.expires_at is None:
            return None
        return max(1, round((stored.expires_at - self._clock()) * 1000))

    def _told(self, keys: Iterable[str]) -> str:
        return json.dumps([self._writer, *keys])

    def _send(self, pipe: Any, keys: Sequence[str]) -> list[Any]:
        """What the commands returned."""
        if self._announce and not self._in_cluster:
            pipe.publish(self._channel, self._told(keys))
            *results, _ = pipe.execute()
            return list(results)
        results = pipe.execute()
        self._tell(keys)
        return list(results)

    def _tell(self, keys: Iterable[str]) -> None:
        if self._announce:
            self._client.publish(self._channel, self._told(keys))


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(islice(left, PORTION)):
        yield some
