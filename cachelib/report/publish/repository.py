"""The examined repository in the report's terms: what it has, what is wrong, what that costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import pandas as pd

from cachelib.evidence import (
    SEVERITIES,
    Audit,
    Change,
    Changes,
    Counterfactual,
    Finding,
    Graph,
    GraphNode,
    Inventory,
    NotModelled,
    architecture,
)
from cachelib.model.case.metrics import METRICS as REGISTRY
from cachelib.model.case.names import MOST
from cachelib.model.engines.result import Result
from cachelib.model.judgement.policies import clean_up_every_s
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import with_store
from cachelib.model.money.prices import calls_of, monthly_bill
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.kv import KV
from cachelib.report.language import Comparison, overdue
from cachelib.report.numbers import Scalar, Unit, shown
from cachelib.report.publish.findings import Diagram, Edge, Node

NODE_KINDS: dict[str, Any] = {
    "client": "user", "worker": "worker", "storage": "store", "object": "store",
}  # fmt: skip


class Effect(NamedTuple):
    """What a fault may cost in a month: its name in a table of months, and by itself.

    `of` is given a month's result and the case's study; in a label `{late}` stands for the
    seconds past which the case calls an answer late.
    """

    head: str
    label: str
    unit: Unit
    of: Callable[[Result, Study], float]


def _counted(count: str) -> Effect:
    label = KV.counts[count]
    return Effect(label, f"{label} a month", "", lambda result, _: result.per_month()[count])


METRICS = {
    **{count: _counted(count) for count in ("kv_deletes", "kv_lists", "kv_writes")},
    **dict.fromkeys(("kv_stored_gb", "stored_gb"), Effect(
        "GB stored", "GB stored, over a month", "",
        lambda r, _: r.per_month()["stored_gb_months"]
    )),
    "monthly_cost": Effect("list price", f"{REGISTRY['bill_usd'].label} at list price", "USD",
                           lambda r, study: float(monthly_bill(r, study.book).metered)),
    "hit_ratio": Effect("reads found", REGISTRY["hit_ratio"].label, "ratio",
                        lambda r, _: r.hit_ratio),
    "origin_loads": Effect("loads from the origin", REGISTRY["origin_loads_per_month"].label, "",
                           lambda r, _: calls_of(r.per_month())),
    "latency_p95_ms": Effect("95 in 100 answered within", REGISTRY["p95_ms"].label, "ms",
                             lambda r, _: r.quantile_ms(0.95)),
    "stale_share": Effect("answers out of date",
                          f"{REGISTRY['late_share'].label}, {{late}}", "ratio",
                          lambda r, study: r.late.share_above(study.case.criteria.late_after_s)),
    "max_age_s": Effect("oldest answer", "age of the oldest answer", "s",
                        lambda r, _: r.age.quantile(1)),
    "error_rate": Effect("reads that fail", REGISTRY["error_share"].label, "ratio",
                         lambda r, _: r.failures / max(r.reads, 1)),
}  # fmt: skip

Variant = tuple[dict[str, Any], dict[str, float]]
"""A design's changes and a platform's."""

PAIRS: dict[tuple[str, str, str], tuple[Variant, Variant]] = {
    ("kv_expiration", "none", "expiration_ttl"): (({"policy": "clean-up"}, {}), ({}, {})),
    ("kv_refresh", "never", "expiration_ttl"): (({"l2_ttl_s": MOST["s"]}, {}), ({}, {})),
    ("clean_up", "list_and_delete", "none"): (({"policy": "clean-up"}, {}), ({}, {})),
    ("expiry_check", "in_application", "by_store"): (({"policy": "clean-up"}, {}), ({}, {})),
    ("promotion", "independent", "inherited"): (({"expiry": "independent"}, {}), ({}, {})),
    ("cache_ttl", "60", "300"): (({}, {}), ({}, {"kv_cache_ttl_s": 300.0})),
    ("object_shards", "one", "one_per_key"): (
        ({"tiers": ("memory", "durable-object"), "objects": 1}, {}),
        ({"tiers": ("memory", "durable-object")}, {}),
    ),
    ("object_storage", "kept", "deleted_by_alarm"): (
        ({"tiers": ("memory", "durable-object")}, {}),
        ({"tiers": ("memory", "durable-object"), "object_alarm": True}, {}),
    ),
}


def effects(study: Study, audit: Audit) -> dict[Counterfactual, Changes]:
    """What each fault costs in this case: the model run with it and without.

    Nothing is computed of a store that no option of the case has: its numbers, which the case
    neither says nor shows, would be those of another system.
    """
    changes = dict.fromkeys(finding.counterfactual for finding in audit.findings)
    return {
        change: _elsewhere(study, change) or _changes(study, change, cleans_up=audit.cleans_up)
        for change in changes
        if isinstance(change, Counterfactual) and (change.policy, change.fault, change.fix) in PAIRS
    }


def _elsewhere(study: Study, change: Counterfactual) -> NotModelled | None:
    """Why the case is not one to compute a fault in, if so."""
    pair = PAIRS[change.policy, change.fault, change.fix]
    stores = [tier for design, _ in pair for tier in _design(study, design).stores]
    absent = [tier for tier in stores if not with_store(study, tier.word)]
    return NotModelled(f"the case has no {absent[0].label}") if absent else None


def _changes(study: Study, change: Counterfactual, *, cleans_up: bool) -> list[Change]:
    """Where nothing cleans up, no lists and no deletes are charged to what only ages."""
    pair = PAIRS[change.policy, change.fault, change.fix]
    never: dict[str, Any] = {} if cleans_up else {"clean_up_every_s": MOST["s"]}
    fault, fix = (_run(study, never | design, platform) for design, platform in pair)
    late = study.case.criteria.late_after_s
    return [
        _change(name, effect, late, effect.of(fault, study), effect.of(fix, study))
        for name, effect in METRICS.items()
        if name in change.metrics
    ]


def _change(name: str, effect: Effect, late_after_s: float, fault: float, fix: float) -> Change:
    told = f"{shown(fault, effect.unit)} → {shown(fix, effect.unit)}"
    same = Comparison(fault, fix, effect.unit).same
    label = effect.label.format(late=overdue(late_after_s))
    says = f"{label}: {f'no different ({told})' if same else told}".replace("\u00a0", " ")
    return Change(metric=name, with_fault=fault, with_fix=fix, unit=effect.unit, says=says)


def _run(study: Study, design: Mapping[str, Any], platform: Mapping[str, Any]) -> Result:
    return study.replay(_design(study, design), **platform)


def _design(study: Study, changes: Mapping[str, Any]) -> Design:
    """Its clean-up, if it has one, is as often as that of what is there."""
    own = {"clean_up_every_s": clean_up_every_s(study)}
    return Design.model_validate(study.design("l1-kv").model_dump() | own | dict(changes))


def diagram(inventory: Inventory) -> Diagram:
    """The architecture that the configuration describes; every binding names its line."""
    graph = architecture(inventory)
    return Diagram(
        id="evidence.architecture",
        caption=f"The architecture that {inventory.file} describes",
        alt=f"{inventory.worker} is bound to "
        + (", ".join(node.label for node in graph.nodes[2:]) or "nothing"),
        how="examined",
        layers=_layers(graph),
        edges=[
            Edge(source=_id(graph, e.source), target=_id(graph, e.target), label=_line(e.label))
            for e in graph.edges
            if e.source != e.target
        ],
    )


def _layers(graph: Graph) -> list[list[Node]]:
    nodes = [_node(_id(graph, node.id), node) for node in graph.nodes]
    return [layer for layer in (nodes[:1], nodes[1:2], nodes[2:]) if layer]


def _node(id: str, node: GraphNode) -> Node:
    """`KV namespace NAME` on two lines."""
    label, _, name = node.label.rpartition(" ")
    kind = NODE_KINDS.get(node.kind, "origin")
    return Node(id=id, label=label or name, note=name if label else "", kind=kind)


def _id(graph: Graph, id: str) -> str:
    return f"n{[node.id for node in graph.nodes].index(id)}"


def _line(label: str) -> str:
    """`NAME (file:line)` as its line: the diagram has no room for more."""
    return f"line {label.rpartition(':')[2].rstrip(')')}" if label.endswith(")") else label


def inventory_table(inventory: Inventory) -> pd.DataFrame:
    """What the configuration binds, with the line that says so."""
    rows = [
        {
            "where": f"{fact.file}:{fact.line}",
            "what": fact.label,
            "name": fact.name,
            "environment": fact.environment or "top level",
        }
        for fact in inventory.facts
        if not fact.inherited and fact.kind not in ("worker", "var", "secret")
    ]
    return pd.DataFrame(rows, columns=["where", "what", "name", "environment"]).set_index("where")


def findings_table(audit: Audit) -> pd.DataFrame:
    """The faults found, the gravest first, and what mending each changes."""
    rows = [
        {
            "where": f"{finding.file}:{finding.line}",
            "severity": finding.severity,
            "fault": finding.message,
            "what mending it changes in a month": in_words(finding.effect),
        }
        for finding in _gravest_first(audit)
    ]
    columns = ["where", "severity", "fault", "what mending it changes in a month"]
    return pd.DataFrame(rows, columns=columns).set_index("where")


def _gravest_first(audit: Audit) -> list[Finding]:
    return sorted(audit.findings, key=lambda finding: -SEVERITIES.index(finding.severity))


TIER_OF = {"kv": "kv", "do": "durable-object", "cache": "cache-api", "l1": "memory"}
"""By how a rule's name begins: the tier without which there would be nothing to mend."""


def fault_tiers(audit: Audit) -> list[str]:
    """Of each of the faults, in the order of their table, the tier that it is of; "" for none."""
    return [TIER_OF.get(finding.rule.partition("-")[0], "") for finding in _gravest_first(audit)]


def in_words(changes: Changes) -> str:
    """Changes as a sentence, those that can be told apart; says so where none was computed."""
    if changes is None:
        return "not computed: the model has no such fault"
    if isinstance(changes, NotModelled):
        return f"not computed: {changes.reason}"
    told = [
        f"{METRICS[change.metric].head}: {_shown(change.with_fault, change.unit)}"
        f" → {_shown(change.with_fix, change.unit)}"
        for change in changes
        if not Comparison(change.with_fault, change.with_fix, _unit(change.unit)).same
    ]
    return "; ".join(told) or "nothing that the model can tell"


def _shown(value: Scalar, unit: str) -> str:
    return shown(value, _unit(unit))


def _unit(unit: str) -> Unit:
    return cast(Unit, unit)


def first_line(audit: Audit, rule: str) -> int | None:
    """The line of the first finding of a rule."""
    return next((finding.line for finding in audit.findings if finding.rule == rule), None)
