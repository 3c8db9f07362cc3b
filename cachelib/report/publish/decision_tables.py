"""A decision as tables for people: options, settings, shares, what matters, flips, misses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.criteria import finite
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.anchoring import POINTS, Anchor
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip, is_share
from cachelib.model.judgement.limits import Miss
from cachelib.model.judgement.metrics import MEASURED
from cachelib.model.judgement.model import Z95
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import Share, Sureness, Worth
from cachelib.model.judgement.subject import concerns
from cachelib.report.language import beyond
from cachelib.report.numbers import TOO_SMALL, Unit, apart, beside_limit, fixed, give_or_take, shown
from cachelib.report.publish import changes
from cachelib.report.publish import decision as words
from cachelib.report.publish.findings import LIMIT

UNITS: dict[str, Unit] = {
    **{metric.head: metric.unit for metric in METRICS.values()},
    "explains": "ratio", "limits kept when low": "ratio", "limits kept when high": "ratio",
}  # fmt: skip
LITTLE = 0.05  # a share of a variance that is not worth a row
MOST_METRICS = 6  # of a table that a page of usual width shows whole
CENT = 0.01
SAME = 0.01  # flips of one number closer than this are told together


def designs_table(decision: Decision) -> pd.DataFrame:
    """Every option with its work, its metrics and what became of it; the choice first.

    Below them the limits, beside whose bars those above can be held.
    """
    limited = {limit.metric for limit in decision.criteria.limits}
    secondary = {*decision.criteria.then} - {*decision.criteria.weights, *limited, *words.SHOWN}
    heads = [
        name
        for name in words.told_of(decision)
        if name != "work_hours" and name not in secondary and _tells(decision, name)
    ][: max(MOST_METRICS, len({*decision.criteria.weights, *limited}))]
    worked = any(option.hours is not None for option in decision.options)
    rows = [
        {"option": words.called(decision, option.name)}
        | {"verdict": verdict(decision, option)}
        | ({"work": words.work(option)} if worked else {})
        | {METRICS[name].head: decision.measured[option.name][name] for name in heads}
        for option in words.in_order(decision)
    ]
    bounds = {limit.metric: limit.bound for limit in decision.criteria.limits}
    if allowed := {METRICS[name].head: bounds[name] for name in heads if name in bounds}:
        beside = {"verdict": "–"} | ({"work": "–"} if worked else {})
        rows.append({"option": LIMIT} | beside | allowed)
    return pd.DataFrame(rows).set_index("option")


def designs_caption(decision: Decision) -> str:
    """In which order the table of options has them."""
    first = ", the choice first" if decision.chosen else ""
    if len(decision.missed) == len(decision.options):
        return "The options, the nearest to keeping the limits first"
    return f"The options{first}{', those that break a limit last' if decision.missed else ''}"


def _tells(decision: Decision, name: str) -> bool:
    """Whether a column would say anything: where no read fails, none is needed to say so."""
    limited = any(limit.metric == name for limit in decision.criteria.limits)
    failing = any(values[name] for values in decision.measured.values())
    return name != "error_share" or limited or failing


def verdict(decision: Decision, option: Option) -> str:
    """What became of an option, in a few words."""
    if missed := decision.missed.get(option.name):
        said = "out: " + decision.study.told(
            ", ".join(METRICS[miss.limit.metric].head for miss in missed)
        )
    elif option in decision.not_stated:
        said = "not ranked: work not stated"
    elif option == decision.chosen:
        said = "chosen"
    else:
        said = "as good" if option in decision.ties else "stands"
    if decision.by_chance(option):
        limit, might = ("", "keep") if missed else ("keeps a limit ", "break")
        them = "them" if len(missed or ()) > 1 else "it"
        said += f", {limit}by so little that another run might {might} {them}"
    return f"{said} (today)" if option.is_today else said


def settings_table(decision: Decision) -> pd.DataFrame:
    """Each option's settings, and how far they may be turned and do materially as well."""
    now, rows, knobs = _today(decision), [], decision.study.case.all_knobs
    for name in _by_weight(decision):
        tuned = decision.tuned[name]
        for knob, number in sorted(tuned.option.settings.items()):
            low, high = tuned.flat.get(knob, (number, number))
            ends = [words.setting(end, knob) for end in (low, high)]
            rows.append({
                "option": words.called(decision, name),
                "setting": SETTABLE[knob], "set to": words.setting(number, knob)
                + (words.at_an_end(number, knobs.get(knob)) if knob in tuned.flat else ""),
                "as well": "held" if knob not in tuned.flat
                else "no other" if low == high else " to ".join(ends),
                "today": words.setting(now[knob], knob) if knob in now else "–",
            })  # fmt: skip
    columns = ["option", "setting", "set to", "as well", "today"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def _today(decision: Decision) -> dict[str, float]:
    """The settings as they are: the case's, and what the design that is there has of its own."""
    there = decision.tuned.get(decision.today.name) if decision.today else None
    return decision.study.case.settings | (dict(there.option.settings) if there else {})


def _by_weight(decision: Decision) -> list[str]:
    """Options with settings: the choice, what is there today, then the others by their rank."""
    first = [option for option in (decision.chosen, decision.today) if option]
    names = dict.fromkeys(option.name for option in [*first, *words.in_order(decision)])
    return [name for name in names if name in decision.tuned]


def chance_table(decision: Decision) -> pd.DataFrame:
    """What decides, of every option, with half its 95 % interval.

    Of a sample, all that is measured.
    """
    names = list(decision.criteria.names())
    if decision.study.sample.share < 1:
        names = [name for name in MEASURED if name in names or _is_told(decision, name)]
    rows = []
    for option in words.in_order(decision):
        nth = decision.options.index(option)
        row: dict[str, object] = {"option": words.called(decision, option.name)}
        for name in names:
            if name == "work_hours":
                continue
            metric, half = METRICS[name], float(decision.resolution[name][nth])
            here = decision.measured[option.name][name]
            row[metric.head] = give_or_take(here, half, metric.unit) if finite(here) else "–"
        rows.append(row)
    return pd.DataFrame(rows).set_index("option")


def _is_told(decision: Decision, name: str) -> bool:
    """Whether some option has the number, and it is no other one's opposite or nothing of all."""
    values = [told[name] for told in decision.measured.values()]
    return name != "availability" and any(finite(value) and value for value in values)


def sure_table(decision: Decision) -> pd.DataFrame:
    """How every option fares over the draws."""
    rows = [
        {
            "option": words.called(decision, name),
            "keeps the limits": _share(sure.keeps), "best or tied": _share(sure.best),
            "above the best, on average": _regretted(
                decision, sure, sure.regret.mean, Z95 * sure.regret.mean_error
            ),
            "in 1 of 20 tries, or more": _regretted(
                decision, sure, sure.regret.p95, Z95 * sure.regret.p95_error
            ),
        }
        for name, sure in sorted(
            decision.sureness.items(), key=lambda item: (-item[1].best.value, item[0])
        )
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("option")


def _share(share: Share) -> str:
    """`79.2 ± 16.2 %`: both in per cent, the second half of a 95 % interval, as all are told."""
    return f"{fixed(100 * share.value, 1)} ±\u00a0{fixed(100 * Z95 * share.error, 1)}\u00a0%"


def _regretted(decision: Decision, sure: Sureness, number: float, error: float) -> str:
    """What never keeps the limits cannot be chosen, so nobody will regret that it was."""
    return _plus_minus(decision, number, error) if sure.keeps.value else "–"


def _plus_minus(decision: Decision, number: float, error: float) -> str:
    if np.isnan(number):
        return "not stated"
    return give_or_take(number, error, words.gap_unit(decision))


def that_matter(decision: Decision, most: int = 8) -> list[Worth]:
    """The assumptions that are worth knowing, what is worth most on top.

    By more than chance, at 95 %, and by more than is material: else a row would tell noise.
    """
    if decision.chosen is None:
        return []
    counts = material(decision)
    return [
        worth
        for worth in decision.worths
        if concerns(decision.study, worth.name)
        and worth.saved > Z95 * worth.saved_error
        and worth.saved >= counts
    ][:most]


def material(decision: Decision) -> float:
    """What a difference from the choice in what is minimised must come to before it counts."""
    tolerance = 0.0
    if decision.chosen is not None:
        tolerance = decision.criteria.score_tolerance(decision.score(decision.chosen))
    return max(tolerance, CENT if words.score_unit(decision) == "USD" else 0.0)


def matters_table(decision: Decision) -> pd.DataFrame:
    """What decides whether the choice is right."""
    monthly = METRICS[decision.criteria.aim].unit == "USD" and not decision.criteria.weigh
    saves = "to know it would save" + (" a month" if monthly else "")
    rows = [
        {
            "assumption": words.named(decision, worth.name),
            saves: _plus_minus(decision, worth.saved, Z95 * worth.saved_error),
            "explains": worth.explains,
            "limits kept when low": worth.kept_low,
            "limits kept when high": worth.kept_high,
            "decides the limit of": decision.study.told(_broken(worth)) or "–",
        }
        for worth in that_matter(decision)
    ]
    columns = ["assumption", saves, "explains", "limits kept when low",
               "limits kept when high", "decides the limit of"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index("assumption")


def _broken(worth: Worth) -> str:
    """The limits whose breaking it explains."""
    told = [
        f"{METRICS[name.split(':')[1]].label} ({shown(share, 'ratio')})"
        for name, share in worth.breaks.items()
        if share >= LITTLE
    ]
    return ", ".join(told)


AT = "at, ± by chance"


def flips_table(decision: Decision) -> pd.DataFrame:
    """Every flip: the number, here and there, what changes and why; the nearest first."""
    rows = [
        {
            "number": words.named(decision, group[0].number),
            "here": _where(decision, group)[1],
            AT: _where(decision, group)[0] + _error_of(decision, group),
            "below": words.choice(decision, group[0].before),
            "above": words.choice(decision, group[-1].after),
            "because": "; ".join(dict.fromkeys(changes.cause(decision, flip) for flip in group)),
            "distance": _distance(group[0]),
        }
        for group in _together(decision.flips)
    ]  # fmt: skip
    columns = ["number", "here", AT, "below", "above", "because", "distance"]
    return pd.DataFrame(rows, columns=columns).set_index("number")


def doubted(decision: Decision) -> list[str]:
    """Of which number, and from where on, formulas change the choice and a simulation does not."""
    told = []
    for flip in decision.doubted:
        there, here = _where(decision, [flip])
        way = "above" if flip.at > flip.here else "below"
        told.append(f"{words.in_a_sentence(decision, flip.number)} {way} {there} (now {here})")
    return told


def _distance(flip: Flip) -> str:
    """As a factor; of the limit of a share in points, as the sentences on it have it."""
    beyond = "" if flip.inside else ", beyond its range"
    if is_share(flip.number):
        return shown(abs(flip.at - flip.here), "points") + beyond
    return apart(flip.distance, 1, "times")[0] + beyond


def _together(flips: list[Flip]) -> list[list[Flip]]:
    """Flips of one number in a narrow window, told as one."""
    groups: list[list[Flip]] = []
    for flip in sorted(flips, key=lambda flip: (flip.number, flip.at)):
        last = groups[-1][-1] if groups else None
        if last and last.number == flip.number and flip.at / last.at - 1 < SAME:
            groups[-1].append(flip)
        else:
            groups.append([flip])
    return sorted(groups, key=lambda group: (not group[0].inside, group[0].distance))


def _where(decision: Decision, group: list[Flip]) -> tuple[str, str]:
    """Where the choice flips, and where the number is now."""
    unit, here = words.unit_said(decision, group[0].number), group[0].here
    if changes.is_counted(group[0].number):
        low, high = np.floor(group[0].at), np.ceil(group[-1].at)
        between = f"{shown(low)} to " if low < high else ""
        return between + words.value(high, unit), words.value(here, unit)
    (first, now), (last, _) = (
        changes.there_and_here(decision, f, unit) for f in (group[0], group[-1])
    )
    if first == last:
        return first, now
    middle = words.choice(decision, group[0].after)
    return f"{first} to {last} ({middle} between)", now


def _error_of(decision: Decision, group: list[Flip]) -> str:
    """How far chance may have moved the place, of one; of several together, nothing."""
    error = changes.error_said(decision, group[0]) if len(group) == 1 else ""
    return error and f", ±\u00a0{error}"


def _error(error: float, unit: Unit) -> str:
    """An error as far as anybody asks; both units are told in hundredths."""
    if 0 < 100 * error < TOO_SMALL:
        return f"under\u00a0{TOO_SMALL}\u00a0{'points' if unit == 'points' else '%'}"
    return shown(error, unit)


def anchors_table(decision: Decision) -> pd.DataFrame:
    """Formula against simulation for every metric that decides."""
    by_metric: dict[str, list[Anchor]] = {}
    for anchor in decision.anchoring.anchors:
        by_metric.setdefault(anchor.metric, []).append(anchor)
    rows = []
    for metric, anchors in by_metric.items():
        for anchor in anchors:
            share = METRICS[metric].unit == "ratio"
            unit: Unit = "points" if share else "ratio"
            rows.append({
                "option": words.called(decision, anchor.option),
                "metric": decision.study.told(METRICS[metric].label),
                "here": _error(anchor.here, unit), "typical error": _error(anchor.typical, unit),
                "worst error": _error(anchor.worst, unit),
                "tolerance": shown(anchor.tolerance, unit),
                "so": _verdict(anchor),
            })  # fmt: skip
    columns = ["option", "metric", "here", "typical error", "worst error", "tolerance", "so"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def _verdict(anchor: Anchor) -> str:
    if anchor.status == "withheld":
        return "withheld"
    said = {"formula": "formula serves", "fitted": "corrected by a fit"}[anchor.status]
    return said if anchor.within == POINTS else f"{said}: within it at {anchor.within} of {POINTS}"


def misses_table(decision: Decision) -> pd.DataFrame:
    """The limits that are broken: by which option, and by how much; the nearest miss first."""
    order = sorted(decision.missed, key=decision.farness)
    rows = [_miss(decision, miss) for name in order for miss in decision.missed[name]]
    columns = ["option", "limit", "allowed", "found", "which is"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def _miss(decision: Decision, miss: Miss) -> dict[str, object]:
    metric, limit = METRICS[miss.limit.metric], miss.limit
    side = "at most" if limit.at_most is not None else "at least"
    found, allowed = beside_limit(metric.label, miss.value, limit.bound, metric.unit)
    return {
        "option": words.called(decision, miss.option), "limit": decision.study.told(metric.label),
        "allowed": f"{side} {allowed}",
        "found": found,
        "which is": f"{beyond(miss.excess, is_least=limit.at_least is not None)} it",
    }  # fmt: skip


def shapes_table(decision: Decision) -> pd.DataFrame:
    """What another shape of the assumptions would change."""
    own = decision.criteria.shape
    other = "uniform" if own == "triangular" else "triangular"
    changed = decision.sureness_if(other)
    names = [option.name for option in decision.options if option.name in decision.contenders]
    rows = [
        {"option": words.called(decision, name),
         f"best or tied, {own}": decision.sureness[name].best.value,
         f"best or tied, {other}": changed[name].best.value,
         f"keeps, {own}": decision.sureness[name].keeps.value,
         f"keeps, {other}": changed[name].keeps.value}
        for name in names
    ]  # fmt: skip
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["option"])
    return frame.set_index("option")
