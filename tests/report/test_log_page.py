"""The description of a log on the first page of the appendix: whole, and fit to be handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document
from cachelib.report.publish.findings import Metric
from tests.model.cases import small


def log(folder: Path) -> Path:
    path = folder / "access.log"
    lines = [
        f"192.0.2.{i % 9} - - [10/Oct/2025:13:{i // 60:02d}:{i % 60:02d} +0000]"
        f' "GET /page|{i % 7}?token=s3cretValue{i % 7}&lang=en HTTP/1.1" {200 if i % 10 else 503} 9'
        ' "-" "Agent <b>X</b>"'
        for i in range(200)
    ]
    path.write_text("\n".join([*lines, "no request at all"]) + "\n")
    return path


def page(study: Any, section: str = "log") -> str:
    findings = Findings([])
    examined = Metric(id="evidence.examined", value=False, caption="c")
    findings.add(Found(examined, "01_evidence", "cell", None))
    material = Material(study, findings, [])
    return Document(material, InMarkdown(material.templates), f"sections/{section}.md.j2").text()


def test_the_page_accounts_for_every_row_and_says_what_was_taken(tmp_path: Path) -> None:
    told = page(small(log=log(tmp_path)))
    assert "201 rows = 180 requests + 20 filtered + 1 skipped" in told
    for part in ("| format | clf", "| by status | 200 180", "| filtered | 20 | status 503 |",
                 "| skipped | 1 | not a line of Common Log Format |", "█"):  # fmt: skip
        assert part in told, part


def test_what_there_is_says_all_that_was_left_out_of_the_log(tmp_path: Path) -> None:
    told = page(small(log=log(tmp_path)), "what_you_have")
    (row,) = [line for line in told.splitlines() if line.startswith("| left out |")]
    assert "20 rows filtered ([why](#what-the-log-is-and-what-was-taken-from-it))" in row
    assert "1 line that is no request, the first on line 201" in row
    assert "\n## What the log is, and what was taken from it\n" in "\n" + page(
        small(log=log(tmp_path))
    )
    made = page(small(), "what_you_have")
    assert "left out" not in made


def test_made_traffic_has_no_such_page() -> None:
    assert small().log_described is None


def test_no_row_of_the_log_is_handed_on(tmp_path: Path) -> None:
    told = page(small(log=log(tmp_path)))
    for private in ("s3cretValue", "192.0.2", "Agent"):
        assert private not in told
    assert "token=…" in told


def test_what_comes_from_the_log_stays_in_its_cell(tmp_path: Path) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(page(small(log=log(tmp_path))))
    rows, cells = [], 0
    for token in tokens:
        cells = 0 if token.type == "tr_open" else cells + (token.type == "td_open")
        if token.type == "tr_close":
            rows.append(cells)
    assert set(rows) <= {0, 2, 3}  # a key with a bar in it makes no third cell
    assert any("/page|3" in token.content for token in tokens if token.type == "inline")


def test_keys_that_read_alike_without_their_secrets_stay_rows_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    ids = [f"3f2b8c1e-9d4a-4e6f-8a7b-0c1d2e3f4a5{nth}" for nth in range(3)]
    lines = [
        f"192.0.2.1 - - [10/Oct/2025:13:{i // 60:02d}:{i % 60:02d} +0000]"
        f' "GET /v2/user/{ids[min(i % 6, 2)]}/inbox HTTP/1.1" 200 9'
        for i in range(180)
    ]
    path.write_text("\n".join(lines) + "\n")
    told = page(small(log=path))
    rows = [line for line in told.splitlines() if line.startswith("| /v2/user/")]
    assert rows == [f"| /v2/user/•••/inbox | {n} |" for n in (120, 30, 30)]
    assert "Keys that read alike here are different ones" in told
