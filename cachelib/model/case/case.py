"""The case: one decision to make, as a YAML file."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field, create_model, field_validator, model_validator

from cachelib.errors import CachelibError
from cachelib.model.case.claims import Claim
from cachelib.model.case.names import ASSUMPTIONS, OF_THE_CASE, PROFILE, MetricName, known
from cachelib.model.platforms.platform import Assumption, Platform
from cachelib.model.schema.resources import resource
from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import Document, read, validated
from cachelib.model.tiers.design import BUILT_IN, Design
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.workload import Workload

CASES = resource("cases")
Settings = Mapping[str, Any]
"""Values by the names of what they set; see `overrides`."""

SETTINGS = [name for name in Platform.model_fields if name not in ASSUMPTIONS]
"""Of the platform: what is documented or chosen, and no assumption."""
_fields: dict[str, Any] = dict.fromkeys(OF_THE_CASE, Assumption)
_fields |= dict.fromkeys(PROFILE, (Assumption | None, None))
Assumptions = create_model("Assumptions", __base__=Strict, **_fields)
Assumptions.__doc__ = "What no source gives: of the case, and of its platform."


class UnknownDesignError(CachelibError, ValueError):
    """A design that neither the case nor the package has."""


class System(Strict):
    """The system that the decision is about."""

    name: str
    summary: str
    path: str | None = Field(default=None, description="its repository, beside the case file")


class Decision(Strict):
    """What only people know of a decision: the front matter of its record (MADR 4)."""

    status: Literal["proposed", "accepted", "rejected", "deprecated", "superseded"] = "proposed"
    date: datetime.date | None = None
    deciders: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    supersedes: str | None = None
    drivers: tuple[str, ...] = ()
    confirmation: str | None = None


class Limit(Strict):
    """A bound that a design must keep, or it is out."""

    metric: MetricName
    at_most: float | None = None
    at_least: float | None = None
    why: str

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("give at_most, at_least, or both")
        return self

    def kept_by(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )


class Criteria(Strict):
    """What decides: limits first, then the least of one metric.

    `late_after_s`: an answer is late if it was superseded more than so many seconds ago.
    Hours of work, by design, are written off over `written_off_months`.
    """

    limits: tuple[Limit, ...] = Field(
        default=(), description="each {metric, at_most or at_least, why}; who breaks one is out"
    )
    minimise: MetricName = Field(
        default="monthly_cost_usd", description="the metric of which the least is best"
    )
    late_after_s: Literal[0, 1, 10, 60, 300, 3600] = Field(
        default=60, description="seconds past which a superseded answer is late"
    )
    hours: dict[str, Assumption] = Field(
        default={},
        description="by design, the work that it takes: {value, low, high, unit: hours, why}",
    )
    written_off_months: float = Field(
        default=24, gt=0, description="months over which work is written off"
    )


class Case(Strict):
    """One decision to make."""

    title: str
    question: str
    system: System
    decision: Decision = Decision()
    workload: Workload
    log: Reading = Field(
        default=Reading(),
        description="how to take requests from a log given in the workload's place (--trace); "
        "expressions are DuckDB SQL over the log's columns",
    )
    platform: dict[str, float | str] = Field(default={}, description="settings, by name")
    assumptions: Assumptions  # type: ignore[valid-type]
    designs: tuple[str | Design, ...] = Field(min_length=1)
    against: str = Field(default="durable-object", description="the design that is asked about")
    criteria: Criteria = Criteria()
    claims: tuple[Claim, ...] = ()

    @field_validator("designs")
    @classmethod
    def _known(cls, designs: tuple[str | Design, ...]) -> tuple[str | Design, ...]:
        for design in designs:
            if isinstance(design, str) and (fault := known("design", BUILT_IN, design)):
                raise ValueError(fault)
        return designs

    @field_validator("platform")
    @classmethod
    def _settable(cls, settings: dict[str, float | str]) -> dict[str, float | str]:
        for name in settings:
            if fault := known("setting", SETTINGS, name):
                raise ValueError(fault)
        Platform.model_validate(settings | {"isolates_per_colo": 1})
        return settings

    @field_validator("claims")
    @classmethod
    def _distinct(cls, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        twice = [id for id, count in Counter(claim.id for claim in claims).items() if count > 1]
        if twice:
            raise ValueError(f"ids are given twice: {', '.join(twice)}")
        return claims

    @property
    def assumed(self) -> dict[str, Assumption]:
        """Every assumption by name: the case's own, or else the platform profile's."""
        own = {name: getattr(self.assumptions, name) for name in (*OF_THE_CASE, *PROFILE)}
        return {name: PROFILE[name] if number is None else number for name, number in own.items()}

    @property
    def design_names(self) -> list[str]:
        return [design if isinstance(design, str) else design.name for design in self.designs]

    def known_design(self, name: str) -> str:
        """The name, or `UnknownDesignError` with the nearest one."""
        if fault := known("design", dict.fromkeys([*self.design_names, *BUILT_IN]), name):
            raise UnknownDesignError(fault)
        return name

    def design(self, name: str) -> Design:
        """The named design: the case's own, or else the shipped one."""
        own = {design.name: design for design in self.designs if isinstance(design, Design)}
        return own.get(name) or BUILT_IN[name]


def find_case(name: str | Path) -> Path:
    """The file of a case: a path, a folder with a case.yaml, or the name of a ready-made one."""
    path = Path(name)
    if path.is_dir():
        return path / "case.yaml"
    ready_made = CASES / f"{name}.yaml"
    return ready_made if not path.exists() and ready_made.is_file() else path


def ready_made() -> list[str]:
    """The names of the cases that come with the package."""
    return sorted(path.stem for path in CASES.glob("*.yaml"))


def load_case(name: str | Path, settings: Settings = MappingProxyType({})) -> Case:
    """The checked case, with `settings` in the place of what the file says; see `overrides`.

    Raises `InvalidFileError` with every problem at once, and `ParameterError`.
    """
    from cachelib.model.case import checks, overrides

    path = find_case(name)
    document = overrides.applied(read(path), Case.model_json_schema(), settings)
    return validated(document, Case, lambda case: checks.faults(case, path.parent))


def handed_down(name: str, settled: Any, settings: Settings = MappingProxyType({})) -> Case:
    """A case that was loaded and checked before, from its data, with `settings` in it."""
    from cachelib.model.case import overrides

    document = Document(find_case(name), settled, None, {})
    return validated(overrides.applied(document, Case.model_json_schema(), settings), Case)
