"""What is wrong with a case whose types are right: names that nothing has, numbers that cannot be.

Each check is a function from a case and its folder to locations and messages; `CHECKS` are all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cachelib.model.case import names
from cachelib.model.case.claims import Claim
from cachelib.model.platforms.colos import UnknownColoError, coordinates
from cachelib.model.platforms.platform import Assumption
from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.design import BUILT_IN, Design

if TYPE_CHECKING:
    from cachelib.model.case.case import Case, Limit

Faults = Iterator[tuple[Location, str]]

MOST_TIMES = 10.0
"""A ratio above this is taken for per cent."""


def faults(case: Case, folder: Path) -> Faults:
    """Everything that is wrong with the case; what its paths name starts in `folder`."""
    for check in CHECKS:
        yield from check(case, folder)


def _designs(case: Case, _: Path) -> Faults:
    seen: Counter[str] = Counter()
    for nth, design in enumerate(case.designs):
        name = design if isinstance(design, str) else design.name
        seen[name] += 1
        if seen[name] > 1:
            yield ("designs", nth), f"the design {name!r} is there already"
        if isinstance(design, Design) and name in BUILT_IN and not _alike(design, BUILT_IN[name]):
            yield (
                ("designs", nth),
                f"{name!r} is the name of a shipped design with other tiers; give yours another",
            )


def _alike(one: Design, other: Design) -> bool:
    return (one.l1, one.l2) == (other.l1, other.l2)


def _against(case: Case, _: Path) -> Faults:
    fault = names.known("design", case.design_names, case.against)
    if fault and "against" in case.model_fields_set:
        yield ("against",), f"{fault} (it must be among this case's designs)"


def _assumptions(case: Case, _: Path) -> Faults:
    for name, stated in names.ASSUMPTIONS.items():
        if (number := getattr(case.assumptions, name)) is not None:
            yield from _number(("assumptions", name), number, stated)
    for name, number in case.criteria.hours.items():
        yield from _number(("criteria", "hours", name), number, names.HOURS)


def _number(location: Location, number: Assumption, stated: names.Number) -> Faults:
    if number.unit != stated.unit:
        yield (
            (*location, "unit"),
            f"{location[-1] if 'hours' not in location else 'work'} is in {stated.unit}, "
            f"not {number.unit!r}; convert the numbers",
        )
    for part in ("value", "low", "high"):
        if fault := stated.fault(getattr(number, part)):
            yield (*location, part), fault


def _hours(case: Case, _: Path) -> Faults:
    for name in case.criteria.hours:
        if fault := names.known("design", case.design_names, name):
            yield ("criteria", "hours", name), fault


def _limits(case: Case, _: Path) -> Faults:
    for nth, limit in enumerate(case.criteria.limits):
        yield from _limit(("criteria", "limits", nth), limit)


def _limit(location: Location, limit: Limit) -> Faults:
    metric = names.METRICS[limit.metric]
    for bound in ("at_most", "at_least"):
        value = getattr(limit, bound)
        if value is not None and not metric.low <= value <= metric.high:
            yield (*location, bound), _outside(limit.metric, metric, value)
    wrong, right = ("at_least", "at_most") if metric.better == "less" else ("at_most", "at_least")
    if getattr(limit, wrong) is not None:
        yield (*location, wrong), f"{metric.better} {limit.metric} is better; {right} is meant"
    low, high = limit.at_least, limit.at_most
    if low is not None and high is not None and low > high:
        yield location, "at_least is above at_most: nothing can keep this limit"


def _outside(name: str, metric: names.Metric, value: float) -> str:
    if metric.high == 1:
        meant = f"; {value / 100:g} is {value:g} %" if 1 < value <= 100 else ""
        return f"{name} is a share, from 0 to 1, not {value:g}{meant}"
    return f"{name} cannot be below {metric.low:g}, so not {value:g}"


def _minimise(case: Case, _: Path) -> Faults:
    name = case.criteria.minimise
    if names.METRICS[name].better == "more":
        less = ", ".join(name for name, metric in names.METRICS.items() if metric.better == "less")
        yield (
            ("criteria", "minimise"),
            f"more {name} is better, so the worst design would win; one of: {less}",
        )


def _colos(case: Case, _: Path) -> Faults:
    for colo in case.workload.colos:
        yield from _colo(("workload", "colos", colo), colo)
    if isinstance(unplaced := case.platform.get("unplaced"), str):
        yield from _colo(("platform", "unplaced"), unplaced)


def _colo(location: Location, colo: str) -> Faults:
    try:
        coordinates(colo)
    except UnknownColoError as error:
        yield location, str(error).removeprefix("colos: ")


def _repository(case: Case, folder: Path) -> Faults:
    path = case.system.path
    if path is not None and not (folder / path).is_dir():
        yield (
            ("system", "path"),
            f"there is no folder {path!r} beside the case file; leave the key out if there is none",
        )


def _claims(case: Case, _: Path) -> Faults:
    for nth, claim in enumerate(case.claims):
        location = ("claims", nth)
        if claim.metric is not None:
            if fault := names.known("metric", names.findings(), claim.metric):
                yield (*location, "metric"), fault
            else:
                yield from _asserted(location, claim, claim.metric)
        yield from _region(case, location, claim)


def _asserted(location: Location, claim: Claim, metric: str) -> Faults:
    if claim.low is not None and claim.high is not None and claim.low > claim.high:
        yield location, "low is above high: nothing lies between them"
    if names.findings()[metric] != "ratio":
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
    over = ("requests_per_month", *case.assumed)
    if fault := names.known("number", over, region.over):
        yield (*location, "region", "over"), fault
    design, _, metric = region.of.partition(".")
    there = dict.fromkeys([*case.design_names, *BUILT_IN])
    if fault := names.known("design", there, design):
        yield (*location, "region", "of"), fault
    if fault := names.known("metric", names.REGION_METRICS, metric):
        yield (*location, "region", "of"), fault
    if region.low >= region.high:
        yield (*location, "region"), "low must be below high"


CHECKS: tuple[Callable[[Case, Path], Faults], ...] = (
    _designs, _against, _assumptions, _hours, _limits, _minimise, _colos, _repository, _claims,
)  # fmt: skip
