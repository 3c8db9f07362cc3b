"""Values from a command line in the place of what a case file says, by name or by path.

A path leads through the file, dot by dot: `criteria.limits.p95_ms.at_most`; what stands in a list
is found by its name, metric or id. The first part may be left out where one section alone has the
second: `origin_ms` is `assumptions.origin_ms`. A single number given for an assumption is its new
best guess, and its range is widened where need be, which `why` tells.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from pydantic import ValidationError

from cachelib.errors import CachelibError
from cachelib.model.case.beside import BOOK
from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.grown import reads_per_write
from cachelib.model.case.names import ASSUMPTIONS, HOURS, KNOBS, PROFILE
from cachelib.model.platforms.platform import Platform, profile_of
from cachelib.model.platforms.profile import FIRST
from cachelib.model.schema.typed_yaml import (
    Document,
    InvalidFileError,
    Location,
    keys_at,
    nearest,
    nodes_at,
)
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.workload import LEANS_ON, Schedule, scheduled

WHY = "set by a parameter of this run"
OUTSIDE = f"{WHY}, outside the case's own range of "
KEYS_OF_ITEMS = ("name", "metric", "id")
SECTIONS = ("knobs", "assumptions", "workload", "criteria", "platform", "system", "decision", "log")
"""Where a name alone is looked for, in this order; no name is in two."""

Schema = dict[str, Any]


class ParameterError(CachelibError, ValueError):
    """A setting whose name nothing has, or whose value does not fit."""


def section(name: str, schema: Schema, others: Sequence[str] = ()) -> str:
    """The section that a name belongs to; raises `ParameterError`.

    `others`: names that are none of a case's, to guess at what was meant.
    """
    return _path(name, schema, {}, others)[0]


def applied(document: Document, schema: Schema, settings: Mapping[str, Any]) -> Document:
    """The document with the settings in it; raises `ParameterError`."""
    if not settings or not isinstance(document.data, dict):
        return document
    data = copy.deepcopy(document.data)
    given: dict[Location, str] = {}
    for name, value in settings.items():
        path = _path(name, schema, data)
        if path == ["workload", "requests_per_month"] and _grow(data, value, settings):
            given["workload", "reads_per_write"] = f"-p {name}={value}"
        location = _set(data, schema, path, name, value)
        given[location] = f"-p {name}={value}"
    return replace(document, data=data, given=given)


def has_put_at_fault(location: Location, document: Document) -> bool:
    """Whether the file is wrong only because a setting has changed a number.

    That is what the source says, the range of a knob that is held, or that without which something
    does nothing.
    """
    if location[0] == "workload":
        return ("workload", LEANS_ON.get(str(location[-1]))) in document.given
    if location[0] == "options":
        return ("knobs", location[-1]) in document.given
    if location[:2] != ("system", "says"):
        return False
    said = f"{location[-1]}."
    return any(said.startswith(".".join(map(str, place)) + ".") for place in document.given)


def _grow(data: Any, requests: Any, settings: Mapping[str, Any]) -> bool:
    """Writes that are fixed stay as many, so that there are more reads for each; whether so.

    Raises `ParameterError` where more than half of the requests would be those writes: less
    traffic of readers is another question than that of growth.
    """
    workload: dict[str, Any] = data.get("workload") or {}
    here, reads = (workload.get(name) for name in ("requests_per_month", "reads_per_write"))
    if not (_is_positive(here) and _is_positive(reads) and _is_positive(requests)):
        return False
    said = any(name.rpartition(".")[2] in ("reads_per_write", "writes") for name in settings)
    if said or (data.get("growth") or {}).get("writes", "fixed") != "fixed":
        return False
    fixed = _scheduled(workload)
    if min(here, requests) <= fixed:
        return False
    then = reads_per_write(reads, (requests - fixed) / (here - fixed))
    if then < min(1.0, reads):
        raise ParameterError(
            f"-p requests_per_month={requests}: the case's {here / (reads + 1):,.0f} writes a month"
            f" stay as they are when traffic changes, and that leaves {then:.2g} reads for each;"
            ' add -p reads_per_write=… or -p "growth.writes=in proportion"'
        )
    workload["reads_per_write"] = then
    return True


def _scheduled(workload: dict[str, Any]) -> float:
    """Requests a month that are fixed in time; 0 where what is said of them is wrong."""
    try:
        schedules = [Schedule.model_validate(each) for each in workload.get("schedules") or ()]
    except ValidationError:
        return 0.0
    return scheduled(schedules, workload.get("keys") or 1)


def _is_positive(number: object) -> TypeGuard[float]:
    return isinstance(number, int | float) and number > 0


def settable(schema: Schema, data: Any) -> dict[str, Any]:
    """Every number and word of a case that can be set, by its shortest name, and its value now."""
    found: dict[str, Any] = {}
    for section in SECTIONS:
        own = data.get(section) or {}
        for key in _keys(schema, (section,)):
            if _is_plain(schema, (section, key)) and found.get(key) is None:
                found[key] = own.get(key)
    found |= {name: data.get(name) for name in ("plan", "sample")}
    for section, names in (("growth", keys_at(schema, ("growth",))), ("prices", None)):
        own = data.get(section) or {}
        keys = names or [key for key in own if key != BOOK]
        found |= {f"{section}.{key}": own.get(key) for key in keys}
    for name, notes in (data.get("options") or {}).items():
        if isinstance(notes, dict) and "hours" in notes:
            found[f"options.{name}.hours"] = notes["hours"]
    criteria = data.get("criteria") or {}
    for name, hours in (criteria.get("hours") or {}).items():
        found[f"criteria.hours.{name}"] = hours
    for limit in criteria.get("limits") or ():
        for bound in ("at_most", "at_least"):
            if bound in limit:
                found[f"criteria.limits.{limit['metric']}.{bound}"] = limit[bound]
    for design in data.get("designs") or ():
        name = design if isinstance(design, str) else design["name"]
        found[f"designs.{name}"] = "l1_ttl_s, l2_ttl_s, …: designs." + name + ".SETTING"
    return found


def _is_plain(schema: Schema, location: Location) -> bool:
    """Whether a value there is a number or a word, or an assumption."""
    nodes = nodes_at(schema, location)
    return location[0] in ("platform", "knobs") or any(
        _is_assumption(node) or node.get("type") in ("number", "integer", "string", "boolean")
        for node in nodes
    )


def _keys(schema: Schema, location: Location) -> list[str]:
    if location == ("knobs",):
        return list(SETTABLE)
    if location == ("platform",):  # a mapping whose keys no schema lists
        return [name for name in Platform.model_fields if name not in ASSUMPTIONS]
    return keys_at(schema, location)


def _path(name: str, schema: Schema, data: Any, others: Sequence[str] = ()) -> list[str]:
    """The path that a name is short for."""
    first, *rest = name.split(".")
    if first in keys_at(schema, ()):
        if not rest and not _is_plain(schema, (first,)):
            raise ParameterError(f"-p {name}: is a whole section; name a part of it: {name}.…")
        return [first, ".".join(rest)] if first == "prices" else [first, *rest]  # of a dotted meter
    for section in SECTIONS:
        if first in _keys(schema, (section,)):
            return [section, first, *rest]
    there = [*others, *settable(schema, data), *keys_at(schema, ())]
    raise ParameterError(f"-p {name}: nothing has this name; {_guess(name, there)}")


def _guess(name: str, there: list[str]) -> str:
    said = nearest(name, there)
    meant = said.split("?")[0] + "? " if said.startswith("did you mean") else ""
    return f"{meant}`cachelib parameters CASE` lists what there is"


def _set(data: Any, schema: Schema, path: list[str], name: str, value: Any) -> Location:
    """Put the value where the path leads, and say where that is."""
    at = data
    location: Location = ()
    while path[1:]:
        step, at = _step(at, schema, location, path, name)
        location = (*location, step)
    last = path[0]
    if isinstance(at, list) and last in map(_name, at):
        part = next((key for item in at if _name(item) == last for key in item
                     if key not in (*KEYS_OF_ITEMS, "why")), "…")  # fmt: skip
        raise ParameterError(f"-p {name}: has several parts; name one of them: {name}.{part}")
    if not isinstance(at, dict):
        raise ParameterError(f"-p {name}: nothing lies in {'.'.join(map(str, location))}")
    allowed = _keys(schema, location)
    if allowed and last not in allowed:
        where = ".".join(map(str, location))
        raise ParameterError(f"-p {name}: {where} has no {last!r}; {nearest(last, allowed)}")
    location = (*location, last)
    if location[0] == "knobs" and len(location) == 2 and not isinstance(value, Mapping):
        assumed = (data.get("assumptions") or {}).pop(last, None)  # it may have been given there
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"-p {name}={value}: must be a number")
        unit = KNOBS[last].unit
        why = _why(at.get(last) or assumed, unit, value)
        at[last] = {"value": value, "values": [value], "unit": unit, "why": why}
        return location
    nodes = nodes_at(schema, location)
    if any(map(_is_assumption, nodes)) and not isinstance(value, Mapping):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"-p {name}={value}: must be a number, a best guess")
        value = _guessed(at.get(last) or _of_platform(data, last), last, value)
    at[last] = value
    return location


def _is_assumption(node: Mapping[str, Any]) -> bool:
    return {"value", "low", "high", "why"}.issubset(node.get("properties", ()))


def _of_platform(data: Any, name: str) -> dict[str, Any] | None:
    """What the case's platform says of an assumption, or else the first one that has it."""
    own = (data.get("platform") or {}).get("profile", FIRST)
    try:
        there = profile_of(own).assumptions
    except (ValidationError, InvalidFileError):  # it is no platform, as the case's check says
        there = {}
    number = there.get(name) or PROFILE.get(name)
    return None if number is None else number.model_dump()


