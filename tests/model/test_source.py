"""Numbers of a case that stand in the source, held against the line that says them."""

from pathlib import Path

import pytest

from cachelib.model.case.case import load_case
from cachelib.model.case.source import Said, disagreement
from cachelib.model.schema.typed_yaml import InvalidFileError

SOURCE = """const MINUTE = 60;
export const HOUR = 60 * MINUTE;
const LOOP = LOOP + 1;
const settings = { ttlSeconds: 15 * MINUTE, refreshAfter: 0.8 };
crons = ["5 0 * * *"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.ts").write_text(SOURCE, "utf-8")
    return tmp_path


def said(line: int, says: str, **more: object) -> Said:
    return Said.model_validate({"file": "a.ts", "line": line, "says": says, **more})


@pytest.mark.parametrize(
    ("what", "number"),
    [
        (said(4, "15 * MINUTE"), 900),
        (said(2, "60 * MINUTE"), 3_600),
        (said(4, "0.8", times=900), 720),
        (said(5, "5 0 * * *"), 86_400),
        (said(4, "ttlSeconds"), None),
    ],
)
def test_what_the_line_says_is_what_the_case_says(folder, what, number):
    assert disagreement(what, folder, number) is None


@pytest.mark.parametrize(
    ("what", "number", "fault"),
    [
        (said(4, "15 * MINUTE"), 3_600, "a.ts:4 says 900, the case 3600"),
        (said(1, "15 * MINUTE"), 900, "does not say '15 * MINUTE'"),
        (said(99, "x"), None, "a.ts:99 does not say 'x'"),
        (said(3, "LOOP + 1"), 1, "no number"),
        (said(4, "ttlSeconds"), 1, "no number"),
    ],
)
def test_where_they_differ_the_line_is_named(folder, what, number, fault):
    assert fault in str(disagreement(what, folder, number))


@pytest.mark.parametrize("file", ["../a.ts", "/etc/passwd", "none.ts"])
def test_nothing_outside_of_the_repository_is_read(folder, file):
    inner = folder / "inner"
    inner.mkdir()
    what = Said(file=file, line=1, says="const")
    assert disagreement(what, inner, None) is not None


def test_a_case_that_disagrees_with_its_source_is_an_error_of_check(tmp_path):
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "a.ts").write_text(SOURCE, "utf-8")
    text = (Path(__file__).parents[1] / "report" / "small.yaml").read_text("utf-8")
    says = "says: {assumptions.l1_ttl_s.value: {file: a.ts, line: 4, says: 15 * MINUTE}}"
    system = 'system: {name: small, summary: "One page, two data centres.", path: repo, '
    head = text.index("system:")
    tail = text.index("\n", head)
    case = tmp_path / "case.yaml"
    case.write_text(f"{text[:head]}{system}{says}}}{text[tail:]}", "utf-8")
    with pytest.raises(InvalidFileError) as caught:
        load_case(case)
    (problem,) = caught.value.problems
    assert "a.ts:4 says 900, the case 3600" in str(problem)
    assert problem.line == text[:head].count("\n") + 1
