"""Lines that are cut at their quotes say what the pattern says of them."""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cachelib.model.traffic.logs.formats import formats
from cachelib.model.traffic.logs.quoted_lines import cut_or_matched
from tests.conftest import examples

GROUPS = ["time", "request", "status", "bytes"]
REGEX = re.sub(r"\(\?P<\w+>", "(", formats()["clf"].regex)
MATCHED = f"regexp_extract(_inner, '{REGEX}', {GROUPS})"
STAMP = "10/Oct/2025:13:00:00 +0000"
DB = duckdb.connect()
PLAIN = f'192.0.2.1 - - [{STAMP}] "GET /a HTTP/1.1" 200 5'


def told(source: str, lines: list[str]) -> list[object]:
    DB.register("lines", pa.table({"_inner": lines}))
    return DB.execute(f"SELECT _r FROM {source}").fetchall()  # noqa: S608


odd = st.sampled_from(
    ["", " ", "-", "[", "]", '"', "\\", '\\"', "\\\\", STAMP, STAMP[:-6], "/é", "200", "5",
     "\r", "\n", f" - - [{STAMP}] ", '" 200 5', '" 304 -', "%5B"]
)  # fmt: skip


@st.composite
def nearly_plain(draw: st.DrawFn) -> str:
    """A plain line in which a few letters are others."""
    line = PLAIN
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(line)))
        line = line[:start] + draw(odd) + line[start + draw(st.integers(0, 2)) :]
    return line


@example([PLAIN.replace('] "', ']-"'), PLAIN.replace("HTTP", '\\" 200 5" 404 7 HTTP')])
@settings(max_examples=examples(100), deadline=None)
@given(st.lists(nearly_plain(), min_size=1, max_size=50))
def test_a_line_cut_at_its_quotes_says_what_the_pattern_says(lines: list[str]) -> None:
    matched = f"(SELECT *, {MATCHED} AS _r FROM lines)"  # noqa: S608
    assert told(cut_or_matched("lines", GROUPS, MATCHED), lines) == told(matched, lines)


def test_a_plain_line_needs_no_pattern() -> None:
    no_pattern = cut_or_matched("lines", GROUPS, "error('the pattern was asked')")
    lines = [PLAIN, f'{PLAIN} "-" "curl/8"', PLAIN.replace(" 5", " -"), PLAIN.replace("/a", r"/\x")]
    assert [row[0]["request"] for row in told(no_pattern, lines)] == [  # type: ignore[index]
        "GET /a HTTP/1.1", "GET /a HTTP/1.1", "GET /a HTTP/1.1", r"GET /\x HTTP/1.1",
    ]  # fmt: skip
