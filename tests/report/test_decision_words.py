"""What is said of a decision, where several options do as well."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import Share, Worth
from cachelib.model.platforms.platform import Assumption
from cachelib.model.tiers.design import Design
from cachelib.report.language import duration
from cachelib.report.publish import decision as words
from cachelib.report.publish import decision_tables, ties
from cachelib.report.publish.changes import _from_here, _reason, cause, in_sentences, would_keep
from cachelib.report.publish.decision_tables import flips_table, matters_table
from cachelib.report.publish.runtime import conformance_table
from cachelib.report.publish.ties import rivals_in_words, tie_broken_by
from tests.model.cases import small


def decision(chosen: str | None, **shares: float) -> Any:
    """One of which no more is known than how often each option is best or tied."""
    sureness = {name: SimpleNamespace(best=SimpleNamespace(value=v)) for name, v in shares.items()}
    return SimpleNamespace(
        chosen=chosen and SimpleNamespace(name=chosen),
        sureness=sureness,
        rivals=sorted((n for n in shares if n != chosen and shares[n]), key=lambda n: -shares[n])[
            :3
        ],
        study=SimpleNamespace(case=SimpleNamespace(words=lambda name: f"option {name}")),
    )


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"a": 0.9, "b": 0.2, "c": 0.1}, "“Option b” is"),
        ({"a": 0.9, "b": 0.2, "c": 0.2}, "“Option b” and “Option c” are"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "“Option b” and “Option c” are"),
        (
            dict.fromkeys("abcdef", 0.5),
            "“Option b”, “Option c”, “Option d”, “Option e” and “Option f” are",
        ),
        ({"a": 1.0, "b": 0.0}, None),
    ],
)
def test_all_that_are_best_equally_often_are_named(shares: dict[str, float], said: str) -> None:
    assert rivals_in_words(decision("a", **shares)) == said


def test_what_reads_the_same_is_the_same() -> None:
    assert rivals_in_words(decision(None, a=0.20001, b=0.20002)) == "“Option a” and “Option b” are"


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (["work", "bill_usd"], "it takes less work"),
        (
            ["bill_usd"],
            "nothing that breaks ties here (a better monthly bill) tells them apart,"
            " and its name in the case is first in the alphabet",
        ),
        ([], "nothing breaks ties here, and its name in the case is first in the alphabet"),
    ],
)
def test_what_breaks_a_tie_is_said_and_no_more_than_that(then: list[str], said: str) -> None:
    """Work differs: that it does not count is the case's order, and not that nothing differs."""
    hours = {"a": 14, "b": 7} if "work" not in then else {"a": 7, "b": 14}
    aim = {"minimise": "bill_usd", "material": {"bill_usd": 10_000}, "then": then,
           "hours": {name: {"value": n, "low": n, "high": n, "unit": "hours", "why": "w"}
                     for name, n in hours.items()}}  # fmt: skip
    designs = [{"name": "a", "tiers": ["memory"]}, {"name": "b", "tiers": ["memory", "kv"]}]
    made = Decision(small(designs=designs, criteria=aim), 10)
    assert made.chosen is not None
    assert made.chosen.name == "a"
    assert tie_broken_by(made) == said


def test_what_it_costs_to_be_sure_is_told_with_the_settings_and_both_shares() -> None:
    late = {"metric": "late_share", "at_most": 0.2, "why": "w"}
    aim = {"minimise": "origin_loads_per_month", "limits": [late], "sure": 0.95}
    made = Decision(small(designs=["l1-kv"], criteria=aim), 50)
    told = ties.less_sure(made)
    assert told is not None
    assert re.fullmatch(
        r"set otherwise \(.*life of a value in the shared tier .*\), its .* would be better by"
        r" about [\d,.]+.*, and it would keep the limits in [\d.]+.% of tries instead of [\d.]+.%",
        told,
    )
    assert ties.less_sure(Decision(small(designs=["l1-kv"]), 50)) is None


def test_a_flip_that_lies_behind_another_is_not_given_the_reason_of_who_is_not_chosen() -> None:
    flip = Flip("value_life_s", 50, 100, "c", "b", "limit", "limit:late_share", "b", None, True)
    behind: Any = decision("a", a=0.5, b=0.3, c=0.2)
    assert _reason(behind, flip) == "where just before it “Option b” is"
    assert _reason(behind, replace(flip, after=None)) == "where just before it none is"


