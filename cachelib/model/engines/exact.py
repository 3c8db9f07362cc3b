"""Sums that do not depend on their order, so that any division of the work gives the same bits.

A sum of floats does: it rounds after each one. These are rounded once each, to a fixed unit, and
added as whole numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PER_BYTE_SECOND = 1 << 10
"""Units in a byte-second."""
PER_UNIT = 1 << 16
"""Parts of a millisecond of latency, and of a second of age: a piece's sum stays below 2⁶³."""
LIMB_BITS = 30
"""Of the lower half of a sum that one 64-bit number may not hold."""


def stored_units(byte_seconds: float) -> int:
    """Bytes kept for a time, in whole units."""
    return round(byte_seconds * PER_BYTE_SECOND)


def stored_sum(byte_seconds: npt.NDArray[np.float64]) -> int:
    """The sum of `stored_units` of each."""
    units = np.rint(byte_seconds * PER_BYTE_SECOND).astype(np.int64)
    low = units & ((1 << LIMB_BITS) - 1)
    return (int((units >> LIMB_BITS).sum()) << LIMB_BITS) + int(low.sum())
