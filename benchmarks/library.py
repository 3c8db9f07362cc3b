"""How fast the library is beside its peers: `python benchmarks/library.py` prints the table.

One run, one machine, the same keys; each figure is the best of several rounds, with the peers
taking turns. Like is compared with like: a cache's `get` with a cache's `get`, a decorator with a
decorator. Needs the extra `bench`.
"""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diskcache
from aiocache import SimpleMemoryCache
from aiocache import cached as aiocache_cached
from cachetools import TTLCache, cached
from cashews import Cache as CashewsCache
from dogpile.cache import make_region

from cachelib import AsyncTieredCache, MemoryCache, SqliteStore, TieredCache

KEYS = [f"/sentiment/{n}" for n in range(1000)]
VALUE = {"symbol": "X", "score": 0.5, "articles": [1, 2, 3]}
ROUNDS = 60  # short ones, so that some of them are not interrupted by other processes

Row = tuple[str, float, str, float, str]
Work = Callable[[], object]


def best(**works: Work) -> dict[str, float]:
    """Seconds per round of each, the best of several, taking turns."""
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def each_key(call: Callable[[str], object], times: int = 1, keys: Sequence[str] = KEYS) -> Work:
    def work() -> None:
        for _ in range(times):
            for key in keys:
                call(key)

    return work


def l1_hits() -> Iterator[Row]:
    ours = TieredCache(MemoryCache(), l1_ttl=600)
    region = make_region().configure("dogpile.cache.memory", expiration_time=600)
    for key in KEYS:
        ours.set(key, VALUE)
        region.set(key, VALUE)

    def load(key: str) -> Any:
        return VALUE

    t = best(
        get=each_key(ours.get),
        dogpile_get=each_key(region.get),
        option=each_key(lambda key: ours.get(key, l1_ttl=600)),
        load=each_key(lambda key: ours.get_or_load(key, load)),
        dogpile_load=each_key(lambda key: region.get_or_create(key, lambda: VALUE)),
        threads=on_threads(4, each_key(ours.get)),
        dogpile_threads=on_threads(4, each_key(region.get)),
    )
    n = len(KEYS)
    yield "L1 hit, `get`", n / t["get"], "dogpile memory `get`", n / t["dogpile_get"], "≥ 1"
    peer = "the same without"
    yield "L1 hit, `get` with an option", n / t["option"], peer, n / t["get"], "≥ 0.25"
    peer = "dogpile `get_or_create`"
    yield "L1 hit, `get_or_load`", n / t["load"], peer, n / t["dogpile_load"], "≥ 3"
    peer = "dogpile memory `get`, 4 threads"
    yield "L1 hit, `get`, 4 threads", n / t["threads"], peer, n / t["dogpile_threads"], "≥ 1"


def decorators() -> Iterator[Row]:
    """A function of one string, called again with a thousand of them."""
    ours = TieredCache(MemoryCache(), l1_ttl=600)
    region = make_region().configure("dogpile.cache.memory", expiration_time=600)

    def function(key: str) -> Any:
        return VALUE

    class Thing:
        @ours.cached(key=lambda self, key: key)
        def method(self, key: str) -> Any:
            return VALUE

    lock = threading.RLock()
    t = best(
        ours=each_key(ours.cached()(function)),
        method=each_key(Thing().method),
        cachetools=each_key(cached(TTLCache(10_000, 600), lock=lock)(function)),
        dogpile=each_key(region.cache_on_arguments()(function)),
        lru_cache=each_key(functools.lru_cache(10_000)(function)),
    )
    n = len(KEYS)
    own, peer = "`@cached`", "cachetools `@cached(TTLCache, lock)`"
    yield "`@cached` hit", n / t["ours"], peer, n / t["cachetools"], "≥ 1"
    peer = "dogpile `@cache_on_arguments`"
    yield "`@cached` hit", n / t["ours"], peer, n / t["dogpile"], "≥ 3"
    peer = "`functools.lru_cache`, no lives, in C"
    yield "`@cached` hit", n / t["ours"], peer, n / t["lru_cache"], ""
    yield "`@cached(key=)` of a method, hit", n / t["method"], own, n / t["ours"], ""


def on_threads(count: int, work: Work) -> Work:
    def together() -> None:
        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return together


def async_hits() -> Iterator[Row]:
    return iter(asyncio.run(_async_hits()))


