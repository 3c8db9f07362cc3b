"""Isolates, and how their memory goes: when they are idle, at random, at a deploy."""

from __future__ import annotations

import math

from cachelib import TieredCache
from cachelib.model.engines.random import ISOLATES, exponential, key_of
from cachelib.model.engines.reference.others import Listening
from cachelib.model.engines.reference.world import ModelStore
from cachelib.model.platforms.platform import Platform


class Isolate:
    """A running copy of the Worker, with a memory of its own."""

    def __init__(self, number: int, l2: ModelStore | Listening | None) -> None:
        self.number, self.l2 = number, l2
        self.cache: TieredCache
        self.last = self.dies_at = -math.inf
        self.generation = 0


class Lives:
    """When isolates lose their memory; `start` is the time of the first request of all."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self.platform, self.key, self.start = platform, key_of(seed, ISOLATES), math.nan

    def renew(self, isolate: Isolate, now: float) -> str:
        """Note that it is used, and say by what its memory was lost since it was used last."""
        reason = self._lost(isolate, now) if isolate.generation else ""
        if reason or not isolate.generation:
            counter = isolate.number << 32 | isolate.generation
            isolate.dies_at = now + self.platform.isolate_life_s * exponential(self.key, counter)
            isolate.generation += 1
        isolate.last = now
        return reason

    def _lost(self, isolate: Isolate, now: float) -> str:
        if now - isolate.last > self.platform.isolate_idle_s:
            return "idle"
        if now >= isolate.dies_at:
            return "random"
        return (
            "deploy" if self._deploys(isolate, now) > self._deploys(isolate, isolate.last) else ""
        )

    def _deploys(self, isolate: Isolate, now: float) -> int:
        """How many have come to it; each replaces the isolates of a colo one after another."""
        platform, since = self.platform, now - self.start
        nth = isolate.number % platform.isolates_per_colo + 1
        since -= platform.replaced_in_s * nth / platform.isolates_per_colo
        return math.floor(max(since, 0.0) / platform.deploy_every_s)
