"""A case made ready to run: its traffic, its parts, its prices, and what formulas see of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.formulas.setting import NEVER_S
from cachelib.model.judgement import taken
from cachelib.model.judgement.study import Study, UnknownMeterError
from cachelib.model.judgement.taken import NoTrafficError
from cachelib.model.traffic import sampling
from cachelib.model.traffic.generator import DAY_S, MONTH_S
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace
from tests.model.cases import known, of, requests, small

MINUTE = 60.0


def evenly(n: int, keys: int, span_s: float = DAY_S, **given: Any) -> Trace:
    """Requests at equal distances, of one key after the other."""
    return requests(np.linspace(0, span_s, n).tolist(), [i % keys for i in range(n)], **given)


def log_at(tmp_path: Path, rows: list[str], head: str = "time,key,method") -> Path:
    log = tmp_path / "log.csv"
    log.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return log


# -- traffic -------------------------------------------------------------------------------


def test_a_generated_month_is_a_month_of_the_case_s_rate() -> None:
    study = small()
    assert study.span_s == MONTH_S
    assert study.days == 30
    assert study.requests_per_month == len(study.trace) == pytest.approx(20_000, rel=0.03)
    assert study.sample.share == 1
    assert study.isolates == 2 * 2
    assert study.remarks == ()
    assert study.log_described is None


def test_a_log_s_rate_is_that_of_the_time_from_its_first_request_to_its_last() -> None:
    study = of(evenly(100, 5, DAY_S))
    assert study.span_s == DAY_S
    assert study.days == 1
    assert study.requests_per_month == pytest.approx(3_000)
    of_a_moment = of(requests([5.0, 5.0], [0, 1]))
    assert of_a_moment.span_s == 1.0


def test_reads_per_write_are_counted_and_there_are_none_where_nothing_is_written() -> None:
    study = of(requests([0, 1, 2, 3, 4], [0] * 5, op=[READ, WRITE, READ, READ, WRITE]))
    assert study.reads_per_write == 1.5
    assert study.setting.numbers["reads_per_write"] == 1.5
    silent = of(requests([0, 1], [0, 0]))
    assert silent.reads_per_write is None
    assert silent.setting.numbers["reads_per_write"] == NEVER_S


def test_traffic_of_which_nothing_reads_is_refused(tmp_path: Path) -> None:
    case = small().case
    few = case.workload.model_copy(update={"requests_per_month": 1e-6})  # a check refuses it
    nobody = Study(case.model_copy(update={"workload": few}))
    with pytest.raises(NoTrafficError, match="requests_per_month: 1e-06 made no request"):
        assert nobody.trace
    log = log_at(tmp_path, [f"{n * 9_000},k,{('PUT', 'DELETE')[n % 2]}" for n in range(100)])
    with pytest.raises(NoTrafficError, match="the log has no request that reads"):
        assert small(log=log).trace


def test_a_log_is_read_described_and_compared_with_what_the_case_says(tmp_path: Path) -> None:
    rows = [f"{n * 864},k{n % 7},GET" for n in range(1_000)]
    study = small(log=log_at(tmp_path, rows))
    assert len(study.trace) == 1_000
    assert study.requests_per_month == pytest.approx(3_000, rel=0.01)
    assert study.log_described is not None
    kinds = [remark.kind for remark in study.remarks]
    assert "unlike" in kinds
    assert "one-placed" in kinds


def test_requests_without_a_place_are_spread_over_places_only_where_there_are_some(
    tmp_path: Path,
) -> None:
    log = log_at(tmp_path, [f"{n * 864},k{n % 7},GET" for n in range(1_000)])
    told = {
        len(colos): next(
            remark.says
            for remark in small(log=log, workload={"colos": colos}).remarks
            if remark.kind == "one-placed"
        )
        for colos in ({"AMS": 1}, {"AMS": 2, "FRA": 1})
    }
    assert "are spread over those of the case at random, by its weights" in told[2]
    assert "spread" not in told[1]
    assert "are taken to come from the only one of the case, AMS." in told[1]


@pytest.mark.parametrize(
    ("stated", "told"), [(2_499, True), (2_501, False), (3_749, False), (3_751, True)]
)
def test_a_log_of_a_fifth_more_or_less_than_the_case_says_is_told_of(
    stated: float, told: bool
) -> None:
    study = of(evenly(100, 5), workload={"requests_per_month": stated})
    said = [remark.says for remark in study._unlike_the_case()]
    assert any("requests a month, the case's workload" in each for each in said) == told


def test_what_is_generated_is_compared_with_nothing() -> None:
    study = of(evenly(100, 5), log=False, workload={"requests_per_month": 900_000})
    assert list(study._unlike_the_case()) == []


# -- parts ---------------------------------------------------------------------------------


def test_a_month_too_long_for_a_run_is_a_shorter_time_of_all_its_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 10_000)
    study = small()
    assert (study.sample.keys, study.sample.time) == (1, 0.5)
    assert study.days == 15
    assert len(study.trace) == pytest.approx(10_000, rel=0.03)
    assert study.requests_per_month == pytest.approx(20_000, rel=0.03)
    assert study.setting_of_sample is study.setting


def test_a_log_too_long_is_its_first_part_and_counts_as_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of ten days the first seven, seven of ten requests."""
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 700)
    whole = evenly(1_000, 10, 10 * DAY_S)
    part = taken.logged(whole)
    assert part.sample.time == pytest.approx(0.7)
    assert len(part.trace) == pytest.approx(700, abs=1)
    assert part.weight == pytest.approx(1, rel=0.01)
    assert taken.logged(evenly(600, 10, 10 * DAY_S)).sample.share == 1


