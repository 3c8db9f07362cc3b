"""Where stores may lie, and where the Worker may run, in the report's terms."""

from __future__ import annotations

import pandas as pd

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.placement import NEAR_READERS, RUNNING, Placed
from cachelib.model.tiers.registry import SHARED
from cachelib.report.language import capital
from cachelib.report.publish.decision import called

NOTHING = "nothing keeps the limits"


def placement_table(decision: Decision) -> pd.DataFrame:
    """Each store in each place tried: what is chosen then, and how long its best user takes."""
    what, user = ("of", "an option") if runs(decision) else ("store", "an option with this store")
    rows = [
        {
            what: _called(decision, placed.store),
            "in": _places(placed),
            "the choice": called(decision, placed.chosen) or NOTHING,
            user: called(decision, placed.user),
            METRICS["p95_ms"].head: placed.p95_ms,
        }
        for placed in decision.placements
    ]
    columns = [what, "in", "the choice", user, METRICS["p95_ms"].head]
    return pd.DataFrame(rows, columns=columns).set_index([what, "in"])


def _called(decision: Decision, word: str) -> str:
    told = decision.study.told
    named = {"worker": f"the {told('Worker')}", "origin": f"the {told('origin')}"}
    return capital(named.get(word) or SHARED[word].phrase)


def _places(placed: Placed) -> str:
    places = "near each reader" if placed.places == NEAR_READERS else ", ".join(placed.places)
    return places + " (as assumed)" * placed.is_here


def runs(decision: Decision) -> bool:
    """Whether the Worker and its origin are among what is tried elsewhere."""
    return any(placed.store in RUNNING for placed in decision.placements)


def stands(decision: Decision) -> bool:
    """Whether the choice is the same wherever all that is tried is."""
    here = decision.chosen and decision.chosen.name
    return all(placed.chosen == here for placed in decision.placements)
