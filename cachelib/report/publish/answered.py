"""Who answers the reads, as a table whose columns come to the whole."""

from __future__ import annotations

import pandas as pd

NOTHING = 1e-6  # of the reads: no more than what sums of shares are wrong by
WAITED = "a load that another request had begun, waited for"


def in_words(shares: pd.DataFrame, store: str, origin: str) -> pd.DataFrame:
    """The shares of the reads by what answers them; of those that wait for another's load, and of
    those of which the origin fails, if any."""
    others = {"waited": WAITED, "failed": f"nobody: {origin} failed"}
    idle = [row for row in others if row in shares.index and shares.loc[row].max() < NOTHING]
    named = {"L1": "memory", "L2": store, "origin": origin} | others
    return shares.drop(index=idle).rename(index=named).rename_axis("answered by")
