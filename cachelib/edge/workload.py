"""Traffic that is made up, by stated rules and a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cachelib.edge.platform import Strict
from cachelib.edge.trace import READ, WRITE, Trace

MONTH_S = 30 * 86_400


class Workload(Strict):
    """Poisson arrivals; keys by Zipf's law; data centres by weight; one write in so many reads."""

    requests_per_month: float = Field(gt=0, le=1e9)
    reads_per_write: float | None = Field(default=None, gt=0)
    keys: int = Field(ge=1, le=10_000_000)
    key_prefix: str = "/"
    zipf: float = Field(ge=0, le=5, description="exponent; 0 asks every key alike")
    value_bytes: int = Field(ge=0, le=25 * 2**20)
    colos: dict[str, float] = Field(min_length=1, description="IATA code: weight")


def generate(workload: Workload, *, seed: int, span_s: float = MONTH_S) -> Trace:
    """A trace of `span_s` seconds of this workload; the same seed gives the same trace."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(workload.requests_per_month * span_s / MONTH_S)
    write_share = 1 / (1 + workload.reads_per_write) if workload.reads_per_write else 0.0
    return Trace(
        time_s=np.sort(rng.uniform(0, span_s, n)),
        key=_choose(rng, n, popularity(workload.keys, workload.zipf)).astype(np.int32),
        colo=_choose(rng, n, np.array(list(workload.colos.values()))).astype(np.int16),
        op=np.where(rng.random(n) < write_share, WRITE, READ).astype(np.uint8),
        size=np.full(n, workload.value_bytes, np.int32),
        keys=[f"{workload.key_prefix}{i + 1}" for i in range(workload.keys)],
        colos=list(workload.colos),
    )


def popularity(keys: int, zipf: float) -> npt.NDArray[np.float64]:
    """The share of requests for each key, most popular first; shape `(keys,)`, sum 1."""
    weight: npt.NDArray[np.float64] = np.arange(1, keys + 1, dtype=np.float64) ** -zipf
    share: npt.NDArray[np.float64] = weight / weight.sum()
    return share


def _choose(
    rng: np.random.Generator, n: int, weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    edges = np.cumsum(weight)
    return np.searchsorted(edges, rng.uniform(0, edges[-1], n), side="right")