def test_a_part_of_a_study_has_its_rate_and_knows_how_popular_all_keys_are() -> None:
    study = of(evenly(1_000, 10, 20 * DAY_S))
    assert study.part(1_000) is study
    part = study.part(400)
    assert part.sample.time == pytest.approx(0.4)
    assert len(part.trace) == pytest.approx(400, abs=1)
    assert part.requests_per_month == pytest.approx(study.requests_per_month, rel=0.01)
    assert part._taken.popularity.tolist() == [100] * 10
    assert part.setting.keys.share.tolist() == pytest.approx([0.1] * 10)


def test_where_keys_stand_for_all_the_sample_s_setting_has_as_many_alike() -> None:
    trace = evenly(4_000, 4_000)
    study = of(trace)
    part = study._on(taken.part_of(study._taken, sampling.Sample(keys=0.25)))
    assert len(part.trace) == 1_000
    assert part.requests_per_month == pytest.approx(study.requests_per_month, rel=0.01)
    like = part.setting_of_sample
    assert (like.keys.share * like.keys.number).sum() == pytest.approx(1)
    assert like.keys.number.sum() == pytest.approx(4_000)
    assert like.numbers == part.setting.numbers


def test_keys_of_a_log_that_is_a_sample_by_key_stand_for_as_many_more() -> None:
    sampled = {"sample_rate": 0.1}
    for sampled_by, times in (("key", 10), ("request", 1)):  # requests are made whole on reading
        study = of(evenly(100, 5), reading=sampled | {"sampled_by": sampled_by})
        assert study.requests_per_month == pytest.approx(3_000 * times)
        assert study.days == 1
    made = of(evenly(100, 5), log=False, reading=sampled)
    assert made.span_s == MONTH_S


def test_another_seed_is_another_month_and_the_same_log() -> None:
    month, log = small(), of(evenly(100, 5))
    other = month.reseeded(2)
    assert other.seed == 2
    assert len(other.trace) != len(month.trace)
    assert log.reseeded(2).trace is log.trace
    assert log.reseeded(2).seed == 2


# -- other traffic -------------------------------------------------------------------------


def test_a_month_grows_as_the_case_says_and_is_another_for_each_number() -> None:
    study = small(growth={"keys": "in proportion"})
    grown = study.grown(60_000, 1_000_000)
    assert len(grown.trace) == pytest.approx(60_000, rel=0.03)
    assert len(np.unique(grown.trace.key)) == 60
    again, another = (study.grown(60_000, 1_000_000, nth).trace for nth in (0, 3))
    assert np.array_equal(again.time_s, grown.trace.time_s)
    assert len(another) != len(again)
    assert len(study.grown(60_000, 6_000).trace) < 20_000


