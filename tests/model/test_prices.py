"""Bills: the vendor's own example, included amounts, minimum, rounding, and usage from a replay."""

from decimal import Decimal

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.money.prices import OBJECT_GB, Meter, bill, monthly_bill, price_book, used_of
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.tiers.design import Design
from tests.model.model import STEADY, run, trace

MONTH = 2_592_000.0


def used(result):
    return used_of(result, price_book())


def test_the_vendors_worked_example():
    """100 M requests of 7 ms: $5 + $27.00 + $13.40 (workers/platform/pricing)."""
    month = bill({"workers.requests": Decimal(10**8), "workers.cpu_ms": Decimal(7 * 10**8)})
    assert [line.charged for line in month.lines] == [Decimal("27.00"), Decimal("13.40")]
    assert month.charged == Decimal("45.40")
    assert month.metered == Decimal("44.00")


def test_what_is_included_costs_nothing_but_the_minimum():
    month = bill({"kv.reads": Decimal(100_000), "kv.writes": Decimal(5_000)})
    assert month.charged == Decimal(5)
    assert month.metered == Decimal("0.05") + Decimal("0.025")


@pytest.mark.parametrize(
    ("operations", "cost"), [(1_000_000, "0"), (1_000_001, "4.50"), (2_000_001, "9.00")]
)
def test_r2_rounds_up_to_the_next_million(operations, cost):
    (line,) = bill({"r2.class_a": Decimal(operations)}).lines
    assert line.charged == Decimal(cost)


@pytest.mark.parametrize(
    ("requests", "active_s", "total"),
    [
        (1_500_000, 1_000_000, "5.15"),
        (3_750_000, 86_400_000, "142.95"),
        (12_960_100, 259_200_000, "419.30"),
        (21_610_000, 4_320_000, "20.65"),
    ],
)
def test_the_vendors_four_examples_of_durable_objects(requests, active_s, total):
    """Whole millions of requests and of GB-s (durable-objects/platform/pricing.mdx@04a87f48)."""
    used = {"do.requests": Decimal(requests), "do.duration": Decimal(active_s) * OBJECT_GB}
    assert bill(used).charged == Decimal(total)


def test_the_list_price_is_not_rounded():
    """What is rounded is a bill: a thousandth of a unit has a thousandth of its price."""
    used = {"do.duration": Decimal(1_000), "r2.class_a": Decimal(1_000)}
    assert bill(used).metered == Decimal("0.0125") + Decimal("0.0045")


def test_cents_do_not_drift():
    meter = Meter(meter="m", unit=1, of="x", price="0.1", plan="paid", source="s")
    assert sum(meter.cost(Decimal(1)) for _ in range(3)) == Decimal("0.3")


def test_a_free_plan_says_what_share_of_a_day_fails():
    """The vendor allows 100,000 reads and 1,000 writes of KV a day."""
    month = bill({"kv.writes": Decimal(120_000), "kv.reads": Decimal(3_000_000)}, plan="free")
    told = month.as_dict()["fails_a_day"]
    assert told == {"kv.writes": {"allowed": 1_000, "asked": 4_000, "share": 0.75}}
    assert bill({"kv.writes": Decimal(120_000)}).as_dict()["fails_a_day"] == {}


def test_a_free_plan_fails_beyond_its_allowance():
    month = bill({"kv.writes": Decimal(30_001), "kv.reads": Decimal(5)}, plan="free")
    assert month.fails == ("kv.writes",)
    assert month.charged == 0


def test_usage_counts_missing_reads_and_objects_at_128_mb():
    kv = used(run("kv-only", "0 r k", "1 r k", span_s=MONTH))
    assert kv["kv.reads"] == 2
    objects = used(run("durable-object", "0 r k", "1 r k", span_s=MONTH, do_active_ms=5))
    assert objects["do.requests"] == 2
    assert objects["do.duration"] == Decimal("0.06528")  # twice 5 ms, and 500 for the origin


@pytest.mark.parametrize(
    ("said", "asked", "requests", "active_ms"),
    [
        ({}, "0 r k", 1, 5 + 500),
        ({"object_loads": False}, "0 r k", 2, 2 * 5),
        ({}, "0 w k", 1, 5),
        ({"tiers": ("memory", "durable-object")}, "0 r k", 1, 5 + 500),
        ({"object_storage": False}, "0 r k", 1, 5 + 500),
        ({"policy": "refresh", "l2_ttl_s": 60}, "0 r k, 100 r k", 3, 3 * 5 + 500),
    ],
)
def test_an_object_is_billed_while_it_waits_for_the_origin(said, asked, requests, active_ms):
    """500 ms that it waits for a load of its own, at 128 MB; not those of a Worker's."""
    ran = run("durable-object", *asked.split(", "), design=said, span_s=MONTH, do_active_ms=5)
    assert used(ran)["do.requests"] == requests
    assert used(ran)["do.duration"] == Decimal(active_ms) / 1_000 * Decimal("0.128")


