"""What is wrong with a case whose types are right: names that nothing has, numbers that cannot be.

Each check is a function from a case and its folder to locations and messages; `CHECKS` are all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cachelib.model.case import charges, claim_checks, joining, names, rounds, unused
from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.designs import barred, platform_of
from cachelib.model.case.grown import has_readers
from cachelib.model.case.labels import LABELS
from cachelib.model.case.metrics import METRICS, Metric
from cachelib.model.case.source import disagreement
from cachelib.model.platforms.colos import UnknownColoError, coordinates
from cachelib.model.platforms.hints import spelled_out
from cachelib.model.platforms.platform import SMART, Assumption
from cachelib.model.schema.typed_yaml import Location
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import FAILURES

if TYPE_CHECKING:
    from cachelib.model.case.case import Case
    from cachelib.model.case.criteria import Limit

Faults = Iterator[tuple[Location, str]]
FEWEST_REQUESTS = 100
"""A month, of a case: of a tenth of them, which charts go down to, some still read."""


def faults(case: Case, folder: Path) -> Faults:
    """Everything that is wrong with the case; what its paths name starts in `folder`."""
    for check in CHECKS:
        yield from check(case, folder)
    for of_what in unused.CHECKS:
        yield from of_what(case)


def _designs(case: Case, _: Path) -> Faults:
    seen: Counter[str] = Counter()
    for nth, design in enumerate(case.designs):
        name = design if isinstance(design, str) else design.name
        seen[name] += 1
        if seen[name] > 1:
            yield ("designs", nth), f"the design {name!r} is there already"
        if not isinstance(design, Design):
            continue
        if name in BUILT_IN and not _alike(design, BUILT_IN[name]):
            yield (
                ("designs", nth),
                f"{name!r} is the name of a shipped design with other tiers; give yours another",
            )
        yield from _hedged(case, ("designs", nth), design)
        yield from _numbers(("designs", nth), dict(design), names.KNOBS)


def _hedged(case: Case, location: Location, design: Design) -> Faults:
    if design.hedged and design.hedge_after_ms is None and "hedge_after_ms" not in case.knobs:
        yield (
            (*location, "hedged"),
            "after how many milliseconds is not said: give the knob hedge_after_ms its values, or"
            " set hedge_after_ms here in its place",
        )


def _numbers(
    location: Location, values: Mapping[str, object], bounds: Mapping[str, names.Number]
) -> Faults:
    """Numbers that are out of bounds; what has none passes."""
    for name, value in values.items():
        if name not in bounds or not isinstance(value, int | float):
            continue
        if fault := bounds[name].fault(value):
            yield (*location, name), fault


def _theme(case: Case, folder: Path) -> Faults:
    for name, fault in case.theme.faults(folder):
        yield ("theme", name), fault


def _alike(one: Design, other: Design) -> bool:
    return one.tiers == other.tiers


def _against(case: Case, _: Path) -> Faults:
    unheard_of = {case.today_name} - {*BUILT_IN, *(design.name for design in case.own_designs)}
    there = [name for name in case.design_names if name not in unheard_of]
    fault = names.known("design", there, case.against)
    if fault and "against" in case.model_fields_set:
        yield ("against",), f"{fault} (it must be among this case's designs)"


def _assumptions(case: Case, _: Path) -> Faults:
    for name, stated in names.ASSUMPTIONS.items():
        if (number := getattr(case.assumptions, name)) is not None:
            yield from _number(("assumptions", name), number, stated)
            if case.profile.lacks(name):
                yield ("assumptions", name), "is of what this platform has not; leave it out"
    if "origin_trips" in case.assumed and not case.platform.get("origin_at"):
        yield (
            ("assumptions", "origin_trips"),
            "nothing uses it until platform.origin_at says where the origin is",
        )
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


def _no_option(case: Case, name: str) -> str | None:
    """What is wrong with the name of what may be chosen; today's set anew is one that is made."""
    known = {*BUILT_IN, *(design.name for design in case.own_designs)}
    there = [n for n in case.design_names if n != case.today_name or n in known]
    return None if name == case.set_anew else names.known("design", there, name)


def _hours(case: Case, _: Path) -> Faults:
    for name in case.criteria.hours:
        if fault := _no_option(case, name):
            yield ("criteria", "hours", name), fault
        elif name in case.options and case.options[name].hours:
            yield (
                ("criteria", "hours", name),
                (f"hours of {name!r} stand in options already; set options.{name}.hours"),
            )
    if case.criteria.needs_hours and "hourly_rate_usd" not in case.assumed:
        meant = "what an hour of work costs, in USD, which decides here"
        yield _missing("hourly_rate_usd", meant, (80, 40, 150))


