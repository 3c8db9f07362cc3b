"""What the experiments say of one design, as the decision would say it: of all keys, all month."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from cachelib.model.engines.result import Result
from cachelib.model.formulas import estimate
from cachelib.model.judgement.all_keys import of_all_keys
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Correction
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import usage
from cachelib.model.money.prices import Bill, bill, used_of
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import L2, RACED, TIERS, WRITTEN, depths
from cachelib.model.traffic.generator import MONTH_S
from cachelib.model.traffic.sampling import MOST_REQUESTS
from cachelib.model.traffic.trace import in_one_place

LEAST_REQUESTS = 150_000
LIVES = 4
"""For so many lives of a value a part of a month lasts, if a run can take that: the caches of a
shorter one know neither what comes again nor what has ended."""


def told(
    study: Study, design: Design, result: Result, *names: str, **platform: float
) -> dict[str, float]:
    """Metrics of a replay of the study's traffic, brought to all keys."""
    option = Option(design, platform)
    return of_all_keys(study, option, measure(study, option, result, names))


def shares(study: Study, design: Design, result: Result) -> dict[str, float]:
    """Who answers the reads, brought to all keys: what memory does not find, and the origin does
    not answer, the store does. `waited`: for a load of another's; `failed`: those of the origin."""
    reads = max(result.reads, 1)
    others = {"waited": result.delayed_hits / reads, "failed": result.failures / reads}
    some = result.shares | others
    if study.sample.keys == 1:
        return some
    alone = design.model_copy(update={"tiers": ("memory",)}) if design.l1 else design
    found = told(study, design, result, "hit_ratio")["hit_ratio"]
    l1 = _memory(study, alone, some["L1"]) if design.l1 else 0.0
    missed = (1 - found) / max(1 - result.hit_ratio, 1e-12)
    beyond = {name: some[name] * missed for name in ("origin", *others)}
    return {"L1": min(l1, found), "L2": max(0.0, found - l1), **beyond}


def _memory(study: Study, alone: Design, found: float) -> float:
    option = Option(alone, {})
    return of_all_keys(study, option, {"hit_ratio": found})["hit_ratio"]


def quantile_ms(study: Study, design: Design, result: Result, q: float) -> float:
    """Milliseconds within which a share of the reads is answered, brought to all keys."""
    found = result.quantile_ms(q)
    if study.sample.keys == 1:
        return found
    some, every = (
        float(estimate(design, at).waits.quantile_ms(q)[0])
        for at in (study.setting_of_sample, study.setting)
    )
    return float(Correction.between("p50_ms", some, every).applied(np.asarray(found)))


def late_share(study: Study, design: Design, result: Result, above_s: float) -> float:
    """The share of answers out of date for longer than that, brought to all keys."""
    found = result.late.share_above(above_s)
    if study.sample.keys == 1:
        return found
    some, every = (
        float(np.ravel(estimate(design, at).late_share(above_s))[0])
        for at in (study.setting_of_sample, study.setting)
    )
    right = Correction.between("late_share", some, every)
    return float(np.clip(right.applied(np.asarray(found)), 0.0, 1.0))


def share_of(study: Study, design: Design, result: Result, part: str, whole: str) -> float:
    """How many of one count another is, as a share of it, brought to all keys; 0 of nothing."""
    found = result.counts[part] / max(result.counts[whole], 1)
    if study.sample.keys == 1:
        return found
    counts = (estimate(design, at).counts for at in (study.setting_of_sample, study.setting))
    some, every = (float(each[part][0]) / max(float(each[whole][0]), 1e-300) for each in counts)
    return float(Correction.between("hit_ratio", some, every).applied(np.asarray(found)))


def found_ms(result: Result) -> float:
    """The median time of the reads that the last tier answers; NaN where it answers none."""
    store = result.design.store
    there = np.isin(result.depth, depths(store)) if store else np.zeros(len(result.code), bool)
    times = result.latency_ms[(result.tier == L2) & there]
    return float(np.quantile(times, 0.5)) if len(times) else math.nan