async def _async_hits() -> list[Row]:
    ours = AsyncTieredCache(MemoryCache(), l1_ttl=600)
    cashews, aiocache = CashewsCache(), SimpleMemoryCache()
    cashews.setup("mem://")
    for key in KEYS:
        await ours.set(key, VALUE)
        await cashews.set(key, VALUE, expire=600)
        await aiocache.set(key, VALUE, ttl=600)

    async def function(key: str) -> Any:
        return VALUE

    works: dict[str, tuple[Callable[[str], Awaitable[Any]], int]] = {
        "get": (ours.get, 1),
        "cached": (ours.cached()(function), 1),
        "cashews_get": (cashews.get, 1),
        "cashews_cached": (cashews(ttl=600)(function), 1),
        "aiocache_get": (aiocache.get, 1),
        "aiocache_cached": (aiocache_cached(ttl=600)(function), 1),
    }
    rate = dict.fromkeys(works, 0.0)
    for _ in range(ROUNDS):
        for name, (call, times) in works.items():
            start = time.perf_counter()
            for _ in range(times):
                for key in KEYS:
                    await call(key)
            seconds = time.perf_counter() - start
            rate[name] = max(rate[name], times * len(KEYS) / seconds)
    await ours.close()
    await cashews.close()
    pairs = [
        ("async `@cached` hit", "cached", "cashews `@cache`", "cashews_cached"),
        ("async `@cached` hit", "cached", "aiocache `@cached`", "aiocache_cached"),
        ("async L1 hit, `get`", "get", "cashews `get`", "cashews_get"),
        ("async L1 hit, `get`", "get", "aiocache `get`", "aiocache_get"),
    ]
    return [(what, rate[our], peer, rate[their], "≥ 10") for what, our, peer, their in pairs]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def sqlite() -> Iterator[Row]:
    """A value through a cache, there and back, as a user calls it; not the stores underneath."""
    with (
        folder() as path,
        SqliteStore(path / "ours.db", max_bytes=2**30) as store,  # bounded, as diskcache is
        SqliteStore(path / "tags.db", max_bytes=2**30) as tag_store,
    ):
        ours, peer = TieredCache(None, store, l2_ttl=600), diskcache.Cache(path / "peer")
        both = TieredCache(MemoryCache(1), store, l2_ttl=600)
        tagged = TieredCache(None, tag_store, l2_ttl=600, tag_refresh=600)
        for start in range(0, 10_000, 100):
            tagged.set("known", 1, tags=tuple(f"tag{start + n}" for n in range(100)))
            tagged.get("known")  # from here on, their revocations are looked out for
        some = KEYS[:20]
        items = dict.fromkeys(KEYS, VALUE)
        t = best(
            set=each_key(lambda key: ours.set(key, VALUE), 1, some),
            tagged=each_key(lambda key: tagged.set(key, VALUE), 1, some),
            peer_set=each_key(lambda key: peer.set(key, VALUE, expire=600), 1, some),
            get=each_key(ours.get, 3, some),
            promoted=each_key(both.get, 3, some),
            peer_get=each_key(peer.get, 3, some),
            set_many=lambda: ours.set_many(items),
        )
        peer.close()
    n, reads = len(some), 3 * len(some)
    peer_get, peer_set = "`diskcache.Cache.get`", "`diskcache.Cache.set`"
    yield "`get`, from SQLite", reads / t["get"], peer_get, reads / t["peer_get"], "≥ 1.2"
    ours_promoted = reads / t["promoted"]
    yield "`get`, from SQLite into L1", ours_promoted, peer_get, reads / t["peer_get"], ""
    yield "`set`, to SQLite", n / t["set"], peer_set, n / t["peer_set"], ""
    peer = "`set`, no tags known"
    yield "`set`, 10,000 tags known", n / t["tagged"], peer, n / t["set"], "≥ 0.5"
    peer = "`set`, one by one"
    yield "`set_many` of 1,000, to SQLite", len(KEYS) / t["set_many"], peer, n / t["set"], ""


def import_milliseconds() -> float:
    """Of the processor's time, from bytecode, which all imports but the first find ready."""
    code = "import time; t = time.process_time(); import cachelib; print(time.process_time() - t)"
    with folder() as bytecode:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": str(bytecode)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", code]
        run = functools.partial(subprocess.run, command, env=environment, capture_output=True)
        return min(float(run(check=True).stdout) for _ in range(15)) * 1000


def main() -> None:
    print("| | per second | beside | per second | ratio | asked |")
    print("|---|---:|---|---:|---:|---|")
    for rows in (l1_hits(), decorators(), async_hits(), sqlite()):
        for what, ours, peer, theirs, asked in rows:
            cells = what, f"{ours:,.0f}", peer, f"{theirs:,.0f}", f"{ours / theirs:.1f}", asked
            print(f"| {' | '.join(cells)} |")
    spent = f"{import_milliseconds():.0f} ms of the processor's time, from bytecode"
    print(f"\n`import cachelib`: {spent} (asked: at most 50 ms).")


if __name__ == "__main__":
    main()
