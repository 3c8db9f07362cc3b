"""Who answers the reads, as a table whose columns come to the whole."""

from __future__ import annotations

import pandas as pd

NOTHING = 1e-6  # of the reads: no more than what sums of shares are wrong by


def with_failed(shares: pd.DataFrame, origin: str) -> pd.DataFrame:
    """The shares of the reads that each answers, and of those of which the origin fails, if any."""
    failed = (1 - shares.sum()).clip(lower=0)
    if failed.max() < NOTHING:
        return shares
    whole = pd.concat([shares, failed.to_frame(f"nobody: {origin} failed").T])
    whole.index.name = shares.index.name
    return whole
