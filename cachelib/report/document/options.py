"""What speaks for and against each option, from the decision's data and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL
from cachelib.report.document.collect import Findings
from cachelib.report.language import Comparison, counted, listed, sentence, work
from cachelib.report.numbers import Unit, beside_limit, shown
from cachelib.report.publish.findings import Table
from cachelib.report.publish.outcome import Candidate, Outcome

Word = Literal["Good", "Bad", "Neutral"]
PLACEMENT = "decision.placement"
FATES = {
    "chosen": "chosen", "tied": "as good as the choice", "stands": "keeps every limit",
    "out": "breaks a limit", "not ranked": "not ranked: its work is not stated",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One reason for or against."""

    word: Word
    reason: str

    @property
    def because(self) -> str:
        """The reason after that word: a clause as it is, a metric as what it is because of."""
        if self.reason.startswith("it "):
            return self.reason
        return f"of {self.reason}" if self.reason.startswith("how ") else f"of the {self.reason}"


@dataclass(frozen=True)
class Option:
    """An option, what became of it, and its points against the one it is held against.

    `design`: what a case calls it; `name`: what readers do.
    """

    design: str
    name: str
    what: str
    points: list[Point]
    needs: str

    @property
    def quoted(self) -> str:
        """Its name within a sentence."""
        return f"“{self.name}”"


def options(outcome: Outcome) -> list[Option]:
    """Every option, in the order of the decision."""
    other = reference(outcome)
    return [
        Option(
            option.name, option.words, in_a_line(option),
            list(points(outcome, option, other)), what_it_needs(option),
        )
        for option in outcome.options
    ]  # fmt: skip


def what_it_needs(option: Candidate) -> str:
    """`Needs: Redis 7 and a private network.`; nothing where the case says of nothing."""
    return sentence(f"Needs: {listed(option.needs)}") if option.needs else ""


def way(design: Design) -> str:
    """The small drawing of a design: whom a read asks, one after the other."""
    return " → ".join(["readers", *(ALL[word].phrase for word in design.tiers), "the origin"])


def reference(outcome: Outcome) -> Candidate | None:
    """What options are held against: what is there, or else the choice."""
    name = outcome.today or outcome.recommended
    return next((option for option in outcome.options if option.name == name), None)


def rivals(outcome: Outcome, least: float = 0.05) -> list[Candidate]:
    """What is best or tied in so many of the draws beside the choice, most often first."""
    others = [option for option in outcome.options if option.fate != "chosen"]
    often = [option for option in others if option.sure.best_or_tied.share >= least]
    return sorted(often, key=lambda o: (-o.sure.best_or_tied.share, o.name))


def surer(outcome: Outcome, sure: float) -> str:
    """Which others keep the limits as surely as the case wants, the surest first, in words."""
    others = [option for option in outcome.options if option.fate != "chosen"]
    kept = [(-option.sure.keeps_limits.share, option.words) for option in others]
    good = sorted((less, words) for less, words in kept if -less >= sure)
    return listed([f"“{words}” ({shown(-less, 'ratio')})" for less, words in good])


def far_stores(study: Study) -> list[str]:
    """The stores of the case's designs that have a place, so that the way there takes time."""
    stores = {tier.phrase for n in study.case.design_names for tier in study.design(n).stores
              if tier.scope == "world"}  # fmt: skip
    return sorted(stores)


def moved(findings: Findings) -> list[str]:
    """What was tried in other places: stores, the Worker, its origin."""
    if PLACEMENT not in findings:
        return []
    rows = findings[PLACEMENT].expected(Table).rows
    return list(dict.fromkeys(re.sub(r"^The ", "the ", str(row[0])) for row in rows))


def in_a_line(option: Candidate) -> str:
    """`what is there; keeps every limit; 2 (1–4) h of work: the caches are taken out`."""
    fate = FATES[option.fate]
    if len(option.breaks) > 1:
        fate = f"breaks {counted(len(option.breaks), 'limit')}"
    parts = [*(["what is there today"] if option.is_today else []), fate]
    hours = option.work_hours
    if hours and hours.high:
        parts.append(f"{work(hours.value, hours.low, hours.high)} of work")
    elif option.changes:  # without the words on work it would be what the option is good for
        parts.append("what changes")
    said = "; ".join(parts)
    return f"{said}: {option.changes}" if option.changes else said


