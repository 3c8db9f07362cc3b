"""What a sample of whole keys cannot show: keys that are asked for more than any in it.

Of a tenth of the keys, the nine most popular ones are missing more often than not, and where few
keys are a large part of all requests these decide. How popular they are is told by how popularity
falls among those that are there, which follows a power of the rank (Breslau et al., Web Caching and
Zipf-like Distributions, INFOCOM 1999; the exponent by B. Hill, Annals of Statistics 3, 1975).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[Any]
HEAD = 50  # keys that tell how popularity falls
MOST = 100_000  # of the keys before them; the least of so many adds nothing
Z95 = 1.96


class Hotter(NamedTuple):
    """Halves of 95 % intervals: of the hit ratio, and of the number of requests, relative to it."""

    of_hits: float
    of_requests: float


def hotter(asked: Counts, rate: float, hits: Counts | None = None) -> Hotter:
    """The error that keys beyond the sample's most popular one make; `asked` for each key.

    In the whole, 1/`rate` - 1 keys are expected before it. Each is in a sample with the chance
    `rate`, so that what it adds to a sum over all keys varies by its size times √((1-rate)/rate).
    A copy's odds of being there grow as its key's requests do.
    """
    order = np.argsort(-asked)[: HEAD + 1]
    head = asked[order][asked[order] > 0].astype(np.float64)
    before = min(math.ceil(1 / rate) - 1, MOST)
    if len(head) < 2 or before < 1:
        return Hotter(0.0, 0.0)
    falls = float(np.log(head[:-1] / head[-1]).mean())
    falls += falls / math.sqrt(len(head) - 1)  # it is an estimate itself, with this error
    times = (1 / (rate * np.arange(1, before + 1))) ** falls
    share = head[0] * times * rate / (asked.sum() + (head[0] * times * rate).sum())
    spread = Z95 * math.sqrt((1 - rate) / rate)
    of_requests = spread * float(np.sqrt((share**2).sum()))
    if hits is None:
        return Hotter(0.0, of_requests)
    near = order[:5]
    there = (hits[near].sum() + 0.5) / (asked[near].sum() + 1)
    odds = there / (1 - there) * times
    away = odds / (1 + odds) - hits.sum() / asked.sum()
    return Hotter(spread * float(np.sqrt(((share * away) ** 2).sum())), of_requests)
