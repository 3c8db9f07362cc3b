"""The decision: options at their settings, the choice, and everything that is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cachelib.model.case.criteria import Criteria
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement import anchoring, draws, flips, knobs, maps, regret
from cachelib.model.judgement.anchoring import Anchoring
from cachelib.model.judgement.elsewhere import Elsewhere
from cachelib.model.judgement.flips import Flip, Swing
from cachelib.model.judgement.intervals import resolution
from cachelib.model.judgement.knobs import Tuned
from cachelib.model.judgement.limits import Miss, misses, nearest
from cachelib.model.judgement.metrics import MEASURED
from cachelib.model.judgement.model import WORK, Z95, Model
from cachelib.model.judgement.moved import study_at
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.placement import Placed, placements
from cachelib.model.judgement.placing import placed
from cachelib.model.judgement.processors import each
from cachelib.model.judgement.regret import Sureness, Worth
from cachelib.model.judgement.simulator import TRAFFIC
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import concerns
from cachelib.model.judgement.sweeps import sweeps
from cachelib.model.judgement.taken import NoTrafficError
from cachelib.model.judgement.ties import NOBODY, Standing, judged, score_noise

CONTENDS = 0.02  # share of draws in which an option is best or tied, to be looked at closer
RIVALS = 3


@dataclass(frozen=True)
class Decision:
    """A study, judged; parts are computed when they are asked for, each from the same model."""

    study: Study
    draws: int = 2_000
    among: frozenset[str] | None = None
    """The options that are looked at, if not all."""

    @property
    def criteria(self) -> Criteria:
        return self.study.case.criteria

    @cached_property
    def tuned(self) -> dict[str, Tuned]:
        """Every option at its best settings, by name; today's set anew if others are better."""
        looked_at = [o for o in options(self.study) if not self.among or o.name in self.among]
        tuned = each(lambda option: knobs.tune(self.study, option, tuple(MEASURED)), looked_at)
        found = {one.option.name: one for one in tuned}
        anew, today = self.study.case.set_anew, self.study.case.today_name or ""
        if anew in found and found[anew].option.settings == found[today].option.settings:
            del found[anew]
        return found

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(tuned.option for tuned in self.tuned.values())

    @property
    def measured(self) -> dict[str, Mapping[str, float]]:
        """Every option as simulated: metrics by name."""
        return {name: tuned.measured for name, tuned in self.tuned.items()}

    @cached_property
    def resolution(self) -> dict[str, Array]:
        """By metric, half the interval of each option's value."""
        return resolution(self.study, self.options, tuple(MEASURED), self.measured)

    @cached_property
    def half_of_score(self) -> dict[str, float]:
        """By option, half the interval of what is minimised."""
        halves = np.broadcast_to(score_noise(self.criteria, self.resolution), len(self.options))
        return {o.name: float(half) for o, half in zip(self.options, halves, strict=True)}

    @cached_property
    def here(self) -> Standing:
        """The options as simulated, judged: what the recommendation is made from."""
        names = self.criteria.names()
        values = {
            name: np.array([[self.measured[option.name][name]] for option in self.options])
            for name in names
        }
        return judged(self.criteria, self.options, values, {}, self.resolution)

    # -- the choice ------------------------------------------------------------------------

    @property
    def chosen(self) -> Option | None:
        """None where nothing that can be ranked keeps the limits."""
        place = int(self.here.chosen[0])
        return None if place == NOBODY else self.options[place]

    @property
    def today(self) -> Option | None:
        return next((option for option in self.options if option.is_today), None)

    @property
    def ties(self) -> list[Option]:
        """What does as well as the choice in what is minimised, the choice left out."""
        tied = self.here.tied[:, 0]
        return [o for o, is_tied in zip(self.options, tied, strict=True)
                if is_tied and o != self.chosen]  # fmt: skip

    @property
    def ranked(self) -> list[Option]:
        """What keeps the limits, the choice first, then by score and name."""
        score, ranked = self.here.score[:, 0], self.here.ranked[:, 0]
        order = sorted(
            (i for i in range(len(self.options)) if ranked[i]),
            key=lambda i: (self.options[i] != self.chosen, score[i], self.options[i].name),
        )
        return [self.options[i] for i in order]

    @property
    def not_stated(self) -> list[Option]:
        """What keeps the limits but cannot be ranked: its hours are nowhere said."""
        unknown = self.here.kept[:, 0] & np.isnan(self.here.score[:, 0])
        return [option for option, out in zip(self.options, unknown, strict=True) if out]

    @cached_property
    def missed(self) -> dict[str, list[Miss]]:
        """The limits that options break, by option."""
        found = {name: misses(self.criteria, name, m) for name, m in self.measured.items()}
        return {name: broken for name, broken in found.items() if broken}

    def by_chance(self, option: Option) -> bool:
        """Whether another month of the same kind may as well keep what is broken, or break a limit
        that is kept."""
        place, told = self.options.index(option), self.measured[option.name]
        hard = [limit for limit in self.criteria.limits if limit.costs is None]
        near = {
            limit.metric
            for limit in hard
            if 0 < self.resolution[limit.metric][place] >= abs(told[limit.metric] - limit.bound)
        }
        broken = {miss.limit.metric for miss in self.missed.get(option.name, ())}
        return broken <= near if broken else bool(near)

    @property
    def nearest(self) -> str | None:
        """Of the options that break limits, the one that comes nearest to keeping them.

        Of those as near, what is there today, then what takes the least work.
        """
        work = {option.name: option.hours_value for option in self.options}
        today = self.today.name if self.today else None

        def first(name: str) -> tuple[bool, float]:
            return name != today, float(np.nan_to_num(work[name], nan=np.inf))

        return min(nearest(self.missed), key=first, default=None)

    def farness(self, name: str) -> tuple[bool, bool, float, str]:
        """How far an option is from keeping its limits, to order by: `nearest` before its like."""
        missed = self.missed.get(name)
        widest = missed[0].excess if missed else 0.0
        return missed is not None, name != self.nearest, widest, name

    def score(self, option: Option) -> float:
        return float(self.here.score[self.options.index(option), 0])

    @property
    def front(self) -> list[Option]:
        """Options that no other beats in every metric that decides: Pareto's front."""
        from cachelib.model.judgement.pareto import front

        return front(self.criteria, self.options, self.measured)

    # -- how sure --------------------------------------------------------------------------

    @cached_property
    def corrected(self) -> Model:
        """Formulas, exact at the case's numbers."""
        return replace(
            Model(self.study, self.options).anchored(self.measured), resolution=self.resolution
        )

    @cached_property
    def drawn(self) -> dict[str, Array]:
        return draws.draw(self.study, self.options, self.draws, self.study.seed)

    @cached_property
    def _formula(self) -> dict[str, dict[str, Array]]:
        """What the formulas say of each option over all draws, before anything corrects it."""
        return self.corrected.formula(self.drawn, self.criteria.names())

    @cached_property
    def _first_standing(self) -> Standing:
        return self.corrected.standing(self.drawn, self._formula)

    @cached_property
    def contenders(self) -> list[str]:
        """What may be chosen: often enough best or tied, chosen, or there today."""
        share = self._first_standing.tied.mean(axis=1)
        kept = {option.name for option in (self.chosen, self.today) if option}
        return [
            option.name
            for option, often in zip(self.options, share, strict=True)
            if often >= CONTENDS or option.name in kept
        ]

    @cached_property
    def anchoring(self) -> Anchoring:
        """The formulas held against the simulation, over the ranges."""
        return anchoring.anchor(self.corrected, self.contenders, self.measured, self.study.seed)

    @property
    def model(self) -> Model:
        """The one model behind draws, flips, maps and the panel."""
        return self.anchoring.model

    @property
    def by_simulation(self) -> bool:
        """Whether the formulas had to be withheld, so that simulated points alone say how sure."""
        return bool(self.anchoring.withheld)

    @cached_property
    def standing(self) -> Standing:
        """All options over all draws."""
        if self.by_simulation:
            return self.anchoring.standing
        if self.model.surrogates:
            return self.model.standing(self.drawn, self._formula)
        return self._first_standing

    @property
    def judged_draws(self) -> int:
        """How many draws the shares are of."""
        return int(self.standing.score.shape[1])

    @property
    def _numbers(self) -> Mapping[str, Array]:
        return self.anchoring.numbers if self.by_simulation else self.drawn

    @cached_property
    def sureness(self) -> dict[str, Sureness]:
        return regret.sureness(self.criteria, self.standing)

    @property
    def safer(self) -> str | None:
        """The option that one would regret least, if less than the choice by what counts: by more
        than chance, and more than is material."""
        if self.chosen is None:
            return None
        regrets = {name: s.regret for name, s in self.sureness.items() if s.keeps.value > 0}
        known = [name for name, regret in regrets.items() if not np.isnan(regret.mean)]
        least = min(known, key=lambda name: (regrets[name].mean, name), default=None)
        mine = self.sureness[self.chosen.name].regret
        if least is None or np.isnan(mine.mean):
            return None
        chance = Z95 * np.hypot(mine.mean_error, regrets[least].mean_error)
        counts = max(float(chance), self.criteria.tolerance(self.criteria.aim, 0.0))
        return least if mine.mean - regrets[least].mean > counts else None

    @property
    def no_limits_kept(self) -> float:
        """The share of draws in which nothing keeps the limits."""
        return float((self.standing.chosen == NOBODY).mean())

    def sureness_if(self, shape: str) -> dict[str, Sureness]:
        """The same, were the assumptions spread otherwise over their ranges."""
        numbers = draws.draw(
            self.study, self.options, max(200, self.draws // 4), self.study.seed, shape  # type: ignore[arg-type]
        )  # fmt: skip
        return regret.sureness(self.criteria, self.model.standing(numbers))

    @cached_property
    def worths(self) -> list[Worth]:
        """What each assumption matters, and what knowing it is worth; empty without a choice."""
        if self.chosen is None:
            return []
        place = self.options.index(self.chosen)
        return regret.worths(self.criteria, self.standing, self._numbers, place, self.study.seed)

    @property
    def rivals(self) -> list[str]:
        """What is best or tied most often beside the choice; only what ever is."""
        shares = {
            name: sure.best.value
            for name, sure in self.sureness.items()
            if self.chosen is None or name != self.chosen.name
        }
        order = sorted(shares, key=lambda name: (-shares[name], name))
        return [name for name in order if shares[name] > 0][:RIVALS]

    # -- what would change it --------------------------------------------------------------

    @property
    def flips(self) -> list[Flip]:
        """Every change of the choice, options set anew for it; the nearest are confirmed.

        By a simulation; where formulas had to be withheld, by deciding anew on both sides, and no
        others are told. Nor is what lies beyond one that is `doubted`."""
        return self._looked_for[0]

    @property
    def doubted(self) -> list[Flip]:
        """What formulas alone would have told as the nearest change of the choice."""
        return self._looked_for[1]

    @cached_property
    def _looked_for(self) -> tuple[list[Flip], list[Flip]]:
        """Flips to be told, and those that are doubted."""
        found = flips.searched(self.model)
        here = self.chosen.name if self.chosen else None
        there = Elsewhere(self.model, self._tried_by, self.tuned, found.values, here)
        told = there.flips(found.flips, found.sweeps)
        nearest = flips.told_first(told)
        named = {name for flip in nearest for name in (flip.before, flip.after) if name}
        contending = self.model.only([*self.contenders, *named])
        among = frozenset(option.name for option in contending.options)
        if self.by_simulation:
            doubted = [flip for flip in nearest if not self._is_decided(flip, among)]
            told = flips.short_of(doubted, nearest)
            return [replace(f, simulated=not f.number.startswith(WORK)) for f in told], doubted
        return placed(
            told, [flip for flip in nearest if there.can_be_simulated(flip)], found.sweeps, there,
            replace(self.anchoring.simulator, model=contending),
            lambda flip: self._is_decided(flip, among),
            lambda flip: self._is_decided(flip, among, beyond=True),
        )  # fmt: skip

    @property
    def _tried_by(self) -> Model:
        """The model that says how sure settings are: corrected by what is more than chance."""
        halves = {
            option.name: {name: float(half[nth]) for name, half in self.resolution.items()}
            for nth, option in enumerate(self.options)
        }
        beyond_chance = Model(self.study, self.options).anchored(self.measured, halves)
        return replace(self.model, corrections=beyond_chance.corrections)

    def _is_decided(self, flip: Flip, among: frozenset[str], *, beyond: bool = False) -> bool:
        """Whether the same is chosen beside a flip, or `beyond` it, when all is decided anew."""
        if flip.number.startswith(WORK):
            return True  # no simulation sees it, and the settings are those here
        is_log = flip.number == TRAFFIC and self.study.log is not None
        sides = flips.beside(flip, self.study.requests_per_month if is_log else np.inf)
        there = list(zip(sides or (), (flip.before, flip.after), strict=False))
        if beyond:
            there = there[1:] if flip.at > flip.here else there[:1]
        try:
            return bool(there) and all(
                self._chosen_at(flip.number, at, among) == name for at, name in there
            )
        except NoTrafficError:  # so few requests that none was made: nothing confirms it
            return False

    def _chosen_at(self, number: str, value: float, among: frozenset[str]) -> str | None:
        chosen = Decision(study_at(self.study, number, value), among=among).chosen
        return chosen.name if chosen else None

    @property
    def next_flips(self) -> list[Flip]:
        """The nearest flip of each number on either side, those within its range first."""
        return flips.told_first(self.flips, None)

    @property
    def _first(self) -> list[Option]:
        """The options, what does best first; of what is not ranked, the nearest to its limits."""
        rest = [option for option in self.options if option not in self.ranked]
        return [*self.ranked, *sorted(rest, key=lambda option: self.farness(option.name))]

    @cached_property
    def placements(self) -> list[Placed]:
        """What would be chosen, were the stores elsewhere."""
        return placements(self.model, self._first)

    def tornado(self, rival: str) -> list[Swing]:
        """By how much the rival is worse, one number at a time; none without formulas."""
        if self.chosen is None or self.by_simulation:
            return []
        return flips.tornado(self.model, self.chosen.name, rival)

    def map(self, x: str, y: str) -> maps.Map:
        """Who is chosen over two numbers."""
        known = {sweep.name: sweep for sweep in sweeps(self.model)}
        return maps.two_way(self.model, known[x], known[y])

    @property
    def map_axes(self) -> tuple[str, str] | None:
        """The two numbers most worth a map: those whose flips lie nearest, worth most first.

        None where there are no two, or no formulas to draw it by.
        """
        if self.by_simulation:
            return None
        near = [flip.number for flip in self.next_flips]
        worth = (each.name for each in self.worths if each.name != draws.CHANCE)
        matter = [name for name in worth if concerns(self.study, name)]
        axes = [name for name in dict.fromkeys([*near, *matter]) if not name.startswith("limit:")]
        return (axes[0], axes[1]) if len(axes) > 1 else None