def _failures(case: Case, _: Path) -> Faults:
    """Who decides by reads that fail says how often each store does: none is silently perfect."""
    criteria = case.criteria.names()
    counted = next((name for name in ("availability", "error_share") if name in criteria), None)
    if counted is None:
        return
    asked: dict[str, list[str]] = {}
    for name in _to_choose(case):
        for store in case.design(name).stores:
            asked.setdefault(store.failure, []).append(name)
    for failure in [name for name in FAILURES if name in asked]:
        if failure not in {*case.assumed, *case.platform}:
            counts = f"the {METRICS[counted].label} counts them in {', '.join(asked[failure])}"
            meant = f"{LABELS[failure]}, from 0 to 1; {counts} (0, with why, if that is not to be)"
            yield _missing(failure, meant, (0.0001, 0.0, 0.001))


def _to_choose(case: Case) -> list[str]:
    """The designs that there are and that the platform does not rule out."""
    there = {*BUILT_IN, *(design.name for design in case.own_designs)}
    try:
        out = barred(case)
    except (KeyError, ValidationError):  # another check says of what is wrong there
        out = {}
    return [name for name in case.design_names if name in there and name not in out]


def _missing(name: str, meant: str, guess: tuple[float, float, float]) -> tuple[Location, str]:
    """An assumption to be made: what it is, in which unit, and a line to begin with."""
    value, low, high = (f"{number:g}" for number in guess)
    unit = names.ASSUMPTIONS[name].unit
    line = f'{{value: {value}, low: {low}, high: {high}, unit: {unit}, why: "not known yet"}}'
    return ("assumptions", name), f"{name} is missing: {meant}; for example\n  {name}: {line}"


def _today(case: Case, _: Path) -> Faults:
    own = [design.name for design in case.own_designs]
    if case.today_name and case.today_name not in {*own, *BUILT_IN}:
        yield ("today",), str(names.known("design", own + case.offered, case.today_name))
    if isinstance(case.today, Design):
        yield from _hedged(case, ("today",), case.today)
        yield from _numbers(("today",), dict(case.today), names.KNOBS)


def _options(case: Case, _: Path) -> Faults:
    for name, notes in case.options.items():
        if fault := _no_option(case, name):
            yield ("options", name), fault
        for knob in notes.settings:
            if fault := names.known("knob", SETTABLE, knob):
                yield ("options", name, "settings", knob), fault
        yield from _numbers(("options", name, "settings"), notes.settings, names.KNOBS)
        if notes.hours is not None:
            yield from _number(("options", name, "hours"), notes.hours, names.HOURS)


def _knobs(case: Case, _: Path) -> Faults:
    for name in case.knobs:
        if fault := names.known("knob", SETTABLE, name):
            yield ("knobs", name), fault
    for name, knob in case.knobs.items():
        if (unit := names.KNOBS[name].unit if name in names.KNOBS else "") and knob.unit != unit:
            yield ("knobs", name), f"is in {unit}, not {knob.unit!r}; say unit: {unit}"
        for part in ("value", "low", "high"):
            for _name, fault in _numbers((), {name: getattr(knob, part)}, names.KNOBS):
                yield ("knobs", name, part), fault
        for nth, value in enumerate(knob.values):
            for _name, fault in _numbers((), {name: value}, names.KNOBS):
                yield ("knobs", name, "values", nth), fault
    for name in names.TTLS:
        assumed = getattr(case.assumptions, name)
        if name in case.knobs and assumed is not None:
            yield ("assumptions", name), "is given as a knob and as an assumption; it is a knob"
        if name not in case.knobs and assumed is None:
            yield ("knobs",), f"{name} is missing; give its values, or low and high"


def _isolates(case: Case) -> Faults:
    """What the numbers of isolates and of deploys must not say together."""
    known = {name: number.value for name, number in case.profile.numbers.items()}
    known |= {name: number.value for name, number in case.assumed.items()} | case.settings
    for name, bound, told in (
        ("isolates_at_least", "isolates_per_colo", "is more than the most"),
        ("deploy_takes_s", "deploy_every_s", "lasts until after the next deploy begins"),
    ):
        most = case.platform.get(bound, known[bound])
        if isinstance(said := case.platform.get(name), int | float) and said > float(str(most)):
            yield ("platform", name), f"{said:g} {told}, {bound}: {float(str(most)):g}"


def _growth(case: Case, _: Path) -> Faults:
    here = case.workload.requests_per_month
    if here < FEWEST_REQUESTS:
        yield (
            ("workload", "requests_per_month"),
            f"{here:g} requests a month are too few to decide anything by; a file takes 3.000 for"
            " three: thousands are written 3_000 or 3000",
        )
    elif not has_readers(case.workload, case.growth, here):
        yield ("workload",), "nobody reads: its schedules, which write, make all of its requests"
    elif not has_readers(case.workload, case.growth, least := case.growth.low * here):
        yield (
            ("growth", "low"),
            f"of {least:,.0f} requests a month the writes, which stay as they are, leave nothing to"
            " those who read: say more than that, or that writes grow in proportion",
        )


def _pages(case: Case, _: Path) -> Faults:
    each, keys = case.workload.page_requests, case.workload.keys
    if each > keys:
        yield (
            ("workload", "page_requests"),
            f"a page asks for as many different keys, {each:,}, and there are {keys:,} in all",
        )