def slow_by_tier(result: Result, q: float) -> dict[str, float]:
    """Who answers the reads that take longer than a share `q` of them do."""
    reads = result.tier != WRITTEN
    ms, tier = result.latency_ms[reads], result.tier[reads]
    slow = tier[ms >= np.quantile(ms, q)] if len(ms) else tier
    slow = np.where(slow == RACED, L2, slow)
    return {name: float((slow == TIERS.index(name)).mean()) if len(slow) else 0.0
            for name in ("L1", "L2", "origin")}  # fmt: skip


def slow_places(study: Study, result: Result, q: float) -> tuple[list[str], float, float] | None:
    """The fewest data centres in which 9 in 10 of the slow reads are asked, with their shares of
    these and of all; None where they are no more slow than the others are, twice."""
    reads = result.tier != WRITTEN
    ms, colo = result.latency_ms[reads], study.trace.colo[reads]
    if not len(ms):
        return None
    names = study.trace.colos
    every = np.bincount(colo, minlength=len(names)) / len(colo)
    slow = np.bincount(colo[ms >= np.quantile(ms, q)], minlength=len(names))
    slow = slow / slow.sum()
    order = np.argsort(-slow, kind="stable")
    taken = order[: 1 + int(np.searchsorted(np.cumsum(slow[order]), 0.9))]
    share, of_all = float(slow[taken].sum()), float(every[taken].sum())
    return ([names[nth] for nth in taken], share, of_all) if share >= 2 * of_all else None


def found_in_one(study: Study, design: Design) -> float:
    """The share of reads that one cache for all would find."""
    found = study.replay(design, trace=in_one_place(study.trace), isolates_per_colo=1).hit_ratio
    if study.sample.keys == 1:
        return found
    some, every = (
        replace(at, weights=np.ones(1)).but(isolates_per_colo=1.0)
        for at in (study.setting_of_sample, study.setting)
    )
    ratios = (float(estimate(design, at).hit_ratio[0]) for at in (some, every))
    return float(Correction.between("hit_ratio", *ratios).applied(np.asarray(found)))


def month_bill(study: Study, design: Design, result: Result) -> Bill:
    """A month's bill of a replay, each meter's usage brought to all keys."""
    used = used_of(result, study.book)
    if study.sample.keys == 1:
        return bill(used, study.book, by_day=result.by_day)
    some, every = (
        usage(design, estimate(design, at), at) for at in (study.setting_of_sample, study.setting)
    )
    ratio = {
        meter: float(every[meter][0]) / float(some[meter][0]) for meter in some if some[meter][0]
    }
    brought = {meter: n * Decimal(repr(ratio.get(meter, 1.0))) for meter, n in used.items()}
    return bill(brought, study.book, by_day=result.by_day)


def found_at(study: Study, design: Design, requests_per_month: float) -> float:
    """The share of reads that a design finds at another traffic, simulated as a month is."""
    there = study
    if not np.isclose(requests_per_month, study.requests_per_month):
        there = study.grown(requests_per_month, _enough(design, requests_per_month))
    return told(there, design, there.replay(design), "hit_ratio")["hit_ratio"]


def found_with(study: Study, design: Design, **platform: Any) -> float:
    """The share of reads that it finds with other numbers of the platform."""
    result = study.replay(design, **platform)
    return told(study, design, result, "hit_ratio", **platform)["hit_ratio"]


def found_among(study: Study, design: Design, isolates: int) -> float:
    """The share of reads that it finds with so many isolates in each data centre, all the time."""
    fixed = {"isolates_per_colo": isolates, "isolate_requests_per_s": math.inf}
    return found_with(study, design, **fixed)


def _enough(design: Design, requests_per_month: float) -> int:
    lives_s = LIVES * max(filter(None, (design.l1_ttl_s, design.l2_ttl_s)), default=0.0)
    wanted = requests_per_month * lives_s / MONTH_S
    return int(np.clip(wanted, LEAST_REQUESTS, MOST_REQUESTS))
