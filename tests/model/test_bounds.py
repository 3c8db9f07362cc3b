"""A case that no report could be made of is told so, with its line, when it is checked."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cachelib.model.case.case import load_case
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.experiments.parameters import ParameterError, parse_assignments

SMALL = (Path(__file__).parents[1] / "report" / "small.yaml").read_text("utf-8")
BOMB = "\n".join(
    ["a0: &a0 {x: 1}"]
    + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], y{n}: 1}}" for n in range(1, 12)]
)
LAUGHS = "\n".join(
    ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)


def problem(tmp_path: Path, text: str) -> str:
    path = tmp_path / "case.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidFileError) as found:
        load_case(path)
    return str(found.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (r'"a \ud800 b"', "U+D800"),
        (r'"a \udc00\ud800 b"', "U+DC00"),
        (r'"a \ud83d\ud83d\ude00 b"', "U+D83D"),
        (r'"\ud83d\ude00\ude00"', "U+DE00"),
        (r'"\udbff\udfff"', "U+10FFFF"),
        (r'"a \x1b[31m"', "U+001B"),
        (r'"a \x85 b"', "U+0085"),
        (r'"a \u202e b"', "right-to-left override"),
        (r'"a\u200bb"', "zero width space"),
        (r'"a\u200db"', "zero width joiner"),
        (r'"a\ufeffb"', "zero width no-break space"),
        (r'"a\ufffeb"', "U+FFFE"),
        (r'"a\ue000b"', "U+E000"),
        (r'"\U000e0041"', "tag latin capital letter a"),
        ("x" * 1_000_000, "1,000,000 characters; at most 10,000"),
        ("9" * 5_000, "a number of 5,000 characters"),
        ("0." + "9" * 5_000, "a number of 5,002 characters"),
    ],
)
def test_what_no_report_can_show_is_told_with_its_line(
    tmp_path: Path, value: str, said: str
) -> None:
    lines = SMALL.splitlines()
    lines[0] = f"title: {value}"
    assert SMALL.startswith("title:")
    found = problem(tmp_path, "\n".join(lines))
    assert found.startswith("1: ")
    assert said in found


@pytest.mark.parametrize(
    "said", ["title=\udcff", r'title="\ud83d"', "title=a\x1b[31m", "knobs={a: {why: [\u202e]}}"]
)
def test_so_is_it_on_the_command_line(said: str) -> None:
    with pytest.raises(ParameterError, match="leave it out"):
        parse_assignments([said])
    assert parse_assignments([r'title="\ud83d\ude00"']) == {"title": "\U0001f600"}


@pytest.mark.parametrize("said", ["origin_ms=", "title= ", "origin_ms"])
def test_a_parameter_that_is_given_nothing_is_an_error(said: str) -> None:
    with pytest.raises(ParameterError, match="write NAME=VALUE; NAME=null for none"):
        parse_assignments([said])
    assert parse_assignments(["trace=null"]) == {"trace": None}


def test_so_is_what_stands_for_billions() -> None:
    laughs = "[&a [x, x]" + "".join(
        f", &{to} [{', '.join([f'*{of}'] * 9)}]" for of, to in pairwise("abcdefghijkl")
    )
    with pytest.raises(ParameterError, match=r"-p knobs\.a: .* too many parts"):
        parse_assignments([f"knobs.a={laughs}]"])


@pytest.mark.parametrize("bomb", [BOMB, LAUGHS])
def test_a_few_lines_that_stand_for_billions_are_refused_at_once(tmp_path: Path, bomb: str) -> None:
    assert "too many parts" in problem(tmp_path, bomb)


def test_so_is_what_contains_itself(tmp_path: Path) -> None:
    assert "2: refers to itself" in problem(tmp_path, "b: 1\na: &a [1, *a]")


def test_so_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "case.yaml")
    with pytest.raises(InvalidFileError, match="a pipe"):
        load_case(tmp_path / "case.yaml")


def test_other_scripts_and_pictures_are_welcome(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    title = "title: می‌خواهم 用户 👨‍👩‍👧 $5 a\\b ❤️"
    path.write_text("\n".join([title, *SMALL.splitlines()[1:]]), "utf-8")
    assert load_case(path).title == title.removeprefix("title: ")


def test_characters_beyond_the_first_plane_may_be_written_as_json_writes_them(
    tmp_path: Path,
) -> None:
    said = {**YAML(typ="safe").load(SMALL), "title": "\U0001f600 a\U0001f468\u200d\U0001f469b"}
    said["assumptions"]["hourly_rate_usd"]["why"] = "\U0001d7d8 measured"
    path = tmp_path / "case.json"
    path.write_text(json.dumps(said), "ascii")
    case = load_case(path)
    assert case.title == said["title"]
    assert "\U0001d7d8 measured" in case.model_dump_json()
