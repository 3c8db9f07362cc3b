"""Unlike cases, each with its report: what is said of one must not be said of another."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from cachelib.model.case.labels import label
from cachelib.model.judgement import experiments, simulator, subject
from cachelib.model.money.prices import monthly_bill
from cachelib.model.schema.resources import resource
from cachelib.model.traffic import sampling
from cachelib.model.traffic.logs import apart
from tests.model.conftest import here
from tests.report.in_process import Report, report

CASES = Path(__file__).with_name("cases")
READY_MADE = ("catalogue-lambda", "flags-workers", "news-workers", "shop-redis")
"""Cases that come with the package and have no document to test; here with less traffic."""
TRAFFIC = {"flags-workers": 2_000_000_000}
"""Where another's would make it another question."""
SIMULATED = 100_000
"""Requests that stand for all of such traffic: sentences are asked for here, and no last digit."""
NAMES = [*sorted(path.stem for path in CASES.glob("*.yaml")), *READY_MADE]
FEW = {
    "draws": 100, "isolate_counts": (1, 4), "traffic_factors": (0.1, 1), "ttl_factors": (0.1, 1),
}  # fmt: skip
pytestmark = pytest.mark.timeout(300)


STATED = ("behind_cloudfront", "fronted", "keeps", "one_place", *READY_MADE)
"""The cases that say what is there today."""


def of(name: str) -> Report:
    if name in READY_MADE:
        with pytest.MonkeyPatch.context() as patch:
            for module in (sampling, simulator, experiments):
                patch.setattr(module, "MOST_REQUESTS", SIMULATED)
            return report(name, requests_per_month=TRAFFIC.get(name, 100_000), **FEW)
    log = {"trace": parcels()} if name == "one_place" else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "answers_from_apart", here)  # ten processes, of a second each
        return report(str(CASES / f"{name}.yaml"), **FEW, **log)


@cache
def parcels() -> str:
    """A log of one place, as somebody may have uploaded it: each parcel is asked for in bursts."""
    path = Path(mkdtemp()) / "parcels.csv"
    rows = [
        f"{1_700_000_000 + 7_200 * parcel + 60 * turn},{parcel}"
        for parcel in range(200)
        for turn in range(5)
    ]
    path.write_text("\n".join(["second,parcel", *rows]), "utf-8")
    return str(path)


def prose(text: str) -> str:
    """The text without links' targets, code blocks and the list of notebooks."""
    text = text.partition("\n## Provenance")[0]
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", text).replace("\\", "")


def section(text: str, words: str) -> str:
    """The chapter whose title has these words, or nothing."""
    for chapter in text.split("\n## ")[1:]:
        if words in chapter.partition("\n")[0]:
            return chapter
    return ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", ["markdown", "record"])
def test_no_word_of_another_s_story_is_said(name: str, document: str) -> None:
    text = prose(getattr(of(name), document)).lower()
    for word in (
        "sentiment",
        "trading",
        "aapl",
        "old document",
        "as audited",
        "document under test",
    ):
        assert word not in text, word


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", ["markdown", "record"])
def test_readers_meet_no_name_of_the_program(name: str, document: str) -> None:
    text = prose(getattr(of(name), document))
    designs = "l1-kv|l1-only|kv-only|origin-only|durable-object|l1-[a-z0-9-]+"
    assert re.findall(rf"(?<![\w/-])(?:{designs})(?![\w-])", text) == []
    assert re.findall(r"(?<![\w./])[a-z0-9]+_[a-z0-9_]+(?![\w/.])", text) == []
    assert re.findall(r"(?<![\w@.])\d+(?:\.\d+)?[eE][-+]?\d+(?!\w)", text) == []
    assert re.findall(r"\b(?:None|nan|inf|True|False)\b|\{\{|\}\}", text) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_the_markdown_says(name: str) -> None:
    words = re.sub(r"<(style|script).*?</\1>", "", of(name).page, flags=re.DOTALL)
    titles = re.findall(r"^## (.+)$", of(name).markdown, re.MULTILINE)
    for title in titles:
        assert re.sub(r"\\(.)", r"\1", title).replace("'", "&#x27;") in words.replace(
            "&#39;", "&#x27;"
        ).replace("'", "&#x27;")


