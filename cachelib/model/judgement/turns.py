"""Loads that wait for their turn, or fail, where the origin begins so many a second."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cachelib.model.engines.result import Result

UNITS = {"loads a month": "loads", "wait for their turn": "ratio", "fail": "ratio"}


def table(results: Mapping[str, Result]) -> pd.DataFrame:
    """By option; the shares are of its loads, and those that fail are among those that wait."""
    rows = {
        name: (
            result.per_month()["origin_loads"],
            result.counts["origin_waits"] / max(result.origin_loads, 1),
            result.counts["origin_failures"] / max(result.origin_loads, 1),
        )
        for name, result in results.items()
    }
    made = pd.DataFrame.from_dict(rows, orient="index", columns=list(UNITS))
    return made.rename_axis("option")
