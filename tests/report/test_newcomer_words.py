"""Sentences that misled somebody with a case of their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.metrics import METRICS
from cachelib.report.document import options as told
from cachelib.report.document.render import _immaterial
from cachelib.report.numbers import shown
from cachelib.report.publish import decision as words
from cachelib.report.publish import decision_tables
from cachelib.report.publish.changes import would_keep
from cachelib.report.reuse.plan import UnknownNotebookError, _one_of
from tests.model.cases import small
from tests.report.test_decision_words import isolates

NAMES = ("01_evidence", "09_decision", "10_own")


@pytest.mark.parametrize("start", ["9", "09", "09_d", "09_decision"])
def test_a_notebook_is_named_by_its_number(start: str) -> None:
    assert _one_of(NAMES, start) == "09_decision"


@pytest.mark.parametrize("start", ["", "0", "90", "99"])
def test_what_is_no_notebook_s_number_is_refused(start: str) -> None:
    with pytest.raises(UnknownNotebookError):
        _one_of(NAMES, start)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("17", "there is no notebook '17'; allowed: 01_evidence, "),
        ("0", "there is no notebook '0'; "),
        ("", "3 notebooks begin with '': 01_evidence, 09_decision, 10_own; say more of the name"),
    ],
)
def test_whether_no_notebook_or_several_are_called_so_is_said(start: str, says: str) -> None:
    with pytest.raises(UnknownNotebookError) as refused:
        _one_of(NAMES, start)
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize(("half", "close"), [(20.0, True), (0.5, False)])
def test_a_limit_missed_by_no_more_than_chance_is_too_close_to_tell(
    half: float, close: bool
) -> None:
    made = isolates(5.33, 2)
    made.chosen = None
    limit = SimpleNamespace(metric="mean_ms", bound=600.0)
    name = made.flips[0].away
    made.options = [SimpleNamespace(name=name)]
    made.missed = {name: [SimpleNamespace(limit=limit, value=601.0)]}
    made.resolution = {"mean_ms": np.array([half])}
    said = (would_keep(made) or "").replace("\u00a0", " ")
    assert ("too close to tell" in said) is close
    assert ("601 ± 20 ms where 600 ms is the limit" in said) is close
    assert ("instead of" in said) is not close


def candidate(name: str, fate: str, keeps: float) -> Any:
    sure = SimpleNamespace(keeps_limits=SimpleNamespace(share=keeps))
    return SimpleNamespace(words=name, fate=fate, sure=sure)


def test_options_that_keep_the_limits_surely_enough_are_named() -> None:
    outcome: Any = SimpleNamespace(
        options=[candidate("A", "chosen", 0.9), candidate("B", "out", 0.83),
                 candidate("C", "stands", 0.92), candidate("D", "stands", 0.5)]
    )  # fmt: skip
    assert told.surer(outcome, 0.8).replace("\u00a0", " ") == "“C” (92 %) and “B” (83 %)"
    assert told.surer(outcome, 0.95) == ""


def test_only_stores_with_a_place_are_far() -> None:
    assert told.far_stores(small(designs=["l1-only", "l1-kv", "l1-cache-api"])) == ["Workers KV"]
    assert told.far_stores(small(designs=["l1-only", "l1-cache-api"])) == []


def test_every_metric_with_a_limit_has_a_column_and_the_limit_s_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six limits and a metric that breaks ties as well: none is left out for room."""
    limited = ("late_share", "mean_ms", "p50_ms", "p99_ms", "error_share", "hit_ratio", "bill_usd")
    limits = [{"metric": name, "at_most": 1, "why": "w"} for name in limited]
    criteria = Criteria.model_validate({"minimise": "p95_ms", "limits": limits})
    option = SimpleNamespace(name="a", hours=None)
    made: Any = SimpleNamespace(
        criteria=criteria, options=[option], measured={"a": dict.fromkeys(METRICS, 0.0)}
    )
    for name, does in {"in_order": lambda d: d.options, "called": lambda _, name: name}.items():
        monkeypatch.setattr(words, name, does)
    monkeypatch.setattr(decision_tables, "verdict", lambda *_: "chosen")
    table = decision_tables.designs_table(made)
    assert {METRICS[name].head for name in limited} <= set(table.columns)
    assert not pd.isna(table.loc["Limit", METRICS["mean_ms"].head])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"minimise": "mean_ms"}, "1 ms or 5 %"),
        ({"weigh": {"mean_ms": 15, "monthly_cost_usd": 1}}, "$15.00 or 5 %"),
        ({"weigh": {"mean_ms": 15}, "material": {"mean_ms": 2}}, "$30.00"),
    ],
)
def test_what_counts_for_nothing_is_in_the_unit_of_what_is_minimised(
    said: dict[str, Any], told: str
) -> None:
    criteria = Criteria.model_validate(said)
    assert _immaterial(criteria).replace("\u00a0", " ").startswith(told)


@pytest.mark.parametrize(
    ("share", "said"), [(0.01, "1 point"), (0.00999999, "1 point"), (0.0102, "1.02 points")]
)
def test_one_point_is_one_however_it_came_to_be(share: float, said: str) -> None:
    assert shown(share, "points").replace("\u00a0", " ") == said
