"""What is there, set anew: an option of its own beside what is there as it is set.

Else a rival at its best settings would be held against settings that nobody chose on purpose, and
seem to gain what turning a knob gains.
"""

from __future__ import annotations

from collections.abc import Iterable

from cachelib.model.case.choices import SETTABLE, turns
from cachelib.model.platforms.platform import Assumption
from cachelib.model.tiers.design import Design

TURNED = tuple(
    name
    for name in SETTABLE
    if name in Design.model_fields and Design.model_fields[name].default is None
)
"""The knobs that a design may leave open."""
WORK = Assumption(
    value=1, low=0.5, high=4, unit="hours",
    why="a setting is changed, rolled out and watched; the case does not say how long that takes",
)  # fmt: skip


def name_of(there: Design, knobs: Iterable[str], others: Iterable[Design]) -> str | None:
    """The option's name; None where there is no knob to turn, or the case has such an option."""
    can_be_turned = any(name in TURNED and turns(name, there) for name in knobs)
    if not can_be_turned or any(_but_for_settings(o) == _but_for_settings(there) for o in others):
        return None
    return f"{there.name}-set-anew"


def opened(there: Design, knobs: Iterable[str]) -> Design:
    """With the settings left open that the case has a knob for."""
    turned: dict[str, object] = {name: None for name in knobs if name in TURNED}
    return there.model_copy(update=turned | {"hedged": there.races})


def _but_for_settings(design: Design) -> Design:
    settled: dict[str, object] = dict.fromkeys(n for n in SETTABLE if n in Design.model_fields)
    same = settled | {"name": "", "label": None, "hedged": design.races}
    return design.model_copy(update=same)
