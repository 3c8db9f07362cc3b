"""The claims ledger: each statement under test, and what the findings say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cachelib.model.case.claims import Claim
from cachelib.report.document.collect import Findings, Found
from cachelib.report.publish.findings import Metric, Scalar, Table, Unit, shown

Verdict = Literal["supported", "contradicted", "depends", "untested"]
REGIONS = "decision.regions"


@dataclass(frozen=True)
class Row:
    """One claim, judged: by which finding, and where it holds, or why it could not be judged."""

    claim: Claim
    verdict: Verdict
    found: Found | None = None
    holds_when: str | None = None
    reason: str | None = None

    @property
    def metric(self) -> Metric | None:
        finding = self.found.finding if self.found else None
        return finding if isinstance(finding, Metric) else None

    @property
    def unit(self) -> Unit:
        return self.metric.unit if self.metric else ""

    @property
    def measured(self) -> Scalar:
        return self.metric.value if self.metric else None

    @property
    def holds_here(self) -> bool:
        """Whether the measured value lies in the asserted range."""
        return isinstance(self.measured, int | float) and self.claim.holds_for(self.measured)

    @property
    def asserted(self) -> str:
        """The range that the claim asserts, in words."""
        low, high = shown(self.claim.low, self.unit), shown(self.claim.high, self.unit)
        if self.claim.low == self.claim.high:
            return low
        if self.claim.low is None:
            return f"at most {high}"
        return f"at least {low}" if self.claim.high is None else f"{low} to {high}"

    def to_json(self) -> dict[str, Any]:
        """The row as `decision.json` carries it."""
        return {
            **self.claim.model_dump(include={"id", "quote", "section", "metric", "low", "high"}),
            "measured": self.measured,
            "unit": self.unit,
            "verdict": self.verdict,
            "holds_when": self.holds_when,
            "reason": self.reason,
            "source": self.found.finding.how if self.found else None,
            "link": self.found.link if self.found else None,
        }


def judge_all(claims: Sequence[Claim], findings: Findings) -> list[Row]:
    """Every claim with its verdict, in the case's order."""
    regions = _regions(findings)
    return [_judge(claim, findings, regions) for claim in claims]


def _judge(claim: Claim, findings: Findings, regions: Mapping[str, str]) -> Row:
    if claim.metric is None:
        return Row(claim, "untested", reason=claim.untested)
    if claim.metric not in findings:
        return Row(claim, "untested", reason=f"no experiment of this run published {claim.metric}")
    found = findings[claim.metric]
    value = found.finding.value if isinstance(found.finding, Metric) else None
    if not isinstance(value, int | float):
        return Row(claim, "untested", found, reason=f"{claim.metric} has no value in this run")
    if claim.id in regions:
        return Row(claim, "depends", found, holds_when=regions[claim.id])
    return Row(claim, "supported" if claim.holds_for(value) else "contradicted", found)


def _regions(findings: Findings) -> dict[str, str]:
    """Where claims hold, by claim, as the decision notebook found by search."""
    table = findings[REGIONS].finding if REGIONS in findings else None
    if not isinstance(table, Table):
        return {}
    names = [column.name for column in table.columns]
    claim, holds = names.index("claim"), names.index("holds when")
    return {str(row[claim]): str(row[holds]) for row in table.rows if row[holds]}
