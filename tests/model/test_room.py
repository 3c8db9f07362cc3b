"""What no request can find any more gives its room back, and the counts stay to the bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.engines.compiled import engine
from cachelib.model.engines.compiled.ahead import NEAR_ENOUGH
from cachelib.model.engines.replay import replay
from cachelib.model.engines.routing import Router
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from tests.conftest import examples
from tests.model.test_shards import everything, requests
from tests.model.test_twin import designs, fitting, platforms, request_tables

KEPT_SHORT = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(designs(), designs(listening=True)), platforms(), request_tables(),
    st.integers(1, 40), st.integers(0, 9),
)  # fmt: skip
def test_a_look_at_the_room_after_any_number_of_requests_changes_nothing(
    design, platform, trace, rows, seed
):
    platform = fitting(platform, design)
    seldom = replay(trace, design, platform, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "ROWS", rows)
        assert everything(replay(trace, design, platform, seed=seed)) == everything(seldom)


def after(trace, design, platform):
    """The simulator, when it has had all requests."""
    found = engine.Compiled(design, platform, 0)
    places = geography(trace.colos, platform)
    found.run(trace, Router(platform, 0).route(trace, 0, places.runs), 0, places)
    return found.state


def test_memory_is_of_what_lives_and_not_of_what_came(monkeypatch):
    monkeypatch.setattr(engine, "ROWS", 1_000)
    platform = Platform(value_life_s=600, isolates_per_colo=1)
    trace = requests(np.random.default_rng(1), 50_000, 5_000)
    state = after(trace, KEPT_SHORT, platform)
    assert len(state.pool) < 20_000
    assert len(state.superseded) < 20_000
    for_ever = KEPT_SHORT.model_copy(update={"l1_ttl_s": None, "l2_ttl_s": None})
    assert len(after(trace, for_ever, platform).pool) > 30_000


def test_what_is_brought_near_beforehand_changes_nothing():
    platform = Platform(value_life_s=600, isolates_per_colo=1)
    trace = requests(np.random.default_rng(1), 120_000, 20_000)
    assert after(trace, KEPT_SHORT, platform).totals["used"] > NEAR_ENOUGH + 10_000
    plain = replay(trace, KEPT_SHORT, platform, engine="reference")
    assert everything(replay(trace, KEPT_SHORT, platform)) == everything(plain)


def test_what_was_lost_with_its_isolate_gives_its_room_back(monkeypatch):
    monkeypatch.setattr(engine, "ROWS", 1_000)
    for_ever = Design(name="x", tiers=("memory",))
    trace = requests(np.random.default_rng(1), 50_000, 5_000)
    kept = Platform(value_life_s=600, isolates_per_colo=1, isolate_life_s=1e9, deploy_every_s=1e9)
    lost = kept.model_copy(update={"isolate_life_s": 60.0})
    assert after(trace, for_ever, kept).totals["used"] > 10_000
    assert after(trace, for_ever, lost).totals["used"] < 10_000
