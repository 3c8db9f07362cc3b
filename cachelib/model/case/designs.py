"""A case's designs on its platform, with all their settings, and those that it does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachelib.model.case.choices import WHOLE, turns
from cachelib.model.platforms.platform import Platform, Routing
from cachelib.model.tiers.design import Design, DesignError
from cachelib.model.tiers.registry import ALL

if TYPE_CHECKING:
    from cachelib.model.case.case import Case


def platform_of(case: Case, routing: Routing = "random", *, is_log: bool = False) -> Platform:
    """The platform with the case's assumptions at their best guesses, and its settings; a log has
    no rounds that empty caches."""
    values = {name: number.value for name, number in case.assumed.items()} | case.settings
    known: dict[str, Any] = {
        name: value for name, value in values.items() if name in Platform.model_fields
    }
    if "isolates_per_colo" in known:
        known["isolates_per_colo"] = round(known["isolates_per_colo"])
    busiest = max(case.workload.colos, key=lambda colo: case.workload.colos[colo], default=None)
    if busiest is not None and "redis" in case.profile.tiers:
        known["redis_at"] = busiest
    known["lists_a_month"] = case.workload.lists_per_month
    known["purges_a_month"] = 0.0 if is_log else case.workload.purges_per_month
    return Platform(**known | {"routing": routing} | case.platform)


def as_written(case: Case, name: str) -> Design:
    """A design, what has a knob as that is set today where the design does not say.

    An L1 with nothing behind it has nobody's life to inherit.
    """
    design, settings = case.design(name), case.settings
    l2_ttl_s = design.l2_ttl_s or settings["l2_ttl_s"]
    left_open = {
        knob: int(settings[knob]) if knob in WHOLE else settings[knob]
        for knob in case.knobs
        if knob in Design.model_fields and turns(knob, design) and getattr(design, knob) is None
    }
    return design.model_copy(
        update=left_open
        | {
            "l1_ttl_s": design.l1_ttl_s or settings["l1_ttl_s"],
            "l2_ttl_s": l2_ttl_s if design.shared else None,
        }
    )


def as_allowed(case: Case, name: str, platform: Platform) -> Design:
    """The same, or, if the platform does not allow that, what is nearest to it: a longer TTL.

    An option that is not allowed is out; but experiments need some designs to compare with.
    """
    design = as_written(case, name)
    if fault_of(design, platform) is None:
        return design
    return design.model_copy(update={"l2_ttl_s": platform.kv_min_ttl_s})


def barred(case: Case) -> dict[str, str]:
    """The case's designs that its platform does not allow, and why."""
    platform = platform_of(case)
    longest = max(case.all_knobs["l2_ttl_s"].settings)
    faults = {
        name: _not_there(case, name) or fault_of(_longest(case, name, longest), platform)
        for name in case.design_names
    }
    return {name: fault for name, fault in faults.items() if fault is not None}


def _not_there(case: Case, name: str) -> str | None:
    """Which tiers of a design the case's platform has not."""
    missing = [
        ALL[word].label for word in case.design(name).tiers if word not in case.profile.tiers
    ]
    if not missing:
        return None
    there = ", ".join(case.profile.told(ALL[word].label) for word in case.profile.tiers)
    return f"tiers: this platform has no {' and no '.join(missing)}; it has {there}"


def _longest(case: Case, name: str, l2_ttl_s: float) -> Design:
    """The design with the longest life in L2 that its knob allows: too short, and all are."""
    design = as_written(case, name)
    own = case.design(name).l2_ttl_s is not None or not design.shared
    stated = case.all_knobs["l2_ttl_s"].value is not None
    own = own or (name == case.today_name and stated)  # what is there is not turned
    return design if own else design.model_copy(update={"l2_ttl_s": l2_ttl_s})


def fault_of(design: Design, platform: Platform) -> str | None:
    """Why a platform does not allow a design; None where it does."""
    try:
        platform.check(design)
    except DesignError as error:
        return str(error).removeprefix(f"{design.name}: ")
    return None
