"""Times that vendors and users have published, with which the model is compared."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import load


class Figure(Strict):
    """A time within which a share of some reads of a tier was answered.

    `takes` names the platform's numbers which they took, as `Place` does, and `spread` their sigma;
    without it they are `reads_a_day` of `keys` keys, of which these are `among` some data centres.
    `fitted`: the profile was fitted to it.
    """

    tier: str
    what: str
    share: Annotated[float, Field(gt=0, lt=1)]
    ms: Annotated[float, Field(gt=0)]
    takes: tuple[str, ...] = ()
    spread: str = "jitter"
    keys: Annotated[int, Field(ge=1)] = 1
    reads_a_day: Annotated[float, Field(gt=0)] = 1.0
    among: tuple[str, ...] = ()
    fitted: bool = False
    source: str
    date: datetime.date


class Published(Strict):
    """`readers`: data centres with weights, where nobody says where readers were."""

    readers: dict[str, float]
    figures: tuple[Figure, ...]


@cache
def published() -> Published:
    """What is shipped with the package."""
    return load(Path(__file__).with_name("published.yaml"), Published)