def points(outcome: Outcome, option: Candidate, other: Candidate | None) -> Iterator[Point]:
    """Limits that it breaks; then every metric that decides and in which it differs from `other`.

    Differences that count for nothing in the case are left out.
    """
    yield from _misses(outcome, option)
    if other is None or other == option:
        return
    whose = "today’s" if other.is_today else f"that of “{other.words}”"
    for name in deciding(outcome):
        metric = outcome.metrics[name]
        mine, theirs = option.metrics[name].value, other.metrics[name].value
        if mine is None or theirs is None:
            continue
        unit = cast(Unit, metric.unit)
        found = Comparison(mine, theirs, unit, least=metric.ties_below)
        if found.same:
            continue
        better = found.more == (metric.better == "more")
        side = "more" if found.more else "less"
        reason = f"{metric.label}: {shown(mine, unit)}, {found.by} {side} than {whose}"
        yield Point("Good" if better else "Bad", reason)


LOADS = "origin_loads_per_month"
MUCH = 1.5  # times as many calls of the origin are told, whether a criterion asks for them or not


@dataclass(frozen=True)
class OriginLoad:
    """How often the choice asks the origin in a month, and by how much more than another does."""

    value: float
    by: str


def origin_load(outcome: Outcome, chosen: Candidate, other: Candidate | None) -> OriginLoad | None:
    """Where the choice leans on the origin much more than what it is held against."""
    if other is None or LOADS in deciding(outcome):
        return None
    mine, theirs = (option.metrics[LOADS].value for option in (chosen, other))
    if not mine or not theirs or mine < MUCH * theirs:
        return None
    return OriginLoad(mine, Comparison(mine, theirs, "").by)


def deciding(outcome: Outcome) -> list[str]:
    """The metrics that are minimised or limited, those first that weigh."""
    limited = {limit.metric for limit in outcome.limits}
    weighed = [name for name, metric in outcome.metrics.items() if metric.weight is not None]
    return [*weighed, *(name for name in outcome.metrics if name in limited - {*weighed})]


def _misses(outcome: Outcome, option: Candidate) -> Iterator[Point]:
    limits = {limit.name: limit for limit in outcome.limits}
    for miss in option.breaks:
        limit = limits[miss.limit]
        metric = outcome.metrics[limit.metric]
        unit = cast(Unit, metric.unit)
        bound, side = limit.at_most, "at most"
        if bound is None:
            bound, side = limit.at_least, "at least"
        found, allowed = beside_limit(metric.label, miss.value, bound or 0.0, unit)
        yield Point("Bad", f"it breaks a limit: {metric.label} {found}, allowed {side} {allowed}")


def rented_nodes(study: Study) -> dict[str, str]:
    """How many nodes each store that is rented by the node has, by its name: of each region's own.

    Of every design of the case, since what is not there today may be what is asked about: that is
    said of it.
    """
    now = study.case.today_name
    there = {tier.label for tier in study.design(now).stores} if now else set()
    designs = map(study.design, study.case.design_names)
    stores = {tier.label: tier for design in designs for tier in design.stores}
    return {
        label: counted(getattr(study.platform, tier.rented[1]), "node")
        + (study.told(" in each data centre") if tier.scope == "colo" else "")
        + (", with an option that has it" if now and label not in there else "")
        for label, tier in sorted(stores.items())
        if tier.rented
    }


def billed_in_each(study: Study) -> dict[str, int]:
    """In how many regions each store is billed that is billed in every one, by its name."""
    designs = map(study.design, study.case.design_names)
    copied = {tier.label: tier.copied for design in designs for tier in design.stores}
    regions = {
        label: int(getattr(study.platform, number[0]))
        for label, number in sorted(copied.items())
        if number
    }
    return {label: n for label, n in regions.items() if n > 1}
