"""Rounds that empty caches: the next that is due, and what it is of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cachelib.model.engines.reference.front import Front
from cachelib.model.engines.reference.waiting import Errands
from cachelib.model.engines.reference.world import NOBODY, ModelStore, World
from cachelib.model.platforms.colos import Geography
from cachelib.model.traffic.trace import Trace


class Rounds:
    """Each empties all that is shared of its keys; the origin's values stay as they are."""

    def __init__(
        self, world: World, errands: Errands, stores: Sequence[ModelStore], front: Front | None
    ) -> None:
        self.world, self.errands, self.stores, self.front = world, errands, stores, front
        self.done, self.due_s = 0, math.inf

    def know(self, trace: Trace, places: Geography) -> None:
        """What there is to empty from now on, and where."""
        self.purges, self.keys, self.runs = trace.purges, trace.keys, places.runs
        self.colos = np.unique(places.runs).tolist()
        self.due_s = self.purges.due_s(self.done)

    def empty(self) -> None:
        """The one that is due."""
        world, purges, nth = self.world, self.purges, self.done
        self.errands.land(self.due_s)
        keys = self.keys[: int(purges.keys[nth])]
        world.now, world.row, world.isolate, world.writing = self.due_s, nth, NOBODY, False
        for store in self.stores:
            world.colo = int(self.runs[purges.colo[nth]])
            store.purge(keys, self.colos)
        if self.front:
            self.front.drop(keys)
        self.done += 1
        self.due_s = purges.due_s(self.done)
