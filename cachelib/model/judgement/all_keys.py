"""What was simulated with some of the keys, brought to all of them.

One key in ten cannot be asked for as often as the first of all keys is: what a memory in each
isolate finds, it finds of the most popular above all. Formulas know both, the keys that stand for
all and all; by as much as they are apart, the simulation is corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.metrics import Month, predict
from cachelib.model.judgement.model import Correction
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study

HOURS = ("work_hours", "monthly_cost_usd")  # which no key changes, or which follow


def by_formula(
    study: Study, option: Option, names: Sequence[str]
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Metrics of an option for the keys that are simulated, and for all."""
    some, every = (
        predict(Month(study, option, at), names) for at in (study.setting_of_sample, study.setting)
    )
    return some, every


def of_all_keys(study: Study, option: Option, measured: Mapping[str, float]) -> dict[str, float]:
    """Metrics of an option that was simulated with the keys that stand for all, for all keys."""
    if study.sample.keys == 1:
        return dict(measured)
    names = [name for name in measured if name not in HOURS]
    some, every = by_formula(study, option, names)
    found = dict(measured)
    for name in names:
        right = Correction.between(name, float(some[name][0]), float(every[name][0]))
        most = 1.0 if METRICS[name].unit == "ratio" else np.inf
        found[name] = float(np.clip(right.applied(np.asarray(measured[name])), 0.0, most))
    if "monthly_cost_usd" in measured:
        found["monthly_cost_usd"] += found["bill_usd"] - measured["bill_usd"]
    return found
