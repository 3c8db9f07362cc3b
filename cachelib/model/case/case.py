"""The case: one decision to make, as a YAML file."""

from __future__ import annotations

import datetime
from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, create_model, field_validator, model_validator

from cachelib.model.case.choices import SETTABLE, Growth, Knob, OptionNotes
from cachelib.model.case.claims import Claim
from cachelib.model.case.criteria import Criteria
from cachelib.model.platforms.platform import Assumption, Platform, profile
from cachelib.model.schema.resources import resource
from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import load
from cachelib.model.tiers.design import BUILT_IN, Design
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.workload import Workload

CASES = resource("cases")
PROFILE = {
    name: number
    for name, number in profile("cloudflare-workers").items()
    if isinstance(number, Assumption)
}
OF_THE_CASE = ("value_life_s", "hourly_rate_usd")
TTLS = ("l1_ttl_s", "l2_ttl_s")
_fields: dict[str, Any] = {"value_life_s": Assumption}
_fields |= dict.fromkeys(("hourly_rate_usd", *TTLS, *PROFILE), (Assumption | None, None))
Assumptions = create_model("Assumptions", __base__=Strict, **_fields)
Assumptions.__doc__ = "What no source gives: of the case, and of its platform."


class UnknownDesignError(ValueError):
    """A design that neither the case nor the package has."""


class System(Strict):
    """The system that the decision is about."""

    name: str
    summary: str
    path: str | None = Field(default=None, description="its repository, beside the case file")


