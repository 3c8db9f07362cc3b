"""A decision in the report's terms: tables for people, words for what changes it and why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.labels import label, unit_of
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.anchoring import Anchor
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.limits import Miss
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.subject import concerns
from cachelib.report.language import Comparison, capital
from cachelib.report.numbers import Unit, shown

SHOWN = ("hit_ratio", "origin_loads_per_month", "p50_ms", "p95_ms", "late_share", "error_share")
UNITS: dict[str, Unit] = {
    **{metric.head: metric.unit for metric in METRICS.values()},
    "keeps the limits": "ratio", "± keeps": "ratio", "best or tied": "ratio", "± best": "ratio",
    "explains": "ratio", "kept when low": "ratio", "kept when high": "ratio",
}  # fmt: skip
SAME = 0.01  # flips of one number closer than this are told together


def called(decision: Decision, name: str | None) -> str:
    """An option as readers know it."""
    return capital(decision.study.case.words(name)) if name else ""


def named(decision: Decision, number: str) -> str:
    """A number of the case as readers know it."""
    kind, _, of = number.partition(":")
    if kind == "hours" and of:
        return f"the work for “{called(decision, of)}”"
    return label(number)


def _choice(decision: Decision, name: str | None) -> str:
    return called(decision, name) or "nothing keeps the limits"


def value(number: float, unit: str) -> str:
    """A number of any kind with its unit: seconds as people count them, traffic by the month."""
    if unit == "s":
        return duration(number)
    if unit == "requests":
        return f"{shown(float(f'{number:.3g}'))}\u00a0requests a month"
    if unit == "hours":
        return f"{shown(number)}\u00a0h"
    if unit in ("ratio", "USD", "ms", "isolates"):
        return shown(number, unit)  # type: ignore[arg-type]
    said = shown(float(f"{number:.3g}"))
    return said if unit in ("", "sigma", "ratio") else f"{said}\u00a0{unit}"


def duration(seconds: float) -> str:
    """`1 h 50 min`: the two largest units that it takes."""
    if seconds < 120:
        return shown(seconds, "s")
    parts, left = [], round(seconds / 60) if seconds >= 7_200 else round(seconds)
    sizes = ((1_440, "d"), (60, "h"), (1, "min")) if seconds >= 7_200 else ((60, "min"), (1, "s"))
    for size, name in sizes:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{shown(count)}\u00a0{name}")
    return " ".join(parts[:2])


def settings(option: Option) -> str:
    """What its knobs are set to, in words."""
    return "; ".join(
        f"{label(name)} {value(number, _knob_unit(name))}"
        for name, number in sorted(option.settings.items())
    )


def _knob_unit(name: str) -> str:
    return "s" if name.endswith("_s") else ""


def work(option: Option) -> str:
    """Hours with their range, or that nobody says."""
    if option.hours is None:
        return "not stated"
    hours = option.hours
    if hours.low == hours.high:
        return value(hours.value, "hours")
    return f"{shown(hours.value)} ({shown(hours.low)}–{shown(hours.high)})\u00a0h"


def designs_table(decision: Decision) -> pd.DataFrame:
    """Every option with its work, its metrics and what became of it; the choice first."""
    criteria = decision.criteria
    wanted = dict.fromkeys([*SHOWN, "bill_usd", *criteria.names()])
    heads = [name for name in wanted if name != "work_hours" and METRICS[name].measured]
    ranked = decision.ranked
    rest = sorted(
        (o for o in decision.options if o not in ranked),
        key=lambda o: (o.name in decision.missed, _widest(decision, o), o.name),
    )
    rows = [
        {"option": called(decision, option.name)}
        | {"verdict": verdict(decision, option), "work": work(option)}
        | {METRICS[name].head: decision.measured[option.name][name] for name in heads}
        for option in (*ranked, *rest)
    ]
    return pd.DataFrame(rows).set_index("option")


def _widest(decision: Decision, option: Option) -> float:
    missed = decision.missed.get(option.name)
    return missed[0].excess if missed else 0.0


def verdict(decision: Decision, option: Option) -> str:
    """What became of an option, in a few words."""
    if missed := decision.missed.get(option.name):
        said = "out: " + ", ".join(METRICS[miss.limit.metric].head for miss in missed)
    elif option in decision.not_stated:
        said = "not ranked: work not stated"
    elif option == decision.chosen:
        said = "chosen"
    else:
        said = "as good" if option in decision.ties else "stands"
    return f"{said} (today)" if option.is_today else said


def settings_table(decision: Decision) -> pd.DataFrame:
    """Each option's settings, and how far they may be turned and do materially as well."""
    now, rows = decision.study.case.settings, []
    for name, tuned in decision.tuned.items():
        for knob, number in sorted(tuned.option.settings.items()):
            low, high = tuned.flat.get(knob, (number, number))
            unit = _knob_unit(knob)
            rows.append({
                "option": called(decision, name),
                "setting": SETTABLE[knob], "set to": value(number, unit),
                "as well": "held" if knob not in tuned.flat else value(number, unit)
                if low == high else f"{value(low, unit)} to {value(high, unit)}",
                "today": value(now[knob], unit) if knob in now else "–",
            })  # fmt: skip
    columns = ["option", "setting", "set to", "as well", "today"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def chance_table(decision: Decision) -> pd.DataFrame:
    """What decides, of every option, with half its 95 % interval."""
    rows = []
    for nth, option in enumerate(decision.options):
        row: dict[str, object] = {"option": called(decision, option.name)}
        for name in decision.criteria.names():
            if name == "work_hours":
                continue
            metric, half = METRICS[name], float(decision.resolution[name][nth])
            here = decision.measured[option.name][name]
            said = f"{shown(here, metric.unit)} ± {shown(half, metric.unit)}"
            row[metric.head] = "not stated" if np.isnan(here) else said
        rows.append(row)
    return pd.DataFrame(rows).set_index("option")


def sure_table(decision: Decision) -> pd.DataFrame:
    """How every option fares over the draws."""
    rows = [
        {
            "option": called(decision, name),
            "keeps the limits": sure.keeps.value, "± keeps": sure.keeps.error,
            "best or tied": sure.best.value, "± best": sure.best.error,
            "regret, mean": _plus_minus(decision, sure.regret.mean, sure.regret.mean_error),
            "regret, 95th percentile": _plus_minus(
                decision, sure.regret.p95, sure.regret.p95_error
            ),
        }
        for name, sure in sorted(
            decision.sureness.items(), key=lambda item: (-item[1].best.value, item[0])
        )
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("option")


def _plus_minus(decision: Decision, number: float, error: float) -> str:
    if np.isnan(number):
        return "not stated"
    return f"{score(decision, number)} ± {score(decision, error)}"


def score(decision: Decision, number: float) -> str:
    """An amount of what is minimised."""
    return shown(number, score_unit(decision))


def score_unit(decision: Decision) -> Unit:
    """The unit of what is minimised; of a weighted sum, dollars, in which its rates are given."""
    criteria = decision.criteria
    return "USD" if criteria.weigh else METRICS[criteria.aim].unit


def aim(decision: Decision) -> str:
    """What is to be least, or most, in words."""
    criteria = decision.criteria
    if criteria.weigh:
        parts = [
            f"{shown(rate)} a unit of {METRICS[name].label}"
            for name, rate in criteria.weigh.items()
        ]
        return "weighted sum of " + " and ".join(parts)
    return METRICS[criteria.aim].label


def matters_table(decision: Decision, most: int = 8) -> pd.DataFrame:
    """What decides whether the choice is right, what is worth measuring first on top."""
    told = [worth for worth in decision.worths if concerns(decision.study, worth.name)]
    rows = [
        {
            "assumption": named(decision, worth.name),
            "worth knowing": _plus_minus(decision, worth.saved, worth.saved_error),
            "explains": worth.explains,
            "kept when low": worth.kept_low,
            "kept when high": worth.kept_high,
            "decides the limit of": _broken_by(worth.breaks),
        }
        for worth in told[:most]
    ]
    columns = ["assumption", "worth knowing", "explains", "kept when low", "kept when high",
               "decides the limit of"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index("assumption")


def _broken_by(breaks: Mapping[str, float]) -> str:
    told = [
        f"{METRICS[name.split(':')[1]].head} ({shown(share, 'ratio')})"
        for name, share in breaks.items()
        if share >= 0.05
    ]
    return ", ".join(told) or "–"


def flips_table(decision: Decision) -> pd.DataFrame:
    """Every flip: the number, here and there, what changes and why; the nearest first."""
    rows = [
        {
            "number": named(decision, group[0].number),
            "here": value(group[0].here, _unit(decision, group[0].number)),
            "at": _where(decision, group),
            "below": _choice(decision, group[0].before),
            "above": _choice(decision, group[-1].after),
            "because": "; ".join(dict.fromkeys(cause(decision, flip) for flip in group)),
            "distance": _distance(group[0]),
        }
        for group in _together(decision.flips)
    ]  # fmt: skip
    columns = ["number", "here", "at", "below", "above", "because", "distance"]
    return pd.DataFrame(rows, columns=columns).set_index("number")


def _distance(flip: Flip) -> str:
    return shown(flip.distance, "times") + ("" if flip.inside else ", beyond its range")


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


def _where(decision: Decision, group: list[Flip]) -> str:
    unit = _unit(decision, group[0].number)
    first, last = (value(flip.at, unit) for flip in (group[0], group[-1]))
    if first == last:
        return first
    middle = _choice(decision, group[0].after)
    return f"{first} to {last} ({middle} between)"


def _unit(decision: Decision, number: str) -> str:
    known = decision.study.case.assumed.get(number)
    return unit_of(number, known.unit if known else "")


def cause(decision: Decision, flip: Flip) -> str:
    """Why the choice changes there."""
    if flip.cause == "limit":
        limit = METRICS[flip.metric.split(":")[1]].label
        return f"“{called(decision, flip.option)}” crosses there its limit of {limit}"
    what = METRICS[flip.metric].label
    one, other = called(decision, flip.option), called(decision, flip.other)
    return f"there “{one}” and “{other}” begin to differ in {what}"


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
                "option": called(decision, anchor.option), "metric": METRICS[metric].label,
                "here": shown(anchor.here, unit), "typical error": shown(anchor.typical, unit),
                "worst error": shown(anchor.worst, unit),
                "tolerance": shown(anchor.tolerance, unit),
                "so": {"formula": "formula serves", "fitted": "corrected by a fit",
                       "withheld": "withheld"}[anchor.status],
            })  # fmt: skip
    columns = ["option", "metric", "here", "typical error", "worst error", "tolerance", "so"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def misses_table(decision: Decision) -> pd.DataFrame:
    """The limits that are broken: by which option, and by how much; the nearest miss first."""
    order = sorted(decision.missed, key=lambda name: (decision.missed[name][0].excess, name))
    rows = [_miss(decision, miss) for name in order for miss in decision.missed[name]]
    columns = ["option", "limit", "allowed", "found", "beyond"]
    return pd.DataFrame(rows, columns=columns).set_index("option")


def _miss(decision: Decision, miss: Miss) -> dict[str, object]:
    metric, limit = METRICS[miss.limit.metric], miss.limit
    side = "at most" if limit.at_most is not None else "at least"
    return {
        "option": called(decision, miss.option), "limit": metric.label,
        "allowed": f"{side} {shown(limit.bound, metric.unit)}",
        "found": shown(miss.value, metric.unit), "beyond": shown(miss.excess, "ratio"),
    }  # fmt: skip


def would_keep(decision: Decision) -> str | None:
    """What number, changed least, would let some option keep the limits; None if none is known."""
    if decision.chosen is not None:
        return None
    ways = [flip for flip in decision.flips if flip.away is not None]
    if not ways:
        return None
    flip = min(ways, key=lambda flip: flip.distance)
    side = "above" if flip.at > flip.here else "below"
    unit = _unit(decision, flip.number)
    return (
        f"“{called(decision, flip.away)}”, with {named(decision, flip.number)} {side}"
        f" {value(flip.at, unit)} instead of {value(flip.here, unit)}"
    )


def shapes_table(decision: Decision) -> pd.DataFrame:
    """What another shape of the assumptions would change."""
    own = decision.criteria.shape
    other = "uniform" if own == "triangular" else "triangular"
    changed = decision.sureness_if(other)
    names = [option.name for option in decision.options if option.name in decision.contenders]
    rows = [
        {"option": called(decision, name),
         f"best or tied, {own}": decision.sureness[name].best.value,
         f"best or tied, {other}": changed[name].best.value,
         f"keeps, {own}": decision.sureness[name].keeps.value,
         f"keeps, {other}": changed[name].keeps.value}
        for name in names
    ]  # fmt: skip
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["option"])
    return frame.set_index("option")


def ties_in_words(decision: Decision) -> str | None:
    """`kv-only and l1-r2`; None where nothing ties with the choice."""
    names = [f"“{called(decision, option.name)}”" for option in decision.ties]
    return None if not names else " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def tie_broken_by(decision: Decision) -> str | None:
    """Why the choice, of what does equally well."""
    chosen, ties = decision.chosen, decision.ties
    if chosen is None or not ties:
        return None
    alive = list(ties)
    for name in decision.criteria.then:
        worse = [o for o in alive if _worse(decision, name, o, chosen)]
        alive = [o for o in alive if o not in worse]
        if not alive:
            return {"work": "it takes the least work", "today": "it is what you have",
                    "simplicity": "it is the simplest"}.get(
                name, f"its {METRICS[name].label} is the better" if name in METRICS else name
            )  # fmt: skip
    return "it is what you have" if chosen.is_today else "nothing tells them apart"


def _worse(decision: Decision, name: str, option: Option, chosen: Option) -> bool:
    if name == "work":
        mine, theirs = chosen.hours_value, option.hours_value
        return bool(np.isnan(theirs) and not np.isnan(mine)) or theirs > mine + 0.5
    if name == "today":
        return chosen.is_today and not option.is_today
    if name == "simplicity":
        return option.simplicity > chosen.simplicity
    metric = METRICS[name]
    ahead = metric.sign * (
        decision.measured[option.name][name] - decision.measured[chosen.name][name]
    )
    return ahead > decision.criteria.tolerance(name, decision.measured[chosen.name][name])


def in_sentences(decision: Decision, most: int = 3) -> list[str]:
    """What would change the answer, the nearest first: the number, how far, to what and why."""
    told = []
    for flip in decision.next_flips[:most]:
        unit = _unit(decision, flip.number)
        above = flip.at > flip.here
        then = called(decision, flip.after if above else flip.before)
        what = f"“{then}” would be the choice" if then else "nothing would keep the limits"
        told.append(
            f"If {named(decision, flip.number)} were {'more' if above else 'less'} than"
            f" {value(flip.at, unit)} (now {value(flip.here, unit)}), {what},"
            f" since {cause(decision, flip)}."
        )
    return told


def against(decision: Decision, other: Option) -> list[str]:
    """The choice against another option: every metric in which they differ materially."""
    chosen = decision.chosen
    if chosen is None or chosen == other:
        return []
    mine, theirs = (decision.measured[option.name] for option in (chosen, other))
    told = []
    for name in dict.fromkeys([*decision.criteria.names(), *SHOWN, "bill_usd"]):
        metric = METRICS[name]
        if name not in mine or name not in theirs:
            continue
        found = Comparison(mine[name], theirs[name], metric.unit)
        if abs(found.value - found.other) > decision.criteria.tolerance(name, found.other):
            told.append(f"{metric.label} {found.by} {'more' if found.more else 'less'}")
    return told
