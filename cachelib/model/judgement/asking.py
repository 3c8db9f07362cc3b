"""Tasks that ask the formulas and go on with what they say; what many ask is answered at once.

A call of the formulas costs as much for one set of numbers as for ten. So a search yields what it
asks, and whoever drives many searches takes together what all of them wait for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.growth import key_factors
from cachelib.model.judgement.model import Model, Numbers
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.processors import each

AS_NUMBERS = ("l1_ttl_s", "l2_ttl_s", "kv_cache_ttl_s")  # formulas take these as arrays

Settings = dict[str, float]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Ask:
    """What the formulas say of an option at some settings and numbers.

    One of the two may be many: each setting at the same numbers, or one setting over draws.
    """

    option: Option
    settings: Sequence[Settings]
    numbers: Numbers
    names: Sequence[str]

    @cached_property
    def size(self) -> int:
        drawn = max((np.size(values) for values in self.numbers.values()), default=1)
        return max(len(self.settings), drawn)


Asking = Generator[Sequence[Ask], Sequence[Numbers], Done]
"""A task: it yields what it asks, and is sent what the formulas say of each."""


def ask(*asks: Ask) -> Asking[Sequence[Numbers]]:
    """Asks, and gives what is said; asking nothing waits for nobody."""
    return (yield asks) if asks else []


def abreast(tasks: Iterable[Asking[Done]]) -> Asking[list[Done]]:
    """Tasks as one task, which asks at once for all that wait."""
    waiting: list[tuple[int, Asking[Done], Sequence[Ask]]] = []
    done: dict[int, Done] = {}

    def advance(nth: int, task: Asking[Done], told: Sequence[Numbers] | None) -> None:
        try:
            waiting.append((nth, task, next(task) if told is None else task.send(told)))
        except StopIteration as end:
            done[nth] = end.value

    for nth, task in enumerate(tasks):
        advance(nth, task, None)
    while waiting:
        asked, waiting = waiting, []
        told = yield [one for _, _, asks in asked for one in asks]
        first = 0
        for nth, task, asks in asked:
            advance(nth, task, told[first : first + len(asks)])
            first += len(asks)
    return [done[nth] for nth in sorted(done)]


def answered(model: Model, task: Asking[Done]) -> Done:
    """What a task makes of the model's formulas."""
    try:
        asks = next(task)
        while True:
            asks = task.send(answers(model, asks))
    except StopIteration as end:
        done: Done = end.value
        return done


def answers(model: Model, asks: Sequence[Ask]) -> list[Numbers]:
    """What the formulas say of each, in as few calls as can be; each value of shape (size,)."""
    alike: dict[object, list[tuple[int, list[int]]]] = {}
    for nth, one in enumerate(asks):
        for others, places in _by_others(one).items():
            alike.setdefault((one.option.name, others, _apart(model, nth, one)), []).append(
                (nth, places)
            )
    told: list[dict[str, Array]] = [{} for _ in asks]
    every = list(alike.values())
    said = each(lambda rows: _together(model, [(asks[nth], at) for nth, at in rows]), every)
    for rows, found in zip(every, said, strict=True):
        first = 0
        for nth, places in rows:
            for name, values in found.items():
                whole = told[nth].setdefault(name, np.empty(asks[nth].size))
                whole[places] = values[first : first + len(places)]
            first += len(places)
    return list(told)


def _apart(model: Model, nth: int, one: Ask) -> int | None:
    """What keeps an ask from being answered in one call with others: another number of keys."""
    keys_grow = key_factors(model.setting, model.study.case.growth, one.numbers) is not None
    return nth if keys_grow else None


def _by_others(one: Ask) -> dict[object, list[int]]:
    """The places of those that differ in nothing but what the formulas take as arrays."""
    if len(one.settings) == 1:
        return {_others(one.settings[0]): list(range(one.size))}
    found: dict[object, list[int]] = {}
    for place, settings in enumerate(one.settings):
        found.setdefault(_others(settings), []).append(place)
    return found


def _others(settings: Settings) -> tuple[tuple[str, float], ...]:
    return tuple((name, v) for name, v in settings.items() if name not in AS_NUMBERS)


def _together(model: Model, asked: Sequence[tuple[Ask, list[int]]]) -> dict[str, Array]:
    """The formulas' values at the places of asks that differ in numbers alone, one call for all."""
    first, sizes = asked[0][0], [len(places) for _, places in asked]
    some = first.settings[asked[0][1][0] if len(first.settings) > 1 else 0]
    swept = [name for name in some if name in AS_NUMBERS]
    known = model.setting.numbers
    named = {name for one, _ in asked for name in one.numbers if name in known}
    columns = {
        name: [_numbers(one, places, name, known.get(name)) for one, places in asked]
        for name in sorted(named.union(swept))
    }
    numbers = {name: _column(parts, sizes) for name, parts in columns.items()}
    there = _open(first.option.at(**dict(_others(some))), swept)
    # what one of them asks costs little more for all, and another call costs much
    names = dict.fromkeys(name for one, _ in asked for name in one.names)
    found = model.by_formula(there, numbers, list(names))
    return {name: np.broadcast_to(values, sum(sizes)) for name, values in found.items()}


def _numbers(one: Ask, places: list[int], name: str, here: object) -> Array:
    """A number at some places of an ask: a setting's, the ask's own, or what it is here."""
    if name in AS_NUMBERS and name in one.settings[0]:
        if len(one.settings) == 1:
            return np.array([one.settings[0][name]])
        return np.array([one.settings[place][name] for place in places])
    values = np.atleast_1d(np.asarray(one.numbers.get(name, here), np.float64))
    return values if values.size in (1, len(places)) else values[places]


def _column(parts: Sequence[Array], sizes: Sequence[int]) -> Array:
    """A number over all places; one that is the same at all stays one, and costs but one."""
    if all(part.size == 1 and part[0] == parts[0][0] for part in parts):
        return parts[0]
    whole = (
        part if part.size == size else np.full(size, part[0])
        for part, size in zip(parts, sizes, strict=True)
    )
    return np.concatenate(list(whole))


def _open(option: Option, names: Sequence[str]) -> Option:
    """The option with these knobs left to the numbers."""
    own = {name: None for name in names if name.endswith("_ttl_s") and name != "kv_cache_ttl_s"}
    settings = {name: v for name, v in option.settings.items() if name not in names}
    return replace(option, design=option.design.model_copy(update=own), settings=settings)
