"""A share whose limit is small is told in differences as small as that."""

from __future__ import annotations

import pytest

from cachelib.model.judgement.decision import Decision
from cachelib.report.document.options import points
from cachelib.report.language import Comparison
from cachelib.report.publish.judged import outcome
from tests.model.cases import small

NAME = "out-of-date"


@pytest.mark.parametrize(("limit", "told"), [(0.2, False), (0.002, True)])
def test_a_consequence_of_a_small_share_is_told_where_its_limit_is_small(
    limit: float, told: bool
) -> None:
    late = {"metric": "late_share", "at_most": limit, "why": "w"}
    life = {"value": 60_000, "low": 60_000, "high": 60_000, "unit": "s", "why": "w"}
    study = small(
        designs=["origin-only", "l1-only"], assumptions={"value_life_s": life},
        criteria={"limits": [late]},
    )  # fmt: skip
    made = outcome(Decision(study, 50))
    none, memory = (next(o for o in made.options if o.name == name)
                    for name in ("origin-only", "l1-only"))  # fmt: skip
    assert 0.0002 < memory.metrics["late_share"].value < 0.005
    said = [point.reason for point in points(made, memory, none)]
    assert any(NAME in reason for reason in said) == told, said


def test_a_difference_that_counts_is_one() -> None:
    assert Comparison(0.00042, 0.00103, "ratio").same
    assert Comparison(0.00042, 0.00103, "ratio", least=0.0002).less
    assert Comparison(0.00042, 0.00103, "ratio", least=0.001).same
