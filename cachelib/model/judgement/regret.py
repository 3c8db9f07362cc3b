"""What choosing an option costs against the best one in the same draw, and what knowledge is worth.

All in the unit of what is minimised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cachelib.model.case.criteria import Criteria
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import Flags
from cachelib.model.judgement.ties import Standing

BINS = 20
SHUFFLES = 12  # of an assumption, to see what chance alone would say of it


@dataclass(frozen=True)
class Share:
    """A share of draws, with its Monte Carlo error (one standard deviation)."""

    value: float
    error: float


@dataclass(frozen=True)
class Regret:
    """Mean and 95th percentile, each with its Monte Carlo error."""

    mean: float
    mean_error: float
    p95: float
    p95_error: float


@dataclass(frozen=True)
class Sureness:
    """How an option fares over the draws."""

    keeps: Share
    best: Share
    chosen: Share
    regret: Regret


def share(flags: Flags) -> Share:
    """Of draws, by the binomial's error.

    Where all of them agree, with one more of each (Agresti and Coull, 1998): 24 of 24 do not say
    that it is always so.
    """
    p, n = float(np.mean(flags)), np.size(flags)
    of, number = (p, n) if 0 < p < 1 else ((p * n + 1) / (n + 2), n + 2)
    return Share(p, float(np.sqrt(of * (1 - of) / number)))


def breach(criteria: Criteria, standing: Standing) -> Array:
    """What breaking a limit counts as in each draw; nothing where no option keeps them.

    As the case says, or else as much as choosing the dearest option that keeps them.
    """
    some = standing.ranked.any(axis=0)
    if criteria.broken_limit is not None:
        return np.where(some, criteria.broken_limit, 0.0)
    dearest = np.where(standing.ranked, standing.score, -np.inf).max(axis=0)
    return np.where(some, dearest, 0.0) - np.where(some, standing.best, 0.0)


def losses(criteria: Criteria, standing: Standing) -> Array:
    """The regret of each option in each draw; (options, draws).

    Of an option that keeps the limits, its score less the best's; of one that does not, what that
    counts as, which is beside its score where the case says it. Where none does, no choice was
    better than another. NaN for options whose score is not stated.
    """
    score, some = standing.score, standing.ranked.any(axis=0)
    over = np.maximum(score - np.where(some, standing.best, 0.0), 0)
    beside = over if criteria.broken_limit is not None else np.zeros_like(over)
    over_broken = beside + breach(criteria, standing)
    loss = np.where(standing.kept, over, over_broken)
    loss = np.where(some, loss, 0.0)
    return np.where(np.isnan(score), np.nan, loss)


def regret(loss: Array) -> Regret:
    """Of one option's losses over draws."""
    n = len(loss)
    ordered = np.sort(loss)
    # the percentile's error: half the distance of order statistics one binomial deviation away
    deviation = np.sqrt(n * 0.95 * 0.05)
    low, high = (int(np.clip(0.95 * n + d, 0, n - 1)) for d in (-deviation, deviation))
    return Regret(
        mean=float(loss.mean()),
        mean_error=float(loss.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0,
        p95=float(np.quantile(loss, 0.95)),
        p95_error=float(ordered[high] - ordered[low]) / 2,
    )


def sureness(criteria: Criteria, standing: Standing) -> dict[str, Sureness]:
    """Every option's."""
    loss = losses(criteria, standing)
    return {
        name: Sureness(
            keeps=share(standing.kept[i]),
            best=share(standing.tied[i]),
            chosen=share(standing.chosen == i),
            regret=regret(loss[i]),
        )
        for i, name in enumerate(standing.names)
    }


@dataclass(frozen=True)
class Worth:
    """What knowing one assumption would bring.

    `saved`: expected value of perfect information, in what is minimised; `saved_error`: by how much
    it would differ with other draws (one standard deviation). `explains`: the share of
    the regret's variance that it explains alone. `kept_low`, `kept_high`: the share of draws in
    which the choice keeps the limits with it in its lowest and its highest third. `breaks`: by
    limit, the share of the variance of breaking it that it explains alone.
    """

    name: str
    saved: float
    saved_error: float
    explains: float
    kept_low: float
    kept_high: float
    breaks: Mapping[str, float]


def worths(
    criteria: Criteria, standing: Standing, drawn: Mapping[str, Array], chosen: int, seed: int
) -> list[Worth]:
    """Of every assumption, what is worth most first. `chosen`: the option's number."""
    loss = losses(criteria, standing)
    stated = ~np.isnan(loss).any(axis=1)
    shuffled = _by_chance(loss[stated], loss[chosen], seed)
    found = []
    for name, values in drawn.items():
        order = np.argsort(values, kind="stable")
        third = len(order) // 3
        kept = standing.kept[chosen][order]
        saved = _saved(loss[stated][:, order], loss[chosen][order])
        sampled = _saved_error(loss[stated][:, order])
        found.append(
            Worth(
                name=name,
                saved=max(0.0, saved - float(shuffled.mean())),
                saved_error=float(np.hypot(sampled, shuffled.std(ddof=1))),
                explains=explained(loss[chosen][order]),
                kept_low=float(kept[:third].mean()),
                kept_high=float(kept[-third:].mean()),
                breaks={
                    limit: explained(flags[chosen][order].astype(float))
                    for limit, flags in standing.broken.items()
                },
            )
        )
    return sorted(found, key=lambda worth: (-worth.saved, -worth.explains, worth.name))


def total_worth(criteria: Criteria, standing: Standing, chosen: int) -> float:
    """What knowing everything would save: the mean regret itself."""
    return float(losses(criteria, standing)[chosen].mean())


def _in_bins(ordered: Array) -> Array:
    """The last axis as (bins, draws of each); a few at the end that fill none are left out."""
    draws = ordered.shape[-1]
    bins = min(BINS, draws)
    size = draws // bins
    return ordered[..., : bins * size].reshape(*ordered.shape[:-1], bins, size)


def _saved(loss: Array, own: Array) -> float:
    """How much less one would regret who chose in each bin of the order what is best there."""
    return float(_in_bins(own).mean() - _in_bins(loss).mean(axis=2).min(axis=0).mean())


def _saved_error(loss: Array) -> float:
    """How far other draws would put that: the error of a mean over draws.

    In each draw, what the choice of its bin regrets less than who knows nothing and so chooses
    the option that is regretted least.
    """
    binned = _in_bins(loss)
    least = binned[binned.mean(axis=(1, 2)).argmin()]
    chosen = binned.mean(axis=2).argmin(axis=0)
    less = least - np.take_along_axis(binned, chosen[None, :, None], axis=0)[0]
    return float(less.std(ddof=1) / np.sqrt(less.size)) if less.size > 1 else 0.0


def _by_chance(loss: Array, own: Array, seed: int) -> Array:
    """The same of assumptions that mean nothing."""
    rng = np.random.default_rng([seed, 3])
    orders = [rng.permutation(loss.shape[1]) for _ in range(SHUFFLES)]
    return np.array([_saved(loss[:, order], own[order]) for order in orders])


def explained(ordered: Array) -> float:
    """The first-order index of what orders these values: variance between bins, noise taken off."""
    values = _in_bins(ordered)
    total, size = float(values.var()), values.shape[1]
    if total <= 0 or size < 2:
        return 0.0
    within = float(values.var(axis=1, ddof=1).mean())
    between = max(float(values.mean(axis=1).var(ddof=1)) - within / size, 0.0)
    return float(between / (between + within))
