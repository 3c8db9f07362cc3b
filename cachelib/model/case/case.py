"""The case: one decision to make, as a YAML file."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
)

from cachelib.errors import CachelibError
from cachelib.model.case import anew, beside
from cachelib.model.case.beside import BOOK, PRICES
from cachelib.model.case.choices import Growth, Knob, Knobs, OptionNotes
from cachelib.model.case.claims import Claim
from cachelib.model.case.criteria import Criteria
from cachelib.model.case.names import ASSUMPTIONS, OF_SCHEDULES, PROFILE, TTLS, known
from cachelib.model.case.ready_made import find_case
from cachelib.model.case.source import Said
from cachelib.model.case.theme import Theme
from cachelib.model.platforms.books import PriceBook
from cachelib.model.platforms.platform import Assumption, Platform, Profile, profile_of
from cachelib.model.platforms.profile import FIRST
from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import (
    Document,
    Findings,
    InvalidFileError,
    Problem,
    read,
    validated,
)
from cachelib.model.tiers.built_in import BUILT_IN, shipped_for
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import FAILURES
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.workload import Workload

Settings = Mapping[str, Any]
"""Values by the names of what they set; see `overrides`."""

Prices = Annotated[
    dict[str, Annotated[
        Annotated[Decimal, Field(ge=0), Tag("price")] | Annotated[PriceBook, Tag(BOOK)],
        Discriminator(lambda given: BOOK if isinstance(given, Mapping | PriceBook) else "price"),
    ]],
    WithJsonSchema(PRICES),
]  # fmt: skip
"""By meter, and under `book` the price book that a file beside the case has."""
SETTINGS = [n for n in Platform.model_fields if n not in {*ASSUMPTIONS, *OF_SCHEDULES}]
"""Of the platform: what is documented or chosen, no assumption and none of the workload's."""
_fields: dict[str, Any] = {"value_life_s": Assumption}
_optional = ("hourly_rate_usd", "origin_trips", *TTLS, *FAILURES, *PROFILE)
_fields |= dict.fromkeys(_optional, (Assumption | None, None))
Assumptions = create_model("Assumptions", __base__=Strict, **_fields)
Assumptions.__doc__ = "What no source gives: of the case, and of its platform."


class UnknownDesignError(CachelibError, ValueError):
    """A design that neither the case nor the package has."""


class System(Strict):
    """The system that the decision is about."""

    name: str
    summary: str
    path: str | None = Field(default=None, description="its repository, beside the case file")
    says: dict[str, Said] = Field(
        default={}, description="numbers of this case, by path, that stand in the repository"
    )


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


class Source(Strict):
    """The document whose sentences are tested."""

    date: datetime.date
    name: str | None = None


