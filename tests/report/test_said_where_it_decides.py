"""What a reader of the first page must know is there, in the words of the other documents."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.evidence.mask import handed_on
from cachelib.model.case.choices import Knob
from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement import bills, experiments
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.study import Study
from cachelib.report.document import against, answer
from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.options import in_a_line
from cachelib.report.numbers import Unit, beside_limit, cells, given
from cachelib.report.publish import changes, decision_tables, judged
from cachelib.report.publish import decision as words
from cachelib.report.publish.findings import Table, Text
from cachelib.report.publish.outcome import Bound, Broken, Chance, Outcome
from tests.model.cases import small
from tests.report import sections
from tests.report.in_process import committed

WHY = {"why": "w"}


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\\", "")


def front(told: str) -> str:
    """What stands before the second chapter."""
    return told.partition("\n## What there is")[0]


# -- the choice's price -------------------------------------------------------------------------


def test_the_worst_of_the_choice_is_on_the_first_page_in_the_record_s_words() -> None:
    def late(outcome: Outcome) -> Outcome:
        options = [
            o.model_copy(update={"metrics": o.metrics | {
                "late_share": o.metrics["late_share"].model_copy(update={"value": 0.339})}})
            for o in outcome.options
        ]  # fmt: skip
        limits = [bound for bound in outcome.limits if bound.metric != "late_share"]
        return outcome.model_copy(update={"options": options, "limits": limits})

    said = plain(sections.shipped("report", late))
    record = plain(sections.shipped("adr", late))
    (line,) = [each for each in record.splitlines() if "of its answers are out of date" in each]
    reason = line.removeprefix("* Bad, because ")
    assert reason.startswith("33.9 % of its answers are out of date by over ")
    (row,) = [each for each in front(said).splitlines() if each.startswith("| speaks against it")]
    assert reason in row
    for line in record.partition("### Consequences")[2].partition("\n#")[0].splitlines():
        if line.startswith("* Bad, because of the ") and "cost" not in line:
            assert line.removeprefix("* Bad, because of the ") in row


def test_chapters_on_designs_as_they_are_set_say_so_where_options_are_set_anew() -> None:
    told = sections.shipped("report")
    outcome, study = committed().outcome, committed().study
    assert outcome is not None
    assert any(against.set_anew(study, option) for option in outcome.options)
    heads = [line for line in told.splitlines() if line.startswith("## ")]
    for begins in ("## Each isolate", "## With Workers KV", "## What it costs", "## Between"):
        (head,) = [line for line in heads if line.startswith(begins)]
        assert head.endswith(" (as set in the case)")


def now(study: Study, design: str, knob: str) -> float:
    own: float | None = getattr(study.design(design), knob, None)
    return own or study.case.settings[knob]


def test_where_no_option_is_set_anew_no_heading_says_how_they_are_set() -> None:
    study = small()
    made = judged.outcome(Decision(study, 50))
    as_it_is = [
        o.model_copy(update={"settings": {name: now(study, o.name, name) for name in o.settings}})
        for o in made.options
    ]
    assert against.as_today(study, made.model_copy(update={"options": as_it_is})) == ""
    assert against.as_today(study, None) == ""


# -- doubt --------------------------------------------------------------------------------------


def option(words: str, fate: str, keeps: float) -> Any:
    sure = SimpleNamespace(keeps_limits=SimpleNamespace(share=keeps))
    return SimpleNamespace(words=words, fate=fate, sure=sure)


@pytest.mark.parametrize(
    ("sure", "kept", "none", "said"),
    [
        (0.5, 0.35, 0.185, "It breaks a limit in 65 % of the tries, though the case wants the"
         " limits kept in 50 %; “B” (80.2 %) would keep them so often."),
        (0.9, 0.35, 0.185, "It breaks a limit in 65 % of the tries, though the case wants the"
         " limits kept in 90 %; no other option keeps them so often."),
        (0.9, 0.788, 0.212, "It breaks a limit in 21.2 % of the tries, though the case wants the"
         " limits kept in 90 %; in all of these every option does."),
        (0, 0.35, 0.185, "It breaks a limit in 65 % of the tries; “B” (80.2 %) would keep them more"
         " often."),
        (0.5, 0.51, 0.0, ""),
        (0, 0.51, 0.0, ""),
    ],
)  # fmt: skip
def test_that_the_limits_are_kept_too_seldom_is_said_with_who_would(
    sure: float, kept: float, none: float, said: str
) -> None:
    case: Any = SimpleNamespace(criteria=SimpleNamespace(sure=sure))
    pick = option("A", "chosen", kept)
    outcome: Any = SimpleNamespace(
        options=[pick, option("B", "stands", 0.802), option("C", "stands", 0.3)],
        limits=["a limit"], nothing_keeps_limits=none, draws=2_000,
    )  # fmt: skip
    assert plain(against.doubt(case, outcome, pick)) == said
    outcome.limits = []
    assert against.doubt(case, outcome, pick) == ""


def test_that_doubt_is_in_the_headline_of_report_and_record() -> None:
    def seldom(outcome: Outcome) -> Outcome:
        options = [
            o.model_copy(update={"sure": o.sure.model_copy(
                update={"keeps_limits": Chance(share=0.35, error=0.01)})})
            if o.fate == "chosen" else o for o in outcome.options
        ]  # fmt: skip
        return outcome.model_copy(update={"options": options, "nothing_keeps_limits": 0.1})

    said = plain(sections.shipped("report", seldom))
    headline = [line for line in front(said).splitlines() if line.startswith(">")]
    assert any("**It breaks a limit in 65 % of the tries" in line for line in headline)
    record = plain(sections.shipped("adr", seldom)).partition("### Consequences")[0]
    assert "It breaks a limit in 65 % of the tries" in record


# -- what decides -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "out", "told"),
    [
        ({}, ("l1-kv", "kv-only"), True),
        ({"origin_at": "SYD"}, ("l1-kv", "kv-only"), False),
        ({}, (), False),
        ({}, ("l1-kv", "kv-only", "l1-only", "origin-only"), False),  # nor would a place help
    ],
)
def test_that_the_origin_has_no_place_is_said_where_a_time_puts_a_far_store_out(
    platform: dict[str, Any], out: tuple[str, ...], told: bool
) -> None:
    aim = {"minimise": "bill_usd", "limits": [{"metric": "p95_ms", "at_most": 1e6, **WHY}]}
    study = small(criteria=aim, platform=platform)
    made = judged.outcome(Decision(study, 50))
    miss = Broken(limit=made.limits[0].name, value=2e6, beyond=1.0)
    options = [
        o.model_copy(update={"breaks": [miss] if o.name in out else []}) for o in made.options
    ]
    said = plain(against.ground(study, made.model_copy(update={"options": options})))
    assert ("the origin has no place in the case" in said) is told
    assert ("while the way to Workers KV is as long as it is far" in said) is told


def test_faults_of_what_goes_are_not_told_as_things_to_mend() -> None:
    study = small(designs=["l1-kv", "l1-only"], today="l1-kv")
    made = judged.outcome(Decision(study, 50))
    chosen = [
        o.model_copy(update={"fate": "chosen" if o.name == "l1-only" else "stands"})
        for o in made.options
    ]
    made = made.model_copy(
        update={"recommended": "l1-only", "today": "l1-kv", "keeps_today": False, "options": chosen}
    )
    columns = [{"name": name} for name in ("where", "severity", "fault", "effect")]
    rows = [[f"a.ts:{n}", "error", f"fault {n}", "–"] for n in range(3)]
    faults = Table.model_validate(
        {"id": "evidence.faults", "caption": "c", "columns": columns, "rows": rows}
    )
    tiers = Text(id="evidence.fault_tiers", caption="c", lines=["kv", "", "kv"])
    findings = Findings([])
    for finding in (faults, tiers):
        findings.add(Found(finding, "01_evidence", "cell", None))
    told = [(a.what, a.gain) for a in answer.actions(study.case, made, findings)]
    assert ("Mend: fault 1", "–") in told
    assert (
        "Mend 2 faults in how Workers KV is used",
        "only where Workers KV stays in use: “Memory alone” does without",
    ) in told
    assert not any("fault 0" in what or "fault 2" in what for what, _ in told)
    objects = answer.Gone(frozenset({1}), "Durable Objects", "No cache")
    assert objects.said == "1 fault in how Durable Objects are used"
    kept = made.model_copy(update={"recommended": "l1-kv", "keeps_today": True})
    assert answer.gone(study.case, kept, findings) is None


# -- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(0.9983, "ratio", "99.83 %"), (0.995, "ratio", "99.5 %"), (0.15, "ratio", "15 %"),
     (1_250.5, "ms", "1,250.5 ms"), (120, "USD", "$120.00"), (5e6, "loads", "5,000,000 loads")],
)  # fmt: skip
def test_a_limit_is_told_with_all_its_digits(value: float, unit: Unit, said: str) -> None:
    assert plain(given(value, unit)) == said


@pytest.mark.parametrize(
    ("found", "limit", "said"),
    [
        (0.993, 0.995, ("99.3 %", "99.5 %")),
        (0.99802, 0.9983, ("99.8 %", "99.83 %")),
        (0.99832, 0.9983, ("99.832 %", "99.83 %")),  # 99.8 would read as if it broke it
        (0.99829, 0.9983, ("99.8 %", "99.83 %")),
        (0.0504, 0.05, ("5.04 %", "5 %")),
    ],
)
def test_a_value_is_told_on_its_own_side_of_a_limit(
    found: float, limit: float, said: tuple[str, str]
) -> None:
    assert tuple(map(plain, beside_limit("share", found, limit, "ratio"))) == said


@pytest.mark.parametrize(
    ("values", "unit", "said"),
    [
        ([0.9987, 0.99802, 0.99832, 0.98, 0.9983], "ratio",
         ["99.870 %", "99.802 %", "99.832 %", "98.000 %", "99.830 %"]),
        ([0.998, 0.98, 0.995], "ratio", ["99.8 %", "98.0 %", "99.5 %"]),
        ([250.4, 98.0, 250.0], "ms", ["250.4", "98.0", "250.0"]),
        ([120.004, 17.63, 120.0], "USD", ["$120.004", "$17.630", "$120.000"]),
        ([None, 17.63, None], "USD", ["–", "$17.63", "–"]),
    ],
)  # fmt: skip
def test_a_column_has_the_digits_that_set_its_limit_apart(
    values: list[float | None], unit: Unit, said: list[str]
) -> None:
    assert [plain(cell) for cell in cells(values, unit, values[-1])] == said


def two_broken(outcome: Outcome) -> Outcome:
    limits = [
        Bound(name=f"limit:{metric}", metric=metric, at_most=top, at_least=None, low=top, high=top,
              costs_beyond=None, why="w")
        for metric, top in (("bill_usd", 1.0), ("late_share", 0.001))
    ]  # fmt: skip
    breaks = [
        Broken(limit=bound.name, value=2 * (bound.at_most or 0), beyond=1.0) for bound in limits
    ]
    options = [
        o.model_copy(update={"breaks": breaks, "fate": "out"}) if o.is_today else o
        for o in outcome.options
    ]
    return outcome.model_copy(update={"limits": limits, "options": options})


def test_two_limits_that_are_broken_are_two_and_told_with_their_amounts() -> None:
    told = plain(sections.shipped("report", two_broken))
    assert (
        "> What is there today breaks 2 limits: monthly bill, $2.00 where at most $1.00 is allowed"
        " (100 % beyond it), and share of out-of-date answers, 0.2 % where at most 0.1 % is allowed"
    ) in told
    outcome = committed().outcome
    assert outcome is not None
    today = next(o for o in two_broken(outcome).options if o.is_today)
    assert "breaks 2 limits" in in_a_line(today)


def test_a_limit_of_a_share_is_as_far_in_the_table_as_in_the_sentence() -> None:
    flip = Flip(
        "limit:hit_ratio", 0.995, 0.5, "a", None, "limit", "limit:hit_ratio", "a", None, False
    )
    assert "50 %: 49.5 points more, beyond the range" in plain(changes._from_here(flip, "50 %"))
    assert plain(decision_tables._distance(flip)) == "49.5 points, beyond its range"


# -- numbers that are said to be equal ----------------------------------------------------------


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (2_709, "about as many as without: 2,692 loads a month, and 2,709 loads without it."),
        (2_692, "serves as many as without: 2,692 loads a month."),
    ],
)
def test_what_is_about_as_many_is_not_said_to_be_as_many(without: int, said: str) -> None:
    told = sections.shipped_with(
        "shared_l2", shared__loads=(2_692, "loads"), shared__loads_without=(without, "loads")
    )
    assert said in told.replace("a month a month", "a month")


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        ({"maximise": "hit_ratio", "material": {"hit_ratio": 0.02}}, "2 points"),
        ({"maximise": "hit_ratio"}, "0.5 points"),
        ({"maximise": "hit_ratio", "limits": [{"metric": "hit_ratio", "at_least": 0.99, **WHY}]},
         "0.1 points"),
        ({"minimise": "monthly_cost_usd"}, "$1.00 or 1 % of the best"),
        ({"weigh": {"late_share": 100}, "material": {"late_share": 0.02}}, "$2.00"),
    ],
)  # fmt: skip
def test_a_difference_of_shares_that_counts_is_told_in_points(
    aim: dict[str, Any], said: str
) -> None:
    from cachelib.report.document.render import _immaterial

    assert plain(_immaterial(Criteria.model_validate(aim))) == said


# -- one of a kind ------------------------------------------------------------------------------


def test_of_one_isolate_nothing_is_said_in_the_plural() -> None:
    one = {"value": 1, "low": 1, "high": 1, "unit": "isolates", **WHY}
    colos = {"requests_per_month": 3_000, "keys": 20, "zipf": 0.8, "value_bytes": 500,
             "reads_per_write": 50, "colos": {"AMS": 1}}  # fmt: skip
    alone = small(assumptions={"isolates_per_colo": one}, workload=colos)
    text = "Each isolate's own memory; the memory of each isolate; behind all the isolates"
    said = "The isolate's own memory; the memory of the isolate; behind the isolate"
    assert alone.told(text) == said
    several = {**one, "high": 3}
    assert small(assumptions={"isolates_per_colo": several}, workload=colos).told(text) == text


@pytest.mark.parametrize(
    ("found", "head"),
    [(0.33, "## The isolate's own memory finds 33 % of the reads"),
     (0.0, "## Not even 1 in 1,000 reads is found in the isolate's own memory")],
)  # fmt: skip
def test_the_chapter_on_memory_knows_of_one_isolate(found: float, head: str) -> None:
    told = sections.shipped_with(
        "isolation", isolation__caches=1, isolation__hit_ratio=(found, "ratio"),
        isolation__one_cache_hit_ratio=(found, "ratio"),
    )  # fmt: skip
    assert head in told
    assert told.count("There is one isolate, so none loads again what another has.") == 1
    assert "share no memory" not in told
    assert "were found in its memory." in told


# -- what stands beside an option ----------------------------------------------------------------


def test_charts_say_of_every_option_what_became_of_it() -> None:
    limits = [{"metric": "bill_usd", "at_most": 0.01, **WHY}]
    made = Decision(small(today="kv-only", criteria={"minimise": "bill_usd", "limits": limits}), 50)
    assert not any("out" in word for word in words.marks(made).values())
    told = words.marks(made, out=True)
    assert set(told) == {option.name for option in made.options}
    for option in made.options:
        out = option.name in made.missed
        assert ("out" in told[option.name]) is out
        assert ("today" in told[option.name]) is option.is_today
        assert ("chosen" in told[option.name]) is (option == made.chosen)


@pytest.mark.parametrize(
    ("number", "said"),
    [(60, " (the least that the case allows)"), (300, ""),
     (3_600, " (the most that the case allows)")],
)  # fmt: skip
def test_a_setting_at_the_end_of_what_is_allowed_is_said_to_be_there(
    number: float, said: str
) -> None:
    knob = Knob(low=60, high=3_600, why="w")
    assert words.at_an_end(number, knob) == said
    assert words.at_an_end(number, Knob(values=(number,), why="w")) == ""
    assert words.at_an_end(number, None) == ""


def test_bills_that_are_alike_stand_in_the_order_of_their_list_prices() -> None:
    study = small(designs=["l1-kv", "origin-only", "l1-only"])
    made = {name: experiments.month_bill(study, study.design(name), study.replay(name))
            for name in ("l1-kv", "origin-only", "l1-only")}  # fmt: skip
    table = bills.table(made, study.case.profile)
    told = list(zip(table["charged"], table["list price"], table.index, strict=True))
    assert told == sorted(told)
    again = bills.table(dict(reversed(made.items())), study.case.profile)
    assert list(again.index) == list(table.index)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("/user/ann.lee+x@example.org/orders", "/user/•••/orders"),
        ("/user/ann%40example.co.uk", "/user/•••"),
        ("/img/logo@2x.png", "/img/logo@2x.png"),
        ("/npm/react@18.2.0/umd/react.min.js", "/npm/react@18.2.0/umd/react.min.js"),
        ("/@scope/part.js", "/@scope/part.js"),
    ],
)
def test_somebody_s_address_in_a_path_is_not_handed_on(key: str, said: str) -> None:
    assert handed_on(key) == said
