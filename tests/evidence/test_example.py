"""The example repository says what the seed's document quotes, at the lines it quotes."""

from pathlib import Path

import pytest

from cachelib.evidence import Audit, Inventory, architecture, audit, inventory

EXAMPLE = Path(__file__).parents[2] / "cases" / "trading-sentiment"


@pytest.fixture(scope="module")
def configuration() -> Inventory:
    return inventory(EXAMPLE)


@pytest.fixture(scope="module")
def findings() -> Audit:
    return audit(EXAMPLE)


def test_the_kv_namespace_stands_in_lines_37_to_40(configuration: Inventory) -> None:
    (namespace,) = configuration.of("kv")
    assert (namespace.name, namespace.file) == ("TRADING_RESULTS", "wrangler.toml")
    assert (namespace.line, namespace.end_line) == (37, 40)


def test_line_26_claims_that_no_durable_objects_are_required(configuration: Inventory) -> None:
    (remark,) = [each for each in configuration.comments if each.line == 26]
    assert remark.text == "No Durable Objects required (saves $0.20/month)"
    assert (remark.about, remark.figures) == (["durable_object"], ["$0.20/month"])
    assert (remark.near, remark.claim) == ("TRADING_RESULTS", True)


def test_durable_objects_are_absent_in_every_environment(configuration: Inventory) -> None:
    (absence,) = [each for each in configuration.absent if each.kind == "durable_object"]
    assert absence.text == "no Durable Objects binding in any environment"
    assert "[[durable_objects.bindings]]" in absence.snippet


def test_it_has_kv_r2_and_ai(configuration: Inventory) -> None:
    bound = {fact.kind for fact in configuration.facts if fact.environment is None}
    assert {"kv", "r2", "ai"} <= bound


def test_the_three_audited_faults_are_the_only_findings(findings: Audit) -> None:
    assert [(each.rule, each.line) for each in findings.findings] == [
        ("kv-put-without-expiration", 542),
        ("kv-cleanup-loop", 992),
        ("kv-manual-expiry-check", 1127),
    ]
    assert {each.file for each in findings.findings} == {"src/cache-manager.ts"}


def test_the_clean_up_routine_stands_in_lines_984_to_1020(findings: Audit) -> None:
    assert "(lines 984-1020)" in findings.findings[1].message


def test_the_expiry_check_stands_in_lines_1127_to_1130(findings: Audit) -> None:
    assert findings.findings[2].end_line == 1130


def test_the_diagram_is_drawn_from_the_configuration(configuration: Inventory) -> None:
    graph = architecture(configuration)
    assert [node.kind for node in graph.nodes] == [
        "client",
        "worker",
        "storage",
        "storage",
        "compute",
    ]
    assert "TRADING_RESULTS (wrangler.toml:37)" in [edge.label for edge in graph.edges]
