"""A first case of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.model.case.case import load_case
from cachelib.report import init
from cachelib.report.init import ExistsError, commented, write_case
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


def test_what_ties_the_example_to_its_place_is_left_out() -> None:
    claims = "".join(
        f"  - {{id: claim-{nr}, quote: a quote, section: one,\n     untested: not yet}}\n"
        for nr in range(5)
    )
    example = init.EXAMPLE.read_text("utf-8").replace("system:\n", "system:\n  path: ../worker\n")
    text = commented(f"{example.split('claims:')[0]}claims:\n{claims}")
    assert "../worker" not in text
    assert [f"claim-{nr}" in text for nr in range(5)] == [True, True, False, False, False]


def test_the_report_of_a_folder_goes_to_output_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my cache").mkdir()
    write_case(tmp_path / "my cache")
    monkeypatch.chdir(tmp_path / "my cache")
    assert folder_of(".") == Path("output/my-cache")
    assert folder_of("case.yaml") == Path("output/my-cache")
    assert folder_of("trading-sentiment") == Path("output/trading-sentiment")
