"""Reports of cases whose every text is hostile: nothing in them but the text.

`CACHELIB_HOSTILE=500` puts each of 500 strings into each field by itself, and makes 50 of these
reports with their experiments; else a few documents have each string in some field.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.report import hostile
from tests.report.in_place import Twin
from tests.report.in_process import Report

STRINGS = hostile.strings(500)
DOCUMENTS = min(int(os.environ.get("CACHELIB_HOSTILE", "6")), len(STRINGS))
FIRSTS = sorted({14, *range(0, len(STRINGS), len(STRINGS) // DOCUMENTS)})
"""The 14th asks a question that begins with blanks, which became an item of a list once."""
CHEAP = {
    "draws": 100, "live_requests": 0, "isolate_counts": (1, 3), "traffic_factors": (0.1, 1),
    "ttl_factors": (0.1, 1),
}  # fmt: skip
Outlines = Mapping[str, hostile.Outline]

pytestmark = pytest.mark.timeout(300)


class Written:
    """A case in a file, whose texts are the strings from the nth on."""

    def __init__(self, folder: Path, texts: Iterator[str]) -> None:
        self.case = hostile.case(texts)
        path = folder / "case.yaml"
        path.write_text(json.dumps(self.case, ensure_ascii=False), "utf-8")
        self.given: dict[str, Any] = {"case": str(path), **CHEAP}


def with_strings(folder: Path, first: int) -> Written:
    return Written(folder, islice(cycle(STRINGS), first, None))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Twin:
    """The report of the same case, where every text is harmless."""
    written = Written(tmp_path_factory.mktemp("harmless"), hostile.harmless())
    made = Twin(Report(written.given), written.case)
    request.config.get_terminal_writer().line(
        f"{len(STRINGS)} strings × {made.fields} fields × {len(made.report.files)} files"
        f" in {DOCUMENTS} documents"
    )
    return made


@pytest.fixture(scope="module")
def expected(twin: Twin) -> Outlines:
    """What that is made of."""
    return {name: hostile.outline(name, text) for name, text in twin.report.files.items()}


def assert_of_the_same_parts(made: Mapping[str, str], expected: Outlines) -> None:
    assert made.keys() == expected.keys()
    for name, text in made.items():
        more = hostile.outline(name, text) - expected[name]
        assert not more, f"{name}: {brief(more)}"


def brief(found: hostile.Outline) -> str:
    """A part may be a text of a million characters, of which pytest would show the difference."""
    return "; ".join(f"{times} × {' '.join(part)[:200]!r}" for part, times in found.items())


@pytest.mark.parametrize("first", FIRSTS)
def test_documents_are_made_of_the_same_parts_whatever_the_texts_say(
    first: int, tmp_path: Path, twin: Twin, expected: Outlines
) -> None:
    written = with_strings(tmp_path, first)
    assert_of_the_same_parts(twin.files(written.given, written.case), expected)


@pytest.mark.parametrize("first", FIRSTS[::10])
def test_so_are_reports_whose_experiments_had_these_texts(
    first: int, tmp_path: Path, twin: Twin, expected: Outlines
) -> None:
    """They also show that texts put in their place are what experiments would have handed on."""
    written = with_strings(tmp_path, first)
    made = Report(written.given).files
    assert_of_the_same_parts(made, expected)
    in_place = twin.files(written.given, written.case)
    for name in made:
        assert without_drawings(name, made) == without_drawings(name, in_place), name


def without_drawings(name: str, files: Mapping[str, str]) -> int:
    """Of a file, all but its charts, which are as wide as their texts, and their styles, in short;
    and how long keys' names are, which are among the texts.

    Whether a name begins with a capital is the experiments' choice.
    """
    drawn = r"(?s)<svg.*?</svg>|^\.d\d+ \{[^\n]*\n?|\"key_bytes\": [\d.]+"
    return hash(re.sub(drawn, "", files[name], flags=re.MULTILINE).lower())
