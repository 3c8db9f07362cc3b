"""The report's page in a browser: bytes, what opening it takes, and what Lighthouse says of it.

`python benchmarks/page.py [report.html]`; without a page, that of the shipped case from its
notebooks as they were committed. Needs Chromium, and for Lighthouse npx, which fetches it.

Opening: medians of so many turns, each in a new context: milliseconds from asking for the page
until the first paint, and the processor time of the page's own thread, which others' work on this
machine touches less.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from cachelib.report.document import pdf
from cachelib.report.document.collect import Findings
from cachelib.report.document.formats import html
from cachelib.report.document.material import Material
from cachelib.report.experiments.parameters import settle
from cachelib.report.experiments.run import NOTEBOOKS, Run, notebook_names

TURNS = 10
LIGHTHOUSE = "lighthouse@12"
CATEGORIES = ("accessibility", "best-practices")
FLAGS = ["--no-sandbox", "--disable-gpu", *pdf.QUIET]
PAINTED = """() => new Promise((done) => {
  const look = () => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (!paint) return requestAnimationFrame(look);
    new PerformanceObserver((seen) => {
      const shifted = seen.getEntries().reduce((sum, each) => sum + each.value, 0);
      done([paint.startTime, shifted]);
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done([paint.startTime, 0]), 300);
  };
  look();
})"""
PARTS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(
            Path(sys.argv[1]).read_text("utf-8") if sys.argv[1:] else shipped(), "utf-8"
        )
        print(f"bytes                {page.stat().st_size:8,}")
        with served(page.parent) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=pdf.browser(), args=FLAGS)
            opened(browser, f"{address}/{page.name}")
            browser.close()
        with served(page.parent) as address:
            lighthouse(f"{address}/{page.name}", page.parent)


def shipped() -> str:
    runs = [Run(name, NOTEBOOKS / f"{name}.ipynb", 0.0, None) for name in notebook_names()]
    study = settle({"case": "trading-sentiment"}).study
    provenance = {"written": "", "code": {"revision": "", "modified": False}, "python": ""}
    return html.files(Material(study, Findings(runs), runs, provenance))["report.html"]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on a free port of this machine alone."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def opened(browser: Browser, address: str) -> None:
    turns = [once(browser, address) for _ in range(TURNS + 1)][1:]  # the first warms the browser
    print(f"medians of {TURNS} turns, ms")
    for name in turns[0]:
        values = [turn[name] for turn in turns]
        print(
            f"  {name:18} {statistics.median(values):8.1f}  ({min(values):.1f}-{max(values):.1f})"
        )


def once(browser: Browser, address: str) -> dict[str, float]:
    """One look at the page, as nobody has seen it before."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address, wait_until="load")
    painted, shifted = page.evaluate(PAINTED)
    spent = {m["name"]: 1e3 * m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    height: float = page.evaluate("document.documentElement.scrollHeight")
    page.close()
    return {"first paint": painted, **{name: spent[name] for name in PARTS},
            "layout shift": shifted, "height, px": height}  # fmt: skip


def lighthouse(address: str, folder: Path) -> None:
    """Its scores, and what it complains of."""
    flags = " ".join(["--headless", *FLAGS])
    words = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json",
             f"--output-path={folder}/lighthouse.json", f"--chrome-flags={flags}",
             f"--only-categories={','.join(CATEGORIES)}"]  # fmt: skip
    subprocess.run(words, check=True, env={**os.environ, "CHROME_PATH": pdf.browser()})
    told: dict[str, Any] = json.loads((folder / "lighthouse.json").read_text())
    print(f"Lighthouse {told['lighthouseVersion']}")
    for name in CATEGORIES:
        category = told["categories"][name]
        print(f"  {name:18} {100 * category['score']:5.0f}")
        for each in category["auditRefs"]:
            audit = told["audits"][each["id"]]
            if each["weight"] and audit["score"] not in (None, 1):
                print(f"    {audit['title']}")


if __name__ == "__main__":
    main()
