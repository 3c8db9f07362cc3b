"""A look of one's own: the case's theme, and templates in the place of the project's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cachelib.model.case.case import Case, load_case
from cachelib.model.case.theme import Theme, contrast
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.document.formats import html, markdown
from cachelib.report.document.material import Material
from cachelib.report.reuse.own_templates import OwnTemplateError, check
from cachelib.report.reuse.plan import Request, plan
from cachelib.report.templates import Templates
from tests.report.in_process import committed

SMALL = Path(__file__).with_name("small.yaml")
DOT = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>'


@pytest.fixture(scope="module")
def material() -> Material:
    return committed()


def own(folder: Path, **files: str) -> Templates:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_md_j2", ".md.j2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    templates = Templates(folder)
    check(templates)
    return templates


def themed(material: Material, **theme: str) -> Material:
    case = material.study.case.model_copy(update={"theme": Theme(**theme)})
    return replace(material, study=replace(material.study, case=case))


def test_one_section_is_overridden_and_the_others_stay(material: Material, tmp_path: Path) -> None:
    templates = own(tmp_path, sections__when_md_j2="## Our own words\n\n{{ case.title }}, for us.")
    text = markdown.files(replace(material, templates=templates))["report.md"]
    plain = markdown.files(material)["report.md"]
    assert "## Our own words" in text
    assert "## When another option would make sense" not in text
    assert text.partition("## Our own")[0] == plain.partition("## When another")[0]


def test_own_style_follows_that_of_the_page(material: Material, tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("h1 { color: teal; }")
    page = html.files(replace(material, templates=own(tmp_path)))["report.html"]
    assert page.index("h1 { color: teal; }") > page.index("--accent: #0062a3")


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ section.__globals__ }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
        "{{ case.assumed.clear() }}",
    ],
)
def test_a_template_reaches_nothing_but_what_it_is_given(
    material: Material, tmp_path: Path, attack: str
) -> None:
    from jinja2.exceptions import SecurityError

    templates = own(tmp_path, sections__when_md_j2=attack)
    with pytest.raises(SecurityError):
        markdown.files(replace(material, templates=templates))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sections/wen.md.j2", "x", "takes the place of no template; did you mean"),
        ("sections/when.md.j2", "{% if %}", "when.md.j2:1: "),
        ("style.css", "h1 {}</style><script>", "would end the style"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_runs(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(OwnTemplateError, match=words):
        Request.of({"case": str(SMALL)}, tmp_path / "out", tmp_path)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(OwnTemplateError, match="no templates lie there"):
        own(tmp_path)


def test_the_report_is_out_of_date_when_an_own_template_changes(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    own(folder, sections__when_md_j2="## One")
    asked = Request.of({"case": str(SMALL)}, tmp_path / "out", folder)
    before = plan(asked).document.ingredients
    own(folder, sections__when_md_j2="## Two")
    after = plan(asked).document.ingredients
    changed = {name for name in after if before[name] != after[name]}
    assert changed == {"your sections/when.md.j2"}


def test_the_page_bears_the_case_s_colour_font_and_logo(material: Material, tmp_path: Path) -> None:
    (tmp_path / "dot.svg").write_text(DOT)
    one = themed(material, accent="#7a1f5c", font="Inter, Noto Sans", logo="dot.svg")
    one = replace(one, study=replace(one.study, folder=tmp_path))
    page = html.files(one)["report.html"]
    assert "--accent: #7a1f5c" in page
    assert "--sans: Inter, Noto Sans, system-ui" in page
    assert '<img class="logo" src="data:image/svg+xml;base64,' in page
    assert 'class="logo"' not in html.files(material)["report.html"]


def test_the_look_changes_no_word(material: Material) -> None:
    assert markdown.files(themed(material, accent="#7a1f5c")) == markdown.files(material)


def case_with(folder: Path, **theme: str) -> Case:
    raw = YAML(typ="safe", pure=True).load(SMALL.read_text("utf-8"))
    YAML().dump({**raw, "theme": theme}, folder / "case.yaml")
    return load_case(folder)


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        ({"accent": "#ffd400"}, "hard to read on a light ground"),
        ({"accent_dark": "#101010"}, "hard to read on a dark ground"),
        ({"accent": "teal"}, "write a colour as #rrggbb"),
        ({"font": "x; } body { background: url(//evil.example)"}, "name font families"),
        ({"logo": "gone.svg"}, "there is no 'gone.svg'"),
        ({"logo": "../secret.svg"}, "beside the case file or below it"),
        ({"logo": "case.yaml"}, "an SVG or a PNG"),
    ],
)
def test_a_theme_that_cannot_be_is_an_error_of_the_case(
    tmp_path: Path, theme: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidFileError, match=words):
        case_with(tmp_path, **theme)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
