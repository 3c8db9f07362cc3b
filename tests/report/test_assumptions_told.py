"""Every number that the case does not state and the model takes stands in the Assumptions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cachelib.model.case.anew import WORK
from cachelib.report.language import capital
from cachelib.report.language import sentence as as_sentence
from cachelib.report.publish.decision import value
from cachelib.report.templates import markdown_environment
from tests.model.cases import small


@pytest.mark.parametrize("judged", [True, False])
def test_the_work_to_set_anew_what_is_there_is_listed_where_that_is_an_option(judged: bool) -> None:
    case = small(today="l1-kv").case
    assert case.set_anew
    names = [*case.design_names, *([case.set_anew] if judged else [])]
    told = markdown_environment().get_template("sections/assumptions.md.j2").render(
        case=case, options=[SimpleNamespace(design=name) for name in names],
        called=str, amount=value, concerns=lambda _: True, growth="",
        sentence=as_sentence, placed=[],
        called_option=lambda name: capital(case.words(name)), quoted_option=str,
    )  # fmt: skip
    (row,) = [line for line in told.splitlines() if "set anew" in line] or [""]
    assert bool(row) is judged
    if judged:
        assert ["1 h", "0.5 h", "4 h", WORK.why] == [
            cell.strip().replace("\u00a0", " ") for cell in row.split("|")[2:6]
        ]
