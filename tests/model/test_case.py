"""What `cachelib check` says of a case that cannot be: the line, the key, what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.errors import CachelibError
from cachelib.model.case import names
from cachelib.model.case.case import Case, load_case
from cachelib.model.case.checks import _options
from cachelib.model.case.choices import OptionNotes
from cachelib.model.case.metrics import METRICS
from cachelib.model.case.ready_made import CASES
from cachelib.model.judgement import regions
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.tiers.built_in import shipped_for
from cachelib.report.experiments.parameters import ParameterError, open_study, settable, settle
from tests.model.cases import raw, small

READY = (CASES / "trading-sentiment.yaml").read_text("utf-8")


def beside_its_repository(folder: Path) -> Path:
    """Where a case may be written so that the lines which it quotes are there."""
    shutil.copytree(CASES / "trading-sentiment", folder / "trading-sentiment")
    return folder / "case.yaml"


def with_design(folder: Path, words: str) -> Path:
    path = beside_its_repository(folder)
    path.write_text(
        READY.replace("  - kv-only\n", f"  - kv-only\n  - {{name: mine, {words}}}\n", 1), "utf-8"
    )
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("l2: kv, expiry: slidng", "expiry: must be 'inherited', 'independent' or 'sliding'"),
        ("l1: false, expiry: sliding", "expiry: 'sliding' renews the TTL of an L1"),
        ("expiry: sliding, policy: refresh", "expiry: 'sliding' does not go with the policy"),
        ("tiers: [kv], expiry: sliding", "expiry: 'sliding' renews the TTL of an L1"),
        ("tiers: [memory, vk]", "designs.mine.tiers.vk: must be 'memory', 'kv',"),
        ("tiers: [kv, r2]", "tiers: 'r2' cannot stand behind 'kv', since its copies are shared by"),
        ("tiers: [kv, cache-api]", "tiers: 'cache-api' cannot stand behind 'kv'"),
        ("tiers: [kv, memory]", "tiers: 'memory' cannot stand behind 'kv'"),
        ("tiers: [kv, kv]", "tiers: 'kv' cannot stand behind 'kv'"),
        ("tiers: [memory, cache-api], policy: clean-up", "policy: 'clean-up' is for KV"),
        ("l2: vk", "l2: 'vk' is unknown; there are kv, durable-object"),
        ("l2: [kv]", "l2: ['kv'] is unknown; there are kv, durable-object"),
        ("l1: perhaps", "l1: must be true or false"),
        ("l2_ttl_s: long", "l2_ttl_s: must be a number, not 'long'"),
        ("tiers: kv", "tiers: must be a list: a line for each, which begins with a dash"),
        ("l2: r2, tiers: [memory, kv]", "tiers: l1 and l2 are an older way to say the same"),
        ("l1_ttl_s: 0", "l1_ttl_s: must be greater than 0"),
        ("l2_tll_s: 60", "l2_tll_s: unknown key; did you mean 'l2_ttl_s'"),
    ],
)
def test_a_design_that_cannot_be_is_one_problem_that_names_the_key(tmp_path, words, said):
    with pytest.raises(InvalidFileError) as caught:
        load_case(with_design(tmp_path, words))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert f"name: mine, {words}" in problem.file.read_text("utf-8").split("\n")[problem.line - 1]


@pytest.mark.parametrize(
    ("words", "tiers"),
    [
        ("l1_ttl_s: 5", ("memory",)),
        ("tiers: []", ()),
        ("tiers: [memory, cache-api, kv]", ("memory", "cache-api", "kv")),
        ("l2: kv", ("memory", "kv")),
        ("l1: true, l2: cache-api", ("memory", "cache-api")),
        ("l1: false, l2: r2", ("r2",)),
        ("l1: false", ()),
        ("l2: null", ("memory",)),
    ],
)
def test_tiers_are_a_list_and_what_older_cases_say_is_understood(tmp_path, words, tiers):
    assert load_case(with_design(tmp_path, words)).design("mine").tiers == tiers


def test_what_a_design_is_made_of_can_be_set_as_the_case_says_it():
    name = "l1-kv-if-changed"
    case = load_case("trading-sentiment", {f"designs.{name}.l2": "r2"})
    assert case.design(name).tiers == ("memory", "r2")
    with pytest.raises(InvalidFileError, match="tiers: l1 and l2 are an older way"):
        load_case("trading-sentiment", {f"designs.{name}.tiers": ["memory", "r2"]})


def test_a_sliding_ttl_is_a_word_in_a_case_and_in_its_schema(tmp_path):
    design = load_case(with_design(tmp_path, "l2: kv, expiry: sliding")).design("mine")
    assert design.expiry == "sliding"
    assert "sliding" in Case.model_json_schema()["$defs"]["Design"]["properties"]["expiry"]["enum"]


def test_a_case_says_which_part_of_a_logged_request_is_the_key_and_which_to_keep(tmp_path):
    log, case = tmp_path / "access.log", beside_its_repository(tmp_path)
    line = '1.2.3.4 - - [{:02}/Aug/2026:{:02}:00:00 +0000] "GET {} HTTP/1.1" {} 10\n'
    requests = [("/a?b=1", 200), ("/a?b=2", 200), ("/c", 500)]
    hours = [(day, hour) for day in range(1, 29) for hour in range(24)]
    log.write_text("".join(line.format(*at, *asked) for at in hours for asked in requests))
    said = "log:\n  key: split_part(url, '?', 1)\n  where: status = 200\n"
    assert "log:\n  format: auto\n" in READY
    case.write_text(READY.replace("log:\n  format: auto\n", said), "utf-8")
    trace = settle({"case": str(case), "trace": str(log)}).study.trace
    assert (trace.keys, len(trace)) == (["/a"], 2 * len(hours))


def edited(folder: Path, old: str, new: str) -> Path:
    assert old in READY
    path = beside_its_repository(folder)
    path.write_text(READY.replace(old, new, 1), "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("over: origin_ms", "over: origin_mz", "over: origin_mz",
         "unknown number 'origin_mz'; did you mean 'origin_ms'?"),
        ("of: l1-kv.l2_speed_up", "of: l1-kv.l2_sped_up", "l2_sped_up",
         "unknown metric 'l2_sped_up'; did you mean 'l2_speed_up'?"),
        ("of: l1-kv.l2_speed_up", "of: l1-vk.l2_speed_up", "l1-vk",
         "unknown design 'l1-vk'; did you mean 'l1-kv'?"),
        ("metric: shared.hit_ratio", "metric: shared.hit_ration", "shared.hit_ration",
         "unknown metric 'shared.hit_ration'; did you mean 'shared.hit_ratio'?"),
        ("  - l1-r2\n", "  - l1-kv\n", None, "the design 'l1-kv' is there already"),
        ("  - kv-only\n", "  - {name: kv-only, l2: r2}\n", "{name: kv-only",
         "'kv-only' is the name of a shipped design with other tiers"),
        ("designs:\n", "against: l1-kv-only\ndesigns:\n", "against:",
         "unknown design 'l1-kv-only'; did you mean"),
        ("{SJC: 20", "{SJX: 20", "{SJX: 20", "'SJX' is no IATA code of an airport"),
        ("  path: trading-sentiment", "  path: trading-sentimnt", "  path: trading-sentimnt",
         "there is no folder 'trading-sentimnt' beside the case file"),
        ("{value: 14_400, low: 3_600,", "{value: 0, low: 0,", "value: 0",
         "must be 0.001 or more, not 0"),
        ("at_most: 0.15, low: 0.1, high: 0.2", "at_most: 15", "at_most: 15",
         "late_share is a share, from 0 to 1, not 15; 0.15 is 15 %"),
        ("minimise: monthly_cost_usd", "minimise: hit_ratio", "minimise: hit_ratio",
         "more hit_ratio is better, so the worst design would win"),
        ("minimise: monthly_cost_usd", "minimise: mothly_cost_usd", "minimise: mothly",
         "unknown metric 'mothly_cost_usd'; did you mean 'monthly_cost_usd'?"),
        ("metric: bill_usd, at_most", "metric: bill_usd, at_least", "at_least: 100",
         "less bill_usd is better; at_most is meant"),
        ("high: 172_800, unit: s", "high: 172_800, unit: ms", "high: 172_800, unit: ms",
         "value_life_s is in s, not 'ms'"),
        ("low: 0.70, high: 0.85", "low: 70, high: 85", "low: 70",
         "shared.hit_ratio is a ratio: 0.7 is 70 %, not 70"),
        ("designs:\n", "prices:\n  kv.reads: 1\n  kv.redas: 7\ndesigns:\n", "kv.redas",
         "unknown meter 'kv.redas'; did you mean 'kv.reads'?"),
        ("  - kv-only\n", "  - {name: kv-only, l2: kv, l1: false, l2_ttl: 60}\n", "l2_ttl: 60",
         "l2_ttl: unknown key; did you mean 'l2_ttl_s'?"),
    ],
)  # fmt: skip
def test_a_name_that_nothing_has_or_a_number_that_cannot_be_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, line: str | None, said: str
) -> None:
    path = edited(tmp_path, old, new)
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    found = [problem for problem in caught.value.problems if said in problem.message]
    if not found:
        found = [problem for problem in caught.value.problems if said in str(problem)]
    assert found, str(caught.value)
    if line is not None:
        lines = path.read_text("utf-8").splitlines()
        assert any(line in lines[problem.line - 1] for problem in found), found


def test_the_registry_of_region_metrics_is_what_the_formulas_know() -> None:
    study = small(designs=["l1-only", "l1-kv", "durable-object", "l1-kv-fixed"])
    for name in METRICS:
        found = regions.metric(study, f"l1-kv.{name}", "requests_per_month", np.array([1e4, 1e6]))
        assert found.shape == (2,), name


def test_the_registry_of_findings_holds_what_claims_quote() -> None:
    assert names.findings()["shared.hit_ratio"] == "ratio"
    assert {"prices.kv_reads", "facts.network_cities", "cost.table_kv_total"} <= set(
        names.findings()
    )


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("origin_ms", 5_000, lambda case: case.assumed["origin_ms"].value),
        ("assumptions.origin_ms", 5_000, lambda case: case.assumed["origin_ms"].high),
        ("assumptions.origin_ms.low", 3, lambda case: case.assumed["origin_ms"].low),
        ("kv_read_ms", 99, lambda case: case.assumed["kv_read_ms"].value),
        ("zipf", 0.5, lambda case: case.workload.zipf),
        ("workload.colos.SJC", 7, lambda case: case.workload.colos["SJC"]),
        ("kv_cache_ttl_s", 45, lambda case: case.all_knobs["kv_cache_ttl_s"].value),
        ("designs.l1-kv.l2_ttl_s", 77, lambda case: case.design("l1-kv").l2_ttl_s),
        ("designs.l1-kv-if-changed.l1_ttl_s", 7,
         lambda case: case.design("l1-kv-if-changed").l1_ttl_s),
        ("criteria.limits.p95_ms.at_most", 9, lambda case: case.criteria.limits[0].at_most),
        ("criteria.limits.p99_ms.at_most", 9, lambda case: case.criteria.limits[-1].at_most),
        ("options.l1-kv.hours", 9, lambda case: case.hours("l1-kv").value),
        ("criteria.minimise", "bill_usd", lambda case: case.criteria.minimise),
        ("written_off_months", 12, lambda case: case.criteria.written_off_months),
        ("prices.kv.reads", 0.75, lambda case: float(case.prices["kv.reads"])),
    ],
)  # fmt: skip
def test_anything_of_a_case_can_be_set(name: str, value: object, found: Any) -> None:
    assert found(load_case("trading-sentiment", {name: value})) == value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("origin_mss", 5, "did you mean 'origin_ms'?"),
        ("assumptions.origin_mss", 5, "assumptions has no 'origin_mss'; did you mean 'origin_ms'?"),
        ("designs.l1-vk.l2_ttl_s", 5, "designs has no 'l1-vk'; did you mean 'l1-kv'?"),
        ("designs.l1-kv.l2_tll_s", 5, "did you mean 'l2_ttl_s'?"),
        ("criteria.hours.l1-kv", 5, "stand in options already; set options.l1-kv.hours"),
        ("criteria.hours.l1-vk", 5, "did you mean 'l1-kv'?"),
        ("criteria.limits.p95_m.at_most", 5, "did you mean 'p95_ms'?"),
        ("workload", 5, "is a whole section"),
        ("criteria.limits.late_share", 0.1, "name one of them: criteria.limits.late_share.at_most"),
        ("origin_ms", -5, "-p origin_ms=-5: assumptions.origin_ms"),
        ("origin_ms", "fast", "must be a number"),
        ("zipf", "steep", "-p zipf=steep: workload.zipf: "),
        ("l2_ttl_s.value.x", 5, "-p l2_ttl_s.value.x"),
    ],
)
def test_a_setting_that_cannot_be_is_said_as_it_was_given(
    name: str, value: object, said: str
) -> None:
    with pytest.raises(CachelibError) as caught:
        load_case("trading-sentiment", {name: value})
    assert said in str(caught.value)


def test_a_design_that_the_platform_bars_is_out_with_the_reason() -> None:
    settled = settle({"l2_ttl_s": 30})
    assert {"l1-kv", "kv-only"} <= set(settled.barred)
    assert "KV expires nothing before 60 s, so 30 cannot be" in settled.barred["l1-kv"]
    assert not {"l1-kv", "kv-only"} & set(settled.case.design_names)
    assert settled.study.design("l1-kv").l2_ttl_s == 60, "what experiments compare with"


def test_what_is_handed_down_to_kernels_is_the_case_as_it_was_settled() -> None:
    settled = settle({"origin_ms": 5_000, "designs.l1-kv.l2_ttl_s": 77, "seed": 3})
    given = settled.for_kernels
    assert json.loads(json.dumps(given)) == given
    there = open_study(given | {"isolates_per_colo": None, "decision": settle})
    assert there.case == settled.case
    assert (there.seed, there.folder) == (3, CASES)
    assert open_study(given | {"kv_read_ms": 9.5}).platform.kv_read_ms == 9.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trace": "x.log", "zipf": 1}, "--trace takes the workload's place"),
        ({"log.where": "status = 200"}, "does nothing without --trace"),
    ],
)
def test_a_setting_that_nothing_would_use_is_an_error(given: dict[str, Any], said: str) -> None:
    with pytest.raises(CachelibError, match=said):
        settle(given)


def test_a_number_that_there_is_not_is_an_error_in_python_too() -> None:
    here = settle({"requests_per_month": 1_000}).study
    with pytest.raises(TypeError, match="did you mean 'isolates_per_colo'"):
        here.replay("l1-kv", isolate_per_colo=3)
    with pytest.raises(TypeError, match="did you mean 'kv_read_ms'"):
        here.estimate("l1-kv", kv_raed_ms=3.0)
    with pytest.raises(ValueError, match="isolate_per_colo"):
        Platform(isolates_per_colo=1, isolate_per_colo=3)


def test_less_traffic_than_leaves_readers_is_asked_about(tmp_path: Path) -> None:
    """Writes stay as many; where they would be most of the traffic, something else was meant."""
    case = tmp_path / "case.yaml"
    case.write_text(json.dumps(raw(), default=str), "utf-8")  # 20,000 requests, 50 reads a write
    half = settle({"case": str(case), "requests_per_month": 10_000})
    assert half.study.case.workload.reads_per_write == pytest.approx(24.5)
    with pytest.raises(ParameterError, match=r"392 writes a month stay .* add -p reads_per_write"):
        settle({"case": str(case), "requests_per_month": 500})
    for also in ({"reads_per_write": 20}, {"growth.writes": "in proportion"}):
        few = settle({"case": str(case), "requests_per_month": 500, **also})
        assert few.study.case.workload.reads_per_write in (20, 50)


def test_a_mistyped_name_is_not_offered_for_another_one(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    given = raw(today="l1-durable", against="kvonly")
    path.write_text(json.dumps(given, default=str), "utf-8")
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    told = str(caught.value)
    assert "unknown design 'l1-durable'" in told
    assert "unknown design 'kvonly'; did you mean 'kv-only'?" in told
    assert "allowed: l1-durable" not in told


@pytest.mark.parametrize("key", ["designs", "today"])
def test_to_an_unknown_design_only_those_of_the_platform_are_offered(
    tmp_path: Path, key: str
) -> None:
    path = tmp_path / "case.yaml"
    servers = {"profile": "servers-redis", "redis_at": "FRA"}
    for platform, theirs in ((servers, "redis-only"), ({}, "l1-kv")):
        given = raw(platform=platform, designs=["l1-only"], options={})
        given[key] = ["no-such"] if key == "designs" else "no-such"
        path.write_text(json.dumps(given, default=str), "utf-8")
        with pytest.raises(InvalidFileError) as caught:
            load_case(path)
        offered = str(caught.value).partition("unknown design 'no-such'; allowed: ")[2]
        offered = offered.partition("\n")[0]
        assert theirs in offered.split(", ")
        assert ("redis" in offered) == (platform == servers)
        assert ("kv" in offered) == (platform == {})
        assert "dax" not in offered


def test_all_that_can_be_set_is_listed_with_what_it_is_now() -> None:
    """A life that is a knob is not said to be unset because it might be an assumption, too."""
    listed = settable("trading-sentiment")
    assert listed["l2_ttl_s"] is not None
    assert {"plan", "growth.low", "growth.high", "growth.writes"} <= listed.keys()
    assert any(name.startswith("options.") and name.endswith(".hours") for name in listed)
    for name in ("plan", "growth.high"):
        load_case("trading-sentiment", {name: {"plan": "paid", "growth.high": 20}[name]})


def test_a_page_asks_for_no_more_keys_than_there_are(tmp_path: Path) -> None:
    path = beside_its_repository(tmp_path)
    path.write_text(READY.replace("workload:\n", "workload:\n  page_requests: 900\n", 1), "utf-8")
    keys = load_case("trading-sentiment").workload.keys
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    assert f"a page asks for as many different keys, 900, and there are {keys} in all" in str(
        caught.value
    )
    path.write_text(path.read_text().replace("page_requests: 900", f"page_requests: {keys}"))
    assert load_case(path).workload.page_requests == keys


SCHEDULES = """
  schedules:
    - {op: write, every_s: 86_400, keys: all}
    - {op: write, every_s: 86_400, keys: 5_000}
