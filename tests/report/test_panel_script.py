"""What the panel says of regret, of the map and of claims is what Python says: under node."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.live.node import NodeMissingError, find_node
from cachelib.model.case.case import Case
from cachelib.model.case.claims import Claim, Region
from cachelib.model.judgement import regions, surface
from cachelib.model.judgement.draws import CHANCE, draw
from cachelib.model.judgement.model import Correction, Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.regret import sureness
from cachelib.model.judgement.study import Study
from cachelib.report.document.page import FORMULAS, SCRIPTS, script
from cachelib.report.document.what_if import COMPARED_WITH, _case, judged_with
from cachelib.report.experiments.parameters import settle
from cachelib.report.numbers import given, shown
from cachelib.report.templates import FOLDER, html_environment
from tests.model.cases import small

PLACES = {"NRT": 7, "FRA": 20, "SYD": 5, "AMS": 11}


def test_the_copied_case_draws_the_same_traffic_in_the_case_s_own_order() -> None:
    """Though notebooks, which carry the panel, are written with their mappings sorted."""
    study = small(workload={"colos": PLACES})
    given: Any = SimpleNamespace(study=study, options=options(study))
    carried = json.loads(json.dumps({"case": _case(given)}, sort_keys=True))
    asked = {"panel": carried | {"criteria": {"limits": []}}, "changes": {"origin_ms": 310}}
    copied = json.loads(said_by_the_page(asked, "caseWith(panel, changes)"))
    own = study.case.model_dump(mode="json")
    for name in ("workload", "knobs"):
        there = [key for key in copied[name] if key in own[name]]
        assert there == [key for key in own[name] if key in there], name
    assert list(copied["workload"]["colos"]) == list(PLACES)
    again = Study(Case.model_validate(copied))
    assert again.case.assumed["origin_ms"].value == 310
    assert again.trace.colos == study.trace.colos
    assert np.array_equal(again.trace.colo, study.trace.colo)
    assert np.array_equal(again.trace.key, study.trace.key)


HELD: list[dict[str, float]] = [{}, {"requests_per_month": 2e6, "limit:p95_ms": 400.0}]
FEW = 30


def said_by_the_page(asked: dict[str, Any], asking: str) -> Any:
    """What the panel's formulas answer to `asking`, in which `asked` is there by name."""
    try:
        node = str(find_node())
    except NodeMissingError:
        pytest.skip("there is no node")
    scripts = "".join((FOLDER / name).read_text("utf-8") for name in FORMULAS)
    names = ", ".join(asked)
    program = f"""{scripts}
    const {{ {names} }} = JSON.parse(require("node:fs").readFileSync(0));
    const drained = (steps) => {{
      for (;;) {{ const {{ value, done }} = steps.next(); if (done) return value; }}
    }};
    console.log(JSON.stringify({asking}));"""
    given = json.dumps(asked)
    done = subprocess.run(
        [node, "-e", program], input=given, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(4.62e-14, "ms", "0 ms"), (-4.62e-14, "ms", "0 ms"), (0.0012, "ms", "0.0012 ms"),
     (1162.46, "USD", "$1,162.46"), (-3.5, "USD", "-$3.50"), (1, "times", "1×"),
     (1.7, "times", "1.7×"), (1, "isolates", "1 isolate"), (0.9999, "neurons", "1 neuron"),
     (6, "pods", "6 pods"), (1, "ms", "1 ms"), (1, "s", "1 s"), (1, "hours", "1 h")],
)  # fmt: skip
def test_numbers_are_told_as_in_the_report(value: float, unit: str, said: str) -> None:
    assert said_by_the_page({"value": value, "unit": unit}, "told(value, unit)") == (
        said.replace(" ", "\xa0")
    )


def test_the_page_rounds_as_the_report_does() -> None:
    """Halves among them, of which a computer holds some a hair below and others a hair above."""
    shares = [nth / 2_000 for nth in range(2_001)] + [1 - 0.7885, 0.99983, 0.9999999, 1 - 1e-12]
    sizes = [nth + step for nth in (1, 12, 2_692, 9_999) for step in (0.005, 0.25, 0.5, 0.575)]
    asked = [(share, "ratio") for share in shares]
    asked += [(size, unit) for size in sizes for unit in ("ms", "USD", "times")]
    told = said_by_the_page({"asked": asked}, "asked.map(([value, unit]) => told(value, unit))")
    assert told == [shown(value, unit) for value, unit in asked]  # type: ignore[arg-type]


def test_a_limit_has_all_its_digits_on_the_page_too() -> None:
    asked = [(0.9983, "ratio"), (0.15, "ratio"), (1_250.5, "ms"), (120, "USD"), (2.125, "times")]
    said = said_by_the_page({"asked": asked}, "asked.map(([value, unit]) => given(value, unit))")
    assert said == [given(value, unit) for value, unit in asked]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> Model:
    """The shipped case's options, with noise, so that there are ties."""
    study = settle({"case": "trading-sentiment"}).study
    rng = np.random.default_rng(5)
    there = tuple(options(study))
    noise = {name: rng.uniform(0, 0.3, len(there)) for name in ("bill_usd", "p95_ms")}
    return Model(study, there, resolution=noise)


