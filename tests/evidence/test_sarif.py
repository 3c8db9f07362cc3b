"""SARIF as its schema and its viewers want it."""

import json
from pathlib import Path

import jsonschema
import pytest
from snippets import snippets

from cachelib.evidence import RULES, Change, audit, to_sarif

SCHEMA = json.loads((Path(__file__).parent / "schema" / "sarif-2.1.0-rtm.5.json").read_text())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)


def run_of(directory: Path) -> dict:
    log = to_sarif(audit(directory))
    VALIDATOR.validate(log)
    return log["runs"][0]


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    (tmp_path / "a b.ts").write_text("export const f = (e: Env) => e.CACHE.put('é', 'v');\n")
    return tmp_path


def test_the_findings_of_the_whole_corpus_are_a_valid_log(tmp_path: Path) -> None:
    for index, snippet in enumerate(snippets()):
        snippet.write(tmp_path / str(index))
    run = run_of(tmp_path)
    assert {each["ruleId"] for each in run["results"]} <= {rule.id for rule in RULES}
    assert any("fixes" in each for each in run["results"])
    prints = [each["partialFingerprints"]["cachelib/v2"] for each in run["results"]]
    assert len(set(prints)) == len(prints) > len(RULES)


def test_a_result_points_at_rule_file_and_columns_in_characters(faulty: Path) -> None:
    run = run_of(faulty)
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert place["artifactLocation"]["uri"] == "a%20b.ts"
    assert place["region"] == {"startLine": 1, "startColumn": 30, "endLine": 1, "endColumn": 51}


def test_a_file_that_does_not_parse_is_a_notification(faulty: Path) -> None:
    (faulty / "broken.ts").write_text("const = ;\n")
    notes = run_of(faulty)["invocations"][0]["toolExecutionNotifications"]
    assert [n["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for n in notes] == [
        "broken.ts"
    ]


def test_a_finding_keeps_its_fingerprint_when_it_moves(faulty: Path) -> None:
    def fingerprint() -> str:
        return run_of(faulty)["results"][0]["partialFingerprints"]["cachelib/v2"]

    before = fingerprint()
    source = faulty / "a b.ts"
    source.write_text("\n\n\n" + source.read_text() + "\n\n")
    source.write_text("// licence\n" * 3 + source.read_text().lstrip("\n"))
    moved = run_of(faulty)["results"][0]
    assert moved["locations"][0]["physicalLocation"]["region"]["startLine"] == 4
    assert moved["partialFingerprints"]["cachelib/v2"] == before


def test_effects_are_carried(faulty: Path) -> None:
    change = Change(metric="kv_writes", with_fault=10, with_fix=1, unit="per month")
    found = audit(faulty)
    log = to_sarif(found.with_effects({found.findings[0].counterfactual: [change]}))
    VALIDATOR.validate(log)
    assert log["runs"][0]["results"][0]["properties"]["effect"][0]["with_fix"] == 1


def test_a_fix_is_the_edits_of_the_repair(faulty: Path) -> None:
    source = (faulty / "a b.ts").read_text()
    (result,) = run_of(faulty)["results"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "a%20b.ts"
    for edit in change["replacements"]:
        region = edit["deletedRegion"]
        assert region["startLine"] == region["endLine"] == 1
        start, end = region["startColumn"] - 1, region["endColumn"] - 1
        source = source[:start] + edit["insertedContent"]["text"] + source[end:]
    (faulty / "a b.ts").write_text(source)
    assert run_of(faulty)["results"] == []


def test_a_repair_that_would_write_a_secret_is_no_fix(tmp_path: Path) -> None:
    source = "export const f = (e: Env) => e.CACHE.get('k', 'tr0ub4dor&3xyz'); // password\n"
    (tmp_path / "a.ts").write_text(source)
    log = json.dumps(to_sarif(audit(tmp_path)))
    assert "tr0ub4dor" not in log


def test_a_log_names_files_from_the_root_of_the_repository(faulty: Path) -> None:
    log = to_sarif(audit(faulty), "worker/")
    VALIDATOR.validate(log)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "worker/a%20b.ts"
