"""Counters: integers that a store adds to by itself, so that no process overwrites another's step.

Under its key a store has a mark and the decimal digits, whatever the codec: `incr` of any process
can read them, and so can a script within Redis. Shorter than any envelope, they cannot be taken for
one. A counter lives from its first step on; later ones do not prolong it.
"""

from __future__ import annotations

import re

from cachelib.stores.protocol import RejectedError, Stored

MARK = b"#"
MOST = 2**53 - 1  # of what scripts within Redis can count exactly
_COUNTER = re.compile(rb"#(-?\d{1,16})")


def count_in(data: bytes) -> int | None:
    """The number, if these are a counter's bytes."""
    found = _COUNTER.fullmatch(data)
    return None if found is None else int(found[1])


def step(key: str, stored: Stored | None, by: int, end: float | None, since: int) -> Stored:
    """What follows `stored`, which lives or is None. All up to the change `since` was revoked.

    A counter that begins lives until `end`. RejectedError if something else is stored there.
    """
    if stored is None or stored.version <= since:
        return Stored(_data(key, by), end)
    number = count_in(stored.data)
    if number is None:
        raise no_counter(key)
    return Stored(_data(key, number + by), stored.expires_at)


def no_counter(key: str) -> RejectedError:
    """What to tell whoever asks to add to something else."""
    return RejectedError(f"{key!r} is no counter, but a value that was set or loaded: delete it")


def too_large(key: str) -> RejectedError:
    """The same, of a step that is not taken."""
    return RejectedError(f"{key!r} would leave what a counter holds: -{MOST:,} to {MOST:,}")


def _data(key: str, number: int) -> bytes:
    if abs(number) > MOST:
        raise too_large(key)
    return MARK + str(number).encode()
