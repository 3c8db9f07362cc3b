"""Keys that lie together in one stored value.

`joined: 20` of a design: so many keys lie in each value, or as near to that as divides them evenly.
Which, their popularity says: of m values, that of the most popular key has the keys of the ranks
1, m + 1, 2m + 1 and so on, so that a hot one lies with cold ones and no value with two hot ones. A
read of any of them is a read of the value, a load loads all, a write rewrites all (who writes knows
the others), and a deletion drops all. `joined_origin_calls`: what the origin is asked for a load of
them; by default once for each key. Those calls go out at once, and fail at once: that a Worker has
six under way at most (developers.cloudflare.com/workers/platform/limits) is not modelled.

That a larger value takes longer on its way and in the Worker is not modelled. What changes at the
origin, and nobody writes, makes answers out of date to whoever asks for that key; what is written
does, whichever key of the value it is of, until the copy has heard: that share is the most that it
can be. Where only what has changed is written (`write_only_if_changed`), a value changes as often
as all of its keys do, and answers are as late as if each were asked for.
"""

from __future__ import annotations

import math

MOST = 1_000  # keys in a value; beyond, nothing is meant


def values(keys: float, joined: int | None) -> float:
    """How many values so many keys make."""
    whole = math.ceil(keys / (joined or 1) * (1 - 1e-12))
    return keys if not joined or joined == 1 else float(max(whole, 1))


def fault(*, joined: int | None, calls: int | None, caches: bool, in_front: bool) -> str | None:
    """What is wrong with a design that says so; None where nothing is."""
    if joined is None:
        if calls is not None:
            return "joined_origin_calls: no keys lie together; say with joined how many do"
        return None
    if not caches:
        return "joined: it is a cache that keeps keys in one value; there is none"
    if in_front:
        return (
            "joined: what 'workers-cache' keeps are answers, each of a URL of its own, and not"
            " values that the Worker could put together"
        )
    return None
