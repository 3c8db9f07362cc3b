"""The report as people see it, in a real browser."""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from cachelib.report.build import Report
from cachelib.report.document import pdf
from cachelib.report.publish.findings import Message, Node, Sequence
from cachelib.report.publish.layout import to_svg
from tests.browser.conftest import unfold
from tests.conftest import crossed

pytestmark = pytest.mark.timeout(600)
SCHEMES: tuple[Any, ...] = ("light", "dark")


@contextmanager
def watched(browser: Browser, **options: Any) -> Iterator[Page]:
    """A tab in which no message may appear and from which no request may leave."""
    page = browser.new_page(**options)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", lambda request: _local(request.url, complaints))
    yield page
    page.close()
    assert not complaints


@contextmanager
def opened(browser: Browser, path: Path, folds: str = "details", **options: Any) -> Iterator[Page]:
    """The page, unfolded."""
    with watched(browser, **options) as page:
        page.goto(path.as_uri())
        unfold(page, folds)
        yield page


def each_opened(page: Page, report: Report) -> Iterator[Path]:
    """The report's pages, one after another in the same tab, unfolded."""
    for path in [report.folder / "report.html", *sorted(report.folder.glob("notebooks/*.html"))]:
        page.goto(path.as_uri())
        unfold(page)
        yield path


def _local(url: str, complaints: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        complaints.append(f"a request left the page: {url}")


def test_what_is_unfolded_is_no_wider_than_a_phone(browser: Browser, with_claims: Path) -> None:
    with watched(browser) as page:
        page.set_viewport_size({"width": 360, "height": 800})
        page.goto(with_claims.as_uri())
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_no_page_scrolls_sideways(browser: Browser, report: Report) -> None:
    with watched(browser) as page:
        for path in each_opened(page, report):
            for width, scheme in crossed((360, 768, 1280), SCHEMES):
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path.name, scheme, width)


CUT_OFF = """[...document.querySelectorAll("figure svg")].flatMap(svg => {
    const {width, height} = svg.viewBox.baseVal;
    return [...svg.querySelectorAll("text:not([transform], [transform] *)")].filter(text => {
        const {x, y, width: wide, height: high} = text.getBBox();
        return x < 0 || y < 0 || x + wide > width || y + high > height;
    }).map(text => text.textContent);
})"""


@pytest.mark.parametrize("width", [360, 1280])
def test_no_word_of_a_figure_is_cut_off(browser: Browser, report: Report, width: int) -> None:
    with opened(browser, report.folder / "report.html") as page:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator("figure svg text:visible").count() > 50
        assert page.evaluate(CUT_OFF) == []


SMALLEST = """() => Math.min(...[...document.querySelectorAll(".drawing svg text")]
    .filter(text => text.checkVisibility())
    .map(text => {
        const {c, d} = text.getScreenCTM();
        return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(c, d);
    }))"""


def test_on_a_phone_a_figure_is_seen_whole_and_its_words_can_be_read(
    browser: Browser, report: Report
) -> None:
    with opened(browser, report.folder / "report.html") as page:
        figures = page.locator("figure:has(.drawing)")
        for width, kind in ((360, "narrow"), (1280, "wide")):
            page.set_viewport_size({"width": width, "height": 800})
            drawings = page.locator(".drawing:visible")
            assert drawings.count() == figures.count() > 5
            kinds = drawings.evaluate_all("all => all.map(each => each.classList[1])")
            assert set(kinds) == {kind}
            beyond = "all => all.map(each => each.scrollWidth - each.clientWidth)"
            assert max(drawings.evaluate_all(beyond)) <= 0
            assert page.evaluate(SMALLEST) >= 8


def test_no_word_of_a_sequence_is_cut_off(browser: Browser, tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(6)]
    sequence = Sequence(
        id="a.sequence",
        caption="Six participants, each with a word to itself",
        alt="Six participants",
        participants=[Node(id=name, label="Isolate", note="San Francisco") for name in names],
        messages=[Message(source=name, target=name, label="keep in L1") for name in names],
    )
    path = tmp_path / "sequence.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><figure>{to_svg(sequence)}</figure>")
    with opened(browser, path) as page:
        assert page.locator("text=keep in L1").count() == 6
        assert page.evaluate(CUT_OFF) == []


