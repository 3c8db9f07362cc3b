"""The decision for programs: `decision.json`, and the JSON Schema that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from pydantic import Field

from cachelib.model.case.case import Decision
from cachelib.model.judgement.claims import Verdict
from cachelib.report.document.ledger import Row
from cachelib.report.document.material import Material
from cachelib.report.numbers import Scalar
from cachelib.report.publish.findings import How, Metric
from cachelib.report.publish.outcome import Number, Outcome, Record
from cachelib.report.text import to_json

SCHEMA = "decision.schema.json"


class Tested(Record):
    """A sentence of the document under test."""

    id: str
    quote: str
    section: str
    metric: str | None = Field(description="the finding that decides it")
    low: Number | None
    high: Number | None
    measured: Scalar
    unit: str
    verdict: Verdict
    holds_when: str | None
    reason: str
    source: How | None
    link: str | None = Field(description="to the cell that found it, from this file's folder")


class Told(Record):
    """A number of the report."""

    value: Scalar
    unit: str
    caption: str
    how: How


class DecisionFile(Record):
    """What a report of cachelib decides, and every number that it says."""

    schema_: str = Field(SCHEMA, alias="$schema")
    format: Literal[2] = 2
    case: str = Field(description="its title")
    question: str
    decision: Decision = Field(description="what people know of it: status, date, who decides")
    outcome: Outcome | None = Field(description="null if the notebook that decides did not finish")
    claims: list[Tested]
    metrics: dict[str, Told] = Field(description="by the id of the finding")


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of `decision.json`, to be read only."""
    made = DecisionFile.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def files(material: Material) -> Mapping[str, str]:
    """The decision, and beside it the schema that it names."""
    made = _decision(material).model_dump(mode="json", by_alias=True)
    return {"decision.json": to_json(made) + "\n", SCHEMA: to_json(schema()) + "\n"}


def _decision(material: Material) -> DecisionFile:
    case, findings = material.study.case, [found.finding for found in material.findings]
    return DecisionFile(
        case=case.title,
        question=case.question,
        decision=case.decision,
        outcome=material.outcome,
        claims=[_tested(row) for row in material.ledger],
        metrics={
            found.id: Told(value=found.value, unit=found.unit, caption=found.caption, how=found.how)
            for found in findings
            if isinstance(found, Metric)
        },
    )  # type: ignore[call-arg] # `$schema` has its default


def _tested(row: Row) -> Tested:
    claim = row.claim
    return Tested(
        id=claim.id,
        quote=claim.quote,
        section=claim.section,
        metric=claim.metric,
        low=claim.low,
        high=claim.high,
        measured=row.measured,
        unit=row.unit,
        verdict=row.verdict,
        holds_when=row.holds_when,
        reason=row.reason,
        source=row.found.finding.how if row.found else None,
        link=row.found.link if row.found else None,
    )
