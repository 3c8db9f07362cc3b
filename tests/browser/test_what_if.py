"""The what-if panel says what Python says: every metric to 1e-9, and the same choice."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.draws import draw
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.sweeps import sweeps
from cachelib.model.tiers.design import Design
from cachelib.report.build import Report, build
from cachelib.report.document.page import FORMULAS
from cachelib.report.document.what_if import judged_with
from cachelib.report.experiments.parameters import settle
from cachelib.report.numbers import shown
from cachelib.report.templates import FOLDER
from tests.browser.conftest import unfold

SLIDING = Design(name="sliding", l2="kv", l1_ttl_s=60, expiry="sliding")
WHAT_IF = """asked => {
    const [panel, changes] = JSON.parse(asked);
    const said = (_, value) => Number.isNaN(value) ? "NaN" : value;
    return JSON.stringify(changes.map(change => whatIf(panel, change)), said);
}"""
"""All in one message, and as text: handing over the panel takes longer than working it out."""
JUDGED = WHAT_IF.replace("whatIf(panel, change)", "judge(panel, whatIf(panel, change), change)")
MEASURED = [name for name, metric in METRICS.items() if metric.measured]
pytestmark = pytest.mark.timeout(600)


class Shipped:
    """The shipped case with one more design, and the model of all its options."""

    @cached_property
    def model(self) -> Model:
        study = settle({"case": "trading-sentiment"}).study
        case = study.case.model_copy(update={"designs": (*study.case.designs, SLIDING)})
        study = replace(study, case=case)
        return Model(study, tuple(options(study)))


SHIPPED = Shipped()


def close(name: str, found: float, wanted: float) -> bool:
    """To rounding; quantiles to what `formulas.roots` stops at."""
    near = 1e-7 if name in ("p50_ms", "p95_ms", "p99_ms") else 1e-9
    return found == pytest.approx(wanted, rel=near, abs=1e-12, nan_ok=True)


@pytest.fixture
def page(browser: Browser) -> Any:
    page = browser.new_page()
    for name in FORMULAS:
        page.add_script_tag(path=FOLDER / name)
    yield page
    page.close()


def test_every_metric_of_every_option_at_every_end(page: Page) -> None:
    model = SHIPPED.model
    data = judged_with(model)
    data["criteria"]["metrics"] = {name: {} for name in MEASURED}
    ends = [{sweep.name: end} for sweep in sweeps(model) for end in (sweep.low, sweep.high)]
    several = {"requests_per_month": 3e8, "value_life_s": 500.0, "origin_neurons": 900.0}
    everywhere = [{}, several, *ends]
    asked = json.dumps([data, everywhere])
    at_each = json.loads(page.evaluate(WHAT_IF, asked))
    for changes, found in zip(everywhere, at_each, strict=True):
        numbers = {name: np.array([value]) for name, value in changes.items()}
        for option, told in zip(model.options, found, strict=True):
            wanted = model.values(option, numbers, MEASURED)
            for name in MEASURED:
                said = float(told["values"][name])
                assert close(name, said, float(wanted[name][0])), (option.name, name, changes, said)


def test_the_choice_is_that_of_the_model_wherever_the_numbers_are(page: Page) -> None:
    model = SHIPPED.model
    rng = np.random.default_rng(5)
    noise = {name: rng.uniform(0, 2, len(model.options)) for name in ("bill_usd", "mean_ms")}
    model = replace(model, resolution=noise)
    drawn = draw(model.study, model.options, 60, seed=3)
    bounds = {
        "limit:p95_ms": rng.uniform(100, 2_000, 60),
        "limit:late_share": rng.uniform(0, 0.2, 60),
    }
    numbers = drawn | bounds
    standing = model.standing(numbers)
    everywhere = [
        {name: float(values[nth]) for name, values in numbers.items()} for nth in range(60)
    ]
    asked = json.dumps([judged_with(model), everywhere])
    at_each, chosen = json.loads(page.evaluate(JUDGED, asked)), []
    for nth, (changes, judged) in enumerate(zip(everywhere, at_each, strict=True)):
        chosen.append(judged["chosen"])
        assert judged["tied"] == standing.tied[:, nth].tolist(), changes
    assert chosen == standing.chosen.tolist()
    assert len(set(chosen)) > 2


@pytest.fixture
def opened(browser: Browser, report: Report) -> Any:
    page = browser.new_page()
    page.goto((report.folder / "report.html").as_uri())
    unfold(page)
    yield page
    page.close()


@pytest.fixture
def shipped(browser: Browser, with_claims: Path) -> Any:
    """The panel of the shipped case, whose numbers there are enough of for a map."""
    page = browser.new_page()
    page.goto(with_claims.as_uri())
    unfold(page)
    page.wait_for_function("() => document.querySelectorAll('.map rect').length > 0")
    yield page
    page.close()


ANSWER = "document.querySelector('.what-if [role=status]').textContent"
TABLE = "document.querySelector('.what-if tbody').innerText"


def test_at_the_case_s_numbers_it_gives_the_recommendation(opened: Page, report: Report) -> None:
    outcome = json.loads((report.folder / "decision.json").read_text())["outcome"]
    words = next(o["words"] for o in outcome["options"] if o["fate"] == "chosen")
    opened.wait_for_function(f"() => {ANSWER} !== ''")
    assert opened.evaluate(ANSWER).startswith(f"As in the case: “{words}” would be chosen")


SURE = """[...document.querySelectorAll(".what-if tbody tr")].map(row =>
    [row.cells[0], ...row.querySelectorAll(".sure")].map(cell => cell.textContent))"""


def test_at_the_case_s_numbers_it_is_as_sure_as_the_report(opened: Page, report: Report) -> None:
    outcome = json.loads((report.folder / "decision.json").read_text())["outcome"]
    opened.wait_for_function(f"() => !{TABLE}.includes('…')")
    wanted = {}
    for option in outcome["options"]:
        sure, unit = option["sure"], outcome["unit"]
        regret = (
            f"{shown(sure['regret']['mean'], unit)} ± {shown(sure['regret']['mean_error'], unit)}"
        )
        cost = regret if sure["regret"]["mean"] else shown(0.0, unit)
        cost = cost if sure["keeps_limits"]["share"] else "–"
        wanted[option["words"]] = [shown(sure["best_or_tied"]["share"], "ratio"), cost]
    said = {words: sure for words, *sure in opened.evaluate(SURE)}
    assert said == wanted


def test_the_map_is_of_two_numbers_that_the_reader_chooses(shipped: Page) -> None:
    chosen = shipped.locator(".what-if .map")
    across, up = chosen.locator("select").all()
    ends = "[...document.querySelectorAll('.map text')].map(text => text.textContent)"
    before = shipped.evaluate(ends)
    other = next(
        value
        for value in across.evaluate("box => [...box.options].map(one => one.value)")
        if value not in (across.input_value(), up.input_value())
    )
    across.select_option(other)
    shipped.wait_for_function(f"old => {ends}.join() !== old.join()", arg=before)
    assert up.locator(f"option[value='{other}']").is_disabled()
    shares = re.findall(r"\(([\d.]+)\s%\)", chosen.locator("ul").inner_text())
    assert sum(map(float, shares)) == pytest.approx(100, abs=1)


FINE = """() => [...document.querySelectorAll(".map rect")]
    .some(box => box.height.baseVal.value < 20)"""
"""The map of 21 by 21, which takes the place of a first one of 7 by 7."""
OF_THE_MAP = """() => {
    const svg = document.querySelector(".map svg"), {width, height} = svg.viewBox.baseVal;
    return [...svg.querySelectorAll("text")].filter(text => text.checkVisibility()).map(text => {
        const box = text.getBBox();
        const others = [...svg.querySelectorAll("text")].filter(other => other !== text
            && other.checkVisibility()).map(other => other.getBBox());
        const apart = (a, b) => a.x > b.x + b.width || a.y > b.y + b.height;
        return {alone: others.every(other => apart(box, other) || apart(other, box)),
                size: parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d,
                within: box.x >= 0 && box.x + box.width <= width
                    && box.y >= 0 && box.y + box.height <= height};
    });
}"""


@pytest.mark.parametrize("width", [360, 1280])
def test_the_words_of_the_map_can_be_read_and_lie_within_it(shipped: Page, width: int) -> None:
    shipped.set_viewport_size({"width": width, "height": 800})
    shipped.wait_for_function(FINE)
    words = shipped.evaluate(OF_THE_MAP)
    assert len(words) > 5
    assert all(word["within"] and word["alone"] for word in words)
    assert min(word["size"] for word in words) >= 9


def test_areas_of_the_map_have_no_seams(shipped: Page) -> None:
    """Boxes that overlap by a hair are all of them opaque; what holds them lets light through."""
    shipped.wait_for_function(FINE)
    faint = "all => all.filter(each => getComputedStyle(each).fillOpacity !== '1').length"
    assert shipped.locator(".map rect").evaluate_all(faint) == 0
    assert shipped.locator(".map svg > g[opacity]").count() == 1


COLOUR_AT_THE_RING = """() => {
    const ring = document.querySelector(".map circle");
    const [x, y] = [ring.cx, ring.cy].map(c => c.baseVal.value);
    return [...document.querySelectorAll(".map rect")].find(box => box.getBBox().x <= x
        && x <= box.getBBox().x + box.getBBox().width && box.getBBox().y <= y
        && y <= box.getBBox().y + box.getBBox().height).style.fill;
}"""


def test_a_click_on_the_map_moves_both_numbers_there_and_its_colour_is_the_choice(
    shipped: Page,
) -> None:
    across, up = (box.input_value() for box in shipped.locator(".map select").all())
    drawing, ring = shipped.locator(".map svg"), shipped.locator(".map circle")
    wide, high, middle = 496, 326, (248, 150)  # a point that is asked, however fine the map is
    size: Any = drawing.bounding_box()
    x, y = middle[0] / wide * size["width"], middle[1] / high * size["height"]
    drawing.click(position={"x": x, "y": y})
    shipped.wait_for_function("() => location.hash.includes('?')")
    assert {across, up} == set(re.findall(r"[?&]([^=&]+)=", unquote(shipped.url)))
    there = "([x, y]) => { const { cx, cy } = document.querySelector('.map circle');"
    there += " return Math.hypot(cx.baseVal.value - x, cy.baseVal.value - y) < 2; }"
    shipped.wait_for_function(there, arg=middle)
    assert ring.count() == 1
    data = json.loads(shipped.locator(".what-if script").text_content() or "")
    colours = {design["words"]: f"var({design['colour']})" for design in data["designs"]}
    chosen = shipped.locator(".what-if tr.chosen th").all_inner_texts()
    wanted = colours[chosen[0]] if chosen else "var(--line)"
    assert shipped.evaluate(COLOUR_AT_THE_RING) == wanted


@pytest.mark.parametrize("key", ["ArrowRight", "ArrowLeft"])
def test_a_step_of_the_keyboard_is_small(opened: Page, key: str) -> None:
    for slider in opened.locator(".what-if input[type=range]").all():
        place = "box => (box.value - box.min) / (box.max - box.min)"
        before = slider.evaluate(place)
        slider.press(key)
        assert abs(slider.evaluate(place) - before) <= 0.0101


@pytest.mark.parametrize("key", ["ArrowUp", "ArrowDown"])
def test_a_typed_number_goes_by_keyboard_as_far_as_its_slider(opened: Page, key: str) -> None:
    for box in opened.locator(".what-if .slider").all():
        slider, typed = box.locator("input[type=range]"), box.locator("input[type=number]")
        place = "box => (box.value - box.min) / (box.max - box.min)"
        before, shown = slider.evaluate(place), typed.input_value()
        typed.press(key)
        assert 0 < abs(slider.evaluate(place) - before) <= 0.0101
        assert typed.input_value() != shown


def test_the_sliders_move_the_table_by_keyboard_and_come_back(opened: Page) -> None:
    opened.wait_for_function(f"() => !{TABLE}.includes('…')")
    before = opened.evaluate(TABLE)
    slider = opened.locator(".what-if input[type=range]").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    opened.wait_for_function(f"old => {TABLE} !== old", arg=before)
    opened.locator(".what-if .reset").press("Enter")
    opened.wait_for_function(f"old => {TABLE} === old", arg=before)


def test_a_number_can_be_typed_and_the_address_remembers_it(opened: Page, browser: Browser) -> None:
    typed = opened.locator(".what-if .slider", has_text="traffic").locator("input[type=number]")
    typed.fill("123456")
    typed.press("Tab")
    opened.wait_for_function("() => location.hash.includes('requests_per_month=123456')")
    again = browser.new_page()
    again.goto(opened.url)
    unfold(again)
    assert again.locator(".what-if .slider output").first.inner_text() == "123,000\u00a0a month"
    opened.wait_for_function(f"() => !{TABLE}.includes('…')")
    again.wait_for_function(f"wanted => {TABLE} === wanted", arg=opened.evaluate(TABLE))
    again.close()


def test_a_typed_number_beyond_the_track_is_held_at_its_end_without_absurd_digits(
    opened: Page,
) -> None:
    for typed in opened.locator(".what-if input[type=number]").all():
        typed.fill("1e300")
        typed.press("Tab")
    opened.wait_for_timeout(400)
    shown = opened.evaluate(TABLE)
    assert "e+" not in shown
    assert "NaN" not in shown
    assert max(map(len, shown.split("\t"))) < 60


def test_one_thing_is_announced_and_not_the_table(opened: Page) -> None:
    assert opened.locator(".what-if [aria-live], .what-if [role=status]").count() == 1


def test_the_copied_case_runs_and_gives_the_panel_s_numbers(opened: Page, tmp_path: Path) -> None:
    typed = opened.locator(".what-if .slider", has_text="traffic").locator("input[type=number]")
    typed.fill("6000")
    typed.press("Tab")
    opened.locator(".what-if .copy").click()
    (tmp_path / "case.yaml").write_text(opened.locator(".what-if textarea").input_value())
    given = {"case": str(tmp_path / "case.yaml"), "live_requests": 0, "draws": 200}
    done = build(given, tmp_path / "out", jobs=2, progress=lambda *_: None, only=("09_decision",))
    outcome = json.loads((done.folder / "decision.json").read_text())["outcome"]
    answer = opened.evaluate(ANSWER)
    words = next(o["words"] for o in outcome["options"] if o["fate"] == "chosen")
    assert f"“{words}” would be chosen" in answer


def test_what_is_copied_is_on_the_clipboard_and_holds_what_was_moved(
    browser: Browser, report: Report
) -> None:
    page = browser.new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto((report.folder / "report.html").as_uri())
    unfold(page)
    typed = page.locator(".what-if .slider", has_text="traffic").locator("input[type=number]")
    typed.fill("6000")
    typed.press("Tab")
    page.locator(".what-if .copy").click()
    shown = page.locator(".what-if textarea").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert json.loads(shown)["workload"]["requests_per_month"] == 6_000
    page.close()


def test_the_panel_s_data_cannot_end_its_script(report: Report) -> None:
    html = (report.folder / "report.html").read_text("utf-8")
    start = html.index('<script type="application/json">') + 32
    inside = html[start : html.index("</script>", start)]
    assert [design["name"] for design in json.loads(inside)["designs"]]
    assert not set(inside) & set("<>")
