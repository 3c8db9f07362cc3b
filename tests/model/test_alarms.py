"""Durable Objects whose alarms delete what has ended: what is stored, billed and told of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cachelib.live.replay import _refuse_missing, can_run
from cachelib.live.runtime import LiveError
from cachelib.model.case.choices import turns
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S
from cachelib.report.experiments.parameters import settle
from tests.model.model import STEADY, trace

ALARM = BUILT_IN["durable-object-alarm"].model_copy(update={"l2_ttl_s": 100.0})
WITHOUT = BUILT_IN["durable-object"].model_copy(update={"l2_ttl_s": 100.0})


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_bill_has_each_alarm_as_a_request_and_two_rows(engine: Any) -> None:
    """Of a write, and of a load 200 s later: each value lives for 100 s, in objects of a key."""
    asked = trace("0 w k", "200 r k")

    def used(design: Design) -> dict[str, float]:
        result = replay(asked, design, Platform(**STEADY), engine=engine, span_s=MONTH_S)
        return {line.meter: float(line.usage) for line in monthly_bill(result).lines}

    alarm, without = used(ALARM), used(WITHOUT)
    assert (without["do.requests"], without["do.rows_written"]) == (2, 2)
    assert (alarm["do.requests"], alarm["do.rows_written"]) == (2 + 2, 2 + 2 + 2)
    active_ms, load_ms = 5, 500
    more = (4 * active_ms + load_ms) / (2 * active_ms + load_ms)
    assert alarm["do.duration"] == pytest.approx(without["do.duration"] * more)
    assert alarm["do.stored"] == pytest.approx(2 * 1_000 * 100 / 1e9 / MONTH_S)
    assert without["do.stored"] == pytest.approx(1_000 / 1e9)
    assert (alarm["do.rows_read"], without["do.rows_read"]) == (1, 1)


def test_a_value_that_never_ends_has_no_alarm() -> None:
    for_ever = ALARM.model_copy(update={"l2_ttl_s": None})
    result = replay(trace("0 w k", "9 r k"), for_ever, Platform(**STEADY))
    assert (result.counts["do_rows_written"], result.counts["do_alarms"]) == (1, 0)


def at(**numbers: Any) -> Study:
    return settle({"requests_per_month": 200_000, "seed": 3, **numbers}).study


def test_storage_does_not_grow_with_keys_that_nobody_asks_for_any_more() -> None:
    here = at(**{"workload.keys": 20_000, "workload.value_bytes": 50_000})
    alarm, without = (each.model_copy(update={"l2_ttl_s": 3_600.0}) for each in (ALARM, WITHOUT))
    result, month = here.replay(alarm), here.estimate(alarm)
    counted, grown = (each.per_month() for each in (result, here.replay(without)))
    assert counted["stored_gb_months"] < 0.2 * grown["stored_gb_months"]
    assert month.stored_gb[0] == pytest.approx(counted["stored_gb_months"], rel=0.03)
    assert counted["do_alarms"] > 50_000
    assert month.counts["do_alarms"][0] == pytest.approx(counted["do_alarms"], rel=0.03)
    bill = float(monthly_bill(result, here.book).metered)
    found = monthly_usd(alarm, month, here.setting, included=False, book=here.book)
    assert found[0] == pytest.approx(bill, rel=0.03)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"tiers": ("kv",)}, "object_alarm: it is Durable Objects that delete by an alarm"),
        ({"tiers": ("cache-api", "durable-object")}, "modelled with the policy 'hard', and with"),
        ({"tiers": ("workers-cache", "durable-object")}, "modelled with the policy 'hard', and"),
        ({"policy": "refresh"}, "object_alarm: objects that delete by an alarm are modelled with"),
        ({"objects": 3}, "object_alarm: an object has one alarm, which is not modelled where"),
        ({"object_storage": False}, "object_alarm: what objects keep in memory alone"),
    ],
)
def test_what_cannot_be(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Design(**{"name": "x", "tiers": ("durable-object",), "object_alarm": True} | said)


def test_what_is_told() -> None:
    assert ALARM.words == "Durable Objects alone, deleted by alarms"
    assert Option(ALARM, {}).simplicity > Option(WITHOUT, {}).simplicity
    assert turns("objects", WITHOUT)
    assert not turns("objects", ALARM)
    assert can_run(WITHOUT)
    assert not can_run(ALARM)
    with pytest.raises(LiveError, match="object_alarm: alarms come by the clock"):
        _refuse_missing(ALARM)