def test_of_a_limit_that_moves_its_bound_here_is_not_named() -> None:
    flip = Flip("limit:p95_ms", 80, 150, "b", "a", "limit", "limit:p95_ms", "a", None, False)
    assert _reason(decision("a", a=0.5), flip) == "since “Option a” then breaks it"


@pytest.mark.parametrize(
    ("ties", "said"),
    [(True, "since it then does as well in bill, and what breaks ties speaks for it"),
     (False, "since it then is better in bill, by enough to count")],
)  # fmt: skip
def test_a_choice_that_only_ties_is_not_called_better(ties: bool, said: str) -> None:
    flip = Flip("origin_ms", 80, 150, "b", "a", "score", "bill_usd", "a", "b", True, ties)
    made = decision("a", a=0.5)
    made.criteria = Criteria(minimise="bill_usd")
    made.study.told = lambda text: "bill"
    assert _reason(made, flip) == said
    in_the_table = said.replace("since it then", "below it “Option b”")
    assert cause(made, flip) == in_the_table


def test_where_the_work_of_a_third_option_changes_the_choice_that_is_said() -> None:
    flip = Flip("hours:c", 2, 3, "b", "a", "score", "bill_usd", "b", "a", True)
    made = decision("a", a=0.5)
    made.criteria = Criteria(minimise="bill_usd")
    made.study.told = lambda text: "bill"
    assert cause(made, flip) == (
        "below it “Option b” does as well as “Option c”, which then is better than “Option a”,"
        " in bill"
    )


def test_where_a_third_option_passes_the_choice_and_another_ties_with_it_that_is_said() -> None:
    flip = Flip("hours:a", 5, 3, "a", "b", "score", "bill_usd", "a", "c", True)
    made = decision("a", a=0.5)
    made.criteria = Criteria(minimise="bill_usd")
    made.study.told = lambda text: "bill"
    for each in (flip, replace(flip, option="c", other="a")):
        assert _reason(made, each) == (
            "since it then does as well as “Option c”, which then is better than “Option a”,"
            " in bill"
        )
    two = replace(flip, option="b", other="a")
    assert _reason(made, two) == "since it then is better in bill, by enough to count"


def test_where_the_choice_changes_again_on_that_side_is_told_with_it() -> None:
    made = isolates(5.33, 2)
    (near,) = made.flips
    assert "Above" not in in_sentences(made)[0]
    made.flips = [near, replace(near, at=9.5, before="b", after="c"),
                  replace(near, at=1.0, before="d", after="a")]  # fmt: skip
    told = in_sentences(made)[0].replace("\u00a0", " ")
    assert told.endswith(" Above 10, it would be “Option c”.")
    made.flips[1] = replace(made.flips[1], after=None)
    assert in_sentences(made)[0].endswith(", nothing would keep the limits.")


def isolates(at: float, here: float) -> Any:
    """A decision that another number of isolates would change."""
    before, after = ("a", "b") if at > here else ("b", "a")
    flip = Flip(
        "isolates_per_colo", at, here, before, after, "score", "bill_usd", "a", "b", True
    )  # fmt: skip
    made = decision("a", a=1.0)
    made.criteria = Criteria(minimise="bill_usd")
    made.flips = made.next_flips = [flip]
    made.missed, made.options = {}, []
    made.study.told = str
    made.study.case.assumed = {"isolates_per_colo": SimpleNamespace(unit="isolates")}
    return made


@pytest.mark.parametrize(
    ("at", "here", "said", "row"),
    [
        (5.33, 2, "were 6 or more (now 2: 3 times as much)", ["2 isolates", "5 to 6 isolates"]),
        (5.33, 8, "were 5 or fewer (now 8: 38 % less)", ["8 isolates", "5 to 6 isolates"]),
        (1.0, 3, "were 1 or fewer (now 3: 67 % less)", ["3 isolates", "1 isolate"]),
    ],
)
def test_there_is_no_part_of_an_isolate(at: float, here: float, said: str, row: list[str]) -> None:
    told = in_sentences(isolates(at, here))[0].replace("\u00a0", " ")
    assert f"isolates in each data centre {said}" in told
    table = flips_table(isolates(at, here))
    assert [
        text.replace("\u00a0", " ") for text in table[["here", "at, ± by chance"]].iloc[0]
    ] == row


