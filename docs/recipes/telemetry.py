"""OpenTelemetry: what the cache counts as metrics, what it asks of L2 as spans."""

from __future__ import annotations

from opentelemetry import trace

from cachelib import MemoryCache, TieredCache
from cachelib.stores.otel import TracedStore, observe, span_events
from cachelib.stores.sqlite import SqliteStore


def make_cache(path: str) -> TieredCache:
    """Metrics `cachelib.l1_hits` and so on; spans `cachelib.l2.get` and so on, children of the
    span of the request; events of that span, with the reason where something failed."""
    store = TracedStore(SqliteStore(path))
    cache = TieredCache(MemoryCache(), store, l2_ttl=60, on_event=span_events)
    observe(cache, "quotes")
    return cache


def load(symbol: str) -> float:
    """A loader whose time is seen: a span of its own, within the request's."""
    with trace.get_tracer("quotes").start_as_current_span("load quote"):
        return 178.2
