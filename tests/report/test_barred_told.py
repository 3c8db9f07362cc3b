"""A design that cannot be is named as in the case, and why is said without a name of the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cachelib.report.experiments.parameters import settle
from tests.model.cases import BASE, raw
from tests.report import sections
from tests.report.in_process import committed


def told(folder: Path, design: dict[str, Any], **changes: Any) -> str:
    """The line that says it, in a report of the shipped case."""
    path = folder / "case.yaml"
    path.write_text(json.dumps(raw(designs=[*BASE["designs"], design], **changes)))
    study = settle({"case": str(path)}).study
    material = committed()
    there = replace(material.study, barred=study.barred)
    report = sections.text(replace(material, study=there), "report")
    (line,) = [line for line in report.splitlines() if "is not possible here" in line]
    return line.replace("\\", "")


def test_a_race_that_is_not_modelled(tmp_path: Path) -> None:
    race = {"name": "race", "label": "KV, raced", "l2": "kv", "hedge_after_ms": 40}
    assert told(tmp_path, race, platform={"loads_take_time": 1}) == (
        "“KV, raced” is not possible here: asking the origin, too, when a read is slow is not"
        " modelled where loads take time; what others wait for is then another's load."
    )


@pytest.mark.parametrize(
    ("design", "platform"),
    [
        ({"l2": "kv", "hedge_after_ms": 40}, {"origin_requests_per_s": 9}),
        ({"l2": "kv", "joined": 4}, {"origin_requests_per_s": 9}),
        ({"tiers": ["workers-cache"]}, {"deploy_takes_s": 30}),
        ({"l2": "kv", "l2_ttl_s": 20}, {}),
    ],
)
def test_why_has_a_subject_and_no_name_of_the_file(
    design: dict[str, Any], platform: dict[str, Any], tmp_path: Path
) -> None:
    why = told(tmp_path, {"name": "x", "label": "mine", **design}, platform=platform)
    assert why.startswith("“Mine” is not possible here: ")
    assert "_" not in why
    assert not why.partition("here: ")[2].startswith(("is ", "are "))
