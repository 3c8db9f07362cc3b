"""Where stores may lie, in the report's terms."""

from __future__ import annotations

import pandas as pd

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.tiers.registry import SHARED
from cachelib.report.language import capital
from cachelib.report.publish.decision import called

NOTHING = "nothing keeps the limits"


def placement_table(decision: Decision) -> pd.DataFrame:
    """Each store in each place tried: what is chosen then, and how long its best user takes."""
    rows = [
        {
            "store": capital(SHARED[placed.store].phrase),
            "in": ", ".join(placed.places) + (" (as assumed)" if placed.is_here else ""),
            "the choice": called(decision, placed.chosen) or NOTHING,
            "an option with this store": called(decision, placed.user),
            METRICS["p95_ms"].head: placed.p95_ms,
        }
        for placed in decision.placements
    ]
    columns = ["store", "in", "the choice", "an option with this store", METRICS["p95_ms"].head]
    return pd.DataFrame(rows, columns=columns).set_index(["store", "in"])


def stands(decision: Decision) -> bool:
    """Whether the choice is the same wherever the stores are."""
    here = decision.chosen and decision.chosen.name
    return all(placed.chosen == here for placed in decision.placements)