@pytest.mark.parametrize("name", NAMES)
def test_all_that_stands_for_markup_has_become_markup(name: str) -> None:
    marks = re.compile("[\ue000\ue001\ufffd]")
    lost = [part for part in re.split("[<>]", of(name).page) if marks.search(part)]
    assert lost == []


@pytest.mark.parametrize("name", NAMES)
def test_the_decision_keeps_the_schema_that_lies_beside_it(name: str) -> None:
    decision = of(name).decision
    schema = json.loads(of(name).files[decision["$schema"]])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(decision)


@pytest.mark.parametrize("name", NAMES)
def test_every_title_of_a_chapter_is_there_once(name: str) -> None:
    titles = re.findall(r"^## (.+)$", of(name).markdown, re.MULTILINE)
    assert len(set(titles)) == len(titles)
    assert titles[0] == "Recommendation"


@pytest.mark.parametrize("name", NAMES)
def test_the_first_page_has_one_figure_and_the_limits_below_the_options(name: str) -> None:
    front = section(of(name).markdown, "Recommendation")
    assert front.count("*Figure ") == ("decision.comparison" in of(name).findings)
    assert ("\n| Limit |" in front) == bool(of(name).study.case.criteria.limits)
    assert not re.search(r"\n\|[-|]+\|\n\n", front), "a card without a row"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", ["markdown", "record"])
def test_no_number_s_name_has_a_comma_that_ends_a_sentence_s_part(name: str, document: str) -> None:
    """`its monthly cost, work included is $23`: the name stands within many a sentence."""
    assert "work included" not in getattr(of(name), document)


@pytest.mark.parametrize("name", NAMES)
def test_no_title_ends_in_the_middle(name: str) -> None:
    for title in re.findall(r"^#+ (.+)$", of(name).markdown, re.MULTILINE):
        assert not re.search(r"\b(?:of|the|a|and|or|than|in|by)$", title), title


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", ["markdown", "record"])
def test_no_sentence_has_two_brackets_in_a_row_or_absurd_per_cent(name: str, document: str) -> None:
    text = prose(getattr(of(name), document)).replace("\u00a0", " ")
    assert re.findall(r".{30}\) \((?!simulated|closed form|derived|examined|data).{30}", text) == []
    assert re.findall(r".{20}\d,\d{3} %", text) == []
    assert re.findall(r".{20}\b100 % of th.{20}", text) == []


@pytest.mark.parametrize("name", STATED)
def test_what_the_choice_costs_stands_beside_what_is_paid_today(name: str) -> None:
    """Also where what is there today breaks a limit, and the choice costs more."""
    decided = of(name).decision["outcome"]
    there = {option["name"]: option for option in decided["options"]}
    picked, today = there[decided["recommended"]], there[decided["today"]]
    card = section(of(name).markdown, "Recommendation").replace("\u00a0", " ")
    aim = of(name).decision["outcome"]["minimised"]
    [row] = [line for line in card.splitlines() if line.startswith(f"| {aim} |")]
    gap = picked["score"] - today["score"]
    tolerance = of(name).study.case.criteria.score_tolerance(picked["score"])
    assert ("less than today" in row) == (-gap > tolerance), row
    assert ("more than today" in row) == (gap > tolerance), row


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_that_counts_for_nothing_is_told_without_digits(name: str) -> None:
    decided = of(name).decision["outcome"]
    picked = next((o for o in decided["options"] if o["fate"] == "chosen"), None)
    if picked is None or picked["score"] is None:
        return
    regret = picked["sure"]["regret"]
    least = of(name).study.case.criteria.score_tolerance(picked["score"])
    counts = any((regret[part] or 0) > least for part in ("mean", "p95"))
    lost = any((regret[part] or 0) > 0 for part in ("mean", "p95"))
    card = section(of(name).markdown, "Recommendation")
    assert ("by less than counts, on average and in 19 of 20" in card) == (lost and not counts)


