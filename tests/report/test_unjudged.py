"""What experiments are not given of a case: without it they say the same, and decisions have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cachelib.report.experiments import parameters, source
from cachelib.report.experiments.run import NOTEBOOKS, notebook_names
from cachelib.report.experiments.source import Source
from tests.model.cases import hours, raw
from tests.report.in_process import _published

FEW = {"isolate_counts": (1, 4), "traffic_factors": (0.1, 1), "ttl_factors": (0.1, 1)}
EXPERIMENTS = [
    name for name in notebook_names() if not Source(NOTEBOOKS / f"{name}.ipynb")._decides
]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A case that says all of it, to other ends than where nothing is said."""
    limit = {"metric": "p95_ms", "at_most": 200, "why": "w"}
    case = raw(
        designs=["l1-only", "l1-kv", "kv-only", "durable-object"], today="l1-only", against="l1-kv",
        criteria={"minimise": "p95_ms", "limits": [limit], "late_after_s": 7, "broken_limit": 9,
                  "material": {"p50_ms": 3}, "hours": hours(l1_kv=3), "sure": 0.9},
        options={"kv-only": {"changes": "c", "hours": hours(a=4)["a"]}},
        decision={"drivers": ["d"]},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("unjudged") / "case.yaml"
    path.write_text(yaml.safe_dump(case), "utf-8")
    return parameters.settle({"case": str(path), "live_requests": 0, **FEW}).for_kernels


def test_only_the_decision_decides() -> None:
    assert set(notebook_names()) - set(EXPERIMENTS) == {"09_decision"}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_says_the_same_with_the_whole_case(
    name: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    settled = given["case"]["settled"]
    part = Source(path).wanted(given)["case"]["settled"]
    assert part["criteria"] == {"late_after_s": 7, "material": {"p50_ms": 3}}
    assert "hourly_rate_usd" in settled["assumptions"].keys() - part["assumptions"].keys()
    without = _published(path, given)
    monkeypatch.setattr(source, "unjudged", dict)
    assert Source(path).wanted(given)["case"]["settled"] == settled
    assert _published(path, given) == without


def test_who_decides_is_given_all(given: dict[str, Any]) -> None:
    decision = Source(Path(NOTEBOOKS / "09_decision.ipynb"))
    assert decision.wanted(given)["case"]["settled"] == given["case"]["settled"]
