"""What `cachelib check` says of a case that cannot be: the line, the key, what to do."""

from pathlib import Path

import pytest

from cachelib.model.case.case import CASES, Case, load_case
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.experiments.parameters import settle

READY = (CASES / "trading-sentiment.yaml").read_text("utf-8")


def with_design(folder: Path, words: str) -> Path:
    path = folder / "case.yaml"
    path.write_text(READY.replace("  - kv-only\n", f"  - {{name: mine, {words}}}\n", 1), "utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("l2: kv, expiry: slidng", "expiry: must be 'inherited', 'independent' or 'sliding'"),
        ("l1: false, expiry: sliding", "expiry: 'sliding' renews the TTL of an L1"),
        ("expiry: sliding, policy: refresh", "expiry: 'sliding' does not go with the policy"),
        ("l1_ttl_s: 0", "l1_ttl_s: must be greater than 0"),
        ("l2_tll_s: 60", "l2_tll_s: unknown key; did you mean 'l2_ttl_s'"),
    ],
)
def test_a_design_that_cannot_be_is_one_problem_that_names_the_key(tmp_path, words, said):
    with pytest.raises(InvalidFileError) as caught:
        load_case(with_design(tmp_path, words))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert f"name: mine, {words}" in problem.file.read_text("utf-8").split("\n")[problem.line - 1]


def test_a_sliding_ttl_is_a_word_in_a_case_and_in_its_schema(tmp_path):
    design = load_case(with_design(tmp_path, "l2: kv, expiry: sliding")).design("mine")
    assert design.expiry == "sliding"
    assert "sliding" in Case.model_json_schema()["$defs"]["Design"]["properties"]["expiry"]["enum"]


def test_a_case_says_which_part_of_a_logged_request_is_the_key_and_which_to_keep(tmp_path):
    log, case = tmp_path / "access.log", tmp_path / "case.yaml"
    line = '1.2.3.4 - - [01/Aug/2026:00:00:00 +0000] "GET {} HTTP/1.1" {} 10\n'
    log.write_text(line.format("/a?b=1", 200) + line.format("/a?b=2", 200) + line.format("/c", 500))
    said = "log:\n  key: split_part(url, '?', 1)\n  where: status = 200\n"
    case.write_text(READY.replace("log:\n  format: auto\n", said), "utf-8")
    trace = settle({"case": str(case), "trace": str(log)}).study.trace
    assert (trace.keys, len(trace)) == (["/a"], 2)