def test_how_far_chance_may_have_moved_a_flip_is_told_beside_it() -> None:
    made = decision("a", a=0.5)
    made.criteria = Criteria(minimise="bill_usd")
    made.study.told = str
    made.study.case.assumed = {}
    flip = Flip("hours:b", 3, 2, "a", "b", "score", "bill_usd", "b", "a", True, error=0.512)
    for error, said, row in (
        (0.512, "(now 2 h: 50 % more)", "3 h, ± 0.51 h"),
        (1.0, "(now 2 h: 50 % more, no farther than chance may move it)", "3 h, ± 1 h"),
        (None, "(now 2 h: 50 % more)", "3 h"),
    ):
        made.flips = made.next_flips = [replace(flip, error=error)]
        assert said in in_sentences(made)[0].replace("\u00a0", " ")
        assert flips_table(made)["at, ± by chance"].item().replace("\u00a0", " ") == row


def test_flips_of_one_number_are_told_together_only_where_they_lie_close() -> None:
    made = isolates(10.0, 2)
    made.flips += [replace(made.flips[0], at=10.05), replace(made.flips[0], at=14.0)]
    assert len(flips_table(made)) == 2


def test_nor_where_a_limit_would_be_kept() -> None:
    nobody = isolates(5.33, 2)
    nobody.chosen = None
    assert (would_keep(nobody) or "").endswith("isolates in each data centre at 6 instead of 2")


def test_the_nearest_way_says_how_far_chance_may_have_moved_it() -> None:
    nobody = isolates(5.33, 2)
    nobody.chosen = None
    nobody.study.case.assumed = {}
    (flip,) = nobody.flips
    for error, told in (
        (0.512, "above 3 h (give or take 0.51 h, by chance) instead of 2 h"),
        (None, "above 3 h instead of 2 h"),
    ):
        nobody.flips = [replace(flip, number="hours:b", at=3, here=2, error=error)]
        assert (would_keep(nobody) or "").replace("\u00a0", " ").endswith(told)


