"""The generator does what its parameters say; the fit finds them again; seeds give intervals."""

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay
from cachelib.model.judgement.fit import fit
from cachelib.model.judgement.intervals import half_width
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.generator import DAY_S, MONTH_S, all_shares, generate
from cachelib.model.traffic.logs import LogError, read_log
from cachelib.model.traffic.remarks import writers_placed
from cachelib.model.traffic.sampling import Sample, workload_part
from cachelib.model.traffic.trace import READ, WRITE
from cachelib.model.traffic.workload import Workload

PLAIN = {
    "requests_per_month": 300_000, "keys": 500, "zipf": 0.9, "value_bytes": 100,
    "colos": {"LHR": 3, "SYD": 1},
}  # fmt: skip


def made(seed=3, span_s=MONTH_S, **numbers):
    return generate(Workload(**PLAIN | numbers), seed=seed, span_s=span_s)


def test_the_plain_workload_is_poisson_zipf_and_weighted():
    trace = made(reads_per_write=9)
    assert len(trace) == pytest.approx(300_000, rel=0.01)
    assert np.bincount(trace.colo)[0] / len(trace) == pytest.approx(0.75, abs=0.005)
    assert trace.op.mean() == pytest.approx(0.1, abs=0.003)
    gaps = np.diff(trace.time_s)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.02)


def test_the_same_seed_gives_the_same_requests():
    a, b, c = made(1, burst_share=0.2), made(1, burst_share=0.2), made(2, burst_share=0.2)
    assert np.array_equal(a.time_s, b.time_s)
    assert np.array_equal(a.key, b.key)
    assert not np.array_equal(a.time_s[:100], c.time_s[:100])


def test_popularity_may_be_given_by_weights():
    trace = made(keys=3, popularity=(1, 0, 3))
    assert np.bincount(trace.key, minlength=3) / len(trace) == pytest.approx(
        [0.25, 0, 0.75], abs=0.005
    )


def test_the_rate_peaks_in_each_colos_own_afternoon():
    trace = made(daily_swing=0.8, peak_hour=15)
    for colo, utc_peak in ((0, 15.0), (1, 15 - 151 / 15)):
        hours = np.histogram(trace.time_s[trace.colo == colo] % DAY_S / 3_600, 24)[0]
        assert abs((hours.argmax() + 0.5 - utc_peak + 12) % 24 - 12) < 2.5
        assert hours.max() / hours.mean() == pytest.approx(1.8, abs=0.1)


def test_bursts_ask_one_key_again_and_again():
    design = BUILT_IN["l1-only"].model_copy(update={"l1_ttl_s": 10.0})
    platform = Platform(profile="miniflare", isolates_per_colo=1)
    even, bursty = (replay(made(burst_share=s), design, platform).hit_ratio for s in (0, 0.5))
    assert bursty > even + 0.3


def test_drift_moves_popularity_to_other_keys_and_new_keys_come():
    steady, drifting, growing = made(), made(drift_per_day=0.5), made(new_keys_per_day=20)
    first, last = (
        set(np.argsort(-np.bincount(drifting.key[part]))[:20])
        for part in (drifting.time_s < DAY_S, drifting.time_s > 29 * DAY_S)
    )
    assert len(first & last) < 10
    assert len(steady.keys) == len(drifting.keys) == 500
    assert len(growing.keys) == pytest.approx(500 + 29 * 20, rel=0.1)


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"value_bytes": -1}, "value_bytes"),
        ({"requests_per_month": 0}, "requests_per_month"),
        ({"keys": 0}, "keys"),
        ({"peak_hours": {"NRT": 9}}, "NRT is none of the colos"),
        ({"peak_hours": {"LHR": 24}}, "peak_hours"),
        ({"daily_swing": 1}, "daily_swing"),
        ({"burst_share": 1.2}, "burst_share"),
        ({"popularity": (1.0,)}, "popularity"),
        ({"colos": {"LHR": 0}}, "colos"),
        ({"colos": {}}, "colos"),
        ({"keyz": 1}, "keyz"),
    ],
)
def test_an_impossible_workload_is_an_error_that_names_the_key(numbers, key):
    with pytest.raises(ValidationError, match=key):
        Workload(**PLAIN | numbers)


def test_an_empty_month_is_no_error():
    trace = made(requests_per_month=1e-6)
    assert len(trace) == 0
    assert replay(trace, BUILT_IN["l1-kv"], Platform()).hit_ratio == 0.0


def test_the_fit_finds_the_generators_parameters():
    given = {
        "reads_per_write": 50.0, "daily_swing": 0.5, "peak_hour": 15.0, "burst_share": 0.2,
        "burst_requests": 5.0, "new_keys_per_day": 10.0, "colos": {"LHR": 0.75, "SYD": 0.25},
    }  # fmt: skip
    found = fit(made(**given))
    for name in ("reads_per_write", "daily_swing", "burst_share", "burst_requests"):
        assert getattr(found.workload, name) == pytest.approx(given[name], rel=0.15), name
    assert found.workload.zipf == pytest.approx(0.9, abs=0.1)
    assert found.workload.peak_hour == pytest.approx(15, abs=0.5)
    assert found.workload.keys == pytest.approx(500, rel=0.1)
    assert found.workload.colos["LHR"] == pytest.approx(0.75, abs=0.01)


