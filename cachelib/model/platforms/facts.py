"""What vendors say, as typed data with source and date."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path

from pydantic import RootModel

from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import load


class Statement(Strict):
    """One statement of a vendor, and the number in it."""

    value: float
    says: str
    source: str
    date: datetime.date
    until: datetime.date | None = None
    """The last day on which it held; None where it still does."""


class Statements(RootModel[dict[str, Statement]]):
    """All of them by name."""


@cache
def vendor_facts() -> dict[str, Statement]:
    """The statements shipped with the package."""
    return load(Path(__file__).with_name("facts.yaml"), Statements).root
