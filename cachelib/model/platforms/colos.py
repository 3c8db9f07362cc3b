"""Data centres: where they are, in which region, and how far apart in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import airportsdata
import numpy as np
import numpy.typing as npt
from pydantic import RootModel

from cachelib.errors import CachelibError
from cachelib.model.platforms.hints import HINTS
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import load

REGIONS = HINTS  # a KV regional tier is assumed in each
REGION_NAMES = {
    "wnam": "western North America", "enam": "eastern North America", "sam": "South America",
    "weur": "western Europe", "eeur": "eastern Europe", "apac": "Asia", "oc": "Oceania",
    "afr": "Africa", "me": "the Middle East",
}  # fmt: skip
EARTH_KM = 6371.0
FIBRE_KM_PER_MS = 200.0  # two thirds of the speed of light

Matrix = npt.NDArray[np.float64]


class UnknownColoError(CachelibError, ValueError):
    """A data centre that is no airport."""


@dataclass(frozen=True)
class Geography:
    """Of the data centres of a trace: region and host by number, and times in ms.

    A colo is where requests arrive; `runs` numbers the one that stands for where the Worker runs
    for them, the first for which it runs there. Of what it asks, `region` and `host` are shape
    `(colos,)`, numbers into REGIONS and `platform.objects_at`; `to_region`, `to_central`,
    `to_bucket`, `to_redis`, `to_table` and `to_origin` (all ways of a load) are round trips from
    there, `to_central` from the regional tier on; `to_host` is shape `(colos, hosts)`. From the
    reader's own colo are `to_upper`, `to_regional` and `to_worker`; `readers_region` is its region,
    `regional` the nearest of `platform.cloudfront_regional_at`, and `from_regional` the way from
    there to where the Worker runs.
    """

    runs: npt.NDArray[np.int64]
    readers_region: npt.NDArray[np.int64]
    to_worker: Matrix
    to_origin: Matrix
    region: npt.NDArray[np.int64]
    host: npt.NDArray[np.int64]
    to_region: Matrix
    to_central: Matrix
    to_upper: Matrix
    regional: npt.NDArray[np.int64]
    to_regional: Matrix
    from_regional: Matrix
    to_bucket: Matrix
    to_redis: Matrix
    to_table: Matrix
    to_host: Matrix


def geography(colos: Sequence[str], platform: Platform) -> Geography:
    """Distances by great circles; a colo without a name is where `platform.unplaced` says."""
    readers = [colo or platform.unplaced for colo in colos]
    regions = list(REGIONS.values())
    runs, named, to_worker = _placed(readers, platform)
    to_regions = rtt_ms(named, regions, platform)
    to_hosts = rtt_ms(named, platform.objects_at, platform)
    region = to_regions.argmin(axis=1)
    to_regional = rtt_ms(readers, platform.cloudfront_regional_at, platform)
    regional = to_regional.argmin(axis=1)
    onward = rtt_ms(platform.cloudfront_regional_at, named, platform)
    to_central = rtt_ms(regions, platform.kv_central_at, platform).min(axis=1)
    to_origin = np.zeros(len(named))
    if platform.origin_at:
        to_origin = rtt_ms(named, platform.origin_at, platform).min(axis=1)
    return Geography(
        runs=runs,
        readers_region=rtt_ms(readers, regions, platform).argmin(axis=1),
        to_worker=to_worker,
        to_origin=to_origin * platform.origin_trips,
        region=region,
        host=to_hosts.argmin(axis=1),
        to_region=to_regions.min(axis=1),
        to_central=to_central[region],
        to_upper=rtt_ms(readers, platform.workers_cache_upper_at, platform).min(axis=1),
        regional=regional,
        to_regional=to_regional.min(axis=1),
        from_regional=onward[regional, np.arange(len(readers))],
        to_bucket=rtt_ms(named, [platform.bucket_at], platform)[:, 0],
        to_redis=rtt_ms(named, platform.redis_at, platform).min(axis=1),
        to_table=rtt_ms(named, platform.table_at, platform).min(axis=1),
        to_host=to_hosts,
    )


def where_it_runs(colos: Sequence[str], platform: Platform) -> list[str]:
    """By colo where requests arrive, the data centre in which the Worker runs for them."""
    return list(_placed([colo or platform.unplaced for colo in colos], platform)[1])


def busiest_first(
    colos: Sequence[str], asked: npt.NDArray[np.int16], platform: Platform
) -> list[str]:
    """Where the Worker runs for requests that arrive in colos of these numbers."""
    runs = where_it_runs(colos, platform) if platform.runs_at else colos
    traffic = dict.fromkeys(runs, 0)
    for place, n in zip(runs, np.bincount(asked, minlength=len(runs)).tolist(), strict=True):
        traffic[place] += n
    return sorted(traffic, key=lambda place: -traffic[place])


def _placed(
    readers: Sequence[str], platform: Platform
) -> tuple[npt.NDArray[np.int64], Sequence[str], Matrix]:
    """By colo of a reader: the colo that stands for where the Worker runs, its name, the way."""
    if not platform.runs_at:
        return np.arange(len(readers)), readers, np.zeros(len(readers))
    away = rtt_ms(readers, platform.runs_at, platform)
    at = away.argmin(axis=1)
    runs = np.array([int(np.argmax(at == place)) for place in at], np.int64)
    return runs, [platform.runs_at[place] for place in at], away.min(axis=1)


def rtt_ms(here: Sequence[str], there: Sequence[str], platform: Platform) -> Matrix:
    """Round trips in ms, shape `(len(here), len(there))`: base + 2 × distance × path factor / c."""
    a, b = _radians(here)[:, None, :], _radians(there)[None, :, :]
    lat, lon = (a - b)[..., 0], (a - b)[..., 1]
    chord = np.sin(lat / 2) ** 2 + np.cos(a[..., 0]) * np.cos(b[..., 0]) * np.sin(lon / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(chord))
    trip: Matrix = platform.rtt_base_ms + 2 * km * platform.path_factor / FIBRE_KM_PER_MS
    return trip


def _radians(colos: Sequence[str]) -> Matrix:
    return np.radians([coordinates(colo) for colo in colos])


def coordinates(colo: str) -> tuple[float, float]:
    """Latitude and longitude of a data centre; raises `UnknownColoError`."""
    if colo == "all":  # the requests of everywhere, taken as if in one place
        colo = "IAD"
    airport = _airports().get(_regions().get(colo, colo))
    if airport is None:
        near = get_close_matches(colo, [*_regions(), *_airports()], n=1, cutoff=0.5)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownColoError(
            f"colos: {colo!r} is no IATA code of an airport, nor a cloud's region{guess}"
        )
    return airport["lat"], airport["lon"]


@cache
def _airports() -> dict[str, airportsdata.Airport]:
    return airportsdata.load("IATA")


class Regions(RootModel[dict[str, str]]):
    """A cloud's regions, each at an airport."""


@cache
def _regions() -> dict[str, str]:
    return load(Path(__file__).with_name("regions.yaml"), Regions).root


NEAR = 1.0  # degree: what lies so near is the region, whatever airport stands for it


def region_at(colo: str) -> str:
    """A cloud's region there, or the data centre itself where there is none."""
    latitude, longitude = coordinates(colo)

    def away(region: str) -> float:
        there = coordinates(region)
        return max(abs(there[0] - latitude), abs(there[1] - longitude))

    nearest = min(_regions(), key=away)
    return nearest if colo not in _regions() and away(nearest) <= NEAR else colo


def in_regions(colos: Iterable[str]) -> bool:
    """Whether these are a cloud's regions."""
    return any(colo in _regions() for colo in colos)
