"""The generator's parameters read off a log: each by hand, and all of a generated one again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cachelib.model.judgement import fit as fits
from cachelib.model.judgement.fit import CLOSE_S, Fit, fit, fit_log, zipf_exponent
from cachelib.model.traffic.generator import DAY_S, MONTH_S, generate, popularity
from cachelib.model.traffic.logs import LogError, Reading
from cachelib.model.traffic.trace import READ, WRITE
from cachelib.model.traffic.workload import Workload
from tests.model.cases import requests

PLAIN = Workload(requests_per_month=100_000, keys=50, zipf=0.7, value_bytes=800, colos={"FRA": 1})


@pytest.mark.parametrize("exponent", [0.0, 0.4, 0.9, 1.6])
def test_the_exponent_of_exact_shares_is_found(exponent: float) -> None:
    counts = np.round(1e9 * popularity(300, exponent)).astype(np.int64)
    found = zipf_exponent(counts)
    assert found == pytest.approx(exponent, abs=2e-3)
    assert found == round(found, 3)


def test_a_workload_of_a_small_log_is_counted() -> None:
    """Two days, four reads and two writes, of three keys; a fourth is not asked for."""
    trace = requests(
        [0, 9_000, 20_000, 90_000, 100_000, 2 * DAY_S], [0, 1, 0, 3, 0, 0], colo=[0, 1, 0, 0, 0, 1],
        op=[READ, READ, WRITE, READ, READ, WRITE], size=[10, 20, 30, 40, 50, 70],
    )  # fmt: skip
    found = fit(trace)
    made = found.workload
    assert made.requests_per_month == pytest.approx(6 * 15)
    assert made.reads_per_write == 2
    assert made.value_bytes == 35
    assert made.keys == 3
    assert made.colos == pytest.approx({"FRA": 4 / 6, "SYD": 2 / 6, "IAD": 0})
    assert made.burst_s == CLOSE_S == 10
    assert (found.requests, found.span_s) == (6, 2 * DAY_S)
    assert set(found.hit_ratios) == {10, 60, 300, 3_600}


def test_without_writes_or_of_writes_alone_there_is_no_rate_of_reads_to_writes() -> None:
    for op in (READ, WRITE):
        trace = requests([0, 50, 99], [0, 1, 0], op=[op] * 3)
        assert fit(trace).workload.reads_per_write is None


def test_places_without_a_name_are_where_the_case_puts_them() -> None:
    trace = requests([0, 10, 20, 400], [0, 1, 2, 0], colo=[0, 1, 1, 0], colos=["", "SYD"])
    assert fit(trace, unplaced="FRA").workload.colos == {"FRA": 0.5, "SYD": 0.5}
    twice = requests([0, 10, 20, 400], [0, 1, 2, 0], colo=[0, 1, 1, 0], colos=["", "FRA"])
    assert fit(twice, unplaced="FRA").workload.colos == {"FRA": 1.0}


def test_keys_that_come_new_are_beside_those_there_at_first() -> None:
    """Four keys all along for four days; five new ones a day, each asked for in a fifth of it."""
    old = [(n * 2_160.0, n % 4) for n in range(161)]
    new = [(n * 432.0 + 7, 4 + n // 40) for n in range(800)]
    rows = sorted([*old, *new])
    trace = requests([t for t, _ in rows], [k for _, k in rows])
    assert fits._new_keys(trace) == pytest.approx(5, abs=0.3)
    assert fit(trace).workload.keys == 4


def test_of_less_than_a_day_new_keys_and_days_and_nights_are_not_told() -> None:
    short = requests([0, 100, DAY_S - 1], [0, 1, 2])
    assert fits._new_keys(short) == 0
    assert fits._new_keys(requests([0, 100, DAY_S], [0, 0, 1])) == 1.1
    hours = requests([0, 1_000, 0.89 * DAY_S], [0, 0, 0])
    assert fits._daily(hours, "IAD") == (0, 14, {})
    assert fits._daily(requests([0, 1_000, 0.91 * DAY_S], [0, 0, 0]), "IAD")[0] > 0


def test_keys_that_chance_would_show_late_are_not_new() -> None:
    """Of three keys asked twice, a quarter each would be seen in the second half only."""
    trace = requests([0, 1_000, 2_000, DAY_S - 2_000, DAY_S - 1_000, DAY_S], [0, 0, 1, 1, 2, 2])
    assert fits._new_keys(trace) == pytest.approx((1 - 3 / 4) / 0.5)


def test_a_key_first_seen_after_the_middle_of_the_time_is_late() -> None:
    """One of two, of four requests; another number of a key stands for none."""
    trace = requests([0, 10_000, 44_000, DAY_S], [0, 0, 2, 0])
    assert fits._new_keys(trace) == pytest.approx((1 - 0.5 - 0.5**3) / 0.5, abs=0.051)


def test_a_day_s_peak_is_local_and_its_swing_is_how_far_the_rate_goes() -> None:
    """Of a rate of 1 + 0.6 cos around 15 h in the place of longitude 0."""
    hours = np.linspace(0, 24, 20_001)[:-1] + 24 / 40_000
    rate = 1 + 0.6 * np.cos((hours - 15) / 24 * 2 * np.pi)
    many = np.repeat(hours, np.round(rate * 50).astype(int)) * 3_600
    trace = requests(many.tolist(), [0] * len(many), colos=["LHR"])
    swing, peak, own = fits._daily(trace, "IAD")
    assert own == {}
    assert swing == pytest.approx(0.6, abs=0.01)
    assert peak == pytest.approx(15, abs=0.05)  # Heathrow lies half a degree west
    there = requests(many.tolist(), [0] * len(many), colos=["SYD"])
    assert fits._daily(there, "IAD")[1] == pytest.approx((15 + 151.18 / 15) % 24, abs=0.05)
    unplaced = requests(many.tolist(), [0] * len(many), colos=[""])
    assert fits._daily(unplaced, "SYD") == fits._daily(there, "IAD")


def test_a_place_that_is_awake_at_other_hours_keeps_its_own() -> None:
    """Two places busy in the evening, one in the morning; taken together they are less lively."""
    workload = PLAIN.model_copy(
        update={
            "colos": {"FRA": 3, "SYD": 2, "GRU": 1}, "daily_swing": 0.6,
            "peak_hour": 20.0, "peak_hours": {"SYD": 9.0},
        }
    )  # fmt: skip
    found = fit(generate(workload, seed=5)).workload
    assert found.daily_swing == pytest.approx(0.6, abs=0.02)
    assert found.peak_hour == pytest.approx(20, abs=0.2)
    assert found.peak_hours == {"SYD": pytest.approx(9, abs=0.2)}
    again = fit(generate(found, seed=6)).workload
    assert again.peak_hours == {"SYD": pytest.approx(9, abs=0.3)}


def test_two_places_at_opposite_hours_do_not_cancel_out() -> None:
    workload = PLAIN.model_copy(
        update={
            "colos": {"FRA": 1, "SYD": 1}, "daily_swing": 0.5,
            "peak_hour": 20.0, "peak_hours": {"SYD": 8.0},
        }
    )  # fmt: skip
    found = fit(generate(workload, seed=5)).workload
    assert found.daily_swing == pytest.approx(0.5, abs=0.02)
    hours = {"FRA": found.peak_hour, "SYD": found.peak_hour} | found.peak_hours
    assert hours == {"FRA": pytest.approx(20, abs=0.2), "SYD": pytest.approx(8, abs=0.2)}


@pytest.mark.parametrize("swing", [0.0, 0.5])
def test_chance_gives_no_place_an_hour_of_its_own(swing: float) -> None:
    colos = ["FRA", "SYD", "GRU", "NRT", "LHR", "IAD", "SEA", "JNB"]
    workload = PLAIN.model_copy(
        update={
            "colos": {name: 2.0**-n for n, name in enumerate(colos)}, "daily_swing": swing,
            "burst_share": 0.2, "requests_per_month": 30_000,
        }
    )  # fmt: skip
    for seed in range(10):
        assert fits._daily(generate(workload, seed=seed), "IAD").peak_hours == {}


def test_all_at_one_hour_is_a_swing_that_a_workload_can_have() -> None:
    nightly = requests([0.0, DAY_S, 2 * DAY_S], [0, 0, 0], colos=["LHR"])
    assert fits._daily(nightly, "IAD")[0] == 0.99


def test_bursts_by_hand() -> None:
    """Nine requests of a key in a day: runs of three and of two, and four alone."""
    times = [0, 5, 15, 20_000, 30_000, 30_010, 50_000, 60_000, 86_400]
    share, size = fits._bursts(requests(times, [0] * 9))
    by_chance = 1 - math.exp(-9 / 86_400 * 10)
    assert share == pytest.approx((3 / 9 - by_chance) / (1 - by_chance), abs=5e-4)
    assert size == pytest.approx(1.1 + 3 / 2, abs=0.006)


def test_requests_of_unlike_keys_are_no_burst_and_chance_is_none() -> None:
    apart = requests([0, 1, 2, 86_400], [0, 1, 2, 0])
    assert fits._bursts(apart) == (0, 1.1)
    steady = requests([float(n) for n in range(1_000)], [0] * 1_000)
    assert fits._bursts(steady) == (0, 1_000.1)  # all within ten seconds, as chance would have it
    moment = requests([0.0, 0.0, 0.0, 0.1], [0] * 4)
    assert fits._bursts(moment)[0] == 0


def test_popularity_is_off_by_the_widest_gap_of_cumulated_shares() -> None:
    even = Workload(requests_per_month=10, keys=4, zipf=0, value_bytes=1, colos={"FRA": 1})
    assert fits._popularity_off(np.array([5, 3, 1, 1]), even) == pytest.approx(0.8 - 0.5)
    assert fits._popularity_off(np.array([2, 2, 2, 2]), even) == pytest.approx(0)
    assert fits._popularity_off(np.array([6, 4]), even) == pytest.approx(0.5)


def test_hit_ratios_are_of_one_cache_in_one_place() -> None:
    trace = requests([0, 5, 40, 200], [0] * 4, colo=[0, 1, 2, 0])
    assert [fits._hit_ratio(trace, ttl) for ttl in (10, 60, 300)] == [0.25, 0.5, 0.75]


def test_the_worst_of_the_hit_ratios_is_told_and_all_for_machines() -> None:
    found = Fit(PLAIN, 9, 50.0, 0.1, {10: (0.2, 0.25), 60: (0.5, 0.4)})
    assert found.hit_ratio_off == pytest.approx(0.1)
    told = found.as_dict()
    assert told["hit_ratios"] == {
        "10": {"log": 0.2, "made": 0.25}, "60": {"log": 0.5, "made": 0.4},
    }  # fmt: skip
    assert told["hit_ratio_off"] == found.hit_ratio_off
    assert (told["requests"], told["span_s"], told["popularity_off"]) == (9, 50.0, 0.1)
    assert told["workload"] == PLAIN.model_dump(exclude_defaults=True)


def test_a_fit_that_misses_says_how_far_it_is_off_and_what_to_do() -> None:
    found = Fit(PLAIN, 900, 50.0, 0.1, {10: (0.2, 0.24), 3_600: (0.9, 0.5)})
    (said,) = found.misses
    assert "where values live 3,600 s, one cache has 90% hits with the log and 50%" in said
    assert "replay the log itself" in said
    assert Fit(PLAIN, 900, 50.0, 0.1, {10: (0.2, 0.24)}).misses == []
    assert Fit(PLAIN, 9, 50.0, 0.1, {10: (0.2, 0.4)}).misses == []  # of so few, by chance


def test_a_workload_s_own_traffic_gives_its_parameters_again() -> None:
    found = fit(generate(PLAIN, seed=5), seed=6)
    assert found.workload.zipf == pytest.approx(0.7, abs=0.02)
    assert found.workload.requests_per_month == pytest.approx(100_000, rel=0.02)
    assert found.workload.keys == 50
    assert found.workload.burst_share < 0.01
    assert found.workload.daily_swing < 0.02
    assert found.popularity_off < 0.01
    assert found.hit_ratio_off < 0.01
    assert found.misses == []


def test_the_traffic_compared_with_is_the_first_seed_s_unless_another_is_asked_for() -> None:
    log = generate(PLAIN.model_copy(update={"requests_per_month": 3_000}), seed=5)
    assert fit(log) == fit(log, seed=1) != fit(log, seed=2)


def test_what_a_workload_cannot_be_is_no_fit() -> None:
    with pytest.raises(LogError, match="one moment"):
        fit(requests([3.0, 3.0], [0, 1]))
    huge = fit(requests([0.0, 1e-4, 2e-3], [0, 0, 0], size=[2**30] * 3)).workload
    assert huge.value_bytes == 25 * 2**20
    assert huge.requests_per_month == 1e9


# -- a log's file --------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    rows = [f"{n * 60},/k{n * n % 23}" for n in range(3_000)]
    path.write_text("\n".join(["time,key", *rows, "what,is this"]) + "\n", "utf-8")
    return path


def test_the_fit_to_a_log_says_what_was_noticed(log: Path) -> None:
    found = fit_log(log)
    assert found["requests"] == 3_000
    assert found["skipped_lines"] == 1
    assert found["workload"]["keys"] == 12
    assert found["workload"]["requests_per_month"] == pytest.approx(3_000 * MONTH_S / 179_940)
    assert any("data centre" in said for said in found["remarks"])
    assert any("does not make this traffic" in said for said in found["remarks"])


def test_a_sample_by_key_stands_for_as_many_more_keys_and_requests(log: Path) -> None:
    whole = fit_log(log)["workload"]
    found = fit_log(log, reading=Reading(sample_rate=0.1, sampled_by="key"))
    assert found["requests"] == 3_000
    assert found["workload"]["keys"] == 10 * whole["keys"]
    assert found["workload"]["requests_per_month"] == pytest.approx(
        10 * whole["requests_per_month"]
    )
    most = fit_log(log, reading=Reading(sample_rate=1e-6, sampled_by="key"))["workload"]
    assert (most["requests_per_month"], most["keys"]) == (1e9, 10_000_000)


def test_a_sample_by_request_is_made_whole_before(log: Path) -> None:
    found = fit_log(log, reading=Reading(sample_rate=0.5))
    assert found["requests"] == pytest.approx(6_000, rel=0.1)
    assert found["workload"]["keys"] == pytest.approx(12, abs=1)
    again, other = (fit_log(log, reading=Reading(sample_rate=0.5), seed=s) for s in (1, 2))
    assert found == again != other


def days(folder: Path, of_place: str) -> Path:
    """Three days of requests around 13:00 UTC, of which some name the place that is given."""
    rows = [
        f'{{"time": {DAY_S * day + 12 * 3_600 + 3_600 * n / 50}, "key": "{n % 7}"{named}}}\n'
        for day in range(3)
        for n in range(101)
        for named in [f', "colo": "{of_place}"' if of_place and n % 2 else ""]
    ]
    (folder / "days.jsonl").write_text("".join(rows))
    return folder / "days.jsonl"


def test_a_log_that_names_no_place_is_given_none_and_tells_its_peak_by_utc(tmp_path: Path) -> None:
    found = fit_log(days(tmp_path, ""))
    assert found["workload"]["daily_swing"] > 0.9
    assert not {"colos", "peak_hour", "peak_hours"} & set(found["workload"])
    (said,) = (remark for remark in found["remarks"] if "`colos` is left out" in remark)
    assert "Its peak is at 13:00 UTC" in said


def test_requests_without_a_place_are_where_the_others_are(tmp_path: Path) -> None:
    found = fit_log(days(tmp_path, "SIN"))
    assert found["workload"]["colos"] == {"SIN": 1}
    assert found["workload"]["peak_hour"] == pytest.approx(13 + 104 / 15, abs=0.1)
    assert not any("`colos` is left out" in remark for remark in found["remarks"])