class Document(Strict):
    """The document whose sentences are tested."""

    date: datetime.date
    name: str | None = None


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
    today: str | Design | None = Field(
        default=None, description="what is there: a design by name, or as it is"
    )
    designs: tuple[str | Design, ...] = Field(min_length=1)
    options: dict[str, OptionNotes] = Field(
        default={}, description="what choosing a design means, by its name"
    )
    knobs: dict[str, Knob] = Field(default={}, description="what the reader sets, by name")
    growth: Growth = Growth()
    against: str = Field(default="durable-object", description="the design that is asked about")
    criteria: Criteria = Criteria()
    document: Document | None = Field(default=None, description="where the claims stand")
    claims: tuple[Claim, ...] = ()

    @field_validator("designs")
    @classmethod
    def _known(cls, designs: tuple[str | Design, ...]) -> tuple[str | Design, ...]:
        for design in designs:
            if isinstance(design, str) and design not in BUILT_IN:
                raise ValueError(_unknown("design", design, list(BUILT_IN)))
        return designs

    @field_validator("knobs")
    @classmethod
    def _knobs_known(cls, knobs: dict[str, Knob]) -> dict[str, Knob]:
        for name in knobs:
            if name not in SETTABLE:
                raise ValueError(_unknown("knob", name, list(SETTABLE)))
        return knobs

    @field_validator("against")
    @classmethod
    def _known_too(cls, name: str) -> str:
        if name not in BUILT_IN:
            raise ValueError(_unknown("design", name, list(BUILT_IN)))
        return name

    @field_validator("platform")
    @classmethod
    def _settable(cls, settings: dict[str, float | str]) -> dict[str, float | str]:
        known = [name for name in Platform.model_fields if name not in PROFILE]
        for name in settings:
            if name not in known:
                raise ValueError(_unknown("setting", name, known))
        Platform.model_validate(settings | {"isolates_per_colo": 1})
        return settings

    @field_validator("claims")
    @classmethod
    def _distinct(cls, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        twice = [id for id, count in Counter(claim.id for claim in claims).items() if count > 1]
        if twice:
            raise ValueError(f"ids are given twice: {', '.join(twice)}")
        return claims

    @model_validator(mode="after")
    def _named(self) -> Self:
        """Every name leads somewhere, and no number is given twice."""
        names = self.design_names
        if self.today_name not in (None, *BUILT_IN, *(d.name for d in self._own_designs)):
            raise ValueError(f"today: {_unknown('design', str(self.today_name), names[1:])}")
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"designs: named twice: {', '.join(twice)}")
        for where, named in (("options", self.options), ("criteria.hours", self.criteria.hours)):
            for name in named:
                if name not in names:
                    raise ValueError(f"{where}: {_unknown('design', name, names)}")
        for name in names:
            if self.options.get(name, OptionNotes()).hours and name in self.criteria.hours:
                raise ValueError(f"hours of {name!r}: given in options and in criteria.hours")
        for notes in self.options.values():
            for setting in notes.settings:
                if setting not in SETTABLE:
                    raise ValueError(f"options: {_unknown('knob', setting, list(SETTABLE))}")
        for name in TTLS:
            given = getattr(self.assumptions, name)
            if name in self.knobs and given is not None:
                raise ValueError(f"{name}: given as a knob and as an assumption; it is a knob")
            if name not in self.knobs and given is None:
                raise ValueError(f"knobs: {name}: missing; give its values, or low and high")
        inputs = [*self.assumed, *self.all_knobs, *Workload.model_fields]
        inputs += [f"hours:{name}" for name in names]
        for claim in self.claims:
            if claim.assumed is not None and claim.assumed not in inputs:
                raise ValueError(f"claims: {claim.id}: {_unknown('input', claim.assumed, inputs)}")
            if claim.region and claim.region.over not in inputs:
                raise ValueError(
                    f"claims: {claim.id}: {_unknown('number', claim.region.over, inputs)}"
                )
        if self.criteria.needs_hours and "hourly_rate_usd" not in self.assumed:
            raise ValueError(
                "assumptions: hourly_rate_usd: missing; what is minimised counts hours of work"
            )
        return self

    @property
    def assumed(self) -> dict[str, Assumption]:
        """Every assumption by name: the case's own, or else the platform profile's."""
        own = {name: getattr(self.assumptions, name) for name in (*OF_THE_CASE, *PROFILE)}
        filled = {
            name: PROFILE.get(name) if number is None else number for name, number in own.items()
        }
        return {name: number for name, number in filled.items() if number is not None}

    @property
    def all_knobs(self) -> dict[str, Knob]:
        """The knobs by name; lives of copies given as assumptions are knobs all the same."""
        given = {name: getattr(self.assumptions, name) for name in TTLS}
        return self.knobs | {
            name: Knob(value=n.value, low=n.low, high=n.high, unit=n.unit, why=n.why)
            for name, n in given.items()
            if n is not None
        }

    @property
    def settings(self) -> dict[str, float]:
        """Each knob as it is set today; where the case does not say, its middle value."""
        return {
            name: knob.value or knob.settings[len(knob.settings) // 2]
            for name, knob in self.all_knobs.items()
        }

    @property
    def written(self) -> datetime.date | None:
        """The day of the document whose claims are tested."""
        return self.document.date if self.document else None

    @property
    def today_name(self) -> str | None:
        """The design that is there."""
        return self.today.name if isinstance(self.today, Design) else self.today

    def hours(self, name: str) -> Assumption | None:
        """The work that a design takes; None where nobody says. What is there takes none."""
        stated = self.options.get(name, OptionNotes()).hours or self.criteria.hours.get(name)
        if stated is None and name == self.today_name:
            return Assumption(value=0, low=0, high=0, unit="hours", why="it is there")
        return stated

    def not_stated(self) -> list[str]:
        """What a decision would need and the case does not say, in words."""
        missing = []
        if self.today is None:
            missing.append("today: which design is there now; without it nothing can be kept")
        unknown = [name for name in self.design_names if self.hours(name) is None]
        if unknown and self.criteria.needs_hours:
            missing.append(f"hours of {', '.join(unknown)}: left out of the ranking")
        return missing

    @property
    def design_names(self) -> list[str]:
        """What is there, and the designs to choose from."""
        named = [design if isinstance(design, str) else design.name for design in self.designs]
        there = self.today_name
        return [there, *named] if there is not None and there not in named else named

    @property
    def _own_designs(self) -> list[Design]:
        return [d for d in (*self.designs, self.today) if isinstance(d, Design)]

    def known_design(self, name: str) -> str:
        """The name, or `UnknownDesignError` with the nearest one."""
        known = list(dict.fromkeys([*self.design_names, *BUILT_IN]))
        if name not in known:
            raise UnknownDesignError(_unknown("design", name, known))
        return name

    def design(self, name: str) -> Design:
        """The named design: the case's own, or else the shipped one."""
        own = {design.name: design for design in self._own_designs}
        return own.get(name) or BUILT_IN[name]

    def with_assumed(self, **values: float) -> Self:
        """The case with some assumptions and knobs settled, ranges widened where need be."""
        knobs = self.all_knobs
        settled = {
            name: _settled(self.assumed[name], value)
            for name, value in values.items()
            if name not in SETTABLE
        } | dict.fromkeys(TTLS)
        held = {
            name: Knob(value=value, values=(value,), why="set by a parameter of this run")
            for name, value in values.items()
            if name in SETTABLE
        }
        assumptions: Strict = self.assumptions
        return self.model_copy(
            update={
                "assumptions": assumptions.model_copy(update=settled),
                "knobs": knobs | held,
            }
        )


def _settled(assumption: Assumption, value: float) -> Assumption:
    return assumption.model_copy(
        update={
            "value": value,
            "low": min(value, assumption.low),
            "high": max(value, assumption.high),
            "why": "set by a parameter of this run",
        }
    )


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}; {guess}allowed: {', '.join(known)}"


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
