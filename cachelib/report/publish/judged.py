"""A decision of the model's as the record that the report carries."""

from __future__ import annotations

import math

from cachelib.model.case.criteria import Limit
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import Share, Sureness
from cachelib.report.publish import decision as words
from cachelib.report.publish import ties
from cachelib.report.publish.outcome import (
    Bound,
    Broken,
    Candidate,
    Chance,
    Change,
    Decider,
    Fate,
    Measured,
    Outcome,
    Range,
    Regretted,
    Sure,
    Worth,
)


def outcome(decision: Decision) -> Outcome:
    """All of a decision that a program may ask for."""
    chosen, today = decision.chosen, decision.today
    return Outcome(
        recommended=chosen.name if chosen else None,
        today=today.name if today else None,
        keeps_today=chosen is not None and chosen == today,
        tied_with=[option.name for option in decision.ties],
        tie_broken_by=ties.tie_broken_by(decision),
        minimised=words.aim(decision),
        unit=words.score_unit(decision),
        metrics={name: _decider(decision, name) for name in words.told_of(decision)},
        limits=[_bound(*named) for named in limit_names(decision.criteria).items()],
        options=[
            _candidate(decision, option, rank)
            for rank, option in enumerate(words.in_order(decision), 1)
        ],
        draws=decision.judged_draws,
        by_simulation=decision.by_simulation,
        nothing_keeps_limits=decision.no_limits_kept,
        flips=[_change(decision, flip) for flip in decision.flips],
        worth_knowing=[
            Worth(
                number=worth.name,
                label=words.named(decision, worth.name),
                saved=worth.saved,
                saved_error=worth.saved_error,
                explains=worth.explains,
            )
            for worth in decision.worths
        ],
    )


def _decider(decision: Decision, name: str) -> Decider:
    metric, criteria = METRICS[name], decision.criteria
    values = [v for m in decision.measured.values() if (v := _finite(m.get(name))) is not None]
    best = min(values, key=lambda value: metric.sign * value, default=0.0)
    return Decider(
        label=decision.study.told(metric.label),
        unit=metric.unit,
        better="more" if metric.more_is_better else "less",
        weight=criteria.weights.get(name),
        ties_below=criteria.tolerance(name, best),
    )


def _bound(name: str, limit: Limit) -> Bound:
    low, high = (limit.bound if end is None else end for end in (limit.low, limit.high))
    return Bound(
        name=name,
        metric=limit.metric,
        at_most=limit.at_most,
        at_least=limit.at_least,
        low=low,
        high=high,
        costs_beyond=limit.costs,
        why=limit.why,
    )


def _candidate(decision: Decision, option: Option, rank: int) -> Candidate:
    hours, place = option.hours, decision.options.index(option)
    return Candidate(
        name=option.name,
        words=words.called(decision, option.name),
        is_today=option.is_today,
        fate=fate(decision, option),
        rank=rank if option in decision.ranked else None,
        work_hours=Range(value=hours.value, low=hours.low, high=hours.high) if hours else None,
        changes=option.notes.changes,
        needs=option.notes.needs,
        settings=dict(option.settings),
        metrics={
            name: Measured(
                value=_finite(decision.measured[option.name][name]),
                error=_finite(decision.resolution[name][place])
                if name in decision.resolution
                else None,
            )
            for name in words.told_of(decision)
        },
        score=_finite(decision.score(option)),
        breaks=_broken(decision, option),
        sure=_sure(decision.sureness[option.name]),
    )


def fate(decision: Decision, option: Option) -> Fate:
    """What became of an option."""
    if option.name in decision.missed:
        return "out"
    if option in decision.not_stated:
        return "not ranked"
    if option == decision.chosen:
        return "chosen"
    return "tied" if option in decision.ties else "stands"


def _broken(decision: Decision, option: Option) -> list[Broken]:
    names = {id(limit): name for name, limit in limit_names(decision.criteria).items()}
    return [
        Broken(limit=names[id(miss.limit)], value=miss.value, beyond=miss.excess)
        for miss in decision.missed.get(option.name, ())
    ]


def _sure(sure: Sureness) -> Sure:
    regret = sure.regret
    return Sure(
        keeps_limits=_chance(sure.keeps),
        best_or_tied=_chance(sure.best),
        chosen=_chance(sure.chosen),
        regret=None
        if math.isnan(regret.mean)
        else Regretted(
            mean=regret.mean,
            mean_error=regret.mean_error,
            p95=regret.p95,
            p95_error=regret.p95_error,
        ),
    )


def _chance(share: Share) -> Chance:
    return Chance(share=share.value, error=share.error)


def _change(decision: Decision, flip: Flip) -> Change:
    return Change(
        number=flip.number,
        label=words.named(decision, flip.number),
        unit=words.unit_said(decision, flip.number),
        here=flip.here,
        at=flip.at,
        error=flip.error,
        before=flip.before,
        after=flip.after,
        cause=flip.cause,
        metric=flip.metric,
        option=flip.option,
        other=flip.other,
        in_range=flip.inside,
        simulated=flip.simulated,
        distance=_finite(flip.distance),
    )


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
