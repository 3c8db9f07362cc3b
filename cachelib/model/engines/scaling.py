"""As many isolates as the traffic needs, and which of them a request reaches.

Each colo's number is set anew every so many seconds, from how many requests it had in the last
ones: those that they need at so many each, rounded up, between the two bounds; but it stays where
that is within a tenth of what there is, as the vendor documents of its own default
(kubernetes.io/docs, Horizontal Pod Autoscaling). The last to come is the first to go. One that
comes has a number of its own, which no other had before: so it begins with nothing, and whatever
counts by isolates need know nothing of this.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cachelib.errors import CachelibError
from cachelib.model.engines.compiler import compiled, inner
from cachelib.model.platforms.platform import Platform

MOST_NUMBERS = 1 << 24
NEAR_ENOUGH = 0.1

COLO = np.dtype([("there", "i8"), ("turn", "i8"), ("asked", "i8"), ("period", "i8")])
"""Of a colo: isolates that are there, whose turn it is, requests in the period at hand, its number
from the first request on."""


class TooManyIsolatesError(CachelibError, ValueError):
    """More isolates came and went than can be told apart."""


class Scaler:
    """Numbers isolates anew whenever some are added; its place in the colo is the number modulo
    the most that a colo may have."""

    def __init__(self, platform: Platform) -> None:
        self.most = platform.isolates_per_colo
        self.least = min(platform.isolates_at_least, self.most)
        self.period_s = platform.isolates_scaled_every_s
        self.each = platform.isolate_requests_per_s * self.period_s
        self.colos = np.zeros(0, COLO)
        self.numbers = np.zeros((0, self.most), np.int32)
        self.start = float("nan")
        self.blocks = np.zeros(1, np.int64)  # of numbers, given out so far

    def route(
        self,
        time_s: npt.NDArray[np.float64],
        colo: npt.NDArray[np.int32],
        chosen: npt.NDArray[np.uint64],
    ) -> npt.NDArray[np.int32]:
        """The isolate of each request in its colo: by `chosen`, or in turn where that is empty."""
        isolate = np.empty(len(colo), np.int32)
        if not len(colo):
            return isolate
        if not len(self.colos):
            self.start = float(time_s[0])
        self._know(int(colo.max()) + 1)
        _follow(
            time_s, colo, chosen, self.start, self.period_s, self.each, self.least,
            self.colos, self.numbers, self.blocks, isolate,
        )  # fmt: skip
        if self.blocks[0] * self.most > MOST_NUMBERS:
            raise TooManyIsolatesError(
                f"isolates_scaled_every_s: {self.blocks[0]:,} times isolates were added, to"
                f" {self.most:,} at most; set their number less often, or let there be fewer"
            )
        return isolate

    def _know(self, colos: int) -> None:
        """Room for colos that have not come before."""
        new = np.zeros(max(colos - len(self.colos), 0), COLO)
        self.colos = np.concatenate([self.colos, new])
        rows = np.zeros((len(new), self.most), np.int32)
        self.numbers = np.concatenate([self.numbers, rows])


@inner
def _become(number, here, of_places, blocks):
    """Those that are added have numbers that nobody had."""
    if number > here.there:
        for place in range(here.there, number):
            of_places[place] = blocks[0] * len(of_places) + place
        blocks[0] += 1
    here.there = number


@inner
def _needed(needed, there, least, most):
    if abs(needed - there) <= NEAR_ENOUGH * there:
        return there
    return min(max(np.int64(np.ceil(needed)), least), most)


@inner
def _begin_period(period, each, least, here, of_places, blocks):
    """Set the number of isolates by the last period; where nobody asked in that, as few as may."""
    most = np.int64(len(of_places))
    if here.there == 0:
        _become(least, here, of_places, blocks)
    else:
        _become(_needed(here.asked / each, here.there, least, most), here, of_places, blocks)
        if period > here.period + 1:
            _become(least, here, of_places, blocks)
    here.period, here.asked = period, 0


@compiled
def _follow(
    time_s, colo, chosen, start, period_s, each, least, colos, numbers, blocks, isolate
):  # fmt: skip
    for i in range(len(colo)):
        here, of_places = colos[colo[i]], numbers[colo[i]]
        period = np.int64((time_s[i] - start) // period_s)
        if period > here.period or here.there == 0:
            _begin_period(period, each, least, here, of_places, blocks)
        here.asked += 1
        if len(chosen):
            place = np.int64(chosen[i] % np.uint64(here.there))
        else:
            place = here.turn % here.there
            here.turn = place + 1
        isolate[i] = of_places[place]