def test_where_no_option_is_fresher_than_another_none_is_named() -> None:
    for name in NAMES:
        told = section(of(name).markdown, "No answer is out of date")
        rows = [line for line in told.splitlines() if line.startswith("| ")][2:]
        assert not ("With “" in told and len(rows) > 1), name


@pytest.mark.parametrize("name", NAMES)
def test_no_map_is_drawn_over_what_has_nothing_to_do_with_the_options(name: str) -> None:
    if "decision.map" in of(name).findings:
        figure = of(name).findings["decision.map"]
        study = of(name).study
        strangers = [n for n in study.case.assumed if not subject.concerns(study, n)]
        for label_of in map(label, strangers):
            assert study.told(label_of) not in figure.finding.caption


@pytest.mark.parametrize("name", NAMES)
def test_slow_reads_that_are_far_away_are_not_put_down_to_what_they_ask(name: str) -> None:
    found, text = of(name).findings, prose(of(name).markdown).replace("\u00a0", " ")
    shared = section(text, "With ")
    for quantile, words in (("p95", "One read in twenty"), ("p99", "One read in a hundred")):
        told = [line for line in shared.splitlines() if line.startswith(words)]
        if told and found[f"shared.{quantile}_places"].finding.value:
            assert "which pay for asking" not in told[0]
            assert "so long does asking it take" not in told[0]


def test_an_old_value_that_nobody_got_was_not_served_for_no_time() -> None:
    for name in NAMES:
        text = prose(of(name).markdown).replace("\u00a0", " ")
        assert "for up to 0 s" not in text, name


def test_where_nothing_keeps_the_limits_there_is_no_choice_to_stay_the_same() -> None:
    text = prose(of("nothing_stands").markdown)
    assert "the choice is the same" not in text
    assert "nothing keeps every limit either" in text


def test_where_nothing_uses_kv_nothing_is_said_of_it() -> None:
    for name in ("no_kv", "memory_only"):
        text = prose(of(name).markdown)
        before_assumptions = text.partition("\n## Assumptions")[0]
        before_runtime = before_assumptions.partition("\n## On the real runtime")[0]
        assert "KV" not in before_runtime
        assert "Durable Object" not in before_runtime


def test_where_nothing_was_audited_no_fault_is_spoken_of() -> None:
    for name in NAMES:
        text = prose(of(name).markdown)
        assert section(text, "audit") == ""
        assert re.findall(r"\bfaults?\b", text) == []


def test_without_claims_there_is_no_ledger() -> None:
    for name in NAMES:
        assert "ledger" not in prose(of(name).markdown).lower()


def test_without_a_shared_tier_none_is_praised() -> None:
    text = prose(of("memory_only").markdown)
    assert "shared tier" not in text.partition("\n## Assumptions")[0]
    assert section(text, "With ") == ""


def test_what_cannot_be_ranked_is_said_once_and_called_no_broken_limit() -> None:
    text = prose(of("no_hours").markdown)
    assert "| every option: the case does not state the work |" in text
    one_by_one = section(text, "The options, one by one")
    assert "Not ranked, since the case does not state the work" in one_by_one
    assert "### " not in one_by_one
    assert "nothing keeps the limits" not in text
    assert "the choice first" not in text
    assert "– ±" not in text


def test_what_is_out_of_date_is_what_the_case_says_in_every_chapter() -> None:
    text = prose(of("fresh_5s").markdown).replace("\u00a0", " ")
    assert "over a minute" not in text
    assert re.search(r"## Ways to let values expire in KV: .* out of date by over 1 s\n", text)


