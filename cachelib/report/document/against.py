"""What speaks against the choice, where the choice is said: its price, its doubt, its ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachelib.model.case.case import Case
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.report.document.options import Point, surer
from cachelib.report.language import duration, listed
from cachelib.report.numbers import shown
from cachelib.report.publish.outcome import Candidate, Outcome

OFTEN = 0.5  # of the tries: what breaks a limit in more is not told of as if it kept them


def out_of_date(case: Case, pick: Candidate) -> str:
    """`33.9 % of its answers are out of date by over 45 s`."""
    late = shown(pick.metrics["late_share"].value, "ratio")
    return f"{late} of its answers are out of date by over {duration(case.criteria.late_after_s)}"


def its_price(case: Case, pick: Candidate, consequences: Sequence[Point], said: str) -> list[str]:
    """In what else that decides the choice is worse, and how late it is; work and what is
    minimised have rows of their own. `said`: the label of that."""
    told = [p.reason for p in consequences if p.word == "Bad" and not p.reason.startswith(said)]
    is_told = any(METRICS["late_share"].label in reason for reason in told)
    late = pick.metrics["late_share"].value and not is_told
    return [*told, *([out_of_date(case, pick)] if late else [])]


def doubt(case: Case, outcome: Outcome, pick: Candidate) -> str:
    """That the choice keeps the limits less often than is wanted, and what would; else nothing."""
    wanted, kept = case.criteria.sure, pick.sure.keeps_limits.share
    if not outcome.limits or kept >= (wanted or OFTEN):
        return ""
    broken = f"It breaks a limit in {shown(1 - kept, 'ratio')} of the tries"
    if wanted:
        broken += f", though the case wants the limits kept in {shown(wanted, 'ratio')}"
    if outcome.nothing_keeps_limits > 1 - kept - 1e-9:
        return f"{broken}; in all of these every option does."
    others = surer(outcome, wanted or kept + 1 / max(outcome.draws, 1))
    if not others:
        return f"{broken}; no other option keeps them so often."
    return f"{broken}; {others} would keep them {'so often' if wanted else 'more often'}."


def ground(study: Study, outcome: Outcome) -> str:
    """What a limit of time rests on where a store is far and the origin has no place."""
    if study.case.platform.get("origin_at"):
        return ""
    far = {o.name: _far(study.case.design(o.name)) for o in outcome.options}
    stores = sorted({store for each in far.values() for store in each})
    if not stores or all(far.values()) or not _is_by_time(outcome, far):
        return ""
    takes = shown(study.platform.origin_ms, "ms")
    return study.told(
        f"What decides by time rests on this: the origin has no place in the case, so a load from"
        f" it is taken to take as long from everywhere ({takes}), while the way to {listed(stores)}"
        f" is as long as it is far. Where the origin is far, too, say where it is, and ask again."
    )


def _is_by_time(outcome: Outcome, far: Mapping[str, list[str]]) -> bool:
    """Whether a time is part of what is minimised, or parts what is far from what is near."""
    weighed = [name for name, metric in outcome.metrics.items() if metric.weight is not None]
    limits = {limit.name: METRICS[limit.metric].unit for limit in outcome.limits}
    out = {
        option.name: any(limits[miss.limit] == "ms" for miss in option.breaks)
        for option in outcome.options
    }
    parts = any(out[name] for name in far if far[name]) and any(
        not out[name] for name in far if not far[name]
    )
    return parts or any(METRICS[name].unit == "ms" for name in weighed)


def _far(design: Design) -> list[str]:
    return [tier.phrase for tier in design.stores if tier.scope == "world"]


def set_anew(study: Study, option: Candidate) -> bool:
    """Whether an option is judged at other settings than those that it has today."""
    design, now = study.design(option.name), study.case.settings
    return any(
        value != (getattr(design, name, None) or now.get(name, value))
        for name, value in option.settings.items()
    )


def as_today(study: Study, outcome: Outcome | None) -> str:
    """What the heading of a chapter on designs as they are set says, where options are not."""
    if outcome is None or not any(set_anew(study, option) for option in outcome.options):
        return ""
    return " (as set in the case)"
