"""What is wrong with claims: names that nothing has, numbers that no sentence can mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cachelib.model.case import names
from cachelib.model.case.claims import Claim
from cachelib.model.case.metrics import METRICS
from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.built_in import BUILT_IN

if TYPE_CHECKING:
    from cachelib.model.case.case import Case

Faults = Iterator[tuple[Location, str]]

MOST_TIMES = 10.0
"""A ratio above this is taken for per cent."""


def faults(case: Case, _: Path) -> Faults:
    """What is wrong with the case's claims."""
    for nth, claim in enumerate(case.claims):
        location = ("claims", nth)
        if claim.assumed is not None:
            there = [*case.assumed, *case.all_knobs, *type(case.workload).model_fields]
            there += [f"hours:{name}" for name in case.option_names]
            if fault := names.known("input", there, claim.assumed):
                yield (*location, "assumed"), fault
        if claim.metric is not None:
            fault = names.known("metric", names.findings(), claim.metric)
            if fault and not names.may_be_published(claim.metric):
                yield (*location, "metric"), fault
            else:
                yield from _asserted(location, claim, claim.metric)
        yield from _region(case, location, claim)


def _asserted(location: Location, claim: Claim, metric: str) -> Faults:
    if claim.low is not None and claim.high is not None and claim.low > claim.high:
        yield location, "low is above high: nothing lies between them"
    if names.findings().get(metric) != "ratio":
        return
    share = metric.endswith(("hit_ratio", "_share", "_saved"))
    for bound in ("low", "high"):
        value = getattr(claim, bound)
        if value is not None and value > (1 if share else MOST_TIMES):
            yield (
                (*location, bound),
                f"{metric} is a ratio: {value / 100:g} is {value:g} %, not {value:g}",
            )


def _region(case: Case, location: Location, claim: Claim) -> Faults:
    region = claim.region
    if region is None:
        return
    over = ("requests_per_month", *case.assumed, *case.all_knobs)
    if fault := names.known("number", over, region.over):
        yield (*location, "region", "over"), fault
    design, _, metric = region.of.partition(".")
    if design not in {*case.design_names, *BUILT_IN}:
        there = case.design_names + case.offered
        yield (*location, "region", "of"), str(names.known("design", there, design))
    if fault := names.known("metric", METRICS, metric):
        yield (*location, "region", "of"), fault
    if region.low >= region.high:
        yield (*location, "region"), "low must be below high"
