"""The table of who answers the reads comes to the whole."""

from __future__ import annotations

import pandas as pd
import pytest

from cachelib.model.judgement import experiments
from cachelib.model.tiers.design import Design
from cachelib.report.publish.answered import WAITED, in_words
from tests.model.cases import small


@pytest.mark.parametrize(("failed", "rows"), [(0.002, 4), (0.0001, 4), (0.0, 3), (1e-9, 3)])
def test_reads_that_fail_have_a_row_where_there_are_some(failed: float, rows: int) -> None:
    shares = pd.DataFrame(
        {
            "without": {"L1": 0.1, "L2": 0.0, "origin": 0.9, "waited": 0.0, "failed": 0.0},
            "with": {"L1": 0.1, "L2": 0.5, "origin": 0.4, "waited": 0.0, "failed": failed},
        }
    )
    table = in_words(shares, "Redis", "the database")
    assert len(table) == rows
    assert table.index.name == "answered by"
    assert list(table.index[:3]) == ["memory", "Redis", "the database"]
    if rows == 4:
        assert table.loc["nobody: the database failed"].tolist() == pytest.approx([0.0, failed])


@pytest.mark.parametrize("sample", [1.0, 0.5])
def test_what_waits_for_another_load_is_no_failure(sample: float) -> None:
    study = small(
        workload={"requests_per_month": 400_000, "keys": 100},
        platform={"loads_take_time": 1},
        sample=sample,
    )
    design = Design(name="d", tiers=("memory", "kv"), l1_ttl_s=60, l2_ttl_s=600)
    shares = experiments.shares(study, design, study.replay(design))
    table = in_words(pd.DataFrame({"with": shares}), "Workers KV", "the origin")
    assert list(table.index) == ["memory", "Workers KV", "the origin", WAITED]
    assert table.loc[WAITED, "with"] > 0
    assert table["with"].sum() == pytest.approx(1, abs=1e-6)
