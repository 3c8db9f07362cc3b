"""The main paths with nothing but what requirements.lock brings: as after `make report`."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.shipped.environments import ROOT, Environment, locked

EXAMPLE = ROOT / "docs" / "example"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = Path(__file__).with_name("small.yaml")
pytestmark = pytest.mark.timeout(1_800)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return locked(tmp_path_factory.mktemp("locked"))


def test_the_ready_made_case_gives_the_example_that_the_readme_shows(env: Environment) -> None:
    printed = env.run("report", "trading-sentiment", "-p", "live_requests=0", "--out", "out")
    assert printed.splitlines()[-1] == str(Path("out/report.html"))
    made = env.work / "out"
    if os.environ.get("UPDATE_EXAMPLE"):
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        EXAMPLE.mkdir(parents=True)
        for name in ("report.md", "adr.md", "figures"):
            copy = shutil.copytree if (made / name).is_dir() else shutil.copy
            copy(made / name, EXAMPLE / name)
    stale = "the committed example is stale: `make example` makes it anew"
    for name in ("report.md", "adr.md"):
        assert (made / name).read_text("utf-8") == (EXAMPLE / name).read_text("utf-8"), stale
    figures = {path.name for path in (made / "figures").iterdir()}
    assert figures == {path.name for path in (EXAMPLE / "figures").iterdir()}, stale


def test_every_notebook_runs_by_itself_under_papermill(env: Environment) -> None:
    def one(notebook: Path) -> None:
        case = ("-p", "case", str(SMALL), "-p", "origin_ms", "50")
        kernel = ("-k", "python3")
        few = {"08_runtime": ("-p", "live_requests", "0"), "09_decision": ("-p", "draws", "200")}
        given = [*case, *few.get(notebook.stem, ())]
        env.module("papermill", str(notebook), str(env.work / notebook.name), *kernel, *given)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, NOTEBOOKS))
