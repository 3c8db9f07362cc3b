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
    """Kinds of key: the share of the requests that one key has, and how many are alike.

    Where keys are not written as often as they are read, `share` is of the reads and `written` of
    the writes; a key is then written once every `every_s` at the least, or has infinity there.
    `unasked`: how many there are besides, for which nobody asks.
    """

    share: Array
    number: Array
    written: Array | None = None
    every_s: Array | None = None
    unasked: float = 0.0


class Rounds(NamedTuple):
    """What empties caches by a clock: how often, and of how many keys, infinity for all."""

    every_s: float
    keys: float


class Trips(NamedTuple):
    """Round trips in ms at path factor 1 and base 0, of the places where the Worker runs.

    `colos.Geography` says from where to where. Of readers, shape (readers,): `reader` numbers the
    place that the Worker runs in for those of a colo, `reader_share` is their share of the
    requests. `to_worker` is empty where the Worker runs near each, `to_origin` where `origin_ms`
    has the way.
    """

    reader: npt.NDArray[np.int64]
    reader_share: Array
    to_worker: Array
    to_upper: Array
    regional: npt.NDArray[np.int64]
    to_regional: Array
    from_regional: Array
    """from readers, as `to_worker`; all others from where the Worker runs"""
    to_origin: Array
    region: npt.NDArray[np.int64]
    to_region: Array
    to_central: Array
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

    `weights`: the share of the requests that each place gets where the Worker runs. `numbers`:
    those of the platform by name, and `requests_per_month`, `reads_per_write`, `l1_ttl_s`,
    `l2_ttl_s`, `value_bytes`; each one number or an array of draws, shape (draws,). `emptied`:
    what empties caches of the most popular keys.
    """

    keys: Keys
    weights: Array
    trips: Trips
    numbers: Mapping[str, float | Array]
    hashed: bool = False
    emptied: tuple[Rounds, ...] = ()

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

    def by_reader(self, rate: Array) -> Array:
        """A rate by place where the Worker runs as one by colo where its requests arrive."""
        reader, share = self.trips.reader, self.trips.reader_share
        if not len(self.trips.to_worker):
            return rate
        of_place = share / np.bincount(reader, share)[reader]
        by_reader: Array = rate[:, reader] * of_place.reshape(1, -1, *(1,) * (rate.ndim - 2))
        return by_reader

    def trip(self, straight: Array) -> Array:
        """A way there and back from each data centre, in ms, as fibres and hosts make it."""
        return self["rtt_base_ms"] + self["path_factor"] * straight.reshape(1, -1, 1)


def placed(colos: tuple[str, ...], weights: Array, platform: Platform) -> tuple[Array, Trips]:
    """The traffic of each place where the Worker runs, and the distances as times.

    `colos` are where requests arrive, `weights` how many do.
    """
    straight = {"path_factor": 1.0, "rtt_base_ms": 0.0, "origin_trips": 1.0}
    places = geography(colos, platform.model_copy(update=straight))
    runs, reader = np.unique(places.runs, return_inverse=True)
    there = np.bincount(reader, weights).astype(np.float64)
    homes = np.bincount(places.host[runs], there, minlength=places.to_host.shape[1])
    none = np.zeros(0)
    return there, Trips(
        reader, weights / weights.sum(), places.to_worker if platform.runs_at else none,
        places.to_upper, places.regional, places.to_regional, places.from_regional,
        places.to_origin[runs] if platform.origin_at else none,
        places.region[runs], places.to_region[runs], places.to_central[runs],
        places.to_bucket[runs], places.to_redis[runs], places.to_table[runs],
        places.to_host[runs], homes / homes.sum(),
    )  # fmt: skip


def grouped(
    shares: Array,
    written: Array | None = None,
    every_s: Array | None = None,
    most: int = MOST_KEYS,
) -> Keys:
    """Keys' shares of the requests, most popular first, in at most about `most` kinds."""
    if len(shares) <= most:
        return Keys(shares, np.ones_like(shares), written, every_s)
    head = most // 8
    edges = np.unique(np.geomspace(head, len(shares), most - head + 1).round().astype(int))
    count = np.diff(edges).astype(np.float64)

    def taken(of_key: Array, together: np.ufunc = np.add) -> Array:
        return np.append(of_key[:head], together.reduceat(of_key, edges[:-1]))

    number = np.append(np.ones(head), count)
    mean = taken(shares) / number
    if written is None or every_s is None:
        return Keys(mean, number)
    return Keys(mean, number, taken(written) / number, taken(every_s, np.maximum))


def asked_for(asked: Array) -> Keys:
    """Keys by how often each is asked for, the most popular first; some may be for nobody."""
    shares = asked[asked > 0] / asked.sum()
    return grouped(shares)._replace(unasked=float(len(asked) - len(shares)))
