"""The what-if panel: what the page needs to recompute the designs by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cachelib.model.formulas.setting import NEVER_S, grouped
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import METERS, STORED
from cachelib.model.money.prices import OBJECT_GB, price_book

MOST_KEYS = 64  # kinds of key: the page computes them anew at every move of a slider
SLIDERS = (
    ("requests_per_month", "requests a month", 1e3, 1e12),
    ("l1_ttl_s", "TTL in L1, s", 1, 86_400),
    ("l2_ttl_s", "TTL in L2, s", 60, 2_592_000),
    ("origin_neurons", "price of a call of the origin, neurons", 1, 10_000),
    ("origin_ms", "time of a call of the origin, ms", 1, 10_000),
    ("kv_read_ms", "time of a read in KV's nearest cache, ms", 0.1, 200),
)


def panel(study: Study, designs: Sequence[str]) -> dict[str, Any]:
    """The setting, the designs and the prices, as JSON; see templates/what_if.js."""
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
        "designs": [study.case.design(name).model_dump() for name in designs],
        "sliders": [
            {"name": name, "label": label, "low": low, "high": high}
            for name, label, low, high in SLIDERS
        ],
        "prices": _prices(),
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
