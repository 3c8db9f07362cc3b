"""A case ready to run: its platform settled, its traffic at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cachelib.errors import CachelibError
from cachelib.model.case.case import Case
from cachelib.model.case.designs import as_allowed, platform_of
from cachelib.model.case.grown import grown_workload, has_readers
from cachelib.model.case.names import known
from cachelib.model.engines.replay import replay as replay_trace
from cachelib.model.engines.result import Result
from cachelib.model.formulas import Estimate, Setting, estimate, placed
from cachelib.model.formulas.scaling import isolates
from cachelib.model.formulas.setting import NEVER_S, Array, asked_for
from cachelib.model.judgement.allowances import held_to
from cachelib.model.judgement.alone import is_alone, of_one
from cachelib.model.judgement.growth import with_keys
from cachelib.model.judgement.on_schedule import emptied_by, keys_on_schedule, not_emptied
from cachelib.model.judgement.overflow import overflowing
from cachelib.model.judgement.portion import of_design, of_platform
from cachelib.model.judgement.steady import warmed
from cachelib.model.judgement.taken import Taken, generated, logged, part_of
from cachelib.model.money.prices import at_prices
from cachelib.model.platforms.books import PriceBook, whole_book
from cachelib.model.platforms.colos import busiest_first
from cachelib.model.platforms.platform import Platform, Routing
from cachelib.model.schema.typed_yaml import nearest
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.account import Remark
from cachelib.model.traffic.generator import MONTH_S
from cachelib.model.traffic.other_places import places_unlike
from cachelib.model.traffic.remarks import keys_unlike, remarks, too_short_for, writers_placed
from cachelib.model.traffic.sampling import Sample, sample_of
from cachelib.model.traffic.trace import READ, WRITE, Trace

SEEDS = 5  # months that tell how much of a number is chance
MOST_RESEEDED = 300_000  # requests that are made anew with each seed
TURNS = 2  # of what is slowest: so many are simulated
UNLIKE = 0.2  # of the case's traffic: as much more or less than that is told


def _how_unlike(times: float) -> str:
    """`28 per cent less`, `2.5 times as much`: the log's traffic against the case's."""
    if times >= 2:
        return f"{times:,.0f} times as much" if times >= 10 else f"{times:.2g} times as much"
    return f"{100 * abs(times - 1):.0f} per cent {'more' if times > 1 else 'less'}"


class UnknownMeterError(CachelibError, ValueError):
    """A price of the case's own for what the platform's book does not meter."""


class UnknownPlanError(CachelibError, ValueError):
    """A plan that the platform's vendor does not sell."""