def _guessed(before: Any, name: str, value: float) -> dict[str, Any]:
    """An assumption with another best guess."""
    before = before if isinstance(before, Mapping) else {}
    unit = before.get("unit", ASSUMPTIONS.get(name, HOURS).unit)
    low, high = before.get("low", value), before.get("high", value)
    why = _why(before, unit, value)
    return {"value": value, "low": min(value, low), "high": max(value, high), "unit": unit,
            "why": why}  # fmt: skip


def _why(before: Any, unit: str, value: float) -> str:
    """Where a number is from: this run, and whether the case holds it for possible."""
    before = before if isinstance(before, Mapping) else {}
    allowed = before.get("values") or [before.get("low", value), before.get("high", value)]
    low, high = min(allowed), max(allowed)
    if low <= value <= high:
        return WHY
    return f"{OUTSIDE}{low:,g} to {high:,g} {before.get('unit', unit)}"


def _step(
    at: Any, schema: Schema, location: Location, path: list[str], name: str
) -> tuple[int | str, Any]:
    """One step along the path, which loses what was walked; what is not there is made."""
    if isinstance(at, list):
        return _item(at, location, path, name)
    step = path.pop(0)
    if location and step not in _keys(schema, location) and _keys(schema, location):
        where = ".".join(map(str, location))
        there = nearest(step, _keys(schema, location))
        raise ParameterError(f"-p {name}: {where} has no {step!r}; {there}")
    if at.get(step) is None:
        kinds = {node.get("type") for node in nodes_at(schema, (*location, step))}
        at[step] = [] if "array" in kinds else {}
    if isinstance(at[step], int | float):  # an assumption of a kind that may be a number alone
        at[step] = {"value": at[step]}
    return step, at[step]


def _item(at: list[Any], location: Location, path: list[str], name: str) -> tuple[int, Any]:
    """The item of a list that has the name that the path begins with."""
    rest = ".".join(path)
    names = [_name(item) for item in at]
    for nth, own in enumerate(names):
        if rest.startswith(f"{own}."):
            del path[0 : own.count(".") + 1]
            if isinstance(at[nth], str) and own in BUILT_IN:
                at[nth] = BUILT_IN[own].model_dump(mode="json", exclude_unset=True)
            return nth, at[nth]
    if location == ("criteria", "limits"):
        at.append({"metric": path.pop(0), "why": WHY})
        return len(at) - 1, at[-1]
    where = ".".join(map(str, location))
    raise ParameterError(f"-p {name}: {where} has no {path[0]!r}; {nearest(path[0], names)}")


def _name(item: Any) -> str:
    if isinstance(item, str):
        return item
    found = (item.get(key) for key in KEYS_OF_ITEMS) if isinstance(item, dict) else ()
    return str(next(filter(None, found), ""))
