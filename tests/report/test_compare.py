"""Two reports side by side."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cachelib.report.document.compare import NoReportError, compare


def metric(value: object, unit: str = "", caption: str = "A number") -> dict[str, object]:
    return {"value": value, "unit": unit, "caption": caption, "how": "simulated"}


def report(folder: Path, **changed: Any) -> Path:
    """A report's two files, as far as a comparison reads them."""
    folder.mkdir()
    said: dict[str, Any] = {
        "l1_ttl_s": None, "recommended": "l1-kv", "hit_ratio": 0.5, "cost": 5.0, "keys": 100,
        "verdict": "supported", "quote": "a quote", "caption": "A number", **changed,
    }  # fmt: skip
    metrics = {
        "decision.recommended": metric(said["recommended"]),
        "shared.hit_ratio": metric(said["hit_ratio"], "ratio", said["caption"]),
        "cost.month": metric(said["cost"], "USD"),
    }
    claims = [{"id": "hits", "quote": said["quote"], "verdict": said["verdict"]}]
    case = {"workload": {"keys": said["keys"]}, "designs": ["l1-only", {"name": "own", "l1": True}]}
    manifest = {"parameters": {"l1_ttl_s": said["l1_ttl_s"]}, "case": case}
    (folder / "decision.json").write_text(json.dumps({"metrics": metrics, "claims": claims}))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_equal_reports_have_no_changes(tmp_path: Path) -> None:
    found = compare(report(tmp_path / "a"), report(tmp_path / "b"))
    assert not found.decision_changed
    assert found.as_text().splitlines()[0] == "decision changed: no, “l1-kv”"
    assert (found.parameters, found.metrics, found.claims) == ([], [], [])


def test_every_kind_of_change_is_said_with_its_size(tmp_path: Path) -> None:
    other = report(
        tmp_path / "b", l1_ttl_s=60, recommended="l1-only", hit_ratio=0.25, cost=7.5, keys=200,
        verdict="contradicted",
    )  # fmt: skip
    text = compare(report(tmp_path / "a"), other).as_text().replace("\u00a0", " ")
    assert text.splitlines()[0] == "decision changed: yes, “l1-kv” → “l1-only”"
    assert "  workload.keys: 100 → 200 (+100)" in text
    assert "  l1_ttl_s: – → 60" in text
    assert "  shared.hit_ratio: 50 % → 25 % (−25 points)  A number" in text
    assert "  cost.month: $5.00 → $7.50 (+$2.50)  A number" in text
    assert "  hits: supported → contradicted  a quote" in text


def test_what_only_one_side_has_is_a_change(tmp_path: Path) -> None:
    a, b = report(tmp_path / "a"), report(tmp_path / "b")
    decision = json.loads((b / "decision.json").read_text())
    del decision["claims"], decision["metrics"]["cost.month"]
    (b / "decision.json").write_text(json.dumps(decision))
    text = compare(a, b).as_text()
    assert "  hits: supported → –  a quote" in text
    assert "  cost.month: $5.00 → –" in text


def test_where_a_case_was_found_and_why_a_number_is_what_it_is_are_no_questions(
    tmp_path: Path,
) -> None:
    a, b = report(tmp_path / "a"), report(tmp_path / "b")
    for folder, name, why, ms in ((a, "cases/own.yaml", "a guess", 5), (b, "own", "-p", 9)):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["parameters"]["case"] = name
        manifest["case"]["assumptions"] = {"origin_ms": {"value": ms, "why": why}}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    assert [one.name for one in compare(a, b).parameters] == ["assumptions.origin_ms.value"]


def test_json_carries_numbers_not_words(tmp_path: Path) -> None:
    found = compare(report(tmp_path / "a"), report(tmp_path / "b", hit_ratio=0.75)).as_json()
    assert found["decision"]["changed"] is False
    [change] = found["metrics"]
    assert (change["name"], change["before"], change["after"]) == ("shared.hit_ratio", 0.5, 0.75)
    assert change["delta"] == 0.25
    json.dumps(found)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    quote = "<script>alert(1)</script>\x1b[2J"
    other = report(tmp_path / "b", quote=quote, verdict="untested", caption=quote, hit_ratio=0)
    found = compare(report(tmp_path / "a"), other)
    assert "<script>" not in found.as_html()
    assert "&lt;script&gt;" in found.as_html()
    assert "\x1b" not in found.as_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"metrics": 1}', "[" * 100_000])
def test_a_folder_without_a_report_is_an_error(tmp_path: Path, text: str) -> None:
    bad = report(tmp_path / "bad")
    (bad / "decision.json").write_text(text)
    with pytest.raises(NoReportError, match="no report can be read here"):
        compare(report(tmp_path / "a"), bad)


