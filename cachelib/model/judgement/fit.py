"""The generator's parameters derived from a log, and how well they fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from cachelib.model.engines.replay import replay
from cachelib.model.platforms.colos import coordinates
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import DAY_S, MONTH_S, generate, shares
from cachelib.model.traffic.logs import LogError, Reading, read_log
from cachelib.model.traffic.made_whole import unsampled
from cachelib.model.traffic.places import spread
from cachelib.model.traffic.remarks import FIT, answered, remarks
from cachelib.model.traffic.trace import WRITE, Trace, in_one_place
from cachelib.model.traffic.workload import Workload, idle

UNPLACED = "IAD"
CLOSE_S = 10.0
TTLS_S = (10, 60, 300, 3_600)
BY_CHANCE = 1.0  # two standard errors of a share of so many requests, at most
MISSED = 0.05
"""A difference of hit ratios beyond which a workload stands for another log."""
APART_H = 2.0  # bursts bring some of a place's requests at another's hours
BY_NO_CHANCE = 5.0  # standard errors of independent requests; bursts make the error larger
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """A workload, and by how much its traffic differs from the log.

    `popularity_off` is the largest difference between the cumulated shares of requests by rank;
    `hit_ratios` gives, for each TTL in seconds, the hit ratio of one cache with the log and with
    traffic made by the workload.
    """

    workload: Workload
    requests: int
    span_s: float
    popularity_off: float
    hit_ratios: dict[int, tuple[float, float]]

    @property
    def hit_ratio_off(self) -> float:
        """The largest difference of hit ratios."""
        return max(abs(log - made) for log, made in self.hit_ratios.values())

    @property
    def misses(self) -> list[str]:
        """What must be said where the traffic made is another than the log's."""
        if self.hit_ratio_off <= max(MISSED, BY_CHANCE / math.sqrt(self.requests)):
            return []
        ttl = max(self.hit_ratios, key=lambda ttl: abs(np.subtract(*self.hit_ratios[ttl])))
        log, made = self.hit_ratios[ttl]
        return [
            f"The generator does not make this traffic: where values live {ttl:,} s, one cache has"
            f" {log:.0%} hits with the log and {made:.0%} with what the workload makes. Do not"
            " decide by this workload: replay the log itself (cachelib report --trace LOG, or"
            " cachelib replay LOG)."
        ]

    def as_dict(self) -> dict[str, Any]:
        said = self.workload.model_dump(exclude_defaults=True, exclude={*idle(self.workload)})
        return {
            "workload": said,
            "requests": self.requests,
            "span_s": self.span_s,
            "popularity_off": self.popularity_off,
            "hit_ratio_off": self.hit_ratio_off,
            "hit_ratios": {
                str(ttl): {"log": log, "made": made} for ttl, (log, made) in self.hit_ratios.items()
            },
        }


def fit(trace: Trace, *, unplaced: str = UNPLACED, seed: int = 1) -> Fit:
    """Fit a workload to a log of at least two requests at different times."""
    if trace.span_s <= 0:
        raise LogError("a workload cannot be fitted to requests of one moment")
    counts = np.sort(np.bincount(trace.key))[::-1]
    counts = counts[counts > 0]
    writes = int((trace.op == WRITE).sum())
    daily = _daily(trace, unplaced)
    share, size = _bursts(trace)
    new = _new_keys(trace)
    keys = max(1, len(counts) - round(new * trace.span_s / DAY_S))
    workload = Workload(
        requests_per_month=min(1e9, len(trace) * MONTH_S / trace.span_s),
        reads_per_write=(len(trace) - writes) / writes if 0 < writes < len(trace) else None,
        keys=keys,
        zipf=zipf_exponent(counts),
        value_bytes=min(25 * 2**20, int(np.median(trace.size))),
        colos=_colos(trace, unplaced),
        daily_swing=daily.swing,
        peak_hour=daily.peak_hour,
        peak_hours=daily.peak_hours,
        burst_share=share,
        burst_requests=size,
        burst_s=CLOSE_S,
        new_keys_per_day=new,
    )
    made = generate(workload, seed=seed, span_s=trace.span_s)
    return Fit(
        workload=workload,
        requests=len(trace),
        span_s=trace.span_s,
        popularity_off=_popularity_off(counts, workload),
        hit_ratios={ttl: (_hit_ratio(trace, ttl), _hit_ratio(made, ttl)) for ttl in TTLS_S},
    )


def fit_log(
    log: Path | Sequence[Path], *, reading: Reading | None = None, seed: int = 1
) -> dict[str, Any]:
    """The fit to a log, with what was noticed on reading: what `workload fit --json` prints."""
    trace, rate = read_log(log, reading), 1.0
    told = answered(remarks(trace.account, reading or Reading()), FIT)
    if reading is not None and reading.sampled_by == "request":
        trace = unsampled(trace, reading.rate, seed=seed)
    elif reading is not None:
        rate = reading.rate
    places = {name: share for name, share in _colos(trace, "").items() if name and share}
    found = fit(spread(trace, places, seed=seed), seed=seed)
    whole = found.workload.model_copy(
        update={
            "requests_per_month": min(1e9, found.workload.requests_per_month / rate),
            "keys": min(10_000_000, round(found.workload.keys / rate)),
        }
    )
    said = replace(found, workload=whole).as_dict()
    if not places:
        said["workload"] = {k: v for k, v in said["workload"].items() if k not in OF_PLACES}
    return said | {
        "skipped_lines": trace.skipped.lines,
        "notes": list(trace.notes),
        "remarks": [
            *(remark.says for remark in told),
            *([] if places else [_placeless(whole)]),
            *found.misses,
        ],
    }


OF_PLACES = ("colos", "peak_hour", "peak_hours")
"""What a log that names no place does not say."""


