"""What a report is written from, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from cachelib.model.judgement.study import Study
from cachelib.report.document.collect import Findings
from cachelib.report.document.ledger import Row, judge_all
from cachelib.report.experiments.run import Run
from cachelib.report.publish.findings import Judgement
from cachelib.report.publish.outcome import Outcome
from cachelib.report.templates import Templates


@dataclass(frozen=True)
class Material:
    """The case with its traffic, what the notebooks found, how they fared, and where it is from."""

    study: Study
    findings: Findings
    runs: list[Run]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    templates: Templates = field(default_factory=Templates)

    @cached_property
    def ledger(self) -> list[Row]:
        """The claims, judged."""
        case = self.study.case
        return judge_all(case.claims, self.findings, case.written)

    @cached_property
    def outcome(self) -> Outcome | None:
        """The decision as data; None if the notebook that decides did not finish."""
        found = (each.finding for each in self.findings)
        return next((each.outcome for each in found if isinstance(each, Judgement)), None)


class Format(Protocol):
    """An output format: what files it writes, by their path in the report's folder."""

    def __call__(self, material: Material) -> Mapping[str, str]: ...