"""


@pytest.mark.parametrize(
    ("put", "after", "line", "said"),
    [
        (SCHEDULES, "workload:\n", "keys: 5_000", "workload.schedules.2nd.keys: 5,000 are more"),
        (SCHEDULES.replace("5_000", "5, colo: XXX"), "workload:\n", "XXX",
         "workload.schedules.2nd.colo: XXX is none"),
        ("  - kv-olny\n", "  - kv-only\n", "kv-olny", "designs.kv-olny: unknown design"),
        ("    - {metric: p99_ms, at_most: 0.5, at_least: 1, why: x}\n", "  limits:\n", "p99_ms",
         "criteria.limits.p99_ms"),
    ],
)  # fmt: skip
def test_an_entry_of_a_list_is_told_by_its_own_line_and_name(
    put: str, after: str, line: str, said: str, tmp_path: Path
) -> None:
    path = beside_its_repository(tmp_path)
    path.write_text(READY.replace(after, after + put.lstrip("\n"), 1), "utf-8")
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert line in path.read_text("utf-8").split("\n")[problem.line - 1]


def test_what_is_allowed_is_of_the_case_s_platform_and_holds_no_name_that_is_made(
    tmp_path: Path,
) -> None:
    path = beside_its_repository(tmp_path)
    path.write_text(READY.replace("  - kv-only\n", "  - kv-olny\n", 1), "utf-8")
    with pytest.raises(InvalidFileError) as caught:
        load_case(path)
    allowed = str(caught.value).partition("allowed: ")[2].split(", ")
    assert "kv-only" in allowed
    assert not {"memory-only", "database-only", "redis-only"} & set(allowed)
    assert shipped_for(("memory", "redis"))[:2] == ["database-only", "memory-only"]
    case = load_case("trading-sentiment")
    (fault,) = _options(
        case.model_copy(update={"options": {"l1-onyl": OptionNotes(changes="x")}}), tmp_path
    )
    assert "set-anew" not in fault[1]


@pytest.mark.parametrize(("written", "read_as"), [("3.000", "3"), ("99", "99")])
def test_so_few_requests_that_thousands_were_meant_are_refused(tmp_path, written, read_as):
    path = edited(tmp_path, "requests_per_month: 100_000", f"requests_per_month: {written}")
    with pytest.raises(InvalidFileError, match=f"{read_as} requests a month are too few .* 3_000"):
        settle({"case": str(path)})
