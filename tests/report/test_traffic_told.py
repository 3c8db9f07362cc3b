"""Where the requests of a report are from is told as it is: of a sample, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachelib.model.judgement.study import Study
from cachelib.report.document.traffic import traffic
from tests.model.cases import small


def study(folder: Path, **reading: Any) -> Study:
    log = folder / "log.csv"
    rows = (f"{1_760_000_000 + 90 * n},/a/{n % 130},FRA" for n in range(2_000))
    log.write_text("\n".join(["time,key,colo", *rows]))
    return small(log=log, reading=reading)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ({}, "as logged"),
        ({"sample_rate": 0.1, "sampled_by": "key"}, "as logged for 10 % of the keys"),
        ({"sample_rate": 0.5}, "of which 2,000 were logged, 50 % of them, and the others drawn"),
    ],
)
def test_what_was_logged_and_what_was_drawn_are_told_apart(
    tmp_path: Path, reading: dict[str, Any], said: str
) -> None:
    told = traffic(study(tmp_path, **reading))
    assert told["is_log"]
    assert told["source"].replace("\u00a0", " ") == said


def test_generated_traffic_is_called_so() -> None:
    assert traffic(small())["source"] == "generated as the case says"
