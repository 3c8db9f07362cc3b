"""The traffic of which a log is a sample.

Of a sample by key nothing is missing for the keys that are in it; its counts are scaled. Of a
sample by request, each kept with the same chance, the requests between those kept are missing, and
with them most hits. They are drawn again from a model fitted to the sample: how often each key is
asked by Good and Turing's estimate (I. J. Good, Biometrika 40 (1953)), how many keys were never
seen by Chao's (A. Chao, Scandinavian Journal of Statistics 11 (1984)), when and where from the
requests seen of the same key.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cachelib.model.traffic.trace import Trace

RARE = 5  # counts up to which Good and Turing's estimate replaces the count itself
NEIGHBOURS = 2.0
Z95 = 1.96
TTLS_S = (60, 300, 3_600)
Numbers = npt.NDArray[np.float64]


def unsampled(trace: Trace, rate: float, *, seed: int, neighbours: float = NEIGHBOURS) -> Trace:
    """A trace as long as the whole, of which `trace` is a sample by request at `rate`.

    A request that is missing is drawn near one seen of the same key: as far from it as that many
    `neighbours` are. With few, what came in bursts does so again, and so does what chance brought
    together; with many, neither.
    """
    if rate >= 1 or len(trace) < 2:
        return trace
    rng = np.random.default_rng([seed, 4])
    counts = np.bincount(trace.key, minlength=len(trace.keys))
    expected, unseen, unseen_keys = _expected(counts, rate)
    asked = rng.poisson(np.maximum(expected - counts, 0))
    rows = _rows_by_key(trace)
    starts = np.concatenate([[0], np.cumsum(counts)])
    key = np.repeat(np.arange(len(counts)), asked)
    like = rows[starts[key] + (rng.random(len(key)) * counts[key]).astype(np.int64)]
    width = trace.span_s * np.minimum(1, neighbours / (counts[key] + 1))
    time = trace.time_s[like] + rng.uniform(-1, 1, len(key)) * width
    extra = rng.poisson(unseen)
    new = rng.integers(0, max(unseen_keys, 1), extra)
    new_like = rng.integers(0, len(trace), extra)
    new_time = trace.time_s[new_like] + rng.uniform(-1, 1, extra) * trace.span_s / 20
    all_like = np.concatenate([np.arange(len(trace)), like, new_like])
    all_time = np.concatenate([trace.time_s, time, new_time])
    all_time = _within(all_time, float(trace.time_s[0]), float(trace.time_s[-1]))
    all_key = np.concatenate([trace.key, key, len(counts) + new])
    order = np.argsort(all_time, kind="stable")
    picked = all_like[order]
    return replace(
        trace,
        time_s=all_time[order],
        key=all_key[order].astype(np.int32),
        colo=trace.colo[picked],
        op=trace.op[picked],
        size=trace.size[picked],
        ttl_s=None if trace.ttl_s is None else trace.ttl_s[picked],
        keys=[*trace.keys, *(f"(not in the sample {i + 1})" for i in range(unseen_keys))],
    )


def sampling_error(sample: Trace, rate: float, *, seed: int = 1) -> float:
    """How far hit ratios by the model of a sample may be off, at the worst of several TTLs.

    What the sample cannot tell is whether requests that stand together in it do so by chance: the
    hit ratios of both extremes bound the truth, but for the chance of the draw.
    """
    near, far = (
        unsampled(sample, rate, seed=seed + n, neighbours=neighbours)
        for n, neighbours in enumerate((1.0, 8.0))
    )
    apart = [abs(_one_cache(near, ttl) - _one_cache(far, ttl)) for ttl in TTLS_S]
    return max(apart) + Z95 * float(np.sqrt(0.25 / max(len(sample), 1)))


def _one_cache(trace: Trace, ttl: float) -> float:
    """The share of requests whose key was loaded less than `ttl` seconds before."""
    order = np.lexsort((trace.time_s, trace.key))
    key, time = trace.key[order], trace.time_s[order]
    again = (np.diff(key, prepend=-1) == 0) & (np.diff(time, prepend=-np.inf) < ttl)
    return float(again.mean()) if len(again) else 0.0


def _expected(counts: npt.NDArray[np.int64], rate: float) -> tuple[Numbers, float, int]:
    """Requests of each key in the whole, of all keys not seen, and how many those are."""
    n = int(counts.sum())
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    missing = min(once / n, 0.99)
    weight = counts.astype(np.float64)
    for r in range(1, RARE + 1):
        seen, next_ = int((counts == r).sum()), int((counts == r + 1).sum())
        if seen >= 10 and next_:
            weight[counts == r] = min(r, (r + 1) * next_ / seen)
    weight *= n * (1 - missing) / max(weight.sum(), 1e-9)
    total = missing * n / rate
    keys = once * once / (2 * twice) if twice else once * (once - 1) / 2
    return weight / rate, total, int(min(max(round(keys), once > 0), max(total, 1)))


def _rows_by_key(trace: Trace) -> npt.NDArray[np.int64]:
    return np.argsort(trace.key, kind="stable")


def _within(time: Numbers, start: float, end: float) -> Numbers:
    """Times beyond the ends folded back, so that the ends are not emptied."""
    span = max(end - start, 1e-9)
    away = np.abs((time - start + span) % (2 * span) - span)
    return start + away
