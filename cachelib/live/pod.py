"""A process of a service: the library's own cache over a real Valkey, asked line by line.

A program: each line of its input is a message in JSON, and is answered by a line. It ends with its
input. The times are those of the requests, so it is told how many messages of other processes it
has heard by then; it waits until as many have really come.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from time import perf_counter
from typing import Any

from cachelib import MemoryCache, TieredCache
from cachelib.stores.codecs import RawCodec
from cachelib.stores.protocol import Stored
from cachelib.stores.redis import TOMBSTONE, RedisStore

PATIENCE_S = 20.0
LEAST = 16  # bytes of a value, its version among them
SILENT = logging.Logger("cachelib.live", logging.CRITICAL + 1)  # what fails is raised


class Noted(RedisStore):
    """A `RedisStore` whose calls are noted, which hears what it is told to have heard.

    Values end by the requests' clock, of which the server knows nothing: it is told no life.
    The order of changes it keeps by its own clock, as ever.
    """

    def __init__(self, url: str, prefix: str, *, announce: bool, note: Any) -> None:
        super().__init__(url, prefix=prefix, announce=announce)
        self.note, self.coming, self.heard, self.due = note, deque[str](), 0, 0

    def keep_time(self, clock: Any) -> None:
        pass

    def _life(self, stored: Stored) -> int | None:
        return None

    def get(self, key: str, now: float) -> Stored | None:
        start = perf_counter()
        found = super().get(key, now)
        self.note("redis", "get", found is not None, start)
        return found

    def set(self, key: str, stored: Stored) -> int:
        start = perf_counter()
        version = super().set(key, stored)
        self.note("redis", "delete" if stored is TOMBSTONE else "set", True, start)
        return version

    def version(self, key: str) -> int:
        start = perf_counter()
        version = super().version(key)
        self.note("redis", "version", True, start)
        return version

    def write_since(self, changes: Mapping[str, tuple[Stored | None, int]]) -> Sequence[str]:
        start = perf_counter()
        refused = super().write_since(changes)
        for key in changes:
            self.note("redis", "set", key not in refused, start)
        return refused

    def _told(self, keys: Any) -> str:
        self.note("redis", "publish", True, perf_counter())
        return super()._told(keys)

    def subscribe(self) -> None:
        """Hear of all that is changed from now on."""
        if super().changes(PATIENCE_S) is not None:
            raise TimeoutError("Valkey has not confirmed the subscription")

    def changes(self, timeout: float) -> Sequence[str]:
        while self.heard + len(self.coming) < self.due:
            if not (keys := super().changes(PATIENCE_S)):
                raise TimeoutError("a message of a change in Valkey has not come")
            self.coming += keys
        told = [self.coming.popleft() for _ in range(self.due - self.heard)]
        self.heard = self.due
        return told


class Pod:
    """One design in this process."""

    def __init__(self, settings: Mapping[str, Any], url: str, prefix: str) -> None:
        self.now, self.is_background, self.request = 0.0, False, None
        self.calls: list[tuple[object, ...]] = []
        self.slides, self.listens = settings["expiry"] == "sliding", settings["listen"]
        tiers = settings["tiers"]
        memory = store = None
        if "memory" in tiers:
            bounds = {"max_entries": settings["l1_max_entries"]}
            if settings["l1_max_bytes"] is not None:
                bounds["max_bytes"] = settings["l1_max_bytes"]
            memory = MemoryCache(**bounds)
        if set(tiers) - {"memory"}:
            store = Noted(url, prefix, announce=self.listens, note=self.note)
        options: dict[str, Any] = {}
        if settings["refresh_after_s"] is not None:
            options = {
                "soft_ttl": settings["refresh_after_s"],
                "look_before_refresh": False,  # as the simulated designs do
                "executor": Inline(self),
            }
        self.cache = TieredCache(
            memory,
            store,
            l1_ttl=settings["l1_ttl_s"],
            l2_ttl=settings["hard_ttl_s"],
            expiry="inherited" if settings["expiry"] == "inherited" else "independent",
            clock=lambda: self.now,
            codec=RawCodec(),
            logger=SILENT,
            **options,
        )
        self.store = store
        if store is not None and self.listens:
            store.subscribe()

    def note(self, store: str, method: str, found: bool, start: float) -> None:
        self.calls.append((store, method, found, (perf_counter() - start) * 1e3))

    def serve(
        self, op: str, key: str, now: float, size: int, version: int, life: float, due: int
    ) -> tuple[object, ...]:
        """What answered, after how many milliseconds, with which calls; `due`: messages heard."""
        self.now, self.calls = now, []
        start = perf_counter()
        if self.store is not None and self.listens:
            self.store.due = due
            self.cache.heed_changes()
        options: dict[str, Any] = {"l2_ttl": life} if life else {}
        value = f"{version} ".ljust(max(size, LEAST), "x").encode()
        if op == "read":
            what = self._read(key, value, version, options)
        else:
            what = "write", "", False
            if op == "write":
                self.cache.set(key, value, **options)
            else:
                self.cache.delete(key)
        return what, (perf_counter() - start) * 1e3, self.calls

    def _read(
        self, key: str, truth: bytes, version: int, options: Any
    ) -> tuple[str, str, bool]:  # fmt: skip
        def load(key: str) -> bytes:
            if self.is_background:
                self.note("policy", "refresh", True, perf_counter())
            self.note("origin", "load", True, perf_counter())
            return truth

        answer = self.cache.fetch(key, load, **options)
        if self.slides and answer.tier == "l1":
            self.cache.set(key, answer.value, skip_l2=True)
        tier = {"l1": "L1", "l2": "L2"}.get(answer.tier, "origin")
        looked = any(store == "redis" and method == "get" for store, method, *_ in self.calls)
        return tier, "looked" if looked else "", int(answer.value.split(None, 1)[0]) < version


class Inline(Executor):
    """Background work at once, on the same clock."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod

    def submit(self, work: Any, /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.pod.is_background = True
        try:
            done.set_result(work(*args, **options))
        except Exception as error:
            done.set_exception(error)
        finally:
            self.pod.is_background = False
        return done


def main() -> None:
    pod: Pod | None = None
    for line in sys.stdin:
        message = json.loads(line)
        try:
            if "settings" in message:
                pod = Pod(**message)
                said: object = []
            else:
                assert pod is not None  # noqa: S101
                said = [pod.serve(*request) for request in message["requests"]]
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
