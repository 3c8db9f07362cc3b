"""Where nothing keeps every limit: what nearest means, and what the option asked about breaks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cachelib.model.case.case import Case
from cachelib.report.document.answer import asked_about, how_near
from cachelib.report.publish.findings import Table
from cachelib.report.publish.outcome import Bound, Broken, Outcome
from tests.report import sections
from tests.report.in_process import committed

WAIT = Bound(name="limit:p95_ms", metric="p95_ms", at_most=120, at_least=None, low=120, high=120,
             costs_beyond=None, why="w")  # fmt: skip
FOUND = Bound(name="limit:hit_ratio", metric="hit_ratio", at_most=None, at_least=0.5, low=0.5,
              high=0.5, costs_beyond=None, why="w")  # fmt: skip
BREAKS = [Broken(limit=WAIT.name, value=314.0, beyond=1.62),
          Broken(limit=FOUND.name, value=0.231, beyond=0.54)]  # fmt: skip


def unkept(outcome: Outcome) -> Outcome:
    """An outcome in which every option breaks two limits."""
    out = {"fate": "out", "rank": None, "breaks": BREAKS}
    options = [option.model_copy(update=out) for option in outcome.options]
    changed = {"recommended": None, "options": options, "limits": [WAIT, FOUND], "tied_with": []}
    return outcome.model_copy(update=changed)


def outcome() -> Outcome:
    found = committed().outcome
    assert found is not None
    return unkept(found)


def test_nearest_is_by_the_widest_miss() -> None:
    here = outcome()
    first, *rest = here.options
    assert how_near(here).replace("\u00a0", " ") == (
        "its widest miss is 162 % beyond the limit;"
        " none of the others comes nearer by as much as counts"
    )
    wider = [BREAKS[0].model_copy(update={"beyond": 1.63})]
    farther = [option.model_copy(update={"breaks": wider}) for option in rest]
    told = how_near(here.model_copy(update={"options": [first, *farther]}))
    assert told.endswith("beyond the limit; each of the others misses one by more")
    many = [BREAKS[0].model_copy(update={"beyond": 3.37})]
    far = here.options[0].model_copy(update={"breaks": many})
    told = how_near(here.model_copy(update={"options": [far]}))
    assert told.replace("\u00a0", " ") == "its widest miss is at 4.37 times the limit"
    one = here.model_copy(update={"options": here.options[:1]})
    assert "its widest miss is 162 % beyond" in how_near(one).replace("\u00a0", " ")


def test_the_option_asked_about_has_each_limit_that_it_breaks_and_by_how_much() -> None:
    here = outcome()
    name, words = here.options[1].name, here.options[1].words
    case: Any = SimpleNamespace(model_fields_set={"against"}, against=name, question="")
    [said] = asked_about(cast(Case, case), here)
    labels = [here.metrics[bound.metric].label for bound in (WAIT, FOUND)]
    assert said.replace("\u00a0", " ") == (
        f"“{words}”, which is asked about, breaks 2 limits: {labels[0]}, 314 ms where at most"
        f" 120 ms is allowed (162 % beyond it), and {labels[1]}, 23.1 % where at least 50 % is"
        " allowed (54 % short of it)."
    )


@pytest.mark.parametrize("document", ["report", "adr"])
def test_the_documents_say_what_nearest_means_and_what_is_asked_about(document: str) -> None:
    first = outcome().options[0].name
    misses = Table(id="decision.misses", caption="c", columns=[], rows=[])
    told = sections.shipped(
        document, unkept, {misses.id: misses}, {"against": first},
        decision__recommended=None, decision__nearest=first,
        decision__not_ranked=None, decision__would_keep=None,
    )  # fmt: skip
    assert "comes nearest: its widest miss is 162 % beyond the limit; none of the others" in told
    assert told.count("which is asked about, breaks 2 limits:") == 1