def _platform(case: Case, _: Path) -> Faults:
    yield from _isolates(case)
    yield from _numbers(("platform",), case.platform, names.FACTS)
    for name in case.platform:
        if case.profile.lacks(name):
            yield ("platform", name), "is of what this platform has not; leave it out"
    try:
        platform_of(case)
    except ValidationError as error:  # of one number by itself, others say it where it stands
        where = ("knobs", "kv_cache_ttl_s") if "kv_cache_ttl_s" in case.knobs else ("platform",)
        for item in error.errors():
            if not item["loc"]:
                yield where, str(item["msg"]).removeprefix("Value error, ")


def _joined(case: Case, _: Path) -> Faults:
    said: list[tuple[Location, str | Design | None]] = [(("today",), case.today)]
    said += [(("designs", nth), each) for nth, each in enumerate(case.designs)]
    whole = [(at, BUILT_IN.get(each) if isinstance(each, str) else each) for at, each in said]
    there = [(location, design) for location, design in whole if design is not None]
    yield from joining.faults(there, case.workload, case.knobs.get("joined"))


def _limits(case: Case, _: Path) -> Faults:
    if case.plan != "paid" and not case.criteria.limits_failures:
        yield (
            ("plan",),
            f"{case.plan}: what goes beyond a day's allowance fails, and costs nothing; say how"
            " much may: criteria.limits: - {metric: error_share, at_most: 0.001, why: …}",
        )
    seen: set[tuple[str, bool]] = set()
    for nth, limit in enumerate(case.criteria.limits):
        yield from _limit(("criteria", "limits", nth), limit)
        bound = limit.metric, limit.at_most is None
        if bound in seen:
            yield (
                ("criteria", "limits", nth),
                f"{limit.metric} has a limit on this side already; keep the one that is meant",
            )
        seen.add(bound)


def _limit(location: Location, limit: Limit) -> Faults:
    metric = METRICS[limit.metric]
    for bound in ("at_most", "at_least"):
        value = getattr(limit, bound)
        if value is not None and not metric.low <= value <= metric.high:
            yield (*location, bound), _outside(limit.metric, metric, value)
    wrong, right = ("at_most", "at_least") if metric.more_is_better else ("at_least", "at_most")
    if getattr(limit, wrong) is not None:
        yield (*location, wrong), f"{metric.better} {limit.metric} is better; {right} is meant"


def _outside(name: str, metric: Metric, value: float) -> str:
    if metric.high == 1:
        meant = f"; {value / 100:g} is {value:g} %" if 1 < value <= 100 else ""
        return f"{name} is a share, from 0 to 1, not {value:g}{meant}"
    return f"{name} cannot be below {metric.low:g}, so not {value:g}"


PLACED = (
    "unplaced", "bucket_at", "kv_central_at", "workers_cache_upper_at", "objects_at", "redis_at",
    "table_at", "worker_at", "origin_at", "cloudfront_regional_at",
)  # fmt: skip


def _colos(case: Case, _: Path) -> Faults:
    for colo in case.workload.colos:
        yield from _colo(("workload", "colos", colo), colo)
    for name in PLACED:
        places = spelled_out(case.platform.get(name, ()))
        for place in places if isinstance(places, tuple) else (str(places),):
            if name == "worker_at" and places == SMART:
                continue
            yield from _colo(("platform", name), place)


def _colo(location: Location, colo: str) -> Faults:
    try:
        coordinates(colo)
    except UnknownColoError as error:
        yield location, str(error).removeprefix("colos: ")


def _source(case: Case, folder: Path) -> Faults:
    """Where the source says a number of the case, they agree."""
    root = folder / (case.system.path or ".")
    if not root.is_dir():
        return
    for path, said in case.system.says.items():
        location = ("system", "says", path)
        found, number = _at(case, path.split("."))
        if not found or isinstance(number, bool) or not isinstance(number, int | float | None):
            yield location, f"the case has no number at {path!r}"
        elif fault := disagreement(said, root, None if number is None else float(number)):
            yield location, fault


def _at(thing: object, steps: list[str]) -> tuple[bool, object]:
    """What a path leads to, and whether there is such a thing."""
    for step in steps:
        if isinstance(thing, dict):
            if step not in thing:
                return False, None
            thing = thing[step]
        elif step in getattr(type(thing), "model_fields", ()):
            thing = getattr(thing, step)
        else:
            return False, None
    return True, thing


def _log(case: Case, _: Path) -> Faults:
    if not case.log.expressions:
        return
    from cachelib.model.traffic.logs.expressions import (
        refused,  # a database, which few cases need here
    )

    for what, fault in refused(case.log):
        yield ("log", *(() if what in ("key", "where") else ("columns",)), what), fault


CHECKS: tuple[Callable[[Case, Path], Faults], ...] = (
    _designs, _today, _options, _knobs, _growth, _pages, _platform, _against, _assumptions, _hours,
    _failures, _joined, _limits, _colos, _log, charges.faults, rounds.faults, _source,
    claim_checks.faults, _theme,
)  # fmt: skip
