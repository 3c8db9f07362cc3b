"""A decision as data: what `decision.json` holds of it, so that a program need read no sentence.

Every number is in the unit that its metric or its own field names; what nobody states is null.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Number = Annotated[float, AfterValidator(lambda number: float(f"{number:.10g}"))]
"""Without the digits that rounding errors write."""
Fate = Literal["chosen", "tied", "stands", "out", "not ranked"]
Cause = Literal["limit", "score", "secondary"]


class Record(BaseModel):
    """A part of the file; an unknown key is an error, and no number is infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Decider(Record):
    """A metric that decides, or that the table of options shows."""

    label: str
    unit: str
    better: Literal["less", "more"]
    weight: Number | None = Field(description="in what is minimised; null if it is no part of it")
    ties_below: Number = Field(description="differences from the best below this decide nothing")


class Bound(Record):
    """A limit. Who breaks one is out, unless `costs_beyond` says what each unit beyond it costs."""

    name: str = Field(description="as flips, misses and assumptions name it: `limit:p95_ms`")
    metric: str
    at_most: Number | None
    at_least: Number | None
    low: Number = Field(description="where the bound itself may lie, at the least")
    high: Number = Field(description="and at the most")
    costs_beyond: Number | None
    why: str


class Range(Record):
    """A best guess and what it may be."""

    value: Number
    low: Number
    high: Number


class Measured(Record):
    """A metric of an option as simulated."""

    value: Number | None
    error: Number | None = Field(description="half of its 95 % interval; null if it was not asked")


class Broken(Record):
    """A limit that an option breaks."""

    limit: str
    value: Number
    beyond: Number = Field(description="as a share of the bound")


class Chance(Record):
    """A share of the draws, and its Monte Carlo error (one standard deviation)."""

    share: Number
    error: Number


class Regretted(Record):
    """What an option costs more than the best one of the same draw, in what is minimised."""

    mean: Number
    mean_error: Number
    p95: Number
    p95_error: Number


class Sure(Record):
    """How an option fares over the draws."""

    keeps_limits: Chance
    best_or_tied: Chance
    chosen: Chance
    regret: Regretted | None


class Candidate(Record):
    """An option at the settings at which it was judged."""

    name: str
    words: str
    is_today: bool
    fate: Fate
    rank: int | None = Field(description="1 is the choice; null for what cannot be chosen")
    work_hours: Range | None
    changes: str | None = Field(description="what choosing it changes, as the case says")
    needs: tuple[str, ...] = Field(default=(), description="what it depends on, as the case says")
    settings: dict[str, Number]
    metrics: dict[str, Measured]
    score: Number | None = Field(description="what is minimised, as simulated")
    breaks: list[Broken]
    sure: Sure


class Change(Record):
    """Where the choice changes as one number grows, all else as assumed."""

    number: str
    label: str
    unit: str
    here: Number
    at: Number
    error: Number | None = Field(
        default=None, description="half of the 95 % interval of `at`; null where it is not known"
    )
    before: str | None = Field(description="the choice below; null where nothing keeps the limits")
    after: str | None
    cause: Cause
    metric: str = Field(description="the limit that is crossed, or the metric in which two part")
    option: str
    other: str | None
    in_range: bool = Field(description="within what the number may be")
    simulated: bool = Field(description="beyond it a simulation chooses the same")
    distance: Number | None = Field(description="at / here or here / at; null if either is 0")


class Worth(Record):
    """What knowing one assumption would save on average, in what is minimised."""

    number: str
    label: str
    saved: Number
    saved_error: Number
    explains: Number = Field(description="share of the regret's variance that it explains alone")


class Outcome(Record):
    """The decision."""

    recommended: str | None = Field(description="an option's name; null if nothing can be chosen")
    today: str | None
    keeps_today: bool
    tied_with: list[str]
    tie_broken_by: str | None
    minimised: str = Field(description="what is least, or most, in words")
    unit: str = Field(description="of scores, regret and worth")
    metrics: dict[str, Decider]
    limits: list[Bound]
    options: list[Candidate] = Field(description="the choice first, those that are out last")
    draws: int
    by_simulation: bool = Field(description="formulas were withheld: the draws are simulated")
    nothing_keeps_limits: Number = Field(description="share of draws")
    flips: list[Change]
    worth_knowing: list[Worth]