def test_what_never_keeps_the_limits_is_not_said_to_cost_nothing_more() -> None:
    front = section(of("fresh_5s").markdown, "Recommendation")
    assert "regretted less: \\$0.00" not in front
    sure = of("fresh_5s").decision["outcome"]["options"]
    never = [option["words"] for option in sure if not option["sure"]["keeps_limits"]["share"]]
    rows = prose(of("fresh_5s").markdown).splitlines()
    for words in never:
        [row] = [row for row in rows if row.startswith(f"| {words} |") and "± " in row][1:] or [""]
        assert row == "" or row.endswith("| – | – |")


def test_a_tie_is_called_a_tie() -> None:
    front = section(of("tie").markdown, "Recommendation")
    assert "too close to call" in front
    assert "\n> The next best" not in front


def test_where_nothing_keeps_the_limits_nothing_is_recommended() -> None:
    front = section(of("nothing_stands").markdown, "Recommendation")
    assert "No option of this case keeps every limit" in front
    assert "comes nearest" in front
    assert "Choose" not in front
    assert "No option keeps every limit" in of("nothing_stands").record


def test_today_that_nobody_stated_is_not_claimed() -> None:
    for name in set(NAMES) - {*STATED}:
        front = section(of(name).markdown, "Recommendation")
        assert "does not say what is there today" in front
        assert "Keep what you have" not in front
        assert "Change from" not in front


def test_what_is_there_is_kept_where_it_is_the_best() -> None:
    one = of("keeps")
    assert "Keep what you have: “Memory alone”" in section(one.markdown, "Recommendation")
    assert one.record.splitlines()[0] == "---"
    assert "# Keep “Memory alone”: Should the menu service leave its memory?" in one.record
    assert "there is no work to do" in one.record
    assert one.decision["outcome"]["keeps_today"] is True


def test_the_record_has_what_people_know_of_the_decision() -> None:
    record = of("keeps").record
    front = YAML(typ="safe", pure=True).load(record.split("---\n")[1])
    assert front == {
        "status": "accepted", "date": "2026-11-20", "decision-makers": ["Ada", "Grace"],
    }  # fmt: skip
    assert "* we are two people" in record
    assert "Look at the bill with “cachelib report” in a month." in record


def test_a_log_of_one_place_is_told_as_such_and_changes_what_is_there() -> None:
    one = of("one_place")
    there = section(one.markdown, "What there is")
    assert "1,000 in 17 days" in there.replace("\u00a0", " ")
    assert "as logged" in there
    front = section(one.markdown, "Recommendation")
    assert "Change from “No cache”" in front
    assert "other data centre" not in prose(one.markdown)


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_is_praised_for_its_limits_as_often_as_it_keeps_them(name: str) -> None:
    said = re.findall(r"\* (\w+), because it keeps every limit in", of(name).record)
    shares = [
        option["sure"]["keeps_limits"]["share"]
        for option in of(name).decision["outcome"]["options"]
        if option["fate"] == "chosen"
    ]
    assert said == ["Good" if s >= 0.9 else "Neutral" if s >= 0.5 else "Bad" for s in shares]


@pytest.mark.parametrize("name", NAMES)
def test_where_often_nothing_keeps_the_limits_it_is_told_of_those_tries_where_something_does(
    name: str,
) -> None:
    outcome = of(name).decision["outcome"]
    none, chosen = outcome["nothing_keeps_limits"], outcome["recommended"]
    told = re.findall(
        r"and in (all|[\d.]+\s%) of those in which any option keeps every", of(name).markdown
    )
    shares = [100.0 if share == "all" else float(share.rstrip("\u00a0 %")) for share in told]
    if chosen is None or not 0.05 <= none < 1:
        assert told == []
        return
    best = next(
        o["sure"]["best_or_tied"]["share"] for o in outcome["options"] if o["name"] == chosen
    )
    assert shares == [pytest.approx(100 * best / (1 - none), rel=0.01)]


