import numpy as np
import pytest

from cachelib.live.latency import ACCESSES, measure
from cachelib.live.story import two_places
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.trace import READ, Trace

pytestmark = pytest.mark.usefixtures("local_runtime")

TTL = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}
TRACE = Trace(
    time_s=np.array([0.0, 30.0]),
    key=np.zeros(2, np.int32),
    colo=np.arange(2, dtype=np.int16),
    op=np.full(2, READ, np.uint8),
    size=np.full(2, 2_000, np.int32),
    keys=["/price/7"],
    colos=["SJC", "LHR"],
)


def story(name: str) -> list[tuple[int, str, str]]:
    steps = two_places(BUILT_IN[name].model_copy(update=TTL), TRACE)
    return [(step.request, step.target, step.message) for step in steps]


def test_without_l2_both_places_wait_for_the_origin():
    assert story("l1-only") == [
        (city, target, message)
        for city, name in enumerate(("SJC", "LHR"), 1)
        for target, message in (
            (f"Isolate in {name}", "GET /price/7"),
            (f"Isolate in {name}", "not in memory"),
            ("Origin", "load: found"),
            (f"Isolate in {name}", "keep in memory"),
            (f"User in {name}", "answered by the origin"),
        )
    ]


def test_with_l2_one_place_finds_what_the_other_wrote():
    steps = story("l1-kv")
    assert (1, "KV", "read: nothing there") in steps
    assert (1, "KV", "write") in steps
    assert [(target, message) for city, target, message in steps if city == 2] == [
        ("Isolate in LHR", "GET /price/7"),
        ("Isolate in LHR", "not in memory"),
        ("KV", "read: found"),
        ("Isolate in LHR", "keep in memory"),
        ("User in LHR", "answered by the shared tier"),
    ]


def test_every_tier_is_measured_beside_an_assumption_of_the_model():
    measured = measure(samples=3)
    assert measured.groupby("access").size().to_dict() == {each.name: 3 for each in ACCESSES}
    assert set(measured["assumption"]) <= set(Platform.model_fields)
    means = measured.groupby("access")["ms"].mean()
    assert means["l1"] < means["do_memory"]
