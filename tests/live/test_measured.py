import pytest

from cachelib.live.latency import ACCESSES, measure
from cachelib.live.story import two_cities
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import BUILT_IN

pytestmark = pytest.mark.usefixtures("local_runtime")

TTL = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}


def story(name: str) -> list[tuple[int, str, str]]:
    steps = two_cities(BUILT_IN[name].model_copy(update=TTL))
    return [(step.request, step.target, step.message) for step in steps]


def test_without_l2_both_cities_wait_for_the_origin():
    assert story("l1-only") == [
        (city, target, message)
        for city, name in enumerate(("San Francisco", "London"), 1)
        for target, message in (
            (f"Isolate in {name}", "GET /sentiment/AAPL"),
            (f"Isolate in {name}", "L1 miss"),
            ("Origin", "load: found"),
            (f"Isolate in {name}", "keep in L1"),
            (f"User in {name}", "answered by origin"),
        )
    ]


def test_with_l2_london_finds_what_san_francisco_wrote():
    steps = story("l1-kv")
    assert (1, "KV", "read: nothing there") in steps
    assert (1, "KV", "write") in steps
    assert [(target, message) for city, target, message in steps if city == 2] == [
        ("Isolate in London", "GET /sentiment/AAPL"),
        ("Isolate in London", "L1 miss"),
        ("KV", "read: found"),
        ("Isolate in London", "keep in L1"),
        ("User in London", "answered by L2"),
    ]


def test_every_tier_is_measured_beside_an_assumption_of_the_model():
    measured = measure(samples=3)
    assert measured.groupby("access").size().to_dict() == {each.name: 3 for each in ACCESSES}
    assert set(measured["assumption"]) <= set(Platform.model_fields)
    means = measured.groupby("access")["ms"].mean()
    assert means["l1"] < means["do_memory"]
