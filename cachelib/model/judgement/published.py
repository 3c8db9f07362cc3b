"""What was published of the times of tiers, beside what the model says of the same reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from cachelib.model.formulas import Keys, Setting, estimate, placed
from cachelib.model.formulas.setting import NEVER_S
from cachelib.model.money.prices import DAYS
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.published import Figure, published
from cachelib.model.tiers.design import Design

FOR_EVER_S = 3e9  # a value's life: what is published is of reads that find theirs


class Compared(NamedTuple):
    """A published figure, and the ms that the model has in its place."""

    figure: Figure
    ms: float

    @property
    def off(self) -> float:
        """By how much the model's is more, as a share of what was published."""
        return self.ms / self.figure.ms - 1


def compared(platform: Platform, tiers: Iterable[str]) -> list[Compared]:
    """Every published figure of these tiers, by their words."""
    words = set(tiers)
    figures = [figure for figure in published().figures if figure.tier in words]
    return [Compared(figure, _modelled(figure, platform)) for figure in figures]


def _modelled(figure: Figure, platform: Platform) -> float:
    if not figure.takes:
        return _of_all_reads(figure, platform)
    ms = sum(platform.numbers[name] for name in figure.takes)
    return float(ms * np.exp(ndtri(figure.share) * platform.numbers[figure.spread]))


def _of_all_reads(figure: Figure, platform: Platform) -> float:
    """Of reads by readers everywhere, or among some of them, all of which find their value."""
    everywhere = published().readers
    readers = {colo: everywhere[colo] for colo in figure.among or everywhere}
    of_all = sum(readers.values()) / sum(everywhere.values())
    weights, trips = placed(tuple(readers), np.array([*readers.values()]), platform)
    numbers = {
        "requests_per_month": figure.reads_a_day * of_all * DAYS,
        "reads_per_write": NEVER_S,
        "value_bytes": 0.0,
        "key_bytes": 0.0,
        "l1_ttl_s": FOR_EVER_S,
    }
    at = Setting(
        keys=Keys(np.array([1 / figure.keys]), np.array([float(figure.keys)])),
        weights=weights / weights.sum(),
        trips=trips,
        numbers=platform.numbers | numbers,
    )
    design = Design(name="published", tiers=(figure.tier,), l2_ttl_s=FOR_EVER_S)
    return float(estimate(design, at).waits.quantile_ms(figure.share)[0])
