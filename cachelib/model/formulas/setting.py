"""What a month is estimated for: keys, places, and numbers that may be arrays of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import nearest

Array = npt.NDArray[np.float64]
MOST_KEYS = 256  # beyond, keys of like popularity are taken together
NEVER_S = 1e30  # stands for infinity where a formula would make it a NaN


class Keys(NamedTuple):
    """Kinds of key: the share of the requests that one key has, and how many are alike."""

    share: Array
    number: Array


class Trips(NamedTuple):
    """Round trips in ms at path factor 1 and base 0; `colos.Geography` says from where to where."""

    region: npt.NDArray[np.int64]
    to_region: Array
    to_central: Array
    to_upper: Array
    to_bucket: Array
    to_redis: Array
    to_table: Array
    to_home: Array
    """Shape (colos, homes): to a Durable Object at each place where one may be,"""
    home_share: Array
    """shape (homes,), and how likely it is there: near its first caller."""


@dataclass(frozen=True)
class Setting:
    """What a month is estimated for.

    `weights`: the share of the requests that each colo gets. `numbers`: those of the platform by
    name, and `requests_per_month`, `reads_per_write`, `l1_ttl_s`, `l2_ttl_s`, `value_bytes`; each
    one number or an array of draws, shape (draws,).
    """

    keys: Keys
    weights: Array
    trips: Trips
    numbers: Mapping[str, float | Array]
    hashed: bool = False

    def but(self, **numbers: float | Array) -> Setting:
        """The same with other numbers; raises `TypeError` for one that there is not.

        What is said of an option or a limit, `hours:DESIGN` and `limit:METRIC`, is no number of
        the traffic, and passes.
        """
        for name in numbers:
            if name not in self.numbers and not name.startswith(("hours:", "limit:")):
                raise TypeError(
                    f"no number is called {name!r}; {nearest(name, list(self.numbers))}"
                )
        return replace(self, numbers={**self.numbers, **numbers})

    def __getitem__(self, name: str) -> Array:
        """A number, shaped (draws, 1, 1) to meet (colos, keys)."""
        return np.minimum(np.asarray(self.numbers[name], np.float64), NEVER_S).reshape(-1, 1, 1)

    def adds_up_to(self, takes: tuple[str, ...]) -> Array:
        """Milliseconds of what is named, shape (…, colos or 1, 1); see `Place.takes`."""
        total = np.zeros((1, 1, 1))
        for name in takes:
            straight = self.trips._asdict().get(name)
            total = total + (self[name] if straight is None else self.trip(straight))
        return total

    def trip(self, straight: Array) -> Array:
        """A way there and back from each data centre, in ms, as fibres and hosts make it."""
        return self["rtt_base_ms"] + self["path_factor"] * straight.reshape(1, -1, 1)


def trips(colos: tuple[str, ...], weights: Array, platform: Platform) -> Trips:
    """The distances between data centres and the platform's stores, as times."""
    straight = platform.model_copy(update={"path_factor": 1.0, "rtt_base_ms": 0.0})
    places = geography(colos, straight)
    homes = np.bincount(places.host, weights, minlength=places.to_host.shape[1])
    return Trips(
        places.region, places.to_region, places.to_central, places.to_upper, places.to_bucket,
        places.to_redis, places.to_table, places.to_host, homes / homes.sum(),
    )  # fmt: skip


def grouped(shares: Array, most: int = MOST_KEYS) -> Keys:
    """Keys' shares of the requests, most popular first, in at most about `most` kinds."""
    if len(shares) <= most:
        return Keys(shares, np.ones_like(shares))
    head = most // 8
    edges = np.unique(np.geomspace(head, len(shares), most - head + 1).round().astype(int))
    count = np.diff(edges).astype(np.float64)
    tail = np.add.reduceat(shares, edges[:-1]) / count
    return Keys(np.append(shares[:head], tail), np.append(np.ones(head), count))
