"""Of a file that is no YAML it is said what to do, and on which line, in no parser's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachelib.model.schema.typed_yaml import InvalidFileError, read

UNREADABLE = {
    "a tab": (b"a: 1\n\tb: 2\n", 2, "a tab, with which nothing may be indented"),
    "a bracket opened twice": (b"a: 1\nb: {x: 1, [, y: 2}\n", 2, "a bracket that is not closed"),
    "a bracket left open": (b"a: {x: 1\nb: 3\n", 2, "the { of line 1 is not closed"),
    "a list left open": (b"a: [x, y\nb: 3\n", 2, "close it with ]"),
    "a key twice": (b"a: 1\nkeys: 8\nkeys: 9\n", 3, "'keys' is there twice; keep one"),
    "a quote left open": (b"a: 1\nb: 'x\nc: 1\n", 2, "a quote is opened here"),
    "a line that is no pair": (b"a: 1\nxyz\nb: 2\n", 2, "neither `name: value` nor"),
    "a colon in a text": (b"a: b: c\n", 1, "put a text that has one between quotes"),
    "an odd indentation": (b"a:\n  b: 1\n c: 2\n", 3, "not indented as the lines"),
    "a sign that begins no value": (b"a: @x\n", 1, "put the value between quotes"),
    "Latin-1": ("a: 1\nb: Straße\n".encode("latin-1"), 2, "save the file as plain text in UTF-8"),
    "a NUL": (b"a: 1\nb: x\nc: \0\n", 3, "U+0000: remove it, and save the file as"),
}
WORDS_OF_PARSERS = ("found", "expected", "codec", "token", "node", "stream", "scalar", "mapping")


@pytest.mark.parametrize(("content", "line", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told_with_its_line_and_what_to_do(
    tmp_path: Path, content: bytes, line: int, said: str
) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidFileError) as refused:
        read(path)
    (problem,) = refused.value.problems
    assert (problem.line, said in problem.message) == (line, True), problem
    assert not [word for word in WORDS_OF_PARSERS if word in problem.message]
