"""Counters, hooks, and the price of an import."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from rig import FlakyStore, Make, Origin

from cachelib import MemoryCache, MemoryStore, Stats, TieredCache


def test_every_lookup_is_counted_once_by_where_it_ended(make: Make, store: FlakyStore) -> None:
    make(store).set_many({"in l2": 1})
    cache = make(store)
    cache.get("in l2"), cache.get("in l2"), cache.get("missing")
    cache.get_many(["in l2", "missing", "another"])
    cache.get_or_load("loaded", Origin()), cache.get_or_load("loaded", Origin())
    stats = cache.stats
    assert (stats.l1_hits, stats.l2_hits, stats.misses, stats.gets) == (3, 1, 4, 8)
    assert (stats.loads, stats.sets, stats.deletes) == (1, 0, 0)


def test_counters_are_exact_under_threads() -> None:
    store, threads, each = MemoryStore(), 8, 3000
    cache = TieredCache(MemoryCache(max_entries=20), store)
    loads = []

    def load(key: str) -> str:
        loads.append(key)
        return key

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for n in range(each):
            cache.get_or_load(f"{draw.randrange(60)}", load)
            if n % 10 == 0:
                cache.set(f"{draw.randrange(60)}", "set")
                assert cache.stats.gets <= threads * each

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    stats = cache.stats
    assert stats.gets == threads * each
    assert stats.loads == len(loads)
    assert stats.sets == threads * each / 10
    assert stats.misses <= stats.loads + stats.coalesced


def test_a_hook_hears_of_every_event_with_its_key(make: Make, store: FlakyStore) -> None:
    events: list[tuple[str, str]] = []
    cache = make(store, on_event=lambda name, key: events.append((name, key)))
    cache.set("k", 1)
    cache.get("k")
    cache.get("missing")
    cache.delete("k")
    assert events == [("sets", "k"), ("l1_hits", "k"), ("misses", "missing"), ("deletes", "k")]
    counted = Counter(name for name, _ in events)
    assert all(getattr(cache.stats, name) == count for name, count in counted.items())


def test_counters_are_opentelemetry_metrics_when_asked(make: Make) -> None:
    from cachelib.stores.otel import observe

    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    cache = make(None)
    observe(cache, "sessions", provider.get_meter("test"))
    cache.get("missing")
    cache.set("k", 1)
    [resource] = reader.get_metrics_data().resource_metrics
    points = {
        metric.name: (metric.data.data_points[0].value, metric.data.data_points[0].attributes)
        for metric in resource.scope_metrics[0].metrics
    }
    assert points["cachelib.misses"] == (1, {"cache": "sessions"})
    assert points["cachelib.l1_entries"] == (1, {"cache": "sessions"})
    assert points.keys() == {f"cachelib.{name}" for name in Stats._fields}


def test_importing_the_library_needs_the_standard_library_only() -> None:
    code = (
        "import sys; import cachelib; print(*sorted({name.partition('.')[0]"
        " for name in sys.modules} - sys.stdlib_module_names - {'cachelib', '__main__'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""
