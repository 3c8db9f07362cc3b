"""The what-if panel: what the page needs to judge the options anew by itself.

The page computes what `judgement.model` does, at one point, with the same corrections and the same
order of judging (`judgement.ties`); tests/browser/test_what_if.py holds one against the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from cachelib.model.case.case import Case
from cachelib.model.case.claims import Claim
from cachelib.model.case.criteria import Criteria
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import NEVER_S, Keys
from cachelib.model.judgement import policies
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.draws import draw
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import Sureness
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import concerns
from cachelib.model.judgement.surface import Surface
from cachelib.model.judgement.sweeps import Sweep, sweeps
from cachelib.model.money.prices import CALLS, DOORS, OBJECT_GB, OUT, hours_rented
from cachelib.model.platforms.books import PriceBook
from cachelib.model.platforms.calls import OF_A_CALL
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL, METERS, STORED
from cachelib.model.tiers.tier import Tier
from cachelib.report.language import capital
from cachelib.report.publish import decision as words
from cachelib.report.publish.figures import VARIABLES, colour
from cachelib.report.publish.findings import Panel

MOST = 8
"""Numbers that the reader may move: more would be no panel."""

TRIES = 120
"""Draws that the page judges anew: as many as it does in a second or two."""


def panel(decision: Decision) -> dict[str, Any]:
    """Setting, options as judged, criteria and prices, as JSON; see templates/what_if.js."""
    return judged_with(decision.model) | {
        "sliders": [_slider(decision, sweep) for sweep in _that_matter(decision)],
        "unsure": [
            [anchor.option, anchor.metric]
            for anchor in decision.anchoring.anchors
            if anchor.status == "withheld"
        ],
        "draws": _draws(decision),
        "found": {name: _found(sure) for name, sure in decision.sureness.items()},
        "tries": decision.judged_draws,
        "map": decision.map_axes,
        "unit": words.score_unit(decision),
        "case": _case(decision),
        "order": [option.name for option in words.in_order(decision)],
    }


def judged_with(model: Model) -> dict[str, Any]:
    """What the page's formulas and its judgement compute with; its keys are the model's."""
    study, at = model.study, model.setting
    return {
        "at": {
            "keys": _keys(at.keys),
            "weights": at.weights.tolist(),
            "trips": {name: value.tolist() for name, value in at.trips._asdict().items()},
            "numbers": {name: min(float(n), NEVER_S) for name, n in at.numbers.items()},
            "hashed": at.hashed,
            "emptied": [[each.every_s, min(each.keys, NEVER_S)] for each in at.emptied],
            "tiers": {word: _tier(tier) for word, tier in ALL.items()},
        },
        "growth": study.case.growth.model_dump(include={"writes", "keys", "value_life"}),
        "designs": [_as_judged(model, nth) for nth in range(len(model.options))],
        "claims": [_claim(*followed) for followed in _followed(study)],
        "as_set": {name: _as_set(model, design) for name, design in _asked(study).items()},
        "object_rate": study.platform.do_requests_per_s,
        "criteria": _criteria(study.case.criteria, study.told),
        "prices": _prices(study.book),
    }


def _keys(keys: Keys) -> dict[str, Any]:
    columns = {name: getattr(keys, name) for name in ("share", "number", "written", "every_s")}
    told = {name: column for name, column in columns.items() if column is not None}
    each = {name: [min(float(n), NEVER_S) for n in column] for name, column in told.items()}
    return {**each, "unasked": keys.unasked}


def _draws(decision: Decision) -> dict[str, list[float]]:
    """Everything that nobody knows, so many times; nothing where formulas had to be withheld."""
    if decision.by_simulation:
        return {}
    drawn = draw(decision.study, decision.options, TRIES, decision.study.seed)
    return {name: [float(f"{value:.4g}") for value in values] for name, values in drawn.items()}


def _found(sure: Sureness) -> dict[str, float | None]:
    """What the report says of an option, to which the page's few draws are brought."""
    regret = sure.regret
    told = {"kept": sure.keeps.value, "best": sure.best.value,
            "mean": regret.mean, "error": regret.mean_error}  # fmt: skip
    return {name: None if math.isnan(number) else number for name, number in told.items()}


def _followed(study: Study) -> Iterator[tuple[Claim, str, str]]:
    """The claims that a formula decides, each with its design and metric; of work none says."""
    for claim in study.case.claims:
        of, _, metric = (claim.region.of if claim.region else "").partition(".")
        if of and metric not in ("monthly_cost_usd", "work_hours"):
            yield claim, of, metric


