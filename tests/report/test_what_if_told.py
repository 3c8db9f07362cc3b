"""What the panel leaves out is said beside it, by name, where it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cachelib.report.document.collect import Findings, Found
from cachelib.report.publish.findings import Metric
from tests.report.in_process import committed
from tests.report.sections import text


def said(**metrics: tuple[Any, str]) -> str:
    material, findings = committed(), Findings([])
    for found in material.findings:
        findings.add(found)
    for name, (value, unit) in metrics.items():
        metric = Metric(id=f"decision.{name}", value=value, unit=unit, caption="c")
        findings.add(Found(metric, "09_decision", "cell", None))
    return text(replace(material, findings=findings), "what_if")


def test_that_loads_take_no_time_is_said_where_that_adds_loads() -> None:
    there = said(loads_added=(0.09, "ratio"), loads_added_to=("Memory alone", ""),
                 loads_added_is_least=(False, ""))  # fmt: skip
    assert (
        "In this panel, as in the report, loads take no time: that with “Memory alone” there are"
        " about 9 % more of them is said for the numbers of the case, and not worked out here"
    ) in there
    assert "loads take no time" not in said()