@pytest.mark.parametrize("name", NAMES)
def test_no_threshold_is_rounded_to_where_the_number_is_now(name: str) -> None:
    told = re.findall(r"(?:more|less) than ([^(]+) \(now ([^:)]+)", of(name).markdown)
    assert all(there.split("\u00a0")[0] != now.split("\u00a0")[0] for there, now in told), told


def test_consequences_are_good_or_bad_as_the_metric_goes() -> None:
    record = of("one_place").record.replace("\u00a0", " ")
    consequences = record.partition("### Consequences")[2].partition("\n#")[0]
    gain = r"\* Good, because of the mean time to answer: [\d.]+ ms, [\d.]+ ms less than today’s"
    assert re.search(gain, consequences)
    assert "* Bad, because it takes work:" in consequences
    assert "of its answers are out of date by over 60 s" in consequences


@pytest.mark.parametrize("name", NAMES)
def test_the_record_has_every_part_of_madr_4(name: str) -> None:
    headings = re.findall(r"^#+ (.+)$", of(name).record, re.MULTILINE)
    wanted = ["Context and Problem Statement", "Decision Drivers", "Considered Options",
              "Decision Outcome", "Pros and Cons of the Options", "More Information"]  # fmt: skip
    assert [heading for heading in headings if heading in wanted] == wanted
    assert headings[0].endswith(of(name).study.case.title)
    assert headings[0] != of(name).study.case.title


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_named_in_plain_words(name: str) -> None:
    for text in (prose(of(name).markdown), prose(of(name).record)):
        own = text.partition("\n## Assumptions")[0]  # what follows quotes vendors
        jargon = r"\b(?:p50|p95|p99|hit ratio|metered|Monte Carlo|L1|L2)\b"
        assert re.findall(jargon, own) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_that_is_drawn_has_its_data_beside_it(name: str) -> None:
    files = of(name).files
    drawn = [path for path in files if path.endswith(".svg")]
    assert drawn
    for path in drawn:
        data = path.removesuffix("svg") + "csv"
        head, *rows = csv.reader(files[data].splitlines())
        assert rows, data
        assert all(len(row) == len(head) for row in rows)
        shown = path in of(name).markdown  # the figure of a chapter that the case has not is not
        assert (data in of(name).markdown) == shown
        assert (data in of(name).page) == shown


@pytest.mark.parametrize("name", NAMES)
def test_what_follows_a_fold_is_no_part_of_its_html(name: str) -> None:
    text = of(name).markdown
    assert text.count("</details>") >= 2
    assert text.count("</details>\n\n") == text.count("</details>")


def test_the_record_argues_for_what_was_chosen() -> None:
    for name in ("no_ai", "no_kv", "objects_win"):
        found, record = of(name), prose(of(name).record)
        chosen = found.findings["decision.recommended"].finding.value  # type: ignore[union-attr]
        words = found.study.case.words(str(chosen))
        assert f"Chosen option: “{words[0].upper()}{words[1:]}”" in record
        assert record.index("Chosen option") < record.index("Consequences")


def test_durable_objects_are_chosen_where_nothing_else_is_fresh_enough() -> None:
    found = of("objects_win").findings
    assert found["decision.recommended"].finding.value is not None  # type: ignore[union-attr]
    text = prose(of("objects_win").markdown)
    assert "A value found in a Durable Object takes" in text


def test_every_number_of_a_sentence_is_the_one_that_was_found() -> None:
    for name in ("no_ai", "fresh_5s"):
        one = of(name)
        alone = one.findings["isolation.hit_ratio"].finding.value  # type: ignore[union-attr]
        sentence = re.search(r"(\S+)\s% were found in the memory", prose(one.markdown))
        assert sentence is not None
        assert float(sentence[1]) == pytest.approx(100 * float(alone), rel=0.01)


def test_what_is_spoken_of_does_not_hang_on_the_order_of_lines() -> None:
    study = of("tie").study
    turned = study.case.model_copy(update={"designs": study.case.designs[::-1]})
    other = dataclasses.replace(study, case=turned)
    for told in (subject.shared, subject.memory_alone):
        one, two = told(study), told(other)
        assert one is not None
        assert two is not None
        assert one.name == two.name


