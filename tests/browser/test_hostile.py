"""Whatever a case, a log, a configuration or a source says ends up as text, everywhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser
from ruamel.yaml import YAML

from cachelib.report.build import Report, build
from cachelib.report.experiments.run import notebook_names
from tests.browser.conftest import SMALL

ATTACK = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "<svg onload=\"document.title='owned'\"></svg> [a](javascript:owned) ![b](//evil.example/x.png)"
    " {{ 7 * 7 }} {% raw %} `x` | y | </text><a href='//evil.example'>z</a> %%{init}%% $q$ *w*"
)
pytestmark = pytest.mark.timeout(600)


def attacked(value: Any) -> Any:
    """The case with the attack in every text that may say anything."""
    if isinstance(value, dict):
        return {k: ATTACK if k in FREE else attacked(v) for k, v in value.items()}
    return [attacked(each) for each in value] if isinstance(value, list) else value


FREE = {"title", "question", "name", "summary", "why", "quote", "section", "untested"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("hostile")
    case = attacked(YAML(typ="safe").load(SMALL))
    case["system"]["path"] = "worker"
    case["decision"] = {
        "drivers": [ATTACK], "confirmation": ATTACK, "deciders": [ATTACK], "supersedes": ATTACK,
    }  # fmt: skip
    case["claims"] = [
        {"id": "a", "quote": ATTACK, "section": ATTACK, "untested": ATTACK},
        {"id": "b", "quote": ATTACK, "section": ATTACK, "metric": "shared.hit_ratio", "low": 0.5},
    ]
    YAML().dump(case, folder / "case.yaml")
    hostile = json.dumps(ATTACK)
    worker = folder / "worker"
    worker.mkdir()
    (worker / "wrangler.jsonc").write_text(
        f'{{"name": {hostile}, "main": "a.ts", // No Durable Objects, saves $1: {ATTACK}\n'
        f'"kv_namespaces": [{{"binding": {hostile}, "id": "1"}}], "vars": {{"A": {hostile}}}}}'
    )
    (worker / "a.ts").write_text(
        f"export default {{ async fetch(r, env) {{ await env.KV.put({hostile}, 'v'); }} }}"
    )
    rows = [
        {"EdgeStartTimestamp": second, "ClientRequestURI": f"/{second % 7}{ATTACK}",
         "EdgeColoCode": "FRA", "EdgeResponseBytes": 10}
        for second in range(1_700_000_000, 1_700_000_400)
    ]  # fmt: skip
    log = folder / "log.ndjson"
    log.write_text("\n".join(map(json.dumps, rows)))
    given = {"case": str(folder / "case.yaml"), "trace": str(log), "live_requests": 0,
             "draws": 200}  # fmt: skip
    return build(given, folder / "out", jobs=2, progress=lambda *_: None)


def test_every_notebook_finished(report: Report) -> None:
    assert not report.failed


def test_no_script_runs_and_no_element_appears(browser: Browser, report: Report) -> None:
    page = browser.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for path in [report.folder / "report.html", *report.folder.glob("notebooks/*.html")]:
        page.goto(path.as_uri())
        page.wait_for_timeout(200)
        assert page.title() != "owned", path.name
        assert page.locator("img:not([src^='data:'])").count() == 0, path.name
        assert (
            page.locator("[onload], [onerror], a[href*='evil'], a[href^='javascript']").count() == 0
        )
        assert all(url.startswith(("file:", "data:")) for url in requests), path.name
    assert len(requests) > len(notebook_names()) > 8
    page.close()


def test_the_attack_is_there_as_text(browser: Browser, report: Report) -> None:
    page = browser.new_page()
    page.goto((report.folder / "report.html").as_uri())
    text = page.locator("body").inner_text()
    assert "{{ 7 * 7 }}" in text
    assert '<script>document.title="owned"</script>' in text
    page.close()


@pytest.mark.parametrize("name", ["report.md", "adr.md"])
def test_markdown_has_no_html_link_or_image_of_the_attack_s(report: Report, name: str) -> None:
    text = (report.folder / name).read_text("utf-8")
    if text.startswith("---\n"):
        _, front, text = text.split("---\n", 2)
        assert "<" not in front
        assert YAML(typ="safe").load(front)["supersedes"] == ATTACK
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    html = "".join(t.content for t in [*tokens, *inline] if t.type in ("html_block", "html_inline"))
    ours = {"<details>", "</details>", "<summary>", "</summary>"}  # what folds, without attributes
    assert set(re.findall(r"<[^>]*>?", html)) <= ours
    for token in inline:
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        assert not re.search(r"evil|javascript", target)


def test_figures_hold_no_element_of_the_attack_s(report: Report) -> None:
    for path in report.folder.glob("figures/*.svg"):
        assert not re.search(r"<(script|img|a)\b|onload=", path.read_text("utf-8")), path.name
