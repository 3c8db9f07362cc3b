"""The documents of a hostile case without its experiments.

The experiments cost most of a report and hardly depend on what texts say: so they run once, for a
harmless case, and in what they found its words give place to others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.formats import FORMATS
from cachelib.report.document.material import Material
from cachelib.report.experiments import parameters
from cachelib.report.publish.findings import parse
from tests.report.in_process import MANIFEST, Report

WORD = re.compile(r"(?i)\bword (\d+)a")


class Twin:
    """The report of a `case` whose every text is `Word 1a`, `Word 2a` and so on."""

    def __init__(self, report: Report, case: Mapping[str, Any]) -> None:
        self.report, self.case = report, case
        self.fields = len(list(_pairs(case, case)))

    def files(self, given: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, str]:
        """What every format writes for `case`, which has other texts and is the same in all else.

        `given`: the parameters of its report, `case` among them as a file.
        """
        texts = dict(_pairs(self.case, case))
        found = Findings([])
        for each in self.report.findings:
            said = _with(texts, each.finding.model_dump(mode="json"))
            found.add(Found(parse(said), each.notebook, each.cell_id, each.svg, each.narrow))
        study = parameters.settle(given).study
        material = Material(study, found, self.report.runs, MANIFEST)
        return {name: text for files in FORMATS for name, text in files(material).items()}


def _pairs(harmless: Any, other: Any) -> Iterator[tuple[str, str]]:
    """The number of each word, and the text in its place."""
    if isinstance(harmless, str):
        if word := WORD.fullmatch(harmless):
            yield word[1], other
    elif isinstance(harmless, Mapping):
        for mine, others in zip(harmless.items(), other.items(), strict=True):
            yield from _pairs(mine, others)
    elif isinstance(harmless, list | tuple):
        for mine, others in zip(harmless, other, strict=True):
            yield from _pairs(mine, others)


def _with(texts: Mapping[str, str], said: Any) -> Any:
    if isinstance(said, str) and said.startswith('{"'):  # the panel's case, carried as JSON
        return json.dumps(_with(texts, json.loads(said)))
    if isinstance(said, str):
        return WORD.sub(lambda word: texts[word[1]], said)
    if isinstance(said, Mapping):
        return {_with(texts, name): _with(texts, value) for name, value in said.items()}
    return [_with(texts, each) for each in said] if isinstance(said, list) else said
