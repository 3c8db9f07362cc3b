"""The chart over traffic says where this case is, and what its limits allow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from matplotlib.text import Annotation

from cachelib.model.case.criteria import Limit
from cachelib.report.publish import over_traffic


@pytest.mark.parametrize(("metric", "named"), [("bill_usd", ["limit: $40.00"]), ("p95_ms", [])])
def test_where_we_are_and_the_limit_of_what_is_drawn_are_marked(
    metric: str, named: list[str]
) -> None:
    limits = (Limit(metric="bill_usd", at_most=40, why="a budget"),)
    case = SimpleNamespace(
        criteria=SimpleNamespace(limits=limits), option_names=["a"], words=lambda name: name
    )
    study = SimpleNamespace(case=case, requests_per_month=1e5, told=lambda text: text)
    decision: Any = SimpleNamespace(study=study, measured={"a": {metric: 12.0}})
    curves = pd.DataFrame({"a": [3.0, 12.0, 90.0]}, index=[1e3, 1e5, 1e7])
    (ax,) = over_traffic.plot(decision, curves, metric, "what it is", "USD").axes
    assert [text.get_text() for text in ax.texts if not isinstance(text, Annotation)] == ["here"]
    limit = [text.get_text() for text in ax.texts if text.get_text().startswith("limit")]
    assert limit == named
    assert any(list(line.get_xdata()) == [1e5, 1e5] for line in ax.lines)
    assert any(list(line.get_ydata()) == [40, 40] for line in ax.lines) == bool(named)
