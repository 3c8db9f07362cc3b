"""The claims ledger: each statement under test, and what the findings say of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachelib.model.case.claims import Claim
from cachelib.model.judgement.claims import Evidence, Verdict, judge
from cachelib.model.platforms.facts import vendor_facts
from cachelib.report.document.collect import Findings, Found
from cachelib.report.numbers import Scalar, Unit, shown
from cachelib.report.publish.findings import Metric, Table

REGIONS = "decision.regions"
SIGNS = ("ratio", "points", "USD", "price", "times")
"""Units that stand at both ends of a range: `10 % to 20 %`, but `5 to 15 ms`."""


@dataclass(frozen=True)
class Row:
    """One claim, judged: by which finding, why so, and where it holds."""

    claim: Claim
    verdict: Verdict
    reason: str
    found: Found | None = None
    holds_when: str | None = None

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
    def asserted(self) -> str:
        """The range that the claim asserts, in words."""
        low, high = self.claim.low, self.claim.high
        if self.metric is None:
            return ""  # the quotation says it, and in which unit only the finding could
        if isinstance(self.measured, bool):
            return shown(bool(low))
        one, other = (self._end(end) for end in (low, high))
        if low == high:
            return one
        if low is None:
            return f"at most {other}"
        if high is None:
            return f"at least {one}"
        if one == other:
            return f"about {one}"
        return f"{one if self.unit in SIGNS else shown(low)} to {other}"

    def _end(self, end: float | None) -> str:
        """An end of the range; of dollars as many digits as it has, so that no range vanishes."""
        if self.unit == "USD" and end is not None and end != round(end, 2):
            return f"${end:,.3f}"
        return shown(end, self.unit)


def judge_all(
    claims: Sequence[Claim], findings: Findings, written: datetime.date | None = None
) -> list[Row]:
    """Every claim with its verdict, in the case's order; `written`: the document's day."""
    regions = _regions(findings)
    return [_judge(claim, findings, regions, written) for claim in claims]


def _judge(
    claim: Claim, findings: Findings, regions: Mapping[str, str], written: datetime.date | None
) -> Row:
    id = claim.metric or ""
    found = findings[id] if id in findings else None  # noqa: SIM401 - no mapping
    metric = found.finding if found and isinstance(found.finding, Metric) else None
    number = metric.value if metric else None
    if found is None or metric is None or not isinstance(number, int | float):
        judged = judge(claim, None, written)
        return Row(claim, judged.verdict, judged.reason, found)
    evidence = Evidence(
        value=float(number),
        words=shown(metric.value, metric.unit).replace("\u00a0", " "),
        caption=metric.caption,
        how=metric.how,
        until=_until(id),
    )
    judged = judge(claim, evidence, written)
    tested = judged.verdict in ("holds here", "does not hold here")
    return Row(
        claim, judged.verdict, judged.reason, found, regions.get(claim.id) if tested else None
    )


def _until(id: str) -> datetime.date | None:
    """The day up to which a vendor's fact held."""
    kind, _, name = id.partition(".")
    fact = vendor_facts().get(name) if kind == "facts" else None
    return fact.until if fact else None


def _regions(findings: Findings) -> dict[str, str]:
    """Where claims hold, by claim, as the decision notebook found by search."""
    table = findings[REGIONS].finding if REGIONS in findings else None
    if not isinstance(table, Table):
        return {}
    names = [column.name for column in table.columns]
    claim, holds = names.index("claim"), names.index("holds when")
    return {str(row[claim]): str(row[holds]) for row in table.rows if row[holds]}