LINES = """cells => Math.max(...cells.map(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size;
}))"""


@pytest.mark.parametrize("width", [768, 1280, 1920])
def test_a_verdict_takes_three_lines_at_most_and_nothing_is_scrolled(
    browser: Browser, report: Report, width: int
) -> None:
    with opened(browser, report.folder / "report.html", "#nothing") as page:
        page.set_viewport_size({"width": width, "height": 800})
        verdicts = page.locator('#decision-designs td[data-column="verdict"]')
        verdicts.evaluate_all(
            "(cells, said) => cells.forEach(cell => (cell.textContent = said))",
            "out: 95 in 100 answered within (today)",
        )
        assert verdicts.evaluate_all(LINES) <= 3
        scroll = page.locator("#decision-designs .scroll")
        assert scroll.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


@pytest.mark.parametrize("width", [820, 1280, 1920])
def test_every_table_is_seen_whole_beside_a_phone(
    browser: Browser, with_claims: Path, width: int
) -> None:
    with opened(browser, with_claims, "details:not(:has(.what-if))") as page:
        page.set_viewport_size({"width": width, "height": 800})
        boxes = page.locator("figure.table > .scroll")
        beyond = "all => all.filter(b => b.scrollWidth > b.clientWidth + 1).map(b => b.ariaLabel)"
        assert boxes.count() > 10
        assert boxes.evaluate_all(beyond) == []


def test_on_a_phone_a_bar_lies_below_its_number_and_a_limit_says_what_it_limits(
    browser: Browser, with_claims: Path
) -> None:
    with opened(browser, with_claims, "#nothing") as page:
        page.set_viewport_size({"width": 360, "height": 800})
        bars = page.locator("#decision-designs td.bar")
        assert bars.count() > 3
        numbers = page.locator("main td[data-column]:not(:empty)")
        sides = numbers.evaluate_all("cells => cells.map(c => getComputedStyle(c).textAlign)")
        assert set(sides) == {"left"}
        starts = bars.evaluate_all(
            "cells => cells.map(c => [getComputedStyle(c).backgroundPositionX,"
            " getComputedStyle(c).paddingLeft, getComputedStyle(c).textAlign])"
        )
        assert all(x == indent and side == "left" for x, indent, side in starts), starts
        limits = page.locator("#decision-designs tr.limit td:visible")
        assert limits.count() > 0
        assert "–" not in limits.all_text_contents()


def test_a_link_beside_a_chapter_takes_no_width_from_its_first_table(
    browser: Browser, report: Report
) -> None:
    with opened(browser, report.folder / "report.html") as page:
        page.set_viewport_size({"width": 1280, "height": 800})
        widths = page.locator("details.chapter figure.table > .scroll").evaluate_all(
            "boxes => boxes.filter(b => !b.closest('.what-if')).map(b => b.clientWidth)"
        )
        assert len(widths) > 5
        assert len(set(widths)) == 1


def test_what_is_told_of_a_log_is_no_wider_than_a_phone(browser: Browser, report: Report) -> None:
    with opened(browser, report.folder / "report.html", "#nothing") as page:
        page.set_viewport_size({"width": 360, "height": 800})
        table = page.locator("main > .scroll:has(td:not([data-column]))").first
        table.locator("tr").last.locator("td").last.evaluate(
            "c => (c.textContent = '█'.repeat(60))"
        )
        assert table.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_on_a_phone_what_is_said_in_two_columns_has_the_width_of_the_page(
    browser: Browser, report: Report
) -> None:
    with opened(browser, report.folder / "report.html", "#nothing") as page:
        page.set_viewport_size({"width": 360, "height": 800})
        cells = page.locator("main > .scroll td:nth-child(2):last-child:not([data-column])")
        assert cells.count() > 3
        assert min(cells.evaluate_all("all => all.map(cell => cell.clientWidth)")) >= 310


