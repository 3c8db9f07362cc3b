"""What an option depends on, as its case says, is told wherever the option is."""

from __future__ import annotations

import pytest

from cachelib.report.publish.outcome import Outcome
from tests.report import sections
from tests.report.test_unlike_cases import of

NEEDS = ("Redis 7", "the library's listen()")


def needing(outcome: Outcome) -> Outcome:
    first, second, *rest = outcome.options
    assert first.fate == "chosen"
    second = second.model_copy(update={"needs": ("a budget",)})
    return outcome.model_copy(
        update={"options": [first.model_copy(update={"needs": NEEDS}), second, *rest]}
    )


@pytest.mark.parametrize("section", ["options", "adr"])
def test_what_each_option_needs_is_told_with_it(section: str) -> None:
    told = sections.shipped(section, needing).replace("\\", "")
    assert told.count("Needs: Redis 7 and the library's listen().") == 1 + (section == "adr")
    assert told.count("Needs: a budget.") == 1
    assert "Needs" not in sections.shipped(section)


def test_the_choice_has_its_needs_among_its_consequences() -> None:
    told = sections.shipped("adr", needing).replace("\\", "")
    consequences = told.partition("### Consequences")[2].partition("\n## ")[0]
    assert "\n* Needs: Redis 7 and the library's listen().\n" in consequences


@pytest.mark.timeout(300)
def test_the_case_s_own_words_reach_the_documents() -> None:
    one = of("keeps")
    needs = {option["name"]: option["needs"] for option in one.decision["outcome"]["options"]}
    assert needs == {"l1-only": [], "l1-kv": ["a paid plan"]}
    for text in (one.markdown, one.record):
        assert "Needs: a paid plan." in text