@pytest.mark.timeout(20)
def test_pipes_in_the_place_of_files_are_no_report(tmp_path: Path) -> None:
    report(tmp_path / "a")
    for name in ("decision.json", "manifest.json"):
        b = report(tmp_path / name)
        (b / name).unlink()
        os.mkfifo(b / name)
        with pytest.raises(NoReportError, match="is no file"):
            compare(tmp_path / "a", b)


def outcome(chosen: str, **scores: float) -> dict[str, object]:
    """As much of a decision as a comparison reads."""
    options = [
        {"name": name, "words": name.upper(), "fate": "chosen" if name == chosen else "stands",
         "score": score}
        for name, score in scores.items()
    ]  # fmt: skip
    return {"unit": "USD", "options": options}


def with_outcome(folder: Path, chosen: str, **scores: float) -> Path:
    path = report(folder, recommended=chosen, keys=len(folder.name)) / "decision.json"
    told = json.loads(path.read_text()) | {"outcome": outcome(chosen, **scores)}
    path.write_text(json.dumps(told))
    return folder


def test_a_changed_answer_comes_first_in_words_then_its_cause_then_the_options(
    tmp_path: Path,
) -> None:
    a = with_outcome(tmp_path / "a", "kv", kv=10.0, r2=12.0)
    b = with_outcome(tmp_path / "bb", "r2", kv=14.0, r2=12.0)
    found = compare(a, b)
    assert found.answer == (
        "The answer has changed, from “KV” to “R2”. 1 thing was asked differently."
    )
    assert [(one.name, one.about, one.in_words) for one in found.options] == [
        ("kv", "KV", "chosen → stands"),
        ("r2", "R2", "stands → chosen"),
        ("kv", "KV", "$10.00 → $14.00 (+$4.00)"),
    ]
    page = found.as_html()
    places = [page.index(words) for words in (
        "The answer has changed", "What was asked differently", "What became of the options",
        "Claims with another verdict", "Every number that differs",
    )]  # fmt: skip
    assert places == sorted(places)


def test_the_same_answer_is_said_to_be_the_same(tmp_path: Path) -> None:
    a = with_outcome(tmp_path / "a", "kv", kv=10.0)
    assert compare(a, a).answer == "The answer is the same: “KV”."


def with_many(folder: Path, value: int) -> Path:
    """A report of forty numbers, all alike."""
    path = report(folder) / "decision.json"
    many = {f"cost.n{nth}": metric(value) for nth in range(40)}
    path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": many}))
    return folder


def test_many_numbers_that_differ_are_folded(tmp_path: Path) -> None:
    a, b = with_many(tmp_path / "a", 1), with_many(tmp_path / "b", 2)
    page = compare(a, b).as_html()
    assert "<summary>40 of them</summary>" in page


def turned(folder: Path, hours: float, chosen: str) -> Path:
    """A report of which the work decides: at 5 h the choice is another."""
    path = with_outcome(folder, chosen, kv=10.0, r2=12.0) / "decision.json"
    told, manifest = (
        json.loads(path.read_text()),
        json.loads((folder / "manifest.json").read_text()),
    )
    told["outcome"] |= {
        "flips": [
            {"number": "hours:r2", "label": "the work for “R2”", "unit": "hours", "at": 5.0,
             "before": "r2", "after": "kv", "cause": "score", "metric": "bill", "option": "kv"},
            {"number": "hours:r2", "label": "the work for “R2”", "unit": "hours", "at": 50.0,
             "before": "kv", "after": None, "cause": "limit", "metric": "limit:bill",
             "option": "kv"},
        ],
        "limits": [{"name": "limit:bill", "metric": "bill"}],
        "metrics": {"bill": {"label": "monthly bill"}},
    }  # fmt: skip
    manifest["case"]["options"] = {"r2": {"hours": {"value": hours, "low": 1, "high": 99}}}
    path.write_text(json.dumps(told))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_what_changed_the_answer_is_said_where_the_earlier_report_knows_it(tmp_path: Path) -> None:
    a, b = turned(tmp_path / "a", 8, "kv"), turned(tmp_path / "bb", 2, "r2")
    [cause] = compare(a, b).causes
    assert cause.replace("\u00a0", " ") == (
        "The work for “R2” went from 8 h to 2 h, past 5 h,"
        " where “KV” gives way to “R2” in monthly bill."
    )
    assert cause in compare(a, b).as_text()
    assert compare(a, b).parameters[-1].about == "hours of work for “R2”"
    page = compare(a, b).as_html()
    assert (
        page.index("The answer has changed") < page.index("past 5") < page.index("What was asked")
    )
    assert compare(a, turned(tmp_path / "ccc", 9, "r2")).causes == []
    assert "it is several together, or the code" in compare(a, tmp_path / "ccc").as_html()


