"""Short traces and platforms for the tests of the model."""

import math

import numpy as np

from cachelib.model.engines.replay import replay
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace

OPS = {"r": READ, "w": WRITE, "d": DELETE}
STEADY = {
    "isolates_per_colo": 1,
    "routing": "round-robin",
    "isolate_idle_s": math.inf,
    "isolate_life_s": math.inf,
    "deploy_every_s": math.inf,
    "jitter": 0,
    "kv_near_jitter": 0,
    "kv_far_jitter": 0,
}
"""A platform on which no isolate is lost and every time is exact."""


def trace(*requests, size=1_000):
    """Requests such as "12.5 r key@LHR", sorted; the colo may be left out."""
    rows = [request.split() for request in requests]
    names = [target.partition("@") for _, _, target in rows]
    keys = list(dict.fromkeys(key for key, _, _ in names))
    colos = list(dict.fromkeys(colo for _, _, colo in names))
    return Trace(
        time_s=np.array([float(row[0]) for row in rows]),
        key=np.array([keys.index(key) for key, _, _ in names], np.int32),
        colo=np.array([colos.index(colo) for _, _, colo in names], np.int16),
        op=np.array([OPS[row[1]] for row in rows], np.uint8),
        size=np.full(len(rows), size, np.int32),
        keys=keys,
        colos=colos,
    )


def run(name, *requests, design=(), engine="reference", seed=0, span_s=None, size=1_000, **numbers):
    chosen = BUILT_IN[name].model_copy(update=dict(design))
    return replay(
        trace(*requests, size=size), chosen, Platform(**{**STEADY, **numbers}),
        seed=seed, engine=engine, span_s=span_s,
    )  # fmt: skip
