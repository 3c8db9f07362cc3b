"""A design's month by closed form: for traffic that no machine here can replay.

Poisson requests, the hard policy, one colo's isolates sharing its requests evenly, no L1 bound.
KV's own caches are left out: they change where a read is answered, not how many there are; so
loads that other colos' negative look-ups cause are not in it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cachelib.edge.closed_forms import misses_from_empty
from cachelib.edge.designs import Design
from cachelib.edge.outcomes import COUNTS
from cachelib.edge.platform import Platform
from cachelib.edge.workload import MONTH_S, Workload

Rates = npt.NDArray[np.float64]


def expected(workload: Workload, design: Design, platform: Platform) -> dict[str, float]:
    """Counts in 30 days, named as in `Result.per_month`, with `l1_hits` and `l2_hits`.

    ValueError for a design that the closed forms do not cover.
    """
    if design.policy != "hard" or design.l1_max_entries or design.l1_max_bytes:
        raise ValueError(f"{design.name}: no closed form for its policy or the bound of its L1")
    reads_share = 1.0
    if workload.reads_per_write is not None:
        reads_share = workload.reads_per_write / (1 + workload.reads_per_write)
    requests = workload.requests_per_month
    reads = requests * reads_share
    rates = workload.shares * reads / MONTH_S
    weights = np.array([w for w in workload.colos.values() if w > 0])
    weights = weights / weights.sum()
    l1, origin = _shares(rates, weights, design, platform)
    l2 = 1 - l1 - origin
    month = dict.fromkeys(COUNTS, 0.0)
    month |= {"requests": requests, "reads": reads, "writes": requests - reads}
    month |= {"l1_hits": l1 * reads, "l2_hits": l2 * reads, "origin_loads": origin * reads}
    looked, written = (l2 + origin) * reads, origin * reads + month["writes"]
    if design.l2 == "kv":
        month |= {"kv_reads": looked, "kv_missing_reads": origin * reads, "kv_writes": written}
    elif design.l2 == "durable-object":
        month |= {"do_requests": looked + written, "do_rows_written": written}
        month["do_rows_read"] = looked * _asleep(rates, platform)
    elif design.l2 == "r2":
        month |= {"r2_class_a": written, "r2_class_b": looked}
    elif design.l2 == "cache-api":
        month |= {"cache_api_gets": looked, "cache_api_puts": written}
    month["stored_gb_months"] = _stored(rates, workload, design)
    return month


def _shares(
    rates: Rates, weights: Rates, design: Design, platform: Platform
) -> tuple[float, float]:
    """Of reads: those that L1 answers, and those that the origin does."""
    asked, l2_ttl = float(rates.sum()), min(design.hard_ttl_s, MONTH_S)
    origin = 1.0
    if design.l2 == "cache-api":
        origin = sum(float(_per_s(rates * w, l2_ttl).sum()) for w in weights) / asked
    elif design.l2:
        origin = float(_per_s(rates, l2_ttl).sum()) / asked
    if not design.l1:
        return 0.0, origin
    l1 = sum(float(_l1_hits(rates, weight, design, platform).sum()) for weight in weights.tolist())
    return l1 / asked, min(origin, 1 - l1 / asked) if design.l2 else 1 - l1 / asked


def _per_s(rates: Rates, ttl_s: float) -> Rates:
    """Loads a second by key of one cache whose entries live `ttl_s`."""
    return np.asarray(rates / (1 + rates * ttl_s))


def _l1_hits(rates: Rates, weight: float, design: Design, platform: Platform) -> Rates:
    """L1 hits a second by key of all isolates of a colo that gets `weight` of the requests.

    With inherited expiry L1 begins each life of the L2 entry empty, but for the isolate that
    loaded; else its entries live for themselves (`closed_forms.isolated_l1s`).
    """
    isolates = platform.isolates_per_colo
    own = rates * weight / isolates
    loss = _loss_rate(float(own.sum()), platform)
    kept = min(-math.expm1(-loss * min(design.l1_ttl_s or math.inf, MONTH_S)) / loss, MONTH_S)
    if not design.l2 or design.expiry == "independent":
        return np.asarray(isolates * own * own * kept / (1 + own * kept))
    shared = rates * weight if design.l2 == "cache-api" else rates
    l2_ttl = min(design.hard_ttl_s, MONTH_S)
    kept = min(kept, l2_ttl)
    loader = own / shared
    misses = (1 - loader) * misses_from_empty(own, kept, l2_ttl)
    misses += loader * misses_from_empty(own, kept, l2_ttl - kept)
    lives = shared / (1 + shared * l2_ttl)
    return np.asarray(isolates * (own - lives * (misses + loader)))


def _loss_rate(requests_per_s: float, platform: Platform) -> float:
    """Losses of an isolate a second: at random, at deploys, and when idle for too long."""
    idle = requests_per_s * math.exp(-requests_per_s * platform.isolate_idle_s)
    return max(1e-12, idle + 1 / platform.isolate_life_s + 1 / platform.deploy_every_s)


def _asleep(rates: Rates, platform: Platform) -> float:
    """The share of requests that find an object, one a key, without its memory."""
    return float((rates * np.exp(-rates * platform.do_idle_s)).sum() / rates.sum())


def _stored(rates: Rates, workload: Workload, design: Design) -> float:
    if design.l2 in (None, "cache-api"):
        return 0.0
    held = -np.expm1(-rates * MONTH_S)
    if design.l2 == "kv" and design.hard_ttl_s < MONTH_S:
        held = rates * design.hard_ttl_s / (1 + rates * design.hard_ttl_s)
    return float(held.sum()) * workload.value_bytes / 1e9
