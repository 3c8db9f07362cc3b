"""A case's designs on its platform, with all their settings, and those that it does not allow."""

from __future__ import annotations

from cachelib.model.case.case import Case
from cachelib.model.platforms.platform import Platform, Routing
from cachelib.model.tiers.design import Design, DesignError


def platform_of(case: Case, routing: Routing = "random") -> Platform:
    """The platform with the case's assumptions at their best guesses, and its settings."""
    values = {name: number.value for name, number in case.assumed.items()}
    known = {name: value for name, value in values.items() if name in Platform.model_fields}
    known["isolates_per_colo"] = round(known["isolates_per_colo"])
    return Platform(**known | {"routing": routing} | case.platform)


def as_written(case: Case, name: str) -> Design:
    """A design, its TTLs the case's where it has none of its own."""
    design, assumed = case.design(name), case.assumed
    return design.model_copy(
        update={
            "l1_ttl_s": design.l1_ttl_s or assumed["l1_ttl_s"].value,
            "l2_ttl_s": design.l2_ttl_s or assumed["l2_ttl_s"].value,
        }
    )


def as_allowed(case: Case, name: str, platform: Platform) -> Design:
    """The same, or, if the platform does not allow that, what is nearest to it: a longer TTL.

    An option that is not allowed is out; but experiments need some designs to compare with.
    """
    design = as_written(case, name)
    if _fault(design, platform) is None:
        return design
    return design.model_copy(update={"l2_ttl_s": platform.kv_min_ttl_s})


def barred(case: Case) -> dict[str, str]:
    """The case's designs that its platform does not allow, and why."""
    platform = platform_of(case)
    faults = {name: _fault(as_written(case, name), platform) for name in case.design_names}
    return {name: fault for name, fault in faults.items() if fault is not None}


def _fault(design: Design, platform: Platform) -> str | None:
    try:
        platform.check(design)
    except DesignError as error:
        return str(error).removeprefix(f"{design.name}: ")
    return None
