"""Loads that take time: who fetches, who waits, what is billed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.engines.replay import replay
from tests.conftest import examples
from tests.model.test_twin import (
    NEVER,
    both_engines_agree,
    designs,
    fitting,
    one_of,
    platforms,
    request_tables,
)

FEW = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def patient_platforms(draw):
    slow = {"loads_take_time": True, "origin_ms": draw(one_of(100.0, 1_500.0, 20_000.0))}
    return draw(platforms()).model_copy(update=slow | {"origin_requests_per_s": NEVER})


@st.composite
def joining_or_not(draw, *, listening=False):
    design = draw(designs(listening=listening))
    single_flight = draw(st.booleans()) or not design.l1
    return design.model_copy(update={"single_flight": single_flight})


@pytest.mark.timeout(400)
@FEW
@given(
    joining_or_not(), patient_platforms(), request_tables(purged=True), st.integers(0, 9),
    st.integers(1, 300),
)  # fmt: skip
def test_both_engines_agree_where_loads_take_time(design, platform, trace, seed, cut):
    both_engines_agree(design, platform, trace, seed, cut)


@pytest.mark.timeout(400)
@FEW
@given(
    joining_or_not(listening=True), patient_platforms(), request_tables(purged=True),
    st.integers(0, 9), st.integers(1, 300),
)  # fmt: skip
def test_both_engines_agree_where_memory_is_told_of_what_it_loads(
    design, platform, trace, seed, cut
):
    both_engines_agree(design, platform, trace, seed, cut)


@pytest.mark.timeout(400)
@FEW
@given(joining_or_not(), patient_platforms(), request_tables(), st.integers(1, 5))
def test_shards_give_the_same_bits(design, platform, trace, shards):
    platform = fitting(platform, design)
    whole, parts = (replay(trace, design, platform, shards=n) for n in (None, shards))
    assert (parts.counts, parts.byte_seconds) == (whole.counts, whole.byte_seconds)
    assert parts.code.tolist() == whole.code.tolist()
    assert parts.latency_ms.tolist() == whole.latency_ms.tolist()