def test_pods_with_redis_hear_no_word_of_cloudflare() -> None:
    for text in (of("pods").markdown, of("pods").record, of("pods").page):
        words = re.sub(r"<(style|script).*?</\1>", "", text, flags=re.DOTALL)
        words = words.partition("\n## Provenance")[0]
        words = re.sub(r"^.*this platform has no Workers KV.*$", "", words, flags=re.MULTILINE)
        story = (
            r"\b(?:KV|Workers?|[Ii]solates?|colos?|Durable|neurons?|AI|Cloudflare|workerd"
            r"|data cent(?:re|er)s?|free (?:plan|allowance)|[Oo]rigin)\b"
        )
        said = [line for line in words.splitlines() if re.search(story, prose(line))]
        assert [line for line in said if not DRAWN.match(line.strip())] == []


DRAWN = re.compile(r".*(?:-->|->>|participant|\borigin\[)|.*(?:id|href|name|data-\w+)=")
"""Lines of drawings and markup, whose names readers do not see."""


def test_pods_with_redis_are_told_of_pods_regions_redis_and_the_database() -> None:
    text = prose(of("pods").markdown).replace("\u00a0", " ")
    assert section(text, "own memory finds").startswith("Each pod's own memory")
    assert "| regions |" in text
    assert "the database" in section(text, "With Redis")
    assert "participant origin as Database" in of("pods").markdown
    assert "Redis, node hours" in section(of("pods").markdown, "Sources")
    assert "this platform has no Workers KV" in text
    assert "servers KV" not in text
    assert section(text, "runtime") == ""
    assert section(text, "expire in KV") == ""


@pytest.mark.parametrize("name", NAMES)
def test_of_nothing_to_measure_is_spoken_where_there_is_a_choice_and_no_table(name: str) -> None:
    found = of(name)
    said = "No one assumption is worth measuring by itself" in found.markdown
    has_choice = found.decision["outcome"]["recommended"] is not None
    assert said == (has_choice and "decision.matters" not in found.findings)


@pytest.mark.parametrize("name", NAMES)
def test_every_price_told_is_of_something_used_and_what_runs_is_there(name: str) -> None:
    sources = section(of(name).markdown, "Sources")
    assert sources.count(": price of ") == len(
        [found for found in of(name).findings if found.finding.id.startswith("prices.")]
    )
    if name in ("pods", "shop-redis", "catalogue-lambda", "behind_cloudfront"):
        return
    if name == "free_plan":  # which asks none
        assert "price of" not in sources
        return
    for price in ("the plan: ", "Workers, requests: ", "Workers, CPU time: "):
        assert f"- {price}price of " in sources, price


def test_a_rented_redis_costs_its_hours_at_the_case_s_own_price() -> None:
    one = of("pods")
    bills = {
        o["name"]: o["metrics"]["bill_usd"]["value"] for o in one.decision["outcome"]["options"]
    }
    assert bills["database-only"] == bills["memory-only"] == 0
    assert bills["redis-only"] == pytest.approx(720 * 2 * 0.02, rel=0.01)


def test_messages_are_spoken_of_where_some_option_listens_and_bound_how_old_an_answer_is() -> None:
    for name in NAMES:
        text = prose(of(name).markdown)
        assert ("once a message tells it" in text) == (name in ("pods", "shop-redis")), name
    found = of("pods").findings
    told, untold = (
        float(found[f"consistency.{name}_max_s"].finding.value)  # type: ignore[union-attr, arg-type]
        for name in ("told", "untold")
    )
    assert told < 1 < untold <= 120
    assert "each pod drops what another has changed" in prose(of("pods").markdown)