def test_a_log_can_only_be_thinned() -> None:
    study = of(evenly(10_000, 10, 20 * DAY_S))
    less, more = (
        study.grown(study.requests_per_month * factor, 1_000_000) for factor in (0.3, 2.0)
    )
    assert len(less.trace) == pytest.approx(3_000, rel=0.1)
    assert less._taken.popularity.sum() == pytest.approx(3_000)
    assert len(more.trace) == 10_000
    assert more._taken.popularity.sum() == 10_000
    part = study.grown(study.requests_per_month * 0.3, 1_000)
    assert len(part.trace) < 1_600


def test_writes_of_a_thinned_log_stay_unless_they_go_with_the_reads() -> None:
    ops = [WRITE if n % 4 == 0 else READ for n in range(4_000)]
    for writes, left in (("fixed", 1_000), ("in proportion", 100)):
        study = of(evenly(4_000, 10, op=ops), growth={"writes": writes})
        thin = study.thinned(study.requests_per_month / 10)
        assert (thin.op == WRITE).sum() == pytest.approx(left, abs=0 if left == 1_000 else 40)
        assert (thin.op == READ).sum() == pytest.approx(300, abs=60)


def test_rates_to_sweep_go_no_higher_than_a_log() -> None:
    factors = [0.5, 1, 2]
    log, month = of(evenly(100, 5)), small()
    assert log.traffic(factors) == pytest.approx([1_500, 3_000])
    rate = month.requests_per_month
    assert month.traffic(factors) == [rate / 2, rate, 2 * rate]


# -- platform, prices, designs -------------------------------------------------------------


def test_the_case_s_own_prices_take_the_place_of_the_book_s_in_every_plan() -> None:
    book = small(prices={"kv.reads": 7}).book
    own = [meter for meter in book.meters if meter.meter == "kv.reads"]
    assert {(float(m.price or 0), m.source) for m in own} == {(7.0, "the case's own")}
    rest = [meter for meter in book.meters if meter.meter != "kv.reads"]
    shipped = [meter for meter in small().book.meters if meter.meter != "kv.reads"]
    assert rest == shipped
    assert "the case's own" not in {meter.source for meter in rest}


def test_a_price_of_what_the_book_does_not_meter_is_an_error() -> None:
    study = small()
    case = study.case.model_copy(update={"prices": {"kv.redas": 7}})
    with pytest.raises(UnknownMeterError, match=r"prices: .*did you mean 'kv.reads'"):
        assert Study(case).book
    with pytest.raises(UnknownMeterError) as caught:
        assert Study(case).book
    allowed = str(caught.value).partition("allowed: ")[2].split(", ")
    assert "kv.reads" in allowed
    assert len(set(allowed)) == len(allowed)


def test_the_repository_lies_beside_the_case_file() -> None:
    study = small()
    assert study.repository is None
    case = study.case.model_copy(
        update={"system": study.case.system.model_copy(update={"path": Path("code")})}
    )
    assert Study(case).repository == Path("code")
    assert Study(case, folder=Path("of/case")).repository == Path("of/case/code")


def test_names_are_the_case_s_and_those_needed_beside_each_once() -> None:
    study = small(designs=["kv-only", "l1-only"])
    assert study.names("l1-kv", "kv-only") == ["kv-only", "l1-only", "l1-kv"]


def test_a_design_or_its_name_is_replayed_and_estimated_alike() -> None:
    study = small()
    design = study.design("l1-kv")
    by_name, itself = study.replay("l1-kv"), study.replay(design)
    assert by_name.hit_ratio == itself.hit_ratio
    assert study.estimate("l1-kv").hit_ratio == study.estimate(study.case.design("l1-kv")).hit_ratio
    late, soon = (study.estimate("l1-kv", l1_ttl_s=s).hit_ratio[0] for s in (9_000, 1))
    assert late > soon


def test_numbers_of_the_platform_are_replayed_with_and_unknown_ones_refused() -> None:
    study = small()
    slow = study.replay("origin-only", origin_ms=9_000)
    assert slow.quantile_ms(0.5) > 5_000
    with pytest.raises(TypeError, match="no number of a platform is called 'orign_ms'; did you"):
        study.replay("origin-only", orign_ms=1)


