"""The product's main paths from a wheel, in a folder that knows nothing of this repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.shipped.environments import Environment, a_log, from_wheel

pytestmark = pytest.mark.timeout(1_800)
WORKER = """
export default {
  async fetch(request, env) {
    await env.CACHE.put(new URL(request.url).pathname, "value");
    return new Response("ok");
  },
};
"""
WRANGLER = """
name = "prices"
main = "index.ts"
compatibility_date = "2026-01-01"
[[kv_namespaces]]
binding = "CACHE"
id = "0123456789abcdef0123456789abcdef"
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = from_wheel(tmp_path_factory.mktemp("wheel"))
    a_log(made.work / "access.log")
    project = made.work / "project"
    project.mkdir()
    (project / "index.ts").write_text(WORKER)
    (project / "wrangler.toml").write_text(WRANGLER)
    return made


@pytest.fixture(scope="module")
def reports(env: Environment) -> list[Path]:
    """A report on a case of one's own, and one on a log."""
    env.run("init", "mine", "--keys", "50", "--requests-per-month", "20000")
    assert env.run("check", "mine") == "mine: good\n"
    case = env.work / "mine" / "case.yaml"
    few = 'designs: ["l1-kv", "durable-object", "l1-only"]'  # of twelve: each takes its time
    case.write_text(re.sub("(?m)^designs: .*$", few, case.read_text("utf-8")), "utf-8")
    quick = ("-p", "live_requests=0", "-p", "draws=200")
    told = [
        env.run("report", "mine", *quick),
        env.run("report", "mine", *quick, "--trace", "access.log", "--out", "logged"),
    ]
    assert [text.splitlines()[-1] for text in told] == [
        str(Path("output/mine/report.html")),
        str(Path("logged/report.html")),
    ]
    return [env.work / "output" / "mine", env.work / "logged"]


def test_a_case_of_ones_own_and_a_log_make_reports(reports: list[Path]) -> None:
    for report in reports:
        decision = json.loads((report / "decision.json").read_text("utf-8"))
        assert decision["metrics"]["decision.recommended"]["value"]
    assert "access.log" in (reports[1] / "manifest.json").read_text("utf-8")


def test_two_reports_are_compared(env: Environment, reports: list[Path]) -> None:
    told = env.run("compare", *map(str, reports), "--html", "both.html")
    assert "decision changed" in told
    assert (env.work / "both.html").exists()


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
