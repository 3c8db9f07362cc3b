"""What a store's absence would mean, in the report's terms."""

from __future__ import annotations

import pandas as pd

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.failures import outages
from cachelib.model.judgement.options import simulate
from cachelib.report.language import capital
from cachelib.report.numbers import Unit
from cachelib.report.publish.decision import called, in_order

FAILING = "reads that fail where nobody catches the error"
TIMES = "times the usual loads where the origin is asked instead"
UNITS: dict[str, Unit] = {FAILING: "ratio", TIMES: "times"}


def outages_table(decision: Decision) -> pd.DataFrame:
    """The choice, what is there today and the rivals, without each of their stores."""
    today = [decision.today.name] if decision.today else []
    shown = {*today, *decision.rivals} | ({decision.chosen.name} if decision.chosen else set())
    rows = [
        {
            "option": called(decision, option.name),
            "without": capital(outage.store.phrase),
            FAILING: outage.asked,
            TIMES: outage.times,
        }
        for option in in_order(decision)
        if option.name in shown
        for outage in outages(simulate(decision.study, option))
    ]
    columns = ["option", "without", FAILING, TIMES]
    return pd.DataFrame(rows, columns=columns).set_index(["option", "without"])
