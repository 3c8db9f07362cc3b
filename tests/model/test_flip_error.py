"""How far chance may have moved a change of the choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.elsewhere import Elsewhere
from cachelib.model.judgement.flip_error import with_errors
from cachelib.model.judgement.flips import Flip, searched
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.sweeps import Sweep
from cachelib.model.judgement.ties import score_noise
from tests.model.cases import small
from tests.model.test_set_anew import CASES

BUSY = CASES["both"] | {"workload": {"requests_per_month": 200_000}}
"""Of six seeds, 1 to 6, p95's limit flips the choice at 262.0 to 264.3 ms, ± 2.8 to 3.4; central
reads of KV at 157.4 to 159.0 ms, ± 1.0 to 1.2."""

Looked = tuple[Decision, Elsewhere, dict[str, Sweep], list[Flip]]


@pytest.fixture(scope="module")
def looked() -> Looked:
    decision = Decision(small(**BUSY), 50)
    found = searched(decision.model)
    there = Elsewhere(decision.model, decision._tried_by, decision.tuned, found.values)
    of_number = {sweep.name: sweep for sweep in found.sweeps}
    told = [replace(flip, here=0.8 * flip.at) for flip in there.flips(found.flips, found.sweeps)]
    return decision, there, of_number, with_errors(told, of_number, there)


def test_by_so_much_farther_the_two_part_by_half_an_interval_more(looked: Looked) -> None:
    decision, there, _, told = looked
    noise = score_noise(decision.criteria, decision.model.resolution)
    parted = [flip for flip in told if flip.cause == "score" and flip.error]
    assert parted
    for flip in parted:
        names = [option.name for option in decision.options]
        half = float(np.hypot(*(noise[names.index(name)] for name in (flip.option, flip.other))))
        one, two = (
            standing.score[standing.names.index(flip.option), 0]
            - standing.score[standing.names.index(flip.other), 0]
            for value in (flip.at, flip.at + min(flip.error, 0.04 * flip.at))
            for standing in [there.standing(flip.number, value)]
        )
        share = min(1.0, 0.04 * flip.at / flip.error)
        assert abs(two - one) == pytest.approx(share * half, rel=0.25), flip


def test_beyond_a_limit_it_is_the_interval_of_what_is_limited(looked: Looked) -> None:
    """The limit itself as the number: moved by half an interval, it is as far from the value."""
    decision, there, of_number, told = looked
    limits = limit_names(decision.criteria)
    own = [flip for flip in told if flip.number == flip.metric and flip.cause == "limit"]
    assert own
    for flip in own:
        place = [option.name for option in decision.options].index(flip.option)
        half = decision.model.resolution[limits[flip.metric].metric][place]
        assert flip.error == pytest.approx(half, rel=0.3), flip
    certain = replace(there.model, resolution={name: 0 * half for name, half in
                                               there.model.resolution.items()})  # fmt: skip
    again = with_errors(told, of_number, replace(there, model=certain))
    assert {flip.error for flip in again} <= {0.0, None}


def test_none_is_told_where_nothing_is_known_of_chance(looked: Looked) -> None:
    _, there, of_number, told = looked
    unknown = replace(there, model=replace(there.model, resolution={}))
    assert {flip.error for flip in with_errors(told, of_number, unknown)} == {None}


def test_nor_at_the_end_of_a_number(looked: Looked) -> None:
    _, there, of_number, told = looked
    for flip in told:
        sweep = of_number[flip.number]
        for end in (sweep.low, sweep.high):
            (last,) = with_errors([replace(flip, at=end)], of_number, there)
            assert last.error is None


def test_nor_far_from_here_where_chance_does_something_else(looked: Looked) -> None:
    _, there, of_number, told = looked
    known = next(flip for flip in told if flip.error)
    (far,) = with_errors([replace(known, here=known.at / 2.1)], of_number, there)
    assert far.error is None
