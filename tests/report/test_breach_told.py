"""What a broken limit was taken to count as, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.report.publish import breach
from cachelib.report.publish.breach import in_words
from tests.model.test_regret import standing

LIMIT: dict[str, Any] = {"metric": "late_share", "at_most": 0.1, "why": "w"}


def decision(**criteria: Any) -> Any:
    """Three tries: the dearest that keeps the limits is 6 and 4 above the best; one has none."""
    kept = [[False, True, False], [True, True, False], [True, False, False]]
    return SimpleNamespace(
        criteria=Criteria(minimise="bill_usd", **criteria),
        standing=standing([[1, 5, 1], [4, 9, 1], [10, 2, 1]], kept),
    )


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({}, None),
        ({"limits": [LIMIT | {"costs": 5}]}, None),
        ({"limits": [LIMIT], "broken_limit": 500},
         "to break a limit counts as $500.00 beside that, as the case says"),
        ({"limits": [LIMIT]},
         "to break a limit counts as much as to choose the dearest option that keeps them all (on"
         " average $5.00 above the best), since the case does not say what it costs"),
    ],
)  # fmt: skip
def test_what_a_broken_limit_counts_as_is_said_with_its_number_and_why(
    criteria: dict[str, Any], said: str | None
) -> None:
    assert in_words(decision(**criteria)) == said


def test_where_all_that_keep_the_limits_do_equally_well_a_broken_one_counts_as_nothing() -> None:
    alike = decision(limits=[LIMIT])
    kept = np.array([[True, True], [True, False]])
    alike.standing = standing([[1.0, 1.0], [1.0, 1.0]], kept)
    assert in_words(alike) == (
        "to break a limit counts as nothing, since the case does not say what it costs, and the"
        " options that keep them all do equally well"
    )


def test_where_nothing_keeps_the_limits_nothing_was_taken() -> None:
    lost = decision(limits=[LIMIT])
    lost.standing = standing([[1.0], [2.0]], np.zeros((2, 1), bool))
    assert in_words(lost) is None


@pytest.mark.parametrize(
    ("share", "explained", "said"),
    [(0.9, 0.8, "always that of the share of failed reads, which depends on the share of origin"),
     (0.9, 0.1, "always that of the share of failed reads"),
     (0.8, 0.1, "most often that of the share of failed reads (in 80 %)"),
     (0.0, 0.8, None)],
)  # fmt: skip
def test_the_limit_that_is_broken_most_is_named_with_the_number_that_decides_it(
    share: float, explained: float, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"limit:error_share": np.array([np.arange(10) < 10 * share]),
             "limit:mean_ms": np.array([(np.arange(10) == 8) & (share > 0)])}  # fmt: skip
    worth = SimpleNamespace(name="origin_failure", breaks={"limit:error_share": explained})
    made: Any = SimpleNamespace(
        chosen=SimpleNamespace(name="a"), options=[SimpleNamespace(name="a")], worths=[worth],
        standing=SimpleNamespace(broken=flags), study=SimpleNamespace(told=str),
    )  # fmt: skip
    monkeypatch.setattr(breach.words, "in_a_sentence", lambda *_: "the share of origin")
    told = breach.mostly(made)
    assert (told and told.replace("\u00a0", " ")) == said