def test_the_wait_is_as_long_as_the_way_to_the_origin_and_varies_as_it_does():
    placed = {"origin_at": ("FRA",), "rtt_base_ms": 7, "origin_trips": 2, "worker_at": ("FRA",)}
    ran = run("durable-object", "0 r k", span_s=MONTH, do_active_ms=0, **placed)
    assert used(ran)["do.duration"] == Decimal("0.514") * Decimal("0.128")
    spread = run("durable-object", "0 r k", span_s=MONTH, do_active_ms=0, jitter=0.5)
    longer = np.exp(0.5**2 / 2)
    assert float(used(spread)["do.duration"]) == pytest.approx(0.5 * 0.128 * longer, rel=1e-3)


def test_storage_is_billed_where_the_design_stores():
    kv = run("kv-only", "0 w k", span_s=MONTH, size=1_000_000_000)
    assert used(kv)["kv.stored"] == pytest.approx(Decimal(1))
    assert "r2.stored" in used(run("l1-r2", "0 w k", span_s=MONTH))
    assert "kv.stored" not in used(run("l1-only", "0 w k", span_s=MONTH))


def test_calls_of_the_origin_are_on_the_bill():
    month = monthly_bill(run("origin-only", "0 r k", span_s=MONTH, origin_neurons=1_000_000))
    neurons = next(line for line in month.lines if line.meter == "workers_ai.neurons")
    assert neurons.metered == Decimal(11)


def test_every_meter_has_a_price_or_is_of_a_plan_where_calls_fail():
    book = price_book()
    assert all(meter.source for meter in book.meters)
    assert {meter.plan for meter in book.meters if meter.price is None} == {"free"}
    assert set(book.of_plan("free")) < set(book.of_plan("paid"))


def test_an_unknown_plan_is_an_error():
    with pytest.raises(ValueError, match="plan: 'pro' is unknown; there are paid, free"):
        bill({}, plan="pro")


def test_a_book_that_contradicts_itself_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "book.yaml"
    path.write_text(
        "name: x\ndate: 2026-01-01\nplans: {paid: {minimum: -1, source: s}}\nmeters: []\n"
    )
    with pytest.raises(InvalidFileError, match=r"plans\.paid\.minimum"):
        price_book(path)


def test_an_unknown_meter_is_an_error():
    with pytest.raises(KeyError, match=r"no meter 'kv\.read'"):
        bill({"kv.read": Decimal(1)})


def test_an_object_that_stores_nothing_is_billed_its_requests_alone():
    asked = [f"{second} r k@LHR" for second in range(5)]
    stored = used(run("durable-object", *asked, span_s=MONTH, design={"l2_ttl_s": 600.0}))
    held = used(run("durable-object-memory", *asked, span_s=MONTH, design={"l2_ttl_s": 600.0}))
    assert stored.keys() - held.keys() == {"do.rows_read", "do.rows_written", "do.stored"}
    assert held["do.requests"] == stored["do.requests"]


def test_a_model_s_allowance_is_of_each_day():
    """10,000 neurons a day are included: of 15,000 and 5,000 a day 5,000 are billed."""
    used = {"workers_ai.neurons": Decimal(300_000)}
    assert bill(used).charged == 5
    uneven = bill(used, by_day=(3, 1)).lines[0]
    assert uneven.billable == 75_000
    assert uneven.charged == Decimal("0.825")
    assert bill({"kv.reads": Decimal(9_000_000)}, by_day=(3, 1)).charged == 5  # that is a month's


def test_where_every_day_is_beyond_days_change_nothing():
    used = {"workers_ai.neurons": Decimal("912345.678")}
    assert bill(used, by_day=(41, 37, 45)).charged == bill(used).charged


def test_on_a_free_plan_the_days_that_are_beyond_fail():
    (line,) = bill({"workers_ai.neurons": Decimal(300_000)}, plan="free", by_day=(3, 1)).lines
    assert line.fails == 75_000
    assert line.a_day == {"allowed": 10_000, "asked": 10_000, "share": 0.25}


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize(
    ("tiers", "compares", "reads", "writes"),
    [
        (("kv",), True, 2, 1),  # the second read has at hand what it would write
        (("kv",), False, 2, 2),
        (("memory", "kv"), True, 1, 1),  # memory had it at hand: there is no read to bill
        (("memory", "kv"), False, 1, 2),
    ],
)
def test_a_comparison_before_a_write_is_billed_the_read_that_it_takes(
    engine, tiers, compares, reads, writes
):
    """A value is asked for, and again when it is due and has not changed at the origin."""
    design = Design(name="x", tiers=tiers, policy="refresh", l1_ttl_s=1e4, l2_ttl_s=60,
                    write_only_if_changed=compares)  # fmt: skip
    platform = Platform(**STEADY)
    result = replay(trace("0 r k", "100 r k"), design, platform, engine=engine, span_s=MONTH)
    assert (used(result)["kv.reads"], used(result)["kv.writes"]) == (reads, writes)
