"""The table of who answers the reads comes to the whole."""

from __future__ import annotations

import pandas as pd
import pytest

from cachelib.report.publish.answered import with_failed


@pytest.mark.parametrize(("failed", "rows"), [(0.002, 3), (0.0001, 3), (0.0, 2), (1e-9, 2)])
def test_reads_that_fail_have_a_row_where_there_are_some(failed: float, rows: int) -> None:
    shares = pd.DataFrame(
        {"without": [0.0, 1.0], "with Redis": [0.6, 0.4 - failed]}, index=["memory", "the origin"]
    ).rename_axis("answered by")
    table = with_failed(shares, "the origin")
    assert len(table) == rows
    assert table.index.name == "answered by"
    assert table["with Redis"].sum() == pytest.approx(1, abs=1e-6)
    if rows == 3:
        assert table.loc["nobody: the origin failed"].tolist() == pytest.approx([0.0, failed])
