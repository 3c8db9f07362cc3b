"""The page's script says what the formulas say, for every design there can be: under node."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.live.node import NodeMissingError, find_node
from cachelib.model.formulas import Keys, estimate
from cachelib.model.judgement.growth import grown_numbers
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd
from cachelib.model.tiers.design import EXPIRY_WORDS, POLICY_WORDS, Design
from cachelib.model.tiers.registry import ALL
from cachelib.report.document.what_if import panel
from cachelib.report.experiments.parameters import settle
from cachelib.report.templates import FOLDER

CHANGES: list[dict[str, float]] = [
    {},
    {"requests_per_month": 1e3},
    {"requests_per_month": 1e12},
    {"requests_per_month": 3e8, "value_life_s": 500, "origin_neurons": 900},
]
ASKING = """
const [panel, changes] = JSON.parse(require("node:fs").readFileSync(0));
console.log(JSON.stringify(changes.map((change) => whatIf(panel, change))));
"""


def every_design() -> Iterator[Design]:
    """Tiers × policy × expiry × whether unchanged values are written, as far as they can be."""
    tiers = [some for n in range(4) for some in itertools.permutations(ALL, n)]
    for some, policy, expiry, changed in itertools.product(
        tiers, POLICY_WORDS, EXPIRY_WORDS, (False, True)
    ):
        try:
            yield Design(
                name=f"{', '.join(some)}; {policy}, {expiry}, {changed}",
                tiers=some,
                policy=policy,
                expiry=expiry,
                write_only_if_changed=changed,
                soft_ttl_s=600,
                l1_ttl_s=300,
                l2_ttl_s=3_600,
            )
        except ValidationError:
            continue


@pytest.fixture(scope="module")
def node() -> str:
    try:
        return str(find_node())
    except NodeMissingError:
        pytest.skip("there is no node")


def said_by_the_page(node: str, data: dict[str, Any]) -> list[list[dict[str, Any]]]:
    scripts = [(FOLDER / name).read_text("utf-8") for name in ("estimate.js", "what_if.js")]
    program = "const document = { querySelectorAll: () => [] };" + "".join(scripts) + ASKING
    done = subprocess.run(
        [node, "-e", program],
        input=json.dumps([data, CHANGES]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("routing", ["random", "hash"])
def test_every_design_at_every_traffic(node: str, routing: str) -> None:
    study: Study = replace(settle({"case": "trading-sentiment"}).study, routing=routing)
    designs = list(every_design())
    assert len(designs) > 200
    data = panel(Model(study, tuple(Option(design, {}) for design in designs)))
    keys = Keys(*(np.array(data["at"]["keys"][name]) for name in Keys._fields))
    for change, found in zip(CHANGES, said_by_the_page(node, data), strict=True):
        arrays = {name: np.array([value]) for name, value in change.items()}
        more = grown_numbers(study.setting, study.case.growth, arrays)
        at = replace(study.setting, keys=keys).but(**more)
        for design, shown in zip(designs, found, strict=True):
            month = estimate(design, at)
            wanted = {
                "l1": month.l1,
                "hit_ratio": month.hit_ratio,
                "mean_ms": month.waits.mean_ms,
                "stored_gb": month.stored_gb,
                "usd": monthly_usd(design, month, at),
                **month.counts,
            }
            said = shown | shown["counts"]
            for name, number in wanted.items():
                close = pytest.approx(number[0], rel=1e-9, abs=1e-12)
                assert said[name] == close, (design.name, change, name)