FOREIGN = {
    "catalogue-lambda": (
        "worker", "workers", "isolate", "isolates", "data centre", "data centres", "kv", "colo",
        "cloudflare", "pod", "pods", "server", "servers", "neurons", "ai", "durable object",
        "article", "articles", "postgresql",
    ),
    "behind_cloudfront": (
        "worker", "workers", "isolate", "isolates", "data centre", "data centres", "kv", "colo",
        "cloudflare", "pod", "pods", "server", "servers", "neurons", "ai",
        "durable object", "redis",
    ),
    "flags-workers": (
        "pod", "pods", "redis", "lambda", "dynamodb", "dax", "neuron", "neurons", "ai", "product",
        "products", "article", "articles", "postgresql", "content service",
    ),
    "news-workers": (
        "pod", "pods", "redis", "environment", "environments", "lambda", "dynamodb", "dax",
        "neuron", "neurons", "ai", "product", "products", "durable object", "durable objects",
        "postgresql",
    ),
    "shop-redis": (
        "worker", "workers", "isolate", "isolates", "data centre", "data centres", "kv", "colo",
        "cloudflare", "environment", "environments", "lambda", "dynamodb", "dax", "neuron",
        "neurons", "ai", "article", "articles", "durable object", "durable objects", "flag",
    ),
    "pods": (
        "environment", "environments", "lambda", "dynamodb", "dax", "neurons", "article",
    ),
}  # fmt: skip
"""What other platforms and other stories say, and these never."""


@pytest.mark.parametrize("document", ["markdown", "record"])
@pytest.mark.parametrize("name", FOREIGN)
def test_no_word_of_another_platform_is_said(name: str, document: str) -> None:
    text = prose(getattr(of(name), document)).lower()
    said = [word for word in FOREIGN[name] if re.search(rf"(?<![\w-]){word}(?![\w-])", text)]
    assert said == []


def test_a_flag_service_is_judged_by_five_seconds() -> None:
    one = of("flags-workers")
    text = prose(one.markdown).replace("\u00a0", " ")
    assert "over a minute" not in text
    assert re.search(
        r"## .* of the answers are out of date by over 5 s \(as set in the case\)\n", text
    )
    assert "a flag that is switched off must be off five seconds later" in text
    front = section(text, "Recommendation")
    assert "Change from “Memory alone” to “Memory, then the Cache API”" in front
    assert "| Memory, then Workers KV | out: out of date" in front
    assert "| Memory, then Durable Objects | out: 95 in 100 answered within |" in front


def test_loads_that_others_meet_are_spoken_of_where_they_count() -> None:
    said = (
        r"with “Memory, then the Cache API”, about ([\d.]+) % more loads than are counted here;"
        r" from ([\d.]+ [mb]illion) requests a month on"
    )
    for name in READY_MADE:
        text = prose(of(name).markdown).replace("\u00a0", " ")
        found = re.search(said, section(text, "What it costs"))
        assert bool(found) == (name == "flags-workers"), name
        if found:
            share, (number, many) = float(found[1]), found[2].split()
            assert share > 1
            assert float(number) * {"million": 1e6, "billion": 1e9}[many] < TRAFFIC[name]


def test_what_is_billed_while_it_waits_is_said_to_be() -> None:
    assert "billed for as long as it waits" in prose(of("catalogue-lambda").markdown)
    assert "servers and the database are left out" not in prose(of("catalogue-lambda").markdown)
    assert "billed for as long as it waits" not in prose(of("pods").markdown)


def test_no_meter_is_charged_that_the_case_does_not_name() -> None:
    study = of("news-workers").study
    assert study.platform.origin_neurons == 0
    assert "origin_neurons" not in study.case.assumed
    bill = monthly_bill(study.replay("origin-only"), study.book)
    charged = {line.meter for line in bill.lines if line.metered}
    assert charged == {"workers.requests", "workers.cpu_ms", "origin.calls"}


def test_how_many_nodes_are_rented_is_told() -> None:
    assert "\n| Redis | 2 nodes |\n" in of("pods").markdown
    assert "| Redis | " not in of("no_kv").markdown


