"""A balancer that keeps each reader at one pod: who reaches which, and what memory finds then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cachelib.cli import main
from cachelib.model.case.case import load_case
from cachelib.model.engines.random import READERS, ROUTING, VISITS, key_of, mix, uniform
from cachelib.model.engines.replay import replay, replay_pieces
from cachelib.model.engines.routing import Router
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.workload import Workload
from tests.conftest import examples
from tests.model.test_twin import request_tables, taken

SHOP = Path("cases/shop-redis.yaml").read_text("utf-8")
TTL = {"l1_ttl_s": 60.0, "l2_ttl_s": 300.0}


def sticky(**numbers: Any) -> Platform:
    given = {"isolates_per_colo": 4, "redis_at": "FRA"} | numbers
    return Platform(profile="servers-redis", routing="sticky", **given)


class Balancer:
    """The same rules, request by request: seats, who sits there, and his pod."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self.platform, self.seed = platform, seed
        self.nth: dict[tuple[int, int], int] = {}

    def pod(self, colo: int, row: int) -> int:
        seats = self.platform.sticky_readers
        seat = mix(key_of(self.seed, READERS) ^ row) % seats
        reader = self.nth.get((colo, seat), 0)
        if uniform(key_of(self.seed, VISITS), row) < 1 / self.platform.sticky_requests:
            self.nth[colo, seat] = reader + 1
        drawn = mix(key_of(self.seed, ROUTING) ^ mix(colo * seats + seat) ^ reader)
        return drawn % self.platform.isolates_per_colo


@settings(max_examples=examples(40), deadline=None)
@given(
    request_tables(), st.sampled_from([1, 3, 50]), st.sampled_from([1.0, 4.0, 1e9]),
    st.integers(0, 9), st.integers(1, 300),
)  # fmt: skip
def test_a_reader_stays_with_his_pod_until_another_takes_his_place(
    table: Any, readers: int, requests: float, seed: int, cut: int
) -> None:
    platform = sticky(sticky_readers=readers, sticky_requests=requests)
    balancer, router = Balancer(platform, seed), Router(platform, seed)
    runs = np.arange(len(table.colos))
    pieces = [taken(table, slice(cut)), taken(table, slice(cut, None))]
    found = np.concatenate(
        [router.route(piece, row, runs) for piece, row in zip(pieces, (0, cut), strict=True)]
    )
    said = [colo * 4 + balancer.pod(colo, row) for row, colo in enumerate(table.colo.tolist())]
    assert found.tolist() == said


DESIGNS = ["memory-only", "memory-redis", "memory-redis-listen", "memory-redis-per-region"]


@settings(max_examples=examples(15), deadline=None)
@given(
    request_tables(), st.sampled_from(DESIGNS), st.sampled_from([1, 3, 50]),
    st.sampled_from([1e12, 0.05]), st.sampled_from([None, 3]), st.integers(1, 300),
)  # fmt: skip
def test_engines_shards_and_pieces_agree(
    table: Any, name: str, readers: int, each: float, entries: int | None, cut: int
) -> None:
    platform = sticky(
        sticky_readers=readers, isolate_requests_per_s=each, isolates_scaled_every_s=20.0
    )
    design = BUILT_IN[name].model_copy(update=TTL | {"l1_max_entries": entries})
    whole = replay(table, design, platform, engine="reference")
    pieces = [taken(table, slice(cut)), taken(table, slice(cut, None))]
    others = [
        replay(table, design, platform),
        replay(table, design, platform, jobs=2, shards=3),
        *replay_pieces([piece for piece in pieces if len(piece)], [design], platform),
    ]
    for other in others:
        assert other.counts == whole.counts
        assert other.reasons == whole.reasons


BUSY = Workload(
    requests_per_month=3_000_000, keys=400, zipf=0.9, value_bytes=1_000, colos={"FRA": 1}
)


@pytest.fixture(scope="module")
def busy() -> Any:
    trace = generate(BUSY, seed=3)
    return trace.only(slice(150_000))


def found(busy: Any, **numbers: Any) -> float:
    design = BUILT_IN["memory-only"].model_copy(update=TTL)
    return float(replay(busy, design, sticky(**numbers)).hit_ratio)


def at_random(busy: Any, pods: int) -> float:
    design = BUILT_IN["memory-only"].model_copy(update=TTL)
    platform = sticky(isolates_per_colo=pods).model_copy(update={"routing": "random"})
    return float(replay(busy, design, platform).hit_ratio)


def test_one_reader_meets_one_pod_and_many_readers_meet_any(busy: Any) -> None:
    """By hand: who alone asks has one memory; two readers, one or two; thousands, even shares."""
    lasting = {"sticky_requests": 1e12}
    assert found(busy, sticky_readers=1, **lasting) == pytest.approx(at_random(busy, 1), abs=1e-3)
    even = at_random(busy, 4)
    assert found(busy, sticky_readers=50_000) == pytest.approx(even, abs=5e-3)
    assert found(busy, sticky_readers=5, **lasting) > even + 0.01  # uneven shares find more


def test_settings_of_readers_need_a_balancer_that_is_sticky(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    for more, status in (("sticky_readers: 9", 2), ("sticky_readers: 9\n  routing: sticky", 0)):
        path.write_text(SHOP.replace("redis_at: FRA", f"redis_at: FRA\n  {more}"))
        done = CliRunner().invoke(main, ["check", str(path)])
        assert done.exit_code == status, done.output
        told = "platform.sticky_readers: nothing uses it unless routing: sticky stands beside it"
        assert (told in done.output) == bool(status)


def test_what_formulas_do_not_know_of_it_is_brought_to_the_simulation(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        SHOP.replace("redis_at: FRA", "redis_at: FRA\n  routing: sticky\n  sticky_readers: 2")
    )
    study = Study(load_case(path))
    some = tuple(options(study))
    measured = {o.name: measure(study, o, simulate(study, o)) for o in some}
    model = Model(study, some).anchored(measured)
    memory = model.option("memory-only")
    truth = measured["memory-only"]["hit_ratio"]
    assert abs(Model(study, some).values(memory, {}, ["hit_ratio"])["hit_ratio"][0] - truth) > 0.01
    assert model.values(memory, {}, ["hit_ratio"])["hit_ratio"][0] == pytest.approx(truth, abs=1e-6)
