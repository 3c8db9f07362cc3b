"""The what-if panel: what the page needs to recompute the designs by itself."""

from __future__ import annotations

import math
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from cachelib.model.formulas.setting import NEVER_S, grouped
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.money.costs import METERS, STORED
from cachelib.model.money.prices import OBJECT_GB, price_book
from cachelib.report.publish.findings import Panel

MOST_KEYS = 64  # kinds of key: the page computes them anew at every move of a slider
SLIDERS = (
    ("requests_per_month", "requests a month", 1e3, 1e12),
    ("origin_neurons", "price of a call of the origin, neurons", 1, 10_000),
    ("origin_ms", "time of a call of the origin, ms", 1, 10_000),
    ("kv_read_ms", "time of a read in KV's nearest cache, ms", 0.1, 200),
)


CORRECTED = {
    "hit_ratio": "hit_ratio", "origin_loads_per_month": "loads", "mean_ms": "mean_ms",
    "bill_usd": "usd",
}  # fmt: skip


def panel(model: Model) -> dict[str, Any]:
    """The setting, the options as judged, and the prices, as JSON; see templates/what_if.js.

    `corrections` bring each option's formulas to what the simulation says here, so that the page
    and the recommendation tell the same; `growth` is what follows when the traffic grows.
    """
    study = model.study
    at = study.setting
    keys = grouped(at.keys.share, MOST_KEYS) if len(at.keys.share) > MOST_KEYS else at.keys
    return {
        "at": {
            "keys": {"share": keys.share.tolist(), "number": keys.number.tolist()},
            "weights": at.weights.tolist(),
            "trips": {name: value.tolist() for name, value in at.trips._asdict().items()},
            "numbers": {name: min(float(n), NEVER_S) for name, n in at.numbers.items()},
            "hashed": at.hashed,
        },
        "growth": study.case.growth.model_dump(include={"writes", "keys", "value_life"}),
        "designs": [_as_judged(model, option) for option in model.options],
        "sliders": [
            {"name": name, "label": label, "low": low, "high": high}
            for name, label, low, high in SLIDERS
        ],
        "prices": _prices(),
    }


def controls(panel: Panel) -> dict[str, Any]:
    """What the panel's markup needs: its data, a slider for each number, the options' names."""
    data = panel.data
    here = data["at"]["numbers"]
    sliders = [
        slider
        | {
            "low": math.log(min(slider["low"], here[slider["name"]])),
            "high": math.log(max(slider["high"], here[slider["name"]])),
            "here": math.log(max(here[slider["name"]], 1e-9)),
        }
        for slider in data["sliders"]
        if here[slider["name"]] > 0  # nothing can be so many times nothing
    ]
    return {
        "data": htmlsafe_json_dumps(data),
        "sliders": sliders,
        "designs": [design["name"] for design in data["designs"]],
    }


def _as_judged(model: Model, option: Option) -> dict[str, Any]:
    """The design at its settings, and how its formulas are corrected."""
    corrections = {
        name: {"kind": correction.kind, "amount": correction.amount}
        for metric, name in CORRECTED.items()
        if (correction := model.corrections.get((option.name, metric)))
    }
    return option.design.model_dump() | {
        "corrections": corrections,
        "platform": option.platform,
    }


def _prices() -> dict[str, Any]:
    book = price_book()
    return {
        "minimum": float(book.plans["paid"].minimum),
        "object_gb": float(OBJECT_GB),
        "counts": METERS,
        "stored": STORED,
        "meters": {
            name: {
                "price": float(meter.price or 0),
                "unit": meter.unit,
                "included": float(meter.included),
                "up": meter.rounding == "up",
            }
            for name, meter in book.of_plan("paid").items()
        },
    }
