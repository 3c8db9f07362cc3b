"""One environment like a user's, for all that is tried in it."""

from __future__ import annotations

import fcntl
import os
import re

import pytest

from tests.shipped.environments import Environment, a_log, locked, with_wheel

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


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Made once, whichever worker asks first; with a log, a case of one's own, a Worker."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    made = Environment(base / "shipped" / "env", base / "shipped" / "somewhere else")
    with (base / "shipped.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # who comes later finds it ready
        if not (ready := base / "shipped" / "ready").exists():
            locked(made)
            with_wheel(made)
            fill(made)
            ready.touch()
    return made


def fill(made: Environment) -> None:
    """What a user has: an access log, the case that `init` writes, a project."""
    a_log(made.work / "access.log")
    project = made.work / "project"
    project.mkdir()
    (project / "index.ts").write_text(WORKER)
    (project / "wrangler.toml").write_text(WRANGLER)
    made.run("init", "mine", "--keys", "50", "--requests-per-month", "20000")
    case = made.work / "mine" / "case.yaml"
    few = "designs:\n  - l1-kv\n  - durable-object\n  - l1-only\n"  # of twelve: each takes its time
    every = r"(?m)^designs:.*\n(?: +- .*\n)+"
    case.write_text(re.sub(every, few, case.read_text("utf-8")), "utf-8")
