"""Every number of a case has bounds, and a number beyond them is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.model.case.case import load_case
from cachelib.model.case.names import ASSUMPTIONS
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.experiments.parameters import settle

SMALL = Path(__file__).parents[1] / "report" / "small.yaml"


def faults(**settings: object) -> str:
    with pytest.raises(InvalidFileError) as caught:
        load_case(SMALL, settings)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(ASSUMPTIONS))
@pytest.mark.parametrize("value", [-1.0, 1e16])
def test_no_assumption_is_negative_or_more_than_anybody_means(name: str, value: float) -> None:
    said = faults(**{name: value})
    assert "must be" in said
    assert name in said


@pytest.mark.parametrize("name", ["isolate_idle_s", "isolate_life_s", "deploy_every_s", "l1_ttl_s"])
def test_a_life_shorter_than_a_clock_tells_is_refused(name: str) -> None:
    assert "must be 0.001 or more, not 1e-12" in faults(**{name: 1e-12})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("designs.l1-kv.l1_ttl_s", 1e-12, "must be 0.001 or more"),
        ("knobs.clean_up_every_s", 0.001, "must be 60 or more"),
        ("knobs.objects", 2.5, "must be a whole number"),
        ("isolates_per_colo", 1.5, "must be a whole number, not 1.5"),
        ("knobs.kv_cache_ttl_s", 5, "below the 30 s that KV allows"),
        ("platform.kv_min_ttl_s", 1e16, "must be 1,000,000,000,000,000 or less"),
        ("workload.requests_per_month", 1e13, "less than or equal to"),
        ("criteria.written_off_months", 1e-6, "greater than or equal to 0.1"),
        ("criteria.limits.p95_ms.at_most", 1e16, "must be 1,000,000,000,000,000 or less"),
    ],
)
def test_settings_are_bounded_wherever_they_stand(path: str, value: float, said: str) -> None:
    assert said in faults(**{path: value})


def test_for_ever_is_written_as_a_large_number() -> None:
    settled = settle({"case": str(SMALL), "deploy_every_s": 1e15, "isolate_life_s": 1e15})
    assert settled.study.platform.deploy_every_s == 1e15
