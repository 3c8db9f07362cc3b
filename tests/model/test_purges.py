"""What empties caches by a clock, counted by hand: what is deleted, what is billed, what stays.

The rounds come at 50 s, of all keys but where a row says another number; values live for 100 s, in
memory for 30 s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import TIERS
from cachelib.model.traffic.generator import MONTH_S, generate
from cachelib.model.traffic.trace import Purges, in_one_place
from cachelib.model.traffic.workload import Workload
from tests.model.model import STEADY, trace

ENGINES = ["compiled", "reference"]


def played(
    tiers: str, asked: str, engine: Any, keys: int = 2, at: float = 50.0, load_s: float = 0,
    numbers: dict[str, Any] | None = None, **design: Any,
) -> Result:  # fmt: skip
    rounds = Purges(np.array([at]), np.zeros(1, np.int16), np.array([keys]))
    requests = replace(trace(*asked.split(", ")), purges=rounds)
    made = Design(name="x", tiers=tuple(tiers.split()), l1_ttl_s=30, l2_ttl_s=100, **design)
    takes = {"loads_take_time": True, "origin_ms": 1e3 * load_s} if load_s else {}
    platform = Platform(**STEADY | takes | (numbers or {}))
    return replay(requests, made, platform, engine=engine, span_s=200.0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("tiers", "ended", "counted"),
    [
        # both keys are loaded at 0; k is asked for 49 s later, and again after the round
        ("kv", "origin origin L2 origin",
         {"origin_loads": 3, "kv_reads": 4, "kv_missing_reads": 3, "kv_writes": 3, "kv_deletes": 2,
          "kv_lists": 1}),
        ("r2", "origin origin L2 origin",
         {"origin_loads": 3, "r2_class_b": 4, "r2_class_a": 3 + 1}),  # one of them lists
        ("durable-object", "origin origin L2 origin",
         {"origin_loads": 3, "do_requests": 4 + 2, "do_loads": 3,
          "do_rows_read": 4,  # its memory is gone by 49 s
          "do_rows_written": 3 + 2}),
        ("cache-api", "origin origin L2 origin",
         {"origin_loads": 3, "cache_api_gets": 4, "cache_api_puts": 3}),
        ("redis", "origin origin L2 origin",
         {"origin_loads": 3, "redis_gets": 4, "redis_sets": 3}),
        ("dynamodb", "origin origin L2 origin",
         {"origin_loads": 3, "dynamodb_gets": 4, "dynamodb_puts": 3 + 2}),
        ("workers-cache", "origin origin L2 origin",
         {"origin_loads": 3, "workers_cache_hits": 1}),
        ("cloudfront", "origin origin L2 origin", {"origin_loads": 3, "cloudfront_hits": 1}),
        ("memory", "origin origin origin L1", {"origin_loads": 3}),  # nobody tells it
    ],
)  # fmt: skip
def test_what_is_shared_is_emptied_and_what_that_takes_is_counted(
    tiers: str, ended: str, counted: dict[str, int], engine: str
) -> None:
    result = played(tiers, "0 r k, 0 r j, 49 r k, 51 r k", engine)
    assert " ".join(TIERS[tier] for tier in result.tier) == ended
    assert {name: n for name, n in result.counts.items() if n} == counted
    assert not int(result.late.counts[0, 1:].sum())  # nothing has changed at the origin


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("keys", "deletes", "loads"), [(1, 1, 3), (2, 2, 4)])
def test_so_many_keys_are_deleted_the_first_of_all(
    keys: int, deletes: int, loads: int, engine: str
) -> None:
    counts = played("kv", "0 r k, 0 r j, 51 r k, 51 r j", engine, keys).counts
    assert (counts["kv_deletes"], counts["origin_loads"]) == (deletes, loads)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_not_there_is_not_deleted_but_listed_for(engine: str) -> None:
    ended = played("kv", "0 r k, 140 r j", engine, at=120).counts  # of both, nothing is there
    assert (ended["kv_deletes"], ended["kv_lists"]) == (0, 1)
    app = played("kv", "0 r k, 140 r j", engine, at=120, policy="clean-up").counts
    assert (app["kv_deletes"], app["kv_lists"]) == (1, 1)  # KV was told no end


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_goes_on_serving_what_it_has_unless_it_listens(engine: str) -> None:
    asked = "40 r k, 51 r k, 69 r k, 71 r k"
    deaf, told = (played("memory redis", asked, engine, listen=each) for each in (False, True))
    assert [TIERS[n] for n in deaf.tier] == ["origin", "L1", "L1", "origin"]  # its copy ends at 70
    assert [TIERS[n] for n in told.tier] == ["origin", "origin", "L1", "L1"]
    assert told.counts["redis_messages"] == 2 + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_every_data_centre_is_emptied_and_kv_s_copies_stay_until_they_end(engine: str) -> None:
    there = played("cache-api", "0 r k@LHR, 1 r k@SYD, 51 r k@LHR, 52 r k@SYD", engine)
    assert there.counts["origin_loads"] == 4
    asked = "0 r k@LHR, 40 r k@SYD, 51 r k@SYD, 99 r k@SYD, 101 r k@SYD"
    kv = played("kv", asked, engine)  # the round is from London; Sydney's copy ends at 100
    assert [TIERS[n] for n in kv.tier] == ["origin", "L2", "L2", "L2", "origin"]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_on_its_way_lands_after_the_round(engine: str) -> None:
    result = played("kv", "49.5 r k, 52 r k", engine, load_s=1)
    assert [TIERS[n] for n in result.tier] == ["origin", "L2"]
    assert result.counts["kv_deletes"] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_round_after_the_last_request_counts_one_after_the_end_does_not(engine: str) -> None:
    assert played("kv", "0 r k", engine).counts["kv_deletes"] == 1
    assert played("kv", "0 r k", engine, at=201).counts["kv_lists"] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_round_makes_room_in_a_node(engine: str) -> None:
    """Room for two entries of 1,000 bytes: without the round the third pushes k out."""
    asked = "0 r k, 1 r j, 51 r i, 52 r j, 53 r i"
    room = {"redis_gb": 2_100e-9, "redis_entry_bytes": 0}
    emptied = played("redis", asked, engine, 1, numbers=room)  # of k alone
    assert [TIERS[n] for n in emptied.tier] == ["origin", "origin", "origin", "L2", "L2"]


NIGHTLY = {"op": "purge", "every_s": 86_400, "keys": "all"}
PLAIN: dict[str, Any] = {
    "requests_per_month": 20_000, "keys": 50, "zipf": 0.5, "value_bytes": 100,
    "colos": {"LHR": 1, "SYD": 1},
}  # fmt: skip


def test_rounds_are_no_requests_and_leave_all_others_as_they_are() -> None:
    plain = generate(Workload(**PLAIN), seed=1)
    purged = generate(Workload(**PLAIN, schedules=[NIGHTLY, NIGHTLY | {"keys": 3}]), seed=1)
    for column in ("time_s", "key", "colo", "op"):
        assert (getattr(plain, column) == getattr(purged, column)).all(), column
    rounds = purged.purges
    assert len(rounds.time_s) == 60
    assert sorted({*rounds.keys.tolist()}) == [3, 50]
    assert (np.diff(rounds.time_s) >= 0).all()
    assert len(plain.purges.time_s) == 0


@pytest.mark.parametrize("new_keys", [0, 5])
def test_all_are_all_that_there_will_be(new_keys: int) -> None:
    workload = Workload(**PLAIN, schedules=[NIGHTLY], new_keys_per_day=new_keys)
    made = generate(workload, seed=1)
    assert {*made.purges.keys.tolist()} == {len(made.keys)}


def test_it_is_from_where_the_case_says() -> None:
    workload = Workload(**PLAIN, schedules=[NIGHTLY | {"colo": "SYD"}])
    assert {*generate(workload, seed=1).purges.colo.tolist()} == {1}
    assert {*in_one_place(generate(workload, seed=1)).purges.colo.tolist()} == {0}


def test_rounds_of_a_workload_are_as_many_as_it_says_whatever_its_keys() -> None:
    workload = Workload(**PLAIN, schedules=[NIGHTLY, NIGHTLY | {"every_s": 43_200, "keys": 5}])
    assert workload.purges_per_month == 30 + 60
    assert workload.scheduled_per_month == 0
    assert workload.clock_s == 86_400


def test_more_of_who_purges_is_refused() -> None:
    with pytest.raises(ValueError, match="clients: one purges for all; leave it out, and say eve"):
        Workload(**PLAIN, schedules=[NIGHTLY | {"clients": 2}])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_month_is_emptied_every_night(engine: Any) -> None:
    made = generate(Workload(**PLAIN, schedules=[NIGHTLY]), seed=1)
    design = Design(name="x", tiers=("kv",), policy="refresh", l2_ttl_s=1e9)
    counts = replay(made, design, Platform(**STEADY), engine=engine, span_s=MONTH_S).counts
    # each key is asked for several times a day: loaded after each round, and at the beginning
    assert counts["kv_deletes"] == pytest.approx(30 * 50, rel=0.02)
    assert counts["origin_loads"] == pytest.approx(31 * 50, rel=0.08)
    assert counts["kv_lists"] == 30