def test_a_case_without_limits_is_not_said_to_keep_them_or_to_order_by_them() -> None:
    front = section(of("memory_only").markdown, "Recommendation")
    assert "best or tied" in front
    assert "keeps every limit" not in front
    assert "break a limit" not in front


def test_where_all_break_a_limit_they_are_not_said_to_stand_last() -> None:
    front = section(of("nothing_stands").markdown, "Recommendation")
    assert "*Table 1. The options, the nearest to keeping the limits first*" in front


def test_where_no_work_is_stated_no_column_says_so() -> None:
    for name in NAMES:
        front = section(of(name).markdown, "Recommendation")
        (row,) = re.findall(r"^\| option \| verdict .*$", front, re.MULTILINE)
        case = of(name).study.case
        assert ("| work |" in row) == any(case.hours(each) for each in case.option_names)


def test_a_design_that_cannot_be_is_not_said_so_with_a_key_of_the_file() -> None:
    assert "“Memory, then Workers KV” is not possible here: this platform has" in prose(
        of("pods").markdown
    )


def test_that_nothing_is_out_of_date_is_said_in_words() -> None:
    titles = re.findall(r"^## (.*out of date.*)$", of("memory_only").markdown, re.MULTILINE)
    assert titles == ["No answer is out of date by over 60\xa0s (as set in the case)"]


@pytest.mark.parametrize("name", NAMES)
def test_the_free_plan_is_named_where_the_case_is_on_it(name: str) -> None:
    text = of(name).markdown
    assert ("the free plan" in text) == (name == "free_plan")
    if name == "free_plan":
        assert "its minimum" not in section(text, "What it costs")
        assert "whatever is used" not in text


@pytest.mark.parametrize("name", NAMES)
def test_two_shares_in_a_title_are_told_in_one_measure(name: str) -> None:
    titles = re.findall(r"^## (.+)$", of(name).markdown, re.MULTILINE)
    pairs = [title for title in titles if "would find" in title or "; without," in title]
    assert all(title.count("%") == 2 and " in 10" not in title for title in pairs), pairs


def test_no_error_is_told_in_millionths() -> None:
    text = of("pods").markdown
    assert "| under\xa00.001\xa0% |" in text
    assert not re.search(r"0\.00000?\d+\s%", section(text, "How sure"))
    assert "0.000 ± 0.000" not in text.replace("\xa0", " ")


def test_a_table_in_several_regions_is_said_to_be_billed_in_each_and_what_is_left_out() -> None:
    told = section(of("catalogue-lambda").markdown, "What it costs")
    assert "\n\nDynamoDB is in 2 regions: each write is charged in every one of them" in told
    assert "it is left out of the bills.\n\n" in told
    assert "in every one of them" not in of("pods").markdown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("document", ["markdown", "record"])
def test_between_two_sentences_there_is_a_blank(name: str, document: str) -> None:
    joined = re.findall(r".{0,40}[a-z)%”][.!?][A-Z“].{0,40}", prose(getattr(of(name), document)))
    assert joined == []


def test_no_line_of_a_template_that_ends_in_a_tag_is_joined_to_the_next() -> None:
    """A newline after a tag is no part of what is written: so a line of text ends in none."""
    for path in sorted(resource("templates").rglob("*.md.j2")):
        lines = path.read_text("utf-8").split("\n")
        bare = [re.sub(r"\{%.*?%\}|\{#.*?#\}", "", line).strip() for line in lines]
        for nth, line in enumerate(lines):
            if not (bare[nth] and line.endswith("%}")) or "macro" in line + lines[nth + 1]:
                continue
            following = next(
                at for at in range(nth + 1, len(lines)) if bare[at] or not lines[at].strip()
            )
            assert not bare[following], (path.name, nth + 1, lines[following])


def test_what_a_cache_found_is_not_said_to_spare_the_origin_every_time() -> None:
    for name in NAMES:
        assert "without asking" not in prose(of(name).markdown), name
    assert "The origin may be asked all the same" in prose(of("tie").markdown)
