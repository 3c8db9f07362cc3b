"""What a rule of the audit promises to cost, the model computes; else it promises nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from cachelib.evidence import (
    RULES,
    Audit,
    Counterfactual,
    audit,
    audit_text,
    inventory,
    to_json,
    to_sarif,
)
from cachelib.evidence.workflow import to_workflow
from cachelib.report.experiments.parameters import settle
from cachelib.report.publish.repository import METRICS, PAIRS, diagram, effects, findings_table

PROMISES = {
    f"{rule.id}: {each.why}": each.counterfactual
    for rule in RULES
    for each in (rule, *rule.harms)
    if isinstance(each.counterfactual, Counterfactual)
}


def test_every_promise_names_runs_of_the_model_and_metrics_that_they_give() -> None:
    for rule, promise in PROMISES.items():
        assert (promise.policy, promise.fault, promise.fix) in PAIRS, rule
        assert promise.metrics, rule
        assert set(promise.metrics) <= set(METRICS), rule


def test_no_run_is_kept_that_no_rule_asks_for() -> None:
    assert set(PAIRS) == {(each.policy, each.fault, each.fix) for each in PROMISES.values()}


SAVES = """
export const save = async (env: Env, key: string) => {
  if ((await env.CACHE.get(key)) === null) {
    await env.CACHE.put(key, await (await fetch(`https://a.example/${key}`)).text());
  }
};
"""
CLEANS = """
export async function cleanUp(env: Env) {
  const { keys } = await env.CACHE.list<{ expiresAt: number }>({ prefix: "s:" });
  for (const { name, metadata } of keys) {
    if (metadata && metadata.expiresAt < Date.now()) await env.CACHE.delete(name);
  }
}
"""


PROMOTES = """
const l1 = new Map<string, { value: string; expiresAt: number }>();
export async function read(env: Env, key: string) {
  const value = await env.CACHE.get(key);
  if (value !== null) l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  return value;
}
export const write = (env: Env, key: string, value: string) =>
  env.CACHE.put(key, value, { expirationTtl: 3600 });
"""


def costed(folder: Path, source: str, late_after_s: float | None = None, **given: float) -> Audit:
    (folder / "index.ts").write_text(source)
    (folder / "wrangler.toml").write_text(
        'name = "w"\nmain = "index.ts"\nkv_namespaces = [{ binding = "CACHE", id = "1" }]\n'
    )
    found = audit(folder)
    study = settle({"case": "trading-sentiment", "requests_per_month": 40_000} | given).study
    if late_after_s is not None:
        criteria = study.case.criteria.model_copy(update={"late_after_s": late_after_s})
        study = replace(study, case=study.case.model_copy(update={"criteria": criteria}))
    return found.with_effects(effects(study, found))


@pytest.mark.parametrize("cleans", [True, False])
def test_a_clean_up_costs_only_where_the_sources_have_one(tmp_path: Path, cleans: bool) -> None:
    found = costed(tmp_path, SAVES + CLEANS * cleans)
    (never_expires,) = (f for f in found.findings if f.rule == "kv-put-without-expiration")
    deletes = {change.metric: change.with_fault for change in never_expires.effect or []}
    assert (deletes["kv_deletes"] > 0) == cleans
    assert deletes["kv_stored_gb"] > 0


def test_a_clean_up_is_run_as_often_as_what_is_there_does_it(tmp_path: Path) -> None:
    """The default case's cleans up each night: 29 or 30 lists a month, not one each hour."""
    found = costed(tmp_path, SAVES + CLEANS)
    lists = [
        change.with_fault
        for each in found.findings for change in each.changes if change.metric == "kv_lists"
    ]  # fmt: skip
    assert lists
    assert all(29 <= n <= 31 for n in lists)


def test_a_fault_s_bill_is_at_the_case_s_own_prices(tmp_path: Path) -> None:
    costs = []
    for price in (0, 50_000):
        found = costed(tmp_path, SAVES + CLEANS, **{"prices.kv.deletes": price})
        costs.append([
            change.with_fault
            for each in found.findings for change in each.changes
            if change.metric == "monthly_cost" and each.rule == "kv-put-without-expiration"
        ])  # fmt: skip
    (free,), (dear,) = costs
    assert dear > free + 10