def _claim(claim: Claim, of: str, metric: str) -> dict[str, Any]:
    """What the page needs to judge a claim at other numbers."""
    told = {"id": claim.id, "of": of, "metric": metric, "unit": METRICS[metric].unit}
    return told | {"low": claim.low, "high": claim.high}


COMPARED_WITH = {
    "loads_saved": "l1-only",
    "l2_speed_up": "origin-only",
    "cost_over_durable_object": "durable-object",
}
"""The metrics that compare a design with another one; see `judgement.metrics`."""


def _asked(study: Study) -> dict[str, Design]:
    """The designs that claims are about, and those that they compare them with."""
    asked: dict[str, Design] = {}
    for _, of, metric in _followed(study):
        names = {of, COMPARED_WITH.get(metric, of)}
        asked |= {name: study.case.design(name) for name in sorted(names)}
        if metric == "writes_saved":
            asked |= policies.designs(study)
    return asked


def _as_set(model: Model, design: Design) -> dict[str, Any]:
    """A design as the case sets it, for the page's formulas."""
    return design.model_dump() | {"platform": {}, "rented": _rented(model, design, {})}


def _rented(model: Model, design: Design, own: Mapping[str, float]) -> Any:
    """Hours of a month, by meter, with an option's own settings of the platform."""
    platform = model.study.platform

    def number(name: str) -> float:
        return own.get(name, float(getattr(platform, name)))

    return hours_rented(design, len(model.setting.weights), number)


def _tier(tier: Tier) -> dict[str, Any]:
    """What the page's formulas need of a tier."""
    names = (
        "scope",
        "plain",
        "reads",
        "writes",
        "erases",
        "tells",
        "telling",
        "failure",
        "needed",
        "room",
        "beside",
        "lag",
        "listing",
        "deletes",
    )
    told = {name: getattr(tier, name) for name in names}
    takes, last = (tier.places[n].takes if tier.places else () for n in (0, -1))
    units = {meter: each._asdict() for meter, each in tier.units.items()}
    told |= {"takes": takes, "stored": tier.stored is not None, "carried": tier.carried}
    told |= {"copied": tier.copied, "lists": tier.meters.get(tier.listing)}
    if tier.in_front:
        told |= {"in_front": tier.in_front._asdict(), "last": last}
    return told | {"units": units}


def controls(panel: Panel) -> dict[str, Any]:
    """What the panel's markup needs: its data, a slider for each number, columns, options."""
    data = panel.data
    names = [design["name"] for design in data["designs"]]
    return {
        "data": htmlsafe_json_dumps({name: data[name] for name in data if name != "sliders"}),
        "has_draws": bool(data.get("draws")),
        "is_unsure": bool(data["unsure"]),
        "sliders": [slider | _on_track(slider) for slider in data["sliders"]],
        "columns": [data["criteria"]["metrics"][name] for name in data["criteria"]["shown"]],
        "designs": [
            (names.index(name), data["designs"][names.index(name)]["words"])
            for name in data["order"]
        ],
    }


def _on_track(slider: dict[str, Any]) -> dict[str, Any]:
    """Where things lie on a slider, whose track is even in the logarithm where it can be."""
    scale = math.log if slider["log"] else float
    low, high = scale(slider["low"]), scale(slider["high"])
    places = {name: scale(slider[name]) for name in ("low", "high", "here")}
    return {
        "track": places,
        "marks": [100 * (scale(flip) - low) / (high - low) for flip in slider["flips"]],
    }


def _that_matter(decision: Decision) -> Iterator[Sweep]:
    """The numbers whose flips lie nearest, then those worth most to know; traffic always."""
    near = [flip.number for flip in decision.next_flips]
    worth = [each.name for each in decision.worths if each.explains > 0.02]
    named = dict.fromkeys(["requests_per_month", *near, *worth])
    known = {sweep.name: sweep for sweep in sweeps(decision.corrected)}
    movable = [
        name
        for name in named
        if name in known and known[name].low < known[name].high and concerns(decision.study, name)
    ]
    yield from (known[name] for name in movable[:MOST])


def _slider(decision: Decision, sweep: Sweep) -> dict[str, Any]:
    low, high = min(sweep.low, sweep.here), max(sweep.high, sweep.here)
    is_log = low > 0
    return {
        "name": sweep.name,
        "label": words.named(decision, sweep.name),
        "unit": words.unit_said(decision, sweep.name),
        "low": low,
        "high": high,
        "here": sweep.here,
        "log": is_log,
        "range": sweep.assumed and [sweep.assumed.low, sweep.assumed.high],
        "flips": sorted(
            flip.at
            for flip in decision.flips
            if flip.number == sweep.name and low <= flip.at <= high
        ),
    }


