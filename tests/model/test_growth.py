"""What grows with the traffic: by hand, beyond what test_decision says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.grown import FEWEST_READS, grown_workload
from cachelib.model.formulas import schedules
from cachelib.model.judgement import growth
from cachelib.model.judgement.growth import KINDS_OF_GROWTH, grown_numbers, key_factors
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.sweeps import sweeps
from cachelib.model.traffic.workload import Workload
from tests.model.cases import of, requests, small


def times(study: Any, *factors: float) -> dict[str, Any]:
    return {"requests_per_month": np.array(factors) * study.setting.numbers["requests_per_month"]}


def test_keys_grow_in_proportion_to_whole_ones_at_least_one_and_ten_million_at_most() -> None:
    study = small(growth={"keys": "in proportion"})
    for rate, keys in (
        (20_000 * 1.49 / 20, 1),
        (20_000 * 1.51 / 20, 2),
        (1, 1),
        (1e12, 10_000_000),
    ):
        more = grown_workload(study.case.workload, study.case.growth, rate)
        assert more.keys == keys
        assert more.requests_per_month == rate


def test_keys_whose_popularity_is_given_stay() -> None:
    given = Workload(requests_per_month=100, keys=2, popularity=(3, 1), zipf=1, value_bytes=1,
                     colos={"FRA": 1}, reads_per_write=None)  # fmt: skip
    grows = small(growth={"keys": "in proportion"}).case.growth
    more = grown_workload(given, grows, 1_000)
    assert (more.keys, more.reads_per_write) == (2, None)


def test_without_traffic_among_the_numbers_nothing_grows() -> None:
    study = small(growth={"keys": "in proportion", "value_life": "shorter in proportion"})
    numbers = {"origin_ms": np.array([1.0, 2.0])}
    assert grown_numbers(study.setting, study.case.growth, numbers) == numbers
    assert key_factors(study.setting, study.case.growth, numbers) is None


def test_a_life_that_is_drawn_shortens_from_what_was_drawn() -> None:
    study = small(growth={"value_life": "shorter in proportion"})
    numbers = times(study, 1, 4) | {"value_life_s": np.array([100.0, 100.0])}
    found = grown_numbers(study.setting, study.case.growth, numbers)
    assert np.asarray(found["value_life_s"]).tolist() == [100, 25]
    alone = grown_numbers(study.setting, study.case.growth, times(study, 2))
    assert np.asarray(alone["value_life_s"]).tolist() == [18_000]


def test_fixed_writes_are_no_fewer_reads_each_only_where_there_are_writes() -> None:
    study = small()
    found = grown_numbers(study.setting, study.case.growth, times(study, 1, 3))
    here = study.reads_per_write or 0
    reads = np.asarray(found["reads_per_write"]).tolist()
    assert reads == pytest.approx([here, 3 * (1 + here) - 1])
    assert "value_life_s" not in found
    silent = of(requests([0, 9e5], [0, 0]))
    assert "reads_per_write" not in grown_numbers(
        silent.setting, silent.case.growth, times(silent, 2)
    )
    both = small(growth={"writes": "in proportion"})
    assert grown_numbers(both.setting, both.case.growth, times(both, 3)).keys() == {
        "requests_per_month"
    }


def test_keys_of_few_draws_grow_exactly_and_of_many_on_a_grid() -> None:
    study = small(growth={"keys": "in proportion"})
    few = np.linspace(0.5, 4, KINDS_OF_GROWTH)
    found = key_factors(study.setting, study.case.growth, times(study, *few))
    assert found == pytest.approx(few)
    many = np.geomspace(0.5, 4, 301)
    found = key_factors(study.setting, study.case.growth, times(study, *many))
    assert found is not None
    assert len(np.unique(found)) == KINDS_OF_GROWTH == 24
    assert (found.min(), found.max()) == pytest.approx((0.5, 4))
    step = np.log(8) / 23
    assert np.abs(np.log(found / many)).max() <= step / 2 * (1 + 1e-9)
    assert key_factors(study.setting, small().case.growth, times(study, *few)) is None


def test_twice_the_keys_are_asked_for_half_as_often_each() -> None:
    at = small().setting
    more = growth.with_keys(at, 2)
    assert more.keys.number.tolist() == (2 * at.keys.number).tolist()
    assert more.keys.share.tolist() == (at.keys.share / 2).tolist()
    assert more.numbers is at.numbers


def test_twice_the_keys_are_written_half_as_often_each_where_some_alone_are_written() -> None:
    at = small(workload={"schedules": [CRON]}).setting
    assert at.keys.written is not None
    more = growth.with_keys(at, 2).keys
    assert more.written is not None
    assert (more.number * more.written).sum() == pytest.approx(1), "shares of all writes"
    assert (at.keys.number * at.keys.written).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"writes": "in proportion", "keys": "in proportion",
          "value_life": "shorter in proportion"},
         "writes and keys grow in proportion, the life of values shortens in proportion"),
        ({"keys": "in proportion", "value_life": "shorter in proportion"},
         "keys grow in proportion, the life of values shortens in proportion, writes stay as they"
         " are"),
    ],
)  # fmt: skip
def test_where_all_or_all_but_one_grow_that_is_told(given: dict[str, str], said: str) -> None:
    assert growth.in_words(small(growth=given).case.growth) == said


CRON = {"op": "write", "every_s": 86_400, "keys": 10}  # 300 a month
POLLS = {"op": "read", "every_s": 3_600, "clients": 6}  # 4,320


@pytest.mark.parametrize(("writes", "crons"), [("fixed", 1), ("in proportion", 3)])
def test_clients_that_poll_grow_with_readers_and_crons_as_writes_do(
    writes: str, crons: int
) -> None:
    study = small(workload={"schedules": [CRON, POLLS]}, growth={"writes": writes})
    here = study.case.workload
    more = grown_workload(here, study.case.growth, 60_000)
    assert [each.clients for each in more.schedules] == [crons, 18]
    assert more.scheduled_per_month == pytest.approx(300 * crons + 3 * 4_320)
    left, was = (w.requests_per_month - w.scheduled_per_month for w in (more, here))
    written, before = (
        chance / (1 + (w.reads_per_write or 0)) for chance, w in ((left, more), (was, here))
    )
    assert written == pytest.approx(before * crons)


def test_where_the_case_does_not_say_what_grows_the_reader_is_told() -> None:
    silent = growth.in_words(small(growth={"low": 0.5, "high": 2}).case.growth)
    stated = growth.in_words(small(growth={"writes": "fixed"}).case.growth)
    assert silent == f"{stated}: the case does not say what grows"
    why = {"low": 0.5, "high": 2, "why": "news does not depend on readers"}
    assert growth.in_words(small(growth=why).case.growth) == stated


def test_readers_isolates_make_the_writes_that_no_schedule_makes_of_each_key() -> None:
    at = small(workload={"schedules": [CRON]}).setting
    assert at.keys.every_s is not None
    by_cron = 1 / at.keys.every_s
    assert schedules.by_chance(at, by_cron + 0.25) == pytest.approx(0.25)
    assert (schedules.by_chance(at, by_cron / 2) == 0).all()
    plain = small().setting
    assert schedules.by_chance(plain, np.array([0.25])) == 0.25


REWRITES = {"op": "write", "every_s": 1_800, "keys": 10}  # 14,400 of 20,000 a month


@pytest.mark.parametrize(
    ("grows", "schedules", "rates"),
    [
        ({}, [REWRITES], [20_000, 200_000]),
        ({"writes": "in proportion"}, [REWRITES], [20_000, 200_000]),  # a cron runs, or does not
        ({}, [REWRITES, POLLS], [2_000, 20_000, 200_000]),
        ({}, [], [2_000, 20_000, 200_000]),
    ],
)
def test_traffic_is_swept_where_writes_leave_somebody_to_read(
    grows: dict[str, str], schedules: list[dict[str, object]], rates: list[float]
) -> None:
    study = small(workload={"schedules": schedules}, growth=grows)
    swept = study.traffic([0.1, 1, 10])
    assert swept == pytest.approx(rates, rel=0.05)
    assert all(len(study.grown(rate, 10_000).trace) for rate in swept)


def test_flips_of_traffic_are_looked_for_where_somebody_is_left_to_read() -> None:
    study = small(workload={"reads_per_write": 3}, growth={"writes": "fixed"})
    model = Model(study, tuple(options(study)))
    traffic = next(sweep for sweep in sweeps(model) if sweep.name == "requests_per_month")
    assert traffic.low == pytest.approx(study.requests_per_month * 1.01 / 4, rel=0.05)
    numbers = {"requests_per_month": np.array([traffic.low])}
    grown = grown_numbers(study.setting, study.case.growth, numbers)
    assert grown["reads_per_write"] == pytest.approx(FEWEST_READS)


@pytest.mark.parametrize(
    ("low", "writes", "said"),
    [
        (0.2, "fixed", "growth.low: of 4,000 requests a month the writes, which stay as they are"),
        (0.3, "fixed", ""),
        (0.2, "in proportion", ""),
    ],
)
def test_growth_to_less_than_the_writes_that_stay_is_refused(
    low: float, writes: str, said: str
) -> None:
    changes = {"workload": {"reads_per_write": 3}, "growth": {"low": low, "writes": writes}}
    if said:
        with pytest.raises(ValueError, match=said):
            small(**changes)
    else:
        small(**changes)


def test_a_workload_that_nobody_reads_is_refused() -> None:
    every = {"op": "write", "every_s": 25_920, "keys": 200}  # all 20,000 a month
    with pytest.raises(ValueError, match="workload: nobody reads"):
        small(workload={"schedules": [every], "keys": 200})
