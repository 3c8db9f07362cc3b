"""How fast the library is beside its peers: `python benchmarks/library.py` prints the table.

One run, one machine, the same keys; each figure is the best of several rounds, with the peers
taking turns. Needs the extra `bench`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cachetools
import diskcache
from aiocache import SimpleMemoryCache
from cashews import Cache as CashewsCache
from dogpile.cache import make_region

from cachelib import AsyncTieredCache, MemoryCache, SqliteStore, Stored, TieredCache

KEYS = [f"/sentiment/{n}" for n in range(1000)]
VALUE = {"symbol": "X", "score": 0.5, "articles": [1, 2, 3]}
ROUNDS = 25

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


def each_key(call: Callable[[str], object], times: int = 20) -> Work:
    def work() -> None:
        for _ in range(times):
            for key in KEYS:
                call(key)

    return work


def l1_hits() -> Iterator[Row]:
    ours = TieredCache(MemoryCache(), l1_ttl=600)
    region = make_region().configure("dogpile.cache.memory", expiration_time=600)
    for key in KEYS:
        ours.set(key, VALUE)
        region.set(key, VALUE)

    @cachetools.cached(cachetools.TTLCache(10_000, 600), lock=threading.RLock())
    def cached(key: str) -> Any:
        return VALUE

    def load(key: str) -> Any:
        return VALUE

    t = best(
        get=each_key(ours.get),
        dogpile_get=each_key(region.get),
        load=each_key(lambda key: ours.get_or_load(key, load)),
        cachetools=each_key(lambda key: cached(key)),
        dogpile_load=each_key(lambda key: region.get_or_create(key, lambda: VALUE)),
        threads=on_threads(4, each_key(ours.get, 5)),
        dogpile_threads=on_threads(4, each_key(region.get, 5)),
    )
    n = 20 * len(KEYS)
    yield "L1 hit, `get`", n / t["get"], "dogpile memory `get`", n / t["dogpile_get"], "≥ 1"
    peer = "cachetools `@cached(TTLCache, lock)`"
    yield "L1 hit, `get_or_load`", n / t["load"], peer, n / t["cachetools"], "≥ 1"
    peer = "dogpile `get_or_create`"
    yield "L1 hit, `get_or_load`", n / t["load"], peer, n / t["dogpile_load"], "≥ 3"
    peer = "dogpile memory `get`, 4 threads"
    yield "L1 hit, `get`, 4 threads", n / t["threads"], peer, n / t["dogpile_threads"], "≥ 1"


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

    @cashews(ttl=600)
    async def by_cashews(key: str) -> Any:
        return VALUE

    async def load(key: str) -> Any:
        return VALUE

    works: dict[str, tuple[Callable[[str], Awaitable[Any]], int]] = {
        "get": (ours.get, 20),
        "load": (lambda key: ours.get_or_load(key, load), 20),
        "cashews_get": (cashews.get, 2),
        "cashews_load": (by_cashews, 2),
        "aiocache_get": (aiocache.get, 2),
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
    ask = "≥ 10"
    return [
        (
            "async L1 hit, `get_or_load`",
            rate["load"],
            "cashews `@cache`",
            rate["cashews_load"],
            ask,
        ),
        ("async L1 hit, `get`", rate["get"], "cashews `get`", rate["cashews_get"], ask),
        ("async L1 hit, `get`", rate["get"], "aiocache `get`", rate["aiocache_get"], ask),
    ]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def sqlite() -> Iterator[Row]:
    data, stored = bytes(100), Stored(bytes(100), time.time() + 600)
    bound = 2**30  # as diskcache has by default
    with folder() as path, SqliteStore(path / "ours.db", max_bytes=bound) as ours:
        peer, items = diskcache.Cache(path / "peer"), dict.fromkeys(KEYS, stored)

        def set_many() -> None:
            for _ in range(20):
                ours.set_many(items)

        t = best(
            set=each_key(lambda key: ours.set(key, stored), 1),
            peer_set=each_key(lambda key: peer.set(key, data, expire=600), 1),
            get=each_key(lambda key: ours.get(key, 0.0), 3),
            peer_get=each_key(peer.get, 3),
            set_many=set_many,
        )
        peer.close()
    n = len(KEYS)
    yield "`SqliteStore.set`", n / t["set"], "`diskcache.Cache.set`", n / t["peer_set"], "≥ 2"
    yield (
        "`SqliteStore.get`",
        3 * n / t["get"],
        "`diskcache.Cache.get`",
        3 * n / t["peer_get"],
        "≥ 1",
    )
    single = "`SqliteStore.set`, one by one"
    many = "`SqliteStore.set_many` of 1,000"
    yield many, 20 * n / t["set_many"], single, n / t["set"], "≥ 20"


def import_milliseconds() -> float:
    code = "import time; t = time.perf_counter(); import cachelib; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    return min(runs) * 1000


def main() -> None:
    print("| | per second | beside | per second | ratio | asked |")
    print("|---|---:|---|---:|---:|---|")
    for rows in (l1_hits(), async_hits(), sqlite()):
        for what, ours, peer, theirs, asked in rows:
            ratio = ours / theirs
            print(f"| {what} | {ours:,.0f} | {peer} | {theirs:,.0f} | {ratio:.1f} | {asked} |")
    print(f"\n`import cachelib`: {import_milliseconds():.0f} ms (asked: under 50 ms).")


if __name__ == "__main__":
    main()
