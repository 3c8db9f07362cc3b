"""How many isolates there are, by formula, where their number follows the traffic."""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas.setting import NEVER_S, Array, Setting


def isolates(at: Setting, asked: Array) -> Array:
    """Isolates of a data centre that is asked so often a second, shape (draws, colos or 1, 1).

    What is needed is rounded up, by half of one on average where traffic is not always the same.
    That those which come begin with nothing is not in it.
    """
    each, most = at["isolate_requests_per_s"], at["isolates_per_colo"]
    if (each >= NEVER_S).all():
        return most
    needed: Array = np.clip(asked / each + 0.5, np.minimum(at["isolates_at_least"], most), most)
    return needed
