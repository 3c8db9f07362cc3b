"""A cache's counters as OpenTelemetry metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cachelib.options import Stats

if TYPE_CHECKING:
    from cachelib.core import CacheCore

try:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter
except ImportError as error:
    raise ImportError("observe needs the extra: otel") from error

GAUGES = {"l1_entries", "l1_bytes"}


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