@dataclass(frozen=True)
class Study:
    """One case with the traffic that it is judged on: the user's log, or the case's workload."""

    case: Case
    seed: int = 1
    log: Path | None = None
    routing: Routing = "random"
    folder: Path | None = None
    """Where the case file lies; its paths start there."""
    barred: Mapping[str, str] = field(default_factory=dict)
    """Designs that the platform does not allow, which are none of the case's any more, and why."""

    @property
    def repository(self) -> Path | None:
        """The user's repository, where the case names one."""
        path = self.case.system.path
        return None if path is None else (self.folder or Path()) / path

    @property
    def trace(self) -> Trace:
        """The requests, or the part of them that stands for all; see `sample`."""
        return self._taken.trace

    @property
    def sample(self) -> Sample:
        """Which part of the traffic is simulated: all, unless that is more than a run can take."""
        return self._taken.sample

    @property
    def why_sampled(self) -> str:
        """Why only a part is simulated, where it is."""
        if self.case.sample is not None:
            return "as was asked for"
        return "as there are more requests than a report can replay in two minutes"

    @cached_property
    def _taken(self) -> Taken:
        if self.log is None:
            needs_s, share = self._needs_s, self.case.sample
            return generated(self.case.workload, self.seed, needs_s=needs_s, share=share)
        from cachelib.model.traffic.from_log import from_log  # the database is slow to import

        places = self.case.workload.colos
        whole = from_log(self.log, self.case.log, places=places, seed=self.seed)
        return logged(whole, self.case.sample)

    @property
    def _needs_s(self) -> float:
        """Seconds in which all shows that is slow: lives that are tried, what is asked by a clock.

        Of a log, as much as it has.
        """
        if self.log is not None:
            return 0.0
        knobs = self.case.all_knobs.items()
        lives = [max(knob.settings) for name, knob in knobs if name.endswith("_ttl_s")]
        return TURNS * max([*lives, *self._lives, self._clock_s])

    @property
    def _clock_s(self) -> float:
        """Seconds in which all is done once that is done by a clock."""
        return self.case.workload.clock_s if self.log is None else 0.0

    @property
    def _lives(self) -> list[float]:
        """How long copies live in the case's designs, in seconds."""
        designs = [self.design(name) for name in self.case.design_names]
        return [life for d in designs for life in (d.l1_ttl_s, d.l2_ttl_s) if life]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the recommendation must say of the log, or of what chance has put somewhere."""
        workload, longest = self.case.workload, max(self._lives, default=0.0)
        told = remarks(self.trace.account, self.case.log, ttl_s=longest, places=workload.colos)
        drawn = () if self.log else writers_placed(workload, self.seed)
        rounds = too_short_for(self._clock_s, self._trace_s)
        full = overflowing([*map(self._longest_in_memory, self.case.design_names)], self.setting)
        full = tuple(replace(remark, says=self.told(remark.says)) for remark in full)
        return (*told, *self._unlike_the_case(), *rounds, *drawn, *full)

    def _longest_in_memory(self, name: str) -> Design:
        """A design with the longest life in memory at which the case lets it be judged."""
        knob, design = self.case.all_knobs.get("l1_ttl_s"), self.design(name)
        if knob is None or self.case.design(name).l1_ttl_s is not None:
            return design
        return design.model_copy(update={"l1_ttl_s": max(knob.settings)})

    def _unlike_the_case(self) -> Iterator[Remark]:
        """Which of two traffics counts, where the case says another than the log has."""
        said, logged = self.case.workload.requests_per_month, self.requests_per_month
        if self.log is not None and abs(logged - said) >= UNLIKE * said:
            yield Remark(
                "unlike",
                f"The log has {logged:,.0f} requests a month, the case's workload {said:,.0f}"
                f" ({_how_unlike(logged / said)}); what is said here is of the log's.",
            )
        if self.log is not None:
            yield from not_emptied(self.case.workload)
            yield from keys_unlike(self.trace, self.case.workload.key_prefix)
            yield from places_unlike(self.trace, self.case.workload.colos)

    def part(self, most: int) -> Study:
        """The same study on at most `most` of its requests, which stand for all."""
        keys = int((np.bincount(self.trace.key) > 0).sum())
        asked, slow = len(self.trace), (self._needs_s, self._clock_s)
        share = sample_of(asked, keys, self._trace_s, most, *slow)
        return self if share.share == 1 else self._on(part_of(self._taken, share))

    def grown(self, requests_per_month: float, most: int, nth: int = 0) -> Study:
        """The study at another traffic, grown as the case says, `most` requests standing for all.

        A generated month is another one for each `nth`; a log can only be thinned.
        """
        if self.log is None:
            workload = grown_workload(self.case.workload, self.case.growth, requests_per_month)
            seed = self.seed + nth
            return self.reseeded(seed)._on(generated(workload, seed, most, self._needs_s))
        taken, share = self._taken, min(1.0, requests_per_month / self.requests_per_month)
        thinned = self.thinned(requests_per_month)
        thin = taken._replace(trace=thinned, popularity=taken.popularity * share)
        return self._on(thin).part(most)

    def _on(self, taken: Taken) -> Study:
        other = replace(self)
        vars(other)["_taken"] = taken
        return other

    def of_changed(self, **changed: Any) -> Study:
        """The study of the case with some of its fields changed, and the requests of this one."""
        other = replace(self, case=self.case.model_copy(update=changed))
        return other._on(self._taken)

    @property
    def _trace_s(self) -> float:
        """Seconds that the trace itself takes."""
        return MONTH_S * self.sample.time if self.log is None else self.trace.lasts_s

    @cached_property
    def log_described(self) -> Mapping[str, Any] | None:
        """What the log is and what became of its rows; None where the traffic is generated."""
        if self.log is None:
            return None
        from cachelib.model.traffic.logs.description import described  # slow to import

        return described(self.log, self.case.log)

    def reseeded(self, seed: int) -> Study:
        """The same study with another seed, which leaves the requests of a log as they are."""
        other = replace(self, seed=seed)
        return other if self.log is None else other._on(self._taken)

    @cached_property
    def again(self) -> tuple[Study, ...]:
        """What tells how much of a number is chance: other months of the same kind.

        Of traffic too long to be made again, so many requests of five others; of a log, a part of
        it with other seeds, which say what it does not: when values change.
        """
        seeds = range(self.seed + 1, self.seed + SEEDS)
        if self.log is not None:
            part = self.part(MOST_RESEEDED)
            return (part, *map(part.reseeded, seeds))
        if len(self.trace) <= MOST_RESEEDED:
            return tuple(map(self.reseeded, seeds))
        rate, others = self.case.workload.requests_per_month, (*seeds, self.seed + SEEDS)
        return tuple(self.reseeded(seed).grown(rate, MOST_RESEEDED) for seed in others)

    @property
    def requests_per_month(self) -> float:
        """The rate of the traffic at hand, at 30 days a month."""
        return len(self.trace) * MONTH_S / self.span_s

    @property
    def span_s(self) -> float:
        """Seconds in which all of the traffic is as many requests as the trace has."""
        return self._trace_s * self._taken.weight * self._logged_keys

    @property
    def _logged_keys(self) -> float:
        """The share of keys that the log is a sample of: a tenth stand for ten times as many."""
        return self.case.log.of_keys if self.log else 1.0

    @property
    def days(self) -> float:
        """How long the trace is."""
        return self._trace_s / 86_400

    @cached_property
    def platform(self) -> Platform:
        return held_to(platform_of(self.case, self.routing, is_log=self.log is not None), self.book)

    @property
    def reads_per_write(self) -> float | None:
        """None where nothing is written."""
        writes = int((self.trace.op == WRITE).sum())
        return (len(self.trace) - writes) / writes if writes else None

    @cached_property
    def book(self) -> PriceBook:
        """The prices: the platform's, and the case's own in their place."""
        book, own = whole_book(self.case.book), self.case.own_prices
        if fault := known("plan", book.plans, self.case.plan):
            raise UnknownPlanError(f"plan: {fault}")
        book = book.model_copy(update={"plan": self.case.plan})
        for name in own:
            if fault := known("meter", [meter.meter for meter in book.meters], name):
                raise UnknownMeterError(f"prices: {fault}")
        return at_prices(book, own, str(self.case.platform.get("redis_node", "")))

    def told(self, text: str) -> str:
        """Our own words, as readers of the case's platform say them."""
        alone = is_alone(self.platform, self.case.assumed, lambda: len(self.trace.colos))
        return self.case.profile.told(of_one(text) if alone else text)

    @property
    def isolates(self) -> int:
        """How many isolates serve this traffic, over all data centres."""
        if not self.platform.is_scaled:
            return self.platform.isolates_per_colo * len(self.worker_colos)
        at = self.setting
        asked = at["requests_per_month"] / MONTH_S * at.weights.reshape(1, -1, 1)
        return round(float(isolates(at, asked).sum()))

    @property
    def worker_colos(self) -> list[str]:
        """Where the Worker runs, the place with most traffic first; "" where a log names none."""
        return busiest_first(self.trace.colos, self.trace.colo, self.platform)

    def names(self, *needed: str) -> list[str]:
        """The case's designs, and those that are needed beside them for comparison."""
        return list(dict.fromkeys([*self.case.design_names, *needed]))

    def design(self, name: str) -> Design:
        """A design of the case, with the case's TTLs, as the platform allows it."""
        return as_allowed(self.case, name, self.platform)

    def replay(
        self, design: str | Design, *, trace: Trace | None = None, **platform: float
    ) -> Result:
        """What a design does with this traffic, or with another trace or platform numbers.

        The caches of a log, and of a part of a month, are filled before: see `steady`. Raises
        `TypeError` for a number that no platform has.
        """
        for number in platform:
            if number not in Platform.model_fields:
                near = nearest(number, list(Platform.model_fields))
                raise TypeError(f"no number of a platform is called {number!r}; {near}")
        begins_midway = self.log is not None or self.sample.time < 1
        run = warmed if begins_midway and trace is None else replay_trace
        there = self.platform.model_copy(update=platform)
        of, on, span_s = self.design(design) if isinstance(design, str) else design, there, None
        if trace is None:
            keys, span_s = self.sample.keys * self._logged_keys, self.span_s
            of = of_design(of, keys)
            on = of_platform(there, keys, self._taken.weight * self._logged_keys)
        result = run(self.trace if trace is None else trace, of, on, seed=self.seed, span_s=span_s)
        return replace(result, platform=there)  # as all keys have it, who are billed

    def two_requests(self, *, colos: int = 2) -> Trace:
        """The most asked key, twice, half a minute apart, in the one or two busiest colos."""
        busiest = np.argsort(-np.bincount(self.trace.colo), kind="stable")[:colos]
        key = self.trace.keys[int(np.bincount(self.trace.key).argmax())]
        names = [self.trace.colos[place] or self.platform.unplaced for place in busiest]
        return Trace(
            time_s=np.array([0.0, 30.0]),
            key=np.zeros(2, np.int32),
            colo=np.array([0, len(names) - 1], np.int16),
            op=np.full(2, READ, np.uint8),
            size=np.zeros(2, np.int32),
            keys=[key],
            colos=names,
        )

    @cached_property
    def setting(self) -> Setting:
        """The traffic as formulas see it: rates by key and by colo, and nothing of their order."""
        trace, platform = self.trace, self.platform
        few = None if self.log or self.sample.keys < 1 else self.case.workload
        keys = keys_on_schedule(few, trace)
        by_readers = trace.colo if keys is None else trace.colo[trace.op == READ]
        asked_there = np.bincount(by_readers, minlength=len(trace.colos)).astype(np.float64)
        colos = tuple(c for c, n in zip(trace.colos, asked_there, strict=True) if n)
        weights, trips = placed(colos, asked_there[asked_there > 0], platform)
        asked = np.sort(self._taken.popularity)[::-1]
        own = {name: number.value for name, number in self.case.assumed.items()}
        own |= self.case.settings
        logged = Setting(
            keys=keys or asked_for(asked),
            weights=weights / weights.sum(),
            trips=trips,
            numbers=own
            | platform.numbers
            | {
                "requests_per_month": self.requests_per_month,
                "reads_per_write": self.reads_per_write or NEVER_S,
                "value_bytes": float(trace.size.mean()),
                "key_bytes": trace.key_bytes,
            },
            hashed=platform.routing == "hash",
            emptied=emptied_by(None if self.log else self.case.workload),
        )
        return with_keys(logged, 1 / self._logged_keys)

    @property
    def setting_of_sample(self) -> Setting:
        """The same, were all keys like those that are simulated."""
        if self.sample.keys == 1:
            return self.setting
        asked = np.sort(self._taken.simulated)[::-1]
        taken = replace(self.setting, keys=asked_for(asked))
        return with_keys(taken, 1 / (self._taken.weight * self._logged_keys))

    def estimate(self, design: str | Design, **numbers: float | Array) -> Estimate:
        """The month of a design by formula, at other numbers if given, arrays of draws included."""
        named = self.case.design(design) if isinstance(design, str) else design
        return estimate(named, self.setting.but(**numbers))

    def traffic(self, factors: Sequence[float]) -> list[float]:
        """Rates to sweep, in requests a month: no more than the log has, where there is a log, and
        of generated traffic none of which writes leave nothing to those who read."""
        rates = [factor * self.requests_per_month for factor in factors]
        if self.log:
            return [rate for rate in rates if rate <= self.requests_per_month]
        workload, growth = self.case.workload, self.case.growth
        return [rate for rate in rates if has_readers(workload, growth, rate)]

    def thinned(self, requests_per_month: float) -> Trace:
        """The log at less traffic: thinned at random, its writes only if they go with the reads."""
        share = requests_per_month / self.requests_per_month
        kept = np.random.default_rng([self.seed, 2]).random(len(self.trace)) < share
        if self.case.growth.writes == "fixed":
            kept |= self.trace.op != READ
        return self.trace.only(kept)
