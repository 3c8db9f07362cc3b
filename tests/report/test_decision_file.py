"""`decision.json`: all of the decision as data, in the form that its schema promises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, ValidationError

from cachelib.cli import main
from cachelib.report.document.formats import json as format_
from cachelib.report.document.material import Material
from tests.report.test_unlike_cases import of

pytestmark = pytest.mark.timeout(300)
NAMES = ("fronted", "no_hours", "nothing_stands", "tie")
"""Of the unlike cases those whose outcomes are of different kinds."""


def outcome(name: str) -> dict[str, Any]:
    found: dict[str, Any] = of(name).decision["outcome"]
    return found


def fates(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for option in outcome(name)["options"]:
        found.setdefault(option["fate"], []).append(option["name"])
    return found


def test_the_schema_refuses_what_is_no_such_file() -> None:
    schema = Draft202012Validator(format_.schema())
    whole = of("tie").decision
    for wrong in (
        {**whole, "verdict": "keep"},
        {name: value for name, value in whole.items() if name != "outcome"},
        {**whole, "outcome": {**whole["outcome"], "recommended": 3}},
    ):
        with pytest.raises(ValidationError):
            schema.validate(wrong)


def test_the_command_prints_that_schema() -> None:
    printed = CliRunner().invoke(main, ["schema", "decision"])
    assert json.loads(printed.output) == json.loads(of("tie").files[format_.SCHEMA])


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_its_numbers_settings_and_chances(name: str) -> None:
    one, case = outcome(name), of(name).study.case
    names = [option["name"] for option in one["options"]]
    assert len(set(names)) == len(names)
    assert {*case.design_names} <= {*names} <= {*case.option_names}
    for option in one["options"]:
        assert option["metrics"].keys() == one["metrics"].keys()
        assert {*case.criteria.names()} <= option["metrics"].keys()
        assert 0 <= option["sure"]["best_or_tied"]["share"] <= 1
        assert option["sure"]["keeps_limits"]["share"] >= option["sure"]["chosen"]["share"]
        assert (option["rank"] == 1) == (option["fate"] == "chosen")
    knobs = {knob for option in one["options"] for knob in option["settings"]}
    assert "l1_ttl_s" in knobs


@pytest.mark.parametrize("name", NAMES)
def test_who_is_out_breaks_a_limit_by_what_the_numbers_say(name: str) -> None:
    one = outcome(name)
    limits = {limit["name"]: limit for limit in one["limits"]}
    for option in one["options"]:
        assert bool(option["breaks"]) == (option["fate"] == "out")
        for miss in option["breaks"]:
            bound = limits[miss["limit"]]["at_most"]
            assert miss["value"] == option["metrics"][limits[miss["limit"]]["metric"]]["value"]
            assert miss["beyond"] == pytest.approx((miss["value"] - bound) / bound)


def test_the_choice_is_the_one_that_the_sentences_name() -> None:
    for name in NAMES:
        words = [o["words"] for o in outcome(name)["options"] if o["fate"] == "chosen"]
        front = of(name).markdown.partition("\n## ")[2].partition("\n## ")[0]
        assert all(f"“{word}”" in front.replace("\\", "") for word in words)
        assert bool(words) == (outcome(name)["recommended"] is not None)


def test_a_tie_names_all_that_do_as_well() -> None:
    assert set(outcome("tie")["tied_with"]) == set(fates("tie")["tied"])
    assert outcome("tie")["tie_broken_by"]


def test_where_nothing_stands_nothing_is_recommended_and_every_option_is_out() -> None:
    assert outcome("nothing_stands")["recommended"] is None
    assert fates("nothing_stands").keys() == {"out"}


def test_a_flip_lies_between_two_different_choices() -> None:
    flips = [flip for name in NAMES for flip in outcome(name)["flips"]]
    assert flips
    for flip in flips:
        assert flip["before"] != flip["after"]
        assert flip["distance"] is None or flip["distance"] >= 1


def test_without_the_notebook_that_decides_the_rest_is_there() -> None:
    whole = of("tie").material
    findings = type(whole.findings)([])
    for found in whole.findings:
        if not found.finding.id.startswith("decision."):
            findings.add(found)
    files = format_.files(Material(whole.study, findings, whole.runs))
    decision = json.loads(files["decision.json"])
    assert decision["outcome"] is None
    assert "shared.hit_ratio" in decision["metrics"]
    Draft202012Validator(format_.schema()).validate(decision)
