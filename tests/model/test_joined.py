"""Keys that lie together in one value: counted by hand, by engines, by formulas, by the bill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cachelib.model.engines.replay import replay, replay_pieces
from cachelib.model.engines.result import Result
from cachelib.model.engines.shards.sample import SampleError
from cachelib.model.formulas import Keys, Setting, grouped
from cachelib.model.formulas.joining import each, joined
from cachelib.model.judgement.knobs import tune
from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.judgement.metrics import Month, measure, predict
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.steady import warmed
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import TIERS
from cachelib.model.traffic import joining
from cachelib.model.traffic.generator import popularity
from cachelib.model.traffic.joining import JoinedError
from cachelib.model.traffic.trace import Trace
from cachelib.report.experiments.parameters import settle
from tests.conftest import examples
from tests.model.cases import small
from tests.model.model import STEADY, trace
from tests.model.test_twin import designs, fitting, platforms, request_tables


class Row(NamedTuple):
    """Two keys lie in a value: k with i, j with h, by how often they are asked for.

    `counted`: what is counted that is not 0; `calls` of the origin; `late`: answers out of date.
    """

    shows: str
    tier: str
    asked: str
    ended: str
    counted: str
    calls: int
    late: int = 0
    design: dict[str, Any] = {}  # noqa: RUF012 - of a table, which nobody changes
    load_s: float = 0

    def __str__(self) -> str:
        return self.shows.replace(" ", "-")


WEIGHTS = {"k": 40, "j": 30, "i": 20, "h": 10}
EARLIER = [f"-1000 r {key}@LHR" for key, times in WEIGHTS.items() for _ in range(times)]
"""Before each row's requests, a thousand seconds earlier: k is the most popular, then j, i, h."""

ROWS = (
    Row("a key is found that was loaded with another", "kv", "0 k, 1 i",
        "load found", "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 1", 2),
    Row("a key of another value is not", "kv", "0 k, 1 j, 2 h",
        "load load found", "loads 2, kv_reads 3, kv_missing_reads 2, kv_writes 2", 4),
    Row("a write of one writes the value of both", "kv", "0 w k, 1 i",
        "write found", "kv_reads 1, kv_writes 1", 0),
    Row("so that what was not written lives longer", "kv", "0 k, 90 w k, 150 i",
        "load write found", "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 2", 2),
    Row("two writes of a value in a second are one too many", "kv", "0 w k, 0.5 w i, 1 j",
        "write write load",
        "loads 1, kv_reads 1, kv_missing_reads 1, kv_writes 2, kv_writes_refused 1", 2),
    Row("a copy of the old value is late for who asks for either", "kv-memory",
        "0 k, 1 i, 2 w k, 3 i, 4 i, 5 k",
        "load found write memory memory memory",
        "loads 1, kv_reads 2, kv_missing_reads 1, kv_writes 2", 2, late=2),
    Row("memory holds all of a value", "kv-memory", "0 k, 1 j, 2 i, 3 h, 4 i, 5 h",
        "load load memory memory memory memory",
        "loads 2, kv_reads 2, kv_missing_reads 2, kv_writes 2", 4),
    Row("a deletion of one drops both", "redis", "0 k, 1 d i, 2 k",
        "load write load", "loads 2, redis_gets 2, redis_sets 2", 4),
    Row("who asks for either waits while the value is loaded", "memory", "0 k, 0.5 i, 1.5 i",
        "load wait memory", "loads 1", 2, load_s=1),
    Row("an object for a value, and a row", "durable-object", "0 k, 1 i, 2 w i, 3 k",
        "load found write found",
        "loads 1, do_requests 4, do_loads 1, do_rows_read 1, do_rows_written 2", 2),
    Row("an entry of memory is a value", "memory", "0 k, 1 i, 2 j, 3 k",
        "load memory load load", "loads 3", 6, design={"l1_max_entries": 1}),
    Row("the origin may tell all at once", "kv", "0 k, 1 j, 2 i",
        "load load found", "loads 2, kv_reads 3, kv_missing_reads 2, kv_writes 2", 2,
        design={"joined_origin_calls": 1}),
)  # fmt: skip
TIERED = {"kv-memory": ("memory", "kv")}


