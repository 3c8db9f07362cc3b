"""What the first page adds to the name of the choice: what stays, what was asked, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from cachelib.model.case.case import Case
from cachelib.model.case.source import Said
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL, SHARED
from cachelib.report.document.collect import Findings
from cachelib.report.language import Comparison, beyond, capital, counted, listed, work
from cachelib.report.numbers import Unit, beside_limit, shown
from cachelib.report.publish.decision import minimised
from cachelib.report.publish.findings import Metric, Table, Text
from cachelib.report.publish.outcome import Candidate, Outcome

FAULTS = "evidence.faults"
MOST_FAULTS = 3  # that the first page has room for


def chosen(outcome: Outcome) -> Candidate | None:
    """The option to choose."""
    return _named(outcome, outcome.recommended)


def _named(outcome: Outcome, name: str | None) -> Candidate | None:
    return next((option for option in outcome.options if option.name == name), None)


def what_stays(
    case: Case, outcome: Outcome, told: Callable[[str], str] | None = None
) -> str | None:
    """Which tiers of today's stay, go and come, in words; None where there is nothing to compare.

    `The memory of each isolate stays; Workers KV goes.`, in the platform's own words; `told`: in
    those of the study.
    """
    if not outcome.recommended or not outcome.today or outcome.keeps_today:
        return None
    before, after = (case.design(name).tiers for name in (outcome.today, outcome.recommended))
    parts = [
        _verb([tier for tier in before if tier in after], "stays", "stay"),
        _verb([tier for tier in before if tier not in after], "goes", "go"),
        _verb([tier for tier in after if tier not in before], "is added", "are added"),
    ]
    said = "; ".join(filter(None, parts))
    return f"{(told or case.profile.told)(capital(said))}." if said else None


def _verb(tiers: list[str], one: str, many: str) -> str:
    phrases = [ALL[tier].phrase for tier in tiers]
    if not phrases:
        return ""
    plural = len(phrases) > 1 or phrases[0].endswith("Objects")
    return f"{listed(phrases)} {many if plural else one}"


def asked_about(case: Case, outcome: Outcome) -> Iterator[str]:
    """What became of each tier that the question names and the choice has not: its best option;
    and of the design that the case says it asks about."""
    pick = chosen(outcome)
    against = _named(outcome, case.against) if "against" in case.model_fields_set else None
    if pick is None and against and against.breaks:
        yield f"“{capital(against.words)}”, which is asked about, {_misses(outcome, against)}."
    if pick is None or pick.score is None:
        return
    yield from _in_as_few(outcome, list(_asked(case, outcome, pick, against)))


def _asked(
    case: Case, outcome: Outcome, pick: Candidate, against: Candidate | None
) -> Iterator[tuple[str, Candidate]]:
    """The options that are asked about, each with what it is called in a sentence."""
    there, told = case.design(pick.name).tiers, [pick.name, outcome.today]
    for word, tier in SHARED.items():
        if word in there or not _names(case.question, word):
            continue
        best = next((o for o in outcome.options if word in case.design(o.name).tiers), None)
        if best and not _is_named_already(outcome, best):
            told.append(best.name)
            yield f"the best option with {tier.phrase}, “{best.words}”", best
    if against and against.name not in told and not _is_named_already(outcome, against):
        yield f"“{capital(against.words)}”, which is asked about", against


def _in_as_few(outcome: Outcome, asked: list[tuple[str, Candidate]]) -> Iterator[str]:
    """What became of each, in one sentence of those that break the same limits."""
    together: dict[str, list[str]] = {}
    for name, option in asked:
        together.setdefault(_fared(outcome, option), []).append(name)
    for fared, names in together.items():
        if fared.startswith("breaks ") and len(names) > 1:
            yield f"{capital(_one_by_one(names))}, break {fared.removeprefix('breaks ')}."
        else:
            yield from (f"{capital(name)}, {fared}." for name in names)


def _one_by_one(names: list[str]) -> str:
    """A list whose parts have commas of their own."""
    *first, last = names
    return f"{'; '.join(first)}; and {last}" if first else last


def how_near(outcome: Outcome) -> str:
    """How near the nearest option, the first, comes to keeping every limit: what nearest means."""
    widest, *others = (
        max((miss.beyond for miss in option.breaks), default=0.0) for option in outcome.options
    )
    least = {limit.name for limit in outcome.limits if limit.at_least is not None}
    of = max(outcome.options[0].breaks, key=lambda miss: miss.beyond, default=None)
    by = beyond(widest, is_least=of is not None and of.limit in least)
    said = f"its widest miss is {'at ' if by.endswith('times') else ''}{by} the limit"
    if not others:
        return said
    nearest = min(others)  # what is narrower by a hair counts for as much in the order of options
    wider = "each of the others misses one by more"
    alike = "none of the others comes nearer by as much as counts"
    return f"{said}; {wider if nearest > widest else alike}"


def _misses(outcome: Outcome, option: Candidate) -> str:
    """Each limit that an option breaks, and by how much."""
    limits = {limit.name: limit for limit in outcome.limits}
    parts = []
    for miss in option.breaks:
        limit = limits[miss.limit]
        metric, bound = outcome.metrics[limit.metric], limit.at_most
        side = "at least" if bound is None else "at most"
        bound = limit.at_least if bound is None else bound
        unit = cast(Unit, metric.unit)
        found, allowed = beside_limit(metric.label, miss.value, bound or 0.0, unit)
        parts.append(
            f"{metric.label}, {found} where {side} {allowed} is allowed"
            f" ({beyond(miss.beyond, is_least=limit.at_least is not None)} it)"
        )
    said = counted(len(parts), "limit") if len(parts) > 1 else "a limit"
    return f"breaks {said}: {', and '.join(parts)}"


def misses_of_today(outcome: Outcome) -> str:
    """`breaks 2 limits: …`: of what is there today; nothing where it keeps all."""
    today = _named(outcome, outcome.today)
    return _misses(outcome, today) if today and today.breaks else ""


def speaks_of(design: Design | None, case: Case, outcome: Outcome) -> bool:
    """Whether a design is what is chosen, what is there, or what is asked about."""
    asked = case.against if "against" in case.model_fields_set else None
    return design is not None and design.name in (outcome.recommended, outcome.today, asked)


MOST_TIES = 3  # that the sentence on ties names


def _is_named_already(outcome: Outcome, option: Candidate) -> bool:
    """The sentence before, on ties or on the next best, has said of it all there is to say."""
    next_best = option.fate == "stands" and option.rank == 2
    tied = option.fate == "tied" and len(outcome.tied_with) <= MOST_TIES
    return next_best or (tied and not _work(option))


def work_of_the_next(outcome: Outcome) -> str:
    """The hours that the next best option takes; nothing where they are not stated, or none."""
    found = next((o for o in outcome.options if o.fate == "stands" and o.rank == 2), None)
    return _work(found) if found else ""


def _names(question: str, tier: str) -> bool:
    words = re.escape(tier).replace(r"\-", "[ -]")
    return re.search(rf"\b{words}s?\b", question, re.IGNORECASE) is not None


def _fared(outcome: Outcome, option: Candidate) -> str:
    pick = chosen(outcome)
    done = f" and takes {said} of work" if (said := _work(option)) else ""
    if broken := _broken(outcome, option):
        return f"breaks {'a limit' if len(broken) == 1 else 'limits'}: {listed(broken)}"
    if option.fate == "not ranked" or option.score is None or pick is None or pick.score is None:
        return "cannot be ranked, since its work is not stated"
    if option.fate == "tied":
        return f"would do as well{done}"
    gap = Comparison(option.score, pick.score, cast(Unit, outcome.unit))
    return f"is worse by {gap.by} ({outcome.minimised}){done}"


def _work(option: Candidate) -> str:
    hours = option.work_hours
    return work(hours.value, hours.low, hours.high) if hours and hours.high else ""


@dataclass(frozen=True)
class Action:
    """A thing to do, how long it takes and where it is done if that is known, what it changes."""

    what: str
    work: str
    gain: str
    where: str


def actions(case: Case, outcome: Outcome | None, findings: Findings) -> list[Action]:
    """What to do, what decides first; nothing where nothing is to be done."""
    first = list(_change(case, outcome)) if outcome else []
    moot = gone(case, outcome, findings) if outcome else None
    return [*first, *_measure(case, findings), *_faults(findings, moot)]


def _change(case: Case, outcome: Outcome) -> Iterator[Action]:
    pick, today = chosen(outcome), _named(outcome, outcome.today)
    if pick is None or outcome.keeps_today:
        return
    told = Action(
        f"{'Change to' if today else 'Choose'} “{pick.words}”"
        f"{f': {pick.changes}' if pick.changes else ''}",
        _work(pick),
        _gain(case, outcome, pick, today),
        listed(_lines(case, pick)),
    )
    if today or pick.changes or told.work:  # else it says no more than the answer
        yield told


def _gain(case: Case, outcome: Outcome, pick: Candidate, today: Candidate | None) -> str:
    """The limits that are kept again, and how much less of what is minimised."""
    if today is None:
        return "–"
    broken = _broken(outcome, today)
    limits = "limit" if len(broken) == 1 else "limits"
    said = [f"keeps the {limits}: {listed(broken)}"] if broken else []
    if pick.score is not None and today.score is not None:
        gap = Comparison(pick.score, today.score, cast(Unit, outcome.unit))
        better = "more" if case.criteria.maximise else "less"
        worse = "less" if case.criteria.maximise else "more"
        if not gap.same:
            said.append(f"{outcome.minimised}: {gap.by} {worse if gap.more else better}")
    return "; ".join(said) or "none that counts"


def _broken(outcome: Outcome, option: Candidate) -> list[str]:
    """What the limits that an option breaks are of, in words."""
    limits = {limit.name: limit.metric for limit in outcome.limits}
    labels = (outcome.metrics[limits[miss.limit]].label for miss in option.breaks)
    return list(dict.fromkeys(labels))


def _lines(case: Case, pick: Candidate) -> list[str]:
    """Where the source has the numbers that the choice sets to others."""
    now, said = case.settings, case.system.says
    changed = [name for name, value in pick.settings.items() if now.get(name) != value]
    places = [_place(said, name) for name in sorted(changed)]
    return list(dict.fromkeys(place for place in places if place))


def _place(said: dict[str, Said], name: str) -> str | None:
    found = said.get(f"today.{name}") or said.get(f"knobs.{name}.value")
    return f"{found.file}:{found.line}" if found else None


def _measure(case: Case, findings: Findings) -> Iterator[Action]:
    """What is worth measuring first, if anything is surely worth it."""
    first, worth = (_metric(findings, f"decision.measure_{what}") for what in ("first", "worth"))
    if first and first.value and worth:
        aim = case.profile.told(minimised(case.criteria))
        saved = shown(worth.value, worth.unit)
        yield Action(
            f"Measure {first.value}", "", f"to know it is worth {saved} on average, in {aim}", ""
        )


def _metric(findings: Findings, id: str) -> Metric | None:
    found = findings[id].finding if id in findings else None
    return found if isinstance(found, Metric) else None


@dataclass(frozen=True)
class Gone:
    """Faults in how a tier is used that the choice has no more: their rows, and what it is."""

    rows: frozenset[int]
    tiers: str
    choice: str

    @property
    def said(self) -> str:
        """`4 faults in how Workers KV is used`."""
        faults = counted(len(self.rows), "fault")
        return f"{faults} in how {self.tiers} {'are' if self.are_many else 'is'} used"

    @property
    def are_many(self) -> bool:
        """Whether a sentence has the tiers in the plural."""
        return " and " in self.tiers or self.tiers.endswith("Objects")


TIERS_OF_FAULTS = "evidence.fault_tiers"


def gone(case: Case, outcome: Outcome, findings: Findings) -> Gone | None:
    """The faults that there is nothing to mend of once what they are of has gone."""
    pick = chosen(outcome)
    if pick is None or not outcome.today or TIERS_OF_FAULTS not in findings:
        return None
    before, after = (case.design(name).tiers for name in (outcome.today, pick.name))
    of = findings[TIERS_OF_FAULTS].expected(Text).lines
    rows = [nth for nth, tier in enumerate(of) if tier in before and tier not in after]
    if not rows:
        return None
    tiers = dict.fromkeys(case.profile.told(ALL[of[nth]].phrase) for nth in rows)
    return Gone(frozenset(rows), listed(list(tiers)), pick.words)


def _faults(findings: Findings, moot: Gone | None = None) -> Iterator[Action]:
    table = findings[FAULTS].finding if FAULTS in findings else None
    if not isinstance(table, Table):
        return
    rows = [row for nth, row in enumerate(table.rows) if not (moot and nth in moot.rows)]
    for where, _, fault, effect in rows[:MOST_FAULTS]:
        yield Action(f"Mend: {fault}", "", str(effect), str(where))
    if more := rows[MOST_FAULTS:]:
        errors = sum(severity == "error" for _, severity, *_ in more)
        among = f", {counted(errors, 'error')} among them" if errors else ""
        yield Action(f"Mend {counted(len(more), 'more fault')}{among}", "", "–", "")
    if moot:
        stays = "stay" if moot.are_many else "stays"
        only = f"only where {moot.tiers} {stays} in use: “{moot.choice}” does without"
        yield Action(f"Mend {moot.said}", "", only, "")
