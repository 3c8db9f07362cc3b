"""A real Chromium, axe and mermaid; skipped, and saying so, where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cachelib.report.build import Report
from cachelib.report.document.collect import Findings
from cachelib.report.document.formats import html
from cachelib.report.document.material import Material
from cachelib.report.experiments.parameters import settle
from cachelib.report.experiments.run import NOTEBOOKS, Run, notebook_names

HERE = Path(__file__).parent
SMALL = HERE.parent / "report" / "small.yaml"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def unfold(page: Page, folds: str = "details") -> None:
    """Open whatever is closed, so that all of the page is looked at; or some `folds` alone, since
    what is open works: the panel draws for seconds."""
    page.evaluate("folds => document.querySelectorAll(folds).forEach(f => (f.open = true))", folds)


@pytest.fixture(scope="module")  # while it is open, Playwright's event loop runs in this thread
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has none for root
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS + sandbox)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def report(small_report: Report) -> Report:
    """The report of a small case."""
    return small_report


@pytest.fixture(scope="session")
def with_claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the shipped case, from its notebooks as they were committed."""
    runs = [Run(name, NOTEBOOKS / f"{name}.ipynb", 0.0, None) for name in notebook_names()]
    study = settle({"case": "trading-sentiment"}).study
    provenance = {"written": "", "code": {"revision": "", "modified": False}, "python": ""}
    page = html.files(Material(study, Findings(runs), runs, provenance))["report.html"]
    path = tmp_path_factory.mktemp("shipped") / "report.html"
    path.write_text(page, "utf-8")
    return path


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of npm packages, installed from the lock file on first use.

    Beside it, then renamed: another worker finds it whole or not at all.
    """
    folder = HERE / "node_modules"
    if not folder.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm here, which brings axe and mermaid")
        with tempfile.TemporaryDirectory(dir=HERE, prefix=".node_modules-") as half:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, half)
            subprocess.run([npm, "ci", "--silent"], cwd=half, check=True, timeout=300)
            with suppress(OSError):  # another worker was faster
                (Path(half) / "node_modules").rename(folder)
    return folder
