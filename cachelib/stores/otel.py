"""A cache in OpenTelemetry: its counters as metrics, what it does as spans and their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from functools import wraps
from typing import TYPE_CHECKING, Any

from cachelib.options import Stats
from cachelib.stores.protocol import Closing

if TYPE_CHECKING:
    from cachelib.core import CacheCore

try:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter
    from opentelemetry.trace import SpanKind, Tracer, get_current_span, get_tracer
except ImportError as error:
    raise ImportError("observe needs the extra: otel") from error

GAUGES = {"l1_entries", "l1_bytes"}
# What takes a round trip. Not what waits for others, nor what is asked of the object alone.
TRIPS = frozenset({
    "get", "get_many", "set", "set_many", "delete", "delete_many", "write_since", "version",
    "acquire", "set_fenced", "release", "add",
})  # fmt: skip


def observe(cache: CacheCore, name: str, meter: Meter | None = None) -> None:
    """Publish `cache.stats` as `cachelib.*`, with the attribute cache=`name`.

    They are read when metrics are collected: a hit costs nothing more.
    """
    meter = meter or get_meter("cachelib")

    def read(field: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: [Observation(getattr(cache.stats, field), {"cache": name})]

    for field in Stats._fields:
        kind = "gauge" if field in GAUGES else "counter"
        create = getattr(meter, f"create_observable_{kind}")
        create(f"cachelib.{field}", callbacks=[read(field)])


class TracedStore(Closing):
    """A store each of whose round trips is a span, `cachelib.l2.get` and so on.

    A span says how many keys were asked for and found, and how it failed; not which keys.
    """

    def __init__(self, store: Any, tracer: Tracer | None = None) -> None:
        self._store, self._tracer = store, tracer or get_tracer("cachelib")
        # as attributes of its own, so that it is seen to have what `store` has, and no more
        for name in dir(store):
            if not name.startswith("_") and not hasattr(type(self), name):
                value = getattr(store, name)
                setattr(self, name, self._traced(name, value) if name in TRIPS else value)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _traced(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def traced(first: Any, *rest: Any, **named: Any) -> Any:
            many = isinstance(first, Sized) and not isinstance(first, str)
            with self._tracer.start_as_current_span(
                f"cachelib.l2.{name}",
                kind=SpanKind.CLIENT,
                attributes={"cachelib.keys": len(first) if many else 1},
            ) as span:
                answer = method(first, *rest, **named)
                if name in ("get", "get_many"):
                    found = len(answer) if many else int(answer is not None)
                    span.set_attribute("cachelib.found", found)
                return answer

        return traced


def span_events(name: str, key: str, error: BaseException | None = None) -> None:
    """For `on_event`: what the cache counts becomes an event of the span that is going on.

    Keys are part of it. With any hook, an L1 hit takes about three times as long.
    """
    attributes = {"cachelib.key": key}
    if error is not None:
        attributes["cachelib.error"] = f"{type(error).__name__}: {error}"
    get_current_span().add_event(f"cachelib.{name}", attributes)