def _placeless(workload: Workload) -> str:
    """Which numbers are left out, and when the peak is by a clock that every place has."""
    said = "The log names no place, so `colos` is left out: say where your readers are."
    if not workload.daily_swing:
        return said
    hour = (workload.peak_hour - coordinates(UNPLACED)[1] / 15) % 24
    minutes = round(hour * 60) % (24 * 60)
    return (
        f"{said} Its peak is at {minutes // 60}:{minutes % 60:02} UTC; `peak_hour` is left out,"
        " since it is the local solar time of each place."
    )


def zipf_exponent(counts: Counts) -> float:
    """The most likely exponent of Zipf's law for requests by rank, the most popular first."""
    rank = np.log(np.arange(1, len(counts) + 1))

    def unlikelihood(exponent: float) -> float:
        return float(exponent * (counts * rank).sum() + counts.sum() * _log_norm(rank, exponent))

    return round(float(minimize_scalar(unlikelihood, bounds=(0, 5), method="bounded").x), 3)


def _log_norm(log_rank: npt.NDArray[np.float64], exponent: float) -> float:
    return float(np.log(np.exp(-exponent * log_rank).sum()))


def _popularity_off(counts: Counts, workload: Workload) -> float:
    seen = np.cumsum(counts) / counts.sum()
    expected = np.cumsum(shares(workload))
    common = min(len(seen), len(expected))
    return float(np.abs(seen[:common] - expected[:common]).max())


def _colos(trace: Trace, unplaced: str) -> dict[str, float]:
    requests = np.bincount(trace.colo, minlength=len(trace.colos))
    named = {name or unplaced: 0.0 for name in trace.colos}
    for name, count in zip(trace.colos, requests.tolist(), strict=True):
        named[name or unplaced] += count / len(trace)
    return named


class Daily(NamedTuple):
    """How far the rate swings, the local hour of its peak, and that of places with another."""

    swing: float
    peak_hour: float
    peak_hours: dict[str, float]


def _daily(trace: Trace, unplaced: str) -> Daily:
    """The first harmonic of the hours by each place's clock, of a log of a day at least.

    A place has an hour of its own where the others' would be there by no chance.
    """
    if trace.span_s < 0.9 * DAY_S:
        return Daily(0.0, 14.0, {})
    names, place = np.unique([name or unplaced for name in trace.colos], return_inverse=True)
    east = np.array([coordinates(str(name))[1] / 360 for name in names])
    at = place[trace.colo]
    turns = np.exp(2j * np.pi * (trace.time_s / DAY_S + east[at]))
    requests = np.bincount(at, minlength=len(names))
    sums = np.bincount(at, turns.real, len(names)) + 1j * np.bincount(at, turns.imag, len(names))
    own = _with_own_hours(sums, requests)
    shared = sums[~own].sum()
    swing = 2 * float(abs(shared) + np.abs(sums[own]).sum()) / len(trace)
    hours = {str(name): _hour(turn) for name, turn in zip(names[own], sums[own], strict=True)}
    return Daily(round(min(0.99, swing), 3), _hour(shared or sums.sum()), hours)


def _with_own_hours(sums: npt.NDArray[np.complex128], requests: Counts) -> npt.NDArray[np.bool_]:
    """Which places' peaks are hours from that of all, and their days unlike the others'."""
    n = np.maximum(requests, 1)
    others, rest = sums.sum() - sums, np.maximum(requests.sum() - requests, 1)
    by_chance = np.sqrt((1 / n + 1 / rest) / 2)
    apart = np.abs(np.angle(sums * np.conj(sums.sum()))) / (2 * np.pi) * 24
    unlike: npt.NDArray[np.bool_] = np.abs(sums / n - others / rest) > BY_NO_CHANCE * by_chance
    hours: npt.NDArray[np.bool_] = apart > APART_H
    return unlike & hours


def _hour(turn: complex) -> float:
    """The local hour to which a mean of turns points."""
    return round(float(np.angle(turn) / (2 * np.pi) * 24) % 24, 2) % 24


def _bursts(trace: Trace) -> tuple[float, float]:
    """The share of requests that follow one of their key too soon for chance, and a run's size."""
    order = np.lexsort((trace.time_s, trace.key))
    key, time = trace.key[order], trace.time_s[order]
    close = (np.diff(key) == 0) & (np.diff(time) <= CLOSE_S)
    rate = np.bincount(trace.key) / trace.span_s
    by_chance = float((-np.expm1(-rate * CLOSE_S))[trace.key].mean())
    share = max(0.0, float(close.sum()) / len(trace) - by_chance) / max(1e-9, 1 - by_chance)
    runs = int((close & ~np.concatenate([[False], close[:-1]])).sum())
    return round(min(share, 0.99), 3), round(1.1 + float(close.sum()) / max(runs, 1), 2)


def _new_keys(trace: Trace) -> float:
    """Keys first seen in the second half beyond what a fixed set would show there, by the day.

    0 for a log of less than a day, of which nothing can be said.
    """
    if trace.span_s < DAY_S:
        return 0.0
    half = np.searchsorted(trace.time_s, trace.time_s[0] + trace.span_s / 2)
    seen = np.bincount(trace.key)
    before = np.bincount(trace.key[:half], minlength=len(seen))
    late = int(((before == 0) & (seen > 0)).sum())
    share = 1 - half / len(trace)
    expected = float((share ** seen[seen > 0]).sum())
    return round(max(0.0, late - expected) / (trace.span_s / 2 / DAY_S), 1)


def _hit_ratio(trace: Trace, ttl: int) -> float:
    design = Design(name="one cache", l1_ttl_s=ttl)
    platform = Platform(profile="miniflare", isolates_per_colo=1)
    return replay(in_one_place(trace), design, platform).hit_ratio
