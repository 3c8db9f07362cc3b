"""No number that a case may say breaks a report: not nothing, and not far too much of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.case.names import ASSUMPTIONS
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.report.document import what_if
from cachelib.report.document.collect import Findings
from cachelib.report.document.formats import html, markdown
from cachelib.report.document.material import Material
from cachelib.report.experiments.parameters import Settled, settle
from cachelib.report.experiments.run import NOTEBOOKS, Run, notebook_names
from cachelib.report.publish.findings import Panel
from tests.report.in_process import MANIFEST

SMALL = Path(__file__).with_name("small.yaml")
EXTREMES = (0.0, 1e-12, 1.0, 1e15)
pytestmark = pytest.mark.timeout(600)


def assumption(name: str, low: float, value: float, high: float) -> dict[str, Any]:
    unit = ASSUMPTIONS[name].unit
    return {"low": low, "value": value, "high": high, "unit": unit, "why": "drawn by a test"}


def allowed(name: str) -> list[float]:
    """The extremes that an assumption may have."""
    return [value for value in EXTREMES if ASSUMPTIONS[name].fault(value) is None]


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    """Some assumptions of a case, each anywhere and with any range, or with none."""
    found = {}
    for name in draw(st.lists(st.sampled_from(sorted(ASSUMPTIONS)), min_size=1, unique=True)):
        three = draw(st.lists(st.sampled_from(allowed(name)), min_size=3, max_size=3))
        found[name] = assumption(name, *sorted(three))
    return found


def settled(given: dict[str, Any], case: str | Path = SMALL) -> Settled:
    return settle({"case": str(case), **given})


@pytest.fixture(scope="module")
def recorded() -> list[Run]:
    """The notebooks as they were committed, with their findings: no kernel runs."""
    return [Run(name, NOTEBOOKS / f"{name}.ipynb", 0.0, None) for name in notebook_names()]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=numbers())
def test_a_report_is_written_whatever_the_assumptions_are(
    recorded: list[Run], drawn: dict[str, Any]
) -> None:
    study = settled({**drawn, "requests_per_month": 1_000}, "trading-sentiment").study
    findings = Findings(recorded)
    panel = findings["decision.what_if"]
    assert isinstance(panel.finding, Panel)
    model = Model(study, tuple(options(study)))
    data = panel.finding.data | json.loads(json.dumps(what_if.judged_with(model)))
    fresh = replace(panel, finding=panel.finding.model_copy(update={"data": data}))
    findings._by_id["decision.what_if"] = fresh
    material = Material(study, findings, recorded, MANIFEST)
    assert markdown.files(material)["report.md"]
    page = html.files(material)["report.html"]
    assert "NaN" not in page.split("application/json")[-1].split("</script>")[0]