def _criteria(criteria: Criteria, told: Callable[[str], str]) -> dict[str, Any]:
    """Limits, weights and ties; `shown`: the metrics of the table, those that decide first."""
    limited = [limit.metric for limit in criteria.limits]
    shown = list(dict.fromkeys([*criteria.weights, *limited, "bill_usd", "hit_ratio"]))
    names = dict.fromkeys([*criteria.names(), *shown])
    return {
        "weights": criteria.weights,
        "limits": [
            {
                "name": name,
                "metric": limit.metric,
                "bound": limit.bound,
                "sign": limit.sign,
                "costs": limit.costs,
            }
            for name, limit in limit_names(criteria).items()
        ],
        "metrics": {name: _metric(criteria, name, told) for name in names},
        "aim": criteria.aim,
        "then": criteria.then,
        "late_after_s": criteria.late_after_s,
        "months": criteria.written_off_months,
        "broken_limit": criteria.broken_limit,
        "shown": shown,
    }


def _metric(criteria: Criteria, name: str, told: Callable[[str], str]) -> dict[str, Any]:
    metric, own = METRICS[name], criteria.material.get(name)
    return {
        "name": name,
        "label": told(metric.label),
        "head": told(metric.head),
        "unit": metric.unit,
        "sign": metric.sign,
        "material": metric.material if own is None else own,
        "relative": metric.relative if own is None else 0.0,
    }


def _as_judged(model: Model, nth: int) -> dict[str, Any]:
    """The option's design at its settings, what ranks it, and how its formulas are corrected."""
    option, case = model.options[nth], model.study.case
    return option.design.model_dump() | {
        "corrections": {
            metric: {"kind": correction.kind, "amount": correction.amount}
            for (name, metric), correction in model.corrections.items()
            if name == option.name
        },
        "surfaces": {
            metric: _surface(surface)
            for (name, metric), surface in model.surrogates.items()
            if name == option.name
        },
        "platform": option.platform,
        "rented": _rented(model, option.design, option.platform),
        "words": capital(case.words(option.name)),
        "colour": VARIABLES[colour(model.study, option.name)],
        "hours": None if option.hours is None else option.hours.value,
        "today": option.is_today,
        "simplicity": option.simplicity,
        "noise": {name: float(noise[nth]) for name, noise in model.resolution.items()},
    }


def _surface(surface: Surface) -> dict[str, Any]:
    """What is left of a formula's error, as the page evaluates it."""
    arrays = ("here", "centre", "scale", "points", "weights", "slopes")
    return {"names": surface.names} | {name: getattr(surface, name).tolist() for name in arrays}


def _case(decision: Decision) -> str:
    """The case as it is settled, each option held at its settings, for the page to change.

    As text: notebooks are written with their mappings sorted, and traffic is drawn in the case's
    order of places. Without what only the original has: its repository, the document under test.
    """
    case: Case = decision.study.case
    told = case.model_dump(mode="json", exclude_defaults=True, exclude={"claims", "document"})
    for left_out in ("path", "says"):
        told["system"].pop(left_out, None)
    told["assumptions"] |= {
        name: number.model_dump(mode="json") for name, number in case.assumed.items()
    }
    notes = told.setdefault("options", {})
    for option in decision.options:
        notes[option.name] = notes.get(option.name, {}) | _notes(option)
    told.get("criteria", {}).pop("hours", None)
    return json.dumps(told)


def _notes(option: Option) -> dict[str, Any]:
    held = {"settings": dict(option.settings)}
    return held if option.hours is None else held | {"hours": option.hours.model_dump(mode="json")}


def _prices(book: PriceBook) -> dict[str, Any]:
    return {
        "minimum": float(book.plans[book.plan].minimum),
        "object_gb": float(OBJECT_GB),
        "counts": METERS,
        "calls": CALLS,
        "of_a_call": OF_A_CALL,
        "doors": DOORS,
        "out": OUT,
        "stored": STORED,
        "meters": {
            name: {
                "price": float(meter.price or 0),
                "unit": meter.unit,
                "included": float(meter.included),
                "up": meter.rounding == "up",
                "ends": meter.price is None,
            }
            for name, meter in book.of_plan().items()
        },
    }
