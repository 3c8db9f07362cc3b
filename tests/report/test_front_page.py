"""The first page decides: the answer to what was asked, what to do, how far it is from another."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from cachelib.model.case.case import Case, load_case
from cachelib.model.platforms.books import FOLDER as BOOKS
from cachelib.model.platforms.books import price_book
from cachelib.report.document import answer
from cachelib.report.document.collect import Findings
from cachelib.report.document.formats import adr, html, markdown
from cachelib.report.document.material import Material
from cachelib.report.document.options import in_a_line, points, rivals
from cachelib.report.document.page import to_html
from cachelib.report.publish.findings import Metric, Table
from cachelib.report.publish.outcome import Bound, Broken, Outcome, Range
from cachelib.report.publish.prices import line_words, meter_words
from tests.report.in_process import committed


@pytest.fixture(scope="module")
def material() -> Material:
    return committed()


@pytest.fixture(scope="module")
def case(material: Material) -> Case:
    return material.study.case


@pytest.fixture(scope="module")
def outcome(material: Material) -> Outcome:
    assert material.outcome is not None
    return material.outcome


def with_metric(material: Material, id: str, value: int) -> Material:
    changed = Findings([])
    for found in material.findings:
        if found.finding.id == id:
            assert isinstance(found.finding, Metric)
            found = replace(found, finding=found.finding.model_copy(update={"value": value}))
        changed.add(found)
    return replace(material, findings=changed)


def choosing(outcome: Outcome, name: str) -> Outcome:
    options = [
        option.model_copy(update={"fate": "chosen" if option.name == name else "stands"})
        for option in outcome.options
    ]
    kept = name == outcome.today
    return outcome.model_copy(update={"recommended": name, "options": options, "keeps_today": kept})


def test_every_document_has_the_actions_with_hours_gain_and_line(material: Material) -> None:
    for text in (
        markdown.files(material)["report.md"], adr.files(material)["adr.md"],
        html.files(material)["report.html"],
    ):  # fmt: skip
        for told in ("what to do", "what it changes", "two numbers of src/cache-manager.ts"):
            assert told in text
        assert "src/cache-manager.ts:148 and src/cache-manager.ts:150" in text
        assert "src/cache-manager.ts:542" in text
        assert re.search(r"1 \(0\.5–2\)\s*h", text)


def test_the_change_comes_first_then_what_to_measure_then_faults(
    material: Material, case: Case, outcome: Outcome
) -> None:
    told = [action.what for action in answer.actions(case, outcome, material.findings)]
    assert told[0].startswith("Change to “")
    assert told[1] == "Measure how long a value stays true"
    assert all(what.startswith("Mend: ") for what in told[2:])


def test_where_no_hours_and_no_lines_are_known_there_is_no_column_of_them(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = markdown.files(material)["report.md"]
    assert "| what to do | work | what it changes | where |\n" in told
    assert "| Measure how long a value stays true | not estimated |" in told
    monkeypatch.setattr(answer, "actions", lambda *_: [answer.Action("Measure it", "", "$4", "")])
    told = markdown.files(material)["report.md"]
    assert "| what to do | what it changes |\n|---|---|\n| Measure it | \\$4 |\n" in told
    assert "not estimated" not in told


def test_the_next_best_is_told_once_with_its_work(case: Case, outcome: Outcome) -> None:
    asked = case.model_copy(update={"question": "Is KV alone enough?"})
    best = [o.model_copy(update={"fate": "stands", "rank": 2}) if o.name == "kv-only" else
            o.model_copy(update={"fate": "out"}) if o.name not in ("l1-only", "kv-only") else o
            for o in choosing(outcome, "l1-only").options]  # fmt: skip
    other = choosing(outcome, "l1-only").model_copy(update={"options": best})
    assert answer.work_of_the_next(other).replace("\xa0", " ") == "2 (1–4) h"
    assert not any("Workers KV alone" in told for told in answer.asked_about(asked, other))


@pytest.mark.parametrize(
    ("hours", "said"),
    [(None, ""), ((0, 0, 0), ""), ((0, 0, 4), "0 (0–4) h"), ((2, 1, 4), "2 (1–4) h")],
)
def test_work_is_told_of_an_option_that_may_take_some(
    outcome: Outcome, hours: tuple[float, float, float] | None, said: str
) -> None:
    given = hours and Range(value=hours[0], low=hours[1], high=hours[2])
    least = outcome.options[0].model_copy(
        update={"fate": "stands", "rank": 2, "work_hours": given, "is_today": False, "changes": ""}
    )
    only = outcome.model_copy(update={"options": [least]})
    assert answer.work_of_the_next(only).replace("\xa0", " ") == said
    line = in_a_line(least).replace("\xa0", " ")
    assert line.endswith(f"; {said} of work") if said else "work" not in line


@pytest.mark.parametrize(("ties", "told"), [(3, False), (4, True)])
def test_a_tied_option_is_told_of_where_the_sentence_on_ties_only_counts_them(
    case: Case, outcome: Outcome, ties: int, told: bool
) -> None:
    asked = case.model_copy(update={"question": "Is KV alone enough?"})
    tied = [o.model_copy(update={"fate": "tied", "work_hours": None}) if o.name == "kv-only" else o
            for o in choosing(outcome, "l1-only").options]  # fmt: skip
    first = sorted(tied, key=lambda o: o.name != "kv-only")
    other = outcome.model_copy(
        update={"options": first, "recommended": "l1-only", "tied_with": ["kv-only"] * ties}
    )
    assert any("Workers KV" in said for said in answer.asked_about(asked, other)) is told


def test_a_rival_is_what_does_best_in_one_of_twenty_tries_the_most_frequent_first(
    outcome: Outcome,
) -> None:
    shares = {"l1-only": 0.05, "kv-only": 0.3, "origin-only": 0.0499}
    options = [
        o.model_copy(update={"fate": "stands", "sure": o.sure.model_copy(
            update={"best_or_tied": o.sure.best_or_tied.model_copy(update={"share": share})})})
        for name, share in shares.items() for o in outcome.options if o.name == name
    ]  # fmt: skip
    told = rivals(outcome.model_copy(update={"options": options}))
    assert [option.name for option in told] == ["kv-only", "l1-only"]


def test_what_a_change_gains_is_how_much_less_there_is_of_what_is_minimised(
    material: Material, case: Case, outcome: Outcome
) -> None:
    scores = {"l1-only": 40.0, "l1-kv": 60.0}
    two = [o.model_copy(update={"score": scores[o.name], "breaks": []})
           for o in choosing(outcome, "l1-only").options if o.name in scores]  # fmt: skip
    there = outcome.model_copy(
        update={"recommended": "l1-only", "today": "l1-kv", "options": two, "keeps_today": False}
    )
    first = answer.actions(case, there, material.findings)[0]
    assert first.gain.replace("\xa0", " ") == f"{outcome.minimised}: $20.00 less"


def test_what_is_kept_is_no_work(material: Material, case: Case, outcome: Outcome) -> None:
    kept = choosing(outcome, str(outcome.today))
    told = answer.actions(case, kept, material.findings)
    assert not any(action.what.startswith("Change") for action in told)
    assert answer.what_stays(case, kept) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("retuned", "The memory of each isolate and Workers KV stay."),
        ("l1-only", "The memory of each isolate stays; Workers KV goes."),
        ("origin-only", "The memory of each isolate and Workers KV go."),
        ("l1-r2", "The memory of each isolate stays; Workers KV goes; R2 is added."),
        ("durable-object",
         "The memory of each isolate and Workers KV go; Durable Objects are added."),
    ],
)  # fmt: skip
def test_what_becomes_of_todays_tiers_is_said(
    case: Case, outcome: Outcome, name: str, said: str
) -> None:
    assert answer.what_stays(case, choosing(outcome, name)) == said


def test_an_option_without_work_says_what_changes_as_that(outcome: Outcome) -> None:
    first = outcome.options[0]
    for hours in (None, first.work_hours and first.work_hours.model_copy(
        update={"value": 0, "low": 0, "high": 0}
    )):  # fmt: skip
        changed = {"work_hours": hours, "changes": "nothing", "fate": "out", "is_today": False}
        told = in_a_line(first.model_copy(update=changed))
        assert told == "breaks a limit; what changes: nothing"


def test_a_limit_that_is_broken_by_a_hair_is_not_told_with_two_numbers_that_read_alike(
    outcome: Outcome,
) -> None:
    limit = Bound(name="limit:late_share", metric="late_share", at_most=0.1, at_least=None,
                  low=0.1, high=0.1, costs_beyond=None, why="w")  # fmt: skip
    miss = Broken(limit=limit.name, value=0.10012, beyond=0.0012)
    broken = outcome.options[0].model_copy(update={"breaks": [miss]})
    (point,) = points(outcome.model_copy(update={"limits": [limit]}), broken, None)
    assert point.reason.replace("\u00a0", " ").endswith(" 10.01 %, allowed at most 10 %")


def test_tiers_are_told_in_the_words_of_the_platform() -> None:
    pods = Outcome.model_construct(
        recommended="database-only", today="memory-redis", keeps_today=False
    )
    said = "The memory of each pod and Redis go."
    assert answer.what_stays(load_case("shop-redis"), pods) == said


def test_what_the_question_names_is_answered(case: Case, outcome: Outcome) -> None:
    (told,) = answer.asked_about(case, outcome)
    assert told.startswith("The best option with Durable Objects, “")
    assert "is worse by $" in told
    assert told.endswith("h of work.")
    assert list(answer.asked_about(case, choosing(outcome, "durable-object"))) == []


@pytest.mark.parametrize(
    ("question", "asked"),
    [("Is KV worth it?", 1), ("Is R2, or the Cache API, enough?", 2), ("Do we need a cache?", 0)],
)
def test_only_tiers_that_the_question_names_and_the_choice_has_not_are_told(
    case: Case, outcome: Outcome, question: str, asked: int
) -> None:
    other = case.model_copy(update={"question": question})
    told = list(answer.asked_about(other, choosing(outcome, "l1-only")))
    assert len(told) == asked


@pytest.mark.parametrize(
    ("unsure", "said"),
    [(1, "1 further finding is not counted"), (4, "4 further findings are not counted")],
)
def test_unsure_findings_are_told_wherever_faults_are_counted(
    material: Material, unsure: int, said: str
) -> None:
    text = markdown.files(with_metric(material, "evidence.unsure", unsure))["report.md"]
    assert said in text
    assert f"{unsure} unsure finding" in text.partition("## Conclusion")[2]
    assert "--confidence low" in text


def test_where_no_finding_is_unsure_none_is_spoken_of(material: Material) -> None:
    text = markdown.files(with_metric(material, "evidence.unsure", 0))["report.md"]
    assert "unsure finding" not in text
    assert "not counted" not in text


def test_a_source_without_sure_faults_is_not_said_to_have_none(material: Material) -> None:
    none = with_metric(with_metric(material, "evidence.findings", 0), "evidence.unsure", 2)
    text = markdown.files(none)["report.md"]
    assert "no rule of the audit is sure of a fault" in text
    assert "fired" not in text


def test_the_distance_to_another_answer_is_in_each_sentence(material: Material) -> None:
    text = markdown.files(material)["report.md"]
    told = text.partition("What would change the answer")[2].partition("\n| option")[0]
    sentences = re.findall(r"^- If .*", told, re.MULTILINE)
    assert 1 <= len(sentences) <= 3
    for sentence in sentences:
        assert re.search(
            r"\(now [^)]*: ([\d.,]+\s(%|points?) (more|less)|[\d.,]+ times as much)", sentence
        ), sentence


def test_how_sure_is_said_in_words_and_number(material: Material) -> None:
    text = markdown.files(material)["report.md"]
    assert re.search(
        r"\| how sure \| (very sure|fairly sure|more likely than not|unsure): best", text
    )
    assert re.search(r"\(±\s\d+\.\d\spoints\)", text)


def test_bills_cross_from_one_state_into_another(material: Material) -> None:
    table = material.findings["decision.crossings"].finding
    assert isinstance(table, Table)
    told = [(row[0], row[1]) for row in table.rows]
    assert {word for _, word in told} <= {"dearer", "as cheap", "cheaper"}
    assert all(one != other for one, other in pairwise(told)), "twice the same says nothing"


def test_settings_are_of_the_choice_first_then_of_what_is_there(
    material: Material, outcome: Outcome
) -> None:
    table = material.findings["decision.settings"].finding
    assert isinstance(table, Table)
    names = list(dict.fromkeys(row[0] for row in table.rows))
    words = {option.name: option.words for option in outcome.options}
    assert names[:2] == [words[str(outcome.recommended)], words[str(outcome.today)]]
    later = [option.words for option in outcome.options if option.words in names[2:]]
    assert names[2:] == later


def test_prices_and_quoted_lines_are_told_without_names_of_meters() -> None:
    assert meter_words("do.rows_read") == "Durable Objects, rows read"
    assert meter_words("workers.cpu_ms") == "Workers, CPU time"
    assert meter_words("zones.gb") == "traffic between zones, GB"
    assert meter_words("lambda.gb_s") == "functions, GB-seconds"
    assert meter_words("database.calls") == "the database, calls"
    assert line_words("kv_reads") == "KV, reads"


def test_every_meter_of_every_price_book_is_told_in_words() -> None:
    meters = {meter.meter for path in BOOKS.glob("*.yaml") for meter in price_book(path).meters}
    assert len(meters) > 20
    told = {meter_words(meter) for meter in meters}
    assert len(told) == len(meters), "no two alike"
    for words in told:
        assert not re.search(r"[_.]|\b(gb s|cpu ms|gb|ms)\b", words), words


def test_what_is_worth_measuring_is_worth_so_much_of_what_is_minimised(material: Material) -> None:
    told = markdown.files(material)["report.md"].replace("\u00a0", " ")
    (row,) = [line for line in told.splitlines() if line.startswith("| Measure ")]
    gain = re.escape("to know it is worth \\$") + r"[\d.]+ on average, in monthly cost\b"
    assert re.search(gain, row), row


def test_every_chapter_but_the_first_folds_and_ends_where_the_next_begins(
    material: Material,
) -> None:
    written = "# Title\n\n## First\n\na\n\n## Second\n\n### Part\n\nb\n\n## Third\n\nc\n"
    page = to_html(material, written, [])
    body = page[page.index("<h1") : page.rindex("</details>") + len("</details>")]
    order = re.findall(r"<details class=\"chapter\"|</details>|<h2|<h3", body)
    fold = ['<details class="chapter"', "<h2"]
    assert order == ["<h2", *fold, "<h3", "</details>", *fold, "</details>"]


def test_of_faults_that_have_no_room_the_errors_are_counted() -> None:
    columns = ["where", "severity", "fault", "what mending it changes in a month"]
    rows = [[f"a.ts:{n}", "error" if n < 4 else "note", f"fault {n}", "–"] for n in range(6)]
    finding = Table(
        id=answer.FAULTS, caption="c", columns=[{"name": n} for n in columns], rows=rows
    )
    found = {answer.FAULTS: SimpleNamespace(finding=finding)}
    *first, last = answer._faults(found)
    assert [each.what for each in first] == ["Mend: fault 0", "Mend: fault 1", "Mend: fault 2"]
    assert last.what.replace("\u00a0", " ") == "Mend 3 more faults, 1 error among them"


@pytest.mark.parametrize(
    ("against", "told"),
    [("l1-only", True), ("durable-object", False), ("l1-kv", False), (None, False)],
    ids=["another", "named by the question", "chosen", "not stated"],
)
def test_the_design_that_is_asked_about_is_answered_where_the_question_names_no_tier_of_it(
    case: Case, outcome: Outcome, against: str | None, told: bool
) -> None:
    stated = {"against": against} if against else {}
    other = Case.model_validate(
        {**case.model_dump(exclude={"against"}, exclude_unset=True), **stated}
    )
    fared = choosing(outcome, "l1-kv")
    found = [said for said in answer.asked_about(other, fared) if "which is asked about" in said]
    assert bool(found) is told
    for said in found:
        assert re.match(r"“[^”]+”, which is asked about, (is worse by|breaks|would|cannot)", said)


def test_what_breaks_the_same_limits_is_told_in_one_sentence(case: Case, outcome: Outcome) -> None:
    other = case.model_copy(update={"question": "KV, or Durable Objects, or the Cache API?"})
    limit = Bound(name="limit:p95_ms", metric="p95_ms", at_most=1, at_least=None, low=1, high=1,
                  costs_beyond=None, why="w")  # fmt: skip
    chosen = choosing(outcome, "l1-only")
    out = {"fate": "out", "breaks": [Broken(limit=limit.name, value=2.0, beyond=1.0)]}
    options = [
        option if option.fate == "chosen" else option.model_copy(update=out)
        for option in chosen.options
    ]
    broken = chosen.model_copy(update={"options": options, "limits": [limit]})
    (told,) = answer.asked_about(other, broken)
    assert told.startswith("The best option with ")
    assert told.count("; the best option with ") + told.count("; and the best option with ") >= 1
    label = broken.metrics["p95_ms"].label
    assert told.endswith(f", break a limit: {label}.")


def test_the_front_page_speaks_of_a_shared_tier_only_of_what_it_is_about(
    case: Case, outcome: Outcome
) -> None:
    pick, asked = choosing(outcome, "l1-kv"), case.model_copy(update={"against": "kv-only"})
    by_name = {name: case.design(name) for name in case.design_names}
    assert answer.speaks_of(by_name["l1-kv"], case, pick)
    assert answer.speaks_of(by_name[pick.today or ""], case, pick)
    assert not answer.speaks_of(by_name["l1-r2"], case, pick)
    assert answer.speaks_of(by_name["kv-only"], asked, pick)
    assert not answer.speaks_of(None, case, pick)
