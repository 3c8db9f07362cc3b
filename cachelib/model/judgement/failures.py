"""Reads that get no answer: because the origin fails, or a store that they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.result import Result
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import FAILED, ORIGIN, PLACES, TIERS, WRITTEN, depths
from cachelib.model.tiers.registry import FAILURES
from cachelib.model.tiers.tier import Tier


class Outage(NamedTuple):
    """While a store is away: the share of the reads that ask it, and so fail where nobody catches
    the error; and how many times the usual loads the origin gets where it is asked instead, NaN
    where it usually gets none.
    """

    store: Tier
    asked: float
    times: float


def failed_share(design: Design, asked: Sequence[Any], loaded: Any, rate: Mapping[str, Any]) -> Any:
    """The share of the reads that fail, by formula; floats, or arrays of draws.

    `asked`: the share of the reads that look into each of the design's stores; `loaded`: that waits
    for the origin; `rate`: the share of those asked that fail, by the platform's names.
    """
    of_origin = loaded * rate["origin_failure"]
    return np.minimum(of_origin + _of_stores(design, asked, loaded, rate), 1.0)


def failed_reads(result: Result, codes: npt.NDArray[np.int64]) -> float:
    """The share of the reads that fail, of a replay's requests counted by their codes.

    The origin's failures were simulated, one by one; those of stores are expected ones.
    """
    asked, loaded, failed = _shares(result.design, codes)
    rate = result.platform.model_dump(include={"origin_failure", *FAILURES})
    return float(min(failed + _of_stores(result.design, asked, loaded, rate), 1.0))


def asked_and_loaded(result: Result) -> tuple[list[float], float]:
    """The shares of a replay's reads that looked into each store, and that met the origin."""
    asked, loaded, _ = _shares(result.design, result.tally.codes)
    return asked, loaded


def outages(result: Result) -> list[Outage]:
    """What becomes of a replay's reads while each of its stores answers nothing.

    What the origin usually gets are all loads, those too for which no read waits.
    """
    asked, _ = asked_and_loaded(result)
    usual = result.origin_loads / max(result.reads, 1)
    pairs = zip(result.design.stores, asked, strict=True)
    return [Outage(store, share, share / usual if usual else np.nan) for store, share in pairs]


def _shares(design: Design, codes: npt.NDArray[np.int64]) -> tuple[list[float], float, float]:
    """The shares of the reads that looked into each store, waited for the origin, and failed."""
    by_end = codes.reshape(len(TIERS), PLACES)
    by_depth = np.delete(by_end, WRITTEN, axis=0).sum(axis=0)
    reads = max(int(by_depth.sum()), 1)
    asked = [_past(design.stores[nth:], by_depth) / reads for nth in range(len(design.stores))]
    waited, failed = by_end[[ORIGIN, FAILED]].sum(), by_end[FAILED].sum()
    return asked, float(waited / reads), float(failed / reads)


def _past(stores: Sequence[Tier], by_depth: npt.NDArray[np.int64]) -> int:
    """How many looked into the first of these, some of them past it into another."""
    return int(sum(by_depth[list(depths(store))].sum() for store in stores))


def _of_stores(design: Design, asked: Sequence[Any], loaded: Any, rate: Mapping[str, Any]) -> Any:
    """What stores add to the failed share.

    Their failures are taken as few, and as falling on all that ask alike, so that shares add up: an
    outage is many of them at once. Where the design turns to the origin instead, only those reads
    fail that the origin fails as well, and would not have asked it anyway.
    """
    failing = [rate.get(tier.failure, 0.0) for tier in design.stores]
    pairs = list(zip(failing, asked, strict=True))
    if design.unreachable == "error":
        return sum((failing * share for failing, share in pairs), 0.0)
    turned = sum((failing * np.maximum(share - loaded, 0.0) for failing, share in pairs), 0.0)
    return turned * rate["origin_failure"]