def played(row: Row, engine: Any) -> tuple[Result, Result]:
    """All of it, and what came before."""
    requests = [each if each.split()[1] in "wd" else " r ".join(each.split())
                for each in row.asked.split(", ")]  # fmt: skip
    slow = {"loads_take_time": True, "origin_ms": row.load_s * 1e3} if row.load_s else {}
    two = {"isolates_per_colo": 2} if "late" in row.shows else {}
    platform = Platform(**STEADY | {"kv_cache_ttl_s": 0, "redis_at": ("LHR",)} | slow | two)
    whole = {"tiers": TIERED.get(row.tier, (row.tier,)), "l1_ttl_s": 30.0, "l2_ttl_s": 100.0}
    design = Design(name="x", **whole | {"joined": 2} | row.design)
    both = trace(*EARLIER, *(f"{each}@LHR" for each in requests))
    both = joining.joined(both, design.joined)
    before = replay(both.only(slice(len(EARLIER))), design, platform, engine=engine, span_s=500)
    return replay(both, design, platform, engine=engine), before


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_counted_by_hand(row: Row, engine: str) -> None:
    result, before = played(row, engine)
    words = {"L1": "memory", "L2": "found", "origin": "load", "waited": "wait"}
    ended = [words.get(TIERS[tier], TIERS[tier]) for tier in result.tier[before.requests :]]
    assert " ".join(ended) == row.ended
    names = {"loads": "origin_loads"}
    said = [one.split() for one in row.counted.split(", ")]
    added = {name: n - before.counts[name] for name, n in result.counts.items()}
    wanted = {names.get(name, name): int(n) for name, n in said}
    assert {name: n for name, n in added.items() if n} == wanted
    assert result.origin_calls - before.origin_calls == row.calls
    assert int(result.late.counts[0, 1:].sum()) == row.late


