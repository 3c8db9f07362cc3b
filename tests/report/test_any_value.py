"""No number that `check` lets pass breaks a report: not nothing, and not far too much of it.

The notebooks' own code runs, and all three documents are written. `CACHELIB_EXAMPLES=50` for more.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest

from tests.conftest import examples
from tests.report.any_case import draw
from tests.report.in_process import Report

CHEAP = {
    "draws": 100, "live_requests": 0, "isolate_counts": (1, 3), "traffic_factors": (0.1, 1),
    "ttl_factors": (0.1, 1),
}  # fmt: skip
NO_WORDS = re.compile(
    r".{,40}(?:(?<![\w./@-])-?(?:nan|inf|NaN|None(?!: the work))\b"
    r"|(?<![\w@.])\d+(?:\.\d+)?[eE][-+]?\d+(?!\w)).{,40}"
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(examples(3)))
def test_a_report_is_written_whatever_the_numbers_are(seed: int, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.write_text(json.dumps(draw(Random(seed))))
    report = Report({"case": str(case), **CHEAP})
    for text in (report.markdown, report.record):
        assert NO_WORDS.findall(text.partition("\n## Provenance")[0]) == []
    for script in re.findall(r'"application/json"[^>]*>(.*?)</script>', report.page, re.DOTALL):
        json.loads(script, parse_constant=pytest.fail)
