"""A first case of one's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.errors import CachelibError
from cachelib.model.case.case import SETTINGS, Case, Criteria, case_schema, load_case
from cachelib.model.case.names import PROFILE
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic.workload import Workload
from cachelib.report.init import Answers, ExistsError, write_case
from cachelib.report.reuse.plan import folder_of


def test_the_written_case_is_good_and_says_what_its_keys_mean(tmp_path: Path) -> None:
    path = write_case(tmp_path / "new" / "mine")
    assert load_case(tmp_path / "new" / "mine") == load_case(path)
    text = path.read_text("utf-8")
    assert text.startswith("# A case: one decision to make.")
    assert "\n# The system that the decision is about.\n" in text
    assert "#   zipf: exponent; 0 asks every key alike\n" in text


def test_a_case_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text("mine")
    with pytest.raises(ExistsError, match=r"case\.yaml: is there already"):
        write_case(tmp_path)
    assert (tmp_path / "case.yaml").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExistsError, match="is there already"):
        write_case(tmp_path / "file")


def test_no_word_of_another_system_is_in_it_and_every_section_is_named(tmp_path: Path) -> None:
    text = write_case(tmp_path).read_text("utf-8")
    for word in ("trading", "sentiment", "tft", "SYMBOL", "model answers"):
        assert word not in text
    for section in Case.model_fields:
        assert re.search(rf"^(# )?{section}\b", text, re.MULTILINE), section
    for key in [*PROFILE, *SETTINGS, *Criteria.model_fields, *Workload.model_fields]:
        assert re.search(rf"\b{key}\b", text), key


FILES = {"Profile", "PriceBook", "Fact", "Meter", "Plan"}
"""What is in files beside a case."""


def test_every_key_that_a_case_may_have_is_named_in_it(tmp_path: Path) -> None:
    text = write_case(tmp_path).read_text("utf-8")
    assert "see `" not in text
    for kind, node in case_schema()["$defs"].items():
        for key in node.get("properties", {}) if kind not in FILES else ():
            assert re.search(rf"\b{key}\b", text), (kind, key)
    for keys in ("op, every_s, keys, clients, colo", "value, values, low, high, unit, why"):
        assert keys in text
    for keys in ("writes, keys, value_life", "at_least, low, high, costs", "l1_max_entries"):
        assert keys in text


def test_what_the_user_says_is_in_it(tmp_path: Path) -> None:
    answers = Answers(
        name='the "shop"', requests_per_month=5e6, colos={"MAD": 2.0, "LIS": 1.0}, keys=12,
        origin_ms=0, today="kv-only", against="l1-r2",
    )  # fmt: skip
    case = load_case(write_case(tmp_path, answers))
    assert case.system.name == 'the "shop"'
    assert (case.workload.requests_per_month, case.workload.keys) == (5e6, 12)
    assert case.workload.colos == {"MAD": 2.0, "LIS": 1.0}
    assert (case.design_names[0], case.today, case.against) == ("kv-only", "kv-only", "l1-r2")


def test_each_option_has_a_line_that_says_what_it_is_and_may_be_taken_out(tmp_path: Path) -> None:
    path = write_case(tmp_path, Answers(origin_ms=100))
    text = path.read_text("utf-8")
    for design in load_case(path).design_names:
        line = f"  - {design}  # {BUILT_IN[design].words}\n"
        assert text.count(line) == 1
        if design != "durable-object":  # which is asked about
            path.write_text(text.replace(line, ""), "utf-8")
            assert design not in load_case(path).design_names
    assert "low: 33.0, high: 300," in text


def test_what_nobody_said_is_there_today_is_not_said(tmp_path: Path) -> None:
    case = load_case(write_case(tmp_path))
    assert case.today is None
    assert "still right" not in case.question


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers(today="kv-olny"), "did you mean 'kv-only'"),
        (Answers(colos={"FRAX": 1}), "did you mean 'FRA'"),
        (Answers(requests_per_month=1e15), "must be less than or equal to"),
    ],
)
def test_an_answer_that_cannot_be_is_an_error_and_writes_nothing(
    answers: Answers, said: str, tmp_path: Path
) -> None:
    with pytest.raises(CachelibError) as caught:
        write_case(tmp_path / "new", answers)
    assert said in str(caught.value)
    assert not (tmp_path / "new" / "case.yaml").exists()


def test_a_place_that_is_named_twice_is_an_error(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["init", str(tmp_path / "own"), "--colos", "FRA=3,FRA=2"])
    assert said.exit_code == 2
    assert "FRA is there twice" in said.output
    assert not (tmp_path / "own").exists()


def test_a_place_where_nothing_can_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExistsError, match="cannot be written"):
        write_case(Path("/proc/nothing"))


def test_the_report_of_a_folder_goes_to_output_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my cache").mkdir()
    write_case(tmp_path / "my cache")
    monkeypatch.chdir(tmp_path / "my cache")
    assert folder_of(".") == Path("output/my-cache")
    assert folder_of("case.yaml") == Path("output/my-cache")
    assert folder_of("trading-sentiment") == Path("output/trading-sentiment")
