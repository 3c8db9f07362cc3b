"""What vendors say, as typed data with source and date."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path

from cachelib.edge.platform import Strict
from cachelib.edge.typed_yaml import load


class Fact(Strict):
    """One statement of a vendor, reduced to the number in it."""

    value: float
    unit: str
    says: str
    source: str


class Facts(Strict):
    """All of them, and the day on which they were collected."""

    facts: dict[str, Fact]
    date: datetime.date


@cache
def vendor_facts() -> Facts:
    return load(Path(__file__).with_name("facts.yaml"), Facts)