def test_faults_are_told_the_gravest_first(tmp_path: Path) -> None:
    found = costed(tmp_path, SAVES + CLEANS + PROMOTES)
    mild = found.findings[0].model_copy(update={"severity": "note", "line": 1})
    grave = mild.model_copy(update={"severity": "error", "line": 9})
    table = findings_table(found.model_copy(update={"findings": [mild, *found.findings, grave]}))
    told = table["severity"].tolist()
    assert told == sorted(told, key=["error", "warning", "note"].index)
    assert {told[0], told[-1]} == {"error", "note"}


def test_a_cost_says_its_time_and_its_prices_and_no_variable(tmp_path: Path) -> None:
    found = costed(tmp_path, SAVES + CLEANS)
    for text in (audit_text(found), to_workflow(found)):
        assert "monthly bill at list price: $" in text
        assert "KV deletes a month: " in text
        assert not any(f"{name}:" in text for name in METRICS)


def test_lateness_is_counted_and_told_by_the_case(tmp_path: Path) -> None:
    shares = []
    for late_after_s, said in ((60, "60 s"), (300, "5 min")):
        found = costed(tmp_path, PROMOTES, late_after_s)
        assert f"share of out-of-date answers, by over {said}: " in audit_text(found)
        (promotes,) = (f for f in found.findings if f.rule == "l1-promotion-fresh-ttl")
        shares += [c.with_fault for c in promotes.effect or [] if c.metric == "stale_share"]
    assert shares[0] > shares[1] > 0


def test_a_copy_that_is_never_loaded_again_costs_out_of_date_answers(tmp_path: Path) -> None:
    found = costed(tmp_path, SAVES)
    (never_loads,) = (f for f in found.findings if f.rule == "kv-put-without-expiration")
    of = {change.metric: change for change in never_loads.effect or []}
    assert of["stale_share"].with_fault > 5 * of["stale_share"].with_fix > 0
    assert of["max_age_s"].with_fault > 86_400 > of["max_age_s"].with_fix
    assert "age of the oldest answer: " in audit_text(found)


def test_object_storage_that_only_grows_costs_what_an_alarm_would_delete(tmp_path: Path) -> None:
    (rule,) = (rule for rule in RULES if rule.id == "do-storage-never-evicted")
    found = costed(tmp_path, f"{rule.fires}\nexport default {{ fetch: () => new Response() }};")
    (grows,) = (f for f in found.findings if f.rule == rule.id)
    of = {change.metric: change for change in grows.effect or []}
    assert set(of) == {"stored_gb", "monthly_cost"}
    assert of["stored_gb"].with_fault > of["stored_gb"].with_fix > 0
    assert "GB stored, over a month: " in audit_text(found)


def test_a_drawn_architecture_has_each_of_its_parts_in_one_layer(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(
        'name = "shop"\nmain = "a.js"\nroutes = ["shop.example/*"]\n'
        'kv_namespaces = [{ binding = "A", id = "1" }, { binding = "B", id = "2" }]\n',
        "utf-8",
    )
    drawn = diagram(inventory(tmp_path))
    names = [[f"{node.label} {node.note}".strip() for node in layer] for layer in drawn.layers]
    assert len(names) == 3
    assert names[2] == ["KV namespace A", "KV namespace B"]
    assert len(names[0]) == len(names[1]) == 1


def test_a_fault_of_a_store_that_the_case_has_not_is_computed_of_no_other_system(
    tmp_path: Path,
) -> None:
    found = costed(tmp_path, SAVES + PROMOTES)
    case = Path("tests/report/cases/pods.yaml")
    elsewhere = found.with_effects(effects(settle({"case": str(case)}).study, found))
    assert "→" in audit_text(found)
    for text in (audit_text(elsewhere), to_workflow(elsewhere)):
        assert "→" not in text
    assert "cost: not computed, the case has no Workers KV" in audit_text(elsewhere)
    told = findings_table(elsewhere)["what mending it changes in a month"]
    assert "not computed: the case has no Workers KV" in set(told)
    assert all(each.startswith("not computed: ") for each in told)
    assert "the case has no Workers KV" in str(to_json(elsewhere))
    assert to_sarif(elsewhere)
