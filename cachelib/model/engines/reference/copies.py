"""Copies of a store that answer reads: each change reaches them a while after it was made."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from cachelib import Stored
from cachelib.model.engines.reference.world import World


class Copies:
    """All copies of one store, which hear of every change in its order, `lag_s` after it."""

    def __init__(self, world: World, lag_s: float) -> None:
        self.world, self.lag_s = world, lag_s
        self.coming: deque[tuple[float, Hashable, Stored | None]] = deque()
        self.held: dict[Hashable, Stored | None] = {}

    def tell(self, where: Hashable, stored: Stored | None) -> None:
        """It was written there, or deleted."""
        self.coming.append((self.world.now, where, stored))

    def get(self, where: Hashable) -> Stored | None:
        while self.coming and self.coming[0][0] + self.lag_s <= self.world.now:
            _, changed, stored = self.coming.popleft()
            self.held[changed] = stored
        return self.held.get(where)