@pytest.mark.parametrize(
    ("saved", "error", "told"),
    [
        (40.0, 3.0, "$40.00 ±\u00a0$5.88"),
        (40.0, 30.0, None),  # by chance, 1 in 5
        (4.0, 2.1, None),  # not at 95 %
        (2.9, 0.0, None),  # less than 1 % of the choice's 300 dollars
        (0.0, 0.0, None),
    ],
)
def test_what_is_worth_knowing_is_more_than_chance_and_more_than_counts(
    saved: float, error: float, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much it explains, and whatever limit it decides: to measure it would gain nothing."""
    monkeypatch.setattr(decision_tables, "concerns", lambda *_: True)
    found: Any = SimpleNamespace(
        chosen="a",
        score=lambda _: 300.0,
        criteria=Criteria(minimise="bill_usd"),
        study=SimpleNamespace(
            told=str, case=SimpleNamespace(profile=SimpleNamespace(told=str), assumed={})
        ),
        worths=[Worth("origin_ms", saved, error, 0.8, 0.1, 0.9, {"limit:late_share": 0.5})],
    )
    table = matters_table(found)
    assert table["to know it would save a month"].tolist() == ([told] if told else [])


def test_work_is_told_with_its_range_or_that_nobody_says() -> None:
    hours = Assumption(value=2, low=1, high=4, unit="hours", why="w")
    stated = Option(Design(name="x"), {}, hours=hours)
    assert words.work(stated).replace("\xa0", " ") == "2 (1–4) h"
    assert words.work(replace(stated, hours=None)) == "not stated"


def test_limits_that_are_broken_come_by_the_nearest_miss_with_what_was_found() -> None:
    limits = [
              {"metric": "mean_ms", "at_most": 1, "why": "w"}]  # fmt: skip
    made = Decision(small(designs=["origin-only", "l1-only"], criteria={"limits": limits}), 10)
    table = decision_tables.misses_table(made)
    assert list(table.columns) == ["limit", "allowed", "found", "which is"]
    assert len(table) == sum(map(len, made.missed.values())) > 1
    first = min(made.missed, key=made.farness)
    assert table.index[0] == words.called(made, first)
    assert set(table["allowed"].str.replace("\xa0", " ")) == {"at most 1 ms"}


def test_what_became_of_an_option_says_whether_it_is_there_today() -> None:
    there, other = Option(Design(name="a"), {}, is_today=True), Option(Design(name="b"), {})
    made: Any = SimpleNamespace(
        missed={}, not_stated=[], chosen=other, ties=[there], by_chance=lambda _: False
    )
    made.by_chance = lambda _: True
    assert decision_tables.verdict(made, other) == (
        "chosen, keeps a limit by so little that another run might break it"
    )
    made.by_chance = lambda _: False
    assert decision_tables.verdict(made, other) == "chosen"
    assert decision_tables.verdict(made, there) == "as good (today)"
    made.ties = []
    assert decision_tables.verdict(made, there) == "stands (today)"


def test_a_column_of_reads_that_fail_is_there_where_some_do_or_a_limit_is_about_them() -> None:
    limit = {"metric": "error_share", "at_most": 0.01, "why": "w"}
    none: Any = SimpleNamespace(
        criteria=Criteria(minimise="bill_usd"), measured={"a": {"error_share": 0.0, "hit_ratio": 0}}
    )
    assert not decision_tables._tells(none, "error_share")
    assert decision_tables._tells(none, "hit_ratio")
    none.criteria = Criteria.model_validate({"minimise": "bill_usd", "limits": [limit]})
    assert decision_tables._tells(none, "error_share")
    none.criteria, none.measured = Criteria(minimise="bill_usd"), {"a": {"error_share": 0.1}}
    assert decision_tables._tells(none, "error_share")


def test_a_count_that_one_side_alone_has_is_a_row_and_one_that_is_nothing_on_both_is_none() -> None:
    design = Design(name="x", tiers=("memory",))
    counts = [("requests", 5, 5), ("refreshes", 2, 0), ("kv_reads", 0, 3), ("kv_lists", 0, 0)]
    rows = [
        SimpleNamespace(design="x", metric=name, observed=a, simulated=b, equal=a == b)
        for name, a, b in counts
    ]
    live: Any = SimpleNamespace(runs=[SimpleNamespace(design=design)], conformance=rows)
    table = conformance_table(live)
    assert table[["runtime", "simulation", "equal"]].to_numpy().tolist() == [
        [5, 5, "yes"], [2, 0, "no"], [0, 3, "no"],
    ]  # fmt: skip


def test_of_a_share_of_tries_half_the_interval_of_95_per_cent_is_told() -> None:
    """As of everything else that has a ±."""
    assert decision_tables._share(Share(0.5, 0.01)).replace("\xa0", " ") == "50.0 ± 2.0 %"


@pytest.mark.parametrize(
    ("number", "at", "said"),
    [
        ("limit:availability", 0.9995, "now 99.5 %: 0.45 points more"),
        ("limit:availability", 0.99, "now 99.5 %: 0.5 points less"),
        ("limit:bill_usd", 0.9995, "now 99.5 %: 0.45 % more"),
    ],
)
def test_a_share_near_to_all_is_told_in_points(number: str, at: float, said: str) -> None:
    flip = Flip(number, at, 0.995, "a", "b", "limit", number, "a", None, True)
    assert _from_here(flip, "99.5 %").replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (3_597.6, 3_600, ("59 min 58 s", "1 h")),
        (86_399, 86_400, ("23 h 59 min 59 s", "1 day")),
        (3_599.6, 3_600, ("3,599.6 s", "3,600.0 s")),
        (119.97, 120, ("119.97 s", "120.00 s")),
        (1_800, 3_600, ("30 min", "1 h")),
    ],
)
def test_times_that_are_compared_are_never_one_time_in_two_units(
    one: float, two: float, said: tuple[str, str]
) -> None:
    told = words.two_values(one, two, "s")
    assert tuple(each.replace("\xa0", " ") for each in told) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(3_597.6, "1 h"), (86_399, "1 day"), (119.97, "2 min"), (3_540, "59 min")]
)
def test_no_time_is_sixty_of_its_unit(seconds: float, said: str) -> None:
    assert duration(seconds).replace("\xa0", " ") == said


def test_a_setting_of_the_design_that_is_there_is_today_s() -> None:
    today = {"name": "now", "l2": "kv", "policy": "soft-hard", "soft_ttl_s": 240}
    again = today | {"name": "again", "label": "again", "soft_ttl_s": 600}
    made = Decision(small(designs=["l1-kv", again], today=today), 10)
    table = decision_tables.settings_table(made)
    soft = table[table["setting"].str.startswith("age after which")]
    assert len(soft) == 2
    assert set(soft["today"].str.replace("\xa0", " ")) == {"4 min"}