def test_axe_finds_no_violation(browser: Browser, report: Report, node_modules: Path) -> None:
    axe = (node_modules / "axe-core" / "axe.min.js").read_text("utf-8")
    with watched(browser, bypass_csp=True) as page:
        for path in each_opened(page, report):
            page.emulate_media(color_scheme="light")
            page.evaluate(axe)
            assert violations(page) == [], path.name
            page.emulate_media(color_scheme="dark")  # which changes colours alone
            assert violations(page, rules=["color-contrast"]) == [], path.name


@pytest.mark.parametrize("how", ["on paper", "on a phone", "in forced colours"])
def test_axe_finds_no_violation_wherever_the_page_is_read(
    browser: Browser, report: Report, node_modules: Path, how: str
) -> None:
    axe = (node_modules / "axe-core" / "axe.min.js").read_text("utf-8")
    with opened(browser, report.folder / "report.html", bypass_csp=True) as page:
        page.evaluate(axe)
        if how == "on paper":
            page.emulate_media(media="print")
        elif how == "on a phone":
            page.set_viewport_size({"width": 360, "height": 800})
        else:
            page.emulate_media(forced_colors="active")
        assert violations(page) == []


def violations(page: Page, rules: list[str] | None = None) -> list[Any]:
    """What axe finds, of all its rules or of some: their names and the first elements."""
    asked = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = page.evaluate("asked => axe.run(asked).then(result => result.violations)", asked)
    return [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]


def test_dark_mode_changes_the_paper_and_the_figures_ink(browser: Browser, report: Report) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        with opened(browser, report.folder / "report.html", color_scheme=scheme) as page:
            seen[scheme] = page.evaluate(
                "[getComputedStyle(document.body).backgroundColor,"
                " getComputedStyle(document.querySelector('figure svg text')).fill]"
            )
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


def test_the_page_reads_without_javascript(browser: Browser, report: Report) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((report.folder / "report.html").as_uri())
    assert page.locator("h2").count() >= 5
    assert page.locator("figure svg").count() >= 3
    assert page.locator("blockquote").first.inner_text().startswith("Choose")
    context.close()


def test_a_number_says_on_tap_how_it_was_got(browser: Browser, report: Report) -> None:
    with opened(browser, report.folder / "report.html", has_touch=True) as page:
        number = page.locator(".number").first
        number.locator("button").tap()
        how = number.locator(".how")
        assert how.is_visible()
        assert "notebooks/" in str(how.locator("a").get_attribute("href"))


@pytest.mark.parametrize("width", [360, 1280])
def test_how_a_number_was_got_shows_inside_the_window_and_escape_closes_it(
    browser: Browser, report: Report, width: int
) -> None:
    size: Any = {"width": width, "height": 700}
    with opened(browser, report.folder / "report.html", viewport=size) as page:
        for number in page.locator(".number").all()[::4]:
            number.scroll_into_view_if_needed()
            page.mouse.move(1, 1)  # scrolling may have brought it under the pointer
            number.locator("button").hover()
            how = number.locator(".how")
            how.wait_for(state="visible")
            box: Any = how.bounding_box()
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= 700
            page.keyboard.press("Escape")
            how.wait_for(state="hidden")


def test_what_a_tap_has_opened_stays_until_the_next(browser: Browser, report: Report) -> None:
    with opened(browser, report.folder / "report.html") as page:
        number = page.locator(".number").first
        number.locator("button").click()
        page.mouse.move(5, 5)
        page.wait_for_timeout(300)
        assert number.locator(".how").is_visible()
        number.locator("button").click()
        assert not number.locator(".how").is_visible()


def test_the_page_of_the_shipped_case_is_no_larger_than_was_promised(with_claims: Path) -> None:
    assert with_claims.stat().st_size <= 700_000


LEDGER = "details:has(> summary > #claims-ledger)"
ITS_FOLDS = f"{LEDGER}, {LEDGER} details"