class Case(Strict):
    """One decision to make."""

    title: str
    question: str
    system: System
    decision: Decision = Decision()
    workload: Workload
    sample: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="the share of the keys that is simulated in the place of all (--sample), 1 for "
        "all; without it, what takes longer than two minutes is sampled",
    )
    log: Reading = Field(
        default=Reading(),
        description="how to take requests from a log given in the workload's place (--trace); "
        "expressions are DuckDB SQL over the log's columns",
    )
    platform: dict[str, float | str | tuple[str, ...] | Profile] = Field(
        default={}, description="settings, by name; `profile`: a platform's, or a file beside"
    )
    plan: Literal["paid", "free"] = Field(
        default="paid", description="of the vendor's; beyond a free one's day, operations fail"
    )
    prices: Prices = Field(
        default={}, description="your own, in the place of the price book's, by meter; or a file"
    )
    assumptions: Assumptions  # type: ignore[valid-type]
    today: str | Design | None = Field(
        default=None, description="what is there: a design by name, or as it is"
    )
    designs: tuple[str | Design, ...] = Field(min_length=1)
    options: dict[str, OptionNotes] = Field(
        default={}, description="what choosing a design means, by its name"
    )
    knobs: Knobs = Field(default={}, description="what the reader sets, by name")
    growth: Growth = Growth()
    against: str = Field(default="durable-object", description="the design that is asked about")
    criteria: Criteria = Criteria()
    document: Source | None = Field(default=None, description="where the claims stand")
    claims: tuple[Claim, ...] = ()
    theme: Theme = Theme()

    @field_validator("designs")
    @classmethod
    def _known(
        cls, designs: tuple[str | Design, ...], info: ValidationInfo
    ) -> tuple[str | Design, ...]:
        platform = profile_of(info.data.get("platform", {}).get("profile", FIRST))
        for nth, design in enumerate(designs):
            if isinstance(design, str) and design not in BUILT_IN:
                raise ValueError(f"{nth}: {known('design', shipped_for(platform.tiers), design)}")
        return designs

    @field_validator("log")
    @classmethod
    def _readable(cls, log: Reading) -> Reading:
        if log.format != "auto":
            # the reader's databases take longer to load than a case does
            from cachelib.model.traffic.logs.patterns import named_format

            named_format(log)
        return log

    @field_validator("platform")
    @classmethod
    def _settable(
        cls, settings: dict[str, float | str | tuple[str, ...] | Profile]
    ) -> dict[str, float | str | tuple[str, ...] | Profile]:
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
    def profile(self) -> Profile:
        """The platform that the case runs on."""
        return profile_of(self.platform.get("profile", FIRST))

    @property
    def book(self) -> str | PriceBook:
        """The price book: the case's own, or else the platform's."""
        own = self.prices.get(BOOK)
        return own if isinstance(own, PriceBook) else self.profile.book

    @property
    def own_prices(self) -> dict[str, Decimal]:
        """What the case states itself, by meter."""
        return {
            name: price for name, price in self.prices.items() if not isinstance(price, PriceBook)
        }

    @property
    def assumed(self) -> dict[str, Assumption]:
        """Every assumption by name: the case's own, or else the platform profile's.

        Of the profile's, those with a range: what has none is settled until a case says otherwise.
        """
        own = {name: getattr(self.assumptions, name) for name in ASSUMPTIONS if name not in TTLS}
        there = {n: a for n, a in self.profile.assumptions.items() if a.low < a.high}
        filled = {
            name: there.get(name) if number is None else number for name, number in own.items()
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
        if stated is None and name == self.set_anew:
            return anew.WORK
        return stated

    def not_stated(self, called: Callable[[str], str] = str) -> list[str]:
        """What a decision would need and the case does not say; `called` names a design."""
        missing = []
        if self.today is None:
            missing.append("today: which design is there now; without it nothing can be kept")
        unknown = [name for name in self.design_names if self.hours(name) is None]
        if unknown and self.criteria.needs_hours:
            missing.append(f"hours of {', '.join(map(called, unknown))}: left out of the ranking")
        return [*missing, *self._not_counted()]

    def _not_counted(self) -> Iterator[str]:
        """What would be billed where something stands in front, and the case does not say."""
        there = {*BUILT_IN, *(design.name for design in self.own_designs)}
        fronts = [self.design(name).front for name in self.design_names if name in there]
        for tier in {tier.word: tier for tier in fronts if tier}.values():
            for name in tier.in_front.besides if tier.in_front else ():
                if getattr(self.assumptions, name) is None:
                    yield (
                        f"{tier.numbers[name]}: they are billed where {tier.label} is on, and none"
                        " are counted"
                    )

    @property
    def design_names(self) -> list[str]:
        """What is there, and the designs to choose from."""
        named = [design if isinstance(design, str) else design.name for design in self.designs]
        there = self.today_name
        return [there, *named] if there is not None and there not in named else named

    @property
    def offered(self) -> list[str]:
        """The shipped designs of which the platform has every tier."""
        return shipped_for(self.profile.tiers)

    @property
    def set_anew(self) -> str | None:
        """The option to keep what is there at its best settings; see `anew`."""
        known = {*BUILT_IN, *(design.name for design in self.own_designs)}
        if self.today_name is None or self.today_name not in known:
            return None
        there = self.design(self.today_name)
        others = [self.design(n) for n in self.design_names if n in known - {there.name}]
        return anew.name_of(there, self.all_knobs, others)

    @property
    def option_names(self) -> list[str]:
        """The designs, and what is there at other settings."""
        return [*self.design_names, *filter(None, [self.set_anew])]

    @property
    def own_designs(self) -> list[Design]:
        return [d for d in (*self.designs, self.today) if isinstance(d, Design)]

    def words(self, name: str) -> str:
        """An option's name for readers, no two alike; what is no option keeps its own name."""
        if name == self.set_anew:
            return f"{self.words(self.today_name or '')}, set anew"
        if name not in self.design_names:
            return self._words(BUILT_IN[name]) if name in BUILT_IN else name
        own = self._words(self.design(name))
        alike = [each for each in self.design_names if self._words(self.design(each)) == own]
        return own if len(alike) == 1 else f"{own} ({name})"

    def _words(self, design: Design) -> str:
        return design.label or self.profile.told(design.words)

    def known_design(self, name: str) -> str:
        """The name, or `UnknownDesignError` with the nearest one."""
        if name not in self.design_names and name not in BUILT_IN:
            raise UnknownDesignError(known("design", self.design_names + self.offered, name))
        return name

    def design(self, name: str) -> Design:
        """The named design: the case's own, or else the shipped one."""
        own = {design.name: design for design in self.own_designs}
        if name not in own and name not in BUILT_IN and name == self.set_anew:
            there = anew.opened(self.design(self.today_name or ""), self.all_knobs)
            return there.model_copy(update={"name": name, "label": self.words(name)})
        return own.get(name) or BUILT_IN[name]


@cache
def case_schema() -> dict[str, Any]:
    """The JSON Schema of a case, to be read only: making it takes as long as reading a case."""
    return Case.model_json_schema()


def load_case(name: str | Path, settings: Settings = MappingProxyType({})) -> Case:
    """The checked case, with `settings` in the place of what the file says; see `overrides`.

    Raises `InvalidFileError` with every problem at once, and `ParameterError`.
    """
    from cachelib.model.case import checks, overrides, repository

    path = find_case(name)
    written = beside.with_platform(beside.in_one_form(read(path)))
    document = beside.with_prices(overrides.applied(written, case_schema(), settings))
    is_told = ("system", "path") in document.given

    def faults(case: Case) -> Findings:
        for location, message in checks.faults(case, path.parent):
            if not overrides.has_put_at_fault(location, document):
                yield location, message
        code = case.system.path
        if code and (fault := repository.fault(path.parent, code, anywhere=is_told)):
            yield ("system", "path"), fault

    try:
        return validated(document, Case, faults)
    except InvalidFileError as error:
        told = {*error.problems, *_missing_besides(error.problems, document, faults)}
        raise InvalidFileError(
            sorted(told, key=lambda one: (one.line, one.key, one.message))
        ) from None


def _missing_besides(
    told: list[Problem], document: Document, faults: Callable[[Case], Findings]
) -> Iterator[Problem]:
    """Assumptions that are missing where only others are wrong, so that nobody is asked twice."""
    wrong = {problem.key.split(".")[1] for problem in told if problem.key.count(".")}
    if any(not problem.key.startswith("assumptions.") for problem in told):
        return
    given = document.data["assumptions"]
    right = {name: number for name, number in given.items() if name not in wrong}
    try:
        case = Case.model_validate(document.data | {"assumptions": right})
    except ValidationError:
        return
    for location, message in faults(case):
        if location[0] == "assumptions" and len(location) > 1 and location[1] not in wrong:
            yield document.problem(location, message)


def handed_down(name: str, settled: Any, settings: Settings = MappingProxyType({})) -> Case:
    """A case that was loaded and checked before, from its data, with `settings` in it."""
    from cachelib.model.case import overrides

    document = Document(find_case(name), settled, None, {})
    return validated(overrides.applied(document, case_schema(), settings), Case)
