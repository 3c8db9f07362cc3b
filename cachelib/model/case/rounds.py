"""What a case must not say of rounds that empty caches (`op: purge`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.registry import ALL
from cachelib.model.tiers.tier import Tier

if TYPE_CHECKING:
    from cachelib.model.case.case import Case


def faults(case: Case, _: Path) -> Iterator[tuple[Location, str]]:
    """Rounds that have nothing to empty, or come more often than a tier lets itself be purged."""
    known = {**BUILT_IN, **{design.name: design for design in case.own_designs}}
    there = {word for name in case.design_names if name in known for word in known[name].tiers}
    shared = [tier for word, tier in ALL.items() if word in there and tier.scope != "isolate"]
    for nth, schedule in enumerate(case.workload.schedules):
        if schedule.op != "purge":
            continue
        if not shared:
            yield (
                ("workload", "schedules", nth),
                "nothing uses it: no design has a tier that is shared, which could be emptied;"
                " leave it out",
            )
        for tier in shared:
            every_s, name = _allowed(case, tier)
            if schedule.every_s < every_s:
                yield (
                    ("workload", "schedules", nth, "every_s"),
                    f"{schedule.every_s:g} is sooner than {tier.label} may be purged again, which"
                    f" is after {every_s:g} s ({name}); say that or more",
                )


def _allowed(case: Case, tier: Tier) -> tuple[float, str]:
    """Seconds after which one more purge of a tier is allowed, and which number says so."""
    if tier.in_front is None:
        return 0.0, ""
    name = tier.in_front.every
    own, known = case.platform.get(name), case.profile.numbers.get(name)
    return float(str(own or (known.value if known else 0.0))), name
