"""The registry of the names that a case may use: each kind, in one place, with what it stands for.

Assumptions and findings; metrics stand in `metrics`. Whoever adds one adds it where it is defined;
here it is looked up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.profile import FIRST, SHIPPED, Numbers, shipped
from cachelib.model.schema.resources import resource
from cachelib.model.schema.typed_yaml import nearest
from cachelib.model.tiers import joining
from cachelib.model.tiers.registry import FAILURES

OF_SCHEDULES = ("lists_a_month", "purges_a_month")
"""Numbers of the platform that no case gives: its workload's schedules say them."""

FINDING = "application/vnd.cachelib.finding+json"
"""The MIME type of what a notebook hands over."""


@dataclass(frozen=True)
class Number:
    """An assumption: its unit, and what it must not fall below, exceed or reach."""

    unit: str
    above: float | None = None
    least: float | None = None
    most: float | None = None
    whole: bool = False

    def fault(self, value: float) -> str | None:
        """What is wrong with a value, in words."""
        if self.above is not None and value <= self.above:
            return f"must be greater than {_plain(self.above)}, not {value:g}"
        if self.least is not None and value < self.least:
            return f"must be {_plain(self.least)} or more, not {value:g}"
        if self.most is not None and value > self.most:
            return f"must be {_plain(self.most)} or less, not {value:g}"
        if self.whole and value != int(value):
            return f"must be a whole number, not {value:g}"
        return None


def _plain(bound: float) -> str:
    return f"{bound:,.0f}" if bound >= 1 else f"{bound:g}"


MOST = {
    "ms": 86_400_000.0,  # a day: who waits longer waits for no cache
    "s": 1e15,  # for ever, which people write so
    "USD": 1e6,
    "hours": 1e6,
    "neurons": 1e9,
    "rows": 1e12,
    "KB": 1e9,
    "a request": 1e6,
    "sigma": 3.0,  # one time in twenty is then 140 times the median
    "ratio": 100.0,
    "requests/s": 1e12,
}
"""By unit, the most that a number of a case may be: beyond it nothing is meant."""


PROFILE = shipped(FIRST).assumptions | {
    name: number
    for other in SHIPPED
    for name, number in shipped(other).assumptions.items()
    if name not in shipped(FIRST).numbers
}
"""The platforms' assumptions, which a case may replace."""

LIFE = Number("s", least=0.001, most=MOST["s"])
ENTRIES = Number("", least=1, most=1e9, whole=True)
KNOBS = {
    "l1_ttl_s": LIFE,
    "l2_ttl_s": LIFE,
    "soft_ttl_s": LIFE,
    "stale_while_revalidate_s": LIFE,
    "kv_cache_ttl_s": LIFE,
    "clean_up_every_s": Number("s", least=60, most=MOST["s"]),  # no cron runs more often
    "hedge_after_ms": Number("ms", least=0.001, most=60_000),
    "redis_gb": Number("GB", above=0, most=1e6),
    "l1_max_entries": ENTRIES,
    "objects": ENTRIES,
    "joined": Number("", least=1, most=joining.MOST, whole=True),
}
"""What the settings of a design may be."""

TTLS = ("l1_ttl_s", "l2_ttl_s")
"""Knobs, which a case may also give as assumptions."""

OF_THE_CASE = {
    "l1_ttl_s": LIFE,
    "l2_ttl_s": LIFE,
    "value_life_s": LIFE,
    "hourly_rate_usd": Number("USD", least=0, most=MOST["USD"]),
    "origin_trips": Number("trips", least=0, most=100),
    **{name: Number("share", least=0, most=1) for name in FAILURES},
}
"""The assumptions that a case must make itself."""

HOURS = Number("hours", least=0, most=MOST["hours"])


def _bounded(name: str, unit: str) -> Number:
    """The bounds that `Platform` sets, and its unit's."""
    field = Platform.model_fields[name]
    own = {
        kind: getattr(bound, sign)
        for bound in field.metadata
        for kind, sign in (("above", "gt"), ("least", "ge"), ("most", "le"))
        if getattr(bound, sign, None) is not None
    }
    return Number(unit, **{"most": MOST.get(unit), **own}, whole=field.annotation is int)


ASSUMPTIONS: dict[str, Number] = OF_THE_CASE | {
    name: _bounded(name, number.unit) for name, number in PROFILE.items()
}

IN_WHOLES = frozenset(name for name, number in ASSUMPTIONS.items() if number.whole)
"""Those of which there is no half, where they are simulated: isolates, caches."""

FACTS: dict[str, Number] = {
    name: _bounded(name, number.unit)
    for platform in (FIRST, *SHIPPED)
    for name, number in shipped(platform).numbers.items()
    if name not in PROFILE
}
"""The platforms' documented numbers, which a case may set."""


def profile_faults(numbers: Numbers) -> Iterator[tuple[str, str]]:
    """What is wrong with the numbers of a profile, by name."""
    bounds = PROFILE.keys() | FACTS.keys()
    for name, number in numbers.items():
        if fault := known("number", sorted(bounds), name):
            yield name, fault
            continue
        stated = ASSUMPTIONS.get(name) or FACTS[name]
        if number.unit != stated.unit:
            yield name, f"is in {stated.unit}, not {number.unit!r}; convert the numbers"
        elif fault := stated.fault(number.value):
            yield name, fault


@cache
def findings() -> Mapping[str, str]:
    """Every metric that the notebooks publish, by id, and its unit: what a claim may name.

    They are read from the outputs that the notebooks are committed with: what they really publish.
    """
    found: dict[str, str] = {}
    for path in sorted(resource("notebooks").glob("[0-9]*.ipynb")):
        for bundle in _bundles(json.loads(path.read_text("utf-8"))):
            if bundle["kind"] == "metric":
                found[bundle["id"]] = bundle["unit"]
    return found


@cache
def _written() -> tuple[re.Pattern[str], ...]:
    """The ids in the notebooks' source: some are published only where a case has the subject."""
    found = []
    for path in sorted(resource("notebooks").glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for id in re.findall(r'publish\.metric\(\s*f?"([^"]+)"', "".join(cell["source"])):
                parts = re.split(r"\{[^}]*\}", id)
                found.append(re.compile("[a-z0-9_-]+".join(map(re.escape, parts))))
    return tuple(found)


def may_be_published(id: str) -> bool:
    """Whether a notebook publishes a metric of that id, in this case or in another."""
    return id in findings() or any(pattern.fullmatch(id) for pattern in _written())


def _bundles(notebook: Any) -> Iterable[Any]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if bundle := output.get("data", {}).get(FINDING):
                yield bundle


def known(kind: str, names: Iterable[str], name: str) -> str | None:
    """What is wrong with a name of that kind, with the nearest one; None if there is such a one."""
    there: Sequence[str] = list(dict.fromkeys(names))
    return None if name in there else f"unknown {kind} {name!r}; {nearest(name, there)}"
