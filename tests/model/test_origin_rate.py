"""An origin that begins so many loads a second: the others wait for their turn, or fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.case.case import load_case
from cachelib.model.engines.replay import replay
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.turns import table
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design, DesignError
from tests.model.model import trace

AT_ONCE = {"origin_ms": 0.0, "jitter": 0.0, "l1_ms": 0.0, "worker_cpu_ms": 0.0}
SHOP = Path("cases/shop-redis.yaml").read_text("utf-8")


def platform(**numbers: Any) -> Platform:
    given = {"profile": "miniflare", "isolates_per_colo": 1, "origin_requests_per_s": 1.0}
    return Platform(**given | {"origin_queue_s": 2.0} | AT_ONCE | numbers)


ENGINES = pytest.mark.parametrize("engine", ["reference", "compiled"])


@ENGINES
@pytest.mark.parametrize(
    ("requests", "waits_ms", "waited", "failed"),
    [
        ("0 r a, 0 r b, 0 r c, 0 r d, 0 r e", [0, 1_000, 2_000, 2_000, 2_000], 4, 2),
        ("0 r a, 1 r b, 2 r c", [0, 0, 0], 0, 0),
        ("0 r a, 0 r b, 0 r c, 3 r d, 3.5 r e", [0, 1_000, 2_000, 0, 500], 3, 0),
        ("0 r a, 0 r a, 0 r b", [0, 0, 1_000], 1, 0),  # the second finds it in memory
        ("0 r a, 0 w b, 0 r c", [0, 0, 1_000], 1, 0),  # a write is no load
        ("0 r a, 0 r b, 0 r c, 0 r d, 3 r d", [0, 1_000, 2_000, 2_000, 0], 3, 1),
    ],
)
def test_loads_take_turns(
    engine: Any, requests: str, waits_ms: list[float], waited: int, failed: int
) -> None:
    asked = trace(*(f"{each}@LHR" for each in requests.split(", ")))
    result = replay(asked, BUILT_IN["l1-only"], platform(), engine=engine)
    reads = asked.op == 0
    assert result.latency_ms[reads].tolist() == pytest.approx(
        [ms for ms, read in zip(waits_ms, reads, strict=True) if read]
    )
    assert (result.counts["origin_waits"], result.counts["origin_failures"]) == (waited, failed)


@ENGINES
def test_for_a_refresh_in_the_background_nobody_waits_and_others_do(engine: Any) -> None:
    design = Design(
        name="x", tiers=("memory",), policy="soft-hard", soft_ttl_s=10, l1_ttl_s=100, l2_ttl_s=100
    )
    asked = trace("0 r a@LHR", "20 r a@LHR", "20 r b@LHR")
    result = replay(asked, design, platform(), engine=engine)
    assert result.latency_ms.tolist() == pytest.approx([0, 0, 1_000])
    assert result.counts["refreshes"] == 1


def test_an_origin_without_a_rate_takes_all_at_once() -> None:
    free = platform(origin_requests_per_s=float("inf"))
    asked = trace(*(f"0 r k{nth}@LHR" for nth in range(50)))
    result = replay(asked, BUILT_IN["l1-only"], free)
    assert result.counts["origin_waits"] == 0
    assert float(result.latency_ms.max()) == 0


def test_all_keys_wait_together() -> None:
    assert binding_of(BUILT_IN["l1-kv"], platform()).by == "run"
    asked = trace(*(f"{nth / 4} r k{nth % 9}@LHR" for nth in range(200)))
    design = BUILT_IN["l1-only"].model_copy(update={"l1_ttl_s": 3.0})
    whole = replay(asked, design, platform())
    parts = replay(asked, design, platform(), jobs=2, shards=4)
    assert parts.counts == whole.counts
    assert np.array_equal(parts.latency_ms, whole.latency_ms)


def test_what_is_not_modelled_beside_it_is_refused() -> None:
    with pytest.raises(ValueError, match="origin_requests_per_s: is not modelled where loads"):
        platform(loads_take_time=True)
    for of, name in (({"hedge_after_ms": 5}, "hedge_after_ms"), ({"joined": 3}, "joined")):
        with pytest.raises(DesignError, match=f"x: {name}: is not modelled where the origin takes"):
            platform().check(Design(name="x", tiers=("memory", "kv"), l2_ttl_s=90, **of))
    platform().check(Design(name="x", tiers=("memory", "kv"), l2_ttl_s=90))


def test_a_limit_of_the_queue_needs_a_rate(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    for more, status in (("origin_queue_s: 1", 2), ("origin_queue_s: 1\n  {rate}: 9", 0)):
        said = more.format(rate="origin_requests_per_s")
        path.write_text(SHOP.replace("redis_at: FRA", f"redis_at: FRA\n  {said}"))
        done = CliRunner().invoke(main, ["check", str(path)])
        assert done.exit_code == status, done.output
        told = "platform.origin_queue_s: nothing uses it without origin_requests_per_s"
        assert (told in done.output) == bool(status)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A shop whose database begins as many loads a second as there are readers, about."""
    path = tmp_path_factory.mktemp("slow") / "case.yaml"
    rate = "redis_at: FRA\n  origin_requests_per_s: 1.5\n  origin_queue_s: 3"
    path.write_text(SHOP.replace("redis_at: FRA", rate))
    return Study(load_case(path))


def test_what_formulas_do_not_know_of_it_is_brought_to_the_simulation(slow: Study) -> None:
    some = tuple(options(slow))
    measured = {o.name: measure(slow, o, simulate(slow, o)) for o in some}
    plain, model = Model(slow, some), Model(slow, some).anchored(measured)
    for metric, apart in (("p95_ms", 100.0), ("error_share", 0.01)):
        truth = measured["database-only"][metric]
        option = model.option("database-only")
        assert truth - plain.values(option, {}, [metric])[metric][0] > apart
        assert model.values(option, {}, [metric])[metric][0] == pytest.approx(truth, rel=1e-6)


def test_a_cache_spares_the_database_its_queue(slow: Study) -> None:
    found = table({name: slow.replay(name) for name in ("database-only", "memory-redis")})
    assert found.loc["database-only", "wait for their turn"] > 0.4
    assert found.loc["database-only", "fail"] > 0.02
    assert found.loc["memory-redis", "wait for their turn"] < 0.3
    assert found.loc["memory-redis", "fail"] < found.loc["database-only", "fail"] / 5
