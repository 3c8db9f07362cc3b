"""The choice, how sure it is, where it flips, and where claims hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cachelib.model.case.case import Criteria, Limit
from cachelib.model.case.claims import Claim
from cachelib.model.judgement import bills, confidence, regions, sensitivity
from cachelib.model.judgement.decision import choose, gain, predict
from cachelib.model.judgement.policies import designs as policies
from cachelib.model.judgement.study import Study
from cachelib.report.experiments.parameters import settle

MEASURED = {
    "a": {"p95_ms": 100.0, "bill_usd": 5.0},
    "b": {"p95_ms": 300.0, "bill_usd": 1.0},
    "c": {"p95_ms": 50.0, "bill_usd": 10.0},
}
FAST = Limit(metric="p95_ms", at_most=200, why="people wait")


@cache
def case() -> Study:
    return settle({}).study


def test_a_design_that_breaks_a_limit_is_out_however_cheap() -> None:
    choice = choose(MEASURED, Criteria(limits=(FAST,), minimise="bill_usd"))
    assert [v.design for v in choice.ranked] == ["a", "c"]
    assert [(v.design, v.broken) for v in choice.out] == [("b", ("p95_ms",))]
    assert gain(choice, Criteria(minimise="bill_usd")) == 0.5


def test_without_limits_the_least_wins_and_with_impossible_ones_nobody() -> None:
    assert choose(MEASURED, Criteria(minimise="bill_usd")).winner == "b"
    never = Limit(metric="p95_ms", at_most=1, why="impossible")
    choice = choose(MEASURED, Criteria(limits=(never,), minimise="bill_usd"))
    assert choice.winner is None
    assert gain(choice, Criteria(minimise="bill_usd")) is None


def test_draws_stay_in_their_ranges_and_centre_on_the_value() -> None:
    drawn = sensitivity.draw(case(), 2_000, seed=1)
    for name, number in sensitivity.ranges(case()).items():
        values = drawn[name]
        assert number.low <= values.min() < values.max() <= number.high, name
        assert number.low < np.median(values) < number.high


def test_draws_are_the_same_for_the_same_seed_only() -> None:
    first, again, other = (sensitivity.draw(case(), 50, seed)["origin_ms"] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_shares_of_wins_add_up_to_one() -> None:
    shares = sensitivity.outcomes(case(), sensitivity.draw(case(), 300, 1)).shares
    assert sum(shares.values()) == pytest.approx(1)


def test_designs_that_differ_by_rounding_only_are_equal_and_the_first_of_them_wins() -> None:
    one = np.array([[1.0, 2.0, 3.0], [1.0 - 1e-15, 2.0 + 1e-15, 2.0]])
    outcome = sensitivity.Outcome(("a", "b"), one, one)
    assert outcome.winner.tolist() == [0, 0, 1]
    assert outcome.lead("a", "b").tolist() == [0, 0, 1]
    assert sensitivity.influence({"x": np.arange(2.0)}, np.zeros(2), seed=1) == {}


def test_formulas_lie_near_the_means_over_seeds() -> None:
    found = confidence.beside_formula(case(), range(3))
    assert list(found.index) == list(case().case.design_names)
    assert found["by formula"].to_numpy() == pytest.approx(found["hit ratio"], abs=0.01)
    assert found["bill by formula"].to_numpy() == pytest.approx(found["bill"], rel=0.02)
    assert (found["± bill"] > 0).all()


def test_another_seed_is_other_traffic_but_not_another_log(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,key\n0,a\n9,b\n")
    logged = settle({"trace": str(log)}).study
    assert logged.reseeded(2).trace is logged.trace
    same = confidence.beside_formula(logged, range(5))["± ratio"]
    assert not same.any()  # not even by rounding
    assert case().reseeded(2).trace.time_s[0] != case().trace.time_s[0]


def test_on_either_side_of_a_flip_another_design_wins() -> None:
    found = sensitivity.flips(case(), "requests_per_month", 1e3, 1e12)
    assert found
    for flip in found:
        beside = np.array([flip.value * 0.999, flip.value * 1.001])
        outcome = sensitivity.outcomes(case(), {"requests_per_month": beside})
        labels = (*outcome.designs, "none")
        assert [labels[winner] for winner in outcome.winner] == [flip.before, flip.after]


def test_the_tornado_s_ends_are_the_lead_at_low_and_high() -> None:
    (widest, *_) = sensitivity.tornado(case(), "l1-kv", "durable-object")
    number = sensitivity.ranges(case())[widest.name]
    costs = [
        [predict(case(), name, **{widest.name: end})["monthly_cost_usd"][0]
         for name in ("l1-kv", "durable-object")]
        for end in (number.low, number.high)
    ]  # fmt: skip
    assert [a - b for a, b in costs] == pytest.approx([widest.low, widest.high])


def claim(low: float | None, high: float | None, of: str, over: str) -> Claim:
    region = {"over": over, "of": of, "low": 1e3, "high": 1e12}
    return Claim.model_validate(
        {"id": "c", "quote": "q", "section": "s", "metric": "a.b", "low": low, "high": high,
         "region": region}
    )  # fmt: skip


def test_a_region_holds_inside_and_not_outside() -> None:
    asserted = claim(0.1, 0.2, "l1-only.hit_ratio", "requests_per_month")
    words = regions.holds_when(case(), asserted)
    assert words is not None
    low, high = (float(n.replace(",", "")) for n in words.split() if n[0].isdigit())
    values = np.array([low * 0.9, low * 1.1, high * 0.9, high * 1.1])
    hits = regions.metric(case(), "l1-only.hit_ratio", "requests_per_month", values)
    assert [asserted.holds_for(hit) for hit in hits] == [False, True, True, False]


def test_what_holds_everywhere_or_nowhere_has_no_region() -> None:
    for low, high in ((0.0, 1.0), (1.5, 2.0)):
        asserted = claim(low, high, "l1-kv.hit_ratio", "requests_per_month")
        assert regions.holds_when(case(), asserted) is None


def test_an_unknown_metric_of_a_region_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="unknown metric 'speed'; allowed: "):
        regions.metric(case(), "l1-kv.speed", "requests_per_month", np.ones(2))


def test_where_bills_cross_they_are_equal() -> None:
    table = bills.crossings(case(), "l1-kv", ["l1-only", "durable-object"])
    assert len(table) >= 2
    for other, row in table.iterrows():
        traffic = np.array([row["requests a month"]])
        first, second = (bills.bill(case(), name, traffic)[0] for name in ("l1-kv", str(other)))
        assert first == pytest.approx(second, rel=0.01, abs=0.02)


def test_the_old_table_s_lines_add_up() -> None:
    sums = bills.quoted(storage_gb=1, reads=100_000, writes=5_000, request_ms=20)
    assert float(sums["kv_total"]) == pytest.approx(0.575)
    for store in ("kv", "do"):
        parts = [n for name, n in sums.items() if name.startswith(store) and "total" not in name]
        assert sum(parts) == sums[f"{store}_total"]


def test_every_policy_is_a_design_with_the_case_s_ttl() -> None:
    ways = policies(case())
    assert ways["never expire"].policy == "refresh"
    ttls = {name: way.l2_ttl_s for name, way in ways.items()}
    assert ttls.pop("soft TTL, then hard") == 7_200
    assert set(ttls.values()) == {3_600}
