"""How far chance may have moved a change of the choice: of so many requests, its place is a guess.

Where two options part, what each is worth is known to half an interval; over how steeply their
difference grows along the number, that is half an interval of the place. What chance does is
known of the numbers here: of a place far from them nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cachelib.model.judgement.elsewhere import Elsewhere, Names
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.limits import bounds, excess, limit_names
from cachelib.model.judgement.sweeps import Sweep
from cachelib.model.judgement.ties import Standing, score_noise

FAR = 2.0  # times as far from here, chance does something else than here


def with_errors(
    found: Sequence[Flip], of_number: Mapping[str, Sweep], there: Elsewhere
) -> list[Flip]:
    """The flips, each with half of its interval; none far from here, nor at a number's end."""
    ends = [_ends(flip, of_number[flip.number]) if flip.distance <= FAR else [] for flip in found]
    asked = [
        (flip.number, value, _named(flip))
        for flip, values in zip(found, ends, strict=True) for value in values
    ]  # fmt: skip
    told = iter(there.standings(asked))
    return [
        replace(flip, error=_error(there, flip, dict(zip(values, told, strict=False))))
        for flip, values in zip(found, ends, strict=True)
    ]


def _ends(flip: Flip, sweep: Sweep) -> list[float]:
    """Values on both sides of it, within what the number may be."""
    low, high = np.clip(flip.sides, sweep.low, sweep.high).tolist()
    return [low, high] if low < flip.at < high else []


def _named(flip: Flip) -> Names:
    return frozenset(name for name in (flip.before, flip.after, flip.option, flip.other) if name)


def _error(there: Elsewhere, flip: Flip, sides: Mapping[float, Standing]) -> float | None:
    if not sides or not there.model.resolution:
        return None
    leads = {value: _lead(there, flip, value, standing) for value, standing in sides.items()}
    slope, noise = _slope(flip, leads), _noise(there, flip)
    error = noise / abs(slope) if slope else np.inf
    return float(error) if np.isfinite(error) else None


def _lead(there: Elsewhere, flip: Flip, value: float, standing: Standing) -> float:
    """By how much one option is worse than the other there, or beyond the limit."""
    place = standing.names.index(flip.option)
    if flip.cause != "limit":
        other = standing.names.index(flip.other or flip.option)
        return float(standing.score[place, 0] - standing.score[other, 0])
    criteria = there.model.study.case.criteria
    limit = limit_names(criteria)[flip.metric]
    bound = bounds(criteria, {flip.number: np.array([value])})[flip.metric]
    return float(excess(limit, standing.values[limit.metric][place], bound).item())


def _slope(flip: Flip, leads: Mapping[float, float]) -> float:
    """How fast that grows; beyond a limit, since on its other side settings hold it there."""
    (low, one), (high, two) = leads.items()
    out = [(value, lead) for value, lead in leads.items() if lead > 0]
    if flip.cause == "limit" and len(out) == 1:
        ((value, lead),) = out
        return lead / (value - flip.at)
    return (two - one) / (high - low)


def _noise(there: Elsewhere, flip: Flip) -> float:
    """Half the interval of what is compared."""
    model = there.model
    names = [option.name for option in model.options]
    place = names.index(flip.option)
    if flip.cause != "limit":
        noise = score_noise(model.study.case.criteria, model.resolution)
        other = names.index(flip.other or flip.option)
        return float(np.hypot(noise[place], noise[other]))
    criteria = model.study.case.criteria
    limit = limit_names(criteria)[flip.metric]
    half = float(model.resolution[limit.metric][place])
    bound = flip.at if flip.number == flip.metric else limit.bound
    return abs(float(excess(limit, bound + half, bound)))
