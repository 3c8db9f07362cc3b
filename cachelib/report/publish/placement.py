"""Where stores may lie, and where the Worker may run, in the report's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.placement import RUNNING, Placed
from cachelib.model.platforms.colos import in_regions, region_at
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
            "in": places + " (as assumed)" * placed.is_here,
            "the choice": called(decision, placed.chosen) or NOTHING,
            user: called(decision, placed.user),
            METRICS["p95_ms"].head: placed.p95_ms,
        }
        for placed, places in _apart(decision)
    ]
    columns = [what, "in", "the choice", user, METRICS["p95_ms"].head]
    return pd.DataFrame(rows, columns=columns).set_index([what, "in"])


def _called(decision: Decision, word: str) -> str:
    told = decision.study.told
    named = {"worker": f"the {told('Worker')}", "origin": f"the {told('origin')}"}
    return capital(named.get(word) or SHARED[word].phrase)


def _apart(decision: Decision) -> Iterator[tuple[Placed, str]]:
    """What was tried, and where, as the case names places; the same place under another name is
    none of its own."""
    named = region_at if in_regions(decision.study.trace.colos) else str
    here = {
        placed.store: _places(placed, named) for placed in decision.placements if placed.is_here
    }
    for placed in decision.placements:
        places = _places(placed, named)
        if placed.is_here or places != here.get(placed.store):
            yield placed, places


def _places(placed: Placed, named: Callable[[str], str]) -> str:
    return ", ".join(map(named, placed.places)) or "near each reader"


def runs(decision: Decision) -> bool:
    """Whether the Worker and its origin are among what is tried elsewhere."""
    return any(placed.store in RUNNING for placed in decision.placements)


def stands(decision: Decision) -> bool:
    """Whether the choice is the same wherever all that is tried is."""
    here = decision.chosen and decision.chosen.name
    return all(placed.chosen == here for placed in decision.placements)