def seen(elements: Locator) -> list[str]:
    """The texts of those that are visible, asked of the page at once."""
    visible = "all => all.filter(each => each.checkVisibility()).map(each => each.innerText)"
    found: list[str] = elements.evaluate_all(visible)
    return found


def test_the_ledger_is_narrowed_to_the_rows_with_a_word(
    browser: Browser, with_claims: Path
) -> None:
    with opened(browser, with_claims, ITS_FOLDS) as page:
        ledger = page.locator(LEDGER)
        rows = ledger.locator("tbody tr")
        assert rows.count() > 40
        ledger.locator("input[type=search]").fill("Durable Object")
        shown = seen(rows)
        assert 0 < len(shown) < rows.count()
        assert all("durable object" in text.lower() for text in shown)
        assert f"{len(shown)} of {rows.count()}" in ledger.locator("output").inner_text()


def test_the_ledger_is_narrowed_to_a_verdict(browser: Browser, with_claims: Path) -> None:
    with opened(browser, with_claims, ITS_FOLDS) as page:
        ledger = page.locator(LEDGER)
        verdicts = ledger.locator(".filter option").all_inner_texts()
        assert verdicts[:3] == ["any verdict", "does not hold here", "holds here"]
        ledger.locator(".filter select").select_option("does not hold here")
        assert set(seen(ledger.locator(".verdict"))) == {"does not hold here"}
        assert len(seen(ledger.locator("h3"))) == 1
        ledger.locator("input[type=search]").fill("no such word")
        assert seen(ledger.locator("h3, table")) == []
        ledger.locator("input[type=search]").fill("")
        ledger.locator(".filter select").select_option("")
        rows = ledger.locator("tbody tr")
        assert len(seen(rows)) == rows.count() > 40


def test_every_row_of_a_table_has_a_link_when_it_is_pointed_at(
    browser: Browser, with_claims: Path
) -> None:
    with opened(browser, with_claims) as page:
        for chapter in ("assumptions", "claims-ledger"):
            row = page.locator(f"details:has(> summary > #{chapter}) tbody tr").nth(2)
            row.hover()
            target = row.locator(".permalink").get_attribute("href")
            assert target is not None
            place = "id => document.getElementById(id).closest('tr').textContent"
            assert page.evaluate(place, target[1:]) == row.text_content()
        without = page.evaluate(
            "[...document.querySelectorAll('main details.chapter tbody tr')].filter(row =>"
            " !row.closest('.what-if') && !row.id && !row.cells[0].querySelector('[id]')).length"
        )
        assert without == 0


def test_the_ledger_is_sorted_by_a_column_and_comes_back_to_the_document_s_order(
    browser: Browser, with_claims: Path
) -> None:
    with opened(browser, with_claims, ITS_FOLDS) as page:
        table = page.locator(f"{LEDGER} table").first
        first = "rows => rows.map(row => row.cells[0].textContent)"
        rows, head = table.locator("tbody tr"), table.locator("th").first
        written, order = rows.evaluate_all(first), []
        for _ in range(3):
            head.locator("button").click()
            order.append((head.get_attribute("aria-sort"), rows.evaluate_all(first)))
        assert [way for way, _ in order] == ["ascending", "descending", None]
        assert order[0][1] == order[1][1][::-1] != written
        assert order[2][1] == written


@pytest.mark.parametrize("width", [360, 1280])
def test_the_contents_stay_in_reach_and_links_lead_to_headings_figures_and_rows(
    browser: Browser, with_claims: Path, width: int
) -> None:
    size: Any = {"width": width, "height": 800}
    with opened(browser, with_claims, viewport=size) as page:
        places = page.evaluate(
            "[...document.querySelectorAll('.permalink, .own')]"
            ".map(link => document.getElementById(decodeURIComponent(link.hash.slice(1))))"
            ".map(place => place?.localName)"
        )
        assert {"h2", "h3", "figure"} <= set(places)
        assert None not in places
        page.evaluate("document.getElementById('sources').scrollIntoView()")
        box: Any = page.locator(".contents summary").bounding_box()
        assert 0 <= box["y"] < 100