def drawn(model: Model) -> dict[str, Any]:
    chance = np.random.default_rng(1).uniform(-2, 2, FEW)
    return draw(model.study, model.options, FEW, seed=2) | {CHANCE: chance}


def test_what_is_left_of_a_formula_s_error_is_the_same_in_the_page(model: Model) -> None:
    rng = np.random.default_rng(7)
    names = ["origin_ms", "value_life_s"]
    here = np.log([500.0, 14_400.0])
    places = here + rng.uniform(-1, 1, (20, 2))
    fits = {
        ("l1-kv", name): surface.through(names, here, places, rng.uniform(-0.5, 0.5, 20))
        for name in ("bill_usd", "late_share")
    }
    model, numbers = replace(model, surrogates=fits), drawn(model)
    numbers = {name: values for name, values in numbers.items() if name != CHANCE}
    held = [{name: values[nth] for name, values in numbers.items()} for nth in range(FEW)]
    found = said_by_the_page(
        {"panel": judged_with(model), "held": [{}, *held]},
        "held.map((changes) => whatIf(panel, changes).find(({ name }) => name === 'l1-kv').values)",
    )
    option = model.option("l1-kv")
    asked = ["bill_usd", "late_share"]
    wanted = model.values(option, numbers, asked)
    plain = replace(model, surrogates={}).values(option, numbers, asked)
    for name in asked:
        assert [one[name] for one in found[1:]] == pytest.approx(wanted[name].tolist(), rel=1e-7)
        assert wanted[name].tolist() != pytest.approx(plain[name].tolist(), rel=0.01)
        assert found[0][name] == pytest.approx(float(model.values(option, {}, asked)[name][0]))