KV = BUILT_IN["l1-kv-joined"].model_copy(update={"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0})
REDIS = Design(name="x", tiers=("redis",), joined=2, l2_ttl_s=100.0)


def many(keys: int) -> Trace:
    """The first key asked for most often, each of the next once less."""
    asked = [f"{keys - n} r k{n}" for n in range(keys) for _ in range(keys - n)]
    return trace(*sorted(asked, key=lambda each: int(each.split()[0])))


def test_a_hot_key_lies_with_cold_ones_and_no_value_is_much_larger() -> None:
    found = joining.joined(many(7), 3)
    lie = {found.keys[value]: set() for value in range(3)}
    for before, value in zip(many(7).key, found.key, strict=True):
        lie[found.keys[value]].add(many(7).keys[before])
    assert lie == {"k0": {"k0", "k3", "k6"}, "k1": {"k1", "k4"}, "k2": {"k2", "k5"}}
    sizes = {found.keys[v]: int(n) for v, n in zip(found.key, found.size, strict=True)}
    assert sizes == {"k0": 3_000, "k1": 2_000, "k2": 2_000}
    assert found.keys_each == pytest.approx(7 / 3)
    assert joining.joined(found, 3) is found


def test_one_key_a_value_is_as_if_nothing_was_joined() -> None:
    alone = trace("0 r k", "1 r j", "2 r k")
    assert joining.joined(alone, 1) is joining.joined(alone, None) is alone
    with_one = REDIS.model_copy(update={"joined": 1})
    result = replay(alone, with_one, Platform(**STEADY))
    assert result.origin_calls == result.origin_loads == 2
    assert "each value" not in with_one.words


def test_fewer_keys_than_a_value_has_lie_in_one() -> None:
    result = replay(many(3), REDIS.model_copy(update={"joined": 20}), Platform(**STEADY))
    assert (result.origin_loads, result.origin_calls) == (1, 3)
    assert result.value_bytes == 3_000


def test_an_answer_is_late_when_the_key_changed_that_was_asked_for() -> None:
    """At ages that are even up to the TTL, a hundred seconds, of keys that live for 250."""
    asked = trace(*(f"{at} r k{at % 10}" for at in range(20_000)))
    platform = Platform(**STEADY, value_life_s=250)
    for n in (None, 5):
        design = REDIS.model_copy(update={"joined": n})
        late = replay(asked, design, platform).stale_share[0]
        assert late == pytest.approx(1 - 2.5 * -np.expm1(-1 / 2.5), abs=0.03)


def test_what_is_written_only_if_changed_changes_with_each_of_its_keys() -> None:
    asked = trace(*(f"{at} r k{at % 10}" for at in range(20_000)))
    refreshed = {"policy": "refresh", "write_only_if_changed": True, "l2_ttl_s": 100.0}
    design = REDIS.model_copy(update=refreshed | {"joined": 5})
    found = replay(asked, design, Platform(**STEADY, value_life_s=1_000))
    values = replace(joining.joined(asked, 5), keys_each=1.0)
    alone = design.model_copy(update={"joined": None})
    wanted = replay(values, alone, Platform(**STEADY, value_life_s=200))
    assert found.counts == wanted.counts
    assert found.counts["l2_unchanged"] > 100


@pytest.mark.timeout(400)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    designs(), platforms(), request_tables(), st.integers(0, 9), st.sampled_from((2, 3, 7, 50)),
    st.booleans(),
)  # fmt: skip
def test_both_engines_agree(
    design: Design, platform: Platform, asked: Trace, seed: int, n: int, warm: bool
) -> None:
    assume(design.tiers and not design.front)
    design = design.model_copy(update={"joined": n})
    platform = fitting(platform, design)
    found, twin = (
        replay(asked, design, platform, seed=seed, engine=engine)
        for engine in ("reference", "compiled")
    )
    assert twin.counts == found.counts
    assert twin.byte_seconds == found.byte_seconds
    assert np.array_equal(twin.code, found.code)
    assert np.array_equal(twin.latency_ms, found.latency_ms)
    assert np.array_equal(twin.late.counts, found.late.counts)
    assert (twin.origin_calls, twin.value_bytes) == (found.origin_calls, found.value_bytes)
    in_shards = replay(asked, design, platform, seed=seed, jobs=1, shards=3)
    assert in_shards.counts == found.counts


def at(**numbers: Any) -> Study:
    return settle({"requests_per_month": 1_000_000, "seed": 3, **numbers}).study


@pytest.mark.parametrize(
    ("tiers", "n"),
    [(tiers, n) for tiers in (("memory",), ("kv",), ("memory", "durable-object")) for n in (2, 20)]
    + [(("memory",), 400), (("durable-object",), 400)],  # of so hot keys KV's copies get ahead
)
def test_the_formulas_say_what_the_simulation_says(tiers: tuple[str, ...], n: int) -> None:
    here = at(**{"workload.keys": 3_000, "reads_per_write": 100, "growth.writes": "in proportion"})
    ttls = {"l1_ttl_s": 300.0, "l2_ttl_s": None if tiers == ("memory",) else 3_600.0}
    design = Design(name="x", tiers=tiers, joined=n, **ttls)
    result, month = here.replay(design), here.estimate(design)
    counted = result.per_month()
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    for name, number in month.counts.items():
        allowed: Any = {"rel": 0.05} if counted[name] > 2_000 else {"abs": 200}
        assert number[0] == pytest.approx(counted[name], **allowed), name
    if design.stored:
        assert month.stored_gb[0] == pytest.approx(counted["stored_gb_months"], rel=0.05)
    assert month.late_share(60)[0] == pytest.approx(result.stale_share[60], abs=0.03)
    alone = here.estimate(design.model_copy(update={"joined": None}))
    assert month.counts["origin_loads"][0] < alone.counts["origin_loads"][0]


def test_kinds_of_key_make_the_values_that_all_keys_make() -> None:
    shares = popularity(5_003, 0.9)
    here = at()
    for n in (2, 20, 700):
        design = KV.model_copy(update={"joined": n})
        exact, near = (
            joined(settled(here, keys), design).keys
            for keys in (Keys(shares, np.ones_like(shares)), grouped(shares))
        )
        number = -(-5_003 // n)
        assert exact.number.sum() == near.number.sum() == number
        own = np.zeros(number)
        np.add.at(own, np.arange(5_003) % number, shares)
        assert np.repeat(exact.share, exact.number.astype(int)) == pytest.approx(own)
        assert (near.share * near.number).sum() == pytest.approx(1)
        assert np.repeat(near.share, near.number.round().astype(int))[:number] == pytest.approx(
            own, rel=0.15
        )


def settled(here: Study, keys: Keys) -> Setting:
    return Setting(keys, here.setting.weights, here.setting.trips, here.setting.numbers)


def test_keys_that_nobody_asks_for_lie_with_others() -> None:
    """In values that are as many, and are no more often asked for."""
    here = at()
    keys = Keys(np.array([0.6, 0.4]), np.ones(2), unasked=4.0)
    design = KV.model_copy(update={"joined": 2})
    assert each(settled(here, keys), design) == 2
    assert joined(settled(here, keys), design).keys.share.tolist() == [0.6, 0.4]
    asked = trace("0 r k", "1 r k", "2 r j", "3 r i")
    more = Trace(
        asked.time_s, asked.key, asked.colo, asked.op, asked.size, [*"kjihgf"], asked.colos
    )
    assert joining.joined(more, 2).keys == [*"kji"]


def test_a_part_of_the_traffic_joins_as_all_of_it() -> None:
    of = {"workload.keys": 20_000, "requests_per_month": 30_000_000}
    here = at(**of)
    assert here.sample.share < 0.2
    part, whole = here.replay(KV), here.estimate(KV)
    assert whole.hit_ratio[0] == pytest.approx(part.hit_ratio, abs=0.02)
    assert whole.counts["kv_reads"][0] == pytest.approx(part.per_month()["kv_reads"], rel=0.1)


def test_what_fills_the_caches_of_a_log_lies_as_the_log_s_keys_do() -> None:
    """By how often all of it asks for them, though its end asks for others."""
    rng = np.random.default_rng(1)
    keys = [*rng.choice(8, 300, p=np.arange(8, 0, -1) / 36), *rng.choice(4, 100, p=FEW) + 4]
    asked = trace(*(f"{at} r k{key}" for at, key in enumerate(keys)))
    design = Design(name="x", tiers=("redis",), joined=2, l2_ttl_s=90.0)
    plain = design.model_copy(update={"joined": None})
    found = warmed(asked, design, Platform(**STEADY))
    wanted = warmed(joining.joined(asked, 2), plain, Platform(**STEADY))
    assert found.counts == wanted.counts
    assert found.requests == 400
    assert found.origin_calls == 2 * wanted.origin_loads


FEW = (0.1, 0.2, 0.3, 0.4)


def test_the_bill_has_calls_sizes_and_what_is_stored() -> None:
    """DynamoDB charges by size: half a unit for each 4 KB read, one for each KB written."""
    platform = Platform(**STEADY | {"profile": "aws-lambda"})
    design = Design(name="x", tiers=("dynamodb",), joined=2, l2_ttl_s=100.0)

    def used(**changes: Any) -> dict[str, float]:
        asked = trace("0 r k", "1 r j", "2 w k", size=900)
        result = replay(asked, design.model_copy(update=changes), platform, span_s=30 * 86_400)
        lines = monthly_bill(result, settle({"case": "catalogue-lambda"}).study.book).lines
        return {line.meter: float(line.usage) for line in lines}

    def stored(byte_seconds: float) -> Any:
        return pytest.approx(byte_seconds / 1e9 / (30 * 86_400))

    alone, both = used(joined=None), used()
    assert (alone["dynamodb.read_units"], both["dynamodb.read_units"]) == (1.0, 1.0)
    assert (alone["dynamodb.write_units"], both["dynamodb.write_units"]) == (3.0, 4.0)
    assert (alone["origin.calls"], both["origin.calls"]) == (2.0, 2.0)
    assert used(joined_origin_calls=1)["origin.calls"] == 1.0
    assert alone["dynamodb.stored"] == stored(900 * (2 + 100) + 900 * 100)
    assert both["dynamodb.stored"] == stored(1_800 * (2 + 100))


@pytest.mark.parametrize("calls", [None, 1, 3])
def test_what_a_load_asks_the_origin_is_limited_and_saved(calls: int | None) -> None:
    here = small(designs=["l1-only", {"name": "x", "tiers": ["memory", "kv"], "joined": 4,
                                      "joined_origin_calls": calls}])  # fmt: skip
    option = next(each for each in options(here) if each.name == "x")
    result = here.replay(option.design)
    measured = measure(here, option, result, ["origin_loads_per_month"])["origin_loads_per_month"]
    assert measured == result.per_month()["origin_loads"] * (calls or 4)
    predicted = predict(
        Month(here, option, here.setting), ["origin_loads_per_month", "loads_saved"]
    )
    assert predicted["origin_loads_per_month"][0] == pytest.approx(measured, rel=0.1)
    alone = here.estimate("l1-only").counts["origin_loads"][0]
    saved = 1 - predicted["origin_loads_per_month"][0] / alone
    assert predicted["loads_saved"][0] == pytest.approx(saved)


def test_the_busiest_object_has_the_requests_for_all_its_keys() -> None:
    here = small(designs=["durable-object", "l1-only"])
    design = here.design("durable-object")
    loads = [
        predict(Month(here, Option(each_, {}), here.setting), ["busiest_load"])["busiest_load"][0]
        for each_ in (design, design.model_copy(update={"joined": 10}))
    ]
    shares = np.repeat(here.setting.keys.share, here.setting.keys.number.astype(int))
    assert loads[1] / loads[0] == pytest.approx(shares[::2].sum() / shares[0])


def test_a_knob_turns_it_in_whole_numbers() -> None:
    knob = {"value": 1, "low": 1, "high": 10, "unit": "keys", "why": "w"}
    here = small(knobs={"joined": knob}, criteria={"minimise": None, "maximise": "hit_ratio"})
    tuned = tune(here, next(o for o in options(here) if o.name == "kv-only"), ["hit_ratio"])
    assert tuned.option.design.joined == tuned.option.settings["joined"]
    assert tuned.option.settings["joined"] in range(1, 11)
    assert tuned.option.settings["joined"] > 1


@pytest.mark.parametrize(
    ("design", "says"),
    [
        ({"tiers": ()}, "joined: it is a cache that keeps keys in one value; there is none"),
        ({"tiers": ("workers-cache", "kv")}, "joined: what 'workers-cache' keeps are answers"),
        ({"joined": 1_001}, "less than or equal to 1000"),
        ({"joined": None, "joined_origin_calls": 3}, "joined_origin_calls: no keys lie together"),
    ],
)
def test_what_cannot_be(design: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Design(**{"name": "x", "tiers": ("kv",), "joined": 4} | design)


CRON = {"op": "write", "every_s": 86_400, "keys": "all"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"workload": {"schedules": [CRON]}}, "^designs.1: joined: is not modelled where a sched"),
        ({"workload": {"value_bytes": 2_000_000}}, "20 keys of 2,000,000 bytes are more than the"),
        (
            {"designs": ["l1-only", "kv-only"], "workload": {"schedules": [CRON]},
             "knobs": {"joined": {"values": [1, 8], "unit": "keys", "why": "w"}}},
            "^designs.0: joined: is not modelled",
        ),
        ({"today": "l1-kv-joined", "workload": {"schedules": [CRON]}, "designs": ["l1-only"]},
         "^today: joined: is not modelled"),
    ],
)  # fmt: skip
def test_what_a_case_must_not_say(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        small(**{"designs": ["l1-only", "l1-kv-joined"]} | changes)


def test_no_formula_takes_what_a_schedule_writes_for_chance() -> None:
    here = small(workload={"schedules": [CRON]})
    assert here.estimate("l1-kv").counts["kv_writes"][0] > 0
    with pytest.raises(ValueError, match="joined: no formula says it where a schedule writes"):
        here.estimate(KV)


def test_nothing_is_wrong_where_readers_alone_come_by_a_clock() -> None:
    polls = {"op": "read", "every_s": 900, "clients": 2}
    small(designs=["l1-only", "l1-kv-joined"], workload={"schedules": [polls]})


def test_values_that_no_column_holds_are_told() -> None:
    with pytest.raises(JoinedError, match="joined: 3 keys of 2,000,000,000 bytes make a value"):
        joining.joined(trace("0 r a", "1 r b", "2 r c", size=2_000_000_000), 3)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_trace_in_pieces_is_the_trace(engine: Any) -> None:
    rng = np.random.default_rng(2)
    asked = trace(*(f"{at} r k{key}" for at, key in enumerate(rng.zipf(1.5, 300) % 20)))
    lives = replace(asked, ttl_s=np.full(300, 40.0, np.float32))
    for some in (asked, lives):
        pieces = [some.only(slice(100)), some.only(slice(100, 100)), some.only(slice(100, 300))]
        alone = REDIS.model_copy(update={"joined": None})
        platform = Platform(**STEADY)
        found = replay_pieces(pieces, [alone, REDIS], platform, engine=engine)
        wanted = [replay(some, each, platform, engine=engine) for each in (alone, REDIS)]
        assert [each.per_month() for each in found] == [each.per_month() for each in wanted]
    assert replay_pieces([], [REDIS], platform)[0].requests == 0


def test_a_part_of_a_log_s_keys_and_keys_without_numbers_are_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,key\n1700000000,/a\n1700000001,/b\n1700000002,/a\n")
    whole: Any = {"isolates": 1, "routing": "random", "l1_ttl": 60, "l2_ttl": 60,
                  "expiry": "inherited", "designs": ["l1-kv-joined"]}  # fmt: skip
    assert replay_log(log, **whole)["origin_loads"] == 1
    with pytest.raises(SampleError, match="l1-kv-joined: which keys lie together"):
        replay_log(log, **whole, sample=0.5)
    hashed = replace(trace("0 r k", "1 r j"), hashes=np.arange(2, dtype=np.uint64))
    with pytest.raises(JoinedError, match="replay this design without --memory"):
        replay_pieces([hashed], [REDIS], Platform(**STEADY))


def test_words() -> None:
    assert BUILT_IN["l1-kv-joined"].words == "memory, then Workers KV, 20 keys in each value"