def test_the_caches_of_a_log_are_filled_before_and_those_of_a_month_are_not() -> None:
    """A key that is asked for each minute is loaded in a month's first minute only."""
    trace = evenly(61, 1, 3_600)
    lives = {"l1_ttl_s": {"value": 9_000, "values": [9_000], "why": "w"}}
    rare = known("s", isolate_idle_s=80_000, isolate_life_s=9e6, value_life_s=9e8)
    given = {"knobs": lives, "designs": ["l1-only"], "assumptions": rare | known(
        "isolates", isolates_per_colo=1)}  # fmt: skip
    log, month = of(trace, **given), of(trace, log=False, **given)
    assert month.replay("l1-only").origin_loads == 1
    assert Study(month.case).seed == 1
    assert log.replay("l1-only").origin_loads == 0
    assert log.replay("l1-only", trace=trace).origin_loads == 1
    assert log.replay("l1-only").span_s == log.span_s
    assert log.replay("l1-only", trace=trace).span_s == pytest.approx(trace.span_s)


# -- what formulas see ---------------------------------------------------------------------


def test_two_requests_are_of_the_most_asked_key_in_the_busiest_places() -> None:
    trace = requests([0, 1, 2, 3, 4, 5], [0, 1, 1, 2, 1, 0], colo=[0, 1, 1, 2, 1, 2])
    study = of(trace)
    both = study.two_requests()
    assert both.time_s.tolist() == [0, 30]
    assert both.keys == ["k1"]
    assert both.key.tolist() == [0, 0]
    assert [both.colos[c] for c in both.colo] == ["SYD", "IAD"]
    assert both.op.tolist() == [READ, READ]
    assert both.size.tolist() == [0, 0]
    one = study.two_requests(colos=1)
    assert [one.colos[c] for c in one.colo] == ["SYD", "SYD"]
    unplaced = of(requests([0, 1], [0, 0], colos=[""]))
    assert unplaced.two_requests().colos == [unplaced.platform.unplaced]


def test_a_setting_is_the_traffic_by_key_and_by_place_and_its_numbers() -> None:
    trace = requests(
        [0, 1, 2, 3, 4, 5, 6, DAY_S], [0, 2, 2, 2, 0, 2, 1, 2], colo=[0, 2, 2, 2, 2, 2, 2, 3],
        size=[100, 300] * 4, op=[READ] * 6 + [WRITE, DELETE],
        colos=["FRA", "SYD", "IAD", "AMS"],
    )  # fmt: skip
    at = of(trace).setting
    assert at.keys.share.tolist() == [5 / 8, 2 / 8, 1 / 8]
    assert at.weights.tolist() == [1 / 8, 6 / 8, 1 / 8]  # nobody asks in the second
    assert at.numbers["value_bytes"] == 200
    assert at.numbers["reads_per_write"] == 7
    assert at.numbers["requests_per_month"] == pytest.approx(240)
    assert at.numbers["l1_ttl_s"] == 300
    assert at.numbers["hourly_rate_usd"] == 80
    assert at.numbers["isolates_per_colo"] == 2
    assert not at.hashed
    assert of(trace).routing == "random"
    assert Study(small().case, routing="hash").setting.hashed


def test_a_key_that_a_sample_left_out_is_none_of_the_setting_s() -> None:
    study = of(requests([0, 1], [0, 2]))
    assert study.setting.keys.share.tolist() == [0.5, 0.5]


def test_a_part_that_is_shorter_than_a_clock_s_round_says_so() -> None:
    def said(requests: float, every_s: float) -> list[str]:
        schedules = [{"op": "write", "every_s": every_s, "keys": "all"}]
        workload = {"requests_per_month": requests, "keys": 5, "schedules": schedules}
        told = small(workload=workload).remarks
        return [remark.says for remark in told if remark.kind == "clock"]

    (found,) = said(1e12, 86_400)
    assert found.startswith("What is simulated is 0.00144 h of so much traffic, less than the 24 h")
    assert not said(1e12, 5)
    assert not said(10_000, 86_400)
