"""The what-if panel says what Python says, to 1e-9."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from cachelib.model.formulas import Estimate, Keys, estimate
from cachelib.model.judgement.growth import grown_numbers
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.money.costs import monthly_usd
from cachelib.model.tiers.design import Design
from cachelib.report.build import Report
from cachelib.report.document.what_if import SLIDERS, panel
from cachelib.report.experiments.parameters import settle
from cachelib.report.templates import FOLDER
from tests.browser.conftest import unfold

SLIDING = Design(name="sliding", l2="kv", l1_ttl_s=60, expiry="sliding")
SHIPPED = settle({"case": "trading-sentiment"}).study
OWN = SHIPPED.case.model_copy(update={"designs": (*SHIPPED.case.designs, SLIDING)})
STUDY = replace(SHIPPED, case=OWN)
DESIGNS = STUDY.names("l1-kv-fixed", "l1-durable-object")
CHANGES: list[dict[str, float]] = [
    {},
    *({name: value} for name, _, low, high in SLIDERS for value in (low, high)),
    {"requests_per_month": 3e8, "value_life_s": 500, "origin_neurons": 900},
]


def close(found: float, wanted: float) -> bool:
    return found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.fixture
def page(browser: Browser) -> Any:
    page = browser.new_page()
    for name in ("estimate.js", "what_if.js"):
        page.add_script_tag(path=FOLDER / name)
    yield page
    page.close()


def test_every_design_at_every_end_of_every_slider(page: Page) -> None:
    data = panel(Model(STUDY, tuple(Option(STUDY.case.design(name), {}) for name in DESIGNS)))
    keys = Keys(*(np.array(data["at"]["keys"][name]) for name in Keys._fields))
    for changes in CHANGES:
        found = page.evaluate("([panel, changes]) => whatIf(panel, changes)", [data, changes])
        arrays = {name: np.array([value]) for name, value in changes.items()}
        more = grown_numbers(STUDY.setting, STUDY.case.growth, arrays)
        at = replace(STUDY.setting, keys=keys).but(**more)
        for name, shown in zip(DESIGNS, found, strict=True):
            design = STUDY.case.design(name)
            month: Estimate = estimate(design, at)
            assert close(shown["l1"], month.l1[0]), (name, changes)
            assert close(shown["hit_ratio"], month.hit_ratio[0]), (name, changes)
            assert close(shown["mean_ms"], month.waits.mean_ms[0]), (name, changes)
            assert close(shown["stored_gb"], month.stored_gb[0]), (name, changes)
            assert close(shown["usd"], monthly_usd(design, month, at)[0]), (name, changes)
            for count, number in month.counts.items():
                assert close(shown["counts"][count], number[0]), (name, count, changes)


def test_the_sliders_move_the_table_by_keyboard_and_come_back(
    browser: Browser, report: Report
) -> None:
    page = browser.new_page()
    page.goto((report.folder / "report.html").as_uri())
    unfold(page)
    before = page.locator(".what-if tbody").inner_text()
    text = "document.querySelector('.what-if tbody').innerText"
    slider = page.locator(".what-if input").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    page.wait_for_function(f"old => {text} !== old", arg=before)
    page.locator(".what-if button").press("Enter")
    page.wait_for_function(f"old => {text} === old", arg=before)
    page.close()


def test_the_panel_s_data_cannot_end_its_script(report: Report) -> None:
    html = (report.folder / "report.html").read_text("utf-8")
    start = html.index('<script type="application/json">') + 32
    data = json.loads(html[start : html.index("</script>", start)])
    assert [design["name"] for design in data["designs"]]
    assert not set(itertools.chain(html[start : html.index("</script>", start)])) & set("<>")
