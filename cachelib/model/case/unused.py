"""What a case says and nothing would use: each is an error, since whoever said it meant something.

Each check is a function from a case to locations and messages, as in `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cachelib.model.case.choices import SETTABLE, turns
from cachelib.model.case.names import TTLS
from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL
from cachelib.model.traffic.workload import LEANS_ON, idle

if TYPE_CHECKING:
    from cachelib.model.case.case import Case

Faults = Iterator[tuple[Location, str]]

LACKING = {
    "l1_ttl_s": "memory among its tiers",
    "l1_max_entries": "memory among its tiers",
    "l1_max_bytes": "memory among its tiers",
    "l2_ttl_s": "tier that is shared",
    "soft_ttl_s": "policy 'soft-hard'",
    "stale_while_revalidate_s": "Workers Cache or CloudFront among its tiers",
    "clean_up_every_s": "policy 'clean-up'",
    "hedge_after_ms": "read that asks the origin, too, when it is slow (hedged: true)",
    "objects": "Durable Objects among its tiers",
    "joined": "cache for keys to lie together in, with none in front of it",
    "kv_cache_ttl_s": "KV among its tiers",
    "redis_gb": "Redis among its tiers",
    "unreachable": "tier that is shared, which could be out of reach",
    "expiry": "memory among its tiers",
    "write_only_if_changed": "policy that loads in the background ('refresh' or 'soft-hard')",
}
"""By setting, what a design has not that does nothing with it."""

STAYING = ("sticky_readers", "sticky_requests")
SCALING = ("isolates_at_least", "isolates_scaled_every_s")


def used(setting: str, design: Design) -> bool:
    """Whether a setting of a design's does anything there."""
    if setting in SETTABLE:
        return turns(setting, design)
    return {
        "l1_max_bytes": design.l1,
        "unreachable": bool(design.stores) or design.unreachable == "error",
        "expiry": design.l1 or design.expiry == "inherited",
        "write_only_if_changed": design.policy in ("refresh", "soft-hard")
        or not design.write_only_if_changed,
    }[setting]


def of_designs(case: Case) -> Faults:
    """Settings of what a design has not. How what is there cleans up, policies are compared by."""
    for nth, design in enumerate(case.designs):
        if isinstance(design, Design):
            yield from _of_design(("designs", nth), design, LACKING)
    if isinstance(case.today, Design):
        asked = {name: what for name, what in LACKING.items() if name != "clean_up_every_s"}
        yield from _of_design(("today",), case.today, asked)


def _of_design(location: Location, design: Design, lacking: Mapping[str, str]) -> Faults:
    for name in sorted(design.model_fields_set & lacking.keys()):
        if getattr(design, name) is not None and not used(name, design):
            yield (*location, name), _nothing(design.name, name)


def _nothing(design: str, setting: str) -> str:
    return f"nothing uses it, since {design} has no {LACKING[setting]}; leave it out"


def of_options(case: Case) -> Faults:
    """Knobs held for an option that has them not, that has settled them, or that are not allowed.

    A name that no design or no knob has is another check's.
    """
    there = {*BUILT_IN, *(design.name for design in case.own_designs)}
    for name, notes in case.options.items():
        if name not in case.option_names or (name not in there and name != case.set_anew):
            continue
        design = case.design(name)
        for knob in [knob for knob in notes.settings if knob in SETTABLE]:
            if fault := _held(case, design, knob, notes.settings[knob]):
                yield ("options", name, "settings", knob), fault


def _held(case: Case, design: Design, knob: str, at: float) -> str | None:
    """What is wrong with holding a knob of a design at a number."""
    if not turns(knob, design):
        return _nothing(design.name, knob)
    own = getattr(design, knob, None) if knob in design.model_fields_set else None
    if own is not None and own != at:
        return f"{at:g} here, and {own:g} where the design {design.name} is described; say it once"
    known = case.all_knobs.get(knob)
    if known is None or known.allows(at):
        return None
    return (
        f"{at:g} is not what the knob {knob} may be, {known.allowed}: hold it at that, or let the"
        " knob be it"
    )


def of_knobs(case: Case) -> Faults:
    """Knobs that turn nothing; the lives of copies every case has to give."""
    there = {**BUILT_IN, **{design.name: design for design in case.own_designs}}
    designs = [there[name] for name in case.design_names if name in there]
    claimed = {claim.region.over for claim in case.claims if claim.region}
    for name in case.knobs:
        if name not in SETTABLE or name in {*TTLS, *claimed}:
            continue
        if not any(turns(name, design) for design in designs):
            yield ("knobs", name), f"nothing uses it: no design has {LACKING[name]}; leave it out"


def of_workload(case: Case) -> Faults:
    for name in idle(case.workload):
        yield (
            ("workload", name),
            f"nothing uses it while {LEANS_ON[name]} is 0; say how much that is, or leave this out",
        )


def of_lists(case: Case) -> Faults:
    """Schedules that list the keys of a shared tier, where no design has one that can."""
    there = {**BUILT_IN, **{design.name: design for design in case.own_designs}}
    stores = [there[name].store for name in case.design_names if name in there]
    if any(store.listing for store in stores if store):
        return
    can = [tier.label for tier in ALL.values() if tier.listing]
    for nth, schedule in enumerate(case.workload.schedules):
        if schedule.op == "list":
            yield (
                ("workload", "schedules", nth),
                f"nothing uses it: no design has {' or '.join(can)} as its last tier, whose keys"
                " could be listed; leave it out",
            )


def of_platform(case: Case) -> Faults:
    """What says how isolates are scaled, readers stay with them or loads wait, where none does."""
    if case.platform.get("routing") != "sticky":
        for name in STAYING:
            if name in case.platform:
                yield ("platform", name), "nothing uses it unless routing: sticky stands beside it"
    if "origin_queue_s" in case.platform and "origin_requests_per_s" not in case.platform:
        yield (
            ("platform", "origin_queue_s"),
            "nothing uses it without origin_requests_per_s, how many loads the origin begins a"
            " second; say that, or leave this out",
        )
    if "isolate_requests_per_s" in {*case.platform, *case.profile.numbers}:
        return
    for name in SCALING:
        if name in case.platform:
            yield (
                ("platform", name),
                "nothing uses it without isolate_requests_per_s, how many requests an isolate is"
                " there for; say that, or leave this out",
            )


def of_the_front(case: Case) -> Faults:
    """What is billed besides where something is in front, and no design has that."""
    there = {**BUILT_IN, **{design.name: design for design in case.own_designs}}
    words = {word for name in case.design_names if name in there for word in there[name].tiers}
    for tier in [tier for word, tier in ALL.items() if word not in words]:
        for name in tier.in_front.besides if tier.in_front else ():
            if getattr(case.assumptions, name) is not None and tier.word in case.profile.tiers:
                yield (
                    ("assumptions", name),
                    f"nothing uses it: no design has {tier.label} among its tiers; leave it out",
                )


CHECKS = (of_designs, of_options, of_knobs, of_workload, of_lists, of_platform, of_the_front)
