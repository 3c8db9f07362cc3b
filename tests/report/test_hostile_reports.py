"""Whole reports of cases whose every text is hostile: nothing in them but the text.

`CACHELIB_HOSTILE=500` writes so many reports: then each of 500 strings has stood in each field by
itself; 50 do it with ten strings to a text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.report import hostile
from tests.report.in_process import Report

REPORTS = int(os.environ.get("CACHELIB_HOSTILE", "2"))
STRINGS = hostile.strings(500)
AT_ONCE = max(1, len(STRINGS) // REPORTS) if REPORTS >= 25 else 1
CHEAP = {
    "draws": 100, "live_requests": 0, "isolate_counts": (1, 3), "traffic_factors": (0.1, 1),
    "ttl_factors": (0.1, 1),
}  # fmt: skip


def files(folder: Path, texts: Iterator[str]) -> dict[str, str]:
    path = folder / "case.yaml"
    path.write_text(json.dumps(hostile.case(texts), ensure_ascii=False), "utf-8")
    return Report({"case": str(path), **CHEAP}).files


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, hostile.Outline]:
    """What the report of the same case is made of, where every text is harmless."""
    made = files(tmp_path_factory.mktemp("harmless"), hostile.harmless())
    return {name: hostile.outline(name, text) for name, text in made.items()}


def brief(found: hostile.Outline) -> str:
    """A part may be a text of a million characters, of which pytest would show the difference."""
    return "; ".join(f"{times} × {' '.join(part)[:200]!r}" for part, times in found.items())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(REPORTS))
def test_a_report_is_made_of_the_same_parts_whatever_the_texts_say(
    first: int, tmp_path: Path, expected: dict[str, hostile.Outline]
) -> None:
    texts = ["\n".join(STRINGS[at : at + AT_ONCE]) for at in range(0, len(STRINGS), AT_ONCE)]
    made = files(tmp_path, islice(cycle(texts), first, None))
    assert made.keys() == expected.keys()
    for name, text in made.items():
        more = hostile.outline(name, text) - expected[name]
        assert not more, f"{name}: {brief(more)}"
