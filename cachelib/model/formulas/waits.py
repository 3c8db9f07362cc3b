"""How long reads take, by formula: log-normals around the time of every way that they may go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.quantiles import quantile
from cachelib.model.formulas.racing import LEAST_MS, Race
from cachelib.model.formulas.roots import increasing_root
from cachelib.model.formulas.setting import Array
from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.kv import KV
from cachelib.model.tiers.tier import Place


class Way(NamedTuple):
    """How deep into L2 a read looked: the reads a second that find their value there, those that
    then load it, the time for looking, ms, and this times how much wider than `jitter` it varies;
    shape (draws, colos)."""

    found: Array
    loaded: Array
    ms: Array
    uneven: Array


class Waits:
    """The times of a design's reads."""

    def __init__(self, flows: Flows) -> None:
        self.flows, self.at = flows, flows.at
        even = np.zeros((1, 1))
        l1_ms = _by_colo(self.at["l1_ms"]) if flows.design.l1 else even
        ran = [(self._sum(flows.answered_by_l1), l1_ms, even)] if flows.design.l1 else []
        self.races = []
        loaded = flows.loaded - flows.unawaited
        for way in self._ways(flows.asked - flows.unawaited_misses - loaded, loaded):
            if flows.design.hedge_after_ms is not None:
                self.races.append(self._raced(way, l1_ms, flows.design.hedge_after_ms))
                continue
            ran.append((way.found, l1_ms + way.ms, way.uneven))
            ran.append((way.loaded, l1_ms + way.ms + self._load_ms, way.uneven))
        parts = [(rate, ms, even) for rate, ms in self._front_ways()]
        parts += map(self._reached, *zip(*ran, strict=True)) if ran else []
        parts = [_merged(*part) for part in parts] or [(even, np.ones((1, 1)), even)]
        draws = max(len(array) for part in [*parts, *self.races] for array in part)
        shapes = [(draws, np.broadcast_shapes(*(each.shape for each in part))[1]) for part in parts]
        weight, median, uneven = (
            _side_by_side(list(each), shapes) for each in zip(*parts, strict=True)
        )
        taken = weight.any(axis=0)
        weight, median, uneven = weight[:, taken], median[:, taken], uneven[:, taken]
        self.all: Array = weight.sum(axis=1) + sum((race.rate for race in self.races), np.zeros(1))
        self.weight: Array = weight / self.all[:, None]
        self.median: Array = np.maximum(median, 1e-6)
        self.sigma: Array = self._sigma(uneven, self.median)

    @property
    def asked_in_vain(self) -> Array:
        """Loads a second of what was found all the same, shape (draws,)."""
        vain: Array = sum((race.asked_in_vain for race in self.races), np.zeros(1))
        return vain

    @property
    def mean_ms(self) -> Array:
        """Of a read; a log-normal's mean lies e^(σ²/2) above its median."""
        mean: Array = (self.weight * self.median * np.exp(self.sigma**2 / 2)).sum(axis=1)
        for race in self.races:
            mean = mean + race.total_ms / self.all
        return mean

    def _sigma(self, uneven: Array, ms: Array) -> Array:
        """How widely what takes `ms` varies, as the mean of its parts, each as long as it is."""
        return np.maximum(_by_colo(self.at["jitter"]) + uneven / ms, 1e-6)

    @property
    def ran_ms(self) -> Array:
        """Of a read for which the Worker runs, from when it does: what a function is billed for."""
        above = np.exp(self.at["jitter"].ravel() ** 2 / 2)
        flows, trips, front = self.flows, self.at.trips, self.flows.front
        if front is None:
            if not len(trips.to_worker):
                return self.mean_ms
            way = (_by_colo(self.at.trip(trips.to_worker)) * trips.reader_share).sum(axis=1)
            return np.asarray(self.mean_ms - way * above)
        waited = np.zeros(1)
        l1_ms = self.at["l1_ms"].ravel() if flows.design.l1 else np.zeros(1)
        for way in self._ways(flows.asked - flows.loaded, flows.loaded):
            loading = way.loaded * (way.ms + self._load_ms)
            waited = waited + (way.found * way.ms).sum(axis=1) + loading.sum(axis=1)
        return np.asarray((waited / self._sum(front.runs).sum(axis=1) + l1_ms) * above)

    def quantile_ms(self, q: float) -> Array:
        """The time within which a share `q` of the reads is answered."""
        places = np.log(self.median)
        if self.races:
            return self._raced_quantile_ms(places, q)
        weight, mean, deviation = np.broadcast_arrays(self.weight, places, self.sigma)
        return np.asarray(np.exp(quantile(weight, mean, deviation, q)))

    def _raced_quantile_ms(self, places: Array, q: float) -> Array:
        """The same where what is answered first of two is no log-normal."""

        def more(at: Array) -> Array:
            within = (at[:, None] - places) / self.sigma
            reached: Array = np.einsum("ij,ij->i", self.weight, ndtr(within)) - q
            for race in self.races:
                reached = reached + race.answered(np.exp(at[:, None])) / self.all
            return reached

        alone = float(ndtri(q))  # where it lies in one log-normal; of several, between these
        ends = [places + alone * self.sigma, *(race.reach(alone) for race in self.races)]
        draws = max(map(len, ends))
        outermost = np.concatenate(
            [np.broadcast_to(each, (draws, each.shape[1])) for each in ends], axis=1
        )
        at = increasing_root(more, outermost.min(axis=1), outermost.max(axis=1))
        return np.asarray(np.exp(at))

    def _raced(self, way: Way, l1_ms: Array, after_ms: float) -> Race:
        """What passes on a way into the stores whose reads ask the origin, too."""
        found, near, uneven = self._reached(way.found, l1_ms + np.zeros_like(way.ms), way.uneven)
        loaded, _, _ = self._reached(way.loaded, l1_ms, way.uneven)
        looking, origin = (
            np.maximum(self._by_reader(ms), LEAST_MS) for ms in (way.ms, self._load_ms)
        )
        sigmas = (
            self._sigma(uneven, ms)
            for ms in (looking, near + looking, near + looking + origin, np.full((1, 1), np.inf))
        )
        after = np.full((1, 1), after_ms)
        return Race(*np.broadcast_arrays(found, loaded, near, looking, after, origin, *sigmas))

    def _by_reader(self, ms: Array) -> Array:
        """Of the place where the Worker runs, by the readers' colo."""
        placed = len(self.at.trips.to_worker) > 0 and ms.shape[1] > 1
        return ms[:, self.at.trips.reader] if placed else ms

    def _sum(self, rate: Array) -> Array:
        """A rate by colo and key as one by colo."""
        by_colo: Array = np.maximum(rate @ self.flows.count, 0)
        return by_colo

    def _ways(self, found: Array, loaded: Array) -> Iterator[Way]:
        """Into the stores, for reads that find their value there and reads that then load it."""
        flows, store = self.flows, self.flows.design.store
        if flows.layered:
            yield self._way(flows.missed - flows.asked, np.zeros_like(found), self._passed)
        if store is KV:
            yield from self._kv_ways(found, loaded)
        elif store is DURABLE_OBJECT:
            yield from self._object_ways(found, loaded)
        else:
            into = () if store is None else self._into(store.places[0])
            yield self._way(found, loaded, *(into or (self._passed,)))

    def _front_ways(self) -> Iterator[tuple[Array, Array]]:
        """What is answered before the Worker runs, and after how many ms: in the colo, or behind
        that."""
        flows, tier = self.flows, self.flows.design.front
        if flows.front is not None and tier is not None:
            near, far = (self.at.adds_up_to(place.takes) for place in tier.places)
            yield self._sum(flows.rr - flows.front.past_colo), _by_colo(near)
            yield self._sum(flows.front.past_colo - flows.front.waiting), _by_colo(far)

    @property
    def _passed(self) -> Array:
        """What it takes the Worker to look into the tiers before the store, memory aside."""
        near = self.flows.design.colo_cache
        takes = near.places[0].takes if near and self.flows.layered else ()
        return self.at.adds_up_to(takes)

    @property
    def load_ms(self) -> Array:
        """How long a load takes, on average over where the Worker runs; shape (draws,)."""
        mean: Array = (self._load_ms * _by_colo(self.flows.weights)).sum(axis=1)
        return mean

    @property
    def waited_ms(self) -> Array:
        """How long whoever loads waits for the origin, on average over loads; shape (draws,)."""
        rate, above = self._sum(self.flows.loaded), np.exp(self.at["jitter"].ravel() ** 2 / 2)
        mean = (rate * self._load_ms).sum(axis=1) / np.maximum(rate.sum(axis=1), 1e-300)
        return np.asarray(mean * above)

    @property
    def _load_ms(self) -> Array:
        """The origin's own time, the ways to it, and the Worker's on what has come."""
        ms, straight = self.at["origin_ms"] + self.at["load_cpu_ms"], self.at.trips.to_origin
        if len(straight):
            ms = ms + self.at["origin_trips"] * self.at.trip(straight)
        return _by_colo(ms)

    def _reached(self, rate: Array, ms: Array, uneven: Array) -> tuple[Array, Array, Array]:
        """What the Worker answers and how long it takes, with the way to it, by readers' colo."""
        trips, way, onward = self.at.trips, np.zeros((1, 1)), self.at.trips.to_worker
        if (tier := self.flows.design.front) and (of := tier.in_front):
            way = _by_colo(self.at.adds_up_to(tier.places[-1].takes))
            onward = trips._asdict()[of.onward] if of.onward else onward
        if len(onward):
            way = way + _by_colo(self.at.trip(onward))
        rate = rate[:, trips.reader] * self._part if len(trips.to_worker) else rate
        return rate, self._by_reader(ms) + way, self._by_reader(uneven)

    @cached_property
    def _part(self) -> Array:
        """By readers' colo, their part of what reaches the place where the Worker runs for them."""
        front, reader = self.flows.front, self.at.trips.reader
        if front is None:
            return self.at.by_reader(np.ones((1, len(self.at.weights))))
        all_ = self._sum(front.awaited)[:, reader]
        part: Array = self._sum(front.waiting) / np.maximum(all_, 1e-300)
        return part

    def _into(self, place: Place) -> tuple[Array, Array]:
        """What looking there takes, and how unevenly, as of a `Way`."""
        takes = self.at.adds_up_to(place.takes)
        return self._passed + takes, (self.at[place.spread] - self.at["jitter"]) * takes

    def _way(self, found: Array, loaded: Array, ms: Array, uneven: Array | None = None) -> Way:
        uneven = np.zeros((1, 1, 1)) if uneven is None else uneven
        return Way(self._sum(found), self._sum(loaded), _by_colo(ms), _by_colo(uneven))

    def _kv_ways(self, found: Array, loaded: Array) -> Iterator[Way]:
        """By where KV finds a value; what it has not, is looked for in the central store."""
        copies = self.flows.kv_copies
        none = np.zeros_like(found)
        colo, region, central = map(self._into, KV.places)
        yield self._way(found * (1 - copies.past_colo), none, *colo)
        yield self._way(found * (copies.past_colo - copies.central), none, *region)
        yield self._way(found * copies.central, loaded, *central)

    def _object_ways(self, found: Array, loaded: Array) -> Iterator[Way]:
        """From every colo to every place where an object may be, in memory or from storage."""
        trips, warm = self.at.trips, self.flows.warm
        in_memory, in_storage = map(self._into, DURABLE_OBJECT.places)
        memory = self._way(found * warm, loaded * warm, *in_memory)
        storage = self._way(found * (1 - warm), loaded * (1 - warm), *in_storage)
        for home, share in enumerate(trips.home_share.tolist()):
            if share:
                trip = _by_colo(self.at.trip(trips.to_home[:, home]))
                for way in (memory, storage):
                    yield Way(way.found * share, way.loaded * share, way.ms + trip, way.uneven)


def _merged(rate: Array, ms: Array, uneven: Array) -> tuple[Array, Array, Array]:
    """As one for all colos, if it takes the same time in each."""
    return rate.sum(axis=1, keepdims=True) if ms.shape[1] == 1 else rate, ms, uneven


def _side_by_side(arrays: list[Array], shapes: list[tuple[int, int]]) -> Array:
    pairs = zip(arrays, shapes, strict=True)
    return np.concatenate([np.broadcast_to(array, shape) for array, shape in pairs], axis=1)


def _by_colo(number: Array) -> Array:
    """Shape (draws, colos, 1) as (draws, colos)."""
    return number[:, :, 0]