def test_a_link_to_a_chapter_opens_it(browser: Browser, with_claims: Path) -> None:
    page = browser.new_page()
    page.goto(f"{with_claims.as_uri()}#claims-ledger")
    assert page.locator(LEDGER).get_attribute("open") is not None
    page.close()


def test_no_table_is_wider_than_the_paper(browser: Browser, with_claims: Path) -> None:
    page = browser.new_page(viewport={"width": 718, "height": 1040})  # A4 within its margins
    page.goto(with_claims.as_uri())
    page.emulate_media(media="print")
    unfold(page)
    wide = page.evaluate("""() => {
        const edge = document.querySelector("main").getBoundingClientRect().right + 1;
        return [...document.querySelectorAll("table")]
            .filter((table) => table.getBoundingClientRect().right > edge)
            .map((table) => table.rows[0].innerText);
    }""")
    assert wide == []
    page.close()


def test_on_paper_no_number_is_broken_and_a_long_table_goes_on_over_the_page(
    browser: Browser, with_claims: Path
) -> None:
    size: Any = {"width": 718, "height": 1040}  # A4 within its margins
    with opened(browser, with_claims, "details:not(:has(.what-if))", viewport=size) as page:
        page.emulate_media(media="print")
        broken = page.evaluate("""() => [...document.querySelectorAll("td[style*=right]")]
            .filter((cell) => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                const tops = [...range.getClientRects()].map((line) => Math.round(line.top));
                return new Set(tops).size > cell.textContent.split(" ").length;
            }).map((cell) => cell.textContent)""")
        assert broken == []
        inside = """all => Object.fromEntries(all.map(each =>
            [each.querySelectorAll("tbody tr").length, getComputedStyle(each).breakInside]))"""
        rows = page.locator("figure.table").evaluate_all(inside)
        assert {how for number, how in rows.items() if int(number) >= 12} == {"auto"}
        assert {how for number, how in rows.items() if int(number) < 12} == {"avoid"}


def test_print_cuts_no_figure(browser: Browser, report: Report, tmp_path: Path) -> None:
    with opened(browser, report.folder / "report.html") as page:
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 720, "height": 1000})  # A4 less its margins
        wide = page.evaluate(
            "[...document.querySelectorAll('figure, pre, table')]"
            ".filter(e => e.scrollWidth > document.querySelector('main').clientWidth + 1).length"
        )
        assert wide == 0
        page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 20_000


LINKS = """
<a href="https://e.example/">to a page</a> <a href='notebooks/01_evidence.html'>to a file</a>
<a href="#nowhere">to no place</a>
<svg width="9" height="9"><a xlink:href="x.html"><text>x</text></a></svg>
"""


def contents(data: bytes) -> Iterator[bytes]:
    """What a PDF says, its compressed streams unpacked."""
    yield data
    for start in re.finditer(rb"stream\r?\n", data):
        try:
            yield zlib.decompressobj().decompress(data[start.end() :])
        except zlib.error:  # a picture, or a stream that is not compressed
            continue


def test_printed_it_has_no_path_of_this_machine_in_links_or_elsewhere(
    report: Report, tmp_path: Path
) -> None:
    try:
        browser = pdf.browser()
    except pdf.NoBrowserError as error:
        pytest.skip(str(error))
    out = tmp_path / "a private place"
    shutil.copytree(report.folder, out)
    page = out / "report.html"
    page.write_text(page.read_text("utf-8").replace("</main>", f"{LINKS}</main>"), "utf-8")
    pdf.print_report(browser, out)
    said = b"\n".join(contents((out / "report.pdf").read_bytes()))
    assert b"(https://e.example/" in said, "links are found at all"
    assert not re.search(rb"/URI\s*\((?!https?:)", said)
    for place in ("a private place", "a%20private%20place", str(tmp_path), "file:"):
        assert place.encode() not in said
        assert place.encode("utf-16-be") not in said
