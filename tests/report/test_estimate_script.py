"""The page's script says what the formulas say, for every design there can be: under node."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.live.node import NodeMissingError, find_node
from cachelib.model.case.choices import Growth
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas import estimate
from cachelib.model.judgement.growth import grown_numbers
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import EXPIRY_WORDS, POLICY_WORDS, Design
from cachelib.model.tiers.registry import ALL, FAILURES
from cachelib.report.document.page import FORMULAS
from cachelib.report.document.what_if import judged_with
from cachelib.report.experiments.parameters import settle
from cachelib.report.templates import FOLDER
from tests.conftest import crossed, examples

FRONTS = {word for word, tier in ALL.items() if tier.in_front}
WORK = ("monthly_cost_usd", "work_hours")  # nobody states it of these
MEASURED = [name for name, m in METRICS.items() if m.measured and name not in WORK]
CHANGES: list[dict[str, float]] = [
    {},
    {"requests_per_month": 1e3},
    {"requests_per_month": 1e12},
    {"requests_per_month": 3e8, "value_life_s": 500, "origin_neurons": 900},
    {"origin_failure": 0.2, **{name: 0.01 * nth for nth, name in enumerate(FAILURES, 1)}},
    {"requests_per_month": 3e9, "redis_message_ms": 90_000, "isolates_per_colo": 1},
]
ASKING = """
const [panel, changes] = JSON.parse(require("node:fs").readFileSync(0));
console.log(JSON.stringify(changes.map((change) => whatIf(panel, change))));
"""


@cache
def every_design() -> tuple[Design, ...]:
    """Tiers × policy × expiry × whether unchanged values are written, as far as they can be."""
    return tuple(possible())


def possible() -> Iterator[Design]:
    tiers = [some for n in range(4) for some in itertools.permutations(ALL, n)]
    for some, policy, expiry, changed, listen in itertools.product(
        tiers, POLICY_WORDS, EXPIRY_WORDS, (False, True), (False, True)
    ):
        try:
            yield Design(
                name=f"{', '.join(some)}; {policy}, {expiry}, {changed}, {listen}",
                tiers=some,
                policy=policy,
                expiry=expiry,
                write_only_if_changed=changed,
                listen=listen,
                soft_ttl_s=600,
                l1_ttl_s=300,
                l2_ttl_s=3_600,
                stale_while_revalidate_s=400 if changed and FRONTS & {*some} else None,
                purge_on_write=bool(changed and {"kv", "dynamodb"} & {*some} and FRONTS & {*some}),
                unreachable="origin" if changed else "error",
            )
        except ValidationError:
            continue


def things(design: Design) -> set[str]:
    """What a design has: tiers, and each of the ways to keep values."""
    told = (design.policy, design.expiry, f"changed: {design.write_only_if_changed}")
    return {*design.tiers, *told, f"listens: {design.listen}"}


def in_pairs(designs: list[Design]) -> list[Design]:
    """So many of them that every two things which some design has together stand in one."""
    return having_all(
        designs,
        [{*itertools.combinations(sorted(things(each)), 2), *behind(each)} for each in designs],
    )


def each_thing(designs: list[Design]) -> list[Design]:
    """So many of them that everything which some design has stands in one, and each tier behind
    each other; by night every two things, as above."""
    if os.environ.get("CACHELIB_LONG"):
        return in_pairs(designs)
    return having_all(designs, [{*things(each), *behind(each)} for each in designs])


def behind(design: Design) -> Iterator[tuple[str, str]]:
    return itertools.pairwise(design.tiers)


def having_all(designs: list[Design], has: list[set[Any]]) -> list[Design]:
    """The first ones of which each has something that none before it had."""
    seen: set[Any] = set()
    some = []
    for design, own in zip(designs, has, strict=True):
        if own - seen:
            some.append(design)
        seen |= own
    return some


@pytest.fixture(scope="module")
def node() -> str:
    try:
        return str(find_node())
    except NodeMissingError:
        pytest.skip("there is no node")


def said_by_the_page(node: str, data: dict[str, Any]) -> list[list[dict[str, Any]]]:
    scripts = [(FOLDER / name).read_text("utf-8") for name in FORMULAS]
    program = "".join(scripts) + ASKING
    done = subprocess.run(
        [node, "-e", program],
        input=json.dumps([data, CHANGES]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("routing", ["random", "hash"])
def test_every_design_at_every_traffic(node: str, routing: str) -> None:
    study: Study = replace(settle({"case": "trading-sentiment"}).study, routing=routing)
    designs = list(every_design())
    assert len(designs) > 200
    if examples(1) == 1:  # by day; else all of them
        designs = in_pairs(designs)
    ttls = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}
    in_memory = BUILT_IN["durable-object-memory"].model_copy(update=ttls)
    behind = in_memory.model_copy(update={"name": "behind", "tiers": ("memory", "durable-object")})
    alarms = [
        Design(name=f"{tiers}, {expiry}", tiers=tiers, expiry=expiry, object_alarm=True, **ttls)
        for tiers in (("durable-object",), ("memory", "durable-object"))
        for expiry in EXPIRY_WORDS
        if expiry != "sliding" or "memory" in tiers
    ]
    the_page_says_what_the_model_does(node, study, [*designs, in_memory, behind, *alarms])


def test_what_a_free_plan_refuses(node: str) -> None:
    study = settle({"case": "trading-sentiment"}).study
    study = replace(study, case=study.case.model_copy(update={"plan": "free"}))
    designs = each_thing([each for each in every_design() if len(each.tiers) < 3])
    the_page_says_what_the_model_does(node, study, designs)


def test_a_worker_that_is_placed_and_its_origin(node: str) -> None:
    study = settle({"case": "trading-sentiment"}).study
    platform = {"worker_at": ("FRA", "IAD"), "origin_at": ("FRA",), "origin_trips": 3.0}
    study = study.of_changed(platform=study.case.platform | platform)
    the_page_says_what_the_model_does(node, study, each_thing(list(every_design())))


def test_kv_that_fetches_anew_and_large_data_centres(node: str) -> None:
    study = settle({"case": "trading-sentiment"}).study
    platform = {"kv_refresh_share": 0.4, "caches_per_colo": 3, "kv_cache_ttl_s": 600}
    study = study.of_changed(platform=study.case.platform | platform)
    designs = [each for each in every_design() if "kv" in each.tiers and len(each.tiers) < 3]
    the_page_says_what_the_model_does(node, study, each_thing(designs))


def test_redis_with_room_for_a_part_of_the_keys(node: str) -> None:
    study = settle({"case": "shop-redis", "requests_per_month": 2_000_000}).study
    study = study.of_changed(platform=study.case.platform | {"redis_gb": 0.02})
    designs = [each for each in every_design() if {"redis", "redis-per-region"} & {*each.tiers}]
    the_page_says_what_the_model_does(node, study, each_thing(designs))


@pytest.mark.parametrize("case", ["shop-redis", "trading-sentiment"])
def test_isolates_with_room_for_a_part_of_the_keys(node: str, case: str) -> None:
    study = settle({"case": case, "requests_per_month": 2_000_000}).study
    study = study.of_changed(platform=study.case.platform | {"isolate_memory_mb": 1.5})
    some = in_pairs([each for each in every_design() if each.l1])
    own = [each.model_copy(update={"l1_max_entries": 40}) for each in some[::2]]
    the_page_says_what_the_model_does(node, study, [*some[1::2], *own])


@pytest.mark.parametrize("lag_ms", [200, 100_000])
def test_reads_from_replicas(node: str, lag_ms: float) -> None:
    study = settle({"case": "shop-redis", "requests_per_month": 2_000_000}).study
    study = study.of_changed(platform=study.case.platform | {"redis_lag_ms": lag_ms})
    designs = [each for each in every_design() if {"redis", "redis-per-region"} & {*each.tiers}]
    some = [each.model_copy(update={"replicas": 3}) for each in each_thing(designs)]
    the_page_says_what_the_model_does(node, study, [each for each in some if not each.front])


@pytest.mark.parametrize(
    ("case", "after_ms"), crossed(["shop-redis", "trading-sentiment"], [0.3, 4.0, 90.0])
)
def test_reads_that_ask_the_origin_too(node: str, case: str, after_ms: float) -> None:
    study = settle({"case": case, "requests_per_month": 400_000}).study
    platform = {"worker_at": ("FRA", "IAD"), "origin_at": ("FRA",), "origin_trips": 2.0}
    if after_ms > 1:
        study = study.of_changed(platform=study.case.platform | platform)
    others = [each for each in every_design() if not each.front]
    some = each_thing([each for each in others if {*each.tiers} - {"memory"}])
    some = [each.model_copy(update={"hedge_after_ms": after_ms}) for each in some]
    the_page_says_what_the_model_does(node, study, some)


@pytest.mark.parametrize(
    ("case", "values"),
    crossed(
        ["shop-redis", "trading-sentiment", "catalogue-lambda"], [(2, None), (7, 3), (1_000, None)]
    ),
)
def test_keys_that_lie_together(node: str, case: str, values: tuple[int, int | None]) -> None:
    joined, calls = values
    of = {"requests_per_month": 300_000, "workload.keys": 50_003}
    study = settle({"case": case, **of}).study
    assert study.setting.keys.unasked > 0
    others = [each for each in every_design() if each.tiers and not each.front]
    together = {"joined": joined, "joined_origin_calls": calls}
    some = [each.model_copy(update=together) for each in each_thing(others)]
    the_page_says_what_the_model_does(node, study, some)
    grows = study.of_changed(growth=Growth(keys="in proportion"))
    the_page_says_what_the_model_does(node, grows, some[:5], are_keys_fixed=False)


@pytest.mark.parametrize("routing", ["random", "hash"])
def test_as_many_pods_as_the_traffic_needs(node: str, routing: str) -> None:
    study = settle({"case": "shop-redis", "requests_per_month": 2_000_000}).study
    scaled = {"isolate_requests_per_s": 0.15, "isolates_at_least": 2}
    study = replace(study, routing=routing).of_changed(platform=study.case.platform | scaled)
    designs = [each for each in every_design() if "memory" in each.tiers]
    the_page_says_what_the_model_does(node, study, each_thing(designs))


@pytest.mark.parametrize("placed", [(), ("us-east-1", "eu-west-1")])
def test_functions_behind_cloudfront_at_their_own_prices(
    node: str, placed: tuple[str, ...]
) -> None:
    colos = {"IAD": 3, "SFO": 2, "LHR": 3, "BHX": 1, "SYD": 1}
    of = {"case": "catalogue-lambda", "requests_per_month": 200_000, "workload.colos": colos}
    study = settle(of).study
    study = study.of_changed(platform=study.case.platform | {"worker_at": placed})
    designs = [each for each in every_design() if "cloudfront" in each.tiers]
    the_page_says_what_the_model_does(node, study, in_pairs(designs))


def test_a_cron_that_rewrites_all_keys(node: str) -> None:
    cron = {"op": "write", "every_s": 900, "keys": "all"}
    of = {"requests_per_month": 400_000, "workload.keys": 50, "workload.schedules": [cron]}
    study = settle({"case": "trading-sentiment", **of}).study
    assert study.setting.keys.written is not None
    the_page_says_what_the_model_does(node, study, each_thing(list(every_design())))


@pytest.mark.parametrize(
    ("case", "every_s"),  # sooner than values end, and later
    crossed(["shop-redis", "trading-sentiment", "catalogue-lambda"], [1_800, 86_400]),
)
def test_rounds_that_empty_all_caches_and_some_keys(node: str, case: str, every_s: float) -> None:
    rounds = [{"op": "purge", "every_s": every_s, "keys": n} for n in ("all", 20)]
    of = {"requests_per_month": 400_000, "workload.keys": 5_000, "workload.schedules": rounds}
    study = settle({"case": case, **of}).study
    assert [each.keys for each in study.setting.emptied] == [np.inf, 20]
    the_page_says_what_the_model_does(node, study, each_thing(list(every_design())))


CASES = ("shop-redis", "catalogue-lambda", "news-workers", "flags-workers")


@pytest.mark.parametrize("case", CASES)
def test_every_ready_made_case_at_its_own_prices(node: str, case: str) -> None:
    study = settle({"case": case, "requests_per_month": 2_000_000}).study
    designs = [study.design(name) for name in study.case.design_names]
    the_page_says_what_the_model_does(node, study, designs)


def the_page_says_what_the_model_does(
    node: str, study: Study, designs: list[Design], *, are_keys_fixed: bool = True
) -> None:
    model = Model(study, tuple(Option(design, {}) for design in designs))
    data = judged_with(model)
    data["criteria"]["metrics"] = {name: {} for name in MEASURED}
    numbers = changed(model)
    setting = model.setting.but(**grown_numbers(model.setting, study.case.growth, numbers))
    by_change = said_by_the_page(node, data)
    for nth, option in enumerate(model.options):
        wanted = model.values(option, numbers, MEASURED)
        month = estimate(option.design, setting)
        if are_keys_fixed:
            wanted |= {"stored_gb": month.stored_gb, "l1": month.l1, **month.counts}
        wanted = {name: np.broadcast_to(number, len(CHANGES)) for name, number in wanted.items()}
        for change, at, found in zip(CHANGES, range(len(CHANGES)), by_change, strict=True):
            shown = found[nth]
            said = shown["values"] | shown["month"] | shown["month"]["counts"]
            for name, number in wanted.items():
                # quantiles to what `formulas.roots` stops at
                near = 1e-6 if name in ("p50_ms", "p95_ms", "p99_ms") else 1e-9
                close = pytest.approx(float(number[at]), rel=near, abs=1e-12, nan_ok=True)
                assert said[name] == close, (option.name, change, name)


def changed(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    """Each number at every change: what a change does not name stands as in the case."""
    names = dict.fromkeys(name for change in CHANGES for name in change)
    own = {name: float(model.setting.numbers[name]) for name in names}
    return {name: np.array([{**own, **change}[name] for change in CHANGES]) for name in names}
