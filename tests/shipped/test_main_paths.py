"""The other main paths with nothing but what the lock file and the wheel bring."""

from __future__ import annotations

import pytest

from tests.shipped.environments import ROOT, Environment

pytestmark = pytest.mark.timeout(1_800)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLAIN = """
import sys
import papermill

case, *notebooks = sys.argv[1:]
few = {
    "02_isolation": {"isolate_counts": [1, 4], "traffic_factors": [0.1, 1]},
    "04_ttl": {"ttl_factors": [0.1, 1]},
    "06_durable_objects": {"traffic_factors": [0.1, 1]},
    "08_runtime": {"live_requests": 0},
    "09_decision": {"draws": 100},
}
for path in notebooks:
    name = path.rpartition("/")[2]
    given = {"case": case, "origin_ms": 50, **few.get(name.partition(".")[0], {})}
    papermill.execute_notebook(path, name, given, kernel_name="python3", progress_bar=False)
"""
"""Papermill's own interface, of which each process would import half a second."""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "access.log", "--l2-ttl", "60"), "origin_loads"),
        (("mrc", "access.log", "--sizes", "5,10"), "hit_ratio"),
        (("workload", "fit", "access.log"), "zipf"),
        (("evidence", "project"), "CACHE"),
        (("audit", "project"), "kv-put-without-expiration"),
        (("cases",), "trading-sentiment"),
        (("parameters", "trading-sentiment"), "origin_ms"),
        (("schema",), "requests_per_month"),
        (("--version",), "cachelib, version"),
    ],
)
def test_a_command_works(env: Environment, words: tuple[str, ...], said: str) -> None:
    assert said in env.run(*words)


def test_every_notebook_runs_by_itself_under_papermill(env: Environment) -> None:
    """One from the command line, which takes a second more; on the case that `init` wrote."""
    first, *others = map(str, NOTEBOOKS)
    case = str(env.work / "mine" / "case.yaml")
    env.module("papermill", first, "first.ipynb", "-k", "python3", "-p", "case", case)
    env.script(PLAIN, case, *others)
    assert len(list(env.work.glob("*.ipynb"))) == len(NOTEBOOKS) > 8
