"""The Markdown's diagrams, parsed by the real mermaid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cachelib.report.publish.findings import Diagram, Edge, Node
from cachelib.report.templates import html_environment
from cachelib.report.text import mermaid

GOLDEN = Path(__file__).parents[1] / "report" / "golden.md"
HOSTILE = '"]; click x "javascript:alert(1)" %%{init}%% <img src=x onerror=alert(1)> #quot; end `{{'


@pytest.fixture(scope="module")
def mermaid_page(browser: Browser, node_modules: Path) -> Page:
    """A page with mermaid in it: three megabytes, read once."""
    page = browser.new_page()
    page.add_script_tag(path=node_modules / "mermaid" / "dist" / "mermaid.min.js")
    return page


def parses(page: Page, chart: str) -> bool:
    answer = page.evaluate("text => mermaid.parse(text).then(() => true, e => String(e))", chart)
    assert answer is True, answer
    return True


def test_mermaid_parses_every_diagram_of_the_golden_report(mermaid_page: Page) -> None:
    charts = re.findall(r"```mermaid\n(.*?)```", GOLDEN.read_text("utf-8"), re.DOTALL)
    assert charts
    for chart in charts:
        assert parses(mermaid_page, chart)


def test_mermaid_parses_hostile_labels(mermaid_page: Page) -> None:
    diagram = Diagram(
        id="a.b", caption="c", alt="d",
        layers=[[Node(id="a", label=HOSTILE, note=HOSTILE)], [Node(id="b", label="end")]],
        edges=[Edge(source="a", target="b", label=HOSTILE)],
    )  # fmt: skip
    template = html_environment().get_template("diagrams/layers.mmd.j2")
    assert parses(mermaid_page, template.render(diagram=diagram, quoted=mermaid))
