"""What a rule of the audit promises to cost, the model computes; else it promises nothing."""

from cachelib.evidence import RULES, Counterfactual
from cachelib.report.publish.repository import METRICS, PAIRS

PROMISES = {
    rule.id: rule.counterfactual
    for rule in RULES
    if isinstance(rule.counterfactual, Counterfactual)
}


def test_every_promise_names_runs_of_the_model_and_metrics_that_they_give() -> None:
    for rule, promise in PROMISES.items():
        assert (promise.policy, promise.fault, promise.fix) in PAIRS, rule
        assert promise.metrics, rule
        assert set(promise.metrics) <= set(METRICS), rule


def test_no_run_is_kept_that_no_rule_asks_for() -> None:
    assert set(PAIRS) == {(each.policy, each.fault, each.fix) for each in PROMISES.values()}