def test_the_fit_says_how_well_it_fits(traces):
    plain = fit(made())
    real = fit(read_log(traces / "nasa-1995-08-01.clf.gz"))
    assert plain.popularity_off < 0.01
    assert plain.hit_ratio_off < 0.005
    assert 0.01 < real.hit_ratio_off < 0.1
    assert real.as_dict()["workload"]["keys"] == 2_088


def test_requests_of_one_moment_cannot_be_fitted():
    with pytest.raises(LogError, match="one moment"):
        fit(made(requests_per_month=1e-6))


def test_intervals_over_seeds_hold_the_long_run():
    workload = Workload(**PLAIN)
    design = BUILT_IN["l1-kv"].model_copy(update={"l1_ttl_s": 60.0, "l2_ttl_s": 600.0})

    def day(seed):
        trace = generate(workload, seed=seed, span_s=DAY_S)
        return replay(trace, design, Platform(), seed=seed, span_s=DAY_S)

    days = [day(seed) for seed in range(12)]
    month = replay(generate(workload, seed=99), design, Platform(), seed=99)
    for name in ("kv_reads", "kv_writes", "origin_loads"):
        counts = [one.per_month()[name] for one in days]
        mean, half = float(np.mean(counts)), half_width(counts)
        assert half > 0
        assert (mean - half) * 0.97 < month.per_month()[name] < (mean + half) * 1.03
    assert np.mean([float(monthly_bill(one).charged) for one in days]) >= 5


CRON = {"op": "write", "every_s": 300, "keys": "all"}
POLLS = {"op": "read", "every_s": 120, "clients": 75}


def test_a_cron_writes_all_keys_at_once_every_time():
    trace = made(requests_per_month=500_000, keys=53, schedules=[CRON])
    written = trace.only(trace.op == WRITE)
    assert len(written) == 457_920  # a field's own: 53 prices every five minutes
    rounds = written.time_s.reshape(-1, 53)
    assert (np.ptp(rounds, axis=1) == 0).all()
    assert np.diff(rounds[:, 0]) == pytest.approx(300)
    assert np.bincount(written.key).tolist() == [8_640] * 53
    assert len(set(written.colo.tolist())) == 1
    assert len(trace) == pytest.approx(500_000, rel=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_a_cron_runs_where_the_case_says_else_where_chance_puts_it_and_that_is_told(seed):
    more = {"requests_per_month": 500_000, "keys": 53}
    workload = Workload(**PLAIN | more, schedules=[CRON])
    trace = generate(workload, seed=seed)
    (drawn,) = {trace.colos[place] for place in trace.colo[trace.op == WRITE]}
    (remark,) = writers_placed(workload, seed)
    assert f"every 5 minutes does so from {drawn}, where chance" in remark.says
    daily = Workload(**PLAIN | more, schedules=[CRON | {"every_s": 86_400}])
    (remark,) = writers_placed(daily, seed)
    assert "What writes every day does so" in remark.says
    assert not {"`", "_"} & set(remark.says)
    for colo in workload.colos:
        there = Workload(
            **PLAIN | {"requests_per_month": 500_000, "keys": 53}, schedules=[CRON | {"colo": colo}]
        )
        moved = generate(there, seed=seed)
        is_write = moved.op == WRITE
        assert {moved.colos[place] for place in moved.colo[is_write]} == {colo}
        assert (moved.time_s == trace.time_s).all()
        assert (moved.colo[~is_write] == trace.colo[~is_write]).all()
        assert list(writers_placed(there, seed)) == []


def test_each_client_polls_by_a_clock_of_its_own():
    trace = made(requests_per_month=1_620_000, schedules=[POLLS])
    assert len(trace) == 1_620_000  # a field's own: 75 browsers, twice in four minutes, all month
    assert (trace.op == READ).all()
    assert (trace.key == 0).all()
    assert np.bincount(trace.colo).min() % 21_600 == 0
    assert len(np.unique((trace.time_s % 120).round(3))) == 75


def test_what_is_not_fixed_in_time_comes_as_it_does_without():
    alone = made(requests_per_month=10_000)
    both = made(requests_per_month=10_000 + 53 * 8_640, keys=500, schedules=[CRON | {"keys": 53}])
    assert np.isin(alone.time_s, both.time_s).all()
    assert len(both) - len(alone) == 53 * 8_640


def test_new_keys_are_written_by_the_schedule_when_they_have_come():
    every_day = {"op": "write", "every_s": DAY_S, "keys": "all"}
    trace = made(keys=10, new_keys_per_day=3, schedules=[every_day])
    written = trace.only(trace.op == WRITE)
    assert len(written) == 300
    assert len(np.unique(written.key)) == pytest.approx(10 + 29 * 3, abs=30)


@pytest.mark.parametrize(
    ("schedules", "said"),
    [
        ([CRON], "schedules: make 4,320,000 requests a month, more than the 300,000"),
        (
            [POLLS | {"clients": 1, "every_s": 86_400, "keys": 501}],
            "501 are more than the 500 that there are",
        ),
        ([POLLS | {"clients": 1, "colo": "XXX"}], "schedules.0.colo: XXX is none of the colos: "),
    ],
)
def test_schedules_that_cannot_be_are_said(schedules, said):
    with pytest.raises(ValidationError, match=said):
        Workload(**PLAIN, schedules=schedules)


def test_keys_that_stand_for_all_keep_what_all_are_asked_for_on_a_schedule():
    cron, polls = CRON | {"every_s": 86_400}, POLLS | {"clients": 5}
    whole = Workload(**PLAIN, schedules=[cron, polls])
    popularity = all_shares(whole)
    assert popularity[0] > 1.5 * popularity[1]
    part = workload_part(whole, popularity, Sample(keys=0.2))
    assert [each.keys for each in part.schedules] == ["all"]
    assert part.scheduled_per_month == pytest.approx(0.2 * 500 * 30)
    assert part.requests_per_month == pytest.approx(60_000)


def test_what_is_written_in_time_does_not_expire():
    """A cron more often than values end: whoever reads finds them, whatever the traffic."""
    trace = made(requests_per_month=460_000, keys=53, schedules=[CRON])
    design = BUILT_IN["kv-only"].model_copy(update={"l2_ttl_s": 900.0})
    platform = Platform(value_life_s=np.inf)
    for engine in ("compiled", "reference"):
        counts = replay(trace, design, platform, engine=engine, span_s=MONTH_S).counts
        assert counts["origin_loads"] <= 5  # before the first round
        assert counts["kv_writes"] == pytest.approx(457_920, abs=5)


def test_a_pages_requests_come_together_and_are_for_unlike_keys():
    trace = made(page_requests=9, zipf=0.3)
    pages = trace.time_s.reshape(-1, 9), trace.colo.reshape(-1, 9), trace.key.reshape(-1, 9)
    assert all((column == column[:, :1]).all() for column in pages[:2])
    assert (np.diff(np.sort(pages[2], axis=1), axis=1) > 0).all()
    assert (pages[2].argmin(axis=1) > 0).mean() == pytest.approx(8 / 9, abs=0.01)
    assert len(trace) == pytest.approx(300_000, rel=0.02)


def test_they_leave_each_key_as_popular_and_as_much_by_chance_as_alone():
    alone, together = made(), made(page_requests=9)
    asked = [np.bincount(trace.key, minlength=500) / len(trace) for trace in (alone, together)]
    assert asked[1] == pytest.approx(asked[0], abs=0.002)
    gaps = np.diff(together.time_s[together.key == 40])
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.1)


