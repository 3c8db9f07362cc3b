"""The options of a case: designs at given settings, with the work that they take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cachelib.model.case.choices import SETTABLE, WHOLE, OptionNotes, as_set, turns
from cachelib.model.case.designs import fault_of
from cachelib.model.engines.result import Result
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Assumption, Platform
from cachelib.model.tiers.design import Design

FINER = 5  # steps between a setting and the next, when it is looked closer
POLICIES_BY_SIMPLICITY = ("hard", "clean-up", "soft-hard", "refresh")


@dataclass(frozen=True)
class Option:
    """A design that may be chosen, at settings of its knobs.

    `settings`: each knob that the design has, by name. `hours`: None where nobody says.
    """

    design: Design
    settings: Mapping[str, float]
    is_today: bool = False
    hours: Assumption | None = None
    notes: OptionNotes = field(default_factory=OptionNotes)

    @property
    def name(self) -> str:
        return self.design.name

    @property
    def platform(self) -> dict[str, float]:
        """The settings that are the platform's, not the design's."""
        return {name: v for name, v in self.settings.items() if name in Platform.model_fields}

    @property
    def complexity(self) -> tuple[int, int]:
        """Tiers, and how much its policy does: less is simpler."""
        design = self.design
        policy = POLICIES_BY_SIMPLICITY.index(design.policy) + design.write_only_if_changed
        policy += design.stale_while_revalidate_s is not None
        policy += design.races + ((design.joined or 1) > 1)
        return len(design.tiers), policy + design.listen + (design.replicas > 0) + (
            design.object_alarm
        )

    @property
    def simplicity(self) -> float:
        """`complexity` as one number; less is simpler."""
        tiers, policy = self.complexity
        return tiers + policy / 10

    @property
    def hours_value(self) -> float:
        """Hours of work; NaN where nobody says."""
        return float("nan") if self.hours is None else self.hours.value

    def at(self, **settings: float) -> Option:
        """The same at other settings."""
        merged = {**self.settings, **settings}
        own = {
            name: int(value) if name in WHOLE else value
            for name, value in merged.items()
            if name in Design.model_fields
        }
        return replace(self, design=self.design.model_copy(update=own), settings=merged)


def simulate(study: Study, option: Option) -> Result:
    """What the option does with the study's traffic."""
    platform: dict[str, Any] = option.platform
    return study.replay(option.design, **platform)


def possible(study: Study, option: Option) -> bool:
    """Whether the platform takes an option as it is set, and it is not set in vain."""
    design = option.design
    in_vain = design.policy == "soft-hard" and design.refresh_after_s > design.hard_ttl_s
    cached_s = option.platform.get("kv_cache_ttl_s", np.inf)
    return (
        not in_vain
        and cached_s >= study.platform.kv_min_cache_ttl_s
        and fault_of(design, study.platform) is None
    )


def options(study: Study) -> list[Option]:
    """The case's options as they are set today, by name: the order of its lines is nothing."""
    case = study.case
    return [
        _option(study, name, case.options.get(name, OptionNotes()))
        for name in sorted(case.option_names)
    ]


def _option(study: Study, name: str, notes: OptionNotes) -> Option:
    design, case = study.design(name), study.case
    held = {knob: case.settings[knob] for knob in knobs_of(case.design(name), case.all_knobs)}
    own = {knob: getattr(design, knob, None) for knob in SETTABLE if knob in Design.model_fields}
    shown = {knob: float(value) for knob, value in own.items() if value and turns(knob, design)}
    made = Option(
        design=design,
        settings={},
        is_today=name == case.today_name,
        hours=case.hours(name),
        notes=notes,
    ).at(**(shown | held | dict(notes.settings)))
    if not made.is_today or fault_of(made.design, study.platform) is None:
        return made
    return made.at(l2_ttl_s=design.l2_ttl_s or 0)  # nobody says how it is set: as is allowed


def knobs_of(design: Design, known: Mapping[str, object]) -> list[str]:
    """The knobs that a design has and does not itself settle."""
    return [
        name
        for name in known
        if turns(name, design) and (name in Platform.model_fields or getattr(design, name) is None)
    ]


def between(own: float, tried: Collection[float], unit: str) -> list[float]:
    """Values of a knob between its own and the next that were tried, on either side."""
    below, above = [v for v in tried if v < own], [v for v in tried if v > own]
    ends = [max(below)] if below else []
    ends += [min(above)] if above else []
    finer = (v for end in ends for v in np.geomspace(own, end, FINER + 1)[1:-1].tolist())
    steps = [as_set(v, unit) for v in finer]
    return sorted({step for step in steps if step not in tried and step != own})
