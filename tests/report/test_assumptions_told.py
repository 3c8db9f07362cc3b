"""Every number that the case does not state and the model takes stands in the Assumptions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.model.case.anew import WORK
from cachelib.report.language import capital, listed
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
        sentence=as_sentence, placed=[], is_made=True, begins_empty=False, long_lives="",
        called_option=lambda name: capital(case.words(name)), quoted_option=str,
    )  # fmt: skip
    (row,) = [line for line in told.splitlines() if "set anew" in line] or [""]
    assert bool(row) is judged
    if judged:
        assert ["1 h", "0.5 h", "4 h", WORK.why] == [
            cell.strip().replace("\u00a0", " ") for cell in row.split("|")[2:6]
        ]


BURSTS = {"requests_per_month": 20_000, "keys": 20, "zipf": 1.0, "key_prefix": "/",
          "value_bytes": 100, "colos": {"FRA": 1, "SJC": 1}, "burst_share": 0.2}  # fmt: skip


@pytest.mark.parametrize("made", [True, False])
def test_a_month_that_is_made_says_where_its_bursts_come_from_and_how_it_begins(made: bool) -> None:
    case = small(workload=BURSTS).case
    told = markdown_environment().get_template("sections/assumptions.md.j2").render(
        case=case, options=[], called=str, amount=value, concerns=lambda _: True, growth="",
        sentence=as_sentence, placed=[], is_made=made, begins_empty=made, long_lives="",
        called_option=str, quoted_option=str,
    )  # fmt: skip
    assert ("Requests of a burst come from all data centres" in told) == made
    assert ("begins with empty caches" in told) == made


@pytest.mark.parametrize(("origin_at", "said"), [({}, True), ({"origin_at": ["FRA"]}, False)])
def test_an_origin_that_has_a_place_is_not_said_to_have_none(
    origin_at: dict[str, Any], said: bool
) -> None:
    case = small(platform=origin_at).case
    told = markdown_environment().get_template("sections/assumptions.md.j2").render(
        case=case, options=[], called=str, amount=value, concerns=lambda _: True, growth="",
        sentence=as_sentence, placed=["Workers KV"], is_made=True, begins_empty=True, long_lives="",
        listed=listed, called_option=str, quoted_option=str,
    )  # fmt: skip
    assert ("The origin has no place" in told) == said