def test_a_key_that_has_more_than_its_part_of_a_page_comes_more_than_once():
    trace = made(keys=2, popularity=(3, 1), page_requests=4)
    assert (np.sort(trace.key.reshape(-1, 4), axis=1) == [0, 0, 0, 1]).all()


def test_of_a_sample_of_keys_as_much_of_a_page_is_left():
    workload = Workload(**PLAIN | {"page_requests": 10})
    popularity = all_shares(workload)
    parts = {
        share: workload_part(workload, popularity, Sample(keys=share)).page_requests
        for share in (0.02, 0.2, 0.9)
    }
    assert parts == {0.02: 1, 0.2: 2, 0.9: 9}


LISTS = {"op": "list", "every_s": 900, "keys": "all"}


@pytest.mark.parametrize(
    ("more", "keys", "calls"),
    [
        ({}, 1_000, 2_880),  # four an hour
        ({}, 1_001, 2 * 2_880),
        ({"keys": 20}, 5_000, 2_880),
        ({"clients": 3}, 2_500, 3 * 3 * 2_880),
    ],
)
def test_a_list_takes_a_call_for_each_thousand_keys_begun(more, keys, calls):
    workload = Workload(**PLAIN | {"keys": keys}, schedules=[LISTS | more])
    assert workload.lists_per_month == calls


def test_lists_are_no_requests_and_change_none():
    plain = made(schedules=[POLLS | {"clients": 1}])
    listed = made(schedules=[LISTS, POLLS | {"clients": 1}, LISTS | {"clients": 4}])
    for column in ("time_s", "key", "colo", "op"):
        assert (getattr(plain, column) == getattr(listed, column)).all(), column
    only = Workload(**PLAIN, schedules=[LISTS])
    assert only.scheduled_per_month == 0
    assert list(writers_placed(only, 1)) == []
    assert len(generate(only, seed=2)) == len(generate(Workload(**PLAIN), seed=2))


def test_who_lists_is_nowhere():
    with pytest.raises(ValidationError, match="colo: a list is the same from everywhere; leave"):
        Workload(**PLAIN, schedules=[LISTS | {"colo": "LHR"}])
