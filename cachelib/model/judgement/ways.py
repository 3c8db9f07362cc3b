"""The ways from where a number is to its ends, by the flips that are known to lie on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cachelib.model.judgement.flips import Flip, is_share
from cachelib.model.judgement.sweeps import Sweep

BESIDE = 0.02  # of a flip's value: how far from it its two sides are looked at


class Span(NamedTuple):
    """A way from one value of a number to one farther from here; `flip`: known to lie on it."""

    near: float
    far: float
    flip: Flip | None = None


class Step(NamedTuple):
    """A change of the choice at a value, between one nearer to here and one farther from it."""

    near: float
    far: float
    at: float


def on_side(sweep: Sweep, side: int, found: Sequence[Flip]) -> list[Flip]:
    """The flips of a number on one side of where it is, outwards."""
    own = [f for f in found if f.number == sweep.name and side * (f.at - f.here) > 0]
    return sorted(own, key=lambda flip: side * flip.at)


def spans_of(sweep: Sweep, side: int, found: Sequence[Flip]) -> Iterator[Span]:
    """The way from here to a number's end on one side, by the sides of every flip on it."""
    at, end = sweep.here, sweep.low if side < 0 else sweep.high
    for flip in found:
        near, far = (flip.at + way * BESIDE * flip.size for way in (-side, side))
        far = min(far, end) if side > 0 else max(far, end)
        if side * (near - at) > 0:
            yield Span(at, near)
            at = near
        if side * (far - at) > 0:
            yield Span(at, far, flip if at == near else None)
            at = far
    if side * (end - at) > 0:
        yield Span(at, end)


def outwards(flip: Flip) -> tuple[str | None, str | None]:
    """What is chosen on the way out from here, before a flip and beyond it."""
    return (flip.before, flip.after) if flip.at > flip.here else (flip.after, flip.before)


def halfway(number: str, one: float, other: float) -> float:
    """Between two values, as far from both by a factor where both are positive; of the limit of a
    share near to all, what they leave."""
    if is_share(number) and min(one, other) > 1 / 2:
        return 1 - halfway("", 1 - one, 1 - other)
    return float(np.sqrt(one * other)) if min(one, other) > 0 else (one + other) / 2