def test_a_limit_that_an_option_ceases_to_keep_is_named_as_the_cause(tmp_path: Path) -> None:
    a, b = turned(tmp_path / "a", 8, "kv"), turned(tmp_path / "bb", 60, "r2")
    [cause] = compare(a, b).causes
    assert "“KV” gives way to nothing that keeps the limits" in cause
    assert cause.endswith("there “KV” begins or ceases to keep the limit of monthly bill.")


def test_every_option_of_both_is_drawn_with_its_score_before_and_now(tmp_path: Path) -> None:
    a = with_outcome(tmp_path / "a", "kv", kv=10.0, gone=20.0)
    b = with_outcome(tmp_path / "bb", "kv", kv=14.0, new=7.0)
    found = compare(a, b)
    assert [(one.words, one.fates, one.scores, one.shares) for one in found.standings] == [
        ("KV", ("chosen", "chosen"), ("$10.00", "$14.00"), (0.5, 0.7)),
        ("NEW", ("–", "keeps every limit"), ("–", "$7.00"), (None, 0.35)),
        ("GONE", ("keeps every limit", "–"), ("$20.00", "–"), (1.0, None)),
    ]
    assert "--share: 70.0%" in found.as_html()
    assert found.answer == "The answer is the same: “KV”. Its score: $10.00 → $14.00 (+$4.00)."


def test_the_terminal_is_not_flooded_with_numbers(tmp_path: Path) -> None:
    a, b = with_many(tmp_path / "a", 1), with_many(tmp_path / "b", 2)
    text = compare(a, b).as_text()
    assert text.count("cost.n") == 12
    assert text.endswith("  and 28 more, which --html and --json have")


def test_the_terminal_is_not_flooded_by_cases_that_have_little_in_common(tmp_path: Path) -> None:
    a, b = report(tmp_path / "a"), report(tmp_path / "b")
    manifest = json.loads((b / "manifest.json").read_text())
    manifest["parameters"] = {f"p{nth}": nth for nth in range(40)}
    (b / "manifest.json").write_text(json.dumps(manifest))
    told = compare(a, b).as_text().partition("\noptions:")[0]
    assert told.count("\n  p") == 12
    assert "  and 28 more, which --html and --json have" in told


def of_chapters(folder: Path, *notebooks: str) -> Path:
    """A report that was made of these; what others would say is not in it."""
    manifest, decision = folder / "manifest.json", folder / "decision.json"
    said = json.loads(decision.read_text())
    kept = {id: one for id, one in said["metrics"].items() if id.partition(".")[0] in notebooks}
    decision.write_text(json.dumps(said | {"metrics": kept}))
    of = {"notebooks": {name: {} for name in notebooks}}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | of))
    return folder


def test_of_chapters_that_one_report_alone_has_nothing_is_compared(tmp_path: Path) -> None:
    full = of_chapters(report(tmp_path / "full"), "shared", "cost", "decision")
    part = of_chapters(report(tmp_path / "part", recommended="l1-only"), "decision")
    for found in (compare(full, part), compare(part, full)):
        assert [one.name for one in found.metrics] == ["decision.recommended"]
        (said,) = found.partly
        assert said == f"{part} has only some chapters: of shared and cost nothing is compared."
        assert said in found.as_text()
        assert "has only some chapters" in found.as_html()
    assert found.as_json()["only_in_b"] == ["shared", "cost"]


def test_what_both_chapters_could_say_and_one_does_not_is_a_change(tmp_path: Path) -> None:
    a = of_chapters(report(tmp_path / "a"), "shared", "cost", "decision")
    b = of_chapters(report(tmp_path / "b"), "shared", "decision")
    told = json.loads((b / "decision.json").read_text())
    told["metrics"]["shared.new"] = metric(3)
    (b / "decision.json").write_text(json.dumps(told))
    assert [one.name for one in compare(a, b).metrics] == ["shared.new"]


def test_where_one_report_does_not_decide_no_change_of_the_answer_is_told(tmp_path: Path) -> None:
    full = of_chapters(with_outcome(tmp_path / "full", "kv", kv=10.0), "shared", "decision")
    part = of_chapters(report(tmp_path / "part"), "shared")
    found = compare(full, part)
    assert found.as_text().splitlines()[0] == (
        "decision changed: not known, one of the reports does not decide"
    )
    assert found.as_json()["decision"]["changed"] is None
    assert "not known" in found.answer
    assert (found.options, found.metrics, found.standings) == ([], [], [])
