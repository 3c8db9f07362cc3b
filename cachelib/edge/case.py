"""The case: one decision to make, as a YAML file."""

from __future__ import annotations

import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cachelib.edge.designs import BUILT_IN, Design
from cachelib.edge.platform import Assumptions, Strict
from cachelib.edge.typed_yaml import load
from cachelib.edge.workload import Workload

CASES = next(
    folder
    for folder in (
        Path(__file__).parents[2] / "cases",  # a checkout
        Path(__file__).parents[1] / "_share" / "cases",  # a wheel
    )
    if folder.is_dir()
)


class System(Strict):
    """The system that the decision is about."""

    name: str
    summary: str


class Decision(Strict):
    """What only people know of a decision: the front matter of its record (MADR 4)."""

    status: Literal["proposed", "accepted", "rejected", "deprecated", "superseded"] = "proposed"
    date: datetime.date | None = None
    deciders: tuple[str, ...] = ()


class Limit(Strict):
    """A bound that a design must keep, or it is out."""

    metric: Literal["hit_ratio", "origin_loads_per_month", "mean_ms", "p50_ms", "p95_ms", "p99_ms"]
    at_most: float | None = None
    at_least: float | None = None
    why: str

    def kept_by(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )


class Criteria(Strict):
    """What decides: limits first, then the least of one metric."""

    limits: tuple[Limit, ...] = ()
    minimise: Literal["origin_loads_per_month", "mean_ms", "p95_ms"] = "origin_loads_per_month"


def _known_design(name: str) -> str:
    if name not in BUILT_IN:
        near = get_close_matches(name, BUILT_IN, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown design; {guess}allowed: {', '.join(BUILT_IN)}")
    return name


class Case(Strict):
    """One decision to make."""

    title: str
    question: str
    system: System
    decision: Decision = Decision()
    workload: Workload
    assumptions: Assumptions
    designs: tuple[Annotated[str, AfterValidator(_known_design)], ...] = Field(min_length=1)
    criteria: Criteria

    def design(self, name: str) -> Design:
        """The named design with this case's TTLs."""
        return BUILT_IN[name].model_copy(
            update={
                "l1_ttl_s": self.assumptions.l1_ttl_s.value,
                "l2_ttl_s": self.assumptions.l2_ttl_s.value,
            }
        )


def find_case(name: str | Path) -> Path:
    """The file of a case: a path, a folder with a case.yaml, or the name of a ready-made one."""
    path = Path(name)
    if path.is_dir():
        return path / "case.yaml"
    ready_made = CASES / f"{name}.yaml"
    return ready_made if not path.exists() and ready_made.is_file() else path


def load_case(name: str | Path) -> Case:
    """The checked case; raises `InvalidFileError` with every problem at once."""
    return load(find_case(name), Case)