CALLS: dict[str, dict[str, Any]] = {
    "trading-sentiment": {"load_cpu_ms": 900},
    "catalogue-lambda": {"origin_cpu_ms": 700, "prices.origin.cpu_hours": 50},
    "news-workers": {"origin_rows_read": 4e6, "origin_rows_written": 9_000, "load_cpu_ms": 900,
                     "workers_cache_assets": 2.5, "workers_cache_calls": 1,
                     "workload.schedules": [{"op": "list", "every_s": 60, "clients": 90}]},
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_what_calls_of_the_origin_take_is_billed_as_in_the_report(case: str) -> None:
    busy = {"case": case, "requests_per_month": 3e7}
    plain, study = settle(busy).study, settle(busy | CALLS[case]).study
    there = Model(study, tuple(options(study)))
    found = said_by_the_page({"panel": judged_with(there)}, "whatIf(panel, {})")
    for option, said in zip(there.options, found, strict=True):
        told = there.values(option, {}, ["bill_usd", "p95_ms"])
        for name, value in told.items():
            assert said["values"][name] == pytest.approx(value.item()), (option.name, name)
        wanted = told["bill_usd"].item()
        without = Model(plain, (option,)).values(option, {}, ["bill_usd"])["bill_usd"][0]
        assert (wanted > float(without) + 0.01) != option.design.loads_in_objects, option.name


def test_a_bill_below_what_the_plan_charges_anyway_is_none_in_the_page_either(
    model: Model,
) -> None:
    halved = {("l1-kv", "bill_usd"): Correction("factor", 0.5)}
    panel = judged_with(replace(model, corrections=halved))
    (found,) = said_by_the_page(
        {"panel": panel, "changes": {"requests_per_month": 10.0}},
        "[whatIf(panel, changes).find(({ name }) => name === 'l1-kv').values]",
    )
    assert found["bill_usd"] == 5


def test_what_few_draws_say_is_brought_to_what_the_report_found() -> None:
    report = {"kept": 0.9, "best": 0.87, "mean": 15.0, "error": 1.0}
    here = {"kept": 0.88, "best": 0.8, "mean": 12.0, "error": 3.0}
    never = {"kept": 0.0, "best": 0.0, "mean": 24.0, "error": 6.0}
    always = {"kept": 1.0, "best": 1.0, "mean": 0.0, "error": 0.0}
    same, no, yes = said_by_the_page(
        {"report": report, "here": here, "all": [here, never, always]},
        "all.map((there) => brought(report, here, there))",
    )
    assert same == pytest.approx(report | {"error": 3.75})
    assert no == pytest.approx({"kept": 0, "best": 0, "mean": 30.0, "error": 7.5})
    assert yes == pytest.approx(always)


@pytest.mark.parametrize("broken_limit", [None, 7.5])
def test_regret_is_that_of_the_same_draws(model: Model, broken_limit: float | None) -> None:
    case = model.study.case
    criteria = case.criteria.model_copy(update={"broken_limit": broken_limit})
    study = replace(model.study, case=case.model_copy(update={"criteria": criteria}))
    model, numbers = replace(model, study=study), drawn(model)
    draws = {name: values.tolist() for name, values in numbers.items()}
    panel = judged_with(model) | {"draws": draws}
    found = said_by_the_page(
        {"panel": panel, "held": HELD}, "held.map((changes) => drained(tried(panel, changes)))"
    )
    for changes, options_found in zip(HELD, found, strict=True):
        moved = {name: np.full(FEW, value) for name, value in changes.items()}
        wanted = sureness(criteria, model.standing(numbers | moved))
        assert len({sure.best.value for sure in wanted.values()}) > 1
        for sure, said in zip(wanted.values(), options_found, strict=True):
            assert said["kept"] == pytest.approx(sure.keeps.value)
            assert said["best"] == pytest.approx(sure.best.value)
            if np.isnan(sure.regret.mean):
                assert said["mean"] is None
                continue
            regret = (said["mean"], said["error"], said["p95"])
            assert regret == pytest.approx(
                (sure.regret.mean, sure.regret.mean_error, sure.regret.p95), rel=1e-7, abs=1e-9
            )


def test_the_map_shows_the_choice_of_the_model(model: Model) -> None:
    x, y = "requests_per_month", "limit:p95_ms"
    ends = {"x": {"low": 1e3, "high": 1e9, "log": True}, "y": {"low": 20, "high": 2000, "log": 1}}
    held = {"origin_ms": 300.0}
    found = said_by_the_page(
        {"panel": judged_with(model), "held": held, **ends},
        f"""((xs, ys) => ({{ xs, ys,
          rows: drained(chosenOver(panel, held, "{x}", "{y}", xs, ys)) }}))(
            placesOn(x, 9), placesOn(y, 8))""",
    )
    assert found["xs"] == pytest.approx(np.geomspace(1e3, 1e9, 9).tolist())
    assert found["ys"] == pytest.approx(np.geomspace(20, 2000, 8).tolist())
    across, up = np.meshgrid(found["xs"], found["ys"])
    moved = {name: np.full(across.size, value) for name, value in held.items()}
    wanted = model.standing({x: across.ravel(), y: up.ravel()} | moved).chosen
    assert found["rows"] == wanted.reshape(across.shape).tolist()
    assert len(np.unique(wanted)) > 2


def test_boxes_of_a_map_cover_each_cell_once_by_its_own_choice() -> None:
    rows = np.random.default_rng(3).integers(-1, 2, (7, 6)).tolist()
    covered = np.full((7, 6), 9)
    for box in said_by_the_page({"rows": rows}, "boxesOf(rows)"):
        there = (slice(box["y"], box["y"] + box["high"]), slice(box["x"], box["x"] + box["wide"]))
        assert (covered[there] == 9).all()
        covered[there] = box["chosen"]
    assert covered.tolist() == rows


METRICS = ("hit_ratio", "p50_ms", "bill_usd", "busiest_load", "writes_saved", *COMPARED_WITH)


def test_a_claim_follows_the_formula_brought_to_what_was_found(model: Model) -> None:
    over = Region(over="requests_per_month", of="l1-kv.hit_ratio", low=1, high=2)
    claims = tuple(
        Claim(id=name.replace("_", "-"), quote="It is so.", section="One", metric="some.finding",
              low=0.2, high=0.9, region=over.model_copy(update={"of": f"l1-kv.{name}"}))
        for name in METRICS
    )  # fmt: skip
    case = model.study.case.model_copy(update={"claims": claims})
    study = replace(model.study, case=case)
    panel = judged_with(replace(model, study=study))
    traffic, measured = 3e7, 0.4
    found = said_by_the_page(
        {"panel": panel, "changes": {"requests_per_month": traffic}, "measured": measured},
        "panel.claims.map((claim) => claimAt(panel, claim, changes, measured))",
    )
    for claim, name, said in zip(claims, METRICS, found, strict=True):
        values = np.array([study.requests_per_month, traffic])
        here, there = regions.metric(study, f"l1-kv.{name}", "requests_per_month", values)
        correction = Correction.between(name, float(here), measured)
        wanted = float(correction.applied(np.array(there)))
        assert said["value"] == pytest.approx(wanted, rel=1e-7), name
        assert said["holds"] == claim.holds_for(wanted)


@pytest.mark.parametrize("has_draws", [True, False])
def test_what_is_held_is_said_beside_the_outcome(has_draws: bool) -> None:
    """That options stay as they are set, and that what is moved is no longer varied."""
    page = html_environment().get_template("partials/panel.html.j2").render(
        data="", sliders=[], columns=[], designs=[], is_unsure=False, has_draws=has_draws
    )  # fmt: skip
    beside = page.partition('role="status"')[2].partition('<div class="sliders">')[0]
    assert "Each option stays at its settings" in beside
    assert ("counts as known and is varied no more" in beside) == has_draws
    assert "judged anew" not in page


def test_the_page_has_every_line_of_its_scripts_but_comments() -> None:
    sources = [(FOLDER / name).read_text("utf-8").splitlines() for name in SCRIPTS]
    code = [line for lines in sources for line in lines if not line.lstrip().startswith("//")]
    first, *told = script().splitlines()
    assert first.startswith("// The sources, with comments: templates/")
    assert [line for line in told if line] == [line for line in code if line]
